//! The tags of a store: which version each of them has now.
//!
//! They live apart from the table, which evicts. A tag has a version while somebody uses it: an entry that bears it,
//! in the table or out of it, or a load that has read it. A version that was given up never comes back, so an
//! entry that was stored under it is a miss at worst.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cache_core::{Error, ErrorKind, Tag, TagVersions, Tagging};
use quick_cache::DefaultHashBuilder;

use crate::interned::InUse;
use crate::marks::{Marks, Version};

#[derive(Debug)]
pub(crate) struct Tags {
    versions: InUse<Version>,
    /// By the names of their tags, in order.
    marks: InUse<Marks>,
    /// The last number that a version was given.
    last: AtomicU64,
    hasher: DefaultHashBuilder,
}

impl Tags {
    pub(crate) fn new() -> Self {
        Self {
            versions: InUse::new(),
            marks: InUse::new(),
            last: AtomicU64::new(0),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// What an entry bears that is stored now.
    #[inline]
    pub(crate) fn marks(&self, tagging: Tagging<'_>) -> Result<Option<Arc<Marks>>, Error> {
        match tagging {
            Tagging::Untagged => Ok(None),
            Tagging::Current(tags) => Ok(self.current(|| tags.iter().map(|tag| tag.as_str()))),
            Tagging::AsOf(seen) => Ok(self.as_of(seen)),
            _ => Err(unknown()),
        }
    }

    /// The versions that `tags` have now. They are not given up while the answer is there.
    pub(crate) fn versions(&self, tags: &[Tag<'_>]) -> TagVersions {
        match self.current(|| tags.iter().map(|tag| tag.as_str())) {
            Some(marks) => TagVersions::new(marks.iter().map(|(tag, number)| (tag.into(), number)))
                .holding(marks),
            None => TagVersions::default(),
        }
    }

    /// Ends the versions that `tags` have now. Returns whether there may be entries that bear one.
    pub(crate) fn flush(&self, tags: &[Tag<'_>]) -> bool {
        let mut were_borne = false;
        for tag in tags {
            let (hash, tag) = (self.hasher.hash_one(tag.as_str()), tag.as_str());
            // A tag without a version has no entries, and no load that has read it.
            if let Some(version) =
                self.versions.take(hash, |there| there.is_of(tag), Version::flush)
            {
                were_borne |= Arc::strong_count(&version) > 1;
            }
        }
        were_borne
    }

    /// Gives up what is not in use, in short steps, each of which says how much it has looked at. Marks first: they
    /// use versions.
    pub(crate) fn tidy(&self) -> impl Iterator<Item = usize> {
        self.marks.tidy().chain(self.versions.tidy())
    }

    /// How many tags have a version, and how many sets of them are known.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.versions.len(), self.marks.len())
    }

    /// The tags at their versions of now; none if there are no tags.
    fn current<'t, N: Iterator<Item = &'t str>>(&self, tags: impl Fn() -> N) -> Option<Arc<Marks>> {
        let hash = self.hash(tags());
        let are_these = |marks: &Marks| marks.iter().map(|(tag, _)| tag).eq(tags());
        if let Some(marks) = self.marks.find(hash, are_these) {
            return Some(marks);
        }
        let marks = Marks::new(tags().map(|tag| self.version(tag)))?;
        Some(self.marks.find_or(hash, are_these, Arc::new(marks)))
    }

    /// The same at the versions that were seen, or what is flushed already.
    fn as_of(&self, seen: &TagVersions) -> Option<Arc<Marks>> {
        let marks = self.current(|| seen.iter().map(|(tag, _)| tag))?;
        Some(if marks.iter().eq(seen.iter()) { marks } else { Arc::new(Marks::flushed()) })
    }

    fn version(&self, tag: &str) -> Arc<Version> {
        let hash = self.hasher.hash_one(tag);
        self.versions.find(hash, |there| there.is_of(tag)).unwrap_or_else(|| {
            let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            self.versions.find_or(
                hash,
                |there| there.is_of(tag),
                Arc::new(Version::new(tag, number)),
            )
        })
    }

    fn hash<'t>(&self, tags: impl Iterator<Item = &'t str>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        tags.for_each(|tag| tag.hash(&mut hasher));
        hasher.finish()
    }
}

#[cold]
fn unknown() -> Error {
    Error::new(ErrorKind::Unsupported, "the memory store does not know this way to tag an entry")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<const N: usize>(names: [&str; N]) -> [Tag<'_>; N] {
        names.map(|name| Tag::new(name).unwrap())
    }

    fn current<const N: usize>(store: &Tags, names: [&str; N]) -> Arc<Marks> {
        store.marks(Tagging::Current(&tags(names))).unwrap().unwrap()
    }

    fn tidied(store: &Tags) -> (usize, usize) {
        store.tidy().for_each(drop);
        store.len()
    }

    #[test]
    fn entries_under_the_same_tags_share_their_marks() {
        let store = Tags::new();
        let marks = current(&store, ["a", "b"]);
        assert!(Arc::ptr_eq(&marks, &current(&store, ["a", "b"])));
        let seen = store.versions(&tags(["a", "b"]));
        let as_of = store.marks(Tagging::AsOf(&seen)).unwrap().unwrap();
        assert!(Arc::ptr_eq(&marks, &as_of));
        // Names that are the same one behind the other.
        assert!(!Arc::ptr_eq(&marks, &current(&store, ["ab"])));
        assert!(!Arc::ptr_eq(&marks, &current(&store, ["a"])));
    }

    #[test]
    fn no_tags_leave_no_marks() {
        let store = Tags::new();
        for tagging in
            [Tagging::Untagged, Tagging::Current(&[]), Tagging::AsOf(&TagVersions::default())]
        {
            assert!(store.marks(tagging).unwrap().is_none());
        }
        assert_eq!(store.versions(&[]), TagVersions::default());
        assert!(!store.flush(&[]));
    }

    #[test]
    fn a_flush_ends_whatever_bears_one_of_the_tags() {
        let store = Tags::new();
        let (both, one) = (current(&store, ["a", "b"]), current(&store, ["a"]));
        assert!(store.flush(&tags(["b", "unknown"])));
        assert!(!both.are_current() && one.are_current());
        assert!(current(&store, ["a", "b"]).are_current());
        assert!(!store.flush(&tags(["unknown"])), "nobody bears it");
    }

    #[test]
    fn what_was_seen_before_a_flush_is_not_current_after_it() {
        let store = Tags::new();
        let seen = store.versions(&tags(["a", "b"]));
        assert!(store.marks(Tagging::AsOf(&seen)).unwrap().unwrap().are_current());
        store.flush(&tags(["b"]));
        assert!(!store.marks(Tagging::AsOf(&seen)).unwrap().unwrap().are_current());
        assert_ne!(store.versions(&tags(["a", "b"])), seen);
    }

    #[test]
    fn what_nobody_holds_is_given_up_and_never_comes_back() {
        let store = Tags::new();
        let held = current(&store, ["a", "b"]);
        let seen = store.versions(&tags(["c"]));
        let seen_copy = TagVersions::new(seen.iter().map(|(tag, number)| (tag.into(), number)));
        assert_eq!(tidied(&store), (3, 2), "a load that has read a version holds it");
        drop(seen);
        assert_eq!(tidied(&store), (2, 1));
        assert!(!store.marks(Tagging::AsOf(&seen_copy)).unwrap().unwrap().are_current());
        assert!(held.are_current());
        drop(held);
        assert_eq!(tidied(&store), (0, 0));
    }

    #[test]
    fn marks_that_were_flushed_are_not_kept_for_those_who_bear_them() {
        let store = Tags::new();
        let borne = current(&store, ["a"]);
        store.flush(&tags(["a"]));
        assert_eq!(tidied(&store), (0, 0));
        assert!(!borne.are_current());
    }

    #[test]
    fn insertions_give_up_what_is_not_in_use() {
        let store = Tags::new();
        let held: Vec<_> = (0..100).map(|n| current(&store, [&format!("held {n}")])).collect();
        for n in 0..100_000 {
            current(&store, [&format!("let go {n}")]);
        }
        let (versions, marks) = store.len();
        assert!(versions < 2_000 && marks < 2_000, "{versions} and {marks} are left");
        assert!(held.iter().all(|marks| marks.are_current()));
        for (n, marks) in held.iter().enumerate() {
            assert!(Arc::ptr_eq(marks, &current(&store, [&format!("held {n}")])));
        }
    }

    /// What would let a flush miss an entry: two versions of a tag at once, of which the map knows one.
    #[test]
    fn nobody_holds_a_version_that_the_map_has_given_up() {
        let store = Tags::new();
        std::thread::scope(|scope| {
            let users = [(); 2].map(|()| {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let first = store.version("a");
                        assert!(Arc::ptr_eq(&first, &store.version("a")));
                        let first = current(&store, ["a", "b"]);
                        assert!(Arc::ptr_eq(&first, &current(&store, ["a", "b"])));
                    }
                })
            });
            while !users.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                tidied(&store);
            }
        });
    }
}
