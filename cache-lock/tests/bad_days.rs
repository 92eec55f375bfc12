//! Guards and waiters against a store that answers late, wrongly or not at all, in virtual time.

mod faulty;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use cache_core::{Cache, Error, ErrorKind, Key, Store};
use cache_lock::{LockGuard, Locks};
use faulty::{Answer, Call, NAME, millis, seconds, shared};
use tokio::time::{Instant, sleep, timeout};

/// The lock with a lease of 3 seconds, which is renewed every second.
async fn held(cache: &Cache) -> LockGuard {
    cache.lock(NAME, "3s").try_acquire().await.expect("an answer").expect("it is free")
}

async fn is_free(cache: &Cache) -> bool {
    cache.lock(NAME, "3s").try_acquire().await.expect("an answer").is_some()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// Waits for the loss, and says when it came.
async fn loss(guard: &LockGuard, since: Instant) -> Duration {
    timeout(seconds(60), guard.lost()).await.expect("it is lost");
    assert!(!guard.is_held());
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_outage_shorter_than_the_lease_is_ridden_out() {
    for outage in [Answer::Fails, Answer::ActsAndFails] {
        let (store, one, other) = shared();
        let guard = held(&one).await;
        for _ in 0..20 {
            sleep(millis(300)).await;
            store.set(Call::Renew, outage);
            sleep(millis(1_700)).await;
            assert!(guard.is_held());
            store.set(Call::Renew, Answer::Right);
            sleep(millis(1_500)).await;
        }
        assert!(guard.is_held() && !is_free(&other).await);
        guard.release().await.unwrap();
        assert!(is_free(&other).await);
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_longer_outage_the_lock_is_lost_before_its_lease_ends() {
    for outage in [Answer::Fails, Answer::Hangs] {
        let (store, one, other) = shared();
        let (guard, began) = (held(&one).await, Instant::now());
        store.set_all(outage);
        assert!(loss(&guard, began).await < seconds(3));
        let name = Key::new(NAME).unwrap();
        assert!(store.truth().locks().unwrap().inspect(name).await.unwrap().is_some());
        store.set_all(Answer::Right);
        sleep(millis(40)).await;
        assert!(is_free(&other).await);
        assert_eq!(kind(guard.release().await), Some(ErrorKind::LockLost));
    }
}

#[tokio::test(start_paused = true)]
async fn work_ends_with_the_lease_in_a_longer_outage() {
    let (store, one, _) = shared();
    let began = Instant::now();
    let work = async || {
        store.set_all(Answer::Hangs);
        std::future::pending::<Result<(), Error>>().await
    };
    let lost = timeout(seconds(60), one.lock_and_run(NAME, "3s", work)).await;
    assert_eq!(kind(lost.expect("it ends")), Some(ErrorKind::LockLost));
    assert!(began.elapsed() < seconds(3));
}

#[tokio::test(start_paused = true)]
async fn attempts_to_renew_in_an_outage_are_few() {
    let (store, one, _) = shared();
    let guard = held(&one).await;
    store.set(Call::Renew, Answer::Fails);
    guard.lost().await;
    let attempts = store.calls(Call::Renew);
    assert!((10..=30).contains(&attempts), "{attempts}");
    sleep(seconds(60)).await;
    assert_eq!(store.calls(Call::Renew), attempts, "none after the loss");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_denied_is_a_loss_at_once() {
    let (store, one, _) = shared();
    let (guard, began) = (held(&one).await, Instant::now());
    store.set(Call::Renew, Answer::Denies);
    assert!(loss(&guard, began).await <= millis(1_002));
    assert_eq!(kind(guard.release().await), Some(ErrorKind::LockLost));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_told_too_late_leaves_it_lost_and_is_given_back() {
    let (store, one, other) = shared();
    let (guard, began) = (held(&one).await, Instant::now());
    store.set(Call::Renew, Answer::ToldAfter(seconds(5)));
    let lost = loss(&guard, began).await;
    assert!(lost < seconds(3), "{lost:?}");
    // The store has prolonged it to the fourth second.
    sleep(millis(10)).await;
    assert!(is_free(&other).await);
    store.set(Call::Renew, Answer::Right);
    sleep(seconds(10)).await;
    assert!(!guard.is_held());
    assert_eq!(kind(guard.extend("1m").await), Some(ErrorKind::LockLost));
}

#[tokio::test(start_paused = true)]
async fn slow_renewals_keep_the_lock() {
    let (store, one, other) = shared();
    let guard = held(&one).await;
    store.set(Call::Renew, Answer::ToldAfter(millis(1_300)));
    for _ in 0..100 {
        sleep(millis(777)).await;
        assert!(guard.is_held() && !is_free(&other).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_ends_the_renewal_in_flight() {
    for in_flight in [Answer::Hangs, Answer::ActsAndHangs, Answer::ToldAfter(millis(500))] {
        for by_dropping in [false, true] {
            let (store, one, other) = shared();
            let guard = held(&one).await;
            store.set(Call::Renew, in_flight);
            sleep(millis(1_100)).await;
            assert_eq!(store.calls(Call::Renew), 1);
            if by_dropping {
                drop(guard);
            } else {
                guard.release().await.unwrap();
            }
            assert!(is_free(&other).await);
            store.set(Call::Renew, Answer::Right);
            sleep(seconds(60)).await;
            assert_eq!(store.calls(Call::Renew), 1, "none is sent after the release");
            assert_eq!(store.calls(Call::Release), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_says_so_and_the_lease_ends_by_itself() {
    let (store, one, other) = shared();
    let guard = held(&one).await;
    store.set(Call::Release, Answer::Fails);
    assert_eq!(kind(guard.release().await), Some(ErrorKind::Unavailable));
    assert!(!is_free(&other).await);
    sleep(seconds(3)).await;
    assert_eq!(store.calls(Call::Renew), 0);
    assert!(is_free(&other).await);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_done_is_done_even_if_its_lock_cannot_be_released() {
    let (store, one, _) = shared();
    store.set(Call::Release, Answer::Fails);
    assert_eq!(one.lock_and_run(NAME, "3s", async || Ok::<_, Error>(7)).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_fails_leaves_the_lock_held() {
    let (store, one, other) = shared();
    for (outage, length) in [
        (Answer::Fails, 60),
        (Answer::ActsAndFails, 60),
        (Answer::Fails, 1),
        (Answer::ActsAndFails, 1),
    ] {
        let guard = held(&one).await;
        store.set(Call::Renew, outage);
        assert_eq!(kind(guard.extend(seconds(length)).await), Some(ErrorKind::Unavailable));
        store.set(Call::Renew, Answer::Right);
        for _ in 0..200 {
            sleep(millis(500)).await;
            assert!(guard.is_held() && !is_free(&other).await, "{outage:?} {length}");
        }
        guard.release().await.unwrap();
    }
}

/// It is not believed for longer than the store may have been told.
#[tokio::test(start_paused = true)]
async fn a_lease_that_may_have_been_shortened_is_believed_to_be_short() {
    for outage in [Answer::ActsAndFails, Answer::ActsAndHangs] {
        let (store, one, _) = shared();
        let guard = one.lock(NAME, "1m").without_renewal().acquire().await.unwrap();
        let began = Instant::now();
        store.set(Call::Renew, outage);
        let _ = timeout(millis(100), guard.extend("1s")).await;
        assert!(loss(&guard, began).await < seconds(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_hangs_ends_with_the_lease() {
    for renews in [true, false] {
        for outage in [Answer::Hangs, Answer::ActsAndHangs] {
            let (store, one, other) = shared();
            let asked = one.lock(NAME, "3s");
            let asked = if renews { asked } else { asked.without_renewal() };
            let (guard, began) = (asked.acquire().await.unwrap(), Instant::now());
            store.set(Call::Renew, outage);
            let told = timeout(seconds(60), guard.extend("1h")).await.expect("it ends");
            assert_eq!(kind(told), Some(ErrorKind::LockLost));
            assert!(began.elapsed() < seconds(3));
            sleep(millis(40)).await;
            assert!(is_free(&other).await, "what it may have been granted is given back");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_is_given_up_keeps_no_renewal_from_being_sent() {
    let (store, one, other) = shared();
    let guard = held(&one).await;
    store.set(Call::Renew, Answer::Hangs);
    sleep(millis(500)).await;
    assert!(timeout(millis(1_500), guard.extend("6s")).await.is_err());
    store.set(Call::Renew, Answer::Right);
    sleep(seconds(60)).await;
    assert!(guard.is_held() && !is_free(&other).await);
}

#[tokio::test(start_paused = true)]
async fn an_acquisition_without_an_answer_times_out_and_is_given_back() {
    for (outage, freed) in [(Answer::ActsAndHangs, true), (Answer::Hangs, false)] {
        let (store, one, other) = shared();
        store.set(Call::Acquire, outage);
        let began = Instant::now();
        let asked = one.lock(NAME, "1m").wait("100ms").acquire();
        let error = asked.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout);
        assert!(error.to_string().contains("did not answer"), "nobody held it: {error}");
        assert!(began.elapsed() >= millis(100) && began.elapsed() <= millis(120));
        store.set(Call::Acquire, Answer::Right);
        sleep(millis(1)).await;
        assert!(is_free(&other).await, "{freed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_acquisition_that_fails_is_told_at_once_and_given_back() {
    for outage in [Answer::Fails, Answer::ActsAndFails] {
        let (store, one, other) = shared();
        store.set(Call::Acquire, outage);
        let began = Instant::now();
        assert_eq!(kind(one.lock(NAME, "1m").acquire().await), Some(ErrorKind::Unavailable));
        assert_eq!(kind(one.lock(NAME, "1m").try_acquire().await), Some(ErrorKind::Unavailable));
        assert!(began.elapsed() < millis(1));
        store.set(Call::Acquire, Answer::Right);
        assert!(is_free(&other).await);
    }
}

/// Such a lock cannot be relied on from the beginning.
#[tokio::test(start_paused = true)]
async fn an_acquisition_that_is_told_after_its_lease_is_lost_already() {
    let (store, one, _) = shared();
    store.set(Call::Acquire, Answer::ToldAfter(seconds(4)));
    let (guard, began) = (held(&one).await, Instant::now());
    assert_eq!(loss(&guard, began).await, Duration::ZERO);
    drop(guard);
    let has_begun = Arc::new(AtomicBool::new(false));
    let work = async || {
        has_begun.store(true, Ordering::SeqCst);
        Ok::<_, Error>(())
    };
    assert_eq!(kind(one.lock_and_run(NAME, "3s", work).await), Some(ErrorKind::LockLost));
    assert!(!has_begun.load(Ordering::SeqCst));
}

/// Wherever it has got to, the store may have told nobody else.
#[tokio::test(start_paused = true)]
async fn who_was_told_that_the_lock_is_free_and_gives_up_says_so() {
    for wait in [20, 30, 40, 50] {
        let (store, one, _) = shared();
        store.set(Call::Acquire, Answer::Denies);
        store.set(Call::Freed, Answer::Denies);
        // Told again and again at once, it makes pauses from the third time on, and lets the next one try meanwhile.
        let asked = one.lock(NAME, "1m").wait(millis(wait)).acquire();
        assert_eq!(kind(asked.await), Some(ErrorKind::LockTimeout));
        sleep(millis(1)).await;
        let pauses = store.calls(Call::Freed) - 2;
        assert!(pauses > 1);
        assert_eq!(store.calls(Call::Release), pauses, "after {wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_not_told_and_gives_up_says_nothing() {
    let (store, one, other) = shared();
    let guard = held(&other).await;
    let asked = one.lock(NAME, "1m").wait("100ms").acquire();
    assert_eq!(kind(asked.await), Some(ErrorKind::LockTimeout));
    sleep(millis(1)).await;
    assert_eq!(store.calls(Call::Release), 0);
    guard.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_ride_out_an_outage() {
    let (store, one, other) = shared();
    let guard = held(&other).await;
    // The second is behind the first in the line of their cache when the server goes away.
    let waiters = [(); 2].map(|()| {
        let asked = one.lock(NAME, "3s").wait("30s");
        tokio::spawn(async move { asked.acquire().await?.release().await })
    });
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::Fails);
    guard.release().await.unwrap();
    sleep(seconds(5)).await;
    store.set(Call::Acquire, Answer::Right);
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_the_front_of_the_line_in_an_outage_rides_it_out() {
    let (store, one, other) = shared();
    let guard = held(&other).await;
    let first = tokio::spawn(one.lock(NAME, "3s").wait("30s").acquire());
    sleep(millis(10)).await;
    let second = tokio::spawn(one.lock(NAME, "3s").wait("30s").acquire());
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::Fails);
    first.abort();
    sleep(seconds(2)).await;
    store.set(Call::Acquire, Answer::Right);
    guard.release().await.unwrap();
    second.await.unwrap().unwrap().release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_in_an_outage_tells_of_the_outage() {
    let (store, one, other) = shared();
    let guard = held(&other).await;
    let waiting = tokio::spawn(one.lock(NAME, "3s").wait("3s").acquire());
    sleep(millis(10)).await;
    let began = Instant::now();
    store.set_all(Answer::Fails);
    assert_eq!(kind(waiting.await.unwrap()), Some(ErrorKind::Unavailable));
    assert!(began.elapsed() <= millis(3_010));
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_free_all_the_time_is_not_asked_all_the_time() {
    let (store, one, other) = shared();
    let guard = other.lock(NAME, "1m").acquire().await.unwrap();
    store.set(Call::Freed, Answer::Denies);
    let began = Instant::now();
    // Waiting takes 10 seconds unless said.
    assert_eq!(kind(one.lock(NAME, "3s").acquire().await), Some(ErrorKind::LockTimeout));
    let waited = began.elapsed();
    assert!(waited >= seconds(10) && waited <= millis(10_020), "{waited:?}");
    let asked = store.calls(Call::Acquire);
    assert!(asked < 300, "{asked}");
    // And it is still taken soon.
    let waiting = tokio::spawn(one.lock(NAME, "3s").acquire());
    sleep(seconds(1)).await;
    let began = Instant::now();
    guard.release().await.unwrap();
    let _guard = waiting.await.unwrap().unwrap();
    assert!(began.elapsed() <= millis(100), "{:?}", began.elapsed());
}

/// As a server does that is full: it takes nothing, and tells what it has.
#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_what_it_says_is_free_is_not_asked_all_the_time() {
    let (store, one, other) = shared();
    let guard = other.lock(NAME, "1m").acquire().await.unwrap();
    let waiting = tokio::spawn(one.lock(NAME, "3s").wait("1m").acquire());
    sleep(millis(10)).await;
    store.set(Call::Acquire, Answer::Fails);
    store.set(Call::Freed, Answer::ToldAfter(millis(2)));
    guard.release().await.unwrap();
    let before = store.calls(Call::Acquire);
    sleep(seconds(10)).await;
    let asked = store.calls(Call::Acquire) - before;
    assert!((20..=60).contains(&asked), "{asked}");
    // And it is still taken soon.
    store.set(Call::Acquire, Answer::Right);
    let began = Instant::now();
    let _guard = waiting.await.unwrap().unwrap();
    assert!(began.elapsed() <= millis(402), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_says_free_is_asked_now_and_then() {
    // Where it says nothing a message may still come; where it says that it cannot tell, none will.
    for (outage, asked, late) in
        [(Answer::Hangs, 2..=3, millis(10_002)), (Answer::Fails, 12..=28, millis(402))]
    {
        let (store, one, other) = shared();
        let guard = other.lock(NAME, "1m").acquire().await.unwrap();
        store.set(Call::Freed, outage);
        let waiting = tokio::spawn(one.lock(NAME, "3s").wait("30s").acquire());
        sleep(seconds(5)).await;
        assert!(asked.contains(&store.calls(Call::Acquire)), "{}", store.calls(Call::Acquire));
        let began = Instant::now();
        guard.release().await.unwrap();
        let _guard = waiting.await.unwrap().unwrap();
        assert!(began.elapsed() <= late, "{:?}", began.elapsed());
    }
}

/// Nobody is asked on behalf of those who wait behind somebody of their own process.
#[tokio::test(start_paused = true)]
async fn one_of_a_line_asks_the_store() {
    let (store, one, other) = shared();
    let guard = other.lock(NAME, "1m").acquire().await.unwrap();
    let waiters: Vec<_> = (0..50)
        .map(|_| {
            let asked = one.lock(NAME, "3s").wait("60s");
            tokio::spawn(async move { asked.acquire().await?.release().await })
        })
        .collect();
    sleep(millis(10)).await;
    assert_eq!(store.calls(Call::Acquire), 2);
    guard.release().await.unwrap();
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
}

#[test]
fn outside_of_a_runtime_it_is_an_error_and_nothing_is_held() {
    let (store, one, _) = shared();
    for attempt in [
        tokio_test::task::spawn(one.lock(NAME, "3s").acquire()).poll().map(|done| done.map(drop)),
        tokio_test::task::spawn(one.lock(NAME, "3s").try_acquire())
            .poll()
            .map(|done| done.map(drop)),
    ] {
        let Poll::Ready(Err(error)) = attempt else { panic!("it is refused at once") };
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.to_string().contains("runtime") && error.to_string().contains(NAME),
            "{error}"
        );
    }
    assert_eq!(store.calls(Call::Acquire), 0, "nothing was asked for");
}
