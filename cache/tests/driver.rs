//! A driver of one's own, made of what `cache::driver` names: one that counts the hits of another.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cache::driver::{
    Encoded, Entry, Kept, Key, Lifetime, LockStore, NotKept, Payload, Store, StoreFuture, TagStore,
    Terms,
};
use cache::{Cache, Error, Locks, MemoryStore, Tags, Ttl};

/// Whatever it is asked it asks the store beneath, and counts what was there.
struct Counted<S> {
    store: S,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<S> Counted<S> {
    fn new(store: S) -> Arc<Self> {
        Arc::new(Self { store, hits: AtomicU64::new(0), misses: AtomicU64::new(0) })
    }

    fn count(&self, is_hit: bool) {
        let counter = if is_hit { &self.hits } else { &self.misses };
        counter.fetch_add(1, Relaxed);
    }

    fn counts(&self) -> (u64, u64) {
        (self.hits.load(Relaxed), self.misses.load(Relaxed))
    }
}

impl<S: Store> Store for Counted<S> {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::pending(async move {
            let found = self.store.get(key).await?;
            self.count(found.is_some());
            Ok(found)
        })
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        let found = self.store.get_many(keys);
        StoreFuture::pending(async move {
            let found = found.await?;
            for entry in &found {
                self.count(entry.is_some());
            }
            Ok(found)
        })
    }

    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        self.store.has(key)
    }

    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        self.store.ttl(key)
    }

    fn put<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        self.store.put(key, payload, terms)
    }

    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        self.store.put_many(entries, terms)
    }

    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool> {
        self.store.add(key, payload, terms)
    }

    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        self.store.take(key)
    }

    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        self.store.forget(key)
    }

    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        self.store.forget_many(keys)
    }

    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        self.store.touch(key, lifetime)
    }

    fn increment<'a>(&'a self, key: Key<'a>, by: i64, created: Terms<'_>) -> StoreFuture<'a, i64> {
        self.store.increment(key, by, created)
    }

    fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept> {
        let kept = self.store.kept(key, why);
        match (&kept, &*why) {
            (Some(_), _) | (None, NotKept::Found(_)) => self.count(true),
            (None, NotKept::Absent) => self.count(false),
            // It is asked for by `get`.
            (None, NotKept::Unknown) => {}
        }
        kept
    }

    fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded) {
        self.store.keep(key, seen, kept);
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.store.flush()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.store.close()
    }

    fn tags(&self) -> Option<&dyn TagStore> {
        self.store.tags()
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        self.store.locks()
    }
}

#[tokio::test]
async fn a_driver_of_ones_own_is_as_good_as_any() {
    let counted = Counted::new(MemoryStore::new());
    let cache = Cache::new(Arc::clone(&counted));
    cache.tags(["users"]).put("user:1", &vec![1, 2], "1h").await.unwrap();
    for _ in 0..3 {
        assert_eq!(*cache.get_shared::<Vec<i32>>("user:1").await.unwrap().unwrap(), [1, 2]);
    }
    assert_eq!(cache.get::<Vec<i32>>("user:2").await.unwrap(), None);
    assert!(cache.get_shared::<Vec<i32>>("user:2").await.unwrap().is_none());
    assert_eq!(
        cache.get_many::<Vec<i32>>(["user:1", "user:2"]).await.unwrap(),
        [Some(vec![1, 2]), None]
    );
    assert_eq!(counted.counts(), (4, 3));

    cache.tags(["users"]).flush().await.unwrap();
    assert!(!cache.has("user:1").await.unwrap(), "it has the tags of what lies beneath");
    let guard = cache.lock("report", "10s").try_acquire().await.unwrap();
    assert!(guard.is_some(), "and its locks");
    assert_eq!(cache.remember("n", "1h", async || Ok::<_, Error>(1)).await.unwrap(), 1);
    assert_eq!(cache.increment_within("n", 1, Ttl::FOREVER).await.unwrap(), 2);
    assert_eq!(cache.tags(["users"]).increment_within("visits", 2, "1m").await.unwrap(), 2);
    cache.tags(["users"]).flush().await.unwrap();
    assert!(!cache.has("visits").await.unwrap(), "it was counted under the tag");
}
