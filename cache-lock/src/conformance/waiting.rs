//! Waiting for a lock: in line, for as long as was said, woken when it is free.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cache_core::conformance::{Case, Rig};
use cache_core::{Cache, Error, ErrorKind, Key, Owner, Ttl};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{NAME, awaited, case, kind, millis, settle, shared, short, taken};
use crate::{LockGuard, Locks};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_try_never_waits),
        case!(a_wait_ends_in_time),
        case!(those_behind_others_end_their_wait_in_time_as_well),
        case!(a_wait_of_zero_tries_once),
        case!(a_wait_without_end_goes_on),
        case!(who_waits_gets_in_at_a_release),
        case!(who_waits_gets_in_when_a_guard_is_dropped),
        case!(who_waits_gets_in_at_the_end_of_a_lease),
        case!(who_waits_gets_in_when_a_lock_is_taken_away),
        case!(first_come_first_served),
        case!(who_gives_up_leaves_the_line),
        case!(who_is_woken_and_gives_up_wakes_the_next),
        case!(other_names_do_not_wait),
        case!(never_two_inside_and_nobody_starves).on_threads(),
    ]
}

/// Waits for the lock in a task.
fn waiter(cache: &Cache) -> JoinHandle<LockGuard> {
    let cache = cache.clone();
    tokio::spawn(async move { awaited(&cache).await })
}

/// Waits for the lock in a task, and gives it back.
fn visitor(cache: &Cache) -> JoinHandle<()> {
    let cache = cache.clone();
    tokio::spawn(async move { awaited(&cache).await.release().await.unwrap() })
}

async fn a_try_never_waits(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    let visitors = [visitor(&one), visitor(&one), visitor(&other)];
    settle().await;
    let began = Instant::now();
    for cache in [&one, &other] {
        // What it is told of a wait does not concern it.
        let asked = cache.lock(NAME, "1m").wait("30s");
        assert!(asked.try_acquire().await.unwrap().is_none());
    }
    assert!(began.elapsed() < millis(if rig.is_exact() { 1 } else { 15_000 }));
    guard.release().await.unwrap();
    for visitor in visitors {
        visitor.await.unwrap();
    }
}

/// Whether a wait that was to take that long did, by the clock that the case runs on.
fn took(rig: &Rig, began: Instant, wait: u64) -> bool {
    let late = if rig.is_exact() { 20 } else { 15_000 };
    let waited = began.elapsed();
    waited >= millis(wait) && waited <= millis(wait + late)
}

async fn a_wait_ends_in_time(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    for wait in [1, 30, 300] {
        for cache in [&one, &other] {
            let began = Instant::now();
            let asked = cache.lock(NAME, "1m").wait(millis(wait));
            let late = asked.acquire().await.unwrap_err();
            assert!(late.kind() == ErrorKind::LockTimeout && late.is_temporary(), "{late}");
            assert!(took(&rig, began, wait), "{:?} of {wait} ms", began.elapsed());
        }
    }
    assert!(guard.is_held());
    guard.release().await.unwrap();
}

async fn those_behind_others_end_their_wait_in_time_as_well(rig: Rig) {
    let cache = rig.cache().await;
    let guard = taken(&cache).await.unwrap();
    let began = Instant::now();
    let waiters = [400, 100, 200, 50].map(|wait| {
        let asked = cache.lock(NAME, "1m").wait(millis(wait));
        (wait, tokio::spawn(async move { (kind(asked.acquire().await), Instant::now()) }))
    });
    for (wait, waiter) in waiters {
        let (told, at) = waiter.await.unwrap();
        assert_eq!(told, Some(ErrorKind::LockTimeout));
        let waited = at - began;
        let late = millis(if rig.is_exact() { 20 } else { 15_000 });
        assert!(waited >= millis(wait) && waited <= millis(wait) + late, "{waited:?} of {wait} ms");
    }
    guard.release().await.unwrap();
    assert!(taken(&cache).await.is_some());
}

async fn a_wait_of_zero_tries_once(rig: Rig) {
    let cache = rig.cache().await;
    let asked = cache.lock(NAME, "1m").wait(0);
    let guard = asked.clone().acquire().await.unwrap();
    let began = Instant::now();
    assert_eq!(kind(asked.acquire().await), Some(ErrorKind::LockTimeout));
    assert!(took(&rig, began, 0));
    guard.release().await.unwrap();
}

async fn a_wait_without_end_goes_on(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    let asked = other.lock(NAME, "1m").wait(Ttl::FOREVER);
    let waiting = tokio::spawn(asked.acquire());
    // In virtual time, longer than is waited unless said.
    tokio::time::sleep(millis(if rig.is_exact() { 3_600_000 } else { 200 })).await;
    assert!(!waiting.is_finished() && guard.is_held());
    guard.release().await.unwrap();
    waiting.await.unwrap().unwrap().release().await.unwrap();
}

/// A wake is to come by itself, long before the store is asked again: checked where time is exact.
fn woken(rig: &Rig, began: Instant) {
    let waited = began.elapsed();
    assert!(!rig.is_exact() || waited <= millis(100), "{waited:?}");
}

async fn who_waits_gets_in_at_a_release(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    for waits in [&one, &other] {
        let guard = awaited(&one).await;
        let waiting = waiter(waits);
        settle().await;
        let began = Instant::now();
        guard.release().await.unwrap();
        let next = waiting.await.unwrap();
        woken(&rig, began);
        assert!(next.is_held());
        next.release().await.unwrap();
    }
}

async fn who_waits_gets_in_when_a_guard_is_dropped(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    for waits in [&one, &other] {
        let guard = awaited(&one).await;
        let waiting = waiter(waits);
        settle().await;
        let began = Instant::now();
        drop(guard);
        let next = waiting.await.unwrap();
        woken(&rig, began);
        next.release().await.unwrap();
    }
}

/// The holder has died.
async fn who_waits_gets_in_at_the_end_of_a_lease(rig: Rig) {
    let (store, one, _) = shared(&rig).await;
    let name = Key::new(NAME).unwrap();
    store.locks().unwrap().acquire(name, Owner(7), short(&rig)).await.unwrap();
    let began = Instant::now();
    let guard = awaited(&one).await;
    let waited = began.elapsed();
    if rig.is_exact() {
        assert!(waited >= short(&rig) && waited <= short(&rig) + millis(20), "{waited:?}");
    }
    assert!(!store.locks().unwrap().release(name, Owner(7)).await.unwrap());
    guard.release().await.unwrap();
}

async fn who_waits_gets_in_when_a_lock_is_taken_away(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    let waiting = waiter(&other);
    settle().await;
    let began = Instant::now();
    assert!(one.force_release_lock(NAME).await.unwrap());
    let next = waiting.await.unwrap();
    woken(&rig, began);
    assert_eq!(kind(guard.release().await), Some(ErrorKind::LockLost));
    next.release().await.unwrap();
}

async fn first_come_first_served(rig: Rig) {
    let cache = rig.cache().await;
    let guard = taken(&cache).await.unwrap();
    let served = Arc::new(Mutex::new(vec![]));
    let waiters: Vec<_> = (0..20)
        .map(|number| {
            let (cache, served) = (cache.clone(), Arc::clone(&served));
            tokio::spawn(async move {
                let guard = awaited(&cache).await;
                served.lock().unwrap().push(number);
                tokio::task::yield_now().await;
                guard.release().await.unwrap();
            })
        })
        .collect();
    settle().await;
    guard.release().await.unwrap();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

async fn who_gives_up_leaves_the_line(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    let gives_up = [waiter(&one), waiter(&one), waiter(&other)];
    let waits = [visitor(&one), visitor(&other)];
    settle().await;
    for waiter in gives_up {
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
    }
    guard.release().await.unwrap();
    for visitor in waits {
        visitor.await.unwrap();
    }
    assert!(taken(&one).await.is_some());
}

async fn who_is_woken_and_gives_up_wakes_the_next(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    for steps in 0..10 {
        let guard = awaited(&one).await;
        let gives_up = waiter(&one);
        let waits = [visitor(&one), visitor(&other)];
        settle().await;
        guard.release().await.unwrap();
        // It may wait for an answer by now, or have the lock.
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        gives_up.abort();
        drop(gives_up.await);
        for visitor in waits {
            visitor.await.unwrap();
        }
    }
}

async fn other_names_do_not_wait(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    let waiting = waiter(&one);
    settle().await;
    for cache in [&one, &other] {
        let free = cache.lock("another", "1m").try_acquire().await.unwrap();
        free.unwrap().release().await.unwrap();
    }
    guard.release().await.unwrap();
    waiting.await.unwrap().release().await.unwrap();
}

/// What the tasks of one name see.
#[derive(Default)]
struct Room {
    is_taken: AtomicBool,
    last_token: AtomicU64,
    visits: AtomicU64,
}

async fn never_two_inside_and_nobody_starves(rig: Rig) {
    const NAMES: u64 = 10;
    let (_, one, other) = shared(&rig).await;
    let rooms: Arc<Vec<Room>> = Arc::new((0..NAMES).map(|_| Room::default()).collect());
    let visits = rig.often(1_000, 200);
    let tasks: Vec<_> = (0..visits)
        .map(|number| {
            let cache =
                if (number / NAMES).is_multiple_of(2) { one.clone() } else { other.clone() };
            let rooms = Arc::clone(&rooms);
            tokio::spawn(async move {
                let name = number % NAMES;
                let asked = cache.lock(format!("room {name}"), "30s").wait("50s");
                let guard = asked.acquire().await?;
                let room = &rooms[usize::try_from(name).unwrap()];
                assert!(!room.is_taken.swap(true, Ordering::SeqCst), "two inside");
                let before = room.last_token.swap(guard.fencing_token(), Ordering::SeqCst);
                assert!(before < guard.fencing_token(), "tokens grow");
                tokio::task::yield_now().await;
                room.visits.fetch_add(1, Ordering::SeqCst);
                room.is_taken.store(false, Ordering::SeqCst);
                // Either way to give it back.
                if number.is_multiple_of(3) {
                    drop(guard);
                    return Ok::<_, Error>(());
                }
                guard.release().await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for room in rooms.iter() {
        assert_eq!(room.visits.load(Ordering::SeqCst), visits / NAMES);
    }
}
