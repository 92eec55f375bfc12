//! `remember` over a store in trouble: out of reach, or slow.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "flaws are for the tests of the suite")]
mod model;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;

use cache_core::{Cache, Error, ErrorKind, Tag, TagStore, Ttl};
use model::{Flaw, Model};
use tokio::sync::oneshot;
use tokio_test::task::{Spawn, spawn};

fn troubled() -> (Arc<Model>, Cache) {
    let model = Arc::new(Model::new(Flaw::None));
    (Arc::clone(&model), Cache::new(model))
}

async fn load(cache: &Cache, value: &str) -> Result<String, Error> {
    cache.remember("k", "1h", async || Ok::<_, Error>(value.to_owned())).await
}

#[tokio::test]
async fn a_store_out_of_reach_does_not_keep_anybody_from_loading() {
    let (model, cache) = troubled();
    model.trouble.reads_fail.store(true, SeqCst);
    model.trouble.writes_fail.store(true, SeqCst);
    assert_eq!(load(&cache, "first").await.unwrap(), "first");
    assert_eq!(load(&cache, "second").await.unwrap(), "second");
    let stats = cache.stats();
    assert_eq!(stats.loads, 2);
    assert_eq!(stats.bypassed, 2, "a store that does not answer is asked once by each call");
    assert_eq!(cache.get::<String>("k").await.unwrap_err().kind(), ErrorKind::Unavailable);

    model.trouble.reads_fail.store(false, SeqCst);
    model.trouble.writes_fail.store(false, SeqCst);
    assert_eq!(load(&cache, "third").await.unwrap(), "third");
    assert_eq!(load(&cache, "unused").await.unwrap(), "third", "it works again by itself");
}

/// A call that has missed, and is not answered any more, does not ask any more, though the store would take the value.
#[tokio::test]
async fn a_store_that_falls_silent_meanwhile_is_asked_no_more() {
    let (model, cache) = troubled();
    model.trouble.gets_wait.store(true, SeqCst);
    let mut leader = spawn(load(&cache, "loaded"));
    assert!(leader.poll().is_pending(), "it is about to miss");
    model.trouble.reads_fail.store(true, SeqCst);
    model.trouble.permits.0.add_permits(1);
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert_eq!((cache.stats().loads, cache.stats().bypassed), (1, 1));

    model.trouble.reads_fail.store(false, SeqCst);
    assert!(!cache.has("k").await.unwrap(), "nothing was stored");
}

#[tokio::test]
async fn what_is_shared_is_loaded_past_a_store_out_of_reach() {
    let (model, cache) = troubled();
    let load = async |value: &str| {
        cache.remember_shared("k", "1h", async || Ok::<_, Error>(value.to_owned())).await.unwrap()
    };
    model.trouble.reads_fail.store(true, SeqCst);
    model.trouble.writes_fail.store(true, SeqCst);
    for value in ["first", "second"] {
        assert_eq!(*load(value).await, value);
    }
    model.trouble.reads_fail.store(false, SeqCst);
    assert_eq!(*load("third").await, "third");
    assert!(!cache.has("k").await.unwrap());
    model.trouble.writes_fail.store(false, SeqCst);
    for unused in ["fourth", "unused", "unused", "unused"] {
        assert_eq!(*load(unused).await, "fourth", "it works again by itself");
    }
    assert_eq!(cache.stats().loads, 4);
}

#[tokio::test]
async fn a_failed_write_is_nobodys_error() {
    let (model, cache) = troubled();
    model.trouble.writes_fail.store(true, SeqCst);
    assert_eq!(load(&cache, "loaded").await.unwrap(), "loaded");
    assert!(!cache.has("k").await.unwrap());
    assert_eq!(cache.stats().bypassed, 1);
}

#[tokio::test]
async fn one_load_serves_all_who_wait_though_nothing_can_be_stored() {
    let (model, cache) = troubled();
    model.trouble.reads_fail.store(true, SeqCst);
    model.trouble.writes_fail.store(true, SeqCst);
    let (finish, finished) = oneshot::channel::<()>();
    let mut leader = spawn(cache.remember("k", "1h", async || {
        finished.await.unwrap();
        Ok::<_, Error>(String::from("loaded"))
    }));
    assert!(leader.poll().is_pending());
    let mut waiter = spawn(load(&cache, "unused"));
    assert!(waiter.poll().is_pending());
    finish.send(()).unwrap();
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert!(waiter.is_woken());
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
}

/// Leads `remember` up to the point at which its value is on its way to the store.
fn writing<'c>(
    model: &Model,
    cache: &'c Cache,
) -> impl Future<Output = Result<String, Error>> + use<'c> {
    model.trouble.puts_wait.store(true, SeqCst);
    load(cache, "loaded")
}

#[tokio::test]
async fn a_forget_waits_for_a_write_that_is_under_way() {
    let (model, cache) = troubled();
    let mut remember = spawn(writing(&model, &cache));
    assert!(remember.poll().is_pending());
    let mut forget = spawn(cache.forget("k"));
    assert!(forget.poll().is_pending(), "else the write would land after it");
    model.trouble.permits.0.add_permits(1);
    assert!(remember.poll().is_ready());
    assert!(forget.is_woken());
    assert!(matches!(forget.poll(), Poll::Ready(Ok(true))));
    assert!(!cache.has("k").await.unwrap());
}

#[tokio::test]
async fn a_flush_waits_for_a_write_that_is_under_way() {
    let (model, cache) = troubled();
    let mut remember = spawn(writing(&model, &cache));
    assert!(remember.poll().is_pending());
    let mut flush = spawn(cache.flush());
    assert!(flush.poll().is_pending());
    model.trouble.permits.0.add_permits(1);
    assert!(remember.poll().is_ready());
    assert!(matches!(flush.poll(), Poll::Ready(Ok(()))));
    assert!(!cache.has("k").await.unwrap());
}

#[tokio::test]
async fn a_write_that_is_dropped_lets_a_change_go_on() {
    let (model, cache) = troubled();
    let mut remember = spawn(writing(&model, &cache));
    assert!(remember.poll().is_pending());
    let mut forget = spawn(cache.forget("k"));
    assert!(forget.poll().is_pending());
    drop(remember);
    assert!(forget.is_woken());
    assert!(forget.poll().is_ready());
    model.trouble.puts_wait.store(false, SeqCst);
    assert_eq!(load(&cache, "later").await.unwrap(), "later");
}

/// A put that is slow, and a load that begins after the put did and ends before it.
#[tokio::test]
async fn a_put_that_completes_during_a_load_wins_however_long_ago_it_began() {
    let (model, cache) = troubled();
    model.trouble.puts_wait.store(true, SeqCst);
    let mut put = spawn(cache.put("k", "put", "1h"));
    assert!(put.poll().is_pending());
    let (finish, finished) = oneshot::channel::<()>();
    let mut remember = spawn(cache.remember("k", "1h", async || {
        finished.await.unwrap();
        Ok::<_, Error>(String::from("loaded"))
    }));
    assert!(remember.poll().is_pending());
    model.trouble.permits.0.add_permits(1);
    assert!(put.poll().is_ready());
    model.trouble.puts_wait.store(false, SeqCst);
    finish.send(()).unwrap();
    assert!(remember.poll().is_ready());
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("put"));
}

#[tokio::test]
async fn a_cache_closed_during_a_load_still_answers_it() {
    let (_, cache) = troubled();
    let (finish, finished) = oneshot::channel::<()>();
    let mut remember = spawn(cache.remember("k", Ttl::DEFAULT, async || {
        finished.await.unwrap();
        Ok::<_, Error>(1)
    }));
    assert!(remember.poll().is_pending());
    cache.close().await.unwrap();
    finish.send(()).unwrap();
    assert!(matches!(remember.poll(), Poll::Ready(Ok(1))));
}

fn users() -> [Tag<'static>; 1] {
    [Tag::new("users").unwrap()]
}

async fn load_under(cache: &Cache, value: &str) -> Result<String, Error> {
    let load = async || Ok::<_, Error>(value.to_owned());
    cache.writer(&users()).remember("k", "1h", load).await
}

/// A flush by another process, which no flight of this one hears of.
async fn flush_elsewhere(model: &Model) {
    TagStore::flush(model, &users()).await.unwrap();
}

/// A call of `remember` under the tag whose load is running, and what ends the load.
fn loading(
    cache: &Cache,
) -> (Spawn<impl Future<Output = Result<String, Error>> + use<'_>>, oneshot::Sender<()>) {
    let (finish, finished) = oneshot::channel::<()>();
    let mut call = spawn(async move {
        let load = async || {
            finished.await.unwrap();
            Ok::<_, Error>(String::from("loaded"))
        };
        cache.writer(&users()).remember("k", "1h", load).await
    });
    assert!(call.poll().is_pending());
    assert_eq!(cache.stats().loads, 1);
    (call, finish)
}

/// Leads up to the point at which what was loaded is stored, somebody waits for it, and the answer to whether
/// the tag was flushed meanwhile is on its way.
macro_rules! confirming {
    ($model:ident, $cache:ident, $leader:ident, $waiter:ident) => {
        let ($model, $cache) = troubled();
        let (mut $leader, finish) = loading(&$cache);
        let mut $waiter = spawn(load_under(&$cache, "own"));
        assert!($waiter.poll().is_pending());
        $model.trouble.versions_wait.store(true, SeqCst);
        finish.send(()).unwrap();
        assert!($leader.poll().is_pending());
        $model.trouble.versions_wait.store(false, SeqCst);
        assert!($cache.has("k").await.unwrap());
    };
}

#[tokio::test]
async fn who_waits_under_a_tag_shares_the_load_once_the_tag_is_confirmed() {
    confirming!(model, cache, leader, waiter);
    assert!(waiter.poll().is_pending());
    model.trouble.permits.0.add_permits(1);
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert!(waiter.is_woken());
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert_eq!(cache.stats().loads, 1);
}

/// The answer was right when it was given, and is old by the time at which it arrives.
#[tokio::test]
async fn who_calls_after_a_flush_while_the_tag_is_being_confirmed_loads_anew() {
    confirming!(model, cache, leader, waiter);
    flush_elsewhere(&model).await;
    let mut after = spawn(load_under(&cache, "fresh"));
    assert!(matches!(after.poll(), Poll::Ready(Ok(value)) if value == "fresh"));
    model.trouble.permits.0.add_permits(1);
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(_))), "it called before, and is answered");
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("fresh"));
}

#[tokio::test]
async fn who_calls_while_the_tag_is_being_confirmed_finds_what_was_stored() {
    confirming!(model, cache, leader, waiter);
    let mut later = spawn(load_under(&cache, "unused"));
    assert!(matches!(later.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    model.trouble.permits.0.add_permits(1);
    assert!(leader.poll().is_ready() && waiter.poll().is_ready());
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test]
async fn a_change_does_not_wait_for_the_confirmation() {
    confirming!(model, cache, leader, waiter);
    let mut forget = spawn(cache.forget("k"));
    assert!(matches!(forget.poll(), Poll::Ready(Ok(true))));
    let mut flush = spawn(cache.flush());
    assert!(matches!(flush.poll(), Poll::Ready(Ok(()))));
    model.trouble.permits.0.add_permits(1);
    assert!(leader.poll().is_ready() && waiter.poll().is_ready());
    assert!(!cache.has("k").await.unwrap(), "nothing is stored after the change");
}

#[tokio::test]
async fn a_leader_dropped_before_the_confirmation_leaves_what_it_stored() {
    confirming!(_model, cache, leader, waiter);
    let mut second = spawn(load_under(&cache, "unused"));
    assert!(second.poll().is_ready(), "it boards no flight that has departed");
    drop(leader);
    assert!(waiter.is_woken());
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test]
async fn a_leader_dropped_before_the_confirmation_after_a_flush_leaves_one_to_load() {
    confirming!(model, cache, leader, waiter);
    flush_elsewhere(&model).await;
    drop(leader);
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "own"));
    assert_eq!(cache.stats().loads, 2);
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("own"));
}

#[tokio::test]
async fn a_caller_dropped_while_it_reads_versions_hands_over() {
    let (model, cache) = troubled();
    model.trouble.versions_wait.store(true, SeqCst);
    let mut leader = spawn(load_under(&cache, "unused"));
    assert!(leader.poll().is_pending());
    let mut waiter = spawn(load_under(&cache, "own"));
    assert!(waiter.poll().is_pending());
    model.trouble.versions_wait.store(false, SeqCst);
    // What the dropped one has read is not what its successor goes by.
    flush_elsewhere(&model).await;
    drop(leader);
    assert!(waiter.is_woken());
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "own"));
    assert!(cache.has("k").await.unwrap());
}

#[tokio::test]
async fn a_flush_of_a_tag_does_not_wait_for_a_write_and_wins() {
    let (model, cache) = troubled();
    model.trouble.puts_wait.store(true, SeqCst);
    let mut remember = spawn(load_under(&cache, "loaded"));
    assert!(remember.poll().is_pending());
    let users = users();
    let mut flush = spawn(cache.writer(&users).flush());
    assert!(matches!(flush.poll(), Poll::Ready(Ok(()))));
    model.trouble.permits.0.add_permits(1);
    assert!(matches!(remember.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert!(!cache.has("k").await.unwrap(), "the write has landed after the flush");
}

/// A leader finds that somebody has put the key, which is flushed while the answer is on its way.
#[tokio::test]
async fn who_calls_after_a_flush_is_not_given_what_a_leader_found_before_it() {
    let (model, cache) = troubled();
    let users = users();
    model.trouble.gets_wait.store(true, SeqCst);
    let mut leader = spawn(load_under(&cache, "unused"));
    assert!(leader.poll().is_pending(), "it is about to miss");
    cache.writer(&users).put("k", "found", "1h").await.unwrap();
    model.trouble.permits.0.add_permits(1);
    assert!(leader.poll().is_pending(), "it has boarded, and reads again");
    model.trouble.gets_wait.store(false, SeqCst);
    flush_elsewhere(&model).await;
    let mut after = spawn(load_under(&cache, "fresh"));
    assert!(after.poll().is_pending());
    model.trouble.permits.0.add_permits(1);
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "found"));
    assert!(matches!(after.poll(), Poll::Ready(Ok(value)) if value == "fresh"));
}

#[tokio::test]
async fn what_is_loaded_while_tags_cannot_be_read_is_returned_and_not_stored() {
    let (model, cache) = troubled();
    model.trouble.versions_fail.store(true, SeqCst);
    assert_eq!(load_under(&cache, "first").await.unwrap(), "first");
    assert!(!cache.has("k").await.unwrap(), "nobody knows what it was loaded as of");
    assert_eq!((cache.stats().loads, cache.stats().bypassed), (1, 1));
    assert_eq!(load(&cache, "untagged").await.unwrap(), "untagged");
    assert!(cache.has("k").await.unwrap(), "that needs no versions");
    cache.forget("k").await.unwrap();

    model.trouble.versions_fail.store(false, SeqCst);
    assert_eq!(load_under(&cache, "third").await.unwrap(), "third");
    assert_eq!(load_under(&cache, "unused").await.unwrap(), "third", "it works again by itself");
    assert_eq!(cache.stats().bypassed, 1);
}

#[tokio::test]
async fn all_who_wait_while_tags_cannot_be_read_are_answered() {
    let (model, cache) = troubled();
    model.trouble.versions_fail.store(true, SeqCst);
    let (mut leader, finish) = loading(&cache);
    let users = users();
    // Their own loads take one poll more.
    let mut waiters = ["first", "second", "third"].map(|own| {
        let load = async move || {
            tokio::task::yield_now().await;
            Ok::<_, Error>(String::from(own))
        };
        spawn(cache.writer(&users).remember("k", "1h", load))
    });
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    finish.send(()).unwrap();
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    // Nobody knows whether the load began before a flush, so that one of them loads again, for all.
    assert!(waiters.iter().all(Spawn::is_woken));
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    for waiter in &mut waiters {
        assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "first"));
    }
    assert_eq!(cache.stats().loads, 2);
}

#[tokio::test]
async fn what_was_stored_serves_those_who_wait_though_its_tags_cannot_be_confirmed() {
    let (model, cache) = troubled();
    let (mut leader, finish) = loading(&cache);
    let mut waiter = spawn(load_under(&cache, "own"));
    assert!(waiter.poll().is_pending());
    model.trouble.versions_fail.store(true, SeqCst);
    finish.send(()).unwrap();
    assert!(matches!(leader.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(value)) if value == "loaded"));
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test]
async fn a_store_without_tags_says_so_before_anything_is_loaded_or_stored() {
    let (model, cache) = troubled();
    let users = users();
    let writer = cache.writer(&users);
    cache.put("k", "there", "1h").await.unwrap();
    model.trouble.no_tags.store(true, SeqCst);
    let refusals = [
        load_under(&cache, "unused").await.unwrap_err(),
        writer.put("k", "v", "1h").await.unwrap_err(),
        writer.put("k", "v", 0).await.unwrap_err(),
        writer.put_many([("k", "v")], "1h").await.unwrap_err(),
        writer.put_many([("k", "v")], 0).await.unwrap_err(),
        writer.add("k", "v", "1h").await.unwrap_err(),
        writer.add("k", "v", 0).await.unwrap_err(),
        writer.increment_by("n", 1).await.unwrap_err(),
        writer.decrement_by("n", 1).await.unwrap_err(),
        writer.flush().await.unwrap_err(),
    ];
    for refused in &refusals {
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        assert!(refused.to_string().contains("model"), "it names the driver: {refused}");
    }
    assert_eq!(cache.stats().loads, 0);
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("there"));
    assert!(!cache.has("n").await.unwrap());
    // No tags at all needs nothing of the store.
    cache.writer(&[]).flush().await.unwrap();
    cache.writer(&[]).put("k", "untagged", "1h").await.unwrap();
    assert_eq!(load(&cache, "unused").await.unwrap(), "untagged");
}

#[tokio::test]
async fn a_closed_cache_says_so_whatever_the_tags_and_the_lifetime() {
    let (_, cache) = troubled();
    let users = users();
    let writer = cache.writer(&users);
    cache.close().await.unwrap();
    let refusals = [
        load_under(&cache, "unused").await.unwrap_err(),
        writer.put("k", "v", "1h").await.unwrap_err(),
        writer.put("k", "v", 0).await.unwrap_err(),
        writer.add("k", "v", 0).await.unwrap_err(),
        writer.increment_by("k", 1).await.unwrap_err(),
        writer.flush().await.unwrap_err(),
        cache.add("k", "v", 0).await.unwrap_err(),
    ];
    assert!(refusals.iter().all(|error| error.kind() == ErrorKind::Closed), "{refusals:?}");
}
