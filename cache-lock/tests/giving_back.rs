//! What is given back though nobody waits for the answer: beside a close, from outside of a runtime, in an outage.

mod faulty;

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cache_core::{Cache, Error, ErrorKind, Key, Store};
use cache_lock::{LockGuard, Locks};
use faulty::{Answer, Call, Faulty, NAME, millis, seconds, shared};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tokio_test::task::spawn;

async fn held(cache: &Cache) -> LockGuard {
    cache.lock(NAME, "1m").try_acquire().await.expect("an answer").expect("it is free")
}

/// Whether the store has the lock, whatever it tells.
async fn is_free(store: &Faulty) -> bool {
    let truth = store.truth().locks().expect("it has locks");
    truth.inspect(Key::new(NAME).expect("a key")).await.expect("it answers").is_none()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime")
}

/// How often this thread has panicked, or a worker of a runtime, caught or not.
fn panics() -> usize {
    static OF_WORKERS: AtomicUsize = AtomicUsize::new(0);
    static HOOK: Once = Once::new();
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(0) };
    }
    HOOK.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            OWN.set(OWN.get() + 1);
            if thread::current().name().is_none_or(|name| name.starts_with("tokio")) {
                OF_WORKERS.fetch_add(1, Ordering::SeqCst);
            }
            hook(panic);
        }));
    });
    OWN.get() + OF_WORKERS.load(Ordering::SeqCst)
}

/// Waits until the lock is free, in real time, long before its lease ends.
async fn freed(store: &Faulty) {
    let freed = async {
        while !is_free(store).await {
            sleep(millis(1)).await;
        }
    };
    timeout(seconds(10), freed).await.expect("it is given back");
}

#[tokio::test(start_paused = true)]
async fn a_close_does_not_overtake_a_guard_that_was_dropped_before() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Turns(1));
    drop(guard);
    assert_eq!(store.calls(Call::Release), 1, "it is on its way");
    one.close().await.unwrap();
    sleep(millis(1)).await;
    assert!(is_free(&store).await);
    assert_eq!(store.calls(Call::Release), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guard_may_be_dropped_after_a_close() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Turns(1));
    one.close().await.unwrap();
    drop(guard);
    sleep(millis(1)).await;
    assert!(is_free(&store).await);
}

#[tokio::test(start_paused = true)]
async fn a_guard_may_be_released_after_a_close() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Turns(1));
    one.close().await.unwrap();
    assert_eq!(kind(guard.release().await), Some(ErrorKind::Closed));
    assert!(is_free(&store).await);
}

#[tokio::test(start_paused = true)]
async fn work_may_close_the_cache() {
    let (store, one, _) = shared();
    assert_eq!(kind(one.lock_and_run(NAME, "1m", async || one.close().await).await), None);
    assert!(is_free(&store).await);
}

/// What the store says of the lock counts for more than that the cache is closed.
#[tokio::test(start_paused = true)]
async fn work_that_closes_the_cache_learns_that_its_lock_was_taken_away() {
    let (store, one, _) = shared();
    let ran = one.lock_and_run(NAME, "1m", async || {
        let truth = store.truth().locks().unwrap();
        assert!(truth.force_release(Key::new(NAME).unwrap()).await.unwrap());
        one.close().await
    });
    assert_eq!(kind(ran.await), Some(ErrorKind::LockLost));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_guard_that_is_dropped_outside_of_a_runtime_is_given_back_by_its_own() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Turns(1));
    thread::spawn(move || drop(guard)).join().unwrap();
    freed(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_acquisition_that_is_dropped_outside_of_a_runtime_is_given_back() {
    let (store, one, _) = shared();
    store.set(Call::Acquire, Answer::ActsAndHangs);
    store.set(Call::Release, Answer::Turns(1));
    let mut acquiring = spawn(one.lock(NAME, "1m").acquire());
    assert!(acquiring.poll().is_pending() && !is_free(&store).await);
    thread::spawn(move || drop(acquiring)).join().unwrap();
    freed(&store).await;
}

#[test]
fn a_guard_may_outlive_its_runtime() {
    for answer in [Answer::Turns(1), Answer::ToldAfter(millis(1)), Answer::Hangs, Answer::Fails] {
        let (store, one, _) = shared();
        let ended = runtime();
        let guard = ended.block_on(held(&one));
        store.set(Call::Release, answer);
        drop(ended);
        let panics = panics();
        drop(guard);
        assert_eq!(self::panics(), panics, "{answer:?}: whoever has a hook is told of nothing");
        assert_eq!(store.calls(Call::Release), 1, "{answer:?}: it is tried");
    }
}

#[test]
fn a_guard_may_be_dropped_by_a_runtime_that_ends() {
    for answer in [Answer::Turns(1), Answer::ToldAfter(millis(1)), Answer::Hangs, Answer::Fails] {
        let (store, one, _) = shared();
        let ends = runtime();
        let guard = ends.block_on(held(&one));
        store.set(Call::Release, answer);
        ends.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        let panics = panics();
        drop(ends);
        assert_eq!(self::panics(), panics, "{answer:?}: whoever has a hook is told of nothing");
        assert_eq!(store.calls(Call::Release), 1, "{answer:?}: it is tried");
    }
}

/// Another runtime gives it back where its own cannot.
#[tokio::test(start_paused = true)]
async fn a_guard_is_given_back_by_the_runtime_in_which_it_is_dropped() {
    let (store, one, _) = shared();
    let (its_own, asked) = (runtime(), one.lock(NAME, "1m").try_acquire());
    let guard = thread::spawn(move || its_own.block_on(asked)).join().unwrap();
    store.set(Call::Release, Answer::Turns(1));
    drop(guard);
    sleep(millis(1)).await;
    assert!(is_free(&store).await);
}

#[tokio::test(start_paused = true)]
async fn what_an_outage_kept_from_being_given_back_is_given_back_after_it() {
    for outage in [Answer::Fails, Answer::FailsAtOnce, Answer::ActsAndFails] {
        for by_dropping in [true, false] {
            let (store, one, _) = shared();
            let guard = held(&one).await;
            store.set(Call::Release, outage);
            if by_dropping {
                drop(guard);
            } else {
                assert_eq!(kind(guard.release().await), Some(ErrorKind::Unavailable));
            }
            sleep(seconds(2)).await;
            assert_eq!(is_free(&store).await, outage == Answer::ActsAndFails);
            store.set(Call::Release, Answer::Right);
            sleep(seconds(1)).await;
            assert!(is_free(&store).await);
            let calls = store.calls(Call::Release);
            assert!((2..=5).contains(&calls), "{calls}");
            sleep(seconds(120)).await;
            assert_eq!(store.calls(Call::Release), calls, "none when it is given back");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_work_that_was_done_in_an_outage_is_free_soon_after_it() {
    let (store, one, _) = shared();
    store.set(Call::Release, Answer::Fails);
    assert_eq!(one.lock_and_run(NAME, "1m", async || Ok::<_, Error>(7)).await.unwrap(), 7);
    sleep(seconds(1)).await;
    assert!(!is_free(&store).await);
    store.set(Call::Release, Answer::Right);
    sleep(seconds(1)).await;
    assert!(is_free(&store).await);
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_until_the_lease_has_ended_and_no_longer() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Fails);
    drop(guard);
    sleep(seconds(59)).await;
    let calls = store.calls(Call::Release);
    assert!((50..=70).contains(&calls), "{calls}");
    sleep(seconds(2)).await;
    let calls = store.calls(Call::Release);
    sleep(seconds(600)).await;
    assert_eq!(store.calls(Call::Release), calls);
    assert!(is_free(&store).await);
}

/// The last renewal may have prolonged it, though it was lost for want of an answer.
#[tokio::test(start_paused = true)]
async fn what_was_prolonged_and_lost_in_an_outage_is_given_back_after_it() {
    let (store, one, _) = shared();
    let guard = one.lock(NAME, "1m").acquire().await.unwrap();
    store.set_all(Answer::ActsAndFails);
    store.set(Call::Release, Answer::Fails);
    guard.lost().await;
    sleep(millis(100)).await;
    store.set_all(Answer::Right);
    assert!(!is_free(&store).await);
    sleep(seconds(1)).await;
    assert!(is_free(&store).await);
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn a_close_ends_the_attempts() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Fails);
    drop(guard);
    sleep(seconds(5)).await;
    one.close().await.unwrap();
    let calls = store.calls(Call::Release);
    sleep(seconds(120)).await;
    assert_eq!(store.calls(Call::Release), calls);
}

/// The store has granted an attempt of which the answer was lost.
#[tokio::test(start_paused = true)]
async fn who_waits_does_not_wait_for_itself() {
    let (store, one, other) = shared();
    let guard = held(&other).await;
    let waiting = tokio::spawn(one.lock(NAME, "1m").wait("50s").acquire());
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::ActsAndFails);
    store.set(Call::Release, Answer::Fails);
    let truth = store.truth().locks().unwrap();
    assert!(truth.force_release(Key::new(NAME).unwrap()).await.unwrap());
    sleep(seconds(2)).await;
    assert!(!is_free(&store).await && !waiting.is_finished(), "it has it, and does not know");
    let began = Instant::now();
    store.set(Call::Acquire, Answer::Right);
    store.set(Call::Release, Answer::Right);
    let held = waiting.await.unwrap().unwrap();
    assert!(began.elapsed() < seconds(3), "{:?}", began.elapsed());
    assert!(held.is_held());
    // What it may have been granted before is not given back behind its back.
    sleep(seconds(30)).await;
    assert!(held.is_held() && !is_free(&store).await);
    held.release().await.unwrap();
    drop(guard);
}

/// However often it has tried, the store is bothered once.
#[tokio::test(start_paused = true)]
async fn who_has_waited_through_an_outage_in_vain_gives_back_once() {
    let (store, one, other) = shared();
    let guard = held(&other).await;
    let waiting = tokio::spawn(one.lock(NAME, "1m").wait("20s").acquire());
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::Fails);
    store.set(Call::Freed, Answer::Fails);
    assert_eq!(kind(waiting.await.unwrap()), Some(ErrorKind::Unavailable));
    sleep(millis(1)).await;
    assert!(store.calls(Call::Acquire) > 20);
    assert_eq!(store.calls(Call::Release), 1);
    guard.release().await.unwrap();
}

/// An attempt that had no answer may arrive behind the release.
#[tokio::test(start_paused = true)]
async fn what_an_old_attempt_takes_after_the_release_is_given_back() {
    let name = Key::new(NAME).unwrap();
    for by_dropping in [Some(false), Some(true), None] {
        let (store, one, other) = shared();
        let truth = store.truth().locks().unwrap();
        let guard = held(&other).await;
        let waiting = tokio::spawn(one.lock(NAME, "1m").wait("5s").acquire());
        sleep(millis(10)).await;
        store.set(Call::Acquire, Answer::ActsAndFails);
        guard.release().await.unwrap();
        sleep(millis(10)).await;
        let owner = truth.inspect(name).await.unwrap().unwrap().owner;
        if by_dropping.is_some() {
            store.set(Call::Acquire, Answer::Right);
        }
        match (waiting.await.unwrap(), by_dropping) {
            (Ok(guard), Some(false)) => guard.release().await.unwrap(),
            (Ok(guard), Some(true)) => drop(guard),
            // It has waited in vain.
            (acquired, _) => assert_eq!(kind(acquired), Some(ErrorKind::Unavailable)),
        }
        sleep(millis(1_500)).await;
        assert!(is_free(&store).await, "{by_dropping:?}");
        truth.acquire(name, owner, seconds(60)).await.unwrap();
        sleep(seconds(4)).await;
        assert!(is_free(&store).await, "{by_dropping:?}");
        sleep(seconds(120)).await;
        let calls = store.calls(Call::Release);
        assert!(calls <= 10, "{by_dropping:?}: {calls}");
        sleep(seconds(600)).await;
        assert_eq!(store.calls(Call::Release), calls, "none when it cannot arrive any more");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_attempt_is_not_expected_for_a_day() {
    let (store, one, _) = shared();
    store.set(Call::Acquire, Answer::Fails);
    assert_eq!(kind(one.lock(NAME, "1d").acquire().await), Some(ErrorKind::Unavailable));
    sleep(seconds(300)).await;
    let calls = store.calls(Call::Release);
    assert!((5..=10).contains(&calls), "{calls}");
    sleep(seconds(86_400)).await;
    assert_eq!(store.calls(Call::Release), calls);
}

/// What is sent behind an attempt on the same connection arrives behind it.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dropped_is_given_back_once() {
    for under_way in [Answer::Hangs, Answer::ActsAndHangs] {
        let (store, one, _) = shared();
        store.set(Call::Acquire, under_way);
        let asked = one.lock(NAME, "1m").wait("100ms").acquire();
        assert_eq!(kind(asked.await), Some(ErrorKind::LockTimeout));
        sleep(seconds(600)).await;
        assert_eq!(store.calls(Call::Release), 1, "{under_way:?}");
    }
}

/// Where threads put away what is theirs, tokio has put away its own before.
#[test]
fn a_guard_may_be_dropped_at_the_very_end_of_a_thread() {
    thread_local! {
        static KEPT: RefCell<Option<LockGuard>> = const { RefCell::new(None) };
    }
    let (store, one, _) = shared();
    let runtime = runtime();
    let guard = runtime.block_on(held(&one));
    store.set(Call::Release, Answer::Turns(1));
    let thread = thread::spawn(move || {
        KEPT.set(Some(guard));
        // What comes later goes sooner.
        assert!(Handle::try_current().is_err());
    });
    thread.join().unwrap();
    runtime.block_on(freed(&store));
}
