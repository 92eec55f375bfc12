//! A map of what is in use: what is the same lies there once, and is given up when nobody else holds it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// What may lie in the map.
pub(crate) trait Interned {
    /// Whether it may still be handed out. Once it may not, it never may again.
    fn is_current(&self) -> bool;
}

/// The map, in parts with a lock each.
///
/// What lies in it has no weak references. So whatever only the map holds, nobody can come to hold but through the
/// map: under the lock of its part it can be removed, and no second one of it can be made while somebody has the
/// first.
///
/// No two locks are held at once, and none while a lock of anything else is taken.
#[derive(Debug)]
pub(crate) struct InUse<T> {
    parts: Box<[RwLock<Part<T>>]>,
}

#[derive(Debug)]
struct Part<T> {
    table: HashTable<(u64, Arc<T>)>,
    /// When it has so many, it is tidied.
    bound: usize,
}

/// A part that is tidied is locked meanwhile: with a million in all, for about a millisecond.
const PARTS: usize = 64;
/// So few are not worth tidying.
const FEW: usize = 8;

impl<T: Interned> InUse<T> {
    pub(crate) fn new() -> Self {
        let part = || RwLock::new(Part { table: HashTable::new(), bound: FEW });
        Self { parts: (0..PARTS).map(|_| part()).collect() }
    }

    /// What is current, of this hash, and `is` what is sought.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let part = self.read(hash);
        let (_, found) = part.table.find(hash, |(_, there)| is(there) && there.is_current())?;
        Some(Arc::clone(found))
    }

    /// The same, or `new` if there is none: then it is in the map from now on.
    pub(crate) fn find_or(&self, hash: u64, is: impl Fn(&T) -> bool, new: Arc<T>) -> Arc<T> {
        let mut part = self.write(hash);
        match part.table.entry(hash, |(_, there)| is(there), |(hash, _)| *hash) {
            Entry::Occupied(mut found) => {
                let (_, there) = found.get_mut();
                if !there.is_current() {
                    *there = new;
                }
                Arc::clone(there)
            }
            Entry::Vacant(place) => {
                place.insert((hash, Arc::clone(&new)));
                if part.table.len() >= part.bound {
                    part.tidy();
                }
                new
            }
        }
    }

    /// Takes what is sought out of the map, and calls `end` before anybody else can look for it.
    pub(crate) fn take(
        &self,
        hash: u64,
        is: impl Fn(&T) -> bool,
        end: impl FnOnce(&T),
    ) -> Option<Arc<T>> {
        let mut part = self.write(hash);
        let found = part.table.find_entry(hash, |(_, there)| is(there)).ok()?;
        let ((_, taken), _) = found.remove();
        end(&taken);
        Some(taken)
    }

    /// Gives up what is not in use, a part for each step, which says how much it has looked at.
    pub(crate) fn tidy(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| {
            let mut part = part.write().unwrap_or_else(PoisonError::into_inner);
            let visited = part.table.len();
            part.tidy();
            visited
        })
    }

    /// How much lies in it, also what is not in use any more.
    pub(crate) fn len(&self) -> usize {
        let parts = self.parts.iter();
        parts.map(|part| part.read().unwrap_or_else(PoisonError::into_inner).table.len()).sum()
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Part<T>> {
        self.part(hash).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Part<T>> {
        self.part(hash).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// By bits in the middle: the table goes by the lowest and the highest ones.
    fn part(&self, hash: u64) -> &RwLock<Part<T>> {
        &self.parts[(hash >> 32) as usize % PARTS]
    }
}

impl<T: Interned> Part<T> {
    /// Its cost is paid by the insertions that have doubled what there was.
    fn tidy(&mut self) {
        self.table.retain(|(_, there)| Arc::strong_count(there) > 1 && there.is_current());
        self.bound = FEW.max(self.table.len() * 2);
        if self.table.capacity() > self.bound * 2 {
            self.table.shrink_to(self.bound, |(hash, _)| *hash);
        }
    }
}
