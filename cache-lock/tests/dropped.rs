//! Futures that are dropped, wherever they had got to: the lock stays usable, and nothing is left behind.

mod faulty;

use std::task::Poll;
use std::time::Duration;

use cache_core::{Cache, Error};
use cache_lock::Locks;
use faulty::{Answer, Call, Faulty, NAME};
use tokio::time::{Instant, sleep};
use tokio_test::task::spawn;

/// More polls than any of these futures takes.
const POLLS: usize = 40;

/// A store that takes some turns to act, and some to tell.
fn slow() -> (Faulty, Cache, Cache) {
    let store = Faulty::default();
    store.set_all(Answer::Turns(3));
    (store.clone(), Cache::new(store.clone()), Cache::new(store))
}

/// Polls a future so many times, letting others have their turns in between, and drops it.
async fn poll_and_drop<T>(work: impl Future<Output = T>, polls: usize) {
    let mut work = spawn(work);
    for _ in 0..polls {
        if let Poll::Ready(done) = work.poll() {
            drop(done);
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The lock can be had, long before a lease of a minute would end, and nobody renews it behind the back.
async fn is_usable(store: &Faulty, cache: &Cache, polls: usize) {
    let began = Instant::now();
    let guard = cache.lock(NAME, "1m").wait("30s").acquire().await;
    let guard = guard.unwrap_or_else(|error| panic!("after {polls} polls: {error}"));
    assert!(began.elapsed() < Duration::from_secs(2), "after {polls} polls");
    guard.release().await.expect("it is held");
    let renewals = store.calls(Call::Renew);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(store.calls(Call::Renew), renewals, "after {polls} polls");
}

#[tokio::test(start_paused = true)]
async fn an_acquisition_may_be_dropped() {
    let (store, one, other) = slow();
    for polls in 0..POLLS {
        for cache in [&one, &other] {
            poll_and_drop(one.lock(NAME, "1m").acquire(), polls).await;
            is_usable(&store, cache, polls).await;
            poll_and_drop(one.lock(NAME, "1m").try_acquire(), polls).await;
            is_usable(&store, cache, polls).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_may_be_dropped() {
    let (store, one, other) = slow();
    for polls in 0..POLLS {
        for cache in [&one, &other] {
            let guard = cache.lock(NAME, "1m").acquire().await.unwrap();
            let mut waits = spawn(one.lock(NAME, "1m").acquire());
            let next = tokio::spawn(one.lock(NAME, "1m").acquire());
            for _ in 0..polls {
                assert!(waits.poll().is_pending());
                tokio::task::yield_now().await;
            }
            // Whether it is the one that is woken or not.
            guard.release().await.unwrap();
            for _ in 0..polls % 9 {
                if waits.poll().is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(waits);
            drop(next.await.unwrap().unwrap());
            is_usable(&store, cache, polls).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_may_be_dropped() {
    let (store, one, other) = slow();
    for polls in 0..POLLS {
        let guard = one.lock(NAME, "1m").acquire().await.unwrap();
        poll_and_drop(guard.release(), polls).await;
        is_usable(&store, &other, polls).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_may_be_dropped() {
    let (store, one, other) = slow();
    for length in ["2m", "30s"] {
        for polls in 0..POLLS {
            let guard = one.lock(NAME, "1m").acquire().await.unwrap();
            poll_and_drop(guard.extend(length), polls).await;
            sleep(Duration::from_secs(600)).await;
            assert!(guard.is_held(), "it is renewed as before");
            guard.release().await.unwrap();
            is_usable(&store, &other, polls).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn work_may_be_dropped() {
    let (store, one, other) = slow();
    for polls in 0..POLLS {
        let work = async || {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            Ok::<_, Error>(())
        };
        poll_and_drop(one.lock_and_run(NAME, "1m", work), polls).await;
        is_usable(&store, &other, polls).await;
    }
}

/// As when a runtime has been shut down: in memory the lock is free all the same.
#[tokio::test]
async fn a_guard_may_be_dropped_outside_of_a_runtime() {
    let cache = Cache::new(Faulty::default());
    let guard = cache.lock(NAME, "1m").acquire().await.unwrap();
    std::thread::spawn(move || drop(guard)).join().unwrap();
    assert!(cache.lock(NAME, "1m").try_acquire().await.unwrap().is_some());
}
