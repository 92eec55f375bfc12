//! Stores that wait for one lock on a real server: of a release one of them is told, the one that came first; and if
//! it does not want the lock any more the next one is.
//!
//! Who is not told looks after two seconds at the earliest, and each look is counted by the server: where there was
//! none, a message was the reason.

mod support;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use cache_core::{Acquisition, Error, Key, LockStore, Owner, Store};
use cache_lock::{LockGuard, Locks};
use cache_redis::{Cache, ErrorKind, RedisStore};
use redis_servers::{Server, redis};
use support::{cache, calls_of, listeners, looks, number, registered, soon, until};
use tokio::task::JoinHandle;

const LOCK: &str = "report";
const PLACE: &str = "cache#wait:{report}";
const LOOKS: &str = "cache#look:{report}";
const LEASE: Duration = Duration::from_secs(60);
const HOLDER: Owner = Owner(1);
const NOBODY: Owner = Owner(99);

fn lock() -> Key<'static> {
    Key::new(LOCK).expect("a key")
}

async fn store(server: &Server) -> Arc<RedisStore> {
    Arc::new(RedisStore::connect(&server.url()).await.expect("the server answers"))
}

fn locks(store: &RedisStore) -> &dyn LockStore {
    store.locks().expect("this store has locks")
}

async fn is_taken(store: &RedisStore, owner: Owner) -> bool {
    let taken = locks(store).acquire(lock(), owner, LEASE).await.expect("the server answers");
    matches!(taken, Acquisition::Acquired(_))
}

async fn release(store: &RedisStore, owner: Owner) -> bool {
    locks(store).release(lock(), owner).await.expect("the server answers")
}

/// A task that waits, once the server has its place.
async fn in_line<T: Send + 'static>(
    server: &Server,
    waits: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let before = looks(server);
    let task = tokio::spawn(waits);
    until(|| looks(server) > before).await;
    task
}

async fn waiter(server: &Server, store: &Arc<RedisStore>) -> JoinHandle<Result<(), Error>> {
    let store = Arc::clone(store);
    in_line(server, async move { locks(&store).freed(lock()).await }).await
}

async fn contender(server: &Server, cache: &Cache) -> JoinHandle<LockGuard> {
    let asked = cache.lock(LOCK, LEASE).wait("1m").acquire();
    in_line(server, async move { asked.await.expect("it is free in the end") }).await
}

fn count(calls: &[(String, u64)], command: &str) -> u64 {
    calls.iter().find(|(name, _)| name == command).map_or(0, |(_, count)| *count)
}

#[tokio::test]
async fn a_release_tells_one_and_costs_the_same_however_many_wait() {
    const WAITERS: u64 = 24;
    let server = Server::start().await;
    let holder = cache(&server.url()).await;
    let guard = holder.lock(LOCK, LEASE).acquire().await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut caches = Vec::new();
    for _ in 0..WAITERS {
        caches.push(cache(&server.url()).await);
    }
    let mut waiters = Vec::new();
    for (number, cache) in (0..WAITERS).zip(caches) {
        let order = Arc::clone(&order);
        let waits = async move {
            let guard = cache.lock(LOCK, LEASE).wait("1m").acquire().await.expect("its turn comes");
            order.lock().expect("nobody panics").push(number);
            guard.release().await.expect("nobody takes it away");
            cache
        };
        waiters.push(in_line(&server, waits).await);
    }
    assert_eq!(listeners(&server), 24);
    let (caches, calls) = calls_of(&server, async {
        guard.release().await.unwrap();
        let mut caches = Vec::new();
        for waiter in waiters {
            caches.push(soon(waiter).await.unwrap());
        }
        caches
    })
    .await;
    assert_eq!(
        *order.lock().unwrap(),
        (0..WAITERS).collect::<Vec<_>>(),
        "first come, first served"
    );
    assert_eq!(count(&calls, "publish"), WAITERS, "each release tells one: {calls:?}");
    let sum: u64 = calls.iter().map(|(_, calls)| calls).sum();
    // A message, an acquisition and a release; and a look or two, where the machine is slow.
    assert!(sum <= WAITERS * 12, "{sum} commands: {calls:?}");
    assert_eq!(number(server.ask(&["EXISTS", PLACE])), 0, "nothing is left behind");
    drop(caches);
}

#[tokio::test]
async fn who_is_gone_is_passed_over_at_once() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    assert!(is_taken(&ours, HOLDER).await);
    for _ in 0..3 {
        let gone = store(&server).await;
        waiter(&server, &gone).await.abort();
        drop(gone);
    }
    let next = waiter(&server, &theirs).await;
    until(|| listeners(&server) == 1).await;
    assert_eq!(registered(&server, LOCK), 4);
    let ((), calls) = calls_of(&server, async {
        assert!(release(&ours, HOLDER).await);
        soon(next).await.unwrap().unwrap();
    })
    .await;
    assert_eq!((count(&calls, "publish"), count(&calls, "pttl")), (4, 0), "{calls:?}");
}

/// The looks of others would keep its place.
#[tokio::test]
async fn who_has_not_looked_for_long_has_no_place() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    assert!(is_taken(&ours, HOLDER).await);
    let gone = store(&server).await;
    waiter(&server, &gone).await.abort();
    let next = waiter(&server, &theirs).await;
    let first = server.ask(&["ZRANGE", PLACE, "0", "0"]);
    let [first] = redis::from_redis_value::<[String; 1]>(first).unwrap();
    let before = looks(&server);
    until(|| looks(&server) > before).await;
    assert_eq!(registered(&server, LOCK), 2, "it has looked a moment ago");
    // As if more than ten seconds had passed for it.
    assert_eq!(number(server.ask(&["EXISTS", LOOKS])), 1);
    let time: [String; 2] = redis::from_redis_value(server.ask(&["TIME"])).unwrap();
    let long_ago = (time[0].parse::<u64>().unwrap() - 11).to_string() + "000000";
    server.ask(&["ZADD", LOOKS, "XX", &long_ago, &first]);
    until(|| registered(&server, LOCK) == 1).await;
    assert_eq!(number(server.ask(&["ZCARD", LOOKS])), 1);
    assert!(release(&ours, HOLDER).await);
    soon(next).await.unwrap().unwrap();
    assert!(number(server.ask(&["PTTL", LOOKS])) <= 10_000, "nothing is left behind for long");
}

#[tokio::test]
async fn a_store_that_is_closed_gives_up_its_places() {
    let server = Server::start().await;
    let [ours, closed, theirs] = [store(&server).await, store(&server).await, store(&server).await];
    assert!(is_taken(&ours, HOLDER).await);
    let ends = waiter(&server, &closed).await;
    let next = waiter(&server, &theirs).await;
    closed.close().await.unwrap();
    assert_eq!(soon(ends).await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(registered(&server, LOCK), 1);
    let ((), calls) = calls_of(&server, async {
        assert!(release(&ours, HOLDER).await);
        soon(next).await.unwrap().unwrap();
    })
    .await;
    assert_eq!((count(&calls, "publish"), count(&calls, "pttl")), (1, 0), "{calls:?}");
}

#[tokio::test]
async fn who_has_left_hands_on_what_it_is_told() {
    let server = Server::start().await;
    let [ours, left, theirs] = [store(&server).await, store(&server).await, store(&server).await];
    assert!(is_taken(&ours, HOLDER).await);
    waiter(&server, &left).await.abort();
    let next = waiter(&server, &theirs).await;
    assert_eq!((listeners(&server), registered(&server, LOCK)), (2, 2));
    let ((), calls) = calls_of(&server, async {
        assert!(release(&ours, HOLDER).await);
        soon(next).await.unwrap().unwrap();
    })
    .await;
    assert_eq!((count(&calls, "publish"), count(&calls, "pttl")), (2, 0), "{calls:?}");
}

#[tokio::test]
async fn who_was_told_and_does_not_try_has_the_next_one_told() {
    let server = Server::start().await;
    let [ours, first, second] = [store(&server).await, store(&server).await, store(&server).await];
    assert!(is_taken(&ours, HOLDER).await);
    let told = waiter(&server, &first).await;
    let next = waiter(&server, &second).await;
    assert!(!release(&ours, NOBODY).await, "while it is held nobody is told");
    assert_eq!(registered(&server, LOCK), 2);
    let ((), calls) = calls_of(&server, async {
        assert!(release(&ours, HOLDER).await);
        soon(told).await.unwrap().unwrap();
        assert!(!next.is_finished(), "one is told");
        assert!(!release(&first, NOBODY).await);
        soon(next).await.unwrap().unwrap();
    })
    .await;
    assert_eq!((count(&calls, "publish"), count(&calls, "pttl")), (2, 0), "{calls:?}");
}

#[tokio::test]
async fn a_place_from_before_is_passed_over_by_its_own_release() {
    let server = Server::start().await;
    let [ours, first, second] = [store(&server).await, store(&server).await, store(&server).await];
    assert!(is_taken(&ours, HOLDER).await);
    waiter(&server, &first).await.abort();
    let next = waiter(&server, &second).await;
    // The lock is lost, and who waited has it without having been told.
    server.ask(&["DEL", "cache#lock:{report}"]);
    assert!(is_taken(&first, Owner(2)).await);
    assert_eq!(registered(&server, LOCK), 2);
    let ((), calls) = calls_of(&server, async {
        assert!(release(&first, Owner(2)).await);
        soon(next).await.unwrap().unwrap();
    })
    .await;
    assert_eq!((count(&calls, "publish"), count(&calls, "pttl")), (1, 0), "{calls:?}");
}

/// It has been told, or not yet, or has sent its attempt, or has the lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_woken_and_gives_up_wakes_the_next_store() {
    let server = Server::start().await;
    let [ours, first, second] =
        [cache(&server.url()).await, cache(&server.url()).await, cache(&server.url()).await];
    for round in 0..60_u32 {
        let guard = ours.lock(LOCK, LEASE).acquire().await.unwrap();
        let gives_up = contender(&server, &first).await;
        let next = contender(&server, &second).await;
        let before = looks(&server);
        guard.release().await.unwrap();
        // Waits for nothing: each round gives up at another moment.
        tokio::time::sleep(Duration::from_micros(u64::from(round) * 20)).await;
        gives_up.abort();
        drop(gives_up.await);
        soon(next).await.unwrap().release().await.unwrap();
        assert_eq!(looks(&server), before, "round {round}: it was told");
    }
}

/// The same with a future that is dropped in the moment in which it is told, which no task can do.
#[tokio::test]
async fn a_future_that_is_dropped_when_it_is_woken_hands_on() {
    let server = Server::start().await;
    let [ours, first, second] = [store(&server).await, store(&server).await, store(&server).await];
    assert!(is_taken(&ours, HOLDER).await);
    let next = {
        let mut told = pin!(locks(&first).freed(lock()));
        let before = looks(&server);
        // Until it is in line.
        while looks(&server) == before {
            let waits = poll_fn(|cx| {
                assert!(told.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            });
            waits.await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let next = waiter(&server, &second).await;
        assert!(release(&ours, HOLDER).await);
        // It hears of it, and nobody polls it.
        until(|| registered(&server, LOCK) == 1).await;
        next
    };
    let before = looks(&server);
    soon(next).await.unwrap().unwrap();
    assert_eq!(looks(&server), before);
}

#[tokio::test]
async fn who_cannot_be_told_looks() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    // Its place is lost; or there is none to be had.
    for lost in [&["DEL", PLACE][..], &["SET", PLACE, "x"]] {
        assert!(is_taken(&ours, HOLDER).await);
        let next = waiter(&server, &theirs).await;
        server.ask(lost);
        assert!(release(&ours, HOLDER).await);
        soon(next).await.unwrap().unwrap();
    }
    assert!(is_taken(&ours, HOLDER).await);
    let next = waiter(&server, &theirs).await;
    assert!(release(&ours, HOLDER).await);
    soon(next).await.unwrap().unwrap();
    assert!(is_taken(&theirs, NOBODY).await);
}

#[tokio::test]
async fn a_server_that_forgets_its_scripts_tells_all_the_same() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    assert!(is_taken(&ours, HOLDER).await);
    let next = waiter(&server, &theirs).await;
    server.ask(&["SCRIPT", "FLUSH"]);
    let ((), calls) = calls_of(&server, async {
        assert!(release(&ours, HOLDER).await);
        soon(next).await.unwrap().unwrap();
    })
    .await;
    assert_eq!((count(&calls, "publish"), count(&calls, "pttl")), (1, 0), "{calls:?}");
    assert!(is_taken(&theirs, NOBODY).await);
}

#[tokio::test]
async fn who_may_subscribe_after_all_is_told() {
    let server = Server::start().await;
    server.ask(&["ACL", "SETUSER", "silent", "on", ">s3cret", "~*", "+@all", "resetchannels"]);
    let url = format!("redis://silent:s3cret@127.0.0.1:{}", server.port());
    let ours = store(&server).await;
    let theirs = Arc::new(RedisStore::connect(&url).await.unwrap());
    assert!(is_taken(&ours, HOLDER).await);
    let next = {
        let theirs = Arc::clone(&theirs);
        tokio::spawn(async move { locks(&theirs).freed(lock()).await })
    };
    until(|| support::calls(&server).contains_key("pttl")).await;
    assert_eq!((looks(&server), listeners(&server)), (0, 0));
    server.ask(&["ACL", "SETUSER", "silent", "resetchannels", "&cache#wake:*"]);
    until(|| registered(&server, LOCK) == 1).await;
    assert!(release(&ours, HOLDER).await);
    soon(next).await.unwrap().unwrap();
}

#[tokio::test]
async fn other_locks_are_not_told_of() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    let other = Key::new("other").unwrap();
    assert!(is_taken(&ours, HOLDER).await);
    locks(&ours).acquire(other, HOLDER, LEASE).await.unwrap();
    let report = waiter(&server, &theirs).await;
    let waits = {
        let theirs = Arc::clone(&theirs);
        async move { locks(&theirs).freed(other).await }
    };
    let waits = in_line(&server, waits).await;
    assert_eq!(listeners(&server), 1);
    assert!(locks(&ours).release(other, HOLDER).await.unwrap());
    soon(waits).await.unwrap().unwrap();
    assert!(!report.is_finished() && registered(&server, LOCK) == 1);
    assert!(release(&ours, HOLDER).await);
    soon(report).await.unwrap().unwrap();
}

/// Also while it gives up the places that it has, which a silent server keeps it from.
#[tokio::test]
async fn a_close_that_is_dropped_disconnects() {
    let server = Server::start().await;
    let holder = store(&server).await;
    assert!(is_taken(&holder, HOLDER).await);
    let waiting = store(&server).await;
    let waits = Arc::clone(&waiting);
    let _waiter = in_line(&server, async move { locks(&waits).freed(lock()).await }).await;
    let connected = || {
        let clients: String =
            redis::from_redis_value(server.ask(&["CLIENT", "LIST"])).expect("text");
        clients.lines().filter(|line| !line.contains("cmd=client")).count()
    };
    assert_eq!(connected(), 3, "one to send and one to hear, and the holder's");
    server.pause().await;
    {
        let mut close = pin!(waiting.close());
        let polled = poll_fn(|context| Poll::Ready(close.as_mut().poll(context))).await;
        assert!(polled.is_pending(), "it cannot give up its place");
    }
    server.resume().await;
    until(|| connected() == 1).await;
}
