//! Whatever is said, it is taken or refused.

use super::*;

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
