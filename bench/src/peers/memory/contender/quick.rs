//! `quick_cache` as it comes: its default hasher, shards and policy. It has no lifetimes.

use std::convert::Infallible;
use std::hint::black_box;

use quick_cache::sync::Cache;

use super::{Contender, Held, Remembers, unexpected_load};
use crate::fixture::User;

pub(crate) struct Quick<V>(pub(crate) Cache<String, V>);

impl<V: Held> Quick<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }
}

impl<V: Held> Contender for Quick<V> {
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
}

impl<V: Held> Remembers for Quick<V> {
    async fn remember(&self, key: &String) -> V {
        let load = async { unexpected_load() };
        match self.0.get_or_insert_async::<_, Infallible>(key.as_str(), load).await {
            Ok(found) => found,
            Err(never) => match never {},
        }
    }
}

/// With one reading of tokio's clock, which is what judging a lifetime by that takes. A yardstick, and not the least: most
/// hits of `cache` are judged by a coarser clock.
pub(crate) struct Clocked<C>(pub(crate) C);

fn read_clock() {
    black_box(tokio::time::Instant::now());
}

impl<C: Contender> Contender for Clocked<C> {
    type Found = C::Found;

    async fn get(&self, key: &String) -> Option<C::Found> {
        read_clock();
        self.0.get(key).await
    }

    async fn put(&self, key: &str, user: User) {
        read_clock();
        self.0.put(key, user).await;
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.holds(key).await
    }
}

impl<C: Remembers> Remembers for Clocked<C> {
    async fn remember(&self, key: &String) -> C::Found {
        read_clock();
        self.0.remember(key).await
    }
}
