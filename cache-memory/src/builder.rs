//! How much a memory store holds.

use crate::MemoryStore;
use crate::table::Capacity;

/// Builds a [`MemoryStore`]: see [`MemoryStore::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct MemoryStoreBuilder {
    capacity: Capacity,
}

impl Default for MemoryStoreBuilder {
    fn default() -> Self {
        Self { capacity: Capacity::Entries(MemoryStore::DEFAULT_MAX_ENTRIES) }
    }
}

impl MemoryStoreBuilder {
    /// Holds at most so many entries, whatever their size: 100,000 unless said. Takes the place of
    /// [`max_bytes`](Self::max_bytes). Zero counts as one.
    ///
    /// The table is split into shards, four for each processor, each with its part of the capacity: one
    /// that fills before the others evicts a little early. Below 64 entries there is one.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.capacity = Capacity::Entries(entries.max(1));
        self
    }

    /// Holds entries of at most so many bytes in all. Takes the place of
    /// [`max_entries`](Self::max_entries).
    ///
    /// An entry counts for its key, its encoded value and 128 bytes of book-keeping; one whose object
    /// is kept for [`get_shared`](cache_core::Cache::get_shared) for as much again as its encoding and
    /// the object's own size, since what the object owns cannot be seen. Each shard of the table has its
    /// part of the capacity, and an entry must fit into one: else it is
    /// [`TooLarge`](cache_core::ErrorKind::TooLarge), and what was there stays. There are four shards for
    /// each processor, fewer where one would be below 1 MiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.capacity = Capacity::Bytes(bytes);
        self
    }

    /// The store. It may be built outside of a runtime.
    pub fn build(self) -> MemoryStore {
        MemoryStore::with(self.capacity)
    }
}
