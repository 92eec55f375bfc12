//! What comes of operations that are asked for at once while something keeps their runtime from running.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::Duration;

use cache_redis::{Cache, Error, ErrorKind};
use futures_util::FutureExt;
use futures_util::future::join_all;
use redis_servers::Server;
use tokio::runtime::Handle;

use super::{Apart, cache_with, failure, resumed};

const TIMEOUT: Duration = Duration::from_millis(300);

/// An operation on a key.
pub(crate) type Going = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;
type Operation = fn(Cache, String) -> Going;

/// So many as are not likely to go alone.
fn many(cache: &Cache, operation: Operation) -> Vec<Going> {
    (0..50).map(|number| operation(cache.clone(), format!("k{number}"))).collect()
}

async fn all_succeed(cache: &Cache, operation: Operation) {
    for answer in join_all(many(cache, operation)).await {
        answer.expect("the server answers");
    }
}

/// Polls what is given once on a thread of a runtime, and then keeps that thread from running anything else until what
/// is returned is dropped.
fn hold_a_thread(runtime: &Handle, mut work: Vec<Going>) -> mpsc::Sender<()> {
    let (begun, begins) = mpsc::channel();
    let (held, ends) = mpsc::channel::<()>();
    runtime.spawn(async move {
        for one in &mut work {
            assert!(one.now_or_never().is_none(), "it takes a server to answer");
        }
        begun.send(()).expect("it is waited for");
        assert!(ends.recv().is_err(), "nothing is sent");
    });
    begins.recv().expect("a thread runs it");
    held
}

/// A store used from another runtime than its own, which stands still.
pub(crate) fn all_time_out_where_the_runtime_of_the_store_stands_still(operation: Operation) {
    let Apart { its_own, other, server, cache } = Apart::with_timeout(TIMEOUT);
    other.block_on(all_succeed(&cache, operation));
    let held = hold_a_thread(its_own.handle(), Vec::new());
    other.block_on(async {
        let all = join_all(many(&cache, operation).into_iter().map(failure));
        for (error, took) in tokio::time::timeout(TIMEOUT * 3, all).await.expect("none hangs") {
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
            assert!(took >= TIMEOUT, "{took:?}");
        }
        drop(held);
        resumed(&cache).await;
        all_succeed(&cache, operation).await;
    });
    its_own.block_on(async move { drop(server) });
}

/// A thread that somebody blocks, on which what is gathered has its turn: of a runtime of several.
pub(crate) async fn none_waits_long_for_a_thread_that_is_blocked(operation: Operation) {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    all_succeed(&cache, operation).await;
    let held = hold_a_thread(&Handle::current(), many(&cache, operation));
    let others = join_all(many(&cache, operation));
    for answer in tokio::time::timeout(TIMEOUT * 4, others).await.expect("none hangs") {
        assert!(answer.is_ok() || answer.is_err_and(|error| error.kind() == ErrorKind::Timeout));
    }
    all_succeed(&cache, operation).await;
    drop(held);
}

/// The only thread of a runtime, blocked for longer than anything should wait, while something is gathered.
pub(crate) async fn whoever_comes_when_a_thread_goes_on_is_answered(operation: Operation) {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    all_succeed(&cache, operation).await;
    let mut waiting = many(&cache, operation);
    for one in &mut waiting {
        assert!(one.now_or_never().is_none(), "it takes a server to answer");
    }
    // What is to send them has begun, and yields too.
    tokio::task::yield_now().await;
    std::thread::sleep(TIMEOUT * 5 / 4);
    all_succeed(&cache, operation).await;
}
