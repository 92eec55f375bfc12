//! Versions of tags, and what the model makes of them.

use std::sync::atomic::Ordering;

use cache_core::{StoreFuture, Tag, TagStore, TagVersions};

use super::{Flaw, Model, Slot, State, unavailable};

impl TagStore for Model {
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions> {
        if self.trouble.versions_fail.load(Ordering::SeqCst) {
            return StoreFuture::ready(Err(unavailable()));
        }
        if self.trouble.versions_wait.load(Ordering::SeqCst) {
            return self.on_its_way(self.read_versions(tags));
        }
        StoreFuture::ok(self.read_versions(tags))
    }

    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()> {
        let mut state = self.state();
        match self.flaw {
            Flaw::FlushOfNoTagsFlushesAll if tags.is_empty() => state.versions.clear(),
            Flaw::TagFlushTakesAll => state.slots.clear(),
            Flaw::TagFlushTakesTheUntagged => state.slots.retain(|_, slot| !slot.tags.is_empty()),
            _ => {}
        }
        let most = if self.is(Flaw::FlushesOneTag) { 1 } else { usize::MAX };
        for tag in tags.iter().take(most) {
            let name = self.tag_name(tag.as_str());
            match self.flaw {
                Flaw::FlushKeepsVersions => {}
                Flaw::VersionsRepeat => drop(state.versions.remove(&name)),
                Flaw::FlushComesLate => {
                    state.late.0.push(name);
                    state.late.1 = 3;
                }
                _ => state.renew(name),
            }
            if self.is(Flaw::TagFlushTakesTheKey) {
                state.slots.remove(tag.as_str());
            }
        }
        StoreFuture::ok(())
    }
}

impl Model {
    fn tag_name(&self, tag: &str) -> String {
        match self.flaw {
            Flaw::FoldsTags => tag.to_lowercase(),
            Flaw::TrimsTags => tag.trim().into(),
            Flaw::CutsTags => tag.chars().take(4_095).collect(),
            Flaw::OneVersionForAll => String::new(),
            _ => tag.into(),
        }
    }

    /// Its tags are what they were, all of them.
    pub(super) fn is_current(&self, state: &State, slot: &Slot) -> bool {
        let current = |(tag, version): &(String, u64)| {
            state.versions.get(&self.tag_name(tag)) == Some(version)
        };
        let mut tags = slot.tags.iter();
        if self.is(Flaw::OneCurrentTagIsEnough) && !slot.tags.is_empty() {
            return tags.any(current);
        }
        tags.all(current)
    }

    pub(super) fn current(&self, state: &mut State, tags: &[Tag<'_>]) -> Vec<(String, u64)> {
        tags.iter()
            .map(|tag| {
                let fresh = if self.is(Flaw::VersionsRepeat) { 1 } else { state.unused() };
                let name = self.tag_name(tag.as_str());
                (tag.as_str().into(), *state.versions.entry(name).or_insert(fresh))
            })
            .collect()
    }

    /// The versions that tags have now which have been read before.
    pub(super) fn now(&self, state: &mut State, seen: &TagVersions) -> Vec<(String, u64)> {
        let names: Vec<_> = seen.iter().map(|(name, _)| Tag::new(name).unwrap()).collect();
        self.current(state, &names)
    }

    /// Gives the slot the versions of now.
    pub(super) fn renewed(&self, state: &mut State, mut slot: Slot) -> Slot {
        for (tag, version) in &mut slot.tags {
            let now = self.current(state, &[Tag::new(tag).unwrap()]);
            *version = now[0].1;
        }
        slot
    }

    fn read_versions(&self, tags: &[Tag<'_>]) -> TagVersions {
        let state = &mut *self.state();
        if self.is(Flaw::VersionsChangeWhenAsked) {
            for tag in tags {
                state.renew(tag.as_str().into());
            }
        }
        let mut pairs = self.current(state, tags);
        if self.is(Flaw::VersionsLoseTheOrder) {
            pairs.reverse();
        }
        TagVersions::new(pairs.into_iter().map(|(tag, version)| (tag.into(), version)))
    }
}
