//! Whoever has locks.

use std::future::Future;
use std::time::Duration;

use cache_lock::Locks;
use cache_redis::Cache;
use fred::prelude::{Client, KeysInterface};
use fred::types::scripts::Script;
use fred::types::{Expiration, SetOptions};
use rslock::LockManager;

use crate::peers::redis::contenders::{connect_fred, connect_ours, succeed_fred};
use crate::record::OURS;

/// The name of the lock.
const NAME: &str = "report";
const LEASE: Duration = Duration::from_secs(30);

pub(crate) trait Locker: Send + Sync + Sized + 'static {
    const NAME: &'static str;

    fn connect(url: &str) -> impl Future<Output = Self> + Send;

    /// Takes the lock, however long that takes; does the work; gives the lock back.
    fn under_lock(&self, work: impl Future<Output = ()> + Send) -> impl Future<Output = ()> + Send;
}

pub(crate) struct Ours(Cache);

impl Locker for Ours {
    const NAME: &'static str = OURS;

    async fn connect(url: &str) -> Self {
        Self(connect_ours(url).await)
    }

    async fn under_lock(&self, work: impl Future<Output = ()> + Send) {
        let request = self.0.lock(NAME, LEASE).wait("5m");
        let guard = request.acquire().await.unwrap_or_else(|error| panic!("it is free: {error}"));
        work.await;
        if let Err(error) = guard.release().await {
            panic!("it is held: {error}");
        }
    }
}

/// With the retries that it comes with.
pub(crate) struct Rslock(LockManager);

impl Locker for Rslock {
    const NAME: &'static str = "rslock";

    async fn connect(url: &str) -> Self {
        Self(LockManager::new(vec![url]))
    }

    async fn under_lock(&self, work: impl Future<Output = ()> + Send) {
        let guard = self.0.acquire(NAME, LEASE).await;
        let guard = guard.unwrap_or_else(|error| panic!("it is free: {error}"));
        work.await;
        guard.release().await;
    }
}

/// The least that can be done, for a lock that nobody else wants.
pub(crate) struct ByHand {
    client: Client,
    release: Script,
}

const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0";

impl Locker for ByHand {
    const NAME: &'static str = "raw SET NX PX + script";

    async fn connect(url: &str) -> Self {
        Self { client: connect_fred(url).await, release: Script::from_lua(RELEASE) }
    }

    async fn under_lock(&self, work: impl Future<Output = ()> + Send) {
        const OWNER: &str = "0123456789abcdef0123456789abcdef";
        let lease = Some(Expiration::PX(30_000));
        let set = self.client.set(NAME, OWNER, lease, Some(SetOptions::NX), false).await;
        assert_eq!(succeed_fred::<Option<String>>(set).as_deref(), Some("OK"), "it is free");
        work.await;
        let released = self.release.evalsha_with_reload(&self.client, NAME, OWNER).await;
        assert_eq!(succeed_fred::<u32>(released), 1, "it is held");
    }
}
