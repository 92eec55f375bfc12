//! A flush of one tag, which some entries bear, or a million.

use std::time::{Duration, Instant};

use cache_memory::{Cache, MemoryStore, Ttl};
use tokio::runtime::Builder;

use super::tag;
use crate::args::Effort;
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

const AT_MOST: Duration = Duration::from_micros(10);

pub(crate) fn run(effort: Effort, findings: &mut Findings) {
    println!("\nflush of one tag, by the entries that bear it");
    let mut table = Table::new(["entries", "ns (p10–p90)"]);
    let many = effort.pick(1_000_000, 100_000);
    for entries in [100, 10_000] {
        let took = measure(entries, effort.pick(11, 3));
        table.row([entries.to_string(), format!("{took:.0}")]);
    }
    let largest = measure(many, effort.pick(11, 3));
    table.row([many.to_string(), format!("{largest:.0}")]);
    table.print();
    findings.target(
        &format!("flush of a tag that {many} entries bear"),
        format!("≤ {AT_MOST:?}"),
        format!("{largest:.0} ns"),
        Verdict::of(largest.median <= AT_MOST.as_secs_f64() * 1e9),
    );
}

/// In a task of a runtime, as services flush, with its sweeper asleep, and with cold caches.
fn measure(entries: u32, repeats: u32) -> Spread {
    let runtime = match Builder::new_multi_thread().worker_threads(1).enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    };
    Spread::of((0..repeats).map(|_| match runtime.block_on(runtime.spawn(flush(entries))) {
        Ok(took) => took.as_secs_f64() * 1e9,
        Err(error) => panic!("the task was not done: {error}"),
    }))
}

async fn flush(entries: u32) -> Duration {
    let cache = Cache::new(MemoryStore::builder().max_entries(4_000_000).build());
    let tags = [tag("all")];
    let tagged = cache.writer(&tags);
    assert!(tagged.put("for an hour", &0, "1h").await.is_ok());
    tokio::time::sleep(Duration::from_millis(300)).await;
    for index in 0..entries {
        assert!(tagged.put(format!("key:{index}"), &index, Ttl::FOREVER).await.is_ok());
    }
    assert_eq!(cache.has("key:0").await.ok(), Some(true));
    let started = Instant::now();
    let flushed = tagged.flush().await;
    let took = started.elapsed();
    assert!(flushed.is_ok());
    assert_eq!(cache.has("key:0").await.ok(), Some(false));
    took
}
