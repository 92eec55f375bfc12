//! Section "hits": one operation on a key that is there, beside the raw parts that it is made of.

mod counters;
mod decoded;
mod presence;
mod put;
mod shared;

use std::hint::black_box;

use cache_memory::{Cache, IntoTtl, MemoryStore};
use quick_cache::sync::Cache as QuickCache;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::args::Effort;
use crate::fixture::{CAPACITY, Fixture, User};
use crate::race::{Race, runtime};
use crate::verdict::Findings;

/// Operations of a contender in a round: some tens of milliseconds.
const OPERATIONS: u32 = 100_000;

pub(crate) fn run(fixture: &Fixture, effort: Effort, findings: &mut Findings) {
    let runtime = runtime();
    let bench = Bench { fixture, runtime: &runtime, effort };
    shared::run(&bench, findings);
    shared::run_forever(&bench, findings);
    decoded::run(&bench, findings);
    put::run(&bench, findings);
    presence::run(&bench);
    counters::run(&bench);
}

/// What every comparison of this section begins with.
struct Bench<'a> {
    fixture: &'a Fixture,
    runtime: &'a Runtime,
    effort: Effort,
}

impl<'a> Bench<'a> {
    fn race(&self, title: &'static str) -> Race<'a> {
        Race::new(title, self.runtime)
    }

    /// A raw table that holds something for every key.
    fn raw<V: Clone>(&self, value: impl Fn(&User) -> V) -> QuickCache<String, V> {
        let table = QuickCache::new(CAPACITY);
        for (key, user) in self.fixture.entries() {
            table.insert(key.to_owned(), value(user));
        }
        assert_eq!(table.len(), self.fixture.entries().count(), "nothing was evicted");
        table
    }

    /// A cache that holds something for every key.
    fn cache<V: Serialize>(
        &self,
        ttl: impl IntoTtl + Copy,
        value: impl Fn(&'a User) -> V,
    ) -> Cache {
        let cache = Cache::new(MemoryStore::builder().max_entries(CAPACITY).build());
        self.runtime.block_on(async {
            for (key, user) in self.fixture.entries() {
                assert!(cache.put(key, &value(user), ttl).await.is_ok());
            }
            for (key, _) in self.fixture.entries() {
                assert_eq!(cache.has(key).await.ok(), Some(true), "nothing was evicted");
            }
        });
        cache
    }
}

/// What it takes to judge a lifetime by tokio's clock: the yardstick, since most hits of the cache are judged by a
/// coarser one.
#[inline]
fn read_clock() {
    black_box(tokio::time::Instant::now());
}
