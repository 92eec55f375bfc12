//! Section "herd": many callers miss one key at once, and one of them loads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_memory::{Cache, Error, MemoryStore};
use tokio::runtime::Builder;

use crate::args::Effort;
use crate::fixture::User;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

const CALLERS: usize = 500;
const LOAD: Duration = Duration::from_millis(50);
const AT_MOST: Duration = Duration::from_millis(60);

pub(crate) fn run(effort: Effort, findings: &mut Findings) {
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    };
    let repeats = effort.pick(30, 5);
    let mut worst_loads = 0;
    let mut times = Vec::new();
    // The first one warms up.
    for repeat in 0..=repeats {
        let (loads, took) = runtime.block_on(herd());
        worst_loads = worst_loads.max(loads);
        findings.must(loads == 1, || format!("{loads} loads of one key that {CALLERS} missed"));
        if repeat > 0 {
            times.push(took);
        }
    }
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);

    println!(
        "\n{CALLERS} callers of `remember`, one missing key, a load of {LOAD:?}; {repeats} times"
    );
    let mut table = Table::new(["", "median", "worst"]);
    table.row(["until all are done".to_owned(), format!("{median:.1?}"), format!("{worst:.1?}")]);
    table.row(["loads".to_owned(), String::new(), worst_loads.to_string()]);
    table.print();
    let measured = format!("{median:.1?}, worst {worst:.1?}");
    findings.target(
        "herd: until all are done",
        format!("≤ {AT_MOST:?}"),
        measured,
        Verdict::of(median <= AT_MOST),
    );
    let verdict = Verdict::of(worst_loads == 1);
    findings.target("herd: loads", "1".to_owned(), worst_loads.to_string(), verdict);
}

/// How often the key was loaded, and how long it took until everybody had it.
async fn herd() -> (u64, Duration) {
    let cache = Cache::new(MemoryStore::new());
    let loads = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (cache, loads) = (cache.clone(), Arc::clone(&loads));
            tokio::spawn(async move {
                let load = async || {
                    loads.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(LOAD).await;
                    Ok::<_, Error>(User::new(1))
                };
                cache.remember("user:1", "1h", load).await
            })
        })
        .collect();
    for caller in callers {
        match caller.await {
            Ok(Ok(user)) => assert_eq!(user.id, 1),
            failure => panic!("every caller gets the value: {failure:?}"),
        }
    }
    (loads.load(Ordering::Relaxed), started.elapsed())
}
