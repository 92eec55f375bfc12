//! What tests on real servers share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary takes its part, and fails by panicking"
)]

pub(crate) mod cable;
pub(crate) mod held;
pub(crate) mod nodes;

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use cache_redis::{Cache, Error, ErrorKind, RedisStore, RedisStoreBuilder, Ttl};
use redis_servers::{Server, redis};
use tokio::runtime::{Builder, Runtime};

/// So many operations that are under way go by themselves, and others that are asked for meanwhile are gathered.
pub(crate) const ALONE: u64 = 8;

pub(crate) async fn cache(url: &str) -> Cache {
    Cache::new(RedisStore::connect(url).await.expect("the server answers"))
}

pub(crate) async fn cache_with(
    url: &str,
    settings: impl FnOnce(RedisStoreBuilder) -> RedisStoreBuilder,
) -> Cache {
    let builder = settings(RedisStore::builder(url).expect("a URL"));
    Cache::new(builder.connect().await.expect("the server answers"))
}

/// A store that is used from another runtime than its own.
pub(crate) struct Apart {
    pub(crate) its_own: Runtime,
    pub(crate) other: Runtime,
    pub(crate) server: Server,
    pub(crate) cache: Cache,
}

impl Apart {
    pub(crate) fn with_timeout(timeout: Duration) -> Self {
        let build = || Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (its_own, other) = (build().unwrap(), build().unwrap());
        let (server, cache) = its_own.block_on(async {
            let server = Server::start().await;
            let cache = cache_with(&server.url(), |store| store.command_timeout(timeout)).await;
            (server, cache)
        });
        Self { its_own, other, server, cache }
    }
}

/// A reply as text.
pub(crate) fn text(value: redis::Value) -> String {
    redis::from_redis_value(value).expect("a reply that is text")
}

pub(crate) fn number(value: redis::Value) -> i64 {
    redis::from_redis_value(value).expect("a reply that is a number")
}

/// How often the server has run each command, its own subcommands included, since it was started.
pub(crate) fn calls(server: &Server) -> BTreeMap<String, u64> {
    let stats = text(server.ask(&["INFO", "commandstats"]));
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        let calls = rest.strip_prefix("calls=")?.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    };
    stats.lines().filter_map(line).collect()
}

/// The commands that the server ran meanwhile, except those of the one who asks.
pub(crate) async fn calls_of<T>(
    server: &Server,
    work: impl Future<Output = T>,
) -> (T, Vec<(String, u64)>) {
    let before = calls(server);
    let done = work.await;
    let after = calls(server);
    let since = |(name, calls): (&String, &u64)| {
        let calls = calls - before.get(name).unwrap_or(&0);
        (calls > 0 && !name.starts_with("info") && !name.starts_with("client"))
            .then(|| (name.clone(), calls))
    };
    (done, after.iter().filter_map(since).collect())
}

/// Uses every script once: they are sent once, and called by their digest from then on.
pub(crate) async fn warm(cache: &Cache) {
    cache.add("warm", &1, "1h").await.unwrap();
    cache.increment("warm").await.unwrap();
    assert!(cache.has("warm").await.unwrap() && cache.ttl("warm").await.unwrap().is_some());
    assert!(cache.touch("warm", Ttl::FOREVER).await.unwrap());
    assert!(cache.forget("warm").await.unwrap());
}

/// The error, and how long it took to come.
pub(crate) async fn failure<T: std::fmt::Debug>(
    work: impl Future<Output = Result<T, Error>>,
) -> (Error, Duration) {
    let begun = Instant::now();
    let error = work.await.expect_err("it cannot succeed");
    (error, begun.elapsed())
}

/// Waits until an operation succeeds again: by itself, within ten seconds.
pub(crate) async fn resumed(cache: &Cache) {
    let resumed = tokio::time::timeout(Duration::from_secs(10), async {
        while let Err(error) = cache.put("probe", &1, "1m").await {
            assert!(
                matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
                "an outage is told as one: {error:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    resumed.await.expect("service resumes by itself");
    assert_eq!(cache.get::<i64>("probe").await.expect("it is there"), Some(1));
}

/// The sum of some counters, as soon as each of the connections that they lie behind is there again.
pub(crate) async fn counted(cache: &Cache, names: &[String]) -> i64 {
    let read = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            match cache.get_many::<i64>(names).await {
                Ok(counts) => return counts.into_iter().flatten().sum(),
                Err(error) => assert!(error.is_temporary(), "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    read.await.expect("service resumes by itself")
}

/// A way to the server on which what some connections send takes a while: those of these numbers, from 0 on.
pub(crate) fn delayed(server: &Server, slow: impl Fn(usize) -> bool + Send + 'static) -> String {
    let to = ("127.0.0.1", server.port());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
            let Ok(server) = TcpStream::connect(to) else { return };
            let delay = Duration::from_millis(if slow(number) { 100 } else { 0 });
            for (from, to, delay) in [(&client, &server, delay), (&server, &client, Duration::ZERO)]
            {
                let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(length @ 1..) = from.read(&mut bytes) {
                        std::thread::sleep(delay);
                        if to.write_all(&bytes[..length]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    url
}

/// Waits for what comes by itself, and long before a look at a lock could be the reason.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("it comes by itself")
}

pub(crate) async fn until(what: impl Fn() -> bool) {
    soon(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// How many stores wait for a lock, as the server knows them.
pub(crate) fn registered(server: &Server, name: &str) -> i64 {
    number(server.ask(&["ZCARD", &format!("cache#wait:{{{name}}}")]))
}

/// How many stores hear of releases.
pub(crate) fn listeners(server: &Server) -> usize {
    let channels = server.ask(&["PUBSUB", "CHANNELS", "cache#wake:*"]);
    let channels: Vec<String> = redis::from_redis_value(channels).expect("a list");
    channels.len()
}

/// How often somebody who waits has looked at a lock that was held, and will be told of its end.
pub(crate) fn looks(server: &Server) -> u64 {
    calls(server).get("zrangebyscore").copied().unwrap_or(0)
}
