//! A store that is as simple as can be, and wrong on purpose where it is told to be.
//!
//! One mutex, one map, tokio's clock. Without a flaw it passes the whole suite, tags and locks included;
//! with one it must fail the case that is there for it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod flaw;
pub(crate) mod late;
mod locks;
mod tags;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cache_core::{
    Encoded, Entry, Error, ErrorKind, Kept, Key, Lifetime, LockStore, NotKept, Owner, Payload,
    Store, StoreFuture, TagStore, Tagging, Terms, Ttl, Value,
};
pub(crate) use flaw::Flaw;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub(crate) struct Model {
    flaw: Flaw,
    /// When, since 1970.
    made: Duration,
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
    /// The versions of tags cannot be read.
    pub(crate) versions_fail: AtomicBool,
    /// While it is set, what a `get` has read takes a permit on its way back.
    pub(crate) gets_wait: AtomicBool,
    /// The same for versions.
    pub(crate) versions_wait: AtomicBool,
    /// The store can do no tags at all.
    pub(crate) no_tags: AtomicBool,
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
    /// Whether an operator has ended a lease.
    taken_away: bool,
    /// Whether somebody was told of a release.
    is_told: bool,
    /// For versions and fences: never the same twice.
    next: u64,
    /// Tags whose flush comes late, and after how many more steps.
    late: (Vec<String>, usize),
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
    length: Duration,
    /// Who had it before.
    former: Option<Owner>,
}

impl Model {
    pub(crate) fn new(flaw: Flaw) -> Self {
        let made = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self { flaw, made, state: Mutex::default(), trouble: Trouble::default() }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        if let Some(left) = state.late.1.checked_sub(1) {
            state.late.1 = left;
            if left == 0 {
                for name in std::mem::take(&mut state.late.0) {
                    state.renew(name);
                }
            }
        }
        state
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
        self.is_fresh(slot) && self.is_current(state, slot)
    }

    /// It has not expired.
    fn is_fresh(&self, slot: &Slot) -> bool {
        slot.deadline.is_none_or(|deadline| match self.flaw {
            Flaw::IgnoresLifetimes => true,
            Flaw::ExpiresLate => Instant::now() <= deadline,
            _ => Instant::now() < deadline,
        })
    }

    fn live<'s>(&self, state: &'s State, key: Key<'_>) -> Option<&'s Slot> {
        state.slots.get(&self.name(key)).filter(|slot| self.is_live(state, slot))
    }

    /// The same, with flushed ones as well where that is the flaw.
    fn live_or<'s>(&self, flaw: Flaw, state: &'s State, key: Key<'_>) -> Option<&'s Slot> {
        let ignores = self.is(flaw);
        let slot = state.slots.get(&self.name(key))?;
        (self.is_live(state, slot) || (ignores && self.is_fresh(slot))).then_some(slot)
    }

    fn is_flushed(&self, key: Key<'_>) -> bool {
        let state = self.state();
        state.slots.get(&self.name(key)).is_some_and(|slot| !self.is_current(&state, slot))
    }

    fn slot(&self, state: &mut State, payload: Payload<'_>, terms: Terms<'_>) -> Slot {
        let mut tags = match terms.tags {
            _ if self.is(Flaw::ForgetsTags) => Vec::new(),
            Tagging::Current(tags) => self.current(state, tags),
            Tagging::AsOf(seen) if self.is(Flaw::ForgetsWhatWasReadBefore) => self.now(state, seen),
            Tagging::AsOf(seen) => {
                let most = if self.is(Flaw::AsOfBearsOneTag) { 1 } else { usize::MAX };
                seen.iter().take(most).map(|(tag, version)| (tag.into(), version)).collect()
            }
            _ => Vec::new(),
        };
        match self.flaw {
            Flaw::BearsOneTag => tags.truncate(1),
            Flaw::BearsSixteenTags => tags.truncate(16),
            _ => {}
        }
        let ends = tags.is_empty() || !self.is(Flaw::TheTaggedLiveForEver);
        let deadline = deadline(terms.lifetime).filter(|_| ends);
        Slot { value: payload.to_value(), deadline, tags }
    }

    fn insert(&self, key: Key<'_>, payload: Payload<'_>, terms: Terms<'_>) {
        let state = &mut *self.state();
        let slot = self.slot(state, payload, terms);
        self.insert_slot(state, key, slot);
    }

    fn insert_slot(&self, state: &mut State, key: Key<'_>, mut slot: Slot) {
        if let Some(there) = self.live(state, key) {
            if self.is(Flaw::PutKeepsTheLifetime) {
                slot.deadline = there.deadline;
            }
            let keeps = if slot.tags.is_empty() {
                self.is(Flaw::UntaggedPutKeepsTags)
            } else {
                self.is(Flaw::PutKeepsTags)
            };
            if keeps {
                slot.tags.extend_from_slice(&there.tags);
            }
        }
        state.slots.insert(self.name(key), slot);
    }

    fn read(&self, key: Key<'_>) -> Option<Entry> {
        self.read_or(Flaw::GetIgnoresTags, key)
    }

    fn read_or(&self, flaw: Flaw, key: Key<'_>) -> Option<Entry> {
        self.live_or(flaw, &self.state(), key).map(|slot| Entry::new(slot.value.clone()))
    }

    fn remove(&self, key: Key<'_>) -> Option<Entry> {
        self.remove_or(Flaw::None, key)
    }

    fn remove_or(&self, flaw: Flaw, key: Key<'_>) -> Option<Entry> {
        let state = &mut *self.state();
        let found = self.live_or(flaw, state, key).map(|slot| Entry::new(slot.value.clone()));
        state.slots.remove(&self.name(key));
        found
    }

    fn on_its_way<'a, T: Send + 'a>(&'a self, answer: T) -> StoreFuture<'a, T> {
        StoreFuture::pending(async move {
            self.trouble.permits.0.acquire().await.expect("never closed").forget();
            Ok(answer)
        })
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
            let tagged = !slot.tags.is_empty();
            if self.is(Flaw::CountsAnything) || (tagged && self.is(Flaw::CountsAnythingTagged)) {
                slot.value = Value::Integer(by);
                return Ok(by);
            }
            return Err(Error::new(ErrorKind::NotACounter, "not an integer"));
        };
        *integer = match integer.checked_add(by) {
            Some(sum) if self.is(Flaw::CountsTheTaggedInDoubles) && !slot.tags.is_empty() => {
                in_doubles(sum)
            }
            Some(sum) => sum,
            None if self.is(Flaw::CountsWrap) => integer.wrapping_add(by),
            None => return Err(Error::new(ErrorKind::CounterOverflow, "too large")),
        };
        Ok(*integer)
    }
}

impl State {
    /// A number that was never given out.
    fn unused(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn renew(&mut self, tag: String) {
        let fresh = self.unused();
        self.versions.insert(tag, fresh);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the flaw")]
fn in_doubles(sum: i64) -> i64 {
    sum as f64 as i64
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
        if self.trouble.gets_wait.load(Ordering::SeqCst) {
            return self.on_its_way(found);
        }
        let name = self.name(key);
        let plainly = self.is(Flaw::RemovesPlainly)
            || (self.is(Flaw::RemovesTheFlushedPlainly) && self.is_flushed(key));
        if found.is_none() && plainly && self.state().slots.contains_key(&name) {
            return Self::in_two_steps(move || {
                self.state().slots.remove(&name);
                None
            });
        }
        StoreFuture::ok(found)
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        let mut answers: Vec<_> =
            keys.iter().map(|key| self.read_or(Flaw::GetManyIgnoresTags, *key)).collect();
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
        StoreFuture::ok(self.read_or(Flaw::HasIgnoresTags, key).is_some())
    }

    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        let state = self.state();
        let live = self.live_or(Flaw::TtlIgnoresTags, &state, key);
        StoreFuture::ok(live.map(|slot| match slot.deadline {
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
            let slot = self.slot(&mut self.state(), payload, terms);
            return StoreFuture::pending(async move {
                self.trouble.permits.0.acquire().await.expect("never closed").forget();
                self.insert_slot(&mut self.state(), key, slot);
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
        for (n, (key, payload)) in entries.into_iter().enumerate() {
            let mut state = self.state();
            let mut slot = self.slot(&mut state, payload, terms);
            if self.is(Flaw::PutManyTagsTheFirst) && n > 0 {
                slot.tags.clear();
            }
            if self.is(Flaw::PutManyForgetsWhatWasReadBefore) {
                slot = self.renewed(&mut state, slot);
            }
            self.insert_slot(&mut state, key, slot);
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
        let mut slot = self.slot(&mut state, payload, terms);
        let absent = self.live_or(Flaw::AddIgnoresTags, &state, key).is_none();
        let over_the_flushed = absent && state.slots.contains_key(&self.name(key));
        if over_the_flushed && self.is(Flaw::AddKeepsTags) {
            let old = state.slots[&self.name(key)].clone();
            slot.tags.extend(self.renewed(&mut state, old).tags);
        }
        if !absent && self.is(Flaw::FailedAddReplacesTags) {
            let tags = std::mem::take(&mut slot.tags);
            state.slots.get_mut(&self.name(key)).unwrap().tags = tags;
        }
        let two_steps = self.is(Flaw::AddLooksFirst)
            || (over_the_flushed && self.is(Flaw::AddsOverTheFlushedInTwoSteps));
        if absent && two_steps {
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
        let tagged = self.state().slots.get(&self.name(key)).is_some_and(|it| !it.tags.is_empty());
        if self.is(Flaw::PullLooksFirst) || (tagged && self.is(Flaw::TakesTheTaggedInTwoSteps)) {
            let found = self.read(key);
            return Self::in_two_steps(move || {
                self.remove(key);
                found
            });
        }
        StoreFuture::ok(self.remove_or(Flaw::TakeIgnoresTags, key))
    }

    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        if self.is(Flaw::ForgetFreesLocks) {
            self.state().leases.remove(key.as_str());
        }
        let there = self.remove_or(Flaw::ForgetIgnoresTags, key).is_some();
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
        let removes = |key: &&Key<'_>| self.remove_or(Flaw::ForgetManyIgnoresTags, **key).is_some();
        StoreFuture::ok(keys.iter().filter(removes).count())
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
        let found = self.live_or(Flaw::TouchIgnoresTags, state, key).cloned();
        if let Some(slot) = &found
            && self.is(Flaw::TouchRenewsVersions)
        {
            let slot = Slot { deadline: deadline(lifetime), ..slot.clone() };
            return Self::in_two_steps(move || {
                let state = &mut *self.state();
                let slot = self.renewed(state, slot);
                state.slots.insert(self.name(key), slot);
                true
            });
        }
        let live = found.is_some();
        let there = state.slots.get_mut(&self.name(key));
        match there.filter(|_| live || self.is(Flaw::TouchRevives)) {
            None => StoreFuture::ok(false),
            Some(slot) => {
                slot.deadline = deadline(lifetime);
                if self.is(Flaw::TouchForgetsTags) {
                    slot.tags.clear();
                }
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
        if self.is(Flaw::CountersLiveAnHour) {
            fresh.deadline = Some(Instant::now() + Duration::from_secs(3_600));
        }
        if self.is(Flaw::CountersBearNothing) {
            fresh.tags.clear();
        }
        let there = if self.is(Flaw::CountsOnWhereExpired) {
            state.slots.get(&self.name(key))
        } else {
            self.live_or(Flaw::CountsOnWhereFlushed, state, key)
        };
        let mut slot = there.cloned().unwrap_or_else(|| fresh.clone());
        let counted = match self.counted(&mut slot, by) {
            Ok(counted) => counted,
            Err(error) => {
                if self.is(Flaw::RefusedCountsReplaceTags) {
                    state.slots.get_mut(&self.name(key)).unwrap().tags = fresh.tags;
                }
                return StoreFuture::ready(Err(error));
            }
        };
        match self.flaw {
            Flaw::CountingForgetsTags if there.is_some() => slot.tags.clear(),
            Flaw::CountingReplacesTags => slot.tags.clone_from(&fresh.tags),
            _ => {}
        }
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

    fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept> {
        let state = self.state();
        let found = self.live_or(Flaw::KeptIgnoresTags, &state, key);
        let is_absent = found.is_none();
        let kept = found.and_then(|slot| slot.value.clone().into_kept(why));
        if is_absent || kept.is_none() && self.is(Flaw::KeptOverlooksEntries) {
            *why = NotKept::Absent;
        }
        kept
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
            if self.is(Flaw::KeepingForgetsTags) {
                slot.tags.clear();
            }
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
        (!self.trouble.no_tags.load(Ordering::SeqCst)).then_some(self)
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
    }
}
