//! What a configuration may say, in files, in code and in the environment, and how a wrong one is refused.
#![cfg(feature = "memory")]

use std::env;
use std::process::Command;
use std::time::Duration;

use cache::prelude::*;
use cache::{CacheConfig, Error, ErrorKind};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

/// What an application has of its own, with the cache somewhere in it.
#[derive(Debug, Deserialize)]
struct AppConfig {
    services: Services,
}

#[derive(Debug, Deserialize)]
struct Services {
    cache: CacheConfig,
}

fn read(table: &Value) -> Result<CacheConfig, Error> {
    CacheConfig::from_deserializer(table)
}

/// The message of the error, which every way of reading the table gives.
fn flaw(table: &Value) -> String {
    let error = read(table).err().unwrap_or_else(|| panic!("{table} is taken"));
    assert_eq!(error.kind(), ErrorKind::Config, "{table}: {error}");
    let said = error.to_string();
    let flaw = said.strip_prefix("configure: ").unwrap_or_else(|| panic!("{said}"));
    let app = json!({ "services": { "cache": table } }).to_string();
    let within = serde_json::from_str::<AppConfig>(&app).expect_err("it is refused").to_string();
    assert!(within.starts_with(flaw), "{flaw} is not in {within}");
    flaw.to_owned()
}

fn refused(table: &Value, parts: &[&str]) {
    let flaw = flaw(table);
    for part in parts {
        assert!(flaw.contains(part), "{part:?} is missing for {table}: {flaw}");
    }
}

#[test]
fn every_way_to_say_it_means_the_same() -> Result<(), Error> {
    let table = json!({
        "driver": "memory", "config": { "max_entries": 1000 },
        "prefix": "app", "default_ttl": "30m", "max_value_bytes": 5000,
    });
    let code: CacheConfig = CacheConfig::memory()
        .max_entries(1000)
        .prefix("app")
        .default_ttl("30m")
        .max_value_bytes(5000)
        .into();
    assert_eq!(read(&table)?, code);
    let url = "memory:?max_entries=1000&default_ttl=30m&prefix=app&max_value_bytes=5000";
    assert_eq!(CacheConfig::from_url(url)?, code);
    #[cfg(feature = "json")]
    assert_eq!(CacheConfig::from_json(&table.to_string())?, code);
    let toml = "prefix = 'app'\nmax_value_bytes = 5000\ndefault_ttl = '30m'\ndriver = 'memory'\n\
                [config]\nmax_entries = 1000";
    #[cfg(feature = "toml")]
    assert_eq!(CacheConfig::from_toml(toml)?, code);
    assert_eq!(toml::from_str::<CacheConfig>(toml).expect("it is TOML"), code);
    let app = json!({ "services": { "cache": table } });
    let app = AppConfig::deserialize(&app).expect("it is a configuration");
    assert_eq!(app.services.cache, code);
    Ok(())
}

#[test]
fn whatever_is_not_said_may_be_left_out() -> Result<(), Error> {
    let plain = CacheConfig::from(CacheConfig::memory());
    for table in [
        json!({ "driver": "memory" }),
        json!({ "driver": "memory", "config": {} }),
        json!({ "driver": "memory", "config": null, "prefix": null, "default_ttl": null }),
        json!({ "config": { "max_bytes": null }, "driver": "memory" }),
    ] {
        assert_eq!(read(&table)?, plain, "{table}");
    }
    for url in ["memory:", "memory://", "memory:?", "MEMORY:", "Memory:?"] {
        assert_eq!(CacheConfig::from_url(url)?, plain, "{url}");
    }
    Ok(())
}

#[test]
fn a_ttl_has_all_its_forms() -> Result<(), Error> {
    for (said, ttl) in [
        (json!("30m"), Ttl::minutes(30)),
        (json!("1 hour 30 minutes"), Ttl::minutes(90)),
        (json!(90), Ttl::seconds(90)),
        (json!("forever"), Ttl::FOREVER),
        (json!("default"), Ttl::DEFAULT),
    ] {
        let config = read(&json!({ "driver": "memory", "default_ttl": said }))?;
        assert_eq!(config, CacheConfig::memory().default_ttl(ttl).into(), "{said}");
    }
    Ok(())
}

#[test]
fn a_number_of_a_program_that_keeps_all_digits_is_one() -> Result<(), Error> {
    // As `serde_json` hands it out where any crate of the program enables `arbitrary_precision`.
    let number = |digits: &str| json!({ "$serde_json::private::Number": digits });
    let table = json!({ "driver": "memory", "config": { "max_entries": number("7") }, "default_ttl": number("60") });
    assert_eq!(read(&table)?, CacheConfig::memory().max_entries(7).default_ttl(60).into());
    refused(
        &json!({ "driver": "memory", "config": { "max_entries": number("1.5") } }),
        &["`config.max_entries` is a number that is not whole"],
    );
    for (digits, kind) in [
        ("1e3", "a point or an exponent"),
        (
            "18446744073709551616",
            "too large, and must be a whole number above zero, 18446744073709551615",
        ),
        (&"9".repeat(50), "too large"),
    ] {
        refused(
            &json!({ "driver": "memory", "config": { "max_entries": number(digits) } }),
            &[kind],
        );
    }
    refused(&number("5"), &["the configuration is a number"]);
    let mut beside = table;
    beside["$serde_json::private::Number"] = json!("7");
    refused(&beside, &["whose name is not shown is not known"]);
    #[cfg(feature = "json")]
    {
        let error = CacheConfig::from_json(&beside.to_string()).unwrap_err().to_string();
        assert!(error.contains("whose name is not shown is not known"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn settings_do_what_they_say() -> Result<(), Error> {
    let config = json!({
        "driver": "memory", "config": { "max_entries": 2 },
        "default_ttl": "90m", "max_value_bytes": 100,
    });
    let cache = read(&config)?.connect().await?;
    cache.put("k", "v", Ttl::DEFAULT).await?;
    let left = cache.ttl("k").await?.and_then(Ttl::duration).expect("a lifetime");
    assert!(left <= Duration::from_secs(5_400) && left > Duration::from_secs(5_390), "{left:?}");
    let large = cache.put("k", &"x".repeat(101), "1h").await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge);
    for n in 0..10 {
        cache.put(format!("k{n}"), &n, "1h").await?;
    }
    let there = cache.get_many::<u8>((0..10).map(|n| format!("k{n}"))).await?;
    assert!(there.iter().flatten().count() <= 2);

    let bytes = CacheConfig::memory().max_entries(5).max_bytes(1000).connect().await?;
    let large = bytes.put("k", &"x".repeat(1_000), "1h").await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge, "the later of the two holds");
    Ok(())
}

#[tokio::test]
async fn one_configuration_opens_several_caches() -> Result<(), Error> {
    let config = CacheConfig::from_url("memory:?prefix=app")?.default_ttl(Ttl::FOREVER);
    let (one, other) = (config.connect().await?, config.clone().connect().await?);
    one.put("k", "v", Ttl::DEFAULT).await?;
    assert_eq!(one.ttl("k").await?, Some(Ttl::FOREVER));
    assert!(!other.has("k").await?);
    Ok(())
}

#[test]
fn what_is_wrong_is_named_with_its_path_and_what_to_do() {
    let memory = |config: Value| json!({ "driver": "memory", "config": config });
    for (table, parts) in [
        (json!([]), &["the configuration is a list", "a table with `driver`"][..]),
        (json!("memory:"), &["the configuration is text"]),
        (json!(null), &["`driver` is missing", "`memory` or `redis`"]),
        (json!({}), &["`driver` is missing", "`memory` or `redis`"]),
        (json!({ "driver": null }), &["`driver` is missing"]),
        (json!({ "driver": 5 }), &["`driver` is a number", "`memory` or `redis`"]),
        (
            json!({ "driver": "memcached" }),
            &["`driver` is `memcached`, and must be `memory` or `redis`"],
        ),
        (json!({ "driver": "memory:" }), &["`driver` is text, and must be `memory` or `redis`"]),
        (json!({ "driver": "Memory" }), &["`Memory`", "`memory` or `redis`"]),
        (memory(json!("x")), &["`config` is text", "a table", "`max_entries`"]),
        (memory(json!({ "max_entries": 0 })), &["`config.max_entries` is 0", "above zero"]),
        (memory(json!({ "max_entries": -1 })), &["`config.max_entries` is -1", "above zero"]),
        (
            memory(json!({ "max_entries": 1.5 })),
            &["`config.max_entries`", "a number that is not whole"],
        ),
        (memory(json!({ "max_entries": 1000.0 })), &["a number with a point or an exponent"]),
        (
            memory(json!({ "max_entries": 1e30 })),
            &["a number that is too large", "18446744073709551615 at most"],
        ),
        (memory(json!({ "max_entries": "9" })), &["`config.max_entries` is text", "quotes"]),
        (memory(json!({ "max_entries": [9] })), &["`config.max_entries` is a list"]),
        (memory(json!({ "max_entries": { "a": {} } })), &["`config.max_entries` is a table"]),
        (memory(json!({ "max_bytes": true })), &["`config.max_bytes` is a boolean"]),
        (memory(json!({ "max_bytes": 0 })), &["`config.max_bytes` is 0"]),
        (
            memory(json!({ "max_entries": 1, "max_bytes": 1 })),
            &["`config.max_entries` and `config.max_bytes` exclude each other"],
        ),
        (
            memory(json!({ "maxSize": 1000 })),
            &["`config.maxSize` is not known", "`config.max_entries` or `config.max_bytes`"],
        ),
        (
            memory(json!({ "maxEntries": 1 })),
            &["`config.maxEntries`", "write `config.max_entries`"],
        ),
        (memory(json!({ "max_entrees": 1 })), &["write `config.max_entries`"]),
        (memory(json!({ "ttl": 1 })), &["write `default_ttl` beside `driver`"]),
        (memory(json!({ "prefix": "x" })), &["write `prefix` beside `driver`"]),
        (memory(json!({ "nonsense": 1 })), &["`config.nonsense`", "`max_entries`, `max_bytes`"]),
        (
            memory(json!({ "url": "x" })),
            &[
                "`config.url`",
                "the driver `redis` has `url`",
                "remove it, or choose the driver `redis`",
            ],
        ),
        (
            json!({ "driver": "memory", "max_entries": 1 }),
            &["`max_entries` is not known", "it belongs into `config`: write `config.max_entries`"],
        ),
        (json!({ "driver": "memory", "nonsense": null }), &["`nonsense`", "`default_ttl`"]),
        (json!({ "driver": "memory", "defaultTtl": 1 }), &["write `default_ttl`"]),
        (json!({ "driver": "memory", "prefix": 5 }), &["`prefix` is a number", "text"]),
        (json!({ "driver": "memory", "prefix": "" }), &["`prefix`", "1 to 255 bytes"]),
        (json!({ "driver": "memory", "prefix": "a#b" }), &["`prefix` is `a#b`", "`#`"]),
        (
            json!({ "driver": "memory", "prefix": "a\n" }),
            &["`prefix` is `a\\n`", "control characters"],
        ),
        (json!({ "driver": "memory", "prefix": "a\0b" }), &["`prefix`", "control characters"]),
        (json!({ "driver": "memory", "prefix": "x".repeat(256) }), &["`prefix`", "255 bytes"]),
        (json!({ "driver": "memory", "default_ttl": "5x" }), &["`default_ttl`", "\"5x\"", "30s"]),
        (json!({ "driver": "memory", "default_ttl": "60" }), &["`default_ttl`", "\"60s\""]),
        (json!({ "driver": "memory", "default_ttl": 0 }), &["`default_ttl` is zero", "30m"]),
        (json!({ "driver": "memory", "default_ttl": -1 }), &["`default_ttl`", "-1 seconds"]),
        (json!({ "driver": "memory", "default_ttl": 1.5 }), &["`default_ttl`", "not whole", "30s"]),
        (json!({ "driver": "memory", "default_ttl": u64::MAX }), &["`default_ttl`", "forever"]),
        (json!({ "driver": "memory", "max_value_bytes": 0 }), &["`max_value_bytes` is 0"]),
        (json!({ "driver": "memory", "max_value_bytes": "1MB" }), &["`max_value_bytes` is text"]),
    ] {
        refused(&table, parts);
    }
    let long = "x".repeat(10_000);
    for table in [json!({ "driver": long }), json!({ "driver": "memory", long: 1 })] {
        assert!(flaw(&table).len() < 300);
    }
}

#[cfg(not(feature = "redis"))]
#[test]
fn a_driver_that_is_not_built_names_its_feature() {
    let table = json!({ "driver": "redis", "config": { "url": "redis://:s3cret@h" } });
    refused(&table, &["`driver` is `redis`", "enable the feature `redis`"]);
    let error = CacheConfig::from_url("redis://:s3cret@h").unwrap_err().to_string();
    assert!(error.contains("enable the feature `redis`") && !error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn what_is_wrong_in_code_is_an_error_of_connect() {
    for (config, named) in [
        (CacheConfig::memory().max_entries(0), "`config.max_entries` is 0"),
        (CacheConfig::memory().max_bytes(0), "`config.max_bytes` is 0"),
        (CacheConfig::memory().default_ttl("5x"), "`default_ttl` cannot be used: \"5x\""),
        (CacheConfig::memory().default_ttl(0), "`default_ttl` is zero"),
        (CacheConfig::memory().default_ttl(-1), "-1 seconds"),
        (CacheConfig::memory().prefix("{a}"), "`prefix` is `{a}`"),
        (CacheConfig::memory().prefix("a\t"), "without `#`, `{`, `}` and control characters"),
        (CacheConfig::memory().max_value_bytes(0), "`max_value_bytes` is 0"),
    ] {
        let error = CacheConfig::from(config.clone()).connect().await.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(named), "{error}");
        let same = config.connect().await.expect_err("an error");
        assert_eq!(same.to_string(), error.to_string());
    }
}

#[cfg(feature = "json")]
#[test]
fn what_is_no_json_is_named_with_its_place() {
    for (text, parts) in [
        ("", &["cannot be read", "line 1 column 0"][..]),
        ("{", &["the configuration cannot be read: EOF", "line 1"]),
        ("{'driver':1}", &["the configuration cannot be read: key must be a string at line 1"]),
        ("{\"driver\":\"memory\",\"config\":{", &["at a key `config`: EOF"]),
        (
            "{ \"driver\": \"memory\", \"config\": { \"max_entries\": 1e3 } }",
            &["a point or an exponent"],
        ),
        (
            "{ \"driver\": \"memory\", \"config\": { \"max_entries\": 18446744073709551616 } }",
            &["a number that is too large"],
        ),
        ("{ \"driver\": memory }", &["`driver`", "line 1 column"]),
        (
            "{ \"driver\": \"memory\",\n\"config\": { \"max_entries\": x } }",
            &["`config.max_entries`", "line 2"],
        ),
        ("{ \"driver\": \"memory\" } x", &["trailing characters"]),
        ("{ \"driver\": \"memory\", \"driver\": \"memory\" }", &["`driver` is given twice"]),
        (
            "{ \"driver\": \"memory\", \"config\": { \"max_bytes\": 1, \"max_bytes\": 2 } }",
            &["`config.max_bytes` is given twice"],
        ),
    ] {
        let error = CacheConfig::from_json(text).err().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(error.kind(), ErrorKind::Config);
        let said = error.to_string();
        assert!(parts.iter().all(|part| said.contains(part)), "{parts:?}: {said}");
    }
    let deep = format!("{{ \"driver\": {} }}", "[".repeat(100_000));
    assert_eq!(CacheConfig::from_json(&deep).unwrap_err().kind(), ErrorKind::Config);
}

#[cfg(feature = "toml")]
#[test]
fn what_is_no_toml_is_named_with_its_place_and_not_quoted() {
    const TOO_LARGE: &[&str] =
        &["at a key `config.password`: integer number overflowed at line 4 column"];
    for (text, parts) in [
        ("driver = memory", &["line 1 column"][..]),
        ("driver = 'redis'\n[config]\nurl = 'redis://:s3cret@h", &["line 3 column"]),
        ("driver = 'redis'\nurl: 'redis://:s3cret@h'", &["line 2 column"]),
        ("driver = 'redis'\n'redis://:s3cret@h' = 1\n'redis://:s3cret@h' = 2", &["line 3"]),
        ("'redis://:s3cret@h", &["line 1"]),
        ("driver = 'memory'\ndriver = 'memory'", &["line 2"]),
        ("", &["`driver` is missing"]),
        ("driver = 1979-05-27", &["`driver` is a date or a time, and must be"]),
        ("driver = 'memory'\ndefault_ttl = 07:32:00", &["`default_ttl` is a date or a time"]),
        (
            "driver = 'redis'\n[config]\nurl = 'redis://:s3cret@h'\npassword = 99999999999999999999999999999999999999999",
            TOO_LARGE,
        ),
    ] {
        let error = CacheConfig::from_toml(text).err().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(error.kind(), ErrorKind::Config);
        let said = format!("{error} {error:?}");
        assert!(parts.iter().all(|part| said.contains(part)), "{parts:?}: {said}");
        assert!(!said.contains("s3cret") && !said.contains('\n'), "{said}");
    }
    let deep = format!("driver = {}", "[".repeat(100_000));
    assert_eq!(CacheConfig::from_toml(&deep).unwrap_err().kind(), ErrorKind::Config);
}

/// Tables with a secret in every place in which one could be put by mistake, in each form of a URL.
fn with_secrets() -> Vec<Value> {
    let mut tables = vec![];
    for url in [
        "redis://:s3cret@h:6379",
        "redis://user:s3cret@host:port",
        "redis://:s3cret@",
        "redis://user:s3cret@h?nonsense=1",
        "redis://default:/s3cret@host",
        "redis://default:7/s3cret%40host",
        "redis://default:?s3cret@host",
        "redis://default:a?connections=s3cret@host",
        "redis-sentinel://h?sentinel_user=u&sentinel_password=s3cret",
        "redis-sentinel://h?service=m&sentinel_user=u&sentinel_password=s3cret&lazy=2",
        "redis-sentinel://h?service=m&sentinel_pasword=s3cret",
        "redis-cluster://h?node=u:s3cret%40h",
        "redis-cluster://h?node=redis%3A%2F%2Fu%3As3cret%2540h",
        "redis%3A%2F%2F%3As3cret%40h",
        "redis-nonsense://:s3cret@h",
        "nonsense://:s3cret@h",
        "//:s3cret@h#x",
        ":s3cret@h",
        "user:s3cret@h{}",
        "redis://:s3cret@h\n",
        "redis://h/0?sentinel_password=s3cret ",
        " redis://:s3cret@h",
        "re\ndis://:s3cret@h",
    ] {
        for secret in [json!(url), json!([url]), json!({ "x": url }), json!({ url: url })] {
            tables.extend([
                secret.clone(),
                json!({ "driver": secret }),
                json!({ url: "memory" }),
                json!({ "driver": "memory", "config": secret }),
                json!({ "driver": "memory", "default_ttl": secret }),
                json!({ "driver": "memory", "prefix": secret, "nonsense": 1 }),
                json!({ "driver": "memory", "max_value_bytes": secret }),
                json!({ "driver": "memory", url: secret }),
                json!({ "driver": "memory", "config": { "max_entries": secret } }),
                json!({ "driver": "memory", "config": { url: secret } }),
                json!({ "driver": "redis", "url": secret }),
                json!({ "driver": "redis", "config": secret }),
                json!({ "driver": "redis", "config": { "url": secret, "nonsense": 1 } }),
                json!({ "driver": "redis", "config": { "url": secret }, "default_ttl": "5x" }),
                json!({ "driver": "redis", "config": { "url": "redis://h", "ca": secret } }),
                json!({ "driver": "redis", "config": { "url": "redis://h", "lazy": secret } }),
                json!({ "driver": "redis", "config": { "url": "redis://h", url: secret } }),
                json!({ "driver": "redis", "config": { "url": "redis://h", "command_timeout": secret } }),
            ]);
        }
    }
    tables
}

#[test]
fn no_secret_is_shown_wherever_it_was_put_by_mistake() {
    for table in with_secrets() {
        let said = format!("{} {:?}", flaw(&table), read(&table));
        assert!(!said.contains("s3cret"), "{said}");

        let app = json!({ "services": { "cache": table } });
        let error = serde_json::from_str::<AppConfig>(&app.to_string()).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("s3cret"), "{said}");

        // An error that comes of a text quotes it, so it is read as a table first.
        let Ok(app) = toml::Table::try_from(&app) else { panic!("{app} is no TOML") };
        let text = app.to_string();
        let error = toml::from_str::<AppConfig>(&text).unwrap_err();
        assert!(!error.message().contains("s3cret"), "{table}: {}", error.message());
        let error = app.try_into::<AppConfig>().unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("s3cret"), "{said}");

        #[cfg(feature = "json")]
        {
            let error = CacheConfig::from_json(&table.to_string()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{table}: {error:?}");
        }
        #[cfg(feature = "toml")]
        if let Ok(table) = toml::Table::try_from(&table) {
            let text = table.to_string();
            let error = CacheConfig::from_toml(&text).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(!said.contains("s3cret") && !said.contains('\n'), "{said}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_shown_of_what_is_written_in_code() {
    let config =
        CacheConfig::memory().prefix("redis://:s3cret@h#").default_ttl("redis://:s3cret@h");
    assert!(!format!("{config:?}").contains("s3cret"), "{config:?}");
    for config in [config.clone(), config.default_ttl("1h")] {
        let error = config.connect().await.expect_err("an error");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn it_is_printed_with_what_is_set() {
    let config = CacheConfig::memory().max_entries(9).default_ttl("90m").prefix("a:b");
    let shown = r"MemoryConfig { max_entries: 9, prefix: `a:b`, default_ttl: 1h30m }";
    assert_eq!(format!("{config:?}"), shown);
    assert_eq!(format!("{:?}", CacheConfig::from(config)), shown);
}

/// The other half of the test below, in a process of its own: what cargo runs this test with is not set.
#[tokio::test]
async fn child_reads_its_environment() {
    let Ok(expected) = env::var("CACHE_TEST_EXPECTS") else { return };
    let told = match cache::from_env().await {
        Ok(cache) => {
            cache.put("k", "v", Ttl::DEFAULT).await.expect("it is open");
            let left = cache.ttl("k").await.expect("it is open").expect("it is stored");
            if left.is_forever() { "forever".to_owned() } else { "an hour".to_owned() }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Config);
            error.to_string()
        }
    };
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn the_environment_says_which_cache() {
    for (url, expected) in [
        (None, "an hour"),
        (Some("memory:?default_ttl=forever"), "forever"),
        (Some(""), "`CACHE_URL` cannot be used: it is empty. Set it to a URL"),
        (Some("nonsense://x"), "`CACHE_URL` cannot be used: `nonsense`"),
    ] {
        let mut child = Command::new(env::current_exe().expect("the path of this test"));
        child.args(["--exact", "child_reads_its_environment", "--nocapture"]);
        child.env_remove("CACHE_URL").env("CACHE_TEST_EXPECTS", expected);
        if let Some(url) = url {
            child.env("CACHE_URL", url);
        }
        let output = child.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{url:?}: {said}");
    }
}

#[cfg(feature = "redis")]
mod on_redis {
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
            (
                json!({ "url": "redis://h", "connections": 0 }),
                &["`config.connections` is 0", "1024"],
            ),
            (json!({ "url": "redis://h", "connections": 1025 }), &["`config.connections`", "1024"]),
            (json!({ "url": "redis://h", "command_timeout": 0 }), &["`config.command_timeout`"]),
            (
                json!({ "url": "redis://h", "connect_timeout": "forever" }),
                &["`config.connect_timeout` is `forever`", "`1s`"],
            ),
            (json!({ "url": "redis://h", "command_timeout": "1" }), &["\"1s\""]),
            (json!({ "url": "redis://h", "lazy": "true" }), &["`config.lazy` is text", "quotes"]),
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
        refused(
            &misplaced,
            &["`url` is not known", "it belongs into `config`: write `config.url`"],
        );
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
}

/// Any value that JSON can say, with the words of a configuration more often than chance would have them.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "driver",
            "config",
            "prefix",
            "default_ttl",
            "max_value_bytes",
            "max_entries",
            "max_bytes",
            "url",
            "connections",
            "lazy",
            "ca",
            "command_timeout",
            "memory",
            "redis",
            "redis://h",
            "memory:",
            "1h",
            "forever",
            "redis://u:p@h?lazy=true&x",
            "maxSize",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let table = prop::collection::vec((word.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            table.clone().prop_map(|entries| entries.into_iter().collect()),
            (prop::sample::select(vec!["memory", "redis"]), inner, table).prop_map(
                |(driver, config, rest)| {
                    let mut table: serde_json::Map<_, _> = rest.into_iter().collect();
                    table.insert("driver".into(), driver.into());
                    table.insert("config".into(), config);
                    Value::from(table)
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_said_is_taken_or_refused(table in any_json()) {
        match read(&table) {
            Ok(config) => prop_assert_eq!(read(&table).unwrap(), config),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Config),
        }
    }

    #[test]
    fn whatever_is_a_url_is_taken_or_refused(
        url in prop_oneof![
            any::<String>(),
            "(memory|redis|redis-cluster|x):(//)?[a-z:@/?#&=%]{0,30}",
            "memory:\\?((max_entries|max_bytes|prefix|default_ttl|x)=[0-9a-z%#]{0,4}&?){0,4}",
        ]
    ) {
        if let Err(error) = CacheConfig::from_url(&url) {
            prop_assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}
