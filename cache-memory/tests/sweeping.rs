//! Memory of expired entries comes back unread, and nothing else does.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use cache_core::Store;
use cache_memory::{Cache, MemoryStore, Ttl};
use tokio::time::advance;

fn store() -> (Arc<MemoryStore>, Cache) {
    let store = Arc::new(MemoryStore::builder().max_entries(1_000_000).build());
    (Arc::clone(&store), Cache::new(store))
}

/// A runtime of this thread, in virtual time.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Lets the sweeper do what is to be done now. One thread: it runs whenever this one yields. It may be
/// resting from the walk before, so a little time passes, far less than any lifetime here.
async fn swept(store: &MemoryStore, down_to: usize) {
    for _ in 0..50 {
        for _ in 0..500 {
            if store.entries() <= down_to {
                return;
            }
            tokio::task::yield_now().await;
        }
        advance(Duration::from_millis(5)).await;
    }
    panic!("{} entries are left", store.entries());
}

#[tokio::test(start_paused = true)]
async fn expired_entries_go_unread_and_live_ones_stay() {
    let (store, cache) = store();
    for n in 0..10_000 {
        cache.put(format!("brief {n}"), "v", "1s").await.unwrap();
    }
    for n in 0..100 {
        cache.put(format!("long {n}"), "v", "1h").await.unwrap();
        cache.put(format!("forever {n}"), "v", Ttl::FOREVER).await.unwrap();
    }
    advance(Duration::from_millis(999)).await;
    tokio::task::yield_now().await;
    assert_eq!(store.entries(), 10_200, "nothing goes before its time");
    advance(Duration::from_millis(1)).await;
    swept(&store, 200).await;
    assert!(cache.has("long 99").await.unwrap() && cache.has("forever 99").await.unwrap());
    advance(Duration::from_secs(3_600)).await;
    swept(&store, 100).await;
}

#[tokio::test(start_paused = true)]
async fn a_fresh_value_is_not_swept_with_the_old_one() {
    let (store, cache) = store();
    for n in 0..1_000 {
        cache.put(format!("k{n}"), "old", "1s").await.unwrap();
    }
    advance(Duration::from_millis(500)).await;
    for n in 0..500 {
        cache.put(format!("k{n}"), "new", "10s").await.unwrap();
    }
    advance(Duration::from_millis(500)).await;
    swept(&store, 500).await;
    for n in 0..500 {
        assert!(cache.has(format!("k{n}")).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_was_shortened_or_counted_is_kept_to() {
    let (store, cache) = store();
    cache.put("touched", "v", "1h").await.unwrap();
    assert!(cache.touch("touched", "1s").await.unwrap());
    let brief = Cache::builder(Arc::clone(&store)).default_ttl("2s").build().unwrap();
    brief.increment("counted").await.unwrap();
    assert!(cache.add("added", "v", "3s").await.unwrap());
    for left in (0..3).rev() {
        advance(Duration::from_secs(1)).await;
        swept(&store, left).await;
    }
}

/// The sweeper sleeps for an hour when something comes that lives for a second.
#[tokio::test(start_paused = true)]
async fn a_nearer_deadline_wakes_the_sweeper() {
    let (store, cache) = store();
    cache.put("long", "v", "1h").await.unwrap();
    tokio::task::yield_now().await;
    cache.put("brief", "v", "1s").await.unwrap();
    tokio::task::yield_now().await;
    advance(Duration::from_secs(1)).await;
    swept(&store, 1).await;
}

#[test]
fn a_store_outlives_its_runtime_and_is_swept_by_the_next() {
    let (store, cache) = store();
    for round in 0..3 {
        runtime().block_on(async {
            cache.put(format!("left by {round}"), "v", "1s").await.unwrap();
            cache.put("k", "v", "500ms").await.unwrap();
            tokio::task::yield_now().await;
            advance(Duration::from_secs(1)).await;
            swept(&store, 0).await;
            // What the next runtime finds.
            cache.put("left", "v", "1h").await.unwrap();
            cache.forget("left").await.unwrap();
        });
    }
}

#[test]
fn without_a_runtime_the_store_works_and_is_swept_later() {
    let (store, cache) = store();
    let hour = std::pin::pin!(async {
        cache.put("k", "v", Duration::from_millis(1)).await.unwrap();
    });
    let polled = hour.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_ready());
    assert_eq!(store.entries(), 1);
    let runtime = runtime();
    runtime.block_on(async {
        cache.put("other", "v", "1s").await.unwrap();
        tokio::task::yield_now().await;
        advance(Duration::from_secs(2)).await;
        swept(&store, 0).await;
    });
}

#[tokio::test]
async fn memory_comes_back() {
    const ENTRIES: usize = 50_000;
    let runtime = runtime();
    let spent = std::thread::spawn(move || {
        let (store, cache) = store();
        measure(|| {
            runtime.block_on(async {
                for n in 0..ENTRIES {
                    cache
                        .put(format!("a key of some length {n}"), &"x".repeat(200), "1s")
                        .await
                        .unwrap();
                }
                advance(Duration::from_secs(1)).await;
                swept(&store, 0).await;
            });
        })
    });
    let spent = spent.join().unwrap();
    let left = spent.bytes_current / i64::try_from(ENTRIES).unwrap();
    assert!(spent.bytes_max > 200 * ENTRIES as u64, "it had been there: {spent:?}");
    assert!(left <= 200, "{left} bytes are left of each entry");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_cache_ends_the_sweeper() {
    let tasks = tokio::runtime::Handle::current().metrics();
    let (store, cache) = store();
    cache.put("k", "v", "1h").await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(tasks.num_alive_tasks(), 1);
    drop((store, cache));
    tokio::task::yield_now().await;
    assert_eq!(tasks.num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn closing_gives_everything_back() {
    let tasks = tokio::runtime::Handle::current().metrics();
    let (store, cache) = store();
    for n in 0..5_000 {
        cache.put(format!("k{n}"), "v", "1h").await.unwrap();
    }
    cache.close().await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!((store.entries(), tasks.num_alive_tasks()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_awaits_flushes_and_closes_nothing() {
    let tasks = tokio::runtime::Handle::current().metrics();
    let (store, cache) = store();
    for n in 0..5_000 {
        cache.put(format!("k{n}"), "v", "1h").await.unwrap();
    }
    drop(Store::flush(&store));
    drop(store.close());
    tokio::task::yield_now().await;
    assert_eq!((store.entries(), tasks.num_alive_tasks()), (5_000, 1));
    Store::flush(&store).await.unwrap();
    assert_eq!((store.entries(), tasks.num_alive_tasks()), (0, 1));
}

#[test]
fn a_runtime_that_is_gone_or_going_does_no_harm() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let handle = runtime.handle().clone();
    let (store, cache) = store();
    let (sent, received) = std::sync::mpsc::channel();
    let late = cache.clone();
    let put = async move |cache: &Cache| cache.put("k", "v", "1h").await.unwrap();
    // While it shuts down: a blocking task that outlives it.
    let handle_of_task = handle.clone();
    runtime.spawn_blocking(move || {
        received.recv().unwrap();
        handle_of_task.block_on(put(&late));
    });
    runtime.shutdown_background();
    sent.send(()).unwrap();
    // And afterwards, with its handle still at hand.
    let _entered = handle.enter();
    let polled = std::pin::pin!(put(&cache))
        .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_ready());
    assert!(store.entries() == 1);
}

#[test]
fn a_new_sweeper_finds_what_was_left() {
    let (store, cache) = store();
    runtime().block_on(async {
        for n in 0..100 {
            cache.put(format!("k{n}"), "v", Duration::from_millis(1)).await.unwrap();
        }
    });
    runtime().block_on(async {
        cache.put("long", "v", "30d").await.unwrap();
        tokio::task::yield_now().await;
        advance(Duration::from_secs(1)).await;
        swept(&store, 1).await;
    });
}

#[test]
fn without_timers_the_store_works_unswept() {
    let (store, cache) = store();
    let without_timers = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let runtimes = [without_timers(), without_timers()];
    for round in 0..3 {
        for (at, runtime) in runtimes.iter().enumerate() {
            runtime.block_on(async {
                cache.put(format!("k{round} of {at}"), "v", "1h").await.unwrap();
                let tried = runtime.metrics().num_alive_tasks();
                assert_eq!(tried, usize::from(round == 0), "each is asked for timers once");
                tokio::task::yield_now().await;
                assert!(cache.has("k0 of 0").await.unwrap());
            });
        }
    }
    assert_eq!(store.entries(), 6);
    // It is a matter of the runtime, not of the store.
    runtime().block_on(async {
        cache.put("other", "v", "1s").await.unwrap();
        tokio::task::yield_now().await;
        advance(Duration::from_secs(2)).await;
        swept(&store, 6).await;
        advance(Duration::from_secs(3_600)).await;
        swept(&store, 0).await;
    });
}

#[test]
fn a_runtime_that_unwinds_does_not_end_sweeping() {
    let (store, cache) = store();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime().block_on(async {
            cache.put("k", "v", "1s").await.unwrap();
            std::panic::resume_unwind(Box::new("before the sweeper has run"));
        });
    }));
    assert!(unwound.is_err());
    runtime().block_on(async {
        cache.put("other", "v", "1s").await.unwrap();
        tokio::task::yield_now().await;
        advance(Duration::from_secs(2)).await;
        swept(&store, 0).await;
    });
}
