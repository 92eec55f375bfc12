//! Locks, as a store offers them: one holder at a time, known by its number.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Barrier;

use super::{Capability, Case, Rig, case, millis};
use crate::{Acquisition, Fence, Key, LockStore, Owner, Store};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(one_holder_at_a_time),
        case!(a_repeated_acquisition_is_one),
        case!(only_the_owner_renews_and_releases),
        case!(a_lease_ends_at_its_deadline),
        case!(a_flush_of_values_leaves_locks_alone),
        case!(an_operator_sees_and_ends_a_lease),
        case!(of_many_acquires_at_once_one_is_granted).on_threads(),
        case!(a_stale_owner_leaves_the_successor_alone),
        case!(a_release_takes_nothing_that_was_granted_meanwhile),
        case!(a_renewal_takes_nothing_that_was_granted_meanwhile),
        case!(an_ended_lease_is_not_revived),
        case!(an_ended_lease_is_not_shown),
        case!(a_renewal_counts_from_now),
        case!(what_is_left_of_a_lease_is_told),
        case!(fences_grow_whatever_ended_a_lease),
        case!(a_first_fence_is_about_the_time),
        case!(a_lease_may_be_long),
        case!(who_waits_learns_of_a_release),
        case!(who_waits_learns_of_a_lease_that_was_taken_away),
        case!(who_waits_learns_of_the_end_of_a_lease),
        case!(who_waits_learns_of_a_lease_that_was_shortened),
        case!(who_waits_learns_of_a_lease_that_begins_anew),
        case!(who_waits_for_what_is_free_waits_for_nothing),
        case!(who_waits_may_leave),
        case!(who_was_told_has_the_next_one_told),
        case!(names_of_locks_are_apart),
        case!(names_of_locks_are_apart_from_keys),
    ]
    .map(|case| case.needing(Capability::Locks))
    .into()
}

/// A lease of which the end is waited for.
const BRIEF: u64 = 300;
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

/// A command that is sent again, since its answer was lost, must not find itself in the way.
async fn a_repeated_acquisition_is_one(rig: Rig) {
    let store = &*rig.store().await;
    let first = acquired(store, FIRST, 30_000).await.unwrap();
    let again = acquired(store, FIRST, 60_000).await.expect("it is the owner");
    assert!(again > first);
    let held = locking(store).inspect(name()).await.unwrap().unwrap();
    assert!(held.owner == FIRST && held.left > millis(40_000), "the lease begins anew: {held:?}");
    assert_eq!(acquired(store, SECOND, 60_000).await, None);
    assert!(locking(store).release(name(), FIRST).await.unwrap());
    assert!(acquired(store, SECOND, 60_000).await.unwrap() > again);
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

async fn of_many_acquires_at_once_one_is_granted(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    for round in 0..rig.often(50, 20) {
        let together = Arc::new(Barrier::new(16));
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                let (store, together) = (Arc::clone(&store), Arc::clone(&together));
                tokio::spawn(async move {
                    together.wait().await;
                    let name = format!("round {round}");
                    let name = Key::new(&name).unwrap();
                    let asked = locking(&*store).acquire(name, Owner(number), millis(60_000));
                    matches!(asked.await.unwrap(), Acquisition::Acquired(_))
                })
            })
            .collect();
        let mut granted = 0;
        for task in tasks {
            granted += u32::from(task.await.unwrap());
        }
        assert_eq!(granted, 1, "of 16");
    }
}

async fn a_stale_owner_leaves_the_successor_alone(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 100).await.unwrap();
    rig.pass(millis(if rig.is_exact() { 100 } else { 200 })).await;
    acquired(store, SECOND, 60_000).await.unwrap();
    assert!(!locking(store).renew(name(), FIRST, millis(1)).await.unwrap());
    assert!(!locking(store).release(name(), FIRST).await.unwrap());
    rig.pass(millis(10)).await;
    assert_eq!(holder(store).await, Some(SECOND));
    assert!(locking(store).release(name(), SECOND).await.unwrap());
}

async fn holder(store: &dyn Store) -> Option<Owner> {
    locking(store).inspect(name()).await.unwrap().map(|held| held.owner)
}

/// Lets the lease end while its owner is being heard, and somebody else take it then.
async fn overtaken(rig: &Rig, act: impl Fn(Arc<dyn Store>) -> tokio::task::JoinHandle<bool>) {
    const LEASE: u64 = 20;
    let store: Arc<dyn Store> = rig.store().await.into();
    for _ in 0..rig.often(1, 10) {
        acquired(&*store, FIRST, LEASE).await.unwrap();
        rig.pass(millis(LEASE - 1)).await;
        let acting = act(Arc::clone(&store));
        tokio::task::yield_now().await;
        rig.pass(millis(1)).await;
        let successor = acquired(&*store, SECOND, 60_000).await;
        acting.await.unwrap();
        if successor.is_some() {
            assert_eq!(holder(&*store).await, Some(SECOND));
        }
        locking(&*store).force_release(name()).await.unwrap();
    }
}

async fn a_release_takes_nothing_that_was_granted_meanwhile(rig: Rig) {
    let release = |store: Arc<dyn Store>| {
        tokio::spawn(async move { locking(&*store).release(name(), FIRST).await.unwrap() })
    };
    overtaken(&rig, release).await;
}

async fn a_renewal_takes_nothing_that_was_granted_meanwhile(rig: Rig) {
    let renew = |store: Arc<dyn Store>| {
        tokio::spawn(
            async move { locking(&*store).renew(name(), FIRST, millis(60_000)).await.unwrap() },
        )
    };
    overtaken(&rig, renew).await;
}

async fn an_ended_lease_is_not_revived(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 100).await.unwrap();
    rig.pass(millis(if rig.is_exact() { 100 } else { 200 })).await;
    assert!(!locking(store).renew(name(), FIRST, millis(60_000)).await.unwrap());
    assert!(!locking(store).release(name(), FIRST).await.unwrap());
    assert!(acquired(store, SECOND, 60_000).await.is_some());
}

async fn an_ended_lease_is_not_shown(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 100).await.unwrap();
    rig.pass(millis(if rig.is_exact() { 100 } else { 200 })).await;
    assert_eq!(holder(store).await, None);
    assert!(!locking(store).force_release(name()).await.unwrap());
}

async fn a_renewal_counts_from_now(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 30_000).await.unwrap();
    let renewed = async |lease: u64| {
        assert!(locking(store).renew(name(), FIRST, millis(lease)).await.unwrap());
        locking(store).inspect(name()).await.unwrap().unwrap().left
    };
    let left = renewed(60_000).await;
    assert!(left <= millis(60_000) && left > millis(50_000), "{left:?}");
    let left = renewed(300).await;
    assert!(left <= millis(300), "{left:?}");
    if rig.is_exact() {
        rig.pass(millis(299)).await;
        assert_eq!(holder(store).await, Some(FIRST));
        rig.pass(millis(1)).await;
    } else {
        rig.pass(millis(400)).await;
    }
    assert!(acquired(store, SECOND, 60_000).await.is_some());
}

async fn what_is_left_of_a_lease_is_told(rig: Rig) {
    let store = &*rig.store().await;
    acquired(store, FIRST, 60_000).await.unwrap();
    rig.pass(millis(200)).await;
    let asked = locking(store).acquire(name(), SECOND, millis(10)).await.unwrap();
    let Acquisition::Held(told) = asked else { panic!("two hold it") };
    let seen = locking(store).inspect(name()).await.unwrap().unwrap().left;
    for left in [told, seen] {
        // A server may count in whole milliseconds.
        assert!(left <= millis(59_801) && left > millis(50_000), "{left:?}");
    }
}

async fn fences_grow_whatever_ended_a_lease(rig: Rig) {
    let store = &*rig.store().await;
    let mut fences = vec![acquired(store, FIRST, 60_000).await.unwrap()];
    locking(store).release(name(), FIRST).await.unwrap();
    fences.push(acquired(store, SECOND, 60_000).await.unwrap());
    locking(store).force_release(name()).await.unwrap();
    fences.push(acquired(store, FIRST, 60_000).await.unwrap());
    locking(store).renew(name(), FIRST, millis(100)).await.unwrap();
    rig.pass(millis(if rig.is_exact() { 100 } else { 200 })).await;
    fences.push(acquired(store, SECOND, 100).await.unwrap());
    // Long after, as well.
    rig.pass(millis(if rig.is_exact() { 86_400_000 } else { 200 })).await;
    fences.push(acquired(store, FIRST, 60_000).await.unwrap());
    store.flush().await.unwrap();
    locking(store).release(name(), FIRST).await.unwrap();
    fences.push(acquired(store, FIRST, 60_000).await.unwrap());
    assert!(fences.is_sorted_by(|one, next| one < next), "{fences:?}");
}

/// Else tokens that a resource has seen would be greater than any that comes, once a service changes its driver.
async fn a_first_fence_is_about_the_time(rig: Rig) {
    let store = &*rig.store().await;
    let Fence(fence) = acquired(store, FIRST, 60_000).await.unwrap();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let apart = Duration::from_micros(fence).abs_diff(time);
    assert!(apart < millis(86_400_000), "{fence} is no microsecond of this day");
}

async fn a_lease_may_be_long(rig: Rig) {
    const DAY: u64 = 86_400_000;
    let store = &*rig.store().await;
    for days in [60, 500 * 365] {
        acquired(store, FIRST, days * DAY).await.unwrap();
        let left = locking(store).inspect(name()).await.unwrap().unwrap().left;
        // One that has no end worth the name may be shown as it is kept.
        assert!(left > millis(59 * DAY), "{left:?}");
        assert_eq!(acquired(store, SECOND, 60_000).await, None);
        assert!(locking(store).renew(name(), FIRST, millis(days * DAY)).await.unwrap());
        assert!(locking(store).release(name(), FIRST).await.unwrap());
    }
}

/// Asks to be told, lets `act` happen, and says whether it was told within so long.
async fn is_told<T>(
    store: &Arc<dyn Store>,
    act: impl Future<Output = T>,
    within: Duration,
) -> bool {
    let waits = {
        let store = Arc::clone(store);
        tokio::spawn(async move { locking(&*store).freed(name()).await.unwrap() })
    };
    // It may be told too early; and what it is told of may happen while it asks.
    tokio::task::yield_now().await;
    act.await;
    tokio::time::timeout(within, waits).await.is_ok_and(|told| told.is_ok())
}

async fn who_waits_learns_of_a_release(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, 600_000).await.unwrap();
    let act = async { assert!(locking(&*store).release(name(), FIRST).await.unwrap()) };
    assert!(is_told(&store, act, millis(30_000)).await);
}

async fn who_waits_learns_of_a_lease_that_was_taken_away(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, 600_000).await.unwrap();
    let act = async { assert!(locking(&*store).force_release(name()).await.unwrap()) };
    assert!(is_told(&store, act, millis(30_000)).await);
}

async fn who_waits_learns_of_the_end_of_a_lease(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, BRIEF).await.unwrap();
    assert!(is_told(&store, std::future::ready(()), by_the_end_of_a_brief_lease(&rig)).await);
}

/// Or some time after it: who waits for a lock on a server may have to look, every few seconds.
fn by_the_end_of_a_brief_lease(rig: &Rig) -> Duration {
    millis(if rig.is_exact() { BRIEF + 1 } else { 30_000 })
}

async fn who_waits_learns_of_a_lease_that_was_shortened(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, 600_000).await.unwrap();
    let act = async {
        rig.pass(LOOKED).await;
        assert!(locking(&*store).renew(name(), FIRST, millis(BRIEF)).await.unwrap());
    };
    assert!(is_told(&store, act, by_the_end_of_a_brief_lease(&rig)).await);
}

async fn who_waits_learns_of_a_lease_that_begins_anew(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, 600_000).await.unwrap();
    let act = async {
        rig.pass(LOOKED).await;
        acquired(&*store, FIRST, BRIEF).await.expect("it is the owner")
    };
    assert!(is_told(&store, act, by_the_end_of_a_brief_lease(&rig)).await);
}

/// By then who waits has seen the end that a lease had before.
const LOOKED: Duration = millis(200);

async fn who_waits_for_what_is_free_waits_for_nothing(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let nothing = || std::future::ready(());
    assert!(is_told(&store, nothing(), millis(30_000)).await, "never held");
    acquired(&*store, FIRST, 600_000).await.unwrap();
    locking(&*store).release(name(), FIRST).await.unwrap();
    assert!(is_told(&store, nothing(), millis(30_000)).await, "released before");
}

async fn who_waits_may_leave(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, 600_000).await.unwrap();
    for _ in 0..20 {
        let leaves = tokio::time::timeout(millis(1), locking(&*store).freed(name()));
        drop(leaves.await);
    }
    let act = async { assert!(locking(&*store).release(name(), FIRST).await.unwrap()) };
    assert!(is_told(&store, act, millis(30_000)).await, "who stays is told");
    assert!(acquired(&*store, SECOND, 60_000).await.is_some());
}

async fn who_was_told_has_the_next_one_told(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    acquired(&*store, FIRST, 600_000).await.unwrap();
    let wait = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            locking(&*store).freed(name()).await.unwrap();
            // Nobody here wants it.
            locking(&*store).release(name(), SECOND).await.unwrap();
        })
    };
    let waiters = [wait(), wait(), wait()];
    rig.pass(millis(10)).await;
    assert!(locking(&*store).release(name(), FIRST).await.unwrap());
    for waiter in waiters {
        let told = tokio::time::timeout(millis(30_000), waiter).await;
        assert!(told.is_ok_and(|told| told.is_ok()), "one was told, and the next was not");
    }
}

async fn names_of_locks_are_apart(rig: Rig) {
    let store = &*rig.store().await;
    let longest = "n".repeat(Key::MAX_BYTES);
    let other = format!("{}m", &longest[1..]);
    let names = [
        "a",
        "A",
        " a",
        "a ",
        "a\n",
        "{a}",
        "a}",
        "{",
        "}",
        "{}",
        "%61",
        "*",
        "\0",
        "ä",
        "a\u{308}",
        "#lock:{a}",
        "#fence:{a}",
        "lock:{a}",
        &longest,
        &other,
        &longest[1..],
    ];
    for (name, owner) in names.iter().zip(1..) {
        let name = Key::new(name).unwrap();
        let asked = locking(store).acquire(name, Owner(owner), millis(600_000)).await.unwrap();
        assert!(matches!(asked, Acquisition::Acquired(_)), "{name:.20?} is held as another");
    }
    for (name, owner) in names.iter().zip(1..) {
        let name = Key::new(name).unwrap();
        let held = locking(store).inspect(name).await.unwrap();
        assert_eq!(held.map(|held| held.owner), Some(Owner(owner)), "{name:.20?}");
        assert!(locking(store).release(name, Owner(owner)).await.unwrap(), "{name:.20?}");
        assert_eq!(locking(store).inspect(name).await.unwrap(), None, "{name:.20?}");
    }
}

async fn names_of_locks_are_apart_from_keys(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let cache = crate::Cache::new(Arc::clone(&store));
    acquired(&*store, FIRST, 600_000).await.unwrap();
    assert!(!cache.has("report").await.unwrap());
    cache.put("report", "v", "1h").await.unwrap();
    assert_eq!(holder(&*store).await, Some(FIRST));
    assert!(cache.forget("report").await.unwrap());
    assert_eq!(holder(&*store).await, Some(FIRST));
    cache.put("report", "v", "1h").await.unwrap();
    assert!(locking(&*store).release(name(), FIRST).await.unwrap());
    assert!(cache.has("report").await.unwrap());
}
