//! Renewal, and what becomes of a lock that was not renewed or was taken away.

use cache_core::conformance::{Case, Rig};
use cache_core::{ErrorKind, Key};

use super::{NAME, awaited, case, kind, millis, shared, short, sleep, taken};
use crate::Locks;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_renewed_lock_outlasts_its_lease),
        case!(without_renewal_a_lock_ends),
        case!(a_loss_is_told_before_the_lease_has_ended),
        case!(who_has_lost_a_lock_may_take_it_again_at_once),
        case!(a_release_of_a_lost_lock_takes_nothing),
        case!(a_dropped_guard_of_a_lost_lock_takes_nothing),
        case!(the_holder_learns_that_its_lock_was_taken_away),
        case!(what_is_lost_stays_lost),
    ]
}

async fn a_renewed_lock_outlasts_its_lease(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = one.lock(NAME, short(&rig)).acquire().await.unwrap();
    for _ in 0..rig.often(1_000, 3) {
        // Longer than a lease, so that a missed renewal shows, and never in step with the renewals.
        sleep(short(&rig) * 10 / 9).await;
        assert!(guard.is_held());
        assert!(taken(&other).await.is_none());
    }
    guard.release().await.unwrap();
    assert!(taken(&other).await.is_some());
}

async fn without_renewal_a_lock_ends(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = one.lock(NAME, short(&rig)).without_renewal().acquire().await.unwrap();
    assert!(guard.is_held() && taken(&other).await.is_none());
    sleep(short(&rig)).await;
    assert!(!guard.is_held());
    guard.lost().await;
    drop(awaited(&other).await);
}

async fn a_loss_is_told_before_the_lease_has_ended(rig: Rig) {
    let (store, one, _) = shared(&rig).await;
    let lengths: &[u64] =
        if rig.is_exact() { &[2, 3, 4, 10, 100, 1_000, 30_000, 86_400_000] } else { &[1_000] };
    for length in lengths {
        let name = format!("of {length} ms");
        let guard = one.lock(&name, millis(*length)).without_renewal().acquire().await.unwrap();
        guard.lost().await;
        assert!(!guard.is_held());
        let left = store.locks().unwrap().inspect(Key::new(&name).unwrap()).await.unwrap();
        // In real time this case may be late itself.
        assert!(!rig.is_exact() || left.is_some(), "{name}: it had ended when it was told");
    }
}

async fn who_has_lost_a_lock_may_take_it_again_at_once(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let lost = one.lock(NAME, short(&rig)).without_renewal().acquire().await.unwrap();
    lost.lost().await;
    let again = taken(&one).await.unwrap();
    assert!(again.fencing_token() > lost.fencing_token());
    assert!(again.is_held() && !lost.is_held() && taken(&other).await.is_none());
    assert_eq!(kind(lost.release().await), Some(ErrorKind::LockLost));
    assert!(taken(&other).await.is_none());
    again.release().await.unwrap();
}

async fn a_release_of_a_lost_lock_takes_nothing(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let lost = one.lock(NAME, short(&rig)).without_renewal().acquire().await.unwrap();
    sleep(short(&rig)).await;
    let successor = awaited(&other).await;
    assert_eq!(kind(lost.release().await), Some(ErrorKind::LockLost));
    assert!(taken(&one).await.is_none());
    successor.extend("1m").await.unwrap();
    successor.release().await.unwrap();
}

async fn a_dropped_guard_of_a_lost_lock_takes_nothing(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let lost = one.lock(NAME, short(&rig)).without_renewal().acquire().await.unwrap();
    sleep(short(&rig)).await;
    let successor = awaited(&other).await;
    drop(lost);
    // What goes on in the background has the time to.
    sleep(millis(50)).await;
    assert!(taken(&one).await.is_none());
    successor.release().await.unwrap();
}

async fn the_holder_learns_that_its_lock_was_taken_away(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = one.lock(NAME, short(&rig)).acquire().await.unwrap();
    assert!(other.force_release_lock(NAME).await.unwrap());
    let successor = taken(&other).await.unwrap();
    let learns = tokio::time::timeout(millis(15_000), guard.lost());
    let asked = tokio::time::Instant::now();
    learns.await.expect("it is told at the next renewal");
    assert!(!rig.is_exact() || asked.elapsed() <= short(&rig) / 3 + millis(2));
    assert!(!guard.is_held());
    assert_eq!(kind(guard.extend("1m").await), Some(ErrorKind::LockLost));
    assert_eq!(kind(guard.release().await), Some(ErrorKind::LockLost));
    assert!(successor.is_held() && taken(&one).await.is_none());
    successor.release().await.unwrap();
}

async fn what_is_lost_stays_lost(rig: Rig) {
    let cache = rig.cache().await;
    let guard = cache.lock(NAME, short(&rig)).without_renewal().acquire().await.unwrap();
    guard.lost().await;
    for _ in 0..3 {
        assert_eq!(kind(guard.extend("1m").await), Some(ErrorKind::LockLost));
        assert!(!guard.is_held());
        guard.lost().await;
    }
    sleep(short(&rig)).await;
    assert!(cache.inspect_lock(NAME).await.unwrap().is_none());
}
