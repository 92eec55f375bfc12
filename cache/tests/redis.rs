//! Production: a URL, and nothing else is different.

mod example;

use std::env;
use std::process::Command;
use std::time::Duration;

use cache::prelude::*;
use cache::{CacheConfig, Error, ErrorKind};
use redis_servers::{Server, redis};

use crate::example::example;

#[tokio::test]
async fn a_url_is_the_whole_move_to_production() -> Result<(), Error> {
    let server = Server::start().await;
    let cache = cache::connect(&format!(
        "{}/2?prefix=shop&default_ttl=90m&max_value_bytes=100&command_timeout=2s",
        server.url()
    ))
    .await?;
    let other = cache::connect(&format!("{}/2?prefix=shop", server.url())).await?;
    cache.put("k", "v", Ttl::DEFAULT).await?;
    assert_eq!(other.get::<String>("k").await?.as_deref(), Some("v"), "it is shared");
    let left = cache.ttl("k").await?.and_then(Ttl::duration).expect("a lifetime");
    assert!(left <= Duration::from_secs(5_400) && left > Duration::from_secs(5_390), "{left:?}");
    let large = cache.put("k", &"x".repeat(101), "1h").await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge);
    let stored: bool =
        redis::from_redis_value(server.ask(&["EXISTS", "shop:k"])).expect("a number");
    assert!(!stored, "it is in database 2");
    Ok(())
}

#[tokio::test]
async fn a_lazy_cache_opens_without_its_server() -> Result<(), Error> {
    let server = Server::start().await;
    server.stop().await;
    let url = server.url();
    let away = cache::connect(&url).await.map(drop).unwrap_err();
    assert_eq!(away.kind(), ErrorKind::Unavailable);
    let cache = cache::connect(&format!("{url}?lazy=true")).await?;
    assert_eq!(cache.get::<u8>("k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    let loaded = cache.remember("k", "1h", async || Ok::<_, Error>(7_u8)).await?;
    assert_eq!(loaded, 7, "a load answers in the store's place");
    server.start_again().await;
    let there = tokio::time::timeout(Duration::from_secs(10), async {
        while cache.put("k", &8_u8, "1h").await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    there.await.expect("it connects by itself");
    assert_eq!(cache.get::<u8>("k").await?, Some(8));
    Ok(())
}

#[tokio::test]
async fn a_configuration_opens_what_it_says() -> Result<(), Error> {
    let server = Server::start().await;
    let table = serde_json::json!({
        "driver": "redis",
        "config": { "url": format!("{}/2", server.url()), "connections": 2, "command_timeout": "2s" },
        "prefix": "shop:eu", "default_ttl": 5400, "max_value_bytes": 100,
    });
    let config = CacheConfig::from_deserializer(&table)?;
    let cache = config.connect().await?;
    cache.put("k", "v", Ttl::DEFAULT).await?;
    let left = cache.ttl("k").await?.and_then(Ttl::duration).expect("a lifetime");
    assert!(left <= Duration::from_secs(5_400) && left > Duration::from_secs(5_390), "{left:?}");
    let large = cache.put("k", &"x".repeat(101), "1h").await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge);

    let url = format!("{}/2", server.url());
    let same = CacheConfig::redis(&url).prefix("shop:eu").connect().await?;
    assert_eq!(same.get::<String>("k").await?.as_deref(), Some("v"), "it is the same cache");
    let other = CacheConfig::redis(&url).prefix("shop").connect().await?;
    assert!(!other.has("k").await?, "another prefix is another cache");
    Ok(())
}

#[tokio::test]
async fn a_lazy_configuration_opens_without_its_server() -> Result<(), Error> {
    let server = Server::start().await;
    server.stop().await;
    let config = CacheConfig::redis(server.url());
    let away = config.connect().await.map(drop).unwrap_err();
    assert_eq!(away.kind(), ErrorKind::Unavailable);
    let cache = config.lazy().connect().await?;
    assert_eq!(cache.get::<u8>("k").await.unwrap_err().kind(), ErrorKind::Unavailable);
    Ok(())
}

/// The other half of the test below, in a process of its own.
#[tokio::test]
async fn child_meets_its_server() {
    if env::var_os("CACHE_TEST_CHILD").is_none() {
        return;
    }
    match cache::from_env().await {
        Ok(cache) => cache.put("k", "from the child", "1h").await.expect("it is connected"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("CACHE_URL"), "{error}");
            println!("it is away");
        }
    }
}

#[tokio::test]
async fn the_environment_names_the_server() -> Result<(), Error> {
    let server = Server::start().await;
    let child = || {
        let mut child = Command::new(env::current_exe().expect("the path of this test"));
        child.args(["--exact", "child_meets_its_server", "--nocapture"]);
        child.env("CACHE_TEST_CHILD", "1").env("CACHE_URL", server.url());
        let output = child.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        said
    };
    child();
    let cache = cache::connect(&server.url()).await?;
    assert_eq!(cache.get::<String>("k").await?.as_deref(), Some("from the child"));
    server.stop().await;
    assert!(child().contains("it is away"));
    Ok(())
}

/// The program of the README, on a server that others use.
#[tokio::test]
async fn the_quickstart_runs_on_a_server_and_harms_nobody() -> Result<(), Error> {
    let server = Server::start().await;
    let example = example("quickstart");
    for url in [server.url(), format!("{}?prefix=shop", server.url())] {
        let theirs = cache::connect(&url).await?;
        for key in ["k", "questions"] {
            theirs.put(key, "theirs", "1h").await?;
        }
        let run = Command::new(&example)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
            .env("CACHE_URL", &url)
            .output()
            .expect("it starts");
        let printed = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{printed}\n{}", String::from_utf8_lossy(&run.stderr));
        assert!(printed.contains("redis, under the prefix `quickstart`"), "{printed}");
        for key in ["k", "questions"] {
            assert_eq!(theirs.get::<String>(key).await?.as_deref(), Some("theirs"), "{url}: {key}");
        }
    }
    let stored: Vec<String> = redis::from_redis_value(server.ask(&["KEYS", "*"])).expect("names");
    assert!(stored.iter().any(|name| name.starts_with("quickstart:mentions:")), "{stored:?}");
    let theirs = ["cache:k", "cache:questions", "shop:k", "shop:questions"];
    let is_known = |name: &&String| name.starts_with("quickstart:") || theirs.contains(&&***name);
    assert_eq!(stored.iter().find(|name| !is_known(name)), None);
    Ok(())
}
