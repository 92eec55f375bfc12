//! `remember_shared`: the promises of `remember`, and one object for all who have it.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::remember::{Held, settle, waiter};
use super::{Case, Rig, case, millis};
use crate::{Cache, Error, ErrorKind, Shared, Ttl};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_shared_load_is_stored_and_loaded_once),
        case!(an_integer_that_is_shared_is_a_counter),
        case!(who_waits_for_a_shared_load_has_its_object),
        case!(shared_and_owned_calls_wait_for_one_load),
        case!(a_shared_load_of_another_type_replaces_it),
        case!(a_shared_load_is_overtaken_by_a_change),
        case!(a_shared_load_fails_for_all_and_is_cached_for_none),
        case!(an_object_that_is_kept_expires_for_remember),
        case!(a_lifetime_that_is_none_is_refused_beside_a_kept_object),
    ]
}

/// Calls `remember_shared` in a task.
fn sharer(
    cache: &Cache,
    key: &'static str,
    load: impl Future<Output = Result<String, Error>> + Send + 'static,
) -> JoinHandle<Result<Shared<String>, Error>> {
    let cache = cache.clone();
    tokio::spawn(async move { cache.remember_shared(key, "1h", async || load.await).await })
}

/// The same, with a load that is held up until it is told what to bring. It is running when this returns.
async fn held_up(
    cache: &Cache,
    key: &'static str,
) -> (JoinHandle<Result<Shared<String>, Error>>, oneshot::Sender<Result<String, Error>>) {
    let (finish, finished) = oneshot::channel();
    let (running, runs) = oneshot::channel();
    let call = sharer(cache, key, async {
        running.send(()).expect("the case waits");
        finished.await.expect("the case says what to bring")
    });
    runs.await.expect("the load runs");
    (call, finish)
}

/// The same, with a load that brings this.
fn sharing(
    cache: &Cache,
    key: &'static str,
    own: &'static str,
) -> JoinHandle<Result<Shared<String>, Error>> {
    sharer(cache, key, async { Ok(own.into()) })
}

async fn a_shared_load_is_stored_and_loaded_once(rig: Rig) {
    let cache = rig.cache().await;
    let loads = AtomicUsize::new(0);
    for _ in 0..4 {
        let load = async || {
            loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(vec![String::from("a"), "b".into()])
        };
        assert_eq!(*cache.remember_shared("k", "10m", load).await.unwrap(), ["a", "b"]);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(cache.stats().loads, 1);
    assert_eq!(cache.get::<Vec<String>>("k").await.unwrap().unwrap(), ["a", "b"]);
    let left = cache.ttl("k").await.unwrap().and_then(Ttl::duration).unwrap();
    assert!(left <= millis(600_000) && left > millis(595_000), "{left:?}");
}

async fn an_integer_that_is_shared_is_a_counter(rig: Rig) {
    let cache = rig.cache().await;
    for _ in 0..2 {
        let n = cache.remember_shared("n", "1h", async || Ok::<u8, Error>(1)).await.unwrap();
        assert_eq!(*n, 1);
    }
    assert_eq!(cache.increment("n").await.unwrap(), 2);
    let n = cache.remember_shared("n", "1h", async || Ok::<u8, Error>(1)).await.unwrap();
    assert_eq!(*n, 2);
}

async fn who_waits_for_a_shared_load_has_its_object(rig: Rig) {
    let cache = rig.cache().await;
    let (leader, finish) = held_up(&cache, "k").await;
    let waiters = [sharing(&cache, "k", "unused"), sharing(&cache, "k", "unused")];
    settle(&cache, 2).await;
    finish.send(Ok("loaded".into())).unwrap();
    let object = leader.await.unwrap().unwrap();
    assert_eq!(*object, "loaded");
    for waiter in waiters {
        let waited = waiter.await.unwrap().unwrap();
        assert!(std::ptr::eq(&raw const *waited, &raw const *object), "it is the same object");
    }
}

async fn shared_and_owned_calls_wait_for_one_load(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "owned first").await;
    let waits = sharing(&cache, "owned first", "unused");
    settle(&cache, 1).await;
    assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
    assert_eq!(*waits.await.unwrap().unwrap(), "loaded");

    let (leads, finish) = held_up(&cache, "shared first").await;
    let waits = waiter(&cache, "shared first", "unused");
    settle(&cache, 2).await;
    finish.send(Ok("loaded".into())).unwrap();
    assert_eq!(*leads.await.unwrap().unwrap(), "loaded");
    assert_eq!(waits.await.unwrap().unwrap(), "loaded");
    assert_eq!(cache.stats().loads, 2);
}

async fn a_shared_load_of_another_type_replaces_it(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", &1, "1h").await.unwrap();
    assert_eq!(*sharing(&cache, "k", "healed").await.unwrap().unwrap(), "healed");
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("healed"));
    assert_eq!(cache.stats().healed, 1);
    // Also where an object of the other type is kept.
    assert!(cache.get_shared::<String>("k").await.unwrap().is_some());
    assert!(cache.get_shared::<String>("k").await.unwrap().is_some());
    let n = cache.remember_shared("k", "1h", async || Ok::<u64, Error>(7)).await.unwrap();
    assert_eq!((*n, cache.get::<u64>("k").await.unwrap()), (7, Some(7)));
}

async fn a_shared_load_is_overtaken_by_a_change(rig: Rig) {
    let cache = rig.cache().await;
    let (leader, finish) = held_up(&cache, "k").await;
    cache.put("k", "changed", "1h").await.unwrap();
    finish.send(Ok("loaded".into())).unwrap();
    assert_eq!(*leader.await.unwrap().unwrap(), "loaded", "its caller gets what it loaded");
    for _ in 0..2 {
        assert_eq!(*sharing(&cache, "k", "unused").await.unwrap().unwrap(), "changed");
    }
}

async fn a_shared_load_fails_for_all_and_is_cached_for_none(rig: Rig) {
    let cache = rig.cache().await;
    let (leader, finish) = held_up(&cache, "k").await;
    let waits = sharing(&cache, "k", "unused");
    settle(&cache, 1).await;
    finish.send(Err(Error::new(ErrorKind::Unsupported, "database down"))).unwrap();
    assert_eq!(leader.await.unwrap().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(waits.await.unwrap().unwrap_err().kind(), ErrorKind::LoadFailed);
    assert!(!cache.has("k").await.unwrap());
}

async fn an_object_that_is_kept_expires_for_remember(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "old", millis(50)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(*sharing(&cache, "k", "unused").await.unwrap().unwrap(), "old");
    }
    rig.pass(millis(100)).await;
    assert_eq!(*sharing(&cache, "k", "new").await.unwrap().unwrap(), "new");
}

async fn a_lifetime_that_is_none_is_refused_beside_a_kept_object(rig: Rig) {
    let cache = rig.cache().await;
    for _ in 0..2 {
        assert_eq!(*sharing(&cache, "k", "kept").await.unwrap().unwrap(), "kept");
    }
    let load = async || Ok::<_, Error>(String::from("unused"));
    let refused = cache.remember_shared("k", "soon", load).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidTtl);
    let refused = cache.remember_shared("", "1h", load).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidKey);
}
