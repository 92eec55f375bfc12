//! What a configuration says, and what it does.

use super::*;

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
fn it_is_printed_with_what_is_set() {
    let config = CacheConfig::memory().max_entries(9).default_ttl("90m").prefix("a:b");
    let shown = r"MemoryConfig { max_entries: 9, prefix: `a:b`, default_ttl: 1h30m }";
    assert_eq!(format!("{config:?}"), shown);
    assert_eq!(format!("{:?}", CacheConfig::from(config)), shown);
}
