//! `moka::future`, with one lifetime for all entries.

use moka::future::Cache;

use super::{Contender, Held, Remembers, unexpected_load};
use crate::fixture::User;
use crate::peers::memory::TTL;

pub(crate) struct MokaFuture<V>(pub(crate) Cache<String, V>)
where
    V: Held;

impl<V: Held> MokaFuture<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::builder().max_capacity(capacity as u64).time_to_live(TTL).build())
    }
}

impl<V: Held> Contender for MokaFuture<V> {
    type Found = V;

    async fn get(&self, key: &String) -> Option<V> {
        self.0.get(key.as_str()).await
    }

    async fn put(&self, key: &str, user: User) {
        self.0.insert(key.to_owned(), V::of(user)).await;
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains_key(key.as_str())
    }

    async fn settle(&self) {
        self.0.run_pending_tasks().await;
    }
}

impl<V: Held> Remembers for MokaFuture<V> {
    async fn remember(&self, key: &String) -> V {
        self.0.get_with_by_ref(key.as_str(), async { unexpected_load() }).await
    }
}
