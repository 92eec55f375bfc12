//! When a lease begins to be renewed.

mod faulty;

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::Cache;
use cache_lock::{LockGuard, Locks};
use cache_memory::MemoryStore;
use faulty::{Answer, Call, Faulty, NAME};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The lock with a lease of 3 seconds, which is renewed every second.
async fn held(cache: &Cache) -> LockGuard {
    cache.lock(NAME, "3s").try_acquire().await.expect("an answer").expect("it is free")
}

fn in_virtual_time() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_before_it_is_due() {
    let store = Faulty::default();
    let guard = held(&Cache::new(store.clone())).await;
    sleep(millis(990)).await;
    assert_eq!(store.calls(Call::Renew), 0);
    sleep(millis(20)).await;
    assert_eq!(store.calls(Call::Renew), 1);
    drop(guard);
    sleep(millis(10_000)).await;
    assert_eq!(store.calls(Call::Renew), 1, "nor after it was given back");
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_renewed_at_once_that_was_acquired_when_that_was_due() {
    let store = Faulty::default();
    store.set(Call::Acquire, Answer::ToldAfter(millis(1_500)));
    let guard = held(&Cache::new(store.clone())).await;
    sleep(millis(10)).await;
    assert_eq!(store.calls(Call::Renew), 1);
    sleep(millis(60_000)).await;
    assert!(guard.is_held());
}

#[test]
fn a_lock_is_renewed_that_a_task_without_budget_has_acquired() {
    let (runtime, store) = (in_virtual_time(), Faulty::default());
    let cache = Cache::new(store.clone());
    let guard = runtime.block_on(async {
        use_up_the_budget().await;
        held(&cache).await
    });
    runtime.block_on(async { sleep(millis(60_000)).await });
    assert!(guard.is_held());
    assert!(store.calls(Call::Renew) > 50);
}

#[test]
fn a_lock_is_renewed_where_it_was_asked_for_wherever_it_was_acquired() {
    let (runtime, store) = (in_virtual_time(), Faulty::default());
    store.set(Call::Acquire, Answer::Turns(3));
    let cache = Cache::new(store.clone());
    let mut acquiring = Box::pin(held(&cache));
    let within = runtime.enter();
    let context = &mut Context::from_waker(Waker::noop());
    assert!(acquiring.as_mut().poll(context).is_pending());
    drop(within);
    // Nobody drives this one.
    let idle = in_virtual_time();
    let within = idle.enter();
    let guard = loop {
        if let Poll::Ready(guard) = acquiring.as_mut().poll(context) {
            break guard;
        }
    };
    drop(within);
    runtime.block_on(async { sleep(millis(60_000)).await });
    assert!(guard.is_held());
    assert!(store.calls(Call::Renew) > 50);
}

/// It stands still, and with it whatever it was about to renew.
#[test]
fn a_release_does_not_wait_for_the_runtime_that_renews() {
    let (its_own, another, store) = (in_virtual_time(), in_virtual_time(), Faulty::default());
    let cache = Cache::new(store.clone());
    let guard = its_own.block_on(held(&cache));
    store.set(Call::Renew, Answer::Hangs);
    its_own.block_on(async { sleep(millis(1_100)).await });
    assert_eq!(store.calls(Call::Renew), 1);
    let released = another.block_on(async { timeout(millis(60_000), guard.release()).await });
    released.expect("it does not wait").expect("it is held");
}

/// A packet is lost, say, and the connection is not told yet.
#[tokio::test(start_paused = true)]
async fn a_lease_outlasts_a_renewal_that_is_never_answered() {
    let store = Faulty::default();
    let guard = held(&Cache::new(store.clone())).await;
    store.set(Call::Renew, Answer::Hangs);
    sleep(millis(1_500)).await;
    assert_eq!(store.calls(Call::Renew), 1);
    store.set(Call::Renew, Answer::Right);
    sleep(millis(60_000)).await;
    assert!(guard.is_held());
}

/// What tokio lets a task do before it is to yield.
async fn use_up_the_budget() {
    let permits = Semaphore::new(1_000);
    poll_fn(|context| {
        while let Poll::Ready(permit) = pin!(permits.acquire()).poll(context) {
            assert!(permit.is_ok());
        }
        Poll::Ready(())
    })
    .await;
}

#[test]
fn a_lock_is_given_back_where_no_timer_can_be_set() {
    let cache = Cache::new(MemoryStore::new());
    let without_timers = Builder::new_current_thread().build().expect("a runtime");
    let guard = without_timers.block_on(held(&cache));
    assert!(guard.is_held());
    assert!(without_timers.block_on(guard.release()).is_ok());

    let ended = in_virtual_time();
    let handle = ended.handle().clone();
    drop(ended);
    let guard = handle.block_on(held(&cache));
    assert!(guard.is_held());
    drop(guard);
    drop(without_timers.block_on(held(&cache)));
}
