//! What happens when sentinels make another server the primary.

mod support;

use std::net::TcpListener;
use std::time::Duration;

use cache_redis::RedisStoreBuilder;
use redis_servers::Sentinel;
use support::{cache_with, number, resumed, text};

#[tokio::test]
async fn a_failover_is_followed() {
    let servers = Sentinel::start().await;
    let timeout = Duration::from_millis(500);
    let cache = cache_with(&servers.url(), |builder| builder.command_timeout(timeout)).await;
    cache.put("k", &1, "1h").await.unwrap();
    let before = servers.primary().port();
    servers.fail_over().await;
    assert_ne!(servers.primary().port(), before);
    // The former primary is a replica now, and refuses to write.
    resumed(&cache).await;
    cache.put("k", &2, "1h").await.unwrap();
    let stored = text(servers.primary().ask(&["GET", "cache:k"]));
    assert_eq!(stored, "2", "it is on the new primary");
    assert_eq!(cache.increment("k").await.unwrap(), 3);
}

#[tokio::test]
async fn a_primary_that_dies_is_replaced() {
    let servers = Sentinel::start().await;
    let timeout = Duration::from_millis(500);
    let cache = cache_with(&servers.url(), |builder| builder.command_timeout(timeout)).await;
    cache.put("k", &1, "1h").await.unwrap();
    // A primary answers before its replica has heard of it.
    while number(servers.replica().ask(&["EXISTS", "cache:k"])) == 0 {
        tokio::task::yield_now().await;
    }
    servers.primary().stop().await;
    servers.fail_over().await;
    resumed(&cache).await;
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1), "the replica had it");
}

#[tokio::test]
async fn a_sentinel_that_answers_nothing_is_passed_over() {
    let servers = Sentinel::start().await;
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (scheme, rest) = servers.url().split_once("127.0.0.1:").map(owned).unwrap();
    let port = silent.local_addr().unwrap().port();
    let (asked, service) = rest.split_once('?').unwrap();
    let url = format!("{scheme}127.0.0.1:{port}?node=127.0.0.1:{asked}&{service}");
    let settings = |builder: RedisStoreBuilder| {
        builder.command_timeout(Duration::from_millis(500)).connect_timeout(Duration::from_secs(1))
    };
    let cache = cache_with(&url, settings).await;
    cache.put("k", &1, "1h").await.unwrap();
    servers.fail_over().await;
    resumed(&cache).await;
    cache.put("k", &2, "1h").await.unwrap();
    let stored = text(servers.primary().ask(&["GET", "cache:k"]));
    assert_eq!(stored, "2", "it is on the new primary");
}

fn owned((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}
