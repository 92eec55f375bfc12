//! TLS and passwords.
#![cfg(feature = "tls")]

mod support;

use cache_redis::{ErrorKind, RedisStore};
use redis_servers::Secure;
use support::{cache, resumed};

#[tokio::test]
async fn a_server_is_spoken_to_behind_its_certificate() {
    let secure = Secure::start().await;
    let ca = secure.ca_file();
    let cache = cache(&format!("{}?ca={}", secure.url(), ca.display())).await;
    cache.put("k", "secret", "1h").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("secret"));
    secure.server().ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    resumed(&cache).await;
}

#[tokio::test]
async fn what_keeps_it_from_that_is_told() {
    let secure = Secure::start().await;
    let (url, ca) = (secure.url(), secure.ca_file());
    let trusting = format!("{url}?ca={}", ca.display());
    let empty = tempfile(&ca, "empty.pem", b"");
    let nonsense = tempfile(
        &ca,
        "nonsense.pem",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    for (url, named) in [
        (url.clone(), "certificate"),
        (trusting.replace("s3cret", "wr0ng"), "password"),
        (trusting.replace(":s3cret@", ""), "password"),
        (trusting.replace("localhost", "127.0.0.2"), "certificate"),
        (format!("{url}?ca=/no/such/file"), "/no/such/file"),
        (format!("{url}?ca={empty}"), "empty.pem"),
        (format!("{url}?ca={nonsense}"), "nonsense.pem"),
    ] {
        let error = RedisStore::connect(&url).await.map(drop).expect_err(&url);
        let shown = format!("{error} {error:?}");
        // Nobody may listen at another address of this machine.
        if error.kind() != ErrorKind::Unavailable || !url.contains("127.0.0.2") {
            assert_eq!(error.kind(), ErrorKind::Config, "{url}: {shown}");
            assert!(shown.contains(named), "{url}: {shown}");
        }
        assert!(!shown.contains("s3cret") && !shown.contains("wr0ng"), "{shown}");
    }
    // Without TLS to a port that speaks nothing else.
    let plain = url.replace("rediss://", "redis://");
    let error = RedisStore::connect(&plain).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

fn tempfile(beside: &std::path::Path, name: &str, content: &[u8]) -> String {
    let path = beside.with_file_name(name);
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}
