//! The driver: what each method of `Store` does to the table.
//!
//! Everything resolves on the spot. Whatever reads and then writes does both under the lock of one
//! shard, through `entry` or `remove_if`; no lock is held while a user's code runs or a value is dropped.

use std::sync::Arc;
use std::{fmt, mem};

use cache_core::{
    Encoded, Entry, Error, ErrorKind, Kept, Key, Lifetime, LockStore, Payload, Store, StoreFuture,
    TagStore, Tagging, Terms, Ttl, Value,
};
use quick_cache::sync::{EntryAction, EntryResult};

use crate::MemoryStoreBuilder;
use crate::clock::Deadline;
use crate::key::{LookUp, Sought};
use crate::locks::Leases;
use crate::slot::Slot;
use crate::sweep::Swept;
use crate::table::{Capacity, Table};

/// A store in the memory of this process.
///
/// It is meant for one cache and its clones: loads of one cache know nothing of what is changed through
/// another on the same store. Every operation is ready on its first poll, but for a
/// [`flush`](Store::flush) of a large table, which yields in between.
///
/// Expired entries are removed when they are met, and by a background task of the runtime in which an entry
/// with a lifetime is stored first; it ends with the store, or with the runtime, and then begins again in the
/// next one. Where there is no runtime, or one without timers (built without `enable_time`; it panics at the
/// first timer, once, and that is caught), their memory comes back when they are read, overwritten or
/// evicted.
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

    pub(crate) fn with(capacity: Capacity) -> Self {
        Self { swept: Swept::new(Table::new(capacity)), leases: Leases::default() }
    }

    pub(crate) fn leases(&self) -> &Leases {
        &self.leases
    }

    #[inline]
    fn table(&self) -> &Table {
        &self.swept.table
    }

    #[inline]
    fn is_expired(&self, slot: &Slot) -> bool {
        self.swept.clock.has_passed(slot.deadline)
    }

    /// The live slot at `key`, which then counts as used.
    #[inline]
    fn live(&self, key: Key<'_>) -> Option<Slot> {
        self.unless_expired(key, self.table().quick().get(&Sought(key))?)
    }

    /// The live slot at `key`, which does not count as used.
    #[inline]
    fn peek(&self, key: Key<'_>) -> Option<Slot> {
        self.unless_expired(key, self.table().quick().peek(&Sought(key))?)
    }

    #[inline]
    fn unless_expired(&self, key: Key<'_>, slot: Slot) -> Option<Slot> {
        if self.is_gone(key, &slot) { None } else { Some(slot) }
    }

    /// Whether what was found at `key` has expired; then it is removed.
    #[inline]
    fn is_gone(&self, key: Key<'_>, slot: &Slot) -> bool {
        slot.deadline != Deadline::NEVER && self.expires(key, slot)
    }

    /// The same for a slot that has a deadline. Apart, so that an entry which lives for ever does not pay for
    /// the clock of the others.
    #[inline(never)]
    fn expires(&self, key: Key<'_>, slot: &Slot) -> bool {
        let expired = slot.deadline.is_past(self.swept.clock.now());
        if expired {
            // Only if it still is: the key may hold a fresh value by now.
            self.table().quick().remove_if(&Sought(key), |slot| self.is_expired(slot));
        }
        expired
    }

    fn insert(&self, key: Key<'_>, payload: Payload<'_>, deadline: Deadline) {
        self.table().quick().insert(key.into(), Slot::new(payload, deadline));
        self.swept.expect(deadline);
    }

    /// Removes what is at `key`, and returns it if it was live.
    fn remove(&self, key: Key<'_>) -> Option<Slot> {
        let (_, slot) = self.table().quick().remove(&Sought(key))?;
        (!self.is_expired(&slot)).then_some(slot)
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
                if self.is_expired(slot) {
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
                    if place.insert(slot).is_ok() {
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

#[cold]
fn no_tags<'a, T>() -> StoreFuture<'a, T> {
    StoreFuture::ready(Err(Error::new(ErrorKind::Unsupported, "the memory store has no tags yet")))
}

macro_rules! untagged {
    ($terms:expr) => {
        match $terms.tags {
            Tagging::Untagged => $terms.lifetime,
            _ => return no_tags(),
        }
    };
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    #[inline]
    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        // The slot stays where the table has put it: see `StoreFuture::hit`.
        let found = self.table().quick().get(&Sought(key));
        match found {
            None => StoreFuture::ok(None),
            Some(ref slot) if self.is_gone(key, slot) => StoreFuture::ok(None),
            Some(slot) => StoreFuture::hit(slot.value),
        }
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        StoreFuture::ok(keys.iter().map(|key| self.live(*key).map(Slot::into_entry)).collect())
    }

    #[inline]
    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::ok(self.peek(key).is_some())
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
        let lifetime = untagged!(terms);
        if let Err(too_large) = self.table().admit(key, payload) {
            return StoreFuture::ready(Err(too_large));
        }
        self.insert(key, payload, self.swept.clock.deadline(lifetime));
        StoreFuture::ok(())
    }

    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let lifetime = untagged!(terms);
        for (key, payload) in entries {
            if let Err(too_large) = self.table().admit(*key, *payload) {
                return StoreFuture::ready(Err(too_large.on(key.as_str())));
            }
        }
        let deadline = self.swept.clock.deadline(lifetime);
        for (key, payload) in entries {
            self.insert(*key, *payload, deadline);
        }
        StoreFuture::ok(())
    }

    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool> {
        let lifetime = untagged!(terms);
        if let Err(too_large) = self.table().admit(key, payload) {
            return StoreFuture::ready(Err(too_large));
        }
        let added = self.alter(
            key,
            |_| None,
            || {
                let deadline = self.swept.clock.deadline(lifetime);
                (Slot::new(payload, deadline), Some(deadline))
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
        if self.peek(key).is_none() {
            return StoreFuture::ok(false);
        }
        let deadline = self.swept.clock.deadline(lifetime);
        let found = self.table().quick().entry(&key as &dyn LookUp, None, |_, slot| {
            if self.is_expired(slot) {
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
        let lifetime = untagged!(created);
        if let Err(too_large) = self.table().admit(key, Payload::Integer(by)) {
            return StoreFuture::ready(Err(too_large));
        }
        // With a deadline where it is created. The clock is read once, for that or for what is there.
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
                let deadline = self.swept.clock.deadline(lifetime);
                (Slot::new(Payload::Integer(by), deadline), Ok((by, Some(deadline))))
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
    fn kept(&self, key: Key<'_>) -> Option<Kept> {
        // As in `get`: the slot stays where the table has put it.
        let found = self.table().quick().get(&Sought(key));
        match found {
            None => None,
            Some(ref slot) if self.is_gone(key, slot) => None,
            Some(slot) => slot.value.into_kept(),
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
        /// Few enough to be removed at once.
        const SLICE: usize = 1_024;
        let mut entries = self.table().quick().drain();
        if entries.by_ref().take(SLICE).count() < SLICE {
            return StoreFuture::ok(());
        }
        StoreFuture::pending(async move {
            while entries.by_ref().take(SLICE).count() == SLICE {
                tokio::task::yield_now().await;
            }
            Ok(())
        })
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.swept.stop();
        self.flush()
    }

    fn tags(&self) -> Option<&dyn TagStore> {
        None
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
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
