//! A store holds what it was built to hold, and says of what it cannot.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use cache_memory::{Cache, Error, ErrorKind, MemoryStore};

#[tokio::test]
async fn entries_are_bounded() {
    for bound in [1, 10, 63, 1_000] {
        let store = Arc::new(MemoryStore::builder().max_entries(bound).build());
        let cache = Cache::new(Arc::clone(&store));
        for n in 0..bound * 3 {
            cache.put(format!("k{n}"), &n.to_string(), "1h").await.unwrap();
            assert!(cache.has(format!("k{n}")).await.unwrap(), "what was just put is there");
            assert!(store.entries() <= bound, "{} of {bound}", store.entries());
        }
        assert!(store.entries() > bound / 2, "{} of {bound}", store.entries());
    }
    let cache = Cache::new(MemoryStore::builder().max_entries(0).build());
    cache.put("k", "v", "1h").await.unwrap();
    assert!(cache.has("k").await.unwrap(), "none counts as one");
}

#[tokio::test]
async fn bytes_are_bounded() {
    let store = Arc::new(MemoryStore::builder().max_bytes(1_000_000).build());
    let cache = Cache::new(Arc::clone(&store));
    for n in 0..3_000 {
        cache.put(format!("k{n}"), &"x".repeat(1_000), "1h").await.unwrap();
    }
    let most = 1_000_000 / 1_000;
    assert!((most / 2..most).contains(&store.entries()), "{}", store.entries());
}

/// One shard, full of entries that are taken for ones in use: whatever comes next finds itself alone among those that
/// are not, and so first in line to make room.
async fn full_of_bytes() -> Cache {
    let cache = Cache::new(MemoryStore::builder().max_bytes(20_000).build());
    for n in 0..20 {
        cache.put(format!("k{n:02}"), &"x".repeat(800), "1h").await.unwrap();
    }
    cache
}

/// As it is documented: a scan does not evict what is used, nor what nobody has come to use yet.
#[tokio::test]
async fn in_a_full_store_what_nobody_reads_makes_room_for_what_comes() {
    let cache = Cache::new(MemoryStore::builder().max_entries(10).build());
    let there = async |name: &str, count: u32| {
        let mut there = Vec::new();
        for i in 0..count {
            let key = format!("{name}{i}");
            if cache.has(&key).await.unwrap() {
                there.push(key);
            }
        }
        there
    };
    for i in 0..10 {
        cache.put(format!("old{i}"), &i, "1h").await.unwrap();
    }
    for i in 0..100 {
        cache.put(format!("scan{i}"), &i, "1h").await.unwrap();
    }
    assert_eq!(there("old", 10).await.len(), 9);
    assert_eq!(there("scan", 100).await, ["scan99"]);
    // What is read now, and stored again after it was evicted, is used: it comes to stay.
    for i in 0..10 {
        for _ in 0..3 {
            cache.remember(format!("used{i}"), "1h", async || Ok::<_, Error>(i)).await.unwrap();
        }
    }
    assert!(there("used", 10).await.len() >= 5, "{:?}", there("used", 10).await);
}

#[tokio::test]
async fn what_is_added_to_a_full_store_is_there() {
    let cache = full_of_bytes().await;
    assert!(cache.add("big", &"x".repeat(2_000), "1h").await.unwrap());
    assert!(cache.has("big").await.unwrap());
    assert!(!cache.add("big", "other", "1h").await.unwrap());
}

#[tokio::test]
async fn what_is_counted_in_a_full_store_goes_on() {
    let cache = Cache::new(MemoryStore::builder().max_entries(1).build());
    cache.put("k", "v", "1h").await.unwrap();
    for count in 1..=3 {
        assert_eq!(cache.increment("counter").await.unwrap(), count);
    }
}

/// Entries that were evicted come back, while those that are there were read as often as is told apart.
#[tokio::test]
async fn what_comes_back_to_a_store_in_use_is_there() {
    for (bound, reads) in
        [1, 2, 3, 32, 33, 64].map(|bound| [0, 1, 2].map(|reads| (bound, reads))).concat()
    {
        for verb in ["put", "add", "increment"] {
            let store = Arc::new(MemoryStore::builder().max_entries(bound).build());
            let cache = Cache::new(Arc::clone(&store));
            for n in (0..bound * 2).cycle().take(bound * 6) {
                let key = format!("k{n}");
                match verb {
                    "put" => cache.put(&key, "v", "1h").await.unwrap(),
                    "add" => drop(cache.add(&key, "v", "1h").await.unwrap()),
                    _ => drop(cache.increment(&key).await.unwrap()),
                }
                assert!(
                    cache.has(&key).await.unwrap(),
                    "{verb} {key}: {bound} entries, {reads} reads"
                );
                assert!(store.entries() <= bound);
                for _ in 0..reads {
                    cache.get_many::<String>((0..bound * 2).map(|n| format!("k{n}"))).await.ok();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_put_over_an_entry_that_nobody_has_read_stays() {
    let cache = full_of_bytes().await;
    for n in 1..20 {
        for _ in 0..2 {
            assert!(cache.get::<String>(format!("k{n:02}")).await.unwrap().is_some());
        }
    }
    cache.put("k00", &"y".repeat(2_000), "1h").await.unwrap();
    assert_eq!(cache.get::<String>("k00").await.unwrap(), Some("y".repeat(2_000)));
}

#[tokio::test]
async fn a_put_of_what_was_evicted_before_stays() {
    let cache = Cache::new(MemoryStore::builder().max_entries(32).build());
    for n in 1..=32 {
        cache.put(format!("e{n}"), &n, "1h").await.unwrap();
    }
    cache.put("k", &0, "1h").await.unwrap();
    cache.put("e33", &33, "1h").await.unwrap();
    for n in (1..=31).chain([33]) {
        assert_eq!(cache.get::<i64>(format!("e{n}")).await.unwrap(), Some(n));
    }
    cache.put("k", &0, "1h").await.unwrap();
    assert_eq!(cache.get::<i64>("k").await.unwrap(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_held_is_refused_and_harms_nothing() {
    let cache = Cache::new(MemoryStore::builder().max_bytes(100_000).build());
    cache.put("k", "small", "1h").await.unwrap();
    let large = "x".repeat(100_000);
    for error in [
        cache.put("k", &large, "1h").await.unwrap_err(),
        cache.add("other", &large, "1h").await.unwrap_err(),
        cache.put_many([("other", "small"), ("k", &large)], "1h").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("max_bytes"), "{error}");
    }
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("small"));
    assert!(!cache.has("other").await.unwrap());
    let loaded = cache.remember("r", "1h", async || Ok::<_, Error>(large.clone())).await;
    assert_eq!(loaded.unwrap(), large, "it is returned nevertheless");
}

/// A value whose dropping uses the cache that it came from.
struct Recursive(Option<Cache>);

impl serde::Serialize for Recursive {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&"x".repeat(100))
    }
}

thread_local! {
    static CACHE: std::cell::RefCell<Option<Cache>> = const { std::cell::RefCell::new(None) };
}

impl<'de> serde::Deserialize<'de> for Recursive {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?;
        Ok(Self(CACHE.with_borrow(Option::clone)))
    }
}

impl Drop for Recursive {
    fn drop(&mut self) {
        if let Some(cache) = self.0.take() {
            let mut touches_every_shard =
                std::pin::pin!(cache.get_many::<i64>((0..20).map(|n| format!("n{n}"))));
            let polled = touches_every_shard
                .as_mut()
                .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            assert!(polled.is_ready());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_may_use_the_cache() {
    let cache = Cache::new(MemoryStore::builder().max_bytes(20_000).build());
    CACHE.set(Some(cache.clone()));
    let keep = async |n: usize, ttl: &str| {
        cache.put(format!("k{n}"), &Recursive(None), ttl).await.unwrap();
        drop(cache.get_shared::<Recursive>(format!("k{n}")).await.unwrap());
    };
    for n in 0..30 {
        keep(n, "1h").await;
    }
    // Replaced, removed, expired and replaced, many evicted at once, flushed.
    keep(0, "1h").await;
    keep(1, "1s").await;
    cache.forget("k0").await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(cache.add("k1", "fresh", "1h").await.unwrap());
    keep(2, "1s").await;
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(!cache.has("k2").await.unwrap());
    cache.put("large", &"x".repeat(15_000), "1h").await.unwrap();
    for n in 0..10 {
        keep(n, "1h").await;
    }
    cache.flush().await.unwrap();
    CACHE.set(None);
}
