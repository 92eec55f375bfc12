//! How a wrong one is refused: with its path and what to write instead.

use super::*;

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
        (
            memory(json!({ "max_entries": "9" })),
            &["`config.max_entries` is text", "quotes", "have that parse numbers and booleans"],
        ),
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
