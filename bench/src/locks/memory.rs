//! In memory, nobody else wants it.

use std::time::Instant;

use cache_lock::Locks;
use cache_memory::{Cache, MemoryStore};

use crate::args::Effort;
use crate::race::runtime;
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

const ROUND: u32 = 100_000;

pub(crate) fn run(effort: Effort, findings: &mut Findings) {
    const TITLE: &str = "a lock in memory, taken and given back";
    let runtime = runtime();
    let cache = Cache::new(MemoryStore::new());
    println!("\n{TITLE}");
    let mut table = Table::new(["", "ns (p10–p90)"]);
    for (name, renews) in [("as it comes", true), ("without renewal", false)] {
        let mut times = Vec::new();
        for round in 0..=effort.pick(25, 5) {
            let took = runtime.block_on(round_of(&cache, renews));
            if round > 0 {
                times.push(took);
            }
        }
        let spread = Spread::of(times);
        table.row([name.to_owned(), format!("{spread:.0}")]);
        if renews {
            let verdict = Verdict::of(spread.median < 1_000.0);
            findings.target(TITLE, "< 1000 ns".to_owned(), format!("{spread:.0}"), verdict);
        }
    }
    table.print();
}

/// The nanoseconds of each.
async fn round_of(cache: &Cache, renews: bool) -> f64 {
    let started = Instant::now();
    for _ in 0..ROUND {
        let request = cache.lock("report", "30s");
        let request = if renews { request } else { request.without_renewal() };
        match request.acquire().await {
            Ok(guard) => assert!(guard.release().await.is_ok()),
            Err(error) => panic!("nobody else wants it: {error}"),
        }
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(ROUND)
}
