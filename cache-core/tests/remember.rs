//! `remember` over a store in trouble: out of reach, or slow.
#![cfg(feature = "conformance")]

#[allow(dead_code, reason = "flaws are for the tests of the suite")]
mod model;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;

use cache_core::{Cache, Error, ErrorKind, Ttl};
use model::{Flaw, Model};
use tokio_test::task::spawn;

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
    assert_eq!(stats.bypassed, 6, "each call failed to read twice and to write once");
    assert_eq!(cache.get::<String>("k").await.unwrap_err().kind(), ErrorKind::Unavailable);

    model.trouble.reads_fail.store(false, SeqCst);
    model.trouble.writes_fail.store(false, SeqCst);
    assert_eq!(load(&cache, "third").await.unwrap(), "third");
    assert_eq!(load(&cache, "unused").await.unwrap(), "third", "it works again by itself");
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
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
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
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
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
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let mut remember = spawn(cache.remember("k", Ttl::DEFAULT, async || {
        finished.await.unwrap();
        Ok::<_, Error>(1)
    }));
    assert!(remember.poll().is_pending());
    cache.close().await.unwrap();
    finish.send(()).unwrap();
    assert!(matches!(remember.poll(), Poll::Ready(Ok(1))));
}
