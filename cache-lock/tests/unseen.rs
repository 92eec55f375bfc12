//! A lease that has ended before anybody looked, since a process that is busy, or was paused, sees no timer fire.

mod faulty;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use cache_core::{Acquisition, Cache, Error, ErrorKind, Key, Owner, Store};
use cache_lock::{LockGuard, Locks};
use faulty::{Answer, Call, Faulty, NAME};
use tokio::time::{Instant, advance, sleep};
use tokio_test::task::spawn;

fn shared() -> (Faulty, Cache) {
    let store = Faulty::default();
    (store.clone(), Cache::new(store))
}

async fn held(cache: &Cache) -> LockGuard {
    cache.lock(NAME, "3s").acquire().await.expect("it is free")
}

/// So much time passes, and no timer fires meanwhile.
fn pass(time: Duration) {
    let before = Instant::now();
    assert!(spawn(advance(time)).poll().is_pending());
    assert!(before.elapsed() >= time);
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn a_release_without_an_answer_that_began_after_the_end_tells_of_the_loss() {
    for (passed, told) in [(4, ErrorKind::LockLost), (2, ErrorKind::Unavailable)] {
        let (store, cache) = shared();
        let guard = held(&cache).await;
        store.set_all(Answer::Fails);
        pass(Duration::from_secs(passed));
        assert_eq!(kind(guard.release().await), Some(told), "after {passed} s");
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_has_outlasted_the_lease_is_not_believed() {
    for outage in [Answer::Fails, Answer::Denies] {
        let (store, cache) = shared();
        let work = async || {
            store.set(Call::Release, outage);
            pass(Duration::from_secs(4));
            Ok::<_, Error>(7)
        };
        let done = cache.lock_and_run(NAME, "3s", work).await;
        assert_eq!(kind(done), Some(ErrorKind::LockLost), "{outage:?}");
    }
}

/// What the store says was the holder's to the end, was.
#[tokio::test(start_paused = true)]
async fn a_release_that_the_store_confirms_is_one() {
    let (_, cache) = shared();
    let guard = held(&cache).await;
    pass(Duration::from_millis(2_999));
    assert_eq!(kind(guard.release().await), None);
}

/// An attempt that had no answer has arrived after all, when a successor had come and gone.
#[tokio::test(start_paused = true)]
async fn what_an_old_attempt_has_taken_anew_is_not_believed() {
    let (store, cache) = shared();
    let truth = store.truth().locks().unwrap();
    let (name, other, lease) = (Key::new(NAME).unwrap(), Owner(7), Duration::from_secs(3));
    truth.acquire(name, other, Duration::from_secs(60)).await.unwrap();
    let waiting = tokio::spawn(cache.lock(NAME, lease).wait("50s").acquire());
    sleep(Duration::from_millis(10)).await;
    store.set(Call::Acquire, Answer::Fails);
    assert!(truth.release(name, other).await.unwrap());
    sleep(Duration::from_millis(10)).await;
    store.set(Call::Acquire, Answer::Right);
    let guard = waiting.await.unwrap().unwrap();
    let holder = truth.inspect(name).await.unwrap().unwrap().owner;
    pass(Duration::from_secs(4));
    for owner in [other, holder] {
        let taken = truth.acquire(name, owner, lease).await.unwrap();
        assert!(matches!(taken, Acquisition::Acquired(_)));
        assert!(owner == holder || truth.release(name, owner).await.unwrap());
    }
    assert_eq!(kind(guard.release().await), Some(ErrorKind::LockLost));
    assert!(truth.inspect(name).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn work_is_not_polled_after_the_end() {
    let (_, cache) = shared();
    let began = Instant::now();
    let work = async || {
        poll_fn(|cx| {
            assert!(began.elapsed() < Duration::from_secs(3), "polled after the end");
            pass(Duration::from_secs(2));
            cx.waker().wake_by_ref();
            Poll::<Result<(), Error>>::Pending
        })
        .await
    };
    // By hand, so that no timer fires in between.
    let mut running = spawn(cache.lock(NAME, "3s").without_renewal().run(work));
    assert!(running.poll().is_pending() && running.poll().is_pending());
    let Poll::Ready(lost) = running.poll() else { panic!("it has ended") };
    assert_eq!(kind(lost), Some(ErrorKind::LockLost));
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_told_at_the_first_look_after_the_end() {
    let (_, cache) = shared();
    let guard = cache.lock(NAME, "3s").without_renewal().acquire().await.unwrap();
    let mut lost = spawn(guard.lost());
    assert!(lost.poll().is_pending());
    pass(Duration::from_secs(3));
    assert!(lost.poll().is_ready());
    drop(lost);
    assert!(!guard.is_held());
}
