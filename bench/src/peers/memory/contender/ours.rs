//! `Cache` on a `MemoryStore`: it holds bytes, and beside them the object that a shared read has decoded.

use cache_memory::{Cache, Error, MemoryStore, Shared};

use super::{Contender, Found, Remembers, unexpected_load};
use crate::fixture::User;
use crate::peers::memory::TTL_AS_TEXT;

fn cache(capacity: usize) -> Cache {
    Cache::new(MemoryStore::builder().max_entries(capacity).build())
}

async fn put(cache: &Cache, key: &str, user: User) {
    assert!(cache.put(key, &user, TTL_AS_TEXT).await.is_ok());
}

async fn has(cache: &Cache, key: &str) -> bool {
    cache.has(key).await.is_ok_and(|has| has)
}

/// Read with `get_shared`: the first read of an entry decodes it.
pub(crate) struct Kept(pub(crate) Cache);

impl Kept {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(cache(capacity))
    }
}

impl Found for Shared<User> {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Contender for Kept {
    type Found = Shared<User>;

    async fn get(&self, key: &String) -> Option<Shared<User>> {
        self.0.get_shared(key).await.ok().flatten()
    }

    async fn put(&self, key: &str, user: User) {
        put(&self.0, key, user).await;
    }

    async fn holds(&self, key: &String) -> bool {
        has(&self.0, key).await
    }
}

impl Remembers for Kept {
    async fn remember(&self, key: &String) -> Shared<User> {
        let load = async || -> Result<User, Error> { unexpected_load() };
        match self.0.remember_shared(key, TTL_AS_TEXT, load).await {
            Ok(found) => found,
            Err(error) => panic!("every key is there: {error}"),
        }
    }
}

/// Read with `get`: each read decodes.
pub(crate) struct Decoded(pub(crate) Cache);

impl Decoded {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(cache(capacity))
    }
}

impl Contender for Decoded {
    type Found = User;

    async fn get(&self, key: &String) -> Option<User> {
        self.0.get(key).await.ok().flatten()
    }

    async fn put(&self, key: &str, user: User) {
        put(&self.0, key, user).await;
    }

    async fn holds(&self, key: &String) -> bool {
        has(&self.0, key).await
    }
}

impl Remembers for Decoded {
    async fn remember(&self, key: &String) -> User {
        let load = async || -> Result<User, Error> { unexpected_load() };
        match self.0.remember(key, TTL_AS_TEXT, load).await {
            Ok(found) => found,
            Err(error) => panic!("every key is there: {error}"),
        }
    }
}
