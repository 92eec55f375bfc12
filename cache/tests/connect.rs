//! What a connection URL may say, and how a wrong one is refused.
#![cfg(feature = "memory")]

use std::time::Duration;

use cache::prelude::*;
use cache::{Error, ErrorKind};

async fn refused(url: &str) -> Error {
    let error = cache::connect(url).await.err().unwrap_or_else(|| panic!("{url:?} is taken"));
    assert_eq!(error.kind(), ErrorKind::Config, "{url:?}: {error}");
    error
}

#[tokio::test]
async fn a_memory_url_opens_a_cache_of_its_own() -> Result<(), Error> {
    for url in
        ["memory:", "memory://", "memory:?", "memory:?max_entries=10", "memory:?max_bytes=1000000"]
    {
        let (cache, other) = (cache::connect(url).await?, cache::connect(url).await?);
        cache.put("k", "v", Ttl::DEFAULT).await?;
        assert_eq!(cache.get::<String>("k").await?.as_deref(), Some("v"));
        assert!(!other.has("k").await?, "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn options_do_what_they_say() -> Result<(), Error> {
    let cache =
        cache::connect("memory:?default_ttl=1%20hour+30+minutes&prefix=app&max_value_bytes=100")
            .await?;
    cache.put("k", "v", Ttl::DEFAULT).await?;
    let left = cache.ttl("k").await?.and_then(Ttl::duration).expect("a lifetime");
    assert!(left <= Duration::from_secs(5_400) && left > Duration::from_secs(5_395), "{left:?}");
    let large = cache.put("k", &"x".repeat(101), "1h").await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge);

    let forever = cache::connect("memory:?default_ttl=forever").await?;
    forever.put("k", "v", Ttl::DEFAULT).await?;
    assert_eq!(forever.ttl("k").await?, Some(Ttl::FOREVER));

    let tiny = cache::connect("memory:?max_entries=2").await?;
    for n in 0..10 {
        tiny.put(format!("k{n}"), &n, "1h").await?;
    }
    let there = tiny.get_many::<u8>((0..10).map(|n| format!("k{n}"))).await?;
    assert!(there.iter().flatten().count() <= 2);

    let bytes = cache::connect("memory:?max_bytes=1000").await?;
    assert_eq!(
        bytes.put("k", &"x".repeat(1_000), "1h").await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_url_is_refused_with_the_part_that_is_wrong() {
    for (url, named) in [
        ("", "colon"),
        ("nonsense://x", "`nonsense`"),
        ("memory", "colon"),
        ("memory:somewhere", "followed by nothing"),
        ("memory:?max_entries=", "`max_entries`"),
        ("memory:?max_entries=0", "`max_entries`"),
        ("memory:?max_entries=-1", "`max_entries`"),
        ("memory:?max_entries=ten", "`ten`"),
        ("memory:?max_entries=1&max_bytes=1", "exclude each other"),
        ("memory:?max_entries=1&max_entries=2", "twice"),
        ("memory:?max_entrees=1", "`max_entrees`"),
        ("memory:?default_ttl=5x", "\"5x\""),
        ("memory:?default_ttl=0s", "zero"),
        ("memory:?prefix=", "`prefix`"),
        ("memory:?prefix=a%23b", "`a#b`"),
        ("memory:?prefix={a}", "`prefix`"),
        ("memory:?prefix=%ff", "the option `prefix` is no UTF-8"),
        ("memory:?prefix=a%0A", "control characters"),
        ("memory:?max_entries=%2B5", "`max_entries`"),
        ("memory:?max_entries=18446744073709551616", "too large"),
        ("memory:?url=x", "a URL has no option `url`"),
        ("memory:?connections=2", "remove it, or choose the driver `redis`"),
        ("memory:\n", "the URL ends with a newline"),
        ("memory:?prefix=a\r\n", "the URL ends with a newline"),
        ("memory:?prefix=a\tb", "a control character"),
        ("localhost:6379", "a URL begins with the name of a driver"),
    ] {
        let error = refused(url).await.to_string();
        assert!(error.contains(named), "{url:?}: {error}");
    }
    let long = refused(&format!("memory:?{}=1", "x".repeat(10_000))).await.to_string();
    assert!(long.len() < 400, "{long}");
}

#[tokio::test]
async fn a_password_is_never_shown() {
    for url in [
        "redis://user:s3cret@",
        "redis://:s3cret@host:6379/0?x=s3cret",
        "redis-sentinel://:s3cret@host?sentinel_pasword=s3cret&service=x",
        "redis-nonsense://:s3cret@host",
        #[cfg(feature = "redis")]
        "redis://:s3cret\n@host",
        #[cfg(not(feature = "redis-tls"))]
        "rediss://user:s3cret@h",
    ] {
        let error = refused(url).await;
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        #[cfg(not(feature = "redis"))]
        assert!(error.to_string().contains("feature `redis`"), "{error}");
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn what_is_wrong_with_a_redis_url_is_named() {
    for (url, named) in [
        ("redis:", "host"),
        ("redis://h?default_ttl=5x", "\"5x\""),
        ("redis://h?prefix=a%23b", "`a#b`"),
        ("redis://h?max_value_bytes=none", "`max_value_bytes`"),
        ("redis://h?max_entries=5", "remove it (a server has its own limit, `maxmemory`)"),
        ("redis://h?uri=x", "a URL has no option `url`: it is one itself"),
        ("redis://h?prefix=%ff", "the option `prefix` is no UTF-8"),
        ("rediss://h?ca=", "the option `ca` is empty"),
        ("redis://h?connections=%2B5", "`connections` is "),
        ("redis://h//3", "a database"),
        ("redis://:p\n@h", "a control character"),
        ("redis://h?lazy=yes", "`lazy`"),
        ("redis://h?lazy=true&lazy=true", "twice"),
        ("redis-cluster://h/1", "number 0"),
        ("redis-nonsense://h", "`redis-nonsense://`"),
        ("redis-sentinel://h", "service"),
    ] {
        let error = refused(url).await.to_string();
        assert!(error.contains(named), "{url:?}: {error}");
    }
}
