//! `mini-moka`, with one lifetime for all entries. It cannot load.

use mini_moka::sync::{Cache, ConcurrentCacheExt};

use super::{Contender, Held};
use crate::fixture::User;
use crate::peers::memory::TTL;

pub(crate) struct MiniMoka<V>(Cache<String, V>);

impl<V: Held> MiniMoka<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::builder().max_capacity(capacity as u64).time_to_live(TTL).build())
    }
}

impl<V: Held> Contender for MiniMoka<V> {
    type Found = V;

    async fn get(&self, key: &String) -> Option<V> {
        self.0.get(key)
    }

    async fn put(&self, key: &str, user: User) {
        self.0.insert(key.to_owned(), V::of(user));
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains_key(key)
    }

    async fn settle(&self) {
        self.0.sync();
    }
}
