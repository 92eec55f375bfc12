//! `hitbox`: its driver for Redis, read and written as its framework does, and for `remember` its macro
//! `cached` around a function that loads, with the manager of concurrency that its guide asks for in production.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hitbox::concurrency::BroadcastConcurrencyManager;
use hitbox::policy::{ConcurrencyLimit, PolicyConfig};
use hitbox::predicate::PredicateResult;
use hitbox::{
    CacheContext, CacheKey, CachePolicy, CacheValue, CacheableResponse, EntityPolicyConfig,
    Predicate, ResponseCachePolicy,
};
use hitbox_backend::CacheBackend;
use hitbox_fn::{Cache, KeyExtract, cached};
use hitbox_redis::{ConnectionMode, RedisBackend};

use crate::fixture::User;
use crate::peers::redis::peer::{Peer, Remember};
use crate::peers::redis::{PATIENCE, TTL_SECONDS};

const TTL: Duration = Duration::from_secs(TTL_SECONDS);

/// Its backend serves both the functions and who reads and writes by a key.
pub(crate) struct Hitbox(Cache<RedisBackend, BroadcastConcurrencyManager<Found>>);

type Found = Result<User, Failure>;

#[derive(Debug)]
pub(crate) struct Failure;

static LOADS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, KeyExtract)]
struct UserId(u64);

#[cached]
async fn find_user(id: UserId) -> Result<User, Failure> {
    LOADS.fetch_add(1, Ordering::Relaxed);
    Ok(User::new(id.0))
}

impl Hitbox {
    /// It connects with the first operation.
    pub(crate) fn new(url: &str) -> Self {
        let backend = RedisBackend::builder()
            .connection(ConnectionMode::single(url))
            .response_timeout(PATIENCE)
            .build();
        let backend = backend.unwrap_or_else(|error| panic!("a backend can be built: {error}"));
        let policy = PolicyConfig::builder().ttl(TTL).concurrency(ConcurrencyLimit::MIN).build();
        let cache = Cache::builder().backend(backend).policy(policy);
        Self(cache.concurrency_manager(BroadcastConcurrencyManager::new()).build())
    }
}

fn key(id: u64) -> CacheKey {
    CacheKey::from_str("user", &id.to_string())
}

impl Peer for Hitbox {
    const NAME: &'static str = "hitbox";

    async fn get(&self, id: u64) -> Option<User> {
        let mut context = CacheContext::default().boxed();
        match self.0.backend().get::<User>(&key(id), &mut context).await {
            Ok(found) => found.map(CacheValue::into_inner),
            Err(error) => panic!("the server answers hitbox: {error}"),
        }
    }

    async fn put(&self, user: &User) {
        let mut context = CacheContext::default().boxed();
        let lasting = EntityPolicyConfig { ttl: Some(TTL), stale_ttl: None };
        let value = CacheValue::from_config(user.clone(), &lasting);
        if let Err(error) = self.0.backend().set::<User>(&key(user.id), &value, &mut context).await
        {
            panic!("the server answers hitbox: {error}");
        }
    }
}

impl Remember for Hitbox {
    async fn remember(&self, id: u64) -> User {
        match find_user(UserId(id)).cache(&self.0).await {
            Ok(user) => user,
            Err(error) => panic!("the server answers hitbox: {error:?}"),
        }
    }

    fn loads(&self) -> u64 {
        LOADS.load(Ordering::Relaxed)
    }
}

/// Word for word what its macro of the same name writes, which a type of another module cannot be given.
impl CacheableResponse for User {
    type Cached = Self;
    type Subject = Self;
    type IntoCachedFuture = Ready<CachePolicy<Self, Self>>;
    type FromCachedFuture = Ready<Self>;

    async fn cache_policy<P>(
        self,
        predicates: P,
        config: &EntityPolicyConfig,
    ) -> ResponseCachePolicy<Self>
    where
        P: Predicate<Subject = Self::Subject> + Send + Sync,
    {
        match predicates.check(self).await {
            PredicateResult::Cacheable(data) => {
                let cached = data.clone();
                CachePolicy::Cacheable(CacheValue::from_config(cached, config))
            }
            PredicateResult::NonCacheable(data) => CachePolicy::NonCacheable(data),
        }
    }

    fn into_cached(self) -> Self::IntoCachedFuture {
        ready(CachePolicy::Cacheable(self))
    }

    fn from_cached(cached: Self) -> Self::FromCachedFuture {
        ready(cached)
    }
}
