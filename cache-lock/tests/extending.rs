//! Extensions beside renewals: in whatever order their answers, or the requests themselves, arrive.

mod faulty;

use std::time::Duration;

use cache_core::{Cache, Error, ErrorKind, Key, Store};
use cache_lock::{LockGuard, Locks};
use faulty::{Answer, Call, Faulty, NAME, millis, seconds, shared};
use tokio::runtime::Builder;
use tokio::time::{advance, sleep, timeout};
use tokio_test::task::spawn;

async fn is_free(cache: &Cache) -> bool {
    cache.lock(NAME, "3s").try_acquire().await.expect("an answer").is_some()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// A request without an answer arrives after all, behind those that were sent later.
async fn arrives_late(store: &Faulty, length: Duration) {
    let (locks, name) =
        (store.truth().locks().expect("it has locks"), Key::new(NAME).expect("a key"));
    let held = locks.inspect(name).await.expect("an answer").expect("it is held");
    assert!(locks.renew(name, held.owner, length).await.expect("an answer"));
}

/// The store has lent it for no less than the guard believes.
async fn is_lost_in_time(store: &Faulty, guard: &LockGuard) {
    let truth = store.truth().locks().expect("it has locks");
    store.set_all(Answer::Hangs);
    timeout(seconds(60), guard.lost()).await.expect("it is lost");
    let left = truth.inspect(Key::new(NAME).expect("a key")).await.expect("an answer");
    assert!(left.is_some(), "it had ended when it was told");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_without_an_answer_may_arrive_after_an_extension() {
    for outage in [Answer::Fails, Answer::ActsAndFails] {
        let (store, one, other) = shared();
        let guard = one.lock(NAME, "3s").acquire().await.unwrap();
        store.set(Call::Renew, outage);
        sleep(millis(1_500)).await;
        assert!(store.calls(Call::Renew) > 0);
        store.set(Call::Renew, Answer::Right);
        guard.extend("1h").await.unwrap();
        arrives_late(&store, seconds(3)).await;
        // It is renewed as often as the shorter one is to be.
        for _ in 0..10 {
            sleep(seconds(2)).await;
            assert!(guard.is_held() && !is_free(&other).await);
        }
        arrives_late(&store, seconds(3)).await;
        is_lost_in_time(&store, &guard).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_without_an_answer_may_arrive_after_another() {
    for outage in [Answer::Fails, Answer::Hangs] {
        let (store, one, _) = shared();
        let guard = one.lock(NAME, "1m").without_renewal().acquire().await.unwrap();
        store.set(Call::Renew, outage);
        assert!(!matches!(timeout(millis(100), guard.extend("1s")).await, Ok(Ok(()))));
        store.set(Call::Renew, Answer::Right);
        guard.extend("1h").await.unwrap();
        arrives_late(&store, seconds(1)).await;
        is_lost_in_time(&store, &guard).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_may_arrive_after_an_extension() {
    let (store, one, other) = shared();
    let held = other.lock(NAME, "1m").acquire().await.unwrap();
    let waiting = tokio::spawn(one.lock(NAME, "3s").without_renewal().wait("50s").acquire());
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::ActsAndFails);
    held.release().await.unwrap();
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::Right);
    let guard = waiting.await.unwrap().unwrap();
    guard.extend("1h").await.unwrap();
    arrives_late(&store, seconds(3)).await;
    is_lost_in_time(&store, &guard).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_is_believed() {
    let (store, one, other) = shared();
    let guard = one.lock(NAME, "3s").acquire().await.unwrap();
    sleep(millis(9_500)).await;
    guard.extend("1h").await.unwrap();
    let renewals = store.calls(Call::Renew);
    sleep(seconds(1_000)).await;
    assert_eq!(store.calls(Call::Renew), renewals);
    assert!(guard.is_held() && !is_free(&other).await);
}

/// The process was paused, say, and finds the answer and the end of the lease at once.
#[tokio::test(start_paused = true)]
async fn an_extension_that_is_told_too_late_is_given_back() {
    let (store, one, other) = shared();
    let guard = one.lock(NAME, "3s").without_renewal().acquire().await.unwrap();
    store.set(Call::Renew, Answer::ToldAfter(seconds(1)));
    let mut extending = spawn(guard.extend("1h"));
    assert!(extending.poll().is_pending());
    assert!(spawn(advance(seconds(4))).poll().is_pending());
    // Nobody has looked before the answer is there.
    sleep(millis(1)).await;
    assert_eq!(kind(extending.await), Some(ErrorKind::LockLost));
    sleep(millis(1)).await;
    assert!(is_free(&other).await);
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_nobody_polls_any_more_keeps_nothing_from_being_renewed() {
    for polls in 1..4 {
        let (store, one, other) = shared();
        let guard = one.lock(NAME, "3s").acquire().await.unwrap();
        store.set(Call::Renew, Answer::Turns(1));
        let mut extending = spawn(guard.extend("3s"));
        for _ in 0..polls {
            assert!(extending.poll().is_pending());
        }
        store.set(Call::Renew, Answer::Right);
        for _ in 0..10 {
            sleep(seconds(1)).await;
            assert!(guard.is_held() && !is_free(&other).await, "after {polls} polls");
        }
        extending.await.unwrap();
        guard.release().await.unwrap();
    }
}

/// Without renewals nothing of it depends on its runtime.
#[test]
fn a_lock_whose_runtime_has_ended_is_extended_where_it_is_not_renewed() {
    let runtime = || Builder::new_current_thread().enable_time().build().unwrap();
    let lasts = runtime();
    for (renews, told, answer) in [
        (false, None, Answer::Turns(1)),
        (false, None, Answer::ToldAfter(millis(1))),
        (true, Some(ErrorKind::Config), Answer::Turns(1)),
        (true, Some(ErrorKind::Config), Answer::ToldAfter(millis(1))),
    ] {
        let (store, one, _) = shared();
        let asked = one.lock(NAME, "1m");
        let asked = if renews { asked } else { asked.without_renewal() };
        let ends = runtime();
        let guard = ends.block_on(asked.acquire()).unwrap();
        drop(ends);
        store.set(Call::Renew, answer);
        assert_eq!(kind(lasts.block_on(guard.extend("2m"))), told, "{renews}, {answer:?}");
    }
}
