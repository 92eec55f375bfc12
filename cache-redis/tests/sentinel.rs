//! What happens when sentinels make another server the primary.

mod support;

use std::time::Duration;

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
