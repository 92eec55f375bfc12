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
