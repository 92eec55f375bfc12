//! Names, leases and waits: what is one, and what is told of the rest.

use cache_core::conformance::{Capability, Case, Rig};
use cache_core::{ErrorKind, Key, Tag, Ttl};

use super::{NAME, case, kind, shared, taken};
use crate::Locks;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(odd_names_are_names_and_apart),
        case!(names_are_apart_from_keys),
        case!(names_are_apart_from_tags).needing(Capability::Tags),
        case!(what_is_no_name_is_refused),
        case!(what_is_no_lease_is_refused),
        case!(what_is_no_wait_is_refused),
    ]
}

async fn odd_names_are_names_and_apart(rig: Rig) {
    let cache = rig.cache().await;
    let longest = "n".repeat(Key::MAX_BYTES);
    let long = [
        &longest,
        &longest[1..],
        &format!("{}m", &longest[1..]),
        &format!("m{}", &longest[1..]),
        &"ß".repeat(Key::MAX_BYTES / 2),
    ];
    let mut names: Vec<&str> = long.map(|name| name).into();
    names.extend([
        "{}",
        "{",
        "}",
        "}{",
        "{}}",
        "a{b}c",
        "{a}",
        "a",
        "A",
        "%",
        "%s",
        "%7B%7D",
        " ",
        "a ",
        " a",
        "a b",
        "\n",
        "a\n",
        "\r\n",
        "\0",
        "a\0",
        "\u{feff}",
        "ä",
        "a\u{308}",
        "锁",
        "🔒",
        "*",
        "?",
        "[a]",
        "\\",
        "\"",
        "'",
        "#",
        "#lock:{a}",
        "lock:{a}",
        "lock:a",
        "fence:{a}",
        "tag:a",
        ":",
    ]);
    let mut guards = vec![];
    for name in &names {
        let guard = cache.lock(name, "1m").try_acquire().await.unwrap();
        guards.push(guard.unwrap_or_else(|| panic!("{name:.20?} is held as another")));
    }
    for (name, guard) in names.iter().zip(guards) {
        assert_eq!(guard.name(), *name);
        assert!(cache.lock(name, "1m").try_acquire().await.unwrap().is_none(), "{name:.20?}");
        assert!(cache.inspect_lock(name).await.unwrap().is_some(), "{name:.20?}");
        guard.release().await.unwrap();
        assert!(cache.inspect_lock(name).await.unwrap().is_none(), "{name:.20?}");
    }
}

async fn names_are_apart_from_keys(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    one.put(NAME, "v", "1h").await.unwrap();
    let guard = taken(&one).await.unwrap();
    assert_eq!(other.get::<String>(NAME).await.unwrap().as_deref(), Some("v"));
    assert!(other.forget(NAME).await.unwrap());
    assert!(!other.has(NAME).await.unwrap() && taken(&other).await.is_none());
    assert_eq!(other.increment(NAME).await.unwrap(), 1);
    guard.release().await.unwrap();
    assert_eq!(other.get::<i64>(NAME).await.unwrap(), Some(1));
}

async fn names_are_apart_from_tags(rig: Rig) {
    let (store, one, other) = shared(&rig).await;
    let tag = [Tag::new(NAME).unwrap()];
    one.writer(&tag).put("k", "v", "1h").await.unwrap();
    let guard = taken(&one).await.unwrap();
    assert!(other.has("k").await.unwrap());
    store.tags().unwrap().flush(&tag).await.unwrap();
    assert!(!other.has("k").await.unwrap() && taken(&other).await.is_none());
    one.writer(&tag).put("k", "v", "1h").await.unwrap();
    guard.release().await.unwrap();
    assert!(other.has("k").await.unwrap());
}

async fn what_is_no_name_is_refused(rig: Rig) {
    let cache = rig.cache().await;
    for name in ["", &"n".repeat(Key::MAX_BYTES + 1)] {
        let asked = cache.lock(name, "1m");
        let refused = Some(ErrorKind::InvalidKey);
        assert_eq!(kind(asked.clone().try_acquire().await), refused);
        assert_eq!(kind(asked.clone().wait("1s").acquire().await), refused);
        assert_eq!(kind(asked.without_renewal().run(async || Ok(())).await), refused);
        assert_eq!(kind(cache.inspect_lock(name).await), refused);
        assert_eq!(kind(cache.force_release_lock(name).await), refused);
    }
}

async fn what_is_no_lease_is_refused(rig: Rig) {
    let cache = rig.cache().await;
    let requests = [
        cache.lock(NAME, 0),
        cache.lock(NAME, -1),
        cache.lock(NAME, u64::MAX),
        cache.lock(NAME, Ttl::ZERO),
        cache.lock(NAME, Ttl::FOREVER),
        cache.lock(NAME, Ttl::DEFAULT),
        cache.lock(NAME, "soon"),
        cache.lock(NAME, "30"),
        cache.lock(NAME, ""),
    ];
    for asked in requests {
        let refused = Some(ErrorKind::InvalidTtl);
        assert_eq!(kind(asked.clone().try_acquire().await), refused, "{asked:?}");
        let error = asked.clone().acquire().await.unwrap_err();
        assert!(error.to_string().contains(NAME), "of which lock is said: {error}");
        let run = asked.run(async || -> Result<(), _> { panic!("it is not run") });
        assert_eq!(kind(run.await), refused);
    }
    assert!(taken(&cache).await.is_some());
}

async fn what_is_no_wait_is_refused(rig: Rig) {
    let cache = rig.cache().await;
    let asked = cache.lock(NAME, "1m");
    for asked in [asked.clone().wait("later"), asked.clone().wait(-1), asked.wait("")] {
        let refused = Some(ErrorKind::InvalidTtl);
        assert_eq!(kind(asked.clone().try_acquire().await), refused, "{asked:?}");
        assert_eq!(kind(asked.acquire().await), refused);
    }
}
