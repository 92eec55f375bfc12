//! The settings of the memory driver.

use std::fmt;

use cache_memory::MemoryStore;

use super::common::{Common, above_zero, count, settings_of_every_driver};
use super::given::{Given, MEMORY, Origin};
use super::option::options;
use super::{CacheConfig, Flaw, refused};
use crate::{Cache, Error};

/// A cache in this process: see [`CacheConfig::memory`]. A [`CacheConfig`] by [`Into`].
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "a configuration opens nothing until `connect`"]
pub struct MemoryConfig {
    common: Common,
    capacity: Option<Capacity>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Capacity {
    Entries(usize),
    Bytes(u64),
}

impl MemoryConfig {
    /// Holds at most so many entries, whatever their size: 100,000 unless said. Takes the place of
    /// [`max_bytes`](Self::max_bytes). More in [`MemoryStoreBuilder::max_entries`](crate::MemoryStoreBuilder::max_entries).
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.capacity = Some(Capacity::Entries(entries));
        self
    }

    /// Holds entries of at most so many bytes in all. Takes the place of [`max_entries`](Self::max_entries). What
    /// counts, and what does not: [`MemoryStoreBuilder::max_bytes`](crate::MemoryStoreBuilder::max_bytes).
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.capacity = Some(Capacity::Bytes(bytes));
        self
    }

    settings_of_every_driver!(MemoryConfig);

    pub(super) fn common_mut(&mut self) -> &mut Common {
        &mut self.common
    }

    /// Opens the cache: [`CacheConfig::connect`].
    #[allow(clippy::unused_async, reason = "alike for every driver")]
    pub async fn connect(&self) -> Result<Cache, Error> {
        self.check(Origin::Config).map_err(refused)?;
        let mut store = MemoryStore::builder();
        match self.capacity {
            Some(Capacity::Entries(entries)) => store = store.max_entries(entries),
            Some(Capacity::Bytes(bytes)) => store = store.max_bytes(bytes),
            None => {}
        }
        self.common.apply(Cache::builder(store.build())).build()
    }

    fn check(&self, origin: Origin) -> Result<(), Flaw> {
        match self.capacity {
            Some(Capacity::Entries(entries)) => above_zero(origin, "max_entries", Some(entries))?,
            Some(Capacity::Bytes(bytes)) => above_zero(origin, "max_bytes", Some(bytes))?,
            None => {}
        }
        self.common.check(origin)
    }
}

/// The settings that are set.
impl fmt::Debug for MemoryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MemoryConfig");
        match self.capacity {
            Some(Capacity::Entries(entries)) => shown.field("max_entries", &entries),
            Some(Capacity::Bytes(bytes)) => shown.field("max_bytes", &bytes),
            None => &mut shown,
        };
        self.common.show(&mut shown);
        shown.finish()
    }
}

/// What follows `memory:`.
pub(super) fn in_url(rest: &str) -> Result<CacheConfig, Flaw> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !matches!(place, "" | "//") {
        return Err(
            "`memory:` is followed by nothing, or by options: `memory:?max_entries=1000`".into()
        );
    }
    in_table(Given::in_url(options(query)?)?)
}

pub(super) fn in_table(mut given: Given) -> Result<CacheConfig, Flaw> {
    let origin = given.origin;
    given.refuse_unknown(&MEMORY)?;
    let capacity = match (given.number("max_entries")?, given.number("max_bytes")?) {
        (Some(_), Some(_)) => {
            let (entries, bytes) = (origin.name("max_entries"), origin.name("max_bytes"));
            return Err(format!("{entries} and {bytes} exclude each other: give one"));
        }
        (Some(entries), None) => Some(Capacity::Entries(count(entries))),
        (None, Some(bytes)) => Some(Capacity::Bytes(bytes)),
        (None, None) => None,
    };
    let memory = MemoryConfig { capacity, common: Common::read(&mut given)? };
    memory.check(origin)?;
    Ok(memory.into())
}
