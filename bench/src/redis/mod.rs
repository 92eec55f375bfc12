//! Section "redis": the driver beside the client that it is made of, on one server of the loopback device.

pub(crate) mod load;
mod many;
mod reads;
mod tags;

use cache_redis::{Cache, RedisStore};
use fred::prelude::{Builder, Client, ClientLike, Config};
use redis_servers::Server;
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};

use crate::args::Effort;
use crate::fixture::{Fixture, User};
use crate::verdict::Findings;

/// Of the keys of the fixture, those that are on the server.
const KEYS: u32 = 10_000;

/// What the driver and the codec put before what bincode writes: a mark and flags, a mark and a shape.
const HEADER: usize = 2 + 1 + size_of::<u64>();

pub(crate) fn run(fixture: &Fixture, effort: Effort, findings: &mut Findings) {
    let runtime = runtime();
    let (server, bench) = runtime.block_on(async {
        let server = Server::start().await;
        let bench = Bench::new(fixture, &server.url(), effort).await;
        (server, bench)
    });
    reads::run(&runtime, &bench, findings);
    many::run(&runtime, &bench, findings);
    tags::run(&runtime, &bench, findings);
    drop(bench);
    drop(server);
}

/// A service: as many threads as there are processors.
pub(crate) fn runtime() -> Runtime {
    match RuntimeBuilder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    }
}

struct Bench<'a> {
    fixture: &'a Fixture,
    effort: Effort,
    cache: Cache,
    raw: Client,
}

impl<'a> Bench<'a> {
    async fn new(fixture: &'a Fixture, url: &str, effort: Effort) -> Self {
        let store = RedisStore::connect(url).await;
        let cache =
            Cache::new(store.unwrap_or_else(|error| panic!("the server is there: {error}")));
        let config = Config::from_url(url).unwrap_or_else(|error| panic!("a URL: {error}"));
        let raw = Builder::from_config(config).build();
        let raw = raw.unwrap_or_else(|error| panic!("a client can be built: {error}"));
        if let Err(error) = raw.init().await {
            panic!("the server is there: {error}");
        }
        for (key, user) in fixture.entries().take(KEYS as usize) {
            assert!(cache.put(key, user, "1h").await.is_ok());
        }
        Self { fixture, effort, cache, raw }
    }

    /// Where the cache has put the value of a key.
    fn name(&self, index: u32) -> String {
        format!("{}:{}", RedisStore::DEFAULT_PREFIX, self.fixture.key(index % KEYS))
    }

    fn key(&self, index: u32) -> String {
        self.fixture.key(index % KEYS).to_owned()
    }
}

/// What the raw client's user does with the bytes that the cache has stored.
fn decode(stored: &[u8]) -> User {
    User::decode(&stored[HEADER..])
}
