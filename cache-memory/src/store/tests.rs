//! The store as it is in production, where no test can pause time: on the kernel's clock, and so in real time. And what
//! cannot be seen from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cache_core::conformance::{Suite, Verdict};
use cache_core::{Cache, Key, Lifetime, Payload, Store, Tag, TagStore, Tagging, Terms};

use super::MemoryStore;
use crate::clock::Clock;
use crate::table::Capacity;

fn store() -> MemoryStore {
    MemoryStore::with(Capacity::Entries(10_000), Clock::of_kernel())
}

/// Entries that live for ever, each under a tag of its own.
async fn put_under_tags(store: &MemoryStore, count: usize) {
    for n in 0..count {
        let name = n.to_string();
        let tags = [Tag::new(&name).unwrap()];
        let terms = Terms::tagged(Lifetime::Forever, Tagging::Current(&tags));
        store.put(Key::new(&name).unwrap(), Payload::Integer(1), terms).await.unwrap();
    }
    assert_eq!(store.swept.tags.len(), (count, count));
}

#[tokio::test]
async fn tags_leave_nothing_behind_when_all_is_flushed_or_closed() {
    let store = store();
    for count in [100, 5_000] {
        put_under_tags(&store, count).await;
        Store::flush(&store).await.unwrap();
        assert_eq!(store.swept.tags.len(), (0, 0));
    }
    put_under_tags(&store, 5_000).await;
    let read = [Tag::new("read").unwrap()];
    let seen = store.versions(&read).await.unwrap();
    Store::flush(&store).await.unwrap();
    assert_eq!(store.swept.tags.len(), (1, 1), "who is to store under it has it still");
    let terms = Terms::tagged(Lifetime::Forever, Tagging::AsOf(&seen));
    store.put(Key::new("k").unwrap(), Payload::Integer(1), terms).await.unwrap();
    assert!(store.has(Key::new("k").unwrap()).await.unwrap());
    drop(seen);
    store.close().await.unwrap();
    assert_eq!(store.swept.tags.len(), (0, 0));
}

#[test]
fn the_contract_holds_by_the_clock_of_the_kernel() {
    /// Most of them wait for time to pass, and may do so together.
    const AT_ONCE: usize = 8;
    let (suite, cases) = (Suite::new(|| async { store() }), Suite::cases());
    let next = AtomicUsize::new(0);
    let failed = thread::scope(|threads| {
        let some = || {
            let mine = std::iter::from_fn(|| cases.get(next.fetch_add(1, Ordering::Relaxed)));
            let verdicts = mine.map(|case| (case.name(), suite.run(case)));
            verdicts.filter(|(_, verdict)| *verdict != Verdict::Passed).collect::<Vec<_>>()
        };
        let running = [(); AT_ONCE].map(|()| threads.spawn(some));
        running.map(|some| some.join().unwrap()).concat()
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn of_many_keys_each_is_judged_by_its_own_deadline() {
    let cache = Cache::new(store());
    let begun = Instant::now();
    for n in 0..10 {
        cache.put(format!("soon {n}"), &n, "1900ms").await.unwrap();
        cache.put(format!("late {n}"), &n, "1h").await.unwrap();
        cache.put(format!("ended {n}"), &n, "1ms").await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(2)).await;
    let keys = (0..10).flat_map(|n| ["late", "soon", "ended"].map(|kind| format!("{kind} {n}")));
    let found = cache.get_many::<i64>(keys).await.unwrap();
    // Unless this test was kept from running.
    let in_time = begun.elapsed() < Duration::from_millis(1_900);
    for (n, found) in (0..10).zip(found.chunks(3)) {
        assert_eq!((found[0], found[2]), (Some(n), None));
        assert!(found[1] == Some(n) || !in_time);
    }
}

#[tokio::test]
async fn memory_comes_back_by_the_clock_of_the_kernel() {
    let store = Arc::new(store());
    let cache = Cache::new(Arc::clone(&store));
    for n in 0..1_000 {
        cache.put(format!("brief {n}"), "v", "1ms").await.unwrap();
        cache.put(format!("long {n}"), "v", "1h").await.unwrap();
    }
    while store.entries() > 1_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(cache.has("long 999").await.unwrap());
}
