//! The part of foyer that is in memory, with its default of eight shards and LRU unless said. It has no
//! lifetimes. What it hands out is a handle of its own, so that a value need not be an `Arc`.

use std::convert::Infallible;

use foyer_memory::{Cache, CacheBuilder, CacheEntry, EvictionConfig, LruConfig};

use super::{Contender, Found, Held, Remembers, unexpected_load};
use crate::fixture::User;

pub(crate) struct FoyerHandle<V: Found + Sync = User>(pub(crate) Cache<String, V>);

impl<V: Held> FoyerHandle<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self::with_eviction(capacity, LruConfig::default().into())
    }

    pub(crate) fn with_eviction(capacity: usize, eviction: EvictionConfig) -> Self {
        Self(CacheBuilder::new(capacity).with_eviction_config(eviction).build())
    }
}

impl<V: Found + Sync> Found for CacheEntry<String, V> {
    fn id(&self) -> u64 {
        V::id(self)
    }
}

impl<V: Held> Contender for FoyerHandle<V> {
    type Found = CacheEntry<String, V>;

    async fn get(&self, key: &String) -> Option<Self::Found> {
        self.0.get(key.as_str())
    }

    async fn put(&self, key: &str, user: User) {
        self.0.insert(key.to_owned(), V::of(user));
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains(key.as_str())
    }
}

impl<V: Held> Remembers for FoyerHandle<V> {
    async fn remember(&self, key: &String) -> Self::Found {
        let load = || async { Ok::<V, Infallible>(unexpected_load()) };
        match self.0.get_or_fetch(key.as_str(), load).await {
            Ok(found) => found,
            Err(error) => panic!("every key is there: {error}"),
        }
    }
}

/// The same, and whoever reads wants a user of its own.
pub(crate) struct FoyerCloned(FoyerHandle);

impl FoyerCloned {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(FoyerHandle::new(capacity))
    }
}

impl Contender for FoyerCloned {
    type Found = User;

    async fn get(&self, key: &String) -> Option<User> {
        self.0.get(key).await.map(|found| found.value().clone())
    }

    async fn put(&self, key: &str, user: User) {
        self.0.put(key, user).await;
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.holds(key).await
    }
}

impl Remembers for FoyerCloned {
    async fn remember(&self, key: &String) -> User {
        self.0.remember(key).await.value().clone()
    }
}
