//! A store that is as simple as can be, and wrong on purpose where it is told to be.
//!
//! One mutex, one map, tokio's clock. Without a flaw it passes the whole suite, tags and locks included;
//! with one it must fail the case that is there for it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use cache_core::{
    Acquisition, Encoded, Entry, Error, ErrorKind, Fence, Kept, Key, Lifetime, LockState,
    LockStore, Owner, Payload, Store, StoreFuture, Tag, TagStore, TagVersions, Tagging, Terms, Ttl,
    Value,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What a model does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    IgnoresLifetimes,
    /// Serves an entry at its deadline.
    ExpiresLate,
    /// Removes what has expired in a second step, whatever is there by then.
    RemovesPlainly,
    RoundsWhatIsLeftDown,
    PutKeepsTheLifetime,
    TouchRevives,
    TouchOfZeroKeeps,
    AddOverwrites,
    AddLooksFirst,
    PullLooksFirst,
    ForgetIsAlwaysTrue,
    CountsInTwoSteps,
    CountingProlongs,
    CountersLiveForEver,
    CountsOnWhereExpired,
    CountsWrap,
    CountsAnything,
    LosesTheOrder,
    AnswersADuplicateOnce,
    ForgetsDuplicatesTwice,
    FirstOfTwoStays,
    TrimsKeys,
    CutsKeys,
    FlushLeavesTheEternal,
    KeepsOverAnything,
    ForgetsTags,
    FlushKeepsVersions,
    FlushOfValuesRenewsVersions,
    ForgetsWhatWasReadBefore,
    AnybodyReleases,
    AnybodyRenews,
    LeasesDoNotEnd,
    FencesRepeat,
    FlushFreesLocks,
}

pub(crate) struct Model {
    flaw: Flaw,
    state: Mutex<State>,
    pub(crate) trouble: Trouble,
}

/// What befalls a model from outside.
#[derive(Default)]
pub(crate) struct Trouble {
    pub(crate) reads_fail: AtomicBool,
    pub(crate) writes_fail: AtomicBool,
    /// While it is set, a `put` takes a permit before it takes place.
    pub(crate) puts_wait: AtomicBool,
    pub(crate) permits: Permits,
}

pub(crate) struct Permits(pub(crate) Semaphore);

impl Default for Permits {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "the model is out of reach")
}

#[derive(Default)]
struct State {
    slots: HashMap<String, Slot>,
    versions: HashMap<String, u64>,
    leases: HashMap<String, Lease>,
    /// For versions and fences: never the same twice.
    next: u64,
}

#[derive(Clone)]
struct Slot {
    value: Value,
    deadline: Option<Instant>,
    tags: Vec<(String, u64)>,
}

struct Lease {
    owner: Owner,
    until: Instant,
}

impl Model {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self { flaw, state: Mutex::default(), trouble: Trouble::default() }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn name(&self, key: Key<'_>) -> String {
        let text = key.as_str();
        match self.flaw {
            Flaw::TrimsKeys => text.trim().into(),
            Flaw::CutsKeys => text.chars().take(65_534).collect(),
            _ => text.into(),
        }
    }

    fn is_live(&self, state: &State, slot: &Slot) -> bool {
        let fresh = slot.deadline.is_none_or(|deadline| match self.flaw {
            Flaw::IgnoresLifetimes => true,
            Flaw::ExpiresLate => Instant::now() <= deadline,
            _ => Instant::now() < deadline,
        });
        fresh && slot.tags.iter().all(|(tag, version)| state.versions.get(tag) == Some(version))
    }

    fn live<'s>(&self, state: &'s State, key: Key<'_>) -> Option<&'s Slot> {
        state.slots.get(&self.name(key)).filter(|slot| self.is_live(state, slot))
    }

    fn slot(&self, state: &mut State, payload: Payload<'_>, terms: Terms<'_>) -> Slot {
        let tags = match terms.tags {
            _ if self.is(Flaw::ForgetsTags) => Vec::new(),
            Tagging::Current(tags) => Self::current(state, tags),
            Tagging::AsOf(seen) if self.is(Flaw::ForgetsWhatWasReadBefore) => {
                let names: Vec<_> = seen.iter().map(|(name, _)| Tag::new(name).unwrap()).collect();
                Self::current(state, &names)
            }
            Tagging::AsOf(seen) => {
                seen.iter().map(|(tag, version)| (tag.into(), version)).collect()
            }
            _ => Vec::new(),
        };
        Slot { value: payload.to_value(), deadline: deadline(terms.lifetime), tags }
    }

    fn current(state: &mut State, tags: &[Tag<'_>]) -> Vec<(String, u64)> {
        tags.iter()
            .map(|tag| {
                state.next += 1;
                let fresh = state.next;
                (tag.as_str().into(), *state.versions.entry(tag.as_str().into()).or_insert(fresh))
            })
            .collect()
    }

    fn insert(&self, key: Key<'_>, payload: Payload<'_>, terms: Terms<'_>) {
        let state = &mut *self.state();
        let mut slot = self.slot(state, payload, terms);
        if self.is(Flaw::PutKeepsTheLifetime)
            && let Some(there) = self.live(state, key)
        {
            slot.deadline = there.deadline;
        }
        state.slots.insert(self.name(key), slot);
    }

    fn read(&self, key: Key<'_>) -> Option<Entry> {
        self.live(&self.state(), key).map(|slot| Entry::new(slot.value.clone()))
    }

    fn remove(&self, key: Key<'_>) -> Option<Entry> {
        let state = &mut *self.state();
        let slot = state.slots.remove(&self.name(key))?;
        self.is_live(state, &slot).then(|| Entry::new(slot.value))
    }

    /// For the flaws that look and then act: gives everybody else the time to come in between.
    fn in_two_steps<'a, T: Send + 'a>(act: impl FnOnce() -> T + Send + 'a) -> StoreFuture<'a, T> {
        StoreFuture::pending(async move {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            Ok(act())
        })
    }

    fn counted(&self, slot: &mut Slot, by: i64) -> Result<i64, Error> {
        let Value::Integer(integer) = &mut slot.value else {
            if self.is(Flaw::CountsAnything) {
                slot.value = Value::Integer(by);
                return Ok(by);
            }
            return Err(Error::new(ErrorKind::NotACounter, "not an integer"));
        };
        *integer = match integer.checked_add(by) {
            Some(sum) => sum,
            None if self.is(Flaw::CountsWrap) => integer.wrapping_add(by),
            None => return Err(Error::new(ErrorKind::CounterOverflow, "too large")),
        };
        Ok(*integer)
    }
}

fn deadline(lifetime: Lifetime) -> Option<Instant> {
    lifetime.duration().map(|duration| Instant::now() + duration)
}

impl Store for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        if self.trouble.reads_fail.load(Ordering::SeqCst) {
            return StoreFuture::ready(Err(unavailable()));
        }
        let found = self.read(key);
        let name = self.name(key);
        if found.is_none()
            && self.is(Flaw::RemovesPlainly)
            && self.state().slots.contains_key(&name)
        {
            return Self::in_two_steps(move || {
                self.state().slots.remove(&name);
                None
            });
        }
        StoreFuture::ok(found)
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        let mut answers: Vec<_> = keys.iter().map(|key| self.read(*key)).collect();
        if self.is(Flaw::LosesTheOrder) {
            answers.reverse();
        }
        if self.is(Flaw::AnswersADuplicateOnce) {
            for n in 0..keys.len() {
                if keys[..n].contains(&keys[n]) {
                    answers[n] = None;
                }
            }
        }
        StoreFuture::ok(answers)
    }

    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::ok(self.read(key).is_some())
    }

    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        let state = self.state();
        StoreFuture::ok(self.live(&state, key).map(|slot| match slot.deadline {
            None => Ttl::FOREVER,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let down = Ttl::milliseconds(u64::try_from(left.as_millis()).unwrap());
                if self.is(Flaw::RoundsWhatIsLeftDown) {
                    down
                } else {
                    Ttl::from_duration(left).unwrap()
                }
            }
        }))
    }

    fn put<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        if self.trouble.writes_fail.load(Ordering::SeqCst) {
            return StoreFuture::ready(Err(unavailable()));
        }
        if self.trouble.puts_wait.load(Ordering::SeqCst) {
            let (value, lifetime) = (payload.to_value(), terms.lifetime);
            return StoreFuture::pending(async move {
                self.trouble.permits.0.acquire().await.expect("never closed").forget();
                self.insert(key, value.as_payload(), Terms::untagged(lifetime));
                Ok(())
            });
        }
        self.insert(key, payload, terms);
        StoreFuture::ok(())
    }

    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let mut entries = entries.to_vec();
        if self.is(Flaw::FirstOfTwoStays) {
            entries.reverse();
        }
        for (key, payload) in entries {
            self.insert(key, payload, terms);
        }
        StoreFuture::ok(())
    }

    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let slot = self.slot(&mut state, payload, terms);
        let absent = self.live(&state, key).is_none();
        if absent && self.is(Flaw::AddLooksFirst) {
            return Self::in_two_steps(move || {
                self.state().slots.insert(self.name(key), slot);
                true
            });
        }
        if absent || self.is(Flaw::AddOverwrites) {
            state.slots.insert(self.name(key), slot);
        }
        StoreFuture::ok(absent)
    }

    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        if self.is(Flaw::PullLooksFirst) {
            let found = self.read(key);
            return Self::in_two_steps(move || {
                self.remove(key);
                found
            });
        }
        StoreFuture::ok(self.remove(key))
    }

    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        let there = self.remove(key).is_some();
        StoreFuture::ok(there || self.is(Flaw::ForgetIsAlwaysTrue))
    }

    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        if self.is(Flaw::ForgetsDuplicatesTwice) {
            let there = keys.iter().filter(|key| self.read(**key).is_some()).count();
            for key in keys {
                self.remove(*key);
            }
            return StoreFuture::ok(there);
        }
        StoreFuture::ok(keys.iter().filter(|key| self.remove(**key).is_some()).count())
    }

    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        let Some(lifetime) = lifetime else {
            let live = self.read(key).is_some();
            if !self.is(Flaw::TouchOfZeroKeeps) {
                self.remove(key);
            }
            return StoreFuture::ok(live);
        };
        let state = &mut *self.state();
        let live = self.live(state, key).is_some();
        let there = state.slots.get_mut(&self.name(key));
        match there.filter(|_| live || self.is(Flaw::TouchRevives)) {
            None => StoreFuture::ok(false),
            Some(slot) => {
                slot.deadline = deadline(lifetime);
                StoreFuture::ok(true)
            }
        }
    }

    fn increment<'a>(&'a self, key: Key<'a>, by: i64, created: Terms<'_>) -> StoreFuture<'a, i64> {
        let state = &mut *self.state();
        let mut fresh = self.slot(state, Payload::Integer(0), created);
        if self.is(Flaw::CountersLiveForEver) {
            fresh.deadline = None;
        }
        let there = if self.is(Flaw::CountsOnWhereExpired) {
            state.slots.get(&self.name(key))
        } else {
            self.live(state, key)
        };
        let mut slot = there.cloned().unwrap_or_else(|| fresh.clone());
        let counted = match self.counted(&mut slot, by) {
            Ok(counted) => counted,
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        if self.is(Flaw::CountingProlongs) {
            slot.deadline = fresh.deadline;
        }
        if self.is(Flaw::CountsInTwoSteps) {
            return Self::in_two_steps(move || {
                self.state().slots.insert(self.name(key), slot);
                counted
            });
        }
        state.slots.insert(self.name(key), slot);
        StoreFuture::ok(counted)
    }

    fn kept(&self, key: Key<'_>) -> Option<Kept> {
        self.live(&self.state(), key)?.value.clone().into_kept()
    }

    fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded) {
        let state = &mut *self.state();
        if self.is(Flaw::KeepsOverAnything) {
            let slot = Slot { value: Value::Encoded(kept), deadline: None, tags: Vec::new() };
            state.slots.insert(self.name(key), slot);
        } else if let Some(slot) = state.slots.get_mut(&self.name(key))
            && let Value::Encoded(there) = &mut slot.value
            && there.is_same(seen)
        {
            *there = kept;
        }
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        let state = &mut *self.state();
        let leaves = self.is(Flaw::FlushLeavesTheEternal);
        state.slots.retain(|_, slot| leaves && slot.deadline.is_none());
        if self.is(Flaw::FlushFreesLocks) {
            state.leases.clear();
        }
        if self.is(Flaw::FlushOfValuesRenewsVersions) {
            state.versions.clear();
        }
        StoreFuture::ok(())
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.state().slots.clear();
        StoreFuture::ok(())
    }

    fn tags(&self) -> Option<&dyn TagStore> {
        Some(self)
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
    }
}

impl TagStore for Model {
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions> {
        let pairs = Self::current(&mut self.state(), tags);
        StoreFuture::ok(TagVersions::new(
            pairs.into_iter().map(|(tag, version)| (tag.into(), version)),
        ))
    }

    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()> {
        let mut state = self.state();
        for tag in tags.iter().filter(|_| !self.is(Flaw::FlushKeepsVersions)) {
            state.next += 1;
            let fresh = state.next;
            state.versions.insert(tag.as_str().into(), fresh);
        }
        StoreFuture::ok(())
    }
}

impl Model {
    fn held<'s>(&self, state: &'s mut State, name: Key<'_>) -> Option<&'s mut Lease> {
        let ends = !self.is(Flaw::LeasesDoNotEnd);
        let lease = state.leases.get_mut(name.as_str());
        lease.filter(|lease| !ends || Instant::now() < lease.until)
    }
}

impl LockStore for Model {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        let mut state = self.state();
        if let Some(held) = self.held(&mut state, name) {
            let left = held.until.saturating_duration_since(Instant::now());
            return StoreFuture::ok(Acquisition::Held(left));
        }
        state.next += u64::from(!self.is(Flaw::FencesRepeat));
        let until = Instant::now() + lease;
        state.leases.insert(name.as_str().into(), Lease { owner, until });
        StoreFuture::ok(Acquisition::Acquired(Fence(state.next)))
    }

    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        match held.filter(|held| held.owner == owner || self.is(Flaw::AnybodyRenews)) {
            None => StoreFuture::ok(false),
            Some(held) => {
                held.until = Instant::now() + lease;
                StoreFuture::ok(true)
            }
        }
    }

    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        let released =
            held.is_some_and(|held| held.owner == owner || self.is(Flaw::AnybodyReleases));
        if released {
            state.leases.remove(name.as_str());
        }
        StoreFuture::ok(released)
    }

    fn freed<'a>(&'a self, _: Key<'a>) -> StoreFuture<'a, ()> {
        // It may always resolve too early.
        StoreFuture::ok(())
    }

    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        StoreFuture::ok(held.map(|lease| LockState {
            owner: lease.owner,
            left: lease.until.saturating_duration_since(Instant::now()),
        }))
    }

    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name).is_some();
        state.leases.remove(name.as_str());
        StoreFuture::ok(held)
    }
}
