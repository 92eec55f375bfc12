//! `remember`: one load, whose value is served and stored unless something has changed meanwhile.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::{Case, LIMIT, Rig, case, millis};
use crate::{Cache, Error, ErrorKind, Tag, Ttl};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_miss_loads_and_stores),
        case!(what_was_loaded_expires),
        case!(a_cached_none_is_a_hit),
        case!(a_herd_loads_once).on_threads(),
        case!(a_failed_load_is_told_to_all_and_cached_for_none),
        case!(a_dropped_loader_hands_over),
        case!(a_load_that_panics_hands_over),
        case!(a_dropped_waiter_is_not_missed),
        case!(a_change_during_the_load_wins),
        case!(a_flush_during_the_load_wins),
        case!(who_calls_after_a_change_loads_anew),
        case!(a_change_of_another_key_does_not_matter),
        case!(a_value_put_meanwhile_is_not_loaded_over),
        case!(another_type_is_loaded_anew),
        case!(a_lifetime_of_zero_stores_nothing),
        case!(loads_of_different_keys_do_not_wait_for_each_other),
        case!(a_value_too_large_to_store_is_loaded_once_for_all),
        case!(no_load_outlives_a_change).on_threads(),
    ]
}

/// A load that is held up until it is told what to bring.
pub(super) struct Held {
    pub(super) call: JoinHandle<Result<String, Error>>,
    pub(super) finish: oneshot::Sender<Result<String, Error>>,
}

impl Held {
    /// Calls `remember` in a task, and returns when its load is running.
    pub(super) async fn start(cache: &Cache, key: &'static str) -> Self {
        Self::start_under(&[], cache, key).await
    }

    /// The same under tags.
    pub(super) async fn start_under(
        tags: &'static [&'static str],
        cache: &Cache,
        key: &'static str,
    ) -> Self {
        let (finish, finished) = oneshot::channel();
        let (running, runs) = oneshot::channel();
        let call = call_under(tags, cache, key, async {
            running.send(()).expect("the case waits");
            // Without the hook's message: this panic is part of a case.
            finished.await.unwrap_or_else(|_| resume_unwind(Box::new("the load panics")))
        });
        runs.await.expect("the load runs");
        Self { call, finish }
    }

    /// Lets the load bring `value`, and returns what the call gives.
    pub(super) async fn finish(self, value: &str) -> Result<String, Error> {
        self.finish.send(Ok(value.into())).expect("the load waits");
        self.call.await.expect("the call does not panic")
    }
}

/// A caller who has to wait, for a load of its own if need be.
pub(super) fn waiter(
    cache: &Cache,
    key: &'static str,
    own: &'static str,
) -> JoinHandle<Result<String, Error>> {
    waiter_under(&[], cache, key, own)
}

/// The same under tags.
pub(super) fn waiter_under(
    tags: &'static [&'static str],
    cache: &Cache,
    key: &'static str,
    own: &'static str,
) -> JoinHandle<Result<String, Error>> {
    call_under(tags, cache, key, async { Ok(own.into()) })
}

/// Calls `remember` in a task. It has not begun when this returns.
fn call_under(
    tags: &'static [&'static str],
    cache: &Cache,
    key: &'static str,
    load: impl Future<Output = Result<String, Error>> + Send + 'static,
) -> JoinHandle<Result<String, Error>> {
    let cache = cache.clone();
    tokio::spawn(async move {
        let tags: Vec<_> = tags.iter().map(|tag| Tag::new(tag).unwrap()).collect();
        cache.writer(&tags).remember(key, "1h", async || load.await).await
    })
}

/// Lets every task run until it waits. On one thread: nothing is left to chance.
pub(super) async fn settle(cache: &Cache, waits: u64) {
    while cache.stats().waits < waits {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn a_miss_loads_and_stores(rig: Rig) {
    let cache = rig.cache().await;
    let loads = AtomicUsize::new(0);
    for _ in 0..3 {
        let load = async || {
            loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(vec![String::from("a"), "b".into()])
        };
        assert_eq!(cache.remember("k", "10m", load).await.unwrap(), ["a", "b"]);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(cache.get::<Vec<String>>("k").await.unwrap().unwrap(), ["a", "b"]);
    let left = cache.ttl("k").await.unwrap().and_then(Ttl::duration).unwrap();
    assert!(left <= millis(600_000) && left > millis(595_000), "{left:?}");
    let once: u8 = cache.remember_forever("once", async || Ok::<_, Error>(1)).await.unwrap();
    assert_eq!((once, cache.ttl("once").await.unwrap()), (1, Some(Ttl::FOREVER)));
    assert_eq!(cache.increment("once").await.unwrap(), 2, "a loaded integer is a counter");
}

async fn what_was_loaded_expires(rig: Rig) {
    let cache = rig.cache().await;
    let load =
        async |value: u8| cache.remember("k", millis(50), async || Ok::<_, Error>(value)).await;
    assert_eq!(load(1).await.unwrap(), 1);
    rig.pass(millis(100)).await;
    assert_eq!(load(2).await.unwrap(), 2);
}

async fn a_cached_none_is_a_hit(rig: Rig) {
    let cache = rig.cache().await;
    let loads = AtomicUsize::new(0);
    for _ in 0..2 {
        let load = async || {
            loads.fetch_add(1, Ordering::SeqCst);
            Ok::<Option<String>, Error>(None)
        };
        assert_eq!(cache.remember("k", "1h", load).await.unwrap(), None);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

async fn a_herd_loads_once(rig: Rig) {
    let cache = rig.cache().await;
    for round in 0..20 {
        let (loads, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let herd: Vec<_> = (0..100)
            .map(|_| {
                let (cache, loads, gate) = (cache.clone(), Arc::clone(&loads), Arc::clone(&gate));
                tokio::spawn(async move {
                    let load = async || {
                        loads.fetch_add(1, Ordering::SeqCst);
                        gate.notified().await;
                        Ok::<_, Error>(42u32)
                    };
                    cache.remember(format!("hot {round}"), "1h", load).await
                })
            })
            .collect();
        gate.notify_one();
        for task in herd {
            assert_eq!(task.await.unwrap().unwrap(), 42);
        }
        assert_eq!(loads.load(Ordering::SeqCst), 1, "round {round}");
    }
}

async fn a_failed_load_is_told_to_all_and_cached_for_none(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let waiters = [waiter(&cache, "k", "unused"), waiter(&cache, "k", "unused")];
    settle(&cache, 2).await;
    held.finish.send(Err(Error::new(ErrorKind::Unsupported, "database down"))).unwrap();
    let own = held.call.await.unwrap().unwrap_err();
    assert_eq!(own.kind(), ErrorKind::Unsupported, "the caller whose load it was has its error");
    for waiter in waiters {
        let told = waiter.await.unwrap().unwrap_err();
        assert_eq!(told.kind(), ErrorKind::LoadFailed);
        assert!(told.to_string().contains("database down"), "{told}");
    }
    assert!(!cache.has("k").await.unwrap());
    assert_eq!(cache.stats().loads, 1, "nobody tried again behind its back");
    assert_eq!(waiter(&cache, "k", "later").await.unwrap().unwrap(), "later");
}

async fn a_dropped_loader_hands_over(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let second = waiter(&cache, "k", "second");
    settle(&cache, 1).await;
    let third = waiter(&cache, "k", "third");
    settle(&cache, 2).await;
    held.call.abort();
    assert!(held.call.await.unwrap_err().is_cancelled());
    for waiter in [second, third] {
        assert_eq!(waiter.await.unwrap().unwrap(), "second", "one of them loads, for both");
    }
    assert_eq!(cache.stats().loads, 2);
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("second"));
}

async fn a_load_that_panics_hands_over(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let waiting = waiter(&cache, "k", "second");
    settle(&cache, 1).await;
    // The load panics for want of its answer.
    drop(held.finish);
    assert!(held.call.await.unwrap_err().is_panic());
    assert_eq!(waiting.await.unwrap().unwrap(), "second");
    assert_eq!(waiter(&cache, "k", "unused").await.unwrap().unwrap(), "second");
}

async fn a_dropped_waiter_is_not_missed(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let (first, second) = (waiter(&cache, "k", "first"), waiter(&cache, "k", "second"));
    settle(&cache, 2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    held.call.abort();
    assert_eq!(second.await.unwrap().unwrap(), "second");
}

async fn a_change_during_the_load_wins(rig: Rig) {
    let cache = rig.cache().await;
    let changes = [
        "forget",
        "forget_many",
        "put",
        "put_many",
        "put zero",
        "add",
        "pull",
        "increment",
        "touch zero",
    ];
    for change in changes {
        cache.forget("k").await.unwrap();
        if change == "touch zero" {
            // Of another type, so that it is loaded anew.
            cache.put("k", &1, "1h").await.unwrap();
        }
        let held = Held::start(&cache, "k").await;
        let left = match change {
            "forget" => cache.forget("k").await.map(|_| None),
            "forget_many" => cache.forget_many(["other", "k"]).await.map(|_| None),
            "put" => cache.put("k", "changed", "1h").await.map(|()| Some("changed")),
            "put_many" => cache.put_many([("k", "changed")], "1h").await.map(|()| Some("changed")),
            "put zero" => cache.put("k", "changed", 0).await.map(|()| None),
            "add" => cache.add("k", "changed", "1h").await.map(|_| Some("changed")),
            "pull" => cache.pull::<String>("k").await.map(|_| None),
            "touch zero" => cache.touch("k", 0).await.map(|_| None),
            _ => cache.increment("k").await.map(|_| None),
        };
        let left = left.unwrap();
        assert_eq!(
            held.finish("loaded").await.unwrap(),
            "loaded",
            "its caller gets what it loaded"
        );
        if change == "increment" {
            assert_eq!(cache.get::<i64>("k").await.unwrap(), Some(1));
        } else {
            assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), left, "after {change}");
        }
    }
}

async fn a_flush_during_the_load_wins(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let other = Held::start(&cache, "other").await;
    cache.flush().await.unwrap();
    assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
    assert_eq!(other.finish("loaded").await.unwrap(), "loaded");
    assert!(!cache.has("k").await.unwrap() && !cache.has("other").await.unwrap());
    assert_eq!(cache.stats().overtaken, 2);
}

async fn who_calls_after_a_change_loads_anew(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let before = waiter(&cache, "k", "unused");
    settle(&cache, 1).await;
    cache.forget("k").await.unwrap();
    let after = waiter(&cache, "k", "fresh");
    assert_eq!(after.await.unwrap().unwrap(), "fresh", "it does not wait for what is out of date");
    assert_eq!(held.finish("stale").await.unwrap(), "stale");
    assert_eq!(before.await.unwrap().unwrap(), "stale", "it was there before the change");
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("fresh"));
}

async fn a_change_of_another_key_does_not_matter(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    cache.put("other", "v", "1h").await.unwrap();
    cache.forget("another").await.unwrap();
    assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("loaded"));
    assert_eq!(cache.stats().overtaken, 0);
}

/// Somebody puts the key after a caller has missed it and before its load would begin.
async fn a_value_put_meanwhile_is_not_loaded_over(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "k").await;
    let waiting = waiter(&cache, "k", "too late");
    settle(&cache, 1).await;
    // The waiter's flight is overtaken, and its leader leaves: it starts again.
    cache.put("k", "put", "1h").await.unwrap();
    held.call.abort();
    assert_eq!(waiting.await.unwrap().unwrap(), "put");
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("put"));
}

async fn another_type_is_loaded_anew(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "text", "1h").await.unwrap();
    let number: u64 = cache.remember("k", "1h", async || Ok::<_, Error>(7)).await.unwrap();
    assert_eq!((number, cache.stats().healed), (7, 1));
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(7));
    // The same for one who waited for the load of another type.
    let held = Held::start(&cache, "t").await;
    let wants_number = {
        let cache = cache.clone();
        tokio::spawn(async move { cache.remember("t", "1h", async || Ok::<_, Error>(8u64)).await })
    };
    settle(&cache, 1).await;
    assert_eq!(held.finish("text").await.unwrap(), "text");
    assert_eq!(wants_number.await.unwrap().unwrap(), 8);
}

async fn a_lifetime_of_zero_stores_nothing(rig: Rig) {
    let cache = rig.cache().await;
    for expected in 1..=2 {
        let value: u64 = cache.remember("k", 0, async || Ok::<_, Error>(expected)).await.unwrap();
        assert_eq!(value, expected);
        assert!(!cache.has("k").await.unwrap());
    }
}

async fn loads_of_different_keys_do_not_wait_for_each_other(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start(&cache, "slow").await;
    assert_eq!(waiter(&cache, "quick", "v").await.unwrap().unwrap(), "v");
    // Also from within a load.
    let nested = cache
        .remember("outer", "1h", async || {
            cache.remember("inner", "1h", async || Ok::<_, Error>(String::from("in"))).await
        })
        .await;
    assert_eq!(nested.unwrap(), "in");
    assert_eq!(held.finish("v").await.unwrap(), "v");
}

async fn a_value_too_large_to_store_is_loaded_once_for_all(rig: Rig) {
    let cache = rig.builder().await.max_value_bytes(100).build().unwrap();
    let held = Held::start(&cache, "k").await;
    let waiters = [waiter(&cache, "k", "unused"), waiter(&cache, "k", "unused")];
    settle(&cache, 2).await;
    let large = "x".repeat(1_000);
    assert_eq!(held.finish(&large).await.unwrap(), large);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), large);
    }
    assert_eq!((cache.stats().loads, cache.stats().bypassed), (1, 1));
    assert!(!cache.has("k").await.unwrap());
}

/// What a change says has changed is never read as it was before, whatever loads meanwhile.
async fn no_load_outlives_a_change(rig: Rig) {
    /// Of each of several at once. On a server each is some round trips, and on a slow cluster there is no time for all.
    const CHANGES: u64 = 5_000;
    const CHANGES_AT_LEAST: u64 = 1_000;
    let cache = rig.cache().await;
    let until = Instant::now() + LIMIT * 3 / 4;
    let (truth, done) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let loaders: Vec<_> = (0..3)
        .map(|_| {
            let (cache, truth, done) = (cache.clone(), Arc::clone(&truth), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let load = async || Ok::<_, Error>(truth.load(Ordering::SeqCst).to_string());
                    cache.remember("k", "1h", load).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // Some that forget, and as many that flush.
    let changers: Vec<_> = [false, true]
        .repeat(4)
        .into_iter()
        .map(|flushes| {
            let (cache, truth) = (cache.clone(), Arc::clone(&truth));
            tokio::spawn(async move {
                for change in 0..CHANGES {
                    if change >= CHANGES_AT_LEAST && Instant::now() >= until {
                        break;
                    }
                    let now = truth.fetch_add(1, Ordering::SeqCst) + 1;
                    if flushes {
                        cache.flush().await.unwrap();
                    } else {
                        cache.forget("k").await.unwrap();
                    }
                    if let Some(read) = cache.get::<String>("k").await.unwrap() {
                        assert!(read.parse::<u64>().unwrap() >= now, "{read} is read after {now}");
                    }
                }
            })
        })
        .collect();
    for changer in changers {
        changer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for loader in loaders {
        loader.await.unwrap();
    }
}
