//! `cachet`: tiers of caches, here one, in memory, which is `moka::future` with a lifetime for each entry.
//! Its hits come with what it knows of the entry.

use cachet::{Cache, CacheEntry};
use tick::Clock;

use super::{Contender, Held, Remembers, unexpected_load};
use crate::fixture::User;
use crate::peers::memory::TTL;

pub(crate) struct Cachet<V>(pub(crate) Cache<String, V>);

impl<V: Held> Cachet<V> {
    /// Needs a runtime, for its clock.
    pub(crate) fn new(capacity: usize) -> Self {
        let builder = Cache::builder(Clock::new_tokio());
        Self(builder.memory_with(|memory| memory.max_capacity(capacity as u64)).build())
    }

    /// Those who ask for one key at once share what one of them finds: hits too, which costs them.
    pub(crate) fn with_stampede_protection(capacity: usize) -> Self {
        let builder = Cache::builder(Clock::new_tokio());
        let builder = builder.memory_with(|memory| memory.max_capacity(capacity as u64));
        Self(builder.stampede_protection().build())
    }
}

impl<V: Held> Contender for Cachet<V> {
    type Found = V;

    async fn get(&self, key: &String) -> Option<V> {
        match self.0.get(key.as_str()).await {
            Ok(found) => found.map(CacheEntry::into_value),
            Err(error) => panic!("memory can be read: {error}"),
        }
    }

    async fn put(&self, key: &str, user: User) {
        let entry = CacheEntry::expires_after(V::of(user), TTL);
        if let Err(error) = self.0.insert(key.to_owned(), entry).await {
            panic!("memory can be written: {error}");
        }
    }

    async fn holds(&self, key: &String) -> bool {
        self.0.contains(key.as_str()).await.is_ok_and(|holds| holds)
    }
}

impl<V: Held> Remembers for Cachet<V> {
    async fn remember(&self, key: &String) -> V {
        let load = || async { CacheEntry::expires_after(unexpected_load(), TTL) };
        match self.0.get_or_insert_with(key.as_str(), load).await {
            Ok(found) => found.into_value(),
            Err(error) => panic!("every key is there: {error}"),
        }
    }
}
