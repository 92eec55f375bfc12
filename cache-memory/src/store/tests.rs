//! The store as it is in production, where no test can pause time: by the kernel's clock, and so in real time.

use std::thread;
use std::time::Duration;

use cache_core::Cache;
use cache_core::conformance::{Case, Suite, Verdict};

use super::MemoryStore;
use crate::clock::Clock;
use crate::table::Capacity;

fn store() -> MemoryStore {
    MemoryStore::with(Capacity::Entries(10_000), Clock::of_kernel())
}

#[test]
fn the_contract_holds_by_the_clock_of_the_kernel() {
    let suite = Suite::new(|| async { store() });
    let cases = [Suite::cases(), cache_lock::conformance::cases()].concat();
    // They wait for time to pass, and may do so together.
    let failed = thread::scope(|threads| {
        let verdict = |case: &Case| (case.name(), suite.run(case));
        let running: Vec<_> =
            cases.iter().map(|case| threads.spawn(move || verdict(case))).collect();
        let verdicts = running.into_iter().map(|case| case.join().unwrap());
        verdicts.filter(|(_, verdict)| *verdict != Verdict::Passed).collect::<Vec<_>>()
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn of_many_keys_each_is_judged_by_its_own_deadline() {
    let cache = Cache::new(store());
    for n in 0..10 {
        cache.put(format!("soon {n}"), &n, "1900ms").await.unwrap();
        cache.put(format!("late {n}"), &n, "1h").await.unwrap();
        cache.put(format!("ended {n}"), &n, "1ms").await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(2)).await;
    let keys = |kinds: &'static [&str]| {
        (0..10).flat_map(|n| kinds.iter().map(move |kind| format!("{kind} {n}")))
    };
    let found = cache.get_many::<i64>(keys(&["late", "soon", "ended"])).await.unwrap();
    let expected: Vec<_> = (0..10).flat_map(|n| [Some(n), Some(n), None]).collect();
    assert_eq!(found, expected);
}
