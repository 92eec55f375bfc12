//! The store of `cached` that has a bound and a lifetime and is meant to be shared: sharded, locked
//! within, strictly least recently used.

use cached::ShardedLruTtlCache;

use super::{Contender, Held, Remembers, unexpected_load};
use crate::fixture::User;
use crate::peers::memory::TTL;

/// Below this it would hold more than was asked for, and its documentation asks for one shard.
const SMALL: usize = 16 * 64;

pub(crate) struct Cached<V>(ShardedLruTtlCache<String, V>);

impl<V: Held> Cached<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let builder = ShardedLruTtlCache::builder().max_size(capacity).ttl(TTL);
        let builder = if capacity < SMALL { builder.shards(1) } else { builder };
        match builder.build() {
            Ok(cache) => Self(cache),
            Err(error) => panic!("the bounds are sound: {error}"),
        }
    }
}

impl<V: Held> Contender for Cached<V> {
    type Found = V;

    async fn get(&self, key: &String) -> Option<V> {
        self.0.get(key.as_str())
    }

    async fn put(&self, key: &str, user: User) {
        self.0.set(key.to_owned(), V::of(user));
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains(key.as_str())
    }
}

impl<V: Held> Remembers for Cached<V> {
    async fn remember(&self, key: &String) -> V {
        self.0.get_or_set_with(key.to_owned(), || unexpected_load())
    }
}
