//! Tags of every name and number: each is a tag of its own.

use std::sync::Arc;

use super::tags::{VALUE, flush, has, key, present, put, put_integer, tagging, tags, versions};
use super::{Capability, Case, Rig, case};
use crate::{Cache, Lifetime, Store, Tag, Tagging, Terms};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(odd_tags_are_tags_and_apart),
        case!(a_tag_may_be_named_like_a_key),
        case!(a_hundred_keys_bear_a_hundred_tags),
        case!(a_hundred_keys_bear_a_tag_each),
        case!(an_entry_bears_as_many_and_as_long_tags_as_are_allowed),
    ]
    .map(|case| case.needing(Capability::Tags))
    .into()
}

/// Each is a tag of its own, whatever a store might make of its text.
async fn odd_tags_are_tags_and_apart(rig: Rig) {
    const ODD: [&str; 24] = [
        "users",
        "Users",
        "USERS",
        "users ",
        " users",
        "users\n",
        "users\0",
        "user",
        "users:",
        "tag:users",
        "lock:{users}",
        "{users}",
        "{x}y",
        "}{",
        "#",
        "*",
        "users*",
        "?",
        "[a-z]",
        "%s",
        "\u{fc}sers",
        "u\u{308}sers",
        "\u{1f511}",
        "$",
    ];
    let store = &*rig.store().await;
    for name in ODD {
        put(store, name, Tagging::Current(&tags([name]))).await;
    }
    put(store, "all", Tagging::Current(&tags(ODD))).await;
    let mut left = Vec::from(ODD);
    assert_eq!(present(store, &ODD).await, left);
    for name in ODD {
        flush(store, [name]).await;
        left.retain(|there| *there != name);
        assert_eq!(present(store, &ODD).await, left, "after a flush of {name:?}");
        assert!(!has(store, "all").await, "it bears {name:?}");
    }
}

async fn a_tag_may_be_named_like_a_key(rig: Rig) {
    let store = &*rig.store().await;
    let names = ["k", "tag:k", "#tag:k", "cache:k"];
    for name in names {
        put(store, name, Tagging::Untagged).await;
    }
    let seen = versions(store, &tags(names)).await;
    put(store, "bears", Tagging::Current(&tags(names))).await;
    // Neither do values take versions for their own ...
    for name in names {
        put(store, name, Tagging::Untagged).await;
        put_integer(store, name, 7, &[]).await;
        assert!(store.forget(key(name)).await.unwrap());
        put(store, name, Tagging::Untagged).await;
    }
    assert_eq!(versions(store, &tags(names)).await, seen);
    assert!(has(store, "bears").await);
    // ... nor versions the place of values.
    flush(store, names).await;
    assert_eq!(present(store, &names).await, names);
    assert!(!has(store, "bears").await);
    // A key may bear a tag of its own name.
    put(store, "k", Tagging::Current(&tags(["k"]))).await;
    flush(store, ["k"]).await;
    assert_eq!(present(store, &names).await, &names[1..]);
}

fn numbered(word: &str) -> Vec<String> {
    (0..100).map(|n| format!("{word}{n}")).collect()
}

async fn a_hundred_keys_bear_a_hundred_tags(rig: Rig) {
    let store = &*rig.store().await;
    let (keys, names) = (numbered("k"), numbered("t"));
    let all: Vec<_> = names.iter().map(|name| Tag::new(name).unwrap()).collect();
    let entries: Vec<_> = keys.iter().map(|name| (key(name), VALUE)).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    put(store, "none", Tagging::Untagged).await;
    for flushed in [0, 50, 99] {
        let terms = Terms::tagged(Lifetime::Forever, Tagging::Current(&all));
        store.put_many(&entries, terms).await.unwrap();
        assert_eq!(present(store, &keys).await, keys);
        tagging(store).flush(&all[flushed..=flushed]).await.unwrap();
        assert_eq!(present(store, &keys).await, [""; 0], "one of a hundred was flushed");
    }
    assert!(has(store, "none").await);
}

async fn a_hundred_keys_bear_a_tag_each(rig: Rig) {
    let store = &*rig.store().await;
    let (keys, names) = (numbered("k"), numbered("t"));
    for (name, tag) in keys.iter().zip(&names) {
        // Even ones have a tag in common as well.
        let both = tags([tag, "even"]);
        let even = name.ends_with(['0', '2', '4', '6', '8']);
        put(store, name, Tagging::Current(if even { &both } else { &both[..1] })).await;
    }
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    assert_eq!(present(store, &keys).await, keys);
    flush(store, ["t7", "t50", "t99"]).await;
    let mut left = keys.clone();
    left.retain(|name| !["k7", "k50", "k99"].contains(name));
    assert_eq!(present(store, &keys).await, left, "each has a tag of its own");
    flush(store, ["even"]).await;
    left.retain(|name| name.ends_with(['1', '3', '5', '7', '9']));
    assert_eq!(present(store, &keys).await, left);
}

async fn an_entry_bears_as_many_and_as_long_tags_as_are_allowed(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let cache = Cache::new(Arc::clone(&store));
    // They differ at their ends only: one that was cut short would be another's.
    let long: Vec<_> = (0..Tag::MAX_PER_ENTRY).map(|n| format!("{n:0>4096}")).collect();
    let long: Vec<_> = long.iter().map(|name| Tag::new(name).unwrap()).collect();
    let (last, but_last) = long.split_last().unwrap();
    cache.writer(&long).put("all", "v", "1h").await.unwrap();
    cache.writer(but_last).put("all but the last", "v", "1h").await.unwrap();
    cache.writer(&[*last]).put("the last", "v", "1h").await.unwrap();
    let names = ["all", "all but the last", "the last"];
    assert_eq!(present(&*store, &names).await, names);
    assert_eq!(versions(&*store, &long).await.iter().count(), Tag::MAX_PER_ENTRY);
    cache.writer(&[*last]).flush().await.unwrap();
    assert_eq!(present(&*store, &names).await, ["all but the last"]);
    // The first and the middle one count as well, and all of them can be flushed together.
    for flushed in [&long[..1], &long[127..128], &long[..]] {
        cache.writer(&long).put("all", "v", "1h").await.unwrap();
        assert_eq!(present(&*store, &["all"]).await, ["all"]);
        cache.writer(flushed).flush().await.unwrap();
        assert_eq!(present(&*store, &names).await, [""; 0]);
    }
}
