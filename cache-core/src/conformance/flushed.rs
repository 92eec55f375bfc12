//! What was flushed by a tag is absent for every operation, and what is stored in its place is as new.
//! What is live keeps its tags, whatever is done to it.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::join_all;

use super::tags::{
    VALUE, flush, has, integer, key, present, put, put_integer, tagging, tags, versions,
};
use super::{Capability, Case, Rig, case, millis};
use crate::{Cache, ErrorKind, Lifetime, NotKept, Payload, Store, Tag, Tagging, Terms, Ttl};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(a_flushed_entry_is_not_read),
        case!(a_flushed_entry_is_not_shared),
        case!(a_flushed_entry_cannot_be_taken),
        case!(a_flushed_entry_cannot_be_forgotten),
        case!(flushed_entries_are_not_counted_when_forgotten),
        case!(a_touch_revives_nothing_flushed),
        case!(a_flushed_counter_starts_anew),
        case!(an_add_over_what_was_flushed_stores),
        case!(of_many_adds_over_what_was_flushed_one_stores),
        case!(of_many_takes_under_a_tag_one_gets_it),
        case!(a_read_of_what_was_flushed_takes_nothing_fresh_away),
        case!(an_add_that_stores_nothing_changes_no_tags),
        case!(a_touch_keeps_the_tags),
        case!(counting_keeps_tags_and_lifetime),
        case!(a_counter_is_created_under_its_tags),
        case!(integers_under_tags_are_exact),
        case!(what_is_no_integer_is_not_counted_under_tags),
    ]
    .map(|case| case.needing(Capability::Tags))
    .into()
}

const HOUR: Lifetime = Lifetime::Millis(NonZeroU64::new(3_600_000).unwrap());

/// Stores a text and a counter at `text` and `count`, and flushes their tag.
async fn put_and_flush(store: &dyn Store, text: &str, count: &str) {
    put(store, text, Tagging::Current(&tags(["old", "both"]))).await;
    put_integer(store, count, 41, &tags(["old", "both"])).await;
    flush(store, ["old"]).await;
}

fn under<'t>(tags: &'t [Tag<'t>]) -> Terms<'t> {
    Terms::tagged(HOUR, Tagging::Current(tags))
}

/// What is at `name` was stored under `both` and `new`, and nothing else.
async fn bears_both_and_new(store: &dyn Store, name: &str) {
    flush(store, ["old"]).await;
    assert!(has(store, name).await, "{name} has kept a tag of what was there before");
    flush(store, ["new"]).await;
    assert!(!has(store, name).await, "{name} does not bear its tags");
}

async fn a_flushed_entry_is_not_read(rig: Rig) {
    let store = &*rig.store().await;
    put_and_flush(store, "text", "count").await;
    put(store, "live", Tagging::Current(&tags(["both"]))).await;
    // Twice: the first read may have tidied up.
    for _ in 0..2 {
        for name in ["text", "count"] {
            assert!(!store.has(key(name)).await.unwrap());
            assert_eq!(store.ttl(key(name)).await.unwrap(), None);
            assert!(store.kept(key(name), &mut NotKept::Unknown).is_none());
        }
        let asked = ["live", "text", "count", "absent", "live", "text"];
        assert_eq!(present(store, &asked).await, ["live", "live"]);
        for name in ["text", "count"] {
            assert!(store.get(key(name)).await.unwrap().is_none());
        }
    }
}

async fn a_flushed_entry_is_not_shared(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let cache = Cache::new(Arc::clone(&store));
    let users = tags(["users"]);
    for round in 0..3 {
        let (text, fresh) = (format!("text {round}"), format!("fresh {round}"));
        cache.writer(&users).put("k", &text, "1h").await.unwrap();
        let seen = store.get(key("k")).await.unwrap().unwrap();
        // The second is the object that the store has kept, where it keeps any. That has not cost it its tags.
        for _ in 0..2 {
            assert_eq!(*cache.get_shared::<String>("k").await.unwrap().unwrap(), text);
        }
        let held = cache.get_shared::<String>("k").await.unwrap().unwrap();
        let kept = store.get(key("k")).await.unwrap().unwrap();
        cache.writer(&users).flush().await.unwrap();
        assert!(store.kept(key("k"), &mut NotKept::Unknown).is_none());
        assert!(cache.get_shared::<String>("k").await.unwrap().is_none());
        assert!(!cache.has("k").await.unwrap());
        assert_eq!(*held, text, "what somebody holds stays valid");
        // One who has read it before the flush offers the object after it.
        if let (Some(seen), Some(kept)) = (seen.encoded(), kept.encoded()) {
            store.keep(key("k"), seen, kept.clone());
            assert!(!has(&*store, "k").await, "an object does not bring its entry back");
        }
        assert!(cache.add("k", &fresh, "1h").await.unwrap());
        assert_eq!(*cache.get_shared::<String>("k").await.unwrap().unwrap(), fresh);
    }
}

async fn a_flushed_entry_cannot_be_taken(rig: Rig) {
    let store = &*rig.store().await;
    put_and_flush(store, "text", "count").await;
    for name in ["text", "count"] {
        assert!(store.take(key(name)).await.unwrap().is_none());
        assert!(!has(store, name).await);
        put_integer(store, name, 7, &tags(["old"])).await;
        let taken = store.take(key(name)).await.unwrap().unwrap();
        assert_eq!(taken.payload(), Payload::Integer(7));
        assert!(store.take(key(name)).await.unwrap().is_none());
    }
}

async fn a_flushed_entry_cannot_be_forgotten(rig: Rig) {
    let store = &*rig.store().await;
    put_and_flush(store, "text", "count").await;
    for name in ["text", "count"] {
        assert!(!store.forget(key(name)).await.unwrap());
        assert!(!has(store, name).await);
        put(store, name, Tagging::Current(&tags(["old"]))).await;
        assert!(store.forget(key(name)).await.unwrap());
        assert!(!store.forget(key(name)).await.unwrap());
        assert!(!has(store, name).await);
    }
}

async fn flushed_entries_are_not_counted_when_forgotten(rig: Rig) {
    let store = &*rig.store().await;
    put_and_flush(store, "text", "count").await;
    put(store, "live", Tagging::Current(&tags(["both"]))).await;
    put(store, "none", Tagging::Untagged).await;
    let names = ["text", "live", "absent", "count", "none", "live", "text"];
    assert_eq!(store.forget_many(&names.map(key)).await.unwrap(), 2);
    assert_eq!(present(store, &names).await, [""; 0]);
    put(store, "text", Tagging::Current(&tags(["old"]))).await;
    assert_eq!(store.forget_many(&names.map(key)).await.unwrap(), 1);
}

async fn a_touch_revives_nothing_flushed(rig: Rig) {
    let store = &*rig.store().await;
    for lifetime in [Some(HOUR), Some(Lifetime::Forever), None] {
        put_and_flush(store, "text", "count").await;
        for name in ["text", "count"] {
            assert!(!store.touch(key(name), lifetime).await.unwrap());
            assert!(!has(store, name).await);
            // What comes in its place has its own lifetime.
            assert!(store.add(key(name), VALUE, under(&tags(["old"]))).await.unwrap());
            let left = store.ttl(key(name)).await.unwrap().and_then(Ttl::duration).unwrap();
            assert!(left <= millis(3_600_000) && left > millis(3_590_000), "{left:?}");
            assert!(store.touch(key(name), Some(Lifetime::Forever)).await.unwrap());
            assert_eq!(store.ttl(key(name)).await.unwrap(), Some(Ttl::FOREVER));
        }
    }
}

async fn a_flushed_counter_starts_anew(rig: Rig) {
    let store = &*rig.store().await;
    let both_and_new = tags(["both", "new"]);
    for by in [5, 0, i64::MIN] {
        put_and_flush(store, "text", "count").await;
        for name in ["count", "text"] {
            let counted = store.increment(key(name), by, under(&both_and_new)).await.unwrap();
            assert_eq!((counted, integer(store, name).await), (by, Some(by)));
            let left = store.ttl(key(name)).await.unwrap().and_then(Ttl::duration);
            assert!(left.is_some_and(|left| left > millis(3_590_000)), "{left:?}");
            bears_both_and_new(store, name).await;
        }
        // Without tags it is free of them.
        let untagged = Terms::untagged(Lifetime::Forever);
        assert_eq!(store.increment(key("count"), 2, untagged).await.unwrap(), 2);
        flush(store, ["old", "both", "new"]).await;
        assert_eq!(store.increment(key("count"), 2, under(&both_and_new)).await.unwrap(), 4);
        assert_eq!(store.ttl(key("count")).await.unwrap(), Some(Ttl::FOREVER));
    }
    // A flushed counter at the limit does not overflow.
    put_integer(store, "high", i64::MAX, &tags(["old"])).await;
    flush(store, ["old"]).await;
    assert_eq!(store.increment(key("high"), 1, under(&both_and_new)).await.unwrap(), 1);
}

async fn an_add_over_what_was_flushed_stores(rig: Rig) {
    let store = &*rig.store().await;
    put_and_flush(store, "text", "count").await;
    let both_and_new = tags(["both", "new"]);
    for name in ["text", "count"] {
        let seven = Payload::Integer(7);
        assert!(store.add(key(name), seven, under(&both_and_new)).await.unwrap());
        assert_eq!(integer(store, name).await, Some(7));
        assert!(!store.add(key(name), VALUE, under(&[])).await.unwrap(), "now there is something");
        assert_eq!(integer(store, name).await, Some(7));
        bears_both_and_new(store, name).await;
        assert!(store.add(key(name), seven, Terms::untagged(Lifetime::Forever)).await.unwrap());
        flush(store, ["old", "both", "new"]).await;
        assert_eq!(integer(store, name).await, Some(7), "it bears no tags");
    }
    // As of versions that are flushed, it is stored and not served: the next one finds nothing.
    let seen = versions(store, &both_and_new).await;
    flush(store, ["new"]).await;
    let stale = Terms::tagged(HOUR, Tagging::AsOf(&seen));
    assert!(store.add(key("k"), VALUE, stale).await.unwrap());
    assert!(!has(store, "k").await);
    assert!(store.add(key("k"), VALUE, under(&both_and_new)).await.unwrap());
    assert!(has(store, "k").await);
}

async fn of_many_adds_over_what_was_flushed_one_stores(rig: Rig) {
    let store = &*rig.store().await;
    let users = tags(["users"]);
    for round in 0..10 {
        put_integer(store, "k", 0, &users).await;
        flush(store, ["users"]).await;
        let adds = (1..=16).map(|n| store.add(key("k"), Payload::Integer(n), under(&users)));
        let stored: Vec<_> = join_all(adds).await.into_iter().map(Result::unwrap).collect();
        let winners: Vec<_> = (1..).zip(&stored).filter(|(_, stored)| **stored).collect();
        let [(winner, _)] = winners[..] else { panic!("round {round}: {stored:?}") };
        assert_eq!(integer(store, "k").await, Some(winner));
    }
}

async fn of_many_takes_under_a_tag_one_gets_it(rig: Rig) {
    let store = &*rig.store().await;
    let users = tags(["users"]);
    for round in 0..10 {
        put(store, "k", Tagging::Current(&users)).await;
        let taken = join_all((0..16).map(|_| store.take(key("k")))).await;
        let got = taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count();
        assert_eq!(got, 1, "round {round}");
        assert!(!has(store, "k").await);
    }
}

/// A reader has met what was flushed, and gone so far and no further, when something fresh takes its place.
async fn a_read_of_what_was_flushed_takes_nothing_fresh_away(rig: Rig) {
    let store = &*rig.store().await;
    let users = tags(["users"]);
    for steps in 0..30 {
        put(store, "k", Tagging::Current(&users)).await;
        flush(store, ["users"]).await;
        let mut reader = Box::pin(store.get(key("k")));
        let mut read = None;
        for _ in 0..steps {
            if read.is_none() {
                read = std::future::poll_fn(|cx| match reader.as_mut().poll(cx) {
                    Poll::Ready(read) => Poll::Ready(Some(read)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await;
            }
        }
        put(store, "k", Tagging::Current(&users)).await;
        match read {
            Some(read) => assert!(read.unwrap().is_none()),
            None => drop(reader.await.unwrap()),
        }
        assert!(has(store, "k").await, "{steps} steps");
    }
}

async fn an_add_that_stores_nothing_changes_no_tags(rig: Rig) {
    let store = &*rig.store().await;
    put_integer(store, "tagged", 1, &tags(["users"])).await;
    put_integer(store, "none", 1, &[]).await;
    for name in ["tagged", "none"] {
        assert!(!store.add(key(name), VALUE, under(&tags(["posts"]))).await.unwrap());
        assert!(!store.add(key(name), VALUE, under(&[])).await.unwrap());
    }
    flush(store, ["posts"]).await;
    assert_eq!(integer(store, "tagged").await, Some(1));
    assert_eq!(store.ttl(key("tagged")).await.unwrap(), Some(Ttl::FOREVER));
    flush(store, ["users"]).await;
    assert_eq!(present(store, &["tagged", "none"]).await, ["none"]);
}

async fn a_touch_keeps_the_tags(rig: Rig) {
    let store = &*rig.store().await;
    put(store, "text", Tagging::Current(&tags(["users", "active"]))).await;
    put_integer(store, "count", 1, &tags(["active"])).await;
    let seen = versions(store, &tags(["active"])).await;
    put(store, "loaded", Tagging::AsOf(&seen)).await;
    put(store, "none", Tagging::Untagged).await;
    let names = ["text", "count", "loaded", "none"];
    for name in names {
        assert!(store.touch(key(name), Some(HOUR)).await.unwrap());
    }
    assert_eq!(present(store, &names).await, names);
    flush(store, ["active"]).await;
    assert_eq!(present(store, &names).await, ["none"]);
}

async fn counting_keeps_tags_and_lifetime(rig: Rig) {
    let store = &*rig.store().await;
    put_integer(store, "tagged", 1, &tags(["users"])).await;
    put_integer(store, "none", 1, &[]).await;
    let brief = Lifetime::Millis(NonZeroU64::new(300).unwrap());
    let terms = Terms::tagged(brief, Tagging::Current(&[]));
    store.put(key("brief"), Payload::Integer(1), terms).await.unwrap();
    let users = tags(["users"]);
    let terms = Terms::tagged(brief, Tagging::Current(&users));
    store.put(key("brief tagged"), Payload::Integer(1), terms).await.unwrap();
    let names = ["tagged", "none", "brief", "brief tagged"];
    for name in names {
        // The terms are for one that is created: here they do not count.
        for sum in 2..4 {
            let counted = store.increment(key(name), 1, under(&tags(["posts"]))).await;
            assert_eq!(counted.unwrap(), sum, "{name}");
        }
    }
    flush(store, ["posts"]).await;
    assert_eq!(present(store, &names).await, names);
    assert_eq!(store.ttl(key("tagged")).await.unwrap(), Some(Ttl::FOREVER));
    rig.pass(millis(350)).await;
    assert_eq!(present(store, &names).await, ["tagged", "none"], "nothing was prolonged");
    flush(store, ["users"]).await;
    assert_eq!(present(store, &names).await, ["none"]);
}

async fn a_counter_is_created_under_its_tags(rig: Rig) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let cache = Cache::builder(Arc::clone(&store)).default_ttl("30m").build().unwrap();
    let users = tags(["users"]);
    for round in 0..2 {
        assert_eq!(cache.writer(&users).increment_by("n", 2).await.unwrap(), 2);
        assert_eq!(cache.increment("n").await.unwrap(), 3);
        assert_eq!(cache.writer(&users).decrement_by("n", 4).await.unwrap(), -1);
        let left = cache.ttl("n").await.unwrap().and_then(Ttl::duration).unwrap();
        assert!(left <= millis(1_800_000) && left > millis(1_790_000), "round {round}: {left:?}");
        cache.writer(&users).flush().await.unwrap();
        assert_eq!(cache.get::<i64>("n").await.unwrap(), None);
    }
    // As of versions that are flushed it counts, and nobody is served the sum.
    let seen = versions(&*store, &users).await;
    flush(&*store, ["users"]).await;
    for _ in 0..2 {
        let stale = Terms::tagged(HOUR, Tagging::AsOf(&seen));
        assert_eq!(store.increment(key("stale"), 1, stale).await.unwrap(), 1);
        assert!(!has(&*store, "stale").await);
    }
}

/// A double holds no integer past 2^53: a store that counts in one is found out here.
async fn integers_under_tags_are_exact(rig: Rig) {
    let store = &*rig.store().await;
    let users = tags(["users"]);
    let edges = [i64::MIN, i64::MIN + 1, -(1 << 53) - 1, -1, 0, 9, (1 << 53) + 1, i64::MAX];
    for edge in edges {
        put_integer(store, "edge", edge, &users).await;
        assert_eq!(integer(store, "edge").await, Some(edge));
        assert_eq!(store.increment(key("edge"), 0, under(&users)).await.unwrap(), edge);
        let taken = store.take(key("edge")).await.unwrap().unwrap();
        assert_eq!(taken.payload(), Payload::Integer(edge));
    }
    let sums = [
        (i64::MAX - 1, 1),
        (i64::MIN + 1, -1),
        (i64::MAX, i64::MIN),
        (i64::MIN, i64::MAX),
        (0, i64::MAX),
        (0, i64::MIN),
        ((1 << 53) + 1, 2),
        (-(1 << 60) - 1, 1),
        (999, 1),
        (-1, 1),
    ];
    for (start, by) in sums {
        put_integer(store, "n", start, &users).await;
        let sum = store.increment(key("n"), by, under(&users)).await.unwrap();
        assert_eq!((sum, integer(store, "n").await), (start + by, Some(start + by)));
    }
    for (start, by) in [(i64::MAX, 1), (i64::MIN, -1), (i64::MAX, i64::MAX), (-1, i64::MIN)] {
        put_integer(store, "n", start, &users).await;
        let refused = store.increment(key("n"), by, under(&tags(["posts"]))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::CounterOverflow, "{start} + {by}");
        assert_eq!(integer(store, "n").await, Some(start), "it is untouched");
        assert_eq!(store.ttl(key("n")).await.unwrap(), Some(Ttl::FOREVER));
        flush(store, ["posts"]).await;
        assert!(has(store, "n").await);
        flush(store, ["users"]).await;
        assert!(!has(store, "n").await, "it has kept its tags");
    }
}

async fn what_is_no_integer_is_not_counted_under_tags(rig: Rig) {
    let store = &*rig.store().await;
    let users = tags(["users"]);
    // Whatever it looks like.
    for text in ["value", "7", "-1", "", "\0\0\0\0\0\0\0\x07"] {
        store.put(key("k"), Payload::Encoded(text.as_bytes()), under(&users)).await.unwrap();
        let refused = store.increment(key("k"), 1, under(&tags(["posts"]))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotACounter, "{text:?}");
        let there = store.get(key("k")).await.unwrap().unwrap();
        assert_eq!(there.payload(), Payload::Encoded(text.as_bytes()), "it is untouched");
        tagging(store).flush(&tags(["posts"])).await.unwrap();
        assert!(has(store, "k").await);
        tagging(store).flush(&users).await.unwrap();
        assert!(!has(store, "k").await, "it has kept its tags");
    }
}
