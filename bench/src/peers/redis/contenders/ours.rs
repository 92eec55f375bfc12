//! This project: `Cache` on a `RedisStore`, as it comes, but for more patience than its second.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cache_redis::{Cache, Error, RedisStore};
use cache_tags::Tags;

use crate::fixture::User;
use crate::peers::redis::PATIENCE;
use crate::peers::redis::peer::{GetMany, Peer, Remember, Tagging};
use crate::record::OURS;

const TTL: &str = "1h";

pub(crate) struct Ours {
    cache: Cache,
    loads: AtomicU64,
}

/// The same under two tags: one that all bear, and one of [`GROUPS`].
pub(crate) struct OursTagged(pub(crate) Arc<Ours>);

/// How many tags there are beside the one that all bear.
const GROUPS: u64 = 100;

pub(crate) async fn connect(url: &str) -> Cache {
    let builder = succeed(RedisStore::builder(url)).command_timeout(PATIENCE);
    Cache::new(succeed(builder.connect().await))
}

impl Ours {
    pub(crate) async fn connect(url: &str) -> Self {
        Self { cache: connect(url).await, loads: AtomicU64::new(0) }
    }
}

fn key(id: u64) -> String {
    format!("user:{id}")
}

impl Peer for Ours {
    const NAME: &'static str = OURS;

    async fn get(&self, id: u64) -> Option<User> {
        succeed(self.cache.get(key(id)).await)
    }

    async fn put(&self, user: &User) {
        succeed(self.cache.put(key(user.id), user, TTL).await);
    }
}

impl GetMany for Ours {
    async fn get_many(&self, ids: &[u64]) -> Vec<Option<User>> {
        let keys: Vec<_> = ids.iter().copied().map(key).collect();
        succeed(self.cache.get_many(&keys).await)
    }
}

impl Remember for Ours {
    async fn remember(&self, id: u64) -> User {
        let load = async || {
            self.loads.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Error>(User::new(id))
        };
        succeed(self.cache.remember(key(id), TTL, load).await)
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }
}

impl Peer for OursTagged {
    const NAME: &'static str = OURS;

    async fn get(&self, id: u64) -> Option<User> {
        succeed(self.0.cache.get(tagged(id)).await)
    }

    async fn put(&self, user: &User) {
        let cache = self.0.cache.tags(["users".to_owned(), format!("group:{}", user.id % GROUPS)]);
        succeed(cache.put(tagged(user.id), user, TTL).await);
    }
}

impl Tagging for OursTagged {
    async fn put_under_tag(&self, members: Range<u32>, user: &User) {
        let entries = members.map(|member| (format!("member:{member}"), user));
        succeed(self.0.cache.tags(["flushed"]).put_many(entries, TTL).await);
    }

    async fn flush(&self) {
        succeed(self.0.cache.tags(["flushed"]).flush().await);
    }

    async fn is_there(&self, member: u32) -> bool {
        succeed(self.0.cache.has(format!("member:{member}")).await)
    }
}

fn tagged(id: u64) -> String {
    format!("tagged:{id}")
}

fn succeed<T>(outcome: Result<T, Error>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("the server answers: {error}"),
    }
}
