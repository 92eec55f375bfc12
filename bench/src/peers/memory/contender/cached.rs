//! The store of `cached` that has a bound and a lifetime and is meant to be shared: sharded, locked
//! within, strictly least recently used.

use std::thread::available_parallelism;

use cached::ShardedLruTtlCache;

use super::{Contender, Held, Remembers, unexpected_load};
use crate::fixture::User;
use crate::peers::memory::TTL;

/// A shard holds at least so many.
const LEAST_OF_A_SHARD: usize = 16;

pub(crate) struct Cached<V>(ShardedLruTtlCache<String, V>);

impl<V: Held> Cached<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self::with_shards(capacity, None)
    }

    /// One that holds no more than that. All shards hold as many, and so together perhaps more than was asked for: where
    /// that matters its documentation asks for one shard.
    pub(crate) fn of_exactly(capacity: usize) -> Self {
        let shards = (available_parallelism().map_or(1, usize::from) * 4).clamp(8, 1024);
        let shards = shards.min(capacity / LEAST_OF_A_SHARD).next_power_of_two();
        let is_exact = capacity.is_multiple_of(shards) && capacity / shards >= LEAST_OF_A_SHARD;
        Self::with_shards(capacity, (!is_exact).then_some(1))
    }

    fn with_shards(capacity: usize, shards: Option<usize>) -> Self {
        let builder = ShardedLruTtlCache::builder().max_size(capacity).ttl(TTL);
        let builder = match shards {
            Some(shards) => builder.shards(shards),
            None => builder,
        };
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
