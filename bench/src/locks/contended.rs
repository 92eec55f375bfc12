//! Sixteen want it at once and hold it for 10 ms each: in one process, and each in a process of its own.

use std::time::{Duration, Instant};

use cache_lock::Locks;
use cache_redis::{Cache, RedisStore};
use tokio::runtime::Runtime;

use crate::args::Effort;
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

const WAITERS: usize = 16;
const HELD: Duration = Duration::from_millis(10);
/// Less is not possible.
const LEAST_MILLIS: f64 = 160.0;

pub(crate) fn run(runtime: &Runtime, url: &str, effort: Effort, findings: &mut Findings) {
    println!("\n{WAITERS} who hold a lock for 10 ms each");
    let mut table = Table::new(["", "ms (p10–p90)"]);
    for (name, processes) in [("of one cache", 1), ("of a cache each", WAITERS)] {
        let caches = runtime.block_on(caches(url, processes));
        let mut times = Vec::new();
        for round in 0..=effort.pick(15, 4) {
            let took = runtime.block_on(all_in_turn(&caches));
            if round > 0 {
                times.push(took);
            }
        }
        let spread = Spread::of(times);
        table.row([name.to_owned(), format!("{spread:.0}")]);
        findings.target(
            &format!("{WAITERS} waiters {name}"),
            "≤ 1.2 × 160 ms".to_owned(),
            format!("{spread:.0} ms"),
            Verdict::of(spread.median <= 1.2 * LEAST_MILLIS),
        );
    }
    table.print();
}

async fn caches(url: &str, count: usize) -> Vec<Cache> {
    let mut caches = Vec::with_capacity(count);
    for _ in 0..count {
        match RedisStore::connect(url).await {
            Ok(store) => caches.push(Cache::new(store)),
            Err(error) => panic!("the server is there: {error}"),
        }
    }
    caches
}

/// The milliseconds until the last one is done.
async fn all_in_turn(caches: &[Cache]) -> f64 {
    let started = Instant::now();
    let waiting: Vec<_> = (0..WAITERS)
        .map(|number| {
            let cache = caches[number % caches.len()].clone();
            tokio::spawn(async move {
                cache
                    .lock_and_run("report", "30s", async || {
                        // A timer of tokio's would be late by a millisecond.
                        let held = tokio::task::spawn_blocking(|| std::thread::sleep(HELD));
                        assert!(held.await.is_ok());
                        Ok::<_, cache_redis::Error>(())
                    })
                    .await
            })
        })
        .collect();
    for waiter in waiting {
        assert!(waiter.await.is_ok_and(|done| done.is_ok()));
    }
    started.elapsed().as_secs_f64() * 1e3
}
