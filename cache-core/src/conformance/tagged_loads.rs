//! `remember` under tags: what was loaded is never served to who calls after a flush that the load did not see.
//!
//! A flush by another process is one of the [`TagStore`](crate::TagStore) behind the cache's back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::remember::{Held, settle, waiter_under};
use super::tags::{flush, has, tags};
use super::{Capability, Case, Rig, case};
use crate::{Cache, Error, ErrorKind, Store, Ttl};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(what_was_loaded_under_a_tag_goes_with_it),
        case!(a_flush_of_a_tag_during_the_load_wins),
        case!(a_load_that_flushes_its_own_tag_is_not_stored),
        case!(who_calls_after_a_flush_of_a_tag_loads_anew),
        case!(many_who_call_after_a_flush_of_a_tag_share_a_load),
        case!(who_called_before_a_flush_of_a_tag_is_answered),
        case!(a_flush_of_another_tag_does_not_matter_to_a_load),
        case!(those_who_wait_under_a_tag_share_a_load),
        case!(a_herd_under_tags_loads_once).on_threads(),
        case!(those_without_tags_wait_for_a_load_under_tags),
        case!(a_load_that_is_not_stored_is_shared_under_its_own_tags),
        case!(a_failed_load_under_tags_is_told_to_all),
        case!(a_dropped_loader_under_tags_hands_over),
        case!(a_change_during_a_load_under_tags_wins),
        case!(what_is_there_is_remembered_whatever_it_bears),
    ]
    .map(|case| case.needing(Capability::Tags))
    .into()
}

const USERS: &[&str] = &["users"];
const BOTH: &[&str] = &["users", "posts"];

/// Who flushes.
#[derive(Clone, Copy, Debug)]
enum Flusher {
    /// This process, by the cache.
    Ours,
    /// Another, as far as the cache can tell.
    Another,
}

const FLUSHERS: [Flusher; 2] = [Flusher::Ours, Flusher::Another];

async fn shared_store(rig: &Rig) -> (Arc<dyn Store>, Cache) {
    let store: Arc<dyn Store> = rig.store().await.into();
    (Arc::clone(&store), Cache::new(store))
}

impl Flusher {
    async fn flush(self, cache: &Cache, store: &dyn Store, tag: &str) {
        match self {
            Self::Ours => cache.writer(&tags([tag])).flush().await.unwrap(),
            Self::Another => flush(store, [tag]).await,
        }
    }
}

async fn get(cache: &Cache) -> Option<String> {
    cache.get("k").await.unwrap()
}

async fn what_was_loaded_under_a_tag_goes_with_it(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let both = tags(["users", "posts"]);
    for (round, flusher) in (0..).zip(FLUSHERS) {
        let load = async |value: u32| {
            let load = async || Ok::<_, Error>(value);
            cache.writer(&both).remember("k", "10m", load).await.unwrap()
        };
        assert_eq!(load(round).await, round);
        assert_eq!(load(99).await, round, "a hit");
        let left = cache.ttl("k").await.unwrap().and_then(Ttl::duration).unwrap();
        assert!(left.as_secs() <= 600 && left.as_secs() > 590, "{left:?}");
        flusher.flush(&cache, &*store, "posts").await;
        assert!(!has(&*store, "k").await, "{flusher:?}");
        assert_eq!(load(round + 10).await, round + 10, "{flusher:?}");
        flusher.flush(&cache, &*store, "users").await;
        assert!(!has(&*store, "k").await, "{flusher:?}");
    }
    assert_eq!(cache.stats().waits, 0);
}

async fn a_flush_of_a_tag_during_the_load_wins(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    for flusher in FLUSHERS {
        let held = Held::start_under(BOTH, &cache, "k").await;
        flusher.flush(&cache, &*store, "posts").await;
        assert_eq!(held.finish("stale").await.unwrap(), "stale", "its caller gets what it loaded");
        assert!(!has(&*store, "k").await, "nobody else does, {flusher:?}");
        let later = waiter_under(BOTH, &cache, "k", "fresh").await.unwrap();
        assert_eq!(later.unwrap(), "fresh");
        assert_eq!(get(&cache).await.as_deref(), Some("fresh"));
        cache.forget("k").await.unwrap();
    }
}

async fn a_load_that_flushes_its_own_tag_is_not_stored(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let users = tags(["users"]);
    for flusher in FLUSHERS {
        let load = async || {
            flusher.flush(&cache, &*store, "users").await;
            Ok::<_, Error>(String::from("stale"))
        };
        assert_eq!(cache.writer(&users).remember("k", "1h", load).await.unwrap(), "stale");
        assert!(!has(&*store, "k").await, "{flusher:?}");
    }
    let fresh = async || Ok::<_, Error>(String::from("fresh"));
    assert_eq!(cache.writer(&users).remember("k", "1h", fresh).await.unwrap(), "fresh");
    assert!(has(&*store, "k").await);
}

async fn who_calls_after_a_flush_of_a_tag_loads_anew(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    for (round, flusher) in (1..).zip(FLUSHERS) {
        let held = Held::start_under(USERS, &cache, "k").await;
        flusher.flush(&cache, &*store, "users").await;
        let after = waiter_under(USERS, &cache, "k", "fresh");
        settle(&cache, round).await;
        assert_eq!(held.finish("stale").await.unwrap(), "stale");
        assert_eq!(after.await.unwrap().unwrap(), "fresh", "{flusher:?}");
        assert_eq!(get(&cache).await.as_deref(), Some("fresh"), "{flusher:?}");
        assert_eq!(cache.stats().loads, 2 * round);
        cache.forget("k").await.unwrap();
    }
}

async fn many_who_call_after_a_flush_of_a_tag_share_a_load(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let held = Held::start_under(USERS, &cache, "k").await;
    flush(&*store, ["users"]).await;
    let after: Vec<_> =
        ["a", "b", "c", "d"].map(|own| waiter_under(USERS, &cache, "k", own)).into();
    settle(&cache, 4).await;
    assert_eq!(held.finish("stale").await.unwrap(), "stale");
    let mut given = Vec::new();
    for waiter in after {
        given.push(waiter.await.unwrap().unwrap());
    }
    assert_eq!(cache.stats().loads, 2, "one of them loads, for all");
    assert!(given.iter().all(|value| *value == given[0] && value != "stale"), "{given:?}");
    assert_eq!(get(&cache).await.as_ref(), Some(&given[0]));
}

/// With what was loading, or with a load of its own: it called before the flush, and both are right.
async fn who_called_before_a_flush_of_a_tag_is_answered(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    for (round, flusher) in (1..).zip(FLUSHERS) {
        let waits = cache.stats().waits;
        let held = Held::start_under(USERS, &cache, "k").await;
        let before = waiter_under(USERS, &cache, "k", "own");
        settle(&cache, waits + 1).await;
        flusher.flush(&cache, &*store, "users").await;
        assert_eq!(held.finish("stale").await.unwrap(), "stale");
        let given = before.await.unwrap().unwrap();
        assert!(["stale", "own"].contains(&&*given), "{given} in round {round}");
        // What was loaded before the flush is served to nobody who comes now.
        assert_ne!(get(&cache).await.as_deref(), Some("stale"), "{flusher:?}");
        cache.forget("k").await.unwrap();
    }
}

async fn a_flush_of_another_tag_does_not_matter_to_a_load(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    for (round, flusher) in (1..).zip(FLUSHERS) {
        let held = Held::start_under(USERS, &cache, "k").await;
        flusher.flush(&cache, &*store, "posts").await;
        let waiting = waiter_under(USERS, &cache, "k", "unused");
        settle(&cache, round).await;
        assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
        assert_eq!(waiting.await.unwrap().unwrap(), "loaded", "{flusher:?}");
        assert_eq!(get(&cache).await.as_deref(), Some("loaded"), "{flusher:?}");
        assert_eq!(cache.stats().loads, round);
        cache.forget("k").await.unwrap();
    }
    assert_eq!(cache.stats().overtaken, 0);
}

async fn those_who_wait_under_a_tag_share_a_load(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let held = Held::start_under(BOTH, &cache, "k").await;
    let waiters = [BOTH, USERS, BOTH].map(|tags| waiter_under(tags, &cache, "k", "unused"));
    settle(&cache, 3).await;
    assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), "loaded");
    }
    assert_eq!((cache.stats().loads, cache.stats().waits), (1, 3), "none had to wait again");
    flush(&*store, ["posts"]).await;
    assert!(!has(&*store, "k").await);
}

async fn a_herd_under_tags_loads_once(rig: Rig) {
    let cache = rig.cache().await;
    for round in 0..10 {
        let (loads, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let herd: Vec<_> = (0..50)
            .map(|_| {
                let (cache, loads, gate) = (cache.clone(), Arc::clone(&loads), Arc::clone(&gate));
                tokio::spawn(async move {
                    let load = async || {
                        // Only the first is held up: others are one too many, and to be counted.
                        if loads.fetch_add(1, Ordering::SeqCst) == 0 {
                            gate.notified().await;
                        }
                        Ok::<_, Error>(42u32)
                    };
                    let both = tags(["users", "posts"]);
                    cache.writer(&both).remember(format!("hot {round}"), "1h", load).await
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

async fn those_without_tags_wait_for_a_load_under_tags(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let held = Held::start_under(USERS, &cache, "k").await;
    let waiting = waiter_under(&[], &cache, "k", "unused");
    settle(&cache, 1).await;
    assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
    assert_eq!(waiting.await.unwrap().unwrap(), "loaded");
    assert_eq!(cache.stats().loads, 1);
    flush(&*store, ["users"]).await;
    assert!(!has(&*store, "k").await, "it was stored under the tags of the call that loaded it");

    // A flush counts for them as well: nobody is served what was stored under the tag before.
    let held = Held::start_under(USERS, &cache, "k").await;
    flush(&*store, ["users"]).await;
    let after = waiter_under(&[], &cache, "k", "fresh");
    settle(&cache, 2).await;
    assert_eq!(held.finish("stale").await.unwrap(), "stale");
    assert_eq!(after.await.unwrap().unwrap(), "fresh");
    flush(&*store, ["users"]).await;
    assert!(has(&*store, "k").await, "it was stored without tags");

    // And the other way round: under a tag that no load has watched, what is stored decides.
    cache.forget("k").await.unwrap();
    let held = Held::start_under(&[], &cache, "k").await;
    let under = waiter_under(USERS, &cache, "k", "unused");
    settle(&cache, 3).await;
    assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
    assert_eq!(under.await.unwrap().unwrap(), "loaded");
}

/// What is too large to be stored is handed on only to those whose tags the load has watched.
async fn a_load_that_is_not_stored_is_shared_under_its_own_tags(rig: Rig) {
    const OTHER: &[&str] = &["users", "friends"];
    let cache = rig.builder().await.max_value_bytes(100).build().unwrap();
    let large = "x".repeat(1_000);
    let held = Held::start_under(BOTH, &cache, "k").await;
    let sharing = [BOTH, USERS, &[][..]].map(|tags| waiter_under(tags, &cache, "k", "unused"));
    let other = waiter_under(OTHER, &cache, "k", "own");
    settle(&cache, 4).await;
    assert_eq!(held.finish(&large).await.unwrap(), large);
    for waiter in sharing {
        assert_eq!(waiter.await.unwrap().unwrap(), large);
    }
    assert_eq!(other.await.unwrap().unwrap(), "own", "nobody knows whether it was flushed");
    assert_eq!(cache.stats().loads, 2);
    cache.writer(&tags(["friends"])).flush().await.unwrap();
    assert!(!cache.has("k").await.unwrap(), "it was stored under its own tags");
}

async fn a_failed_load_under_tags_is_told_to_all(rig: Rig) {
    let cache = rig.cache().await;
    let held = Held::start_under(USERS, &cache, "k").await;
    let waiters = [USERS, BOTH, &[][..]].map(|tags| waiter_under(tags, &cache, "k", "unused"));
    settle(&cache, 3).await;
    held.finish.send(Err(Error::new(ErrorKind::Unsupported, "database down"))).unwrap();
    assert_eq!(held.call.await.unwrap().unwrap_err().kind(), ErrorKind::Unsupported);
    for waiter in waiters {
        let told = waiter.await.unwrap().unwrap_err();
        assert_eq!(told.kind(), ErrorKind::LoadFailed);
        assert!(told.to_string().contains("database down"), "{told}");
    }
    assert!(!cache.has("k").await.unwrap());
    let later = waiter_under(USERS, &cache, "k", "later").await.unwrap();
    assert_eq!(later.unwrap(), "later");
}

async fn a_dropped_loader_under_tags_hands_over(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let held = Held::start_under(USERS, &cache, "k").await;
    let second = waiter_under(USERS, &cache, "k", "second");
    settle(&cache, 1).await;
    let third = waiter_under(USERS, &cache, "k", "third");
    settle(&cache, 2).await;
    // A flush before the lead changes hands is one that the new load sees.
    flush(&*store, ["users"]).await;
    held.call.abort();
    assert!(held.call.await.unwrap_err().is_cancelled());
    for waiter in [second, third] {
        assert_eq!(waiter.await.unwrap().unwrap(), "second", "one of them loads, for both");
    }
    assert_eq!(get(&cache).await.as_deref(), Some("second"));
    flush(&*store, ["users"]).await;
    assert!(!has(&*store, "k").await);
}

async fn a_change_during_a_load_under_tags_wins(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let posts = tags(["posts"]);
    for change in ["forget", "put", "add", "increment", "flush"] {
        let held = Held::start_under(USERS, &cache, "k").await;
        let writer = cache.writer(&posts);
        match change {
            "forget" => assert!(!cache.forget("k").await.unwrap()),
            "put" => writer.put("k", "changed", "1h").await.unwrap(),
            "add" => assert!(writer.add("k", "changed", "1h").await.unwrap()),
            "increment" => assert_eq!(writer.increment_by("k", 1).await.unwrap(), 1),
            _ => cache.flush().await.unwrap(),
        }
        assert_eq!(held.finish("loaded").await.unwrap(), "loaded");
        // The change has come with tags of its own, and the load has not replaced them.
        flush(&*store, ["users"]).await;
        let left = ["put", "add", "increment"].contains(&change);
        assert_eq!(has(&*store, "k").await, left, "after {change}");
        flush(&*store, ["posts"]).await;
        assert!(!has(&*store, "k").await, "after {change}");
    }
    assert_eq!(cache.stats().overtaken, 5);
}

async fn what_is_there_is_remembered_whatever_it_bears(rig: Rig) {
    let (store, cache) = shared_store(&rig).await;
    let (users, posts) = (tags(["users"]), tags(["posts"]));
    cache.writer(&posts).put("k", "put", "1h").await.unwrap();
    let load = async || Ok::<_, Error>(String::from("unused"));
    assert_eq!(cache.writer(&users).remember("k", "1h", load).await.unwrap(), "put");
    flush(&*store, ["users"]).await;
    assert_eq!(get(&cache).await.as_deref(), Some("put"), "a hit gives it no other tags");
    flush(&*store, ["posts"]).await;
    // What is of another type is loaded anew, and bears the tags of the call.
    cache.writer(&posts).put("k", &1, "1h").await.unwrap();
    let load = async || Ok::<_, Error>(String::from("healed"));
    assert_eq!(cache.writer(&users).remember("k", "1h", load).await.unwrap(), "healed");
    flush(&*store, ["posts"]).await;
    assert_eq!(get(&cache).await.as_deref(), Some("healed"));
    flush(&*store, ["users"]).await;
    assert_eq!(get(&cache).await, None);
}
