//! The driver: what each method of `Store` does to the table.
//!
//! Everything resolves on the spot. Whatever reads and then writes does both under the lock of one
//! shard, through `entry` or `remove_if`; no lock is held while a user's code runs or a value is dropped.

use std::fmt;
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;

use cache_core::{
    Encoded, Entry, Error, ErrorKind, Kept, Key, Lifetime, LockStore, NotKept, Payload, Store,
    StoreFuture, Tag, TagStore, TagVersions, Terms, Ttl, Value,
};
use quick_cache::sync::{EntryAction, EntryResult};

use crate::MemoryStoreBuilder;
use crate::clock::{Clock, Deadline, Tick};
use crate::key::{LookUp, Sought};
use crate::locks::Leases;
use crate::marks::Marks;
use crate::slot::Slot;
use crate::sweep::Swept;
use crate::table::{Capacity, Table};

#[cfg(test)]
mod tests;

/// A store in the memory of this process.
///
/// It is meant for one cache and its clones: loads of one cache know nothing of what is changed through
/// another on the same store. Every operation is ready on its first poll, but for a
/// [`flush`](Store::flush) or [`close`](Store::close) of a large table, which yields in between.
///
/// An entry whose tags were flushed is gone for every operation, as one that has expired. A flush takes the same
/// time whatever number of entries bear the tags. A tag takes memory while there is an entry that bears it, or a
/// load that is to be stored under it; and from then on until the task below walks next, the store is flushed or
/// closed, or there have come as many tags again.
///
/// Expired and flushed entries are removed when they are met, and by a background task of the runtime in which an
/// entry with a lifetime is stored, or tags are flushed, first; it ends with the store, or with the runtime, and
/// then begins again in the next one. As long as there is no runtime, or only such without timers (built without
/// `enable_time`; each panics at the first timer, once, and that is caught), their memory comes back when they are
/// read, overwritten or evicted. (Where a panic aborts the process, it is not caught: give such a runtime its timers.)
///
/// That task waits on a timer. Under paused time, tokio moves its clock to the next timer whenever a test
/// waits for something from outside of the runtime, such as a socket or a thread, and so to the next deadline
/// of an entry.
pub struct MemoryStore {
    swept: Arc<Swept>,
    leases: Leases,
}

impl MemoryStore {
    /// The number of entries that a store holds unless said.
    pub const DEFAULT_MAX_ENTRIES: usize = 100_000;

    /// A store of at most [`DEFAULT_MAX_ENTRIES`](Self::DEFAULT_MAX_ENTRIES) entries.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins a store with a capacity of its own.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::default()
    }

    /// The number of entries in the table, those included that have expired and whose memory has not come
    /// back yet. Takes a lock of each shard in turn: for metrics.
    pub fn entries(&self) -> usize {
        self.table().quick().len()
    }

    pub(crate) fn with(capacity: Capacity, clock: Clock) -> Self {
        Self { swept: Swept::new(Table::new(capacity), clock), leases: Leases::default() }
    }

    pub(crate) fn leases(&self) -> &Leases {
        &self.leases
    }

    #[inline]
    fn table(&self) -> &Table {
        &self.swept.table
    }

    /// Whether a slot has expired or was flushed.
    #[inline]
    fn is_dead(&self, slot: &Slot) -> bool {
        self.swept.clock.has_passed(slot.deadline) || slot.is_flushed()
    }

    /// Whether there is a live slot at `key`, which does not count as used.
    #[inline]
    fn is_live(&self, key: Key<'_>) -> bool {
        let before = self.swept.clock.before_a_look();
        match self.table().quick().peek(&Sought(key)) {
            None => false,
            Some(slot) => self.living(before, key, slot).map(let_go).is_some(),
        }
    }

    /// The value of what was found at `key`, a copy, unless it has expired or was flushed; then it is removed.
    ///
    /// It is taken apart here, so that it need not lie in memory as a whole: see `StoreFuture::hit`.
    #[inline]
    fn living(&self, before: Tick, key: Key<'_>, slot: Slot) -> Option<Value> {
        let Slot { value, deadline, marks } = slot;
        // A copy has none, which the compiler cannot know.
        mem::forget(marks);
        // Never dropped by unwinding: else it would have to lie in memory, should the clock panic.
        let value = ManuallyDrop::new(value);
        let is_past = deadline.is_past(before) && self.has_passed(deadline);
        let value = ManuallyDrop::into_inner(value);
        if is_past {
            // First, for the same reason.
            drop(value);
            self.remove_dead(key);
            return None;
        }
        Some(value)
    }

    /// Of what ends soon or has ended.
    #[cold]
    #[inline(never)]
    fn has_passed(&self, deadline: Deadline) -> bool {
        self.swept.clock.has_passed(deadline)
    }

    #[cold]
    fn remove_dead(&self, key: Key<'_>) {
        // Only if it is dead still: the key may hold a fresh value by now.
        self.table().quick().remove_if(&Sought(key), |slot| self.is_dead(slot));
    }

    fn insert(
        &self,
        key: Key<'_>,
        payload: Payload<'_>,
        deadline: Deadline,
        marks: Option<Arc<Marks>>,
    ) {
        if let Some(marks) = &marks
            && !marks.are_current()
        {
            // It replaces what is there, and nobody would ever see it.
            drop(self.remove(key));
            return;
        }
        self.table().insert(key, Slot::new(payload, deadline, marks));
        self.swept.expect(deadline);
    }

    /// Removes what is at `key`, and returns it if it was live.
    fn remove(&self, key: Key<'_>) -> Option<Slot> {
        let (_, slot) = self.table().quick().remove(&Sought(key))?;
        (!self.is_dead(&slot)).then_some(slot)
    }

    /// Does what comes first, and then removes every entry, and what tags leave behind: at once if that is little, else
    /// as it is awaited.
    fn empty<'a>(&'a self, first: impl FnOnce() + Send + 'a) -> StoreFuture<'a, ()> {
        /// Few enough to be removed at once.
        const SLICE: usize = 1_024;
        // Each says how much it was.
        let steps = || self.table().quick().drain().map(|_| 1).chain(self.swept.tags.tidy());
        let (versions, marks) = self.swept.tags.len();
        if self.entries() + versions + marks < SLICE {
            first();
            steps().for_each(drop);
            return StoreFuture::ok(());
        }
        StoreFuture::pending(async move {
            first();
            let mut done = 0;
            for step in steps() {
                done += step;
                if done >= SLICE {
                    done = 0;
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        })
    }

    /// Changes the live slot at `key`, or fills the vacant place, each in one step.
    ///
    /// An expired slot is removed first: that changes nothing for anybody, it makes room as an insertion
    /// does and a replacement in place would not, and what is removed is dropped when no lock is held. A
    /// place that is vacant is filled under a second lock, and somebody may have put or removed the key in
    /// between; then it is as if this call had not begun yet, and it begins again.
    fn alter<T>(
        &self,
        key: Key<'_>,
        mut occupied: impl FnMut(&mut Slot) -> T,
        vacant: impl Fn() -> (Slot, T),
    ) -> T {
        loop {
            let found = self.table().quick().entry(&key as &dyn LookUp, None, |_, slot| {
                if self.is_dead(slot) {
                    EntryAction::Remove
                } else {
                    EntryAction::Retain(occupied(slot))
                }
            });
            match found {
                EntryResult::Retained(result) => return result,
                EntryResult::Removed(..) => {}
                EntryResult::Vacant(place) => {
                    let (slot, result) = vacant();
                    if self.table().fill(key, place, slot) {
                        return result;
                    }
                }
                EntryResult::Replaced(..) | EntryResult::Timeout => {
                    unreachable!("nothing is replaced, and the wait for a place has no limit")
                }
            }
        }
    }
}

/// Apart: else what is let go of would have to lie in memory while it is looked at.
#[inline(never)]
fn let_go(value: Value) {
    drop(value);
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a counter was left as it was.
enum Refusal {
    NotACounter,
    Overflow,
}

impl Refusal {
    #[cold]
    fn into_error(self) -> Error {
        match self {
            Self::NotACounter => Error::new(
                ErrorKind::NotACounter,
                "what is stored there is no integer that fits into 64 bits; it is untouched",
            ),
            Self::Overflow => Error::new(
                ErrorKind::CounterOverflow,
                "the sum does not fit into 64 bits; the counter is untouched",
            ),
        }
    }
}

/// What an entry on these terms bears.
macro_rules! marks {
    ($store:ident, $terms:ident) => {
        match $store.swept.tags.marks($terms.tags) {
            Ok(marks) => marks,
            Err(error) => return StoreFuture::ready(Err(error)),
        }
    };
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    #[inline]
    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        let before = self.swept.clock.before_a_look();
        let found = self.table().quick().get(&Sought(key));
        match found.and_then(|slot| self.living(before, key, slot)) {
            None => StoreFuture::ok(None),
            Some(value) => StoreFuture::hit(value),
        }
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        let mut before = self.swept.clock.before_a_look();
        let found = keys.iter().map(|key| {
            let slot = self.table().quick().get(&Sought(*key))?;
            if slot.deadline.is_past(before) {
                // Exactly, for this one and for those to come: else each that ends soon would read the clock.
                before = self.swept.clock.now();
            }
            self.living(before, *key, slot).map(Entry::new)
        });
        StoreFuture::ok(found.collect())
    }

    #[inline]
    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::ok(self.is_live(key))
    }

    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        let slot = self.table().quick().peek(&Sought(key));
        // One reading of the clock decides both whether it lives and for how long.
        StoreFuture::ok(slot.and_then(|slot| {
            let now = self.swept.clock.now();
            (!slot.deadline.is_past(now)).then(|| slot.deadline.left(now))
        }))
    }

    #[inline]
    fn put<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let marks = marks!(self, terms);
        if let Err(too_large) = self.table().admit(key, payload) {
            return StoreFuture::ready(Err(too_large));
        }
        self.insert(key, payload, self.swept.clock.deadline(terms.lifetime), marks);
        StoreFuture::ok(())
    }

    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let marks = marks!(self, terms);
        for (key, payload) in entries {
            if let Err(too_large) = self.table().admit(*key, *payload) {
                return StoreFuture::ready(Err(too_large.on(key.as_str())));
            }
        }
        let deadline = self.swept.clock.deadline(terms.lifetime);
        for (key, payload) in entries {
            self.insert(*key, *payload, deadline, marks.clone());
        }
        StoreFuture::ok(())
    }

    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool> {
        let marks = marks!(self, terms);
        if let Err(too_large) = self.table().admit(key, payload) {
            return StoreFuture::ready(Err(too_large));
        }
        let added = self.alter(
            key,
            |_| None,
            || {
                let deadline = self.swept.clock.deadline(terms.lifetime);
                (Slot::new(payload, deadline, marks.clone()), Some(deadline))
            },
        );
        if let Some(deadline) = added {
            self.swept.expect(deadline);
        }
        StoreFuture::ok(added.is_some())
    }

    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::ok(self.remove(key).map(Slot::into_entry))
    }

    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::ok(self.remove(key).is_some())
    }

    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        StoreFuture::ok(keys.iter().filter(|key| self.remove(**key).is_some()).count())
    }

    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        let Some(lifetime) = lifetime else { return self.forget(key) };
        // Nothing is made of a key that is not there.
        if !self.is_live(key) {
            return StoreFuture::ok(false);
        }
        let deadline = self.swept.clock.deadline(lifetime);
        let found = self.table().quick().entry(&key as &dyn LookUp, None, |_, slot| {
            if self.is_dead(slot) {
                return EntryAction::Remove;
            }
            slot.deadline = deadline;
            EntryAction::Retain(())
        });
        let touched = matches!(found, EntryResult::Retained(()));
        if touched {
            self.swept.expect(deadline);
        }
        StoreFuture::ok(touched)
    }

    fn increment<'a>(&'a self, key: Key<'a>, by: i64, created: Terms<'_>) -> StoreFuture<'a, i64> {
        let marks = marks!(self, created);
        if let Err(too_large) = self.table().admit(key, Payload::Integer(by)) {
            return StoreFuture::ready(Err(too_large));
        }
        // With a deadline where it is created. The clock is read for that or for what is there.
        let counted = self.alter(
            key,
            |slot| {
                let Value::Integer(integer) = &mut slot.value else {
                    return Err(Refusal::NotACounter);
                };
                *integer = integer.checked_add(by).ok_or(Refusal::Overflow)?;
                Ok((*integer, None))
            },
            || {
                let deadline = self.swept.clock.deadline(created.lifetime);
                (Slot::new(Payload::Integer(by), deadline, marks.clone()), Ok((by, Some(deadline))))
            },
        );
        match counted {
            Ok((sum, created)) => {
                if let Some(deadline) = created {
                    self.swept.expect(deadline);
                }
                StoreFuture::ok(sum)
            }
            Err(refusal) => StoreFuture::ready(Err(refusal.into_error())),
        }
    }

    #[inline]
    fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept> {
        let before = self.swept.clock.before_a_look();
        let found = self.table().quick().get(&Sought(key));
        match found.and_then(|slot| self.living(before, key, slot)) {
            None => {
                *why = NotKept::Absent;
                None
            }
            Some(value) => value.into_kept(why),
        }
    }

    fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded) {
        // Dropped when no lock is held, whichever of the two it is by then.
        let mut kept = kept;
        let found = self.table().quick().entry(&key as &dyn LookUp, None, |_, slot| {
            if let Value::Encoded(there) = &mut slot.value
                && there.is_same(seen)
                && !there.keeps_object()
            {
                mem::swap(there, &mut kept);
            }
            EntryAction::Retain(())
        });
        drop(found);
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.empty(|| ())
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.empty(|| self.swept.stop())
    }

    fn tags(&self) -> Option<&dyn TagStore> {
        Some(self)
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
    }
}

impl TagStore for MemoryStore {
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions> {
        StoreFuture::ok(self.swept.tags.versions(tags))
    }

    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()> {
        if self.swept.tags.flush(tags) {
            self.swept.expect_flushed();
        }
        StoreFuture::ok(())
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.swept.stop();
        // At once, not when the runtime of the sweeper comes to drop its task.
        self.table().quick().drain().for_each(drop);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("entries", &self.entries()).finish_non_exhaustive()
    }
}
