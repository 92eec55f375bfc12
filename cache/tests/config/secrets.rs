//! That no error and no `Debug` shows a password, wherever one was put.

use super::*;

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
