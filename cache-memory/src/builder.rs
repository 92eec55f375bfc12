//! How much a memory store holds.

use crate::MemoryStore;
use crate::clock::Clock;
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
    /// When it is full, each new entry takes the place of another: of one that was stored and not read, if there is
    /// one, and then of one that is read seldom. So what has been there for long stays although nobody reads it, as long as
    /// what comes is not read either; give everything a TTL that it needs no longer than.
    ///
    /// The table is split into shards, each with its part of the capacity: one that fills before the others
    /// evicts a little early. There are four for each processor; more where one would have over 32,768
    /// entries, since a shard is locked while it grows; fewer where one would have under 32.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.capacity = Capacity::Entries(entries.max(1));
        self
    }

    /// Holds entries of at most so many bytes in all. Takes the place of
    /// [`max_entries`](Self::max_entries).
    ///
    /// An entry counts for its key, its encoded value and 128 bytes of book-keeping. The objects that
    /// [`get_shared`](cache_core::Cache::get_shared) keeps beside the values come on top: what an object
    /// owns cannot be seen. So do tags, which entries share: some 300 bytes and its name for each tag in use, and
    /// for each set of them. Each shard of the table has its part of the capacity, and an entry must fit into
    /// one: else it is
    /// [`TooLarge`](cache_core::ErrorKind::TooLarge), and what was there stays. There are four shards for
    /// each processor; more where one would have over 48 MiB, fewer where one would have under 1 MiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.capacity = Capacity::Bytes(bytes);
        self
    }

    /// The store. It may be built outside of a runtime.
    pub fn build(self) -> MemoryStore {
        MemoryStore::with(self.capacity, Clock::start())
    }
}
