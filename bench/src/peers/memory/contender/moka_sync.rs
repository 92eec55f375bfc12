//! `moka::sync`, with one lifetime for all entries, as most of its users have it, or with one for each.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;

use super::{Contender, Held, Remembers, unexpected_load};
use crate::fixture::User;
use crate::peers::memory::TTL;

pub(crate) struct MokaSync<V, S = RandomState>(Cache<String, V, S>);

impl<V: Held> MokaSync<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self::with_hasher(capacity, RandomState::new())
    }
}

impl<V: Held, S: BuildHasher + Clone + Send + Sync + 'static> MokaSync<V, S> {
    pub(crate) fn with_hasher(capacity: usize, hasher: S) -> Self {
        let builder = Cache::builder().max_capacity(capacity as u64).time_to_live(TTL);
        Self(builder.build_with_hasher(hasher))
    }
}

impl<V: Held, S: BuildHasher + Clone + Send + Sync + 'static> Contender for MokaSync<V, S> {
    type Found = V;

    async fn get(&self, key: &String) -> Option<V> {
        self.0.get(key.as_str())
    }

    async fn put(&self, key: &str, user: User) {
        self.0.insert(key.to_owned(), V::of(user));
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains_key(key.as_str())
    }

    async fn settle(&self) {
        self.0.run_pending_tasks();
    }
}

impl<V: Held, S: BuildHasher + Clone + Send + Sync + 'static> Remembers for MokaSync<V, S> {
    async fn remember(&self, key: &String) -> V {
        self.0.get_with_by_ref(key.as_str(), || unexpected_load())
    }
}

/// A lifetime for each entry lies beside its value, and an [`Expiry`] reads it from there.
pub(crate) struct MokaOwnTtl<V>(Cache<String, (Duration, V)>);

struct Lifetime;

impl<V> Expiry<String, (Duration, V)> for Lifetime {
    fn expire_after_create(
        &self,
        _key: &String,
        (ttl, _): &(Duration, V),
        _created_at: Instant,
    ) -> Option<Duration> {
        Some(*ttl)
    }

    fn expire_after_update(
        &self,
        _key: &String,
        (ttl, _): &(Duration, V),
        _updated_at: Instant,
        _until_expiry: Option<Duration>,
    ) -> Option<Duration> {
        Some(*ttl)
    }
}

impl<V: Held> MokaOwnTtl<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::builder().max_capacity(capacity as u64).expire_after(Lifetime).build())
    }
}

impl<V: Held> Remembers for MokaOwnTtl<V> {
    async fn remember(&self, key: &String) -> V {
        self.0.get_with_by_ref(key.as_str(), || (TTL, unexpected_load())).1
    }
}

impl<V: Held> Contender for MokaOwnTtl<V> {
    type Found = V;

    async fn get(&self, key: &String) -> Option<V> {
        self.0.get(key.as_str()).map(|(_, value)| value)
    }

    async fn put(&self, key: &str, user: User) {
        self.0.insert(key.to_owned(), (TTL, V::of(user)));
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains_key(key.as_str())
    }

    async fn settle(&self) {
        self.0.run_pending_tasks();
    }
}
