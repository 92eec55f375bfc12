//! Locks, as a store offers them: one holder at a time, known by its number.

use super::{Capability, Case, Rig, case, millis};
use crate::{Acquisition, Fence, Key, LockStore, Owner, Store};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(one_holder_at_a_time),
        case!(only_the_owner_renews_and_releases),
        case!(a_lease_ends_at_its_deadline),
        case!(a_flush_of_values_leaves_locks_alone),
        case!(an_operator_sees_and_ends_a_lease),
    ]
    .map(|case| case.needing(Capability::Locks))
    .into()
}

const FIRST: Owner = Owner(1);
const SECOND: Owner = Owner(2);

fn name() -> Key<'static> {
    Key::new("report").expect("a key")
}

fn locking(store: &dyn Store) -> &dyn LockStore {
    store.locks().expect("the case needs locks")
}

async fn acquired(store: &dyn Store, owner: Owner, lease: u64) -> Option<Fence> {
    match locking(store).acquire(name(), owner, millis(lease)).await.unwrap() {
        Acquisition::Acquired(fence) => Some(fence),
        Acquisition::Held(_) => None,
    }
}

async fn one_holder_at_a_time(rig: Rig) {
    let store = &*rig.store().await;
    let first = acquired(store, FIRST, 60_000).await.unwrap();
    assert_eq!(acquired(store, SECOND, 60_000).await, None);
    assert!(locking(store).release(name(), FIRST).await.unwrap());
    let second = acquired(store, SECOND, 60_000).await.unwrap();
    assert!(second > first);
}

async fn only_the_owner_renews_and_releases(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 60_000).await.unwrap();
    assert!(!locking(store).release(name(), SECOND).await.unwrap());
    assert!(!locking(store).renew(name(), SECOND, millis(1)).await.unwrap());
    assert_eq!(acquired(store, SECOND, 60_000).await, None, "it is still held");
    assert!(locking(store).renew(name(), FIRST, millis(60_000)).await.unwrap());
    assert!(locking(store).release(name(), FIRST).await.unwrap());
    assert!(!locking(store).release(name(), FIRST).await.unwrap());
    assert!(!locking(store).renew(name(), FIRST, millis(60_000)).await.unwrap());
}

async fn a_lease_ends_at_its_deadline(rig: Rig) {
    let store = &*rig.store().await;
    let first = acquired(store, FIRST, 300).await.unwrap();
    assert_eq!(acquired(store, SECOND, 60_000).await, None);
    rig.pass(millis(if rig.is_exact() { 299 } else { 50 })).await;
    assert_eq!(acquired(store, SECOND, 60_000).await, None);
    rig.pass(millis(if rig.is_exact() { 1 } else { 350 })).await;
    assert!(acquired(store, SECOND, 60_000).await.unwrap() > first);
    assert!(!locking(store).release(name(), FIRST).await.unwrap(), "the successor's lock stays");
    assert!(locking(store).inspect(name()).await.unwrap().is_some_and(|held| held.owner == SECOND));
}

async fn a_flush_of_values_leaves_locks_alone(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 60_000).await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(acquired(store, SECOND, 60_000).await, None);
}

async fn an_operator_sees_and_ends_a_lease(rig: Rig) {
    let store = &*rig.store().await;
    assert_eq!(locking(store).inspect(name()).await.unwrap(), None);
    assert!(!locking(store).force_release(name()).await.unwrap());
    acquired(store, FIRST, 60_000).await.unwrap();
    let held = locking(store).inspect(name()).await.unwrap().unwrap();
    assert_eq!(held.owner, FIRST);
    assert!(held.left <= millis(60_000) && held.left > millis(50_000), "{:?}", held.left);
    assert!(locking(store).force_release(name()).await.unwrap());
    assert_eq!(locking(store).inspect(name()).await.unwrap(), None);
    assert!(!locking(store).release(name(), FIRST).await.unwrap());
}
