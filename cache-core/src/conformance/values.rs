//! Keys and values: what is put is what is read, or nothing is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;

use super::{Case, Rig, case};
use crate::{Cache, Encoded, Error, ErrorKind, Key, Shared, Store, Ttl};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(what_is_put_is_read),
        case!(odd_keys_are_keys),
        case!(a_key_that_is_none_is_refused),
        case!(keys_of_any_length_are_kept_apart),
        case!(a_put_replaces_the_value),
        case!(an_add_stores_only_where_there_is_nothing),
        case!(of_many_adds_at_once_one_stores).on_threads(),
        case!(a_forget_says_whether_there_was_something),
        case!(a_pull_reads_and_removes),
        case!(of_many_pulls_at_once_one_gets_it).on_threads(),
        case!(every_add_can_be_forgotten).on_threads(),
        case!(another_type_is_an_error_and_harms_nothing),
        case!(a_shared_value_is_the_value),
        case!(a_shared_value_is_never_older_than_the_put_before).on_threads(),
        case!(a_kept_object_is_left_out_where_the_value_has_changed),
        case!(a_shared_value_outlives_its_entry),
        case!(a_value_too_large_is_refused_and_harms_nothing),
        case!(a_flush_removes_every_value),
        case!(a_closed_cache_says_so),
        case!(a_dropped_future_leaves_the_cache_usable),
    ]
}

/// A type with a bit of everything, with `serde` by hand: this crate takes no derive for it.
#[derive(Clone, Debug, PartialEq)]
struct Record(u64, String, Vec<Option<String>>, BTreeMap<String, f64>);

type Parts = (u64, String, Vec<Option<String>>, BTreeMap<String, f64>);

impl Serialize for Record {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.0, &self.1, &self.2, &self.3).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Parts::deserialize(deserializer).map(|(a, b, c, d)| Self(a, b, c, d))
    }
}

fn record() -> Record {
    let scores = BTreeMap::from([("à".into(), 0.1), (String::new(), f64::MAX)]);
    Record(u64::MAX, "naïve ☕\0".into(), vec![None, Some("x".repeat(5_000))], scores)
}

async fn what_is_put_is_read(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("record", &record(), "1h").await.unwrap();
    assert_eq!(cache.get::<Record>("record").await.unwrap(), Some(record()));
    cache.put("nothing", &None::<u8>, "1h").await.unwrap();
    assert_eq!(cache.get::<Option<u8>>("nothing").await.unwrap(), Some(None));
    cache.put("unit", &(), "1h").await.unwrap();
    assert_eq!(cache.get::<()>("unit").await.unwrap(), Some(()));
    cache.put("empty", "", "1h").await.unwrap();
    assert_eq!(cache.get::<String>("empty").await.unwrap().as_deref(), Some(""));
    cache.put("huge", &u64::MAX, "1h").await.unwrap();
    assert_eq!(cache.get::<u64>("huge").await.unwrap(), Some(u64::MAX));
    assert_eq!(cache.get::<Record>("absent").await.unwrap(), None);
}

async fn odd_keys_are_keys(rig: Rig) {
    let cache = rig.cache().await;
    let odd = [
        " ",
        "a b",
        "tag:users",
        "lock:x",
        "fence:x",
        "#tag:users",
        "{curly}",
        "}{",
        "*",
        "[a-z]?",
        "\\",
        "new\nline",
        "\0",
        "naïve ☕",
        "a:b:c",
        "a",
        "a ",
        " a",
        "A",
        "a:",
        ":",
        "%s",
        "\u{feff}",
    ];
    for key in odd {
        cache.put(key, key, "1h").await.unwrap();
    }
    for key in odd {
        assert_eq!(cache.get::<String>(key).await.unwrap().as_deref(), Some(key));
    }
    for key in odd {
        assert!(cache.forget(key).await.unwrap(), "{key:?}");
    }
}

async fn a_key_that_is_none_is_refused(rig: Rig) {
    let cache = rig.cache().await;
    for key in [String::new(), "x".repeat(65_536), "x".repeat(1 << 20)] {
        let refusals = [
            cache.put(&key, "v", "1h").await.unwrap_err(),
            cache.get::<String>(&key).await.unwrap_err(),
            cache.has(&key).await.unwrap_err(),
            cache.increment(&key).await.unwrap_err(),
            cache.get_many::<String>(["fine", &key]).await.unwrap_err(),
            cache.put_many([("fine", "v"), (&*key, "v")], "1h").await.unwrap_err(),
        ];
        assert!(refusals.iter().all(|error| error.kind() == ErrorKind::InvalidKey), "{refusals:?}");
    }
    assert!(!cache.has("fine").await.unwrap(), "nothing is stored beside a key that is none");
}

async fn keys_of_any_length_are_kept_apart(rig: Rig) {
    let cache = rig.cache().await;
    let keys: Vec<_> = [1, 2, 255, 256, 65_534, 65_535].map(|length| "k".repeat(length)).into();
    for key in &keys {
        cache.put(key, &key.len(), "1h").await.unwrap();
    }
    for key in &keys {
        assert_eq!(cache.get::<usize>(key).await.unwrap(), Some(key.len()));
    }
}

async fn a_put_replaces_the_value(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "a longer text", "1h").await.unwrap();
    cache.put("k", &7, "1h").await.unwrap();
    assert_eq!(cache.get::<u8>("k").await.unwrap(), Some(7));
    cache.put("k", "text", "1h").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("text"));
}

async fn an_add_stores_only_where_there_is_nothing(rig: Rig) {
    let cache = rig.cache().await;
    assert!(cache.add("k", "first", "1h").await.unwrap());
    assert!(!cache.add("k", "second", "2h").await.unwrap());
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("first"));
    let left = cache.ttl("k").await.unwrap().and_then(Ttl::duration).unwrap();
    assert!(left.as_secs() <= 3_600, "a refused add leaves the lifetime alone: {left:?}");
    assert!(!cache.add("k", "zero", 0).await.unwrap());
    assert!(cache.has("k").await.unwrap(), "an add with no lifetime removes nothing");
    assert!(!cache.add("absent", "zero", 0).await.unwrap());
    assert!(!cache.has("absent").await.unwrap());
}

/// Runs `act` in 16 tasks that start together, and says how many came out `true`.
async fn at_once<F>(cache: &Cache, act: impl Fn(Cache, usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let together = Arc::new(Barrier::new(16));
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (together, act) = (Arc::clone(&together), act(cache.clone(), n));
            tokio::spawn(async move {
                together.wait().await;
                act.await
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += usize::from(task.await.unwrap());
    }
    count
}

async fn of_many_adds_at_once_one_stores(rig: Rig) {
    let cache = rig.cache().await;
    for round in 0..50 {
        let key = format!("k{round}");
        let stored = at_once(&cache, |cache, n| {
            let key = key.clone();
            async move { cache.add(key, &n, "1h").await.unwrap() }
        });
        assert_eq!(stored.await, 1, "of 16 adds");
    }
}

async fn a_forget_says_whether_there_was_something(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", "1h").await.unwrap();
    assert!(cache.forget("k").await.unwrap());
    assert!(!cache.forget("k").await.unwrap());
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
}

async fn a_pull_reads_and_removes(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", "1h").await.unwrap();
    assert_eq!(cache.pull::<String>("k").await.unwrap().as_deref(), Some("v"));
    assert_eq!(cache.pull::<String>("k").await.unwrap(), None);
    assert!(!cache.has("k").await.unwrap());
}

async fn of_many_pulls_at_once_one_gets_it(rig: Rig) {
    let cache = rig.cache().await;
    for round in 0..50 {
        let key = format!("k{round}");
        cache.put(&key, "v", "1h").await.unwrap();
        let got = at_once(&cache, |cache, _| {
            let key = key.clone();
            async move { cache.pull::<String>(key).await.unwrap().is_some() }
        });
        assert_eq!(got.await, 1, "of 16 pulls");
    }
}

/// Each add that stored is matched by one forget that found it: none is lost in between.
async fn every_add_can_be_forgotten(rig: Rig) {
    let cache = rig.cache().await;
    for _ in 0..50 {
        let added = at_once(&cache, |cache, n| async move {
            if n % 2 == 0 { cache.add("k", "v", "1h").await.unwrap() } else { false }
        });
        let added = added.await;
        assert_eq!(added, 1);
        let balance = Arc::new(std::sync::atomic::AtomicI64::new(1));
        let counted = Arc::clone(&balance);
        at_once(&cache, move |cache, n| {
            let balance = Arc::clone(&counted);
            async move {
                use std::sync::atomic::Ordering::SeqCst;
                for _ in 0..20 {
                    if n % 2 == 0 {
                        if cache.add("k", "v", "1h").await.unwrap() {
                            balance.fetch_add(1, SeqCst);
                        }
                    } else if cache.forget("k").await.unwrap() {
                        balance.fetch_sub(1, SeqCst);
                    }
                }
                false
            }
        })
        .await;
        let there = i64::from(cache.forget("k").await.unwrap());
        assert_eq!(balance.load(std::sync::atomic::Ordering::SeqCst), there, "adds less forgets");
    }
}

async fn another_type_is_an_error_and_harms_nothing(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("text", "safe", "1h").await.unwrap();
    cache.put("integer", &5, "1h").await.unwrap();
    cache.put("record", &record(), "1h").await.unwrap();
    let refusals = [
        cache.get::<u64>("text").await.unwrap_err(),
        cache.get::<Record>("text").await.unwrap_err(),
        cache.get_shared::<u64>("text").await.unwrap_err(),
        cache.get_many::<u64>(["integer", "text"]).await.unwrap_err(),
        cache.get::<String>("integer").await.unwrap_err(),
        cache.get::<f64>("integer").await.unwrap_err(),
        cache.get::<Option<i64>>("integer").await.unwrap_err(),
        cache.get::<String>("record").await.unwrap_err(),
        // What a format without names would read without a word.
        cache.get::<Vec<u64>>("text").await.unwrap_err(),
        cache.get::<Vec<u8>>("text").await.unwrap_err(),
        cache.get::<[u8; 5]>("text").await.unwrap_err(),
        cache.get::<Option<String>>("text").await.unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }
    assert_eq!(cache.get::<String>("text").await.unwrap().as_deref(), Some("safe"));
    assert_eq!(cache.get::<i64>("integer").await.unwrap(), Some(5));
    assert_eq!(cache.get::<Record>("record").await.unwrap(), Some(record()));
}

async fn a_shared_value_is_the_value(rig: Rig) {
    let cache = rig.cache().await;
    assert!(cache.get_shared::<Record>("k").await.unwrap().is_none());
    cache.put("k", &record(), "1h").await.unwrap();
    for _ in 0..2 {
        assert_eq!(*cache.get_shared::<Record>("k").await.unwrap().unwrap(), record());
        // Another type that the same bytes are, and the owned form, beside the kept one.
        assert!(cache.get_shared::<Parts>("k").await.unwrap().is_some());
        assert_eq!(cache.get::<Record>("k").await.unwrap(), Some(record()));
    }
    cache.put("n", &5, "1h").await.unwrap();
    assert_eq!(*cache.get_shared::<u8>("n").await.unwrap().unwrap(), 5);
    assert_eq!(cache.increment("n").await.unwrap(), 6);
    assert_eq!(*cache.get_shared::<u8>("n").await.unwrap().unwrap(), 6);
    let left = cache.ttl("k").await.unwrap().and_then(Ttl::duration).unwrap();
    assert!(left.as_secs() > 3_500, "keeping an object leaves the lifetime alone: {left:?}");
}

async fn a_shared_value_is_never_older_than_the_put_before(rig: Rig) {
    let cache = rig.cache().await;
    for round in 0..200u64 {
        let text = format!("round {round}");
        cache.put("k", &text, "1h").await.unwrap();
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move { cache.get_shared::<String>("k").await.unwrap().unwrap() })
            })
            .collect();
        for reader in readers {
            assert_eq!(*reader.await.unwrap(), text);
        }
    }
}

async fn a_kept_object_is_left_out_where_the_value_has_changed(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let cache = Cache::new(Arc::clone(&store));
    cache.put("k", "old", "1h").await.unwrap();
    let key = Key::new("k").unwrap();
    let seen = store.get(key).await.unwrap().unwrap();
    let Some(seen) = seen.encoded() else { return };
    let object = Shared::new(String::from("old"), Arc::clone(seen.arc()));
    cache.put("k", "new", "1h").await.unwrap();
    store.keep(key, seen, Encoded::keeping(&object));
    assert_eq!(*cache.get_shared::<String>("k").await.unwrap().unwrap(), "new");
    cache.forget("k").await.unwrap();
    store.keep(key, seen, Encoded::keeping(&object));
    assert!(!cache.has("k").await.unwrap(), "an object does not bring its entry back");
}

async fn a_shared_value_outlives_its_entry(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "kept", "1h").await.unwrap();
    let held = cache.get_shared::<String>("k").await.unwrap().unwrap();
    cache.put("k", "new", "1h").await.unwrap();
    cache.flush().await.unwrap();
    assert_eq!(*held, "kept");
}

async fn a_value_too_large_is_refused_and_harms_nothing(rig: Rig) {
    let cache = rig.builder().await.max_value_bytes(1_000).build().unwrap();
    cache.put("k", "small", "1h").await.unwrap();
    let large = "x".repeat(1_001);
    let refusals = [
        cache.put("k", &large, "1h").await.unwrap_err(),
        cache.add("other", &large, "1h").await.unwrap_err(),
        cache.put_many([("other", "fits"), ("k", &large)], "1h").await.unwrap_err(),
    ];
    assert!(refusals.iter().all(|error| error.kind() == ErrorKind::TooLarge), "{refusals:?}");
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("small"));
    assert!(!cache.has("other").await.unwrap());
    cache.put("k", &"x".repeat(900), "1h").await.unwrap();
    let loaded: String =
        cache.remember("large", "1h", async || Ok::<_, Error>(large.clone())).await.unwrap();
    assert_eq!(loaded, large, "what was loaded is returned even if it cannot be stored");
    assert!(!cache.has("large").await.unwrap());
}

async fn a_flush_removes_every_value(rig: Rig) {
    let cache = rig.cache().await;
    cache.flush().await.unwrap();
    let keys: Vec<_> = (0..3_000).map(|n| format!("k{n}")).collect();
    cache.put_many(keys.iter().map(|key| (key, "v")), "1h").await.unwrap();
    cache.put("for ever", "v", Ttl::FOREVER).await.unwrap();
    cache.increment("n").await.unwrap();
    assert!(cache.has("k2999").await.unwrap() && cache.has("n").await.unwrap());
    cache.flush().await.unwrap();
    for key in keys.iter().map(String::as_str).chain(["for ever", "n"]) {
        assert!(!cache.has(key).await.unwrap(), "{key} is left");
    }
    cache.put("k1", "again", "1h").await.unwrap();
    assert!(cache.has("k1").await.unwrap());
}

async fn a_closed_cache_says_so(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", "1h").await.unwrap();
    // Its object is kept by then, where this store keeps any.
    assert!(cache.get_shared::<String>("k").await.unwrap().is_some());
    let clone = cache.clone();
    cache.close().await.unwrap();
    cache.close().await.unwrap();
    let refusals = [
        clone.get::<String>("k").await.unwrap_err(),
        clone.put("k", "v", "1h").await.unwrap_err(),
        clone.has("k").await.unwrap_err(),
        clone.forget("k").await.unwrap_err(),
        clone.increment("k").await.unwrap_err(),
        clone.get_many::<String>(["k"]).await.unwrap_err(),
        clone.flush().await.unwrap_err(),
        clone.remember("k", "1h", async || Ok::<_, Error>(1)).await.unwrap_err(),
        clone.get_shared::<String>("k").await.map(drop).unwrap_err(),
        clone.remember_shared("k", "1h", async || Ok::<_, Error>(1)).await.map(drop).unwrap_err(),
    ];
    assert!(refusals.iter().all(|error| error.kind() == ErrorKind::Closed), "{refusals:?}");
}

async fn a_dropped_future_leaves_the_cache_usable(rig: Rig) {
    let cache = rig.cache().await;
    // Never polled, and polled once.
    for polls in 0..2 {
        macro_rules! abandon {
            ($($future:expr),* $(,)?) => {$({
                let mut future = std::pin::pin!($future);
                if polls > 0 {
                    std::future::poll_fn(|cx| {
                        let _ = future.as_mut().poll(cx);
                        std::task::Poll::Ready(())
                    })
                    .await;
                }
            })*};
        }
        abandon!(
            cache.put("k", "v", "1h"),
            cache.get::<String>("k"),
            cache.add("k", "v", "1h"),
            cache.increment("n"),
            cache.touch("k", "1h"),
            cache.pull::<String>("k"),
            cache.put_many([("k", "v")], "1h"),
            cache.get_many::<String>(["k"]),
            cache.forget_many(["k"]),
            cache.remember("k", "1h", async || Ok::<_, Error>(String::from("v"))),
            cache.flush(),
        );
    }
    cache.forget("k").await.unwrap();
    cache.put("k", "v", "1h").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("v"));
    assert!(cache.increment("n").await.unwrap() >= 1);
    assert_eq!(cache.remember("r", "1h", async || Ok::<_, Error>(1)).await.unwrap(), 1);
}
