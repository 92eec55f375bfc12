//! Tags, as a store offers them: an entry is served while its tags have the versions it was stored under.
//!
//! Names and numbers of tags are in `tag_limits.rs`. What each operation makes of an entry that is not served any more is in `flushed.rs`, what comes of loads
//! in `tagged_loads.rs`, and what happens side by side in `interleaved.rs`.

use super::{Capability, Case, Rig, case, millis};
use crate::{Key, Lifetime, Payload, Store, Tag, TagStore, TagVersions, Tagging, Terms, Ttl};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(a_flush_of_one_tag_takes_its_entries_away),
        case!(a_flush_of_any_of_its_tags_takes_an_entry_away),
        case!(several_tags_are_flushed_at_once),
        case!(a_flush_of_no_tags_does_nothing),
        case!(a_tag_that_nobody_bears_can_be_flushed),
        case!(what_was_read_before_a_flush_is_not_served_after_it),
        case!(one_flushed_version_of_several_is_enough),
        case!(versions_come_in_the_order_asked),
        case!(what_was_flushed_does_not_come_back),
        case!(a_put_without_tags_is_free_of_them),
        case!(a_put_under_other_tags_is_free_of_the_old_ones),
        case!(many_are_put_under_tags_together),
        case!(a_lifetime_ends_what_is_tagged),
        case!(a_flush_of_values_leaves_versions_alone),
        case!(what_is_flushed_as_a_value_is_stored_again_under_its_tags),
    ]
    .map(|case| case.needing(Capability::Tags))
    .into()
}

pub(super) const VALUE: Payload<'static> = Payload::Encoded(b"value");

pub(super) fn key(text: &str) -> Key<'_> {
    Key::new(text).expect("a key")
}

pub(super) fn tags<const N: usize>(names: [&str; N]) -> [Tag<'_>; N] {
    names.map(|name| Tag::new(name).expect("a tag"))
}

pub(super) fn tagging(store: &dyn Store) -> &dyn TagStore {
    store.tags().expect("the case needs tags")
}

pub(super) async fn put(store: &dyn Store, name: &str, tags: Tagging<'_>) {
    store.put(key(name), VALUE, Terms::tagged(Lifetime::Forever, tags)).await.unwrap();
}

pub(super) async fn put_integer(store: &dyn Store, name: &str, integer: i64, tags: &[Tag<'_>]) {
    let terms = Terms::tagged(Lifetime::Forever, Tagging::Current(tags));
    store.put(key(name), Payload::Integer(integer), terms).await.unwrap();
}

pub(super) async fn has(store: &dyn Store, name: &str) -> bool {
    let there = store.has(key(name)).await.unwrap();
    assert_eq!(store.get(key(name)).await.unwrap().is_some(), there);
    there
}

pub(super) async fn integer(store: &dyn Store, name: &str) -> Option<i64> {
    let entry = store.get(key(name)).await.unwrap()?;
    match entry.payload() {
        Payload::Integer(integer) => Some(integer),
        Payload::Encoded(_) => panic!("{name} is no integer"),
    }
}

/// Which of `names` are there, in one call.
pub(super) async fn present<'n>(store: &dyn Store, names: &[&'n str]) -> Vec<&'n str> {
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let found = store.get_many(&keys).await.unwrap();
    assert_eq!(found.len(), names.len());
    names.iter().zip(found).filter_map(|(name, found)| found.map(|_| *name)).collect()
}

pub(super) async fn flush<const N: usize>(store: &dyn Store, names: [&str; N]) {
    tagging(store).flush(&tags(names)).await.unwrap();
}

pub(super) async fn versions(store: &dyn Store, names: &[Tag<'_>]) -> TagVersions {
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

async fn a_flush_of_any_of_its_tags_takes_an_entry_away(rig: Rig) {
    const TAGS: [&str; 3] = ["users", "active", "paying"];
    let store = &*rig.store().await;
    for flushed in TAGS {
        put(store, "all", Tagging::Current(&tags(TAGS))).await;
        put(store, "this", Tagging::Current(&tags([flushed]))).await;
        let others: Vec<_> = tags(TAGS).into_iter().filter(|tag| tag.as_str() != flushed).collect();
        put(store, "others", Tagging::Current(&others)).await;
        put(store, "none", Tagging::Untagged).await;
        flush(store, [flushed]).await;
        let left = present(store, &["all", "this", "others", "none"]).await;
        assert_eq!(left, ["others", "none"], "after a flush of {flushed}");
    }
}

async fn several_tags_are_flushed_at_once(rig: Rig) {
    let store = &*rig.store().await;
    for name in ["a", "b", "c", "d"] {
        put(store, name, Tagging::Current(&tags([name]))).await;
    }
    put(store, "ab", Tagging::Current(&tags(["a", "b"]))).await;
    put(store, "bd", Tagging::Current(&tags(["b", "d"]))).await;
    put(store, "none", Tagging::Untagged).await;
    let names = ["a", "b", "c", "d", "ab", "bd", "none"];
    // One that is named twice is flushed as well, and one that nobody bears is no obstacle.
    flush(store, ["a", "nobody", "c", "a"]).await;
    assert_eq!(present(store, &names).await, ["b", "d", "bd", "none"]);
    flush(store, ["nobody", "d"]).await;
    assert_eq!(present(store, &names).await, ["b", "none"]);
}

async fn a_flush_of_no_tags_does_nothing(rig: Rig) {
    let store = &*rig.store().await;
    put(store, "tagged", Tagging::Current(&tags(["users"]))).await;
    put(store, "none", Tagging::Untagged).await;
    flush(store, []).await;
    assert_eq!(present(store, &["tagged", "none"]).await, ["tagged", "none"]);
    assert_eq!(versions(store, &[]).await, TagVersions::default());
    // An entry with an empty list of tags is one without.
    put(store, "empty", Tagging::Current(&[])).await;
    put(store, "empty before", Tagging::AsOf(&TagVersions::default())).await;
    assert!(has(store, "empty").await && has(store, "empty before").await);
}

async fn a_tag_that_nobody_bears_can_be_flushed(rig: Rig) {
    let store = &*rig.store().await;
    put(store, "k", Tagging::Current(&tags(["users"]))).await;
    flush(store, ["nobody"]).await;
    assert!(has(store, "k").await);
    // It can be borne afterwards, and be flushed again.
    put(store, "other", Tagging::Current(&tags(["nobody"]))).await;
    assert!(has(store, "other").await);
    flush(store, ["nobody"]).await;
    flush(store, ["nobody"]).await;
    assert_eq!(present(store, &["k", "other"]).await, ["k"]);
}

async fn one_flushed_version_of_several_is_enough(rig: Rig) {
    let store = &*rig.store().await;
    let names = tags(["a", "b", "c"]);
    for flushed in ["a", "b", "c"] {
        let seen = versions(store, &names).await;
        put(store, "before", Tagging::AsOf(&seen)).await;
        assert!(has(store, "before").await);
        flush(store, [flushed]).await;
        put(store, "after", Tagging::AsOf(&seen)).await;
        assert_eq!(present(store, &["before", "after"]).await, [""; 0], "{flushed} was flushed");
    }
}

async fn versions_come_in_the_order_asked(rig: Rig) {
    let store = &*rig.store().await;
    let asked = versions(store, &tags(["b", "a", "c"])).await;
    let given: Vec<_> = asked.iter().map(|(tag, _)| tag).collect();
    assert_eq!(given, ["b", "a", "c"]);
    let again = versions(store, &tags(["c", "new", "b"])).await;
    let version = |versions: &TagVersions, name| {
        versions.iter().find_map(|(tag, version)| (tag == name).then_some(version)).unwrap()
    };
    for name in ["b", "c"] {
        assert_eq!(version(&asked, name), version(&again, name), "{name} was not flushed");
    }
    // Each has its own: a version that tags shared would be flushed with any of them.
    flush(store, ["b"]).await;
    let after = versions(store, &tags(["a", "b", "c"])).await;
    assert_ne!(version(&after, "b"), version(&asked, "b"));
    for name in ["a", "c"] {
        assert_eq!(version(&after, name), version(&asked, name), "{name} was not flushed");
    }
}

/// However often a tag is flushed, no version of it is used twice.
async fn what_was_flushed_does_not_come_back(rig: Rig) {
    let store = &*rig.store().await;
    let users = tags(["users"]);
    let mut seen = Vec::new();
    for round in 0..20 {
        let before = versions(store, &users).await;
        assert!(!seen.contains(&before), "a version is given out again in round {round}");
        let name = format!("k{round}");
        put(store, &name, Tagging::AsOf(&before)).await;
        seen.push(before);
        flush(store, ["users"]).await;
        if round % 5 == 4 {
            // What is left of them all is what would come back.
            let names: Vec<_> = (0..=round).map(|n| format!("k{n}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            assert_eq!(present(store, &names).await, [""; 0], "round {round}");
            put(store, "fresh", Tagging::Current(&users)).await;
            assert_eq!(present(store, &names).await, [""; 0], "round {round}");
        }
    }
}

async fn a_put_under_other_tags_is_free_of_the_old_ones(rig: Rig) {
    let store = &*rig.store().await;
    for flushed in ["old", "both", "new"] {
        put(store, "k", Tagging::Current(&tags(["old", "both"]))).await;
        put(store, "k", Tagging::Current(&tags(["both", "new"]))).await;
        flush(store, [flushed]).await;
        assert_eq!(has(store, "k").await, flushed == "old", "after a flush of {flushed}");
    }
    // The same where what was there is flushed already.
    put(store, "k", Tagging::Current(&tags(["old"]))).await;
    flush(store, ["old"]).await;
    put(store, "k", Tagging::Current(&tags(["new"]))).await;
    flush(store, ["old"]).await;
    assert!(has(store, "k").await);
    // One that comes as of earlier versions replaces the tags, too.
    let seen = versions(store, &tags(["loaded"])).await;
    put(store, "k", Tagging::AsOf(&seen)).await;
    flush(store, ["new"]).await;
    assert!(has(store, "k").await);
    flush(store, ["loaded"]).await;
    assert!(!has(store, "k").await);
}

async fn many_are_put_under_tags_together(rig: Rig) {
    let store = &*rig.store().await;
    let entries = [("a", 1), ("b", 2), ("a", 3), ("c", 4)]
        .map(|(name, integer)| (key(name), Payload::Integer(integer)));
    let users = tags(["users", "active"]);
    let terms = |tags| Terms::tagged(Lifetime::Forever, tags);
    store.put_many(&entries, terms(Tagging::Current(&users))).await.unwrap();
    put_integer(store, "posts", 5, &tags(["posts"])).await;
    put_integer(store, "none", 6, &[]).await;
    let asked = ["c", "absent", "posts", "a", "none", "b", "a"];
    let found = async || {
        let keys: Vec<_> = asked.iter().map(|name| key(name)).collect();
        let found = store.get_many(&keys).await.unwrap();
        let integer = |payload: Payload<'_>| match payload {
            Payload::Integer(integer) => integer,
            Payload::Encoded(_) => panic!("integers were put"),
        };
        found.iter().map(|found| found.as_ref().map(|entry| integer(entry.payload()))).collect()
    };
    let all: Vec<Option<i64>> = found().await;
    assert_eq!(all, [Some(4), None, Some(5), Some(3), Some(6), Some(2), Some(3)]);
    flush(store, ["active"]).await;
    let rest: Vec<Option<i64>> = found().await;
    assert_eq!(rest, [None, None, Some(5), None, Some(6), None, None]);
    // Together without tags, where there were tags; and as of versions that were read before.
    store.put_many(&entries[..2], terms(Tagging::Untagged)).await.unwrap();
    let seen = versions(store, &users).await;
    store.put_many(&entries[3..], terms(Tagging::AsOf(&seen))).await.unwrap();
    assert_eq!(present(store, &["a", "b", "c"]).await, ["a", "b", "c"]);
    flush(store, ["users"]).await;
    store.put_many(&entries[3..], terms(Tagging::AsOf(&seen))).await.unwrap();
    assert_eq!(present(store, &["a", "b", "c"]).await, ["a", "b"]);
}

async fn a_lifetime_ends_what_is_tagged(rig: Rig) {
    let cache = rig.cache().await;
    let users = tags(["users"]);
    let writer = cache.writer(&users);
    writer.put("brief", "v", millis(400)).await.unwrap();
    writer.put("forever", "v", Ttl::FOREVER).await.unwrap();
    writer.put_many([("many", "v")], millis(400)).await.unwrap();
    assert!(writer.add("added", "v", millis(400)).await.unwrap());
    assert_eq!(cache.ttl("forever").await.unwrap(), Some(Ttl::FOREVER));
    let left = cache.ttl("brief").await.unwrap().and_then(Ttl::duration).unwrap();
    assert!(left <= millis(400) && !left.is_zero(), "{left:?}");
    let brief = ["brief", "many", "added"];
    if rig.is_exact() {
        rig.pass(millis(399)).await;
        let found = cache.get_many::<String>(brief).await.unwrap();
        assert!(found.iter().all(Option::is_some), "a millisecond before: {found:?}");
        rig.pass(millis(1)).await;
    } else {
        rig.pass(millis(450)).await;
    }
    assert_eq!(cache.get_many::<String>(brief).await.unwrap(), [None, None, None]);
    assert!(!cache.has("brief").await.unwrap());
    // A lifetime of zero removes, and adds nothing.
    assert!(cache.has("forever").await.unwrap());
    writer.put("forever", "v", 0).await.unwrap();
    assert!(!cache.has("forever").await.unwrap());
    assert!(!writer.add("forever", "v", 0).await.unwrap());
    assert!(!cache.has("forever").await.unwrap());
}

async fn what_is_flushed_as_a_value_is_stored_again_under_its_tags(rig: Rig) {
    let store = &*rig.store().await;
    put(store, "k", Tagging::Current(&tags(["users"]))).await;
    store.flush().await.unwrap();
    assert!(!has(store, "k").await);
    put(store, "k", Tagging::Current(&tags(["users"]))).await;
    assert!(has(store, "k").await);
    flush(store, ["users"]).await;
    assert!(!has(store, "k").await);
}
