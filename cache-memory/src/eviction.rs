//! What leaves the table to make room: never what room is made for; and it is dropped when no lock is held.

use std::cell::Cell;
use std::hash::BuildHasher;

use cache_core::Key;
use quick_cache::{DefaultHashBuilder, Lifecycle};

use crate::key::{Sought, TableKey};
use crate::slot::Slot;

/// What `quick_cache` does not do by itself.
///
/// Where a key is held, was evicted lately, or is filled through `entry`, it stores the entry first and then makes room.
/// It begins with those that were not read, and the new one may be the only one of them: a store that is full of what is
/// read would say that it has added any other key, and not have it, and a `put` could lose the old value and the new.
///
/// It drops the first two that it evicts after the lock of their shard is given back, and more than that
/// at once. A kept object is a user's, and so is what happens when it is dropped: it may use the cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Eviction {
    hasher: DefaultHashBuilder,
}

thread_local! {
    /// The hash of the key that this thread stores, or has stored last.
    static STORED: Cell<u64> = const { Cell::new(0) };
}

impl Eviction {
    /// Says which key this thread is about to store. Nothing but an insertion evicts, and each says its own: so this is
    /// not taken back.
    #[inline]
    pub(crate) fn spare(&self, key: Key<'_>) {
        STORED.set(self.hasher.hash_one(Sought(key)));
    }
}

/// What one operation has evicted: rarely more than one entry.
#[derive(Default)]
pub(crate) struct Evicted {
    first: Option<(TableKey, Slot)>,
    more: Vec<(TableKey, Slot)>,
}

impl Lifecycle<TableKey, Slot> for Eviction {
    type RequestState = Evicted;

    /// Asked only when room has to be made, of one entry after the other. One more that happens to have this hash would
    /// be spared once.
    #[inline]
    fn is_pinned(&self, key: &TableKey, _: &Slot) -> bool {
        self.hasher.hash_one(key) == STORED.get()
    }

    #[inline]
    fn on_evict(&self, evicted: &mut Evicted, key: TableKey, slot: Slot) {
        if evicted.first.is_none() {
            evicted.first = Some((key, slot));
        } else {
            evicted.more.push((key, slot));
        }
    }
}
