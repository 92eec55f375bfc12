//! Tags, as a store offers them: an entry is served while its tags have the versions it was stored under.

use super::{Capability, Case, Rig, case};
use crate::{Key, Lifetime, Payload, Store, Tag, TagStore, TagVersions, Tagging, Terms};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(a_flush_of_one_tag_takes_its_entries_away),
        case!(what_was_read_before_a_flush_is_not_served_after_it),
        case!(a_put_without_tags_is_free_of_them),
        case!(a_flush_of_values_leaves_versions_alone),
    ]
    .map(|case| case.needing(Capability::Tags))
    .into()
}

const VALUE: Payload<'static> = Payload::Encoded(b"value");

fn key(text: &str) -> Key<'_> {
    Key::new(text).expect("a key")
}

fn tags<const N: usize>(names: [&str; N]) -> [Tag<'_>; N] {
    names.map(|name| Tag::new(name).expect("a tag"))
}

fn tagging(store: &dyn Store) -> &dyn TagStore {
    store.tags().expect("the case needs tags")
}

async fn put(store: &dyn Store, name: &str, tags: Tagging<'_>) {
    store.put(key(name), VALUE, Terms::tagged(Lifetime::Forever, tags)).await.unwrap();
}

async fn has(store: &dyn Store, name: &str) -> bool {
    let there = store.has(key(name)).await.unwrap();
    assert_eq!(store.get(key(name)).await.unwrap().is_some(), there);
    there
}

async fn versions(store: &dyn Store, names: &[Tag<'_>]) -> TagVersions {
    tagging(store).versions(names).await.unwrap()
}

async fn a_flush_of_one_tag_takes_its_entries_away(rig: Rig) {
    let store = &*rig.store().await;
    put(store, "both", Tagging::Current(&tags(["users", "active"]))).await;
    put(store, "one", Tagging::Current(&tags(["users"]))).await;
    put(store, "other", Tagging::Current(&tags(["posts"]))).await;
    assert!(has(store, "both").await && has(store, "one").await && has(store, "other").await);
    tagging(store).flush(&tags(["active"])).await.unwrap();
    assert!(!has(store, "both").await);
    assert!(has(store, "one").await && has(store, "other").await);
    put(store, "both", Tagging::Current(&tags(["users", "active"]))).await;
    assert!(has(store, "both").await, "what is put after a flush is served");
}

async fn what_was_read_before_a_flush_is_not_served_after_it(rig: Rig) {
    let store = &*rig.store().await;
    let seen = versions(store, &tags(["users"])).await;
    assert_eq!(seen, versions(store, &tags(["users"])).await, "a version stays until a flush");
    tagging(store).flush(&tags(["users"])).await.unwrap();
    put(store, "k", Tagging::AsOf(&seen)).await;
    assert!(!has(store, "k").await);
    let now = versions(store, &tags(["users"])).await;
    assert_ne!(seen, now);
    put(store, "k", Tagging::AsOf(&now)).await;
    assert!(has(store, "k").await);
}

async fn a_put_without_tags_is_free_of_them(rig: Rig) {
    let store = &*rig.store().await;
    put(store, "k", Tagging::Current(&tags(["users"]))).await;
    put(store, "k", Tagging::Untagged).await;
    tagging(store).flush(&tags(["users"])).await.unwrap();
    assert!(has(store, "k").await);
}

async fn a_flush_of_values_leaves_versions_alone(rig: Rig) {
    let store = &*rig.store().await;
    let before = versions(store, &tags(["users", "posts"])).await;
    store.flush().await.unwrap();
    assert_eq!(versions(store, &tags(["users", "posts"])).await, before);
}
