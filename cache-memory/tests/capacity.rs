//! A store holds what it was built to hold, and says of what it cannot.

use std::sync::Arc;

use cache_memory::{Cache, ErrorKind, MemoryStore};

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
    let loaded =
        cache.remember("r", "1h", async || Ok::<_, cache_memory::Error>(large.clone())).await;
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
