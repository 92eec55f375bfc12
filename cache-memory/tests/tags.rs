//! What is flushed with its tags is not served, and neither it nor tags stay in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use cache_core::{
    Key, Lifetime, NotKept, Payload, Store, StoreFuture, Tag, TagStore, Tagging, Terms,
};
use cache_memory::{Cache, MemoryStore, Ttl};
use tokio::time::advance;

const SECOND: Lifetime = Lifetime::Millis(std::num::NonZeroU64::new(1_000).unwrap());

fn store(max_entries: usize) -> (Arc<MemoryStore>, Cache) {
    let store = Arc::new(MemoryStore::builder().max_entries(max_entries).build());
    (Arc::clone(&store), Cache::new(store))
}

fn key(text: &str) -> Key<'_> {
    Key::new(text).unwrap()
}

fn tag(text: &str) -> Tag<'_> {
    Tag::new(text).unwrap()
}

/// The answer of a store in memory, which has it at once.
fn at_once<T>(future: StoreFuture<'_, T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("not ready on its first poll"),
    }
}

fn put(store: &MemoryStore, name: &str, tagged: &str, lifetime: Lifetime) {
    let tags = [tag(tagged)];
    let terms = Terms::tagged(lifetime, Tagging::Current(&tags));
    at_once(store.put(key(name), Payload::Integer(1), terms));
}

fn flush(store: &MemoryStore, tagged: &str) {
    at_once(TagStore::flush(store, &[tag(tagged)]));
}

/// Lets the sweeper do what is to be done now: see the tests of sweeping.
async fn swept(store: &MemoryStore, down_to: usize) {
    for _ in 0..50 {
        for _ in 0..500 {
            if store.entries() <= down_to {
                return;
            }
            tokio::task::yield_now().await;
        }
        advance(Duration::from_millis(5)).await;
    }
    panic!("{} entries are left", store.entries());
}

#[test]
fn what_was_flushed_is_absent_for_every_operation() {
    let (store, _) = store(100);
    let flushed = |name: &'static str| {
        put(&store, name, "t", Lifetime::Forever);
        assert!(at_once(store.has(key(name))));
        flush(&store, "t");
        key(name)
    };
    assert!(at_once(store.get(flushed("k"))).is_none());
    assert!(at_once(store.get_many(&[flushed("k")]))[0].is_none());
    assert!(!at_once(store.has(flushed("k"))));
    assert!(at_once(store.ttl(flushed("k"))).is_none());
    assert!(at_once(store.take(flushed("k"))).is_none());
    assert!(!at_once(store.forget(flushed("k"))));
    assert_eq!(at_once(store.forget_many(&[flushed("k")])), 0);
    assert!(!at_once(store.touch(flushed("k"), Some(Lifetime::Forever))));
    assert!(store.kept(flushed("k"), &mut NotKept::Unknown).is_none());
    assert_eq!(store.entries(), 0, "what is met is removed");
    let terms = Terms::untagged(Lifetime::Forever);
    assert_eq!(at_once(store.increment(flushed("n"), 5, terms)), 5, "begins anew");
    assert!(at_once(store.add(flushed("k"), Payload::Integer(2), terms)));
    flush(&store, "t");
    assert!(at_once(store.has(key("n"))) && at_once(store.has(key("k"))), "without tags");
}

#[test]
fn what_is_changed_in_place_keeps_its_tags() {
    let (store, _) = store(100);
    let tags = [tag("t")];
    let terms = Terms::tagged(Lifetime::Forever, Tagging::Current(&tags));
    assert!(at_once(store.add(key("added"), Payload::Integer(1), terms)));
    assert_eq!(at_once(store.increment(key("counted"), 1, terms)), 1);
    assert_eq!(at_once(store.increment(key("counted"), 1, Terms::untagged(SECOND))), 2);
    assert!(at_once(store.touch(key("counted"), Some(Lifetime::Forever))));
    at_once(store.put_many(&[(key("one of many"), Payload::Integer(1))], terms));
    flush(&store, "t");
    for name in ["added", "counted", "one of many"] {
        assert!(!at_once(store.has(key(name))), "{name}");
    }
}

#[test]
fn what_was_loaded_before_a_flush_replaces_what_was_there_and_is_not_kept() {
    let (store, _) = store(100);
    let seen = at_once(store.versions(&[tag("t")]));
    flush(&store, "t");
    let terms = Terms::tagged(Lifetime::Forever, Tagging::AsOf(&seen));
    at_once(store.put(key("k"), Payload::Integer(1), Terms::untagged(Lifetime::Forever)));
    at_once(store.put(key("k"), Payload::Integer(2), terms));
    assert_eq!(store.entries(), 0);
    assert!(at_once(store.add(key("k"), Payload::Integer(2), terms)));
    assert_eq!(at_once(store.increment(key("n"), 2, terms)), 2);
    assert!(!at_once(store.has(key("k"))) && !at_once(store.has(key("n"))));
}

#[tokio::test(start_paused = true)]
async fn flushed_entries_go_unread_and_others_stay() {
    let (store, cache) = store(100_000);
    for n in 0..10_000 {
        put(&store, &format!("for ever {n}"), "t", Lifetime::Forever);
        put(&store, &format!("brief {n}"), "t", Lifetime::Millis(3_600_000.try_into().unwrap()));
    }
    for n in 0..100 {
        put(&store, &format!("other {n}"), "other", Lifetime::Forever);
        cache.put(format!("untagged {n}"), "v", Ttl::FOREVER).await.unwrap();
    }
    flush(&store, "t");
    swept(&store, 200).await;
    put(&store, "again", "t", Lifetime::Forever);
    swept(&store, 201).await;
    // Again, when the sweeper has found nothing that it could wait for.
    flush(&store, "other");
    swept(&store, 101).await;
    assert!(cache.has("untagged 99").await.unwrap() && cache.has("again").await.unwrap());
}

#[test]
fn without_a_runtime_flushed_entries_are_gone_when_they_are_met() {
    let (store, _) = store(100);
    put(&store, "k", "t", SECOND);
    put(&store, "other", "t", Lifetime::Forever);
    flush(&store, "t");
    assert!(!at_once(store.has(key("k"))) && !at_once(store.has(key("other"))));
    assert_eq!(store.entries(), 0);
    // And a runtime that comes later finds what was not met.
    put(&store, "k", "t", Lifetime::Forever);
    flush(&store, "t");
    run(async {
        put(&store, "other", "t", SECOND);
        swept(&store, 1).await;
    });
}

/// What a million puts leave behind, in a table that has been full before.
fn left_behind(tag_of: impl Fn(usize) -> String + Send + 'static) -> AllocationInfo {
    // On a thread of its own: allocations are counted by thread.
    let spent = std::thread::spawn(move || {
        let (store, _) = store(10_000);
        run(async {
            for round in 0..2 {
                for n in 0..20_000 {
                    put(&store, &format!("key {n}"), &format!("warm up {round}"), SECOND);
                }
                advance(Duration::from_secs(1)).await;
                swept(&store, 0).await;
            }
        });
        measure(|| {
            run(async {
                for n in 0..1_000_000 {
                    put(&store, &format!("key {}", n % 20_000), &tag_of(n), SECOND);
                }
                advance(Duration::from_secs(1)).await;
                swept(&store, 0).await;
                // The walk looks after tags when it has been through the table.
                for _ in 0..1_000 {
                    tokio::task::yield_now().await;
                }
            });
        })
    });
    spent.join().unwrap()
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(test)
}

/// What tags may leave behind, and what they may take beside 10,000 entries.
const LITTLE: i64 = 100_000;
const MUCH: u64 = 10_000 * 1_000;

#[test]
fn tags_that_many_entries_bear_leave_nothing_behind() {
    let spent = left_behind(|n| format!("tag {}", n % 1_000));
    assert!(spent.bytes_current < LITTLE && spent.bytes_max < MUCH, "{spent:?}");
}

#[test]
fn tags_that_one_entry_bears_leave_nothing_behind() {
    let spent = left_behind(|n| format!("tag {n}"));
    assert!(spent.bytes_current < LITTLE && spent.bytes_max < MUCH, "{spent:?}");
}

/// A writer for each key, whose values count its puts; and who flushes knows which had returned by then.
#[test]
fn a_flush_takes_what_was_put_before_it_and_nothing_that_is_put_after_it() {
    const ROUNDS: i64 = 20_000;
    let (store, _) = store(1_000);
    let names = ["a", "b"];
    let returned = names.map(|_| AtomicI64::new(0));
    let (begun, ended, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let read = |name| {
        at_once(store.get(key(name))).map(|entry| match entry.payload() {
            Payload::Integer(number) => number,
            Payload::Encoded(_) => panic!("an integer was put"),
        })
    };
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|at| {
            let (store, returned, begun, ended, read) =
                (&store, &returned[at], &begun, &ended, &read);
            scope.spawn(move || {
                let tags = [tag("both"), tag(names[at])];
                let terms = Terms::tagged(Lifetime::Forever, Tagging::Current(&tags));
                let mut were_served = 0;
                for number in 1..=ROUNDS {
                    let before = ended.load(Ordering::SeqCst);
                    at_once(store.put(key(names[at]), Payload::Integer(number), terms));
                    let found = read(names[at]);
                    // No flush was under way between the two.
                    if begun.load(Ordering::SeqCst) == before {
                        assert_eq!(found, Some(number));
                        were_served += 1;
                    }
                    returned.store(number, Ordering::SeqCst);
                }
                were_served
            })
        });
        // Whose tags are given up all the time.
        scope.spawn(|| {
            for n in 0.. {
                put(&store, &format!("key {}", n % 100), &format!("tag {n}"), SECOND);
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        for round in 0.. {
            let before = [0, 1].map(|at| returned[at].load(Ordering::SeqCst));
            begun.fetch_add(1, Ordering::SeqCst);
            flush(&store, ["both", "a", "b"][round % 3]);
            ended.fetch_add(1, Ordering::SeqCst);
            let flushed = if round % 3 == 0 { 0..2 } else { round % 3 - 1..round % 3 };
            for at in flushed {
                assert!(read(names[at]).is_none_or(|number| number > before[at]));
            }
            if writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                break;
            }
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::SeqCst);
        for writer in writers {
            assert!(writer.join().unwrap() > 0, "no put was ever alone");
        }
    });
}
