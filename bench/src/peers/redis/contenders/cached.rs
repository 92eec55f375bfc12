//! `cached`: its `AsyncRedisCache` with the multiplexed connection that it comes with, and for `remember` its macro
//! `concurrent_cached` around a function that loads.

use std::future::ready;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use cached::macros::concurrent_cached;
use cached::time::Duration;
use cached::{AsyncRedisCache, ConcurrentCachedAsync, SerializeCachedAsync};

use crate::fixture::User;
use crate::peers::redis::TTL_SECONDS;
use crate::peers::redis::peer::{Peer, Remember};

pub(crate) struct Cached(AsyncRedisCache<u64, User>);

/// For the function, whose cache belongs to the program.
static URL: OnceLock<String> = OnceLock::new();
static LOADS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug)]
pub(crate) struct Failure(#[expect(dead_code, reason = "shown where it ends the program")] String);

impl Cached {
    pub(crate) async fn connect(url: &str) -> Self {
        assert!(URL.set(url.to_owned()).is_ok(), "there is one server");
        Self(open("user").await)
    }
}

async fn open(prefix: &str) -> AsyncRedisCache<u64, User> {
    let url = URL.get().map_or("", String::as_str);
    let builder = AsyncRedisCache::builder(prefix).connection_string(url);
    match builder.ttl(Duration::from_secs(TTL_SECONDS)).build().await {
        Ok(cache) => cache,
        Err(error) => panic!("the server is there: {error:?}"),
    }
}

#[concurrent_cached(
    ty = "AsyncRedisCache<u64, User>",
    create = { open("loaded").await },
    map_error = |error| Failure(format!("{error:?}"))
)]
async fn find_user(id: u64) -> Result<User, Failure> {
    LOADS.fetch_add(1, Ordering::Relaxed);
    Ok(ready(User::new(id)).await)
}

impl Peer for Cached {
    const NAME: &'static str = "cached";

    async fn get(&self, id: u64) -> Option<User> {
        match self.0.async_cache_get(&id).await {
            Ok(found) => found,
            Err(error) => panic!("the server answers cached: {error:?}"),
        }
    }

    async fn put(&self, user: &User) {
        if let Err(error) = self.0.async_cache_set_ref(&user.id, user).await {
            panic!("the server answers cached: {error:?}");
        }
    }
}

impl Remember for Cached {
    async fn remember(&self, id: u64) -> User {
        match find_user(id).await {
            Ok(user) => user,
            Err(error) => panic!("the server answers cached: {error:?}"),
        }
    }

    fn loads(&self) -> u64 {
        LOADS.load(Ordering::Relaxed)
    }
}
