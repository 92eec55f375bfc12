//! Counts of what is rare and worth knowing. Hits are not counted: that would cost every hit.

use std::sync::atomic::{AtomicU64, Ordering};

/// What [`remember`](crate::Cache::remember) has done since the cache was opened, by it and its clones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Loads that were run.
    pub loads: u64,
    /// Loads that failed.
    pub failed_loads: u64,
    /// Times that a call found a load of its key under way, and waited. More than once for a call that could not be given
    /// what that load brought; and a call may load after it has waited, where the one that loaded was dropped.
    pub waits: u64,
    /// Loads whose value was not stored, because the key was changed while they ran.
    pub overtaken: u64,
    /// Entries that could not be read as what was asked for, and were loaded anew.
    pub healed: u64,
    /// Times that a call went on without the store: it failed, or the value was too large for it.
    pub bypassed: u64,
}

/// The counters behind [`Stats`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) loads: Counter,
    pub(crate) failed_loads: Counter,
    pub(crate) waits: Counter,
    pub(crate) overtaken: Counter,
    pub(crate) healed: Counter,
    pub(crate) bypassed: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> Stats {
        Stats {
            loads: self.loads.get(),
            failed_loads: self.failed_loads.get(),
            waits: self.waits.get(),
            overtaken: self.overtaken.get(),
            healed: self.healed.get(),
            bypassed: self.bypassed.get(),
        }
    }
}
