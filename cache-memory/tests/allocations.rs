//! What is claimed of allocations, counted.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use cache_memory::{Cache, MemoryStore, Ttl};

/// Runs `test` on a runtime of this thread, since allocations are counted by thread.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// Allocations of one operation that is ready at once.
macro_rules! allocations {
    ($future:expr) => {
        measure(|| {
            drop(at_once($future));
        })
        .count_total
    };
}

/// The answer of a future that has it, without a task of its own, which would allocate.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("not ready on its first poll"),
    }
}

#[test]
fn hits_allocate_nothing() {
    run(async {
        let cache = Cache::new(MemoryStore::new());
        for ttl in [Ttl::hours(1), Ttl::FOREVER] {
            cache.put("text", "a text", ttl).await.unwrap();
            cache.put("n", &7, ttl).await.unwrap();
            assert!(
                cache.get_shared::<String>("text").await.unwrap().is_some(),
                "kept from here on"
            );
            assert_eq!(allocations!(cache.has("text")), 0);
            assert_eq!(allocations!(cache.has("absent")), 0);
            assert_eq!(allocations!(cache.get::<i64>("n")), 0);
            assert_eq!(allocations!(cache.get::<i64>("absent")), 0);
            assert_eq!(allocations!(cache.get_shared::<String>("text")), 0);
            assert_eq!(allocations!(cache.increment("n")), 0);
            assert_eq!(allocations!(cache.ttl("n")), 0);
            assert_eq!(allocations!(cache.touch("n", ttl)), 0);
            assert_eq!(allocations!(cache.forget("absent")), 0);
        }
    });
}

#[test]
fn under_tags_that_are_in_use_nothing_more_is_allocated() {
    run(async {
        let cache = Cache::new(MemoryStore::new());
        let tags = ["users", "active"].map(|tag| cache_core::Tag::new(tag).unwrap());
        let tagged = cache.writer(&tags);
        tagged.put("text", "a text", "1h").await.unwrap();
        tagged.put("n", &7, "1h").await.unwrap();
        assert!(cache.get_shared::<String>("text").await.unwrap().is_some());
        assert_eq!(allocations!(cache.get_shared::<String>("text")), 0);
        assert_eq!(allocations!(cache.get::<i64>("n")), 0);
        assert_eq!(allocations!(cache.has("text")), 0);
        assert_eq!(allocations!(tagged.increment_by("n", 1)), 0);
        assert_eq!(allocations!(tagged.put("n", &7, "1h")), 0);
        assert_eq!(allocations!(tagged.flush()), 0);
        assert_eq!(allocations!(cache.has("text")), 0);
        assert_eq!(allocations!(cache.has("n")), 0);
    });
}

#[test]
fn a_read_allocates_what_the_value_does() {
    run(async {
        let cache = Cache::new(MemoryStore::new());
        cache.put("text", "a text", "1h").await.unwrap();
        cache.put("pair", &(1.5, 2.5), "1h").await.unwrap();
        assert_eq!(allocations!(cache.get::<String>("text")), 1);
        assert_eq!(allocations!(cache.get::<(f64, f64)>("pair")), 0);
        let hit =
            cache.remember("text", "1h", async || Ok::<_, cache_memory::Error>(String::new()));
        assert_eq!(allocations!(hit), 1, "the same for a hit of `remember`");
    });
}

#[test]
fn who_waits_for_a_load_holds_nothing_of_what_it_takes_to_load() {
    run(async {
        let cache = Cache::new(MemoryStore::new());
        let call = || {
            cache.remember_shared("k", "1h", async || {
                let state = [0_u8; 4_096];
                std::future::pending::<()>().await;
                Ok::<_, cache_memory::Error>(state.to_vec())
            })
        };
        let mut calls: Vec<_> = (0..101).map(|_| Box::pin(call())).collect();
        assert!(size_of_val(&*calls[0]) <= 160, "{}", size_of_val(&*calls[0]));
        let mut poll = |call: usize| {
            let context = &mut Context::from_waker(Waker::noop());
            measure(|| assert!(calls[call].as_mut().poll(context).is_pending()))
        };
        assert!(poll(0).bytes_total > 4_096, "the one that loads");
        let waiting = (1..=100).map(|call| poll(call).bytes_total);
        assert!(waiting.sum::<u64>() < 100 * 64);
    });
}

#[test]
fn a_put_allocates_the_bytes_and_a_long_key() {
    run(async {
        let cache = Cache::new(MemoryStore::new());
        // The table, the buffer of this thread and the sweeper are there before.
        let long = "a key of more than 15 bytes";
        cache.put("k", "a text", "1h").await.unwrap();
        cache.put(long, "a text", "1h").await.unwrap();
        assert_eq!(allocations!(cache.put(long, "a text", "1h")), 2);
        assert_eq!(allocations!(cache.put(long, &7, "1h")), 1, "an integer has no bytes");
        assert_eq!(
            allocations!(cache.put("k", "a text", "1h")),
            1,
            "a short key lies in the table"
        );
        assert_eq!(allocations!(cache.put("k", &7, "1h")), 0);
    });
}
