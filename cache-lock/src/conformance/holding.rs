//! Holding a lock: alone, for as long as the lease says, with a token that grows.

use cache_core::conformance::{Case, Rig};
use cache_core::{ErrorKind, Ttl};

use super::{NAME, awaited, case, kind, millis, shared, short, sleep, taken};
use crate::Locks;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(one_guard_at_a_time),
        case!(a_dropped_guard_frees_the_lock),
        case!(a_release_that_is_dropped_frees_the_lock),
        case!(every_acquisition_has_a_greater_token),
        case!(an_extension_counts_from_now),
        case!(a_shortened_lease_ends_sooner),
        case!(renewals_go_on_with_the_length_of_an_extension),
        case!(an_extension_to_no_lease_is_refused_and_harms_nothing),
        case!(a_lease_of_ages_is_one),
        case!(a_flush_leaves_guards_alone),
        case!(an_operator_sees_who_holds_a_lock),
        case!(a_closed_cache_locks_nothing),
    ]
}

async fn one_guard_at_a_time(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let first = taken(&one).await.unwrap();
    assert!(first.is_held() && first.name() == NAME);
    assert!(taken(&one).await.is_none());
    assert!(taken(&other).await.is_none());
    first.release().await.unwrap();
    let second = taken(&other).await.unwrap();
    assert!(taken(&one).await.is_none());
    second.release().await.unwrap();
    assert!(taken(&one).await.is_some());
}

async fn a_dropped_guard_frees_the_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    drop(taken(&one).await.unwrap());
    drop(awaited(&other).await);
    let waiting = tokio::spawn({
        let one = one.clone();
        async move { awaited(&one).await }
    });
    drop(waiting.await.unwrap());
    awaited(&one).await.release().await.unwrap();
}

async fn a_release_that_is_dropped_frees_the_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    drop(taken(&one).await.unwrap().release());
    awaited(&other).await.release().await.unwrap();
}

async fn every_acquisition_has_a_greater_token(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let mut tokens = vec![];
    for cache in [&one, &other, &one] {
        let guard = taken(cache).await.unwrap();
        tokens.push(guard.fencing_token());
        guard.release().await.unwrap();
    }
    let dropped = taken(&other).await.unwrap();
    tokens.push(dropped.fencing_token());
    drop(dropped);
    let taken_away = awaited(&one).await;
    tokens.push(taken_away.fencing_token());
    assert!(other.force_release_lock(NAME).await.unwrap());
    let expiring = other.lock(NAME, short(&rig)).without_renewal().try_acquire().await;
    let expiring = expiring.unwrap().unwrap();
    tokens.push(expiring.fencing_token());
    sleep(short(&rig)).await;
    tokens.push(awaited(&one).await.fencing_token());
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
}

async fn an_extension_counts_from_now(rig: Rig) {
    let cache = rig.cache().await;
    let guard = cache.lock(NAME, "20s").without_renewal().acquire().await.unwrap();
    for length in [millis(600_000), millis(60_000)] {
        guard.extend(length).await.unwrap();
        let left = cache.inspect_lock(NAME).await.unwrap().unwrap().left;
        assert!(left <= length && left + millis(10_000) > length, "{left:?} of {length:?}");
    }
    assert!(guard.is_held());
    guard.release().await.unwrap();
}

async fn a_shortened_lease_ends_sooner(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = one.lock(NAME, "1m").without_renewal().acquire().await.unwrap();
    guard.extend(short(&rig)).await.unwrap();
    assert!(guard.is_held());
    sleep(short(&rig)).await;
    assert!(!guard.is_held());
    let _successor = awaited(&other).await;
    assert_eq!(kind(guard.extend("1m").await), Some(ErrorKind::LockLost));
    assert!(taken(&one).await.is_none(), "the successor's lock stays");
    assert_eq!(kind(guard.release().await), Some(ErrorKind::LockLost));
}

async fn renewals_go_on_with_the_length_of_an_extension(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = one.lock(NAME, "1m").acquire().await.unwrap();
    guard.extend(short(&rig)).await.unwrap();
    sleep(short(&rig) * 3).await;
    assert!(guard.is_held() && taken(&other).await.is_none());
    let left = async || other.inspect_lock(NAME).await.unwrap().unwrap().left;
    assert!(left().await <= short(&rig));
    guard.extend("1m").await.unwrap();
    sleep(short(&rig) * 3).await;
    assert!(guard.is_held() && left().await > millis(30_000));
    guard.release().await.unwrap();
}

async fn an_extension_to_no_lease_is_refused_and_harms_nothing(rig: Rig) {
    let cache = rig.cache().await;
    let guard = taken(&cache).await.unwrap();
    for none in [Ttl::ZERO, Ttl::FOREVER, Ttl::DEFAULT] {
        assert_eq!(kind(guard.extend(none).await), Some(ErrorKind::InvalidTtl), "{none:?}");
    }
    assert_eq!(kind(guard.extend("soon").await), Some(ErrorKind::InvalidTtl));
    assert!(guard.is_held());
    guard.release().await.unwrap();
}

async fn a_lease_of_ages_is_one(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = one.lock(NAME, Ttl::MAX).acquire().await.unwrap();
    assert!(guard.is_held() && taken(&other).await.is_none());
    guard.extend(Ttl::MAX).await.unwrap();
    let late = other.lock(NAME, "1m").wait(millis(50)).acquire().await;
    assert_eq!(kind(late), Some(ErrorKind::LockTimeout));
    guard.release().await.unwrap();
    assert!(taken(&other).await.is_some());
}

async fn a_flush_leaves_guards_alone(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&one).await.unwrap();
    let token = guard.fencing_token();
    other.flush().await.unwrap();
    assert!(taken(&other).await.is_none());
    guard.extend("1m").await.unwrap();
    guard.release().await.unwrap();
    other.flush().await.unwrap();
    assert!(taken(&other).await.unwrap().fencing_token() > token);
}

async fn an_operator_sees_who_holds_a_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    assert_eq!(other.inspect_lock(NAME).await.unwrap(), None);
    assert!(!other.force_release_lock(NAME).await.unwrap());
    let guard = taken(&one).await.unwrap();
    let seen = other.inspect_lock(NAME).await.unwrap().unwrap();
    assert!(seen.left <= millis(60_000) && seen.left > millis(50_000), "{:?}", seen.left);
    assert_eq!(one.inspect_lock(NAME).await.unwrap().unwrap().owner, seen.owner);
    guard.release().await.unwrap();
    assert_eq!(other.inspect_lock(NAME).await.unwrap(), None);
    let guard = taken(&one).await.unwrap();
    let next = other.inspect_lock(NAME).await.unwrap().unwrap();
    assert_ne!(next.owner, seen.owner, "an owner is one acquisition");
    guard.release().await.unwrap();
}

async fn a_closed_cache_locks_nothing(rig: Rig) {
    let cache = rig.cache().await;
    let guard = taken(&cache).await.unwrap();
    cache.close().await.unwrap();
    let asked = cache.lock(NAME, "1m");
    assert_eq!(kind(asked.clone().try_acquire().await), Some(ErrorKind::Closed));
    assert_eq!(kind(asked.acquire().await), Some(ErrorKind::Closed));
    assert_eq!(kind(cache.inspect_lock(NAME).await), Some(ErrorKind::Closed));
    assert_eq!(kind(cache.force_release_lock(NAME).await), Some(ErrorKind::Closed));
    assert_eq!(kind(guard.extend("1m").await), Some(ErrorKind::Closed));
    assert_eq!(kind(guard.release().await), Some(ErrorKind::Closed));
}
