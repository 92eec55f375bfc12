//! The configuration of the driver for servers, without one.

use super::*;

fn redis(config: &Value) -> Value {
    json!({ "driver": "redis", "config": config })
}

#[test]
fn every_way_to_say_it_means_the_same() -> Result<(), Error> {
    let code: CacheConfig = CacheConfig::redis("redis://u:p@h:7/2")
        .connections(4)
        .command_timeout("250ms")
        .connect_timeout(2)
        .lazy()
        .prefix("shop")
        .default_ttl(Ttl::FOREVER)
        .into();
    let url = "redis://u:p@h:7/2?connections=4&command_timeout=250ms&connect_timeout=2s\
               &lazy=true&prefix=shop&default_ttl=forever";
    assert_eq!(CacheConfig::from_url(url)?, code);
    assert_eq!(
        (code.driver(), CacheConfig::from_url("VALKEYS://h").map(|config| config.driver()).ok()),
        ("redis", Some("redis"))
    );
    assert_eq!(CacheConfig::from(CacheConfig::redis(url)), code);
    assert_eq!(read(&redis(&json!({ "url": url })))?, code);
    let table = json!({
        "driver": "redis",
        "config": {
            "url": "redis://u:p@h:7/2", "connections": 4, "command_timeout": "250ms",
            "connect_timeout": 2, "lazy": true,
        },
        "prefix": "shop", "default_ttl": "forever",
    });
    assert_eq!(read(&table)?, code);
    let mixed = json!({
        "driver": "valkey",
        "config": {
            "url": "redis://u:p@h:7/2?connections=4&lazy=true&prefix=shop", "connections": null,
            "command_timeout": "250ms", "connect_timeout": "2s",
        },
        "default_ttl": "forever",
    });
    assert_eq!(read(&mixed)?, code);
    assert_ne!(read(&redis(&json!({ "url": "redis://u:other@h:7/2" })))?, code);
    Ok(())
}

#[test]
fn every_scheme_is_taken() {
    for url in [
        "redis://h",
        "valkey://h",
        "REDIS://h",
        "Valkey-Cluster://h?node=b",
        "redis-cluster://h?node=b&node=c:1",
        "redis-sentinel://h?service=main&sentinel_user=u&sentinel_password=p",
        #[cfg(feature = "redis-tls")]
        "rediss://h?ca=/x",
    ] {
        let config = read(&redis(&json!({ "url": url }))).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(config, CacheConfig::from_url(url).expect("it is one"), "{url}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_path_and_what_to_do() {
    for (config, parts) in [
        (json!(null), &["`config.url` is missing", "redis://"][..]),
        (json!({ "connections": 2 }), &["`config.url` is missing"]),
        (json!({ "url": null }), &["`config.url` is missing"]),
        (json!({ "url": "" }), &["`config.url` is empty", "redis://"]),
        (json!({ "url": 5 }), &["`config.url` is a number"]),
        (json!("redis://h"), &["`config` is text", "a table", "`url`"]),
        (json!({ "url": "s3cret" }), &["`config.url`: a URL begins with the name of a driver"]),
        (
            json!({ "url": "s3cret:6379" }),
            &["`config.url`: a URL begins with the name of a driver"],
        ),
        (json!({ "url": "redis-main:6379" }), &["`config.url`: a URL begins with the name"]),
        (json!({ "url": "redis://h:port" }), &["`config.url`", "taken apart"]),
        (
            json!({ "url": "Memory:" }),
            &[
                "`config.url`: the URL is one of the driver `memory`, and this is `redis`",
                "redis://",
            ],
        ),
        (json!({ "url": "redis://h\n" }), &["`config.url`: the URL ends with a newline"]),
        (json!({ "url": "redis://:s3cret\nx@h" }), &["`config.url`", "a control character"]),
        (json!({ "url": "redis://h?sentinel_password=x " }), &["`config.url`", "a space"]),
        (json!({ "url": "redis://h?prefix=%ff" }), &["`config.url`", "`prefix` is no UTF-8"]),
        (json!({ "url": "redis://h?nonsense=%ff" }), &["`config.url`", "no UTF-8"]),
        (json!({ "url": "redis://h?prefix=a%0A" }), &["`prefix`", "control characters"]),
        (json!({ "url": "redis://h?connections=%2B5" }), &["`config.connections` is "]),
        (json!({ "url": "redis://h/+3" }), &["`config.url`", "`+3`", "a database"]),
        (json!({ "url": "redis://h//3" }), &["`config.url`", "`/3`", "a database"]),
        (json!({ "url": "redis://h", "ca": "" }), &["`config.ca` is empty", "a file"]),
        (json!({ "url": "redis://h", "ca": "/x\n" }), &["`config.ca` has a control character"]),
        (json!({ "url": "redis://h?ca=/x%00" }), &["`config.ca` has a control character"]),
        (json!({ "url": "redis://h?url=x" }), &["`config.url`", "a URL has no option `url`"]),
        (json!({ "url": "redis://h/x" }), &["`config.url`", "`x`", "a database"]),
        (json!({ "url": "redis-sentinel://h" }), &["`config.url`", "?service=NAME"]),
        (json!({ "url": "redis://h?conections=2" }), &["`config.url`", "write `connections`"]),
        (json!({ "url": "redis://h?nonsense=2" }), &["`nonsense`", "`lazy`", "`node`"]),
        (json!({ "url": "redis://h?lazy=1" }), &["`config.lazy` is `1`", "`true`"]),
        (json!({ "url": "redis://h?lazy=true&lazy=true" }), &["`config.url`", "twice"]),
        (
            json!({ "url": "redis://h?connections=2", "connections": 3 }),
            &["`config.connections` is also an option of `config.url`", "once"],
        ),
        (json!({ "url": "redis://h", "connections": 0 }), &["`config.connections` is 0", "1024"]),
        (json!({ "url": "redis://h", "connections": 1025 }), &["`config.connections`", "1024"]),
        (json!({ "url": "redis://h", "command_timeout": 0 }), &["`config.command_timeout`"]),
        (
            json!({ "url": "redis://h", "connect_timeout": "forever" }),
            &["`config.connect_timeout` is `forever`", "`1s`"],
        ),
        (json!({ "url": "redis://h", "command_timeout": "1" }), &["\"1s\""]),
        (
            json!({ "url": "redis://h", "lazy": "true" }),
            &["`config.lazy` is text", "quotes", "have that parse numbers and booleans"],
        ),
        (json!({ "url": "redis://h", "ca": "/x" }), &["`config.ca` is for TLS", "rediss://"]),
        (json!({ "url": "redis://h", "host": "x" }), &["`config.host`", "part of the URL"]),
        (
            json!({ "url": "redis://h", "max_entries": 1 }),
            &[
                "`config.max_entries`",
                "the driver `memory` has `max_entries`",
                "remove it",
                "`maxmemory`",
            ],
        ),
        (json!({ "uri": "redis://h" }), &["`config.uri` is not known; write `config.url`"]),
    ] {
        refused(&redis(&config), parts);
        assert!(!flaw(&redis(&config)).contains("s3cret"), "{config}");
    }
    let misplaced = json!({ "driver": "redis", "url": "redis://h" });
    refused(&misplaced, &["`url` is not known", "it belongs into `config`: write `config.url`"]);
    let both = json!({
        "driver": "redis", "config": { "url": "redis://h?prefix=a" }, "prefix": "a",
    });
    refused(&both, &["`prefix` is also an option of `config.url`"]);
    #[cfg(not(feature = "redis-tls"))]
    refused(&redis(&json!({ "url": "rediss://h" })), &["`config.url`", "`redis-tls`"]);
}

#[tokio::test]
async fn what_is_wrong_in_code_is_an_error_of_connect() {
    for (config, named) in [
        (CacheConfig::redis("redis://:s3cret@"), "`config.url`: "),
        (CacheConfig::redis("redis://:s3cret@h?lazy=1"), "the option `lazy` is `1`"),
        (CacheConfig::redis("redis://h").connections(0), "`config.connections` is 0"),
        (CacheConfig::redis("redis://h").command_timeout("x"), "`config.command_timeout`"),
        (CacheConfig::redis("redis://h").connect_timeout(0), "`config.connect_timeout`"),
        (CacheConfig::redis("redis://h").ca("/x"), "`config.ca` is for TLS"),
        (CacheConfig::redis("redis://h").ca(""), "`config.ca` is empty"),
        (CacheConfig::redis("redis://h\n"), "`config.url`: the URL ends with a newline"),
        (CacheConfig::redis("s3cret:6379"), "`config.url`: a URL begins with"),
        (CacheConfig::redis("redis://h").prefix("a\n").lazy(), "control characters"),
        (CacheConfig::redis("redis://h").prefix("#").lazy(), "`prefix`"),
    ] {
        let error = config.connect().await.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(named), "{error}");
        assert!(!format!("{error:?} {config:?}").contains("s3cret"), "{error} {config:?}");
    }
}

#[test]
fn it_is_printed_without_its_secrets() -> Result<(), Error> {
    let config = CacheConfig::from_url("redis://user:s3cret@host:7/2?connections=2&lazy=true")?;
    assert_eq!(
        format!("{config:?}"),
        "RedisConfig { url: redis://user:***@host:7/2, connections: 2, lazy: true }"
    );
    for url in [
        "redis://:s3cret@h",
        "redis://u:%733cret%40@h",
        "redis-sentinel://h?service=m&sentinel_user=u&sentinel_password=s3cret",
        "redis://h:s3cret",
        "redis://s3cret@h",
        "redis://u:a/s3cret@h",
        "redis://h?sentinel_pasword=s3cret",
        "s3cret@h",
        "\tredis://:s3cret@h",
        "red\nis://:s3cret@h",
    ] {
        let shown = format!("{:?}", CacheConfig::redis(url));
        assert!(!shown.contains("s3cret") && !shown.contains("%733cret"), "{shown}");
    }
    Ok(())
}
