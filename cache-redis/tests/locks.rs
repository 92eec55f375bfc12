//! Locks on a real server: what they cost, who is told, and what becomes of them when somebody meddles.

mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cache_core::{Acquisition, Fence, Key, LockStore, Owner, Store};
use cache_lock::Locks;
use cache_redis::{Cache, Error, ErrorKind, RedisStore};
use redis_servers::Server;
use support::{calls, calls_of, delayed, listeners, looks, number, registered, soon, text, until};

const FIRST: Owner = Owner(1);
const SECOND: Owner = Owner(2);
const LEASE: Duration = Duration::from_secs(60);

fn key(name: &str) -> Key<'_> {
    Key::new(name).expect("a key")
}

fn locks(store: &RedisStore) -> &dyn LockStore {
    store.locks().expect("this store has locks")
}

async fn store(server: &Server) -> Arc<RedisStore> {
    Arc::new(RedisStore::connect(&server.url()).await.expect("the server answers"))
}

async fn fence_for(store: &RedisStore, name: &str, owner: Owner, lease: Duration) -> Option<Fence> {
    match locks(store).acquire(key(name), owner, lease).await.expect("the server answers") {
        Acquisition::Acquired(fence) => Some(fence),
        Acquisition::Held(_) => None,
    }
}

/// The fence of an acquisition that has to succeed.
async fn take(store: &RedisStore, owner: Owner) -> Fence {
    fence_for(store, "report", owner, LEASE).await.expect("nobody holds it")
}

async fn release(store: &RedisStore, owner: Owner) -> bool {
    locks(store).release(key("report"), owner).await.expect("the server answers")
}

async fn freed(store: &RedisStore) -> Result<(), Error> {
    locks(store).freed(key("report")).await
}

fn now_in_micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    u64::try_from(now.as_micros()).expect("a time of ours")
}

/// A waiter in a task of its own, that has looked and will be told.
async fn waiting(
    server: &Server,
    store: &Arc<RedisStore>,
) -> tokio::task::JoinHandle<Result<(), Error>> {
    let store = Arc::clone(store);
    let before = looks(server);
    let waiter = tokio::spawn(async move { freed(&store).await });
    until(|| looks(server) > before).await;
    waiter
}

#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let server = Server::start().await;
    let store = &store(&server).await;
    macro_rules! costs {
        ($work:expr, $($command:literal: $calls:literal),+) => {{
            let (done, calls) = calls_of(&server, $work).await;
            let expected = [$(($command.to_owned(), $calls)),+];
            assert_eq!(calls, expected, stringify!($work));
            done
        }};
    }
    // Every script once: it is sent once, and called by its digest from then on.
    take(store, FIRST).await;
    assert!(locks(store).renew(key("report"), FIRST, LEASE).await.unwrap());
    assert!(locks(store).inspect(key("report")).await.unwrap().is_some());
    assert!(release(store, FIRST).await);

    costs!(take(store, FIRST), "evalsha": 1, "set": 2, "time": 1);
    let held = fence_for(store, "report", SECOND, LEASE);
    assert_eq!(costs!(held, "evalsha": 1, "get": 1, "pttl": 1, "set": 1), None);
    let renewed = locks(store).renew(key("report"), FIRST, LEASE);
    assert!(costs!(renewed, "evalsha": 1, "get": 1, "pexpire": 1).unwrap());
    let seen = locks(store).inspect(key("report"));
    assert_eq!(costs!(seen, "evalsha": 1, "get": 1, "pttl": 1).unwrap().unwrap().owner, FIRST);
    assert!(!costs!(release(store, SECOND), "evalsha": 1, "get": 1));
    assert!(costs!(release(store, FIRST), "evalsha": 1, "get": 1, "unlink": 1, "zpopmin": 1));
    let connected = text(server.ask(&["CLIENT", "LIST"]));
    assert_eq!(connected.lines().count(), 2, "who does not wait needs no connection: {connected}");
}

#[tokio::test]
async fn things_lie_where_a_person_would_look() {
    let server = Server::start().await;
    let store = &store(&server).await;
    let fence = take(store, Owner(0xAB)).await;
    let stored = text(server.ask(&["GET", "cache#lock:{report}"]));
    assert_eq!(stored, "000000000000000000000000000000ab");
    assert_eq!(text(server.ask(&["GET", "cache#fence:{report}"])), fence.0.to_string());
    let left = number(server.ask(&["PTTL", "cache#lock:{report}"]));
    assert!((50_000..=60_000).contains(&left), "{left}");
    let left = number(server.ask(&["PTTL", "cache#fence:{report}"]));
    assert!((86_300_000..=86_400_000).contains(&left), "{left}");
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    fence_for(store, "long", FIRST, week).await.unwrap();
    let left = number(server.ask(&["PTTL", "cache#fence:{long}"]));
    assert!((1_209_500_000..=1_209_600_000).contains(&left), "{left}");
    // A lease that no server could hold, and none at all.
    fence_for(store, "longest", FIRST, Duration::MAX).await.unwrap();
    assert!(number(server.ask(&["PTTL", "cache#lock:{longest}"])) > 15_000_000_000_000);
    fence_for(store, "shortest", FIRST, Duration::ZERO).await.unwrap();
    assert!(number(server.ask(&["PTTL", "cache#lock:{shortest}"])) <= 1);
    let waiter = waiting(&server, store).await;
    let waits = server.ask(&["ZRANGE", "cache#wait:{report}", "0", "-1"]);
    let waits: Vec<String> = redis_servers::redis::from_redis_value(waits).expect("a list");
    let channel = waits[0].strip_prefix("cache#wake:").expect("a channel");
    assert!(waits.len() == 1 && channel.len() == 32, "{waits:?}");
    let left = number(server.ask(&["PTTL", "cache#wait:{report}"]));
    assert!((5_000..=10_000).contains(&left), "{left}");
    store.flush().await.unwrap();
    assert_eq!(fence_for(store, "report", SECOND, LEASE).await, None, "a flush leaves locks alone");
    assert_eq!(registered(&server, "report"), 1, "and those who wait for them");
    assert!(release(store, Owner(0xAB)).await);
    soon(waiter).await.unwrap().unwrap();
}

#[tokio::test]
async fn names_of_any_kind_are_apart() {
    let server = Server::start().await;
    let store = &store(&server).await;
    let long = "x".repeat(Key::MAX_BYTES);
    let names = [
        "report", "{report}", "}", "{", "{}", "}{", "%7D", "%257D", "100%", "a b", "#", "☕",
        "\0\n", &long,
    ];
    for (number, name) in (10..).zip(names) {
        fence_for(store, name, Owner(number), LEASE).await.expect(name);
    }
    for (number, name) in (10..).zip(names) {
        let held = locks(store).inspect(key(name)).await.unwrap().expect(name);
        assert_eq!(held.owner, Owner(number), "{name:?}");
        assert!(locks(store).release(key(name), Owner(number)).await.unwrap(), "{name:?}");
    }
}

#[tokio::test]
async fn taking_what_one_has_renews_it_and_gives_a_new_fence() {
    let server = Server::start().await;
    let store = &store(&server).await;
    let first = fence_for(store, "report", FIRST, Duration::from_secs(5)).await.unwrap();
    let again = take(store, FIRST).await;
    assert!(again > first);
    assert!(number(server.ask(&["PTTL", "cache#lock:{report}"])) > 50_000);
    let Acquisition::Held(left) = locks(store).acquire(key("report"), SECOND, LEASE).await.unwrap()
    else {
        panic!("it is held")
    };
    assert!(left > Duration::from_secs(50) && left <= LEASE, "{left:?}");
}

#[tokio::test]
async fn fences_grow_whatever_happens() {
    let server = Server::start().await;
    let store = &store(&server).await;
    let mut last = Fence(0);
    let mut grows = |fence: Fence, what: &str| {
        assert!(fence > last, "{what}: {fence:?} after {last:?}");
        last = fence;
    };
    for _ in 0..50 {
        grows(take(store, FIRST).await, "a release");
        assert!(release(store, FIRST).await);
    }
    let short = fence_for(store, "report", FIRST, Duration::from_millis(20)).await.unwrap();
    grows(short, "a short lease");
    soon(freed(store)).await.unwrap();
    grows(take(store, SECOND).await, "its end");
    assert!(locks(store).force_release(key("report")).await.unwrap());
    grows(take(store, FIRST).await, "a release by force");
    server.ask(&["DEL", "cache#fence:{report}"]);
    server.ask(&["DEL", "cache#lock:{report}"]);
    grows(take(store, FIRST).await, "the loss of the fence");
    server.ask(&["FLUSHALL"]);
    grows(take(store, FIRST).await, "the loss of everything");
    server.stop().await;
    server.start_again().await;
    let fence = soon(async {
        loop {
            match locks(store).acquire(key("report"), SECOND, LEASE).await {
                Ok(Acquisition::Acquired(fence)) => return fence,
                Ok(held) => panic!("the new server is empty: {held:?}"),
                Err(error) => assert!(error.is_temporary(), "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    grows(fence.await, "a restart");
    // The clock may be behind.
    let ahead = now_in_micros() + 3_600_000_000;
    server.ask(&["SET", "cache#fence:{report}", &ahead.to_string()]);
    assert_eq!(take(store, SECOND).await, Fence(ahead + 1));
    assert_eq!(take(store, SECOND).await, Fence(ahead + 2));
    // It is kept until the clock has gone beyond it, and a day more.
    let left = number(server.ask(&["PTTL", "cache#fence:{report}"]));
    assert!((89_990_000..=90_000_001).contains(&left), "{left}");
    // What is no fence is as if there were none.
    let others = [
        "",
        "x",
        "-1",
        "5",
        "0000000000000005",
        "sixteen letters!",
        "1e15",
        "99999999999999999999",
    ];
    for other in others {
        server.ask(&["SET", "cache#fence:{report}", other]);
        let fence = take(store, SECOND).await;
        assert!(fence.0.abs_diff(now_in_micros()) < 10_000_000, "{other:?}: {fence:?}");
    }
    server.ask(&["DEL", "cache#fence:{report}"]);
    server.ask(&["RPUSH", "cache#fence:{report}", "a"]);
    let fence = take(store, SECOND).await;
    assert!(fence.0.abs_diff(now_in_micros()) < 10_000_000, "{fence:?}");
}

#[tokio::test]
async fn a_release_wakes_who_waits_elsewhere() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    for ended_by_force in [false, true] {
        take(&ours, FIRST).await;
        let waiter = waiting(&server, &theirs).await;
        let ((), calls) = calls_of(&server, async {
            if ended_by_force {
                assert!(locks(&ours).force_release(key("report")).await.unwrap());
            } else {
                assert!(release(&ours, FIRST).await);
            }
            soon(waiter).await.unwrap().unwrap();
        })
        .await;
        let look = calls.iter().find(|(name, _)| name == "pttl");
        assert_eq!(look, None, "it was told, and did not look: {calls:?}");
    }
    soon(freed(&theirs)).await.expect("what nobody holds is free");
}

#[tokio::test]
async fn the_end_of_a_lease_wakes() {
    let server = Server::start().await;
    let store = store(&server).await;
    for lease in [1, 50, 150].map(Duration::from_millis) {
        fence_for(&store, "report", FIRST, lease).await.unwrap();
        soon(freed(&store)).await.unwrap();
        take(&store, SECOND).await;
        assert!(release(&store, SECOND).await);
    }
}

/// The release falls before the subscription, between it and the look, or after both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_release_is_missed() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    for round in 0..400u32 {
        let name = format!("lock{round}");
        fence_for(&ours, &name, FIRST, LEASE).await.unwrap();
        let waiter = {
            let (theirs, name) = (Arc::clone(&theirs), name.clone());
            tokio::spawn(async move { locks(&theirs).freed(key(&name)).await })
        };
        tokio::time::sleep(Duration::from_micros(u64::from(round % 40) * 30)).await;
        assert!(locks(&ours).release(key(&name), FIRST).await.unwrap());
        // Sooner than by a look, which comes after two seconds.
        let told = tokio::time::timeout(Duration::from_millis(1_500), waiter).await;
        told.expect("it was told").unwrap().unwrap();
    }
}

/// Written is not received: a look before the server has the subscription would miss a release in between.
#[tokio::test]
async fn who_waits_looks_when_the_server_has_the_subscription() {
    // The first connection is that of operations.
    let is_second = |number| number == 1;
    let server = Server::start().await;
    let ours = store(&server).await;
    let theirs = Arc::new(RedisStore::connect(&delayed(&server, is_second)).await.unwrap());
    take(&ours, FIRST).await;
    let waiter = waiting(&server, &theirs).await;
    assert!(release(&ours, FIRST).await);
    let told = tokio::time::timeout(Duration::from_millis(1_500), waiter).await;
    told.expect("it was told").unwrap().unwrap();
}

#[tokio::test]
async fn a_waiter_that_was_dropped_comes_back() {
    let server = Server::start().await;
    let store = store(&server).await;
    for _ in 0..3 {
        take(&store, FIRST).await;
        waiting(&server, &store).await.abort();
        let waiter = waiting(&server, &store).await;
        assert_eq!(registered(&server, "report"), 1, "it has the place that it had");
        assert!(release(&store, FIRST).await);
        soon(waiter).await.unwrap().unwrap();
        assert_eq!(number(server.ask(&["EXISTS", "cache#wait:{report}"])), 0);
    }
    assert_eq!(calls(&server)["subscribe"], 1);
}

#[tokio::test]
async fn a_hundred_waiters_are_one_subscription() {
    let server = Server::start().await;
    let store = store(&server).await;
    take(&store, FIRST).await;
    let waiters: Vec<_> = (0..100)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { freed(&store).await })
        })
        .collect();
    until(|| looks(&server) >= 100).await;
    assert_eq!((listeners(&server), registered(&server, "report")), (1, 1));
    assert_eq!(calls(&server)["subscribe"], 1);
    let connected = text(server.ask(&["CLIENT", "LIST"]));
    assert_eq!(connected.lines().count(), 2 + 1, "{connected}");
    assert!(release(&store, FIRST).await);
    for waiter in waiters {
        soon(waiter).await.unwrap().unwrap();
    }
    assert_eq!(registered(&server, "report"), 0);
}

/// Its place is from before the clock was set back, which all who came later would be before.
#[tokio::test]
async fn who_has_come_by_a_clock_that_was_ahead_does_not_wait_behind_everybody() {
    let server = Server::start().await;
    let [ours, theirs, others] = [store(&server).await, store(&server).await, store(&server).await];
    take(&ours, FIRST).await;
    let first = waiting(&server, &theirs).await;
    let channels = || -> Vec<(String, u64)> {
        let all = server.ask(&["ZRANGE", "cache#wait:{report}", "0", "-1", "WITHSCORES"]);
        redis_servers::redis::from_redis_value(all).expect("channels and their times")
    };
    let (channel, place) = channels().remove(0);
    let ahead = place + 3_600_000_000;
    server.ask(&["ZADD", "cache#wait:{report}", &ahead.to_string(), &channel]);
    let second = waiting(&server, &others).await;
    assert_eq!(channels().last(), Some(&(channel.clone(), ahead)));
    // The next look lowers it, and later ones do not raise it again.
    let again = waiting(&server, &theirs).await;
    let lowered = channels().into_iter().find(|(other, _)| *other == channel).unwrap().1;
    assert!(lowered < place + 60_000_000, "{lowered} after {place}");
    let once_more = waiting(&server, &theirs).await;
    assert!(channels().contains(&(channel, lowered)), "{:?}", channels());
    for waiter in [first, second, again, once_more] {
        waiter.abort();
    }
}

/// As contenders do: each turn takes the lock or waits. None of them subscribes anew each time.
#[tokio::test]
async fn contenders_take_turns() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    let contenders: Vec<_> = (1..=8u128)
        .map(|owner| {
            let store = Arc::clone(if owner % 2 == 0 { &ours } else { &theirs });
            tokio::spawn(async move {
                let owner = Owner(owner);
                for _ in 0..10 {
                    while fence_for(&store, "report", owner, LEASE).await.is_none() {
                        freed(&store).await.unwrap();
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    assert!(release(&store, owner).await, "nobody else has taken it");
                }
            })
        })
        .collect();
    for contender in contenders {
        soon(contender).await.unwrap();
    }
    assert_eq!(calls(&server)["subscribe"], 2);
}

#[tokio::test]
async fn a_killed_subscription_strands_nobody() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    for _ in 0..5 {
        take(&ours, FIRST).await;
        let waiter = waiting(&server, &theirs).await;
        assert_eq!(number(server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"])), 1);
        soon(waiter).await.unwrap().expect("it may have been released meanwhile");
        // It was not. Who waits again is told again.
        let waiter = waiting(&server, &theirs).await;
        assert!(release(&ours, FIRST).await);
        soon(waiter).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn waiting_ends_with_the_server_and_begins_anew() {
    let server = Server::start().await;
    let (ours, theirs) = (store(&server).await, store(&server).await);
    for _ in 0..2 {
        take(&ours, FIRST).await;
        let waiter = waiting(&server, &theirs).await;
        server.stop().await;
        if let Err(error) = soon(waiter).await.unwrap() {
            assert!(error.is_temporary(), "{error:?}");
        }
        // While the server is away there is an error, so that nobody spins.
        let error = soon(async {
            loop {
                if let Err(error) = freed(&theirs).await {
                    return error;
                }
            }
        });
        assert!(error.await.is_temporary());
        server.start_again().await;
        soon(async {
            while let Err(error) = locks(&ours).acquire(key("report"), FIRST, LEASE).await {
                assert!(error.is_temporary(), "{error:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // It looks from time to time until it is told.
            let waiter = {
                let theirs = Arc::clone(&theirs);
                tokio::spawn(async move {
                    while let Err(error) = freed(&theirs).await {
                        assert!(error.is_temporary(), "{error:?}");
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                })
            };
            until(|| registered(&server, "report") == 1).await;
            assert!(release(&ours, FIRST).await);
            waiter.await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn who_waits_costs_the_server_next_to_nothing() {
    let server = Server::start().await;
    let store = store(&server).await;
    take(&store, FIRST).await;
    // As a user waits: with the attempts that are made in spite of being told.
    let cache = Cache::new(Arc::clone(&store));
    let waiter = tokio::spawn(cache.lock("report", "1m").wait("1m").acquire());
    until(|| registered(&server, "report") == 1).await;
    // Nothing happens that could be waited for: what is measured is what a time of waiting costs.
    let ((), calls) = calls_of(&server, tokio::time::sleep(Duration::from_secs(8))).await;
    let sum: u64 = calls.iter().map(|(_, calls)| calls).sum();
    assert!(sum < 32, "under four in a second: {calls:?}");
    assert!(!waiter.is_finished());
    // One that has lost its lock without a word is found out by that.
    server.ask(&["DEL", "cache#lock:{report}"]);
    soon(waiter).await.unwrap().unwrap().release().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_somebody_deleted_is_lost() {
    let server = Server::start().await;
    let store = &store(&server).await;
    take(store, FIRST).await;
    server.ask(&["DEL", "cache#lock:{report}"]);
    assert!(!locks(store).renew(key("report"), FIRST, LEASE).await.unwrap());
    assert!(!release(store, FIRST).await);
    take(store, SECOND).await;
    assert!(!release(store, FIRST).await, "the successor's lock stays");
    assert!(release(store, SECOND).await);
}

#[tokio::test]
async fn what_is_no_lock_of_ours_is_told_and_left_alone() {
    let server = Server::start().await;
    let store = &store(&server).await;
    let place = "cache#lock:{report}";
    // Another type.
    server.ask(&["RPUSH", place, "a"]);
    for error in [
        locks(store).acquire(key("report"), FIRST, LEASE).await.map(drop).unwrap_err(),
        locks(store).inspect(key("report")).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Decode, "{error:?}");
        assert!(error.to_string().contains("force_release"), "{error}");
    }
    assert!(!locks(store).renew(key("report"), FIRST, LEASE).await.unwrap());
    assert!(!release(store, FIRST).await);
    assert_eq!(number(server.ask(&["LLEN", place])), 1, "it is untouched");
    assert!(locks(store).force_release(key("report")).await.unwrap());
    // Somebody else's, without an end.
    server.ask(&["SET", place, "mine"]);
    let Acquisition::Held(left) = locks(store).acquire(key("report"), FIRST, LEASE).await.unwrap()
    else {
        panic!("it is held")
    };
    assert!(left > Duration::from_secs(1) && left < Duration::from_secs(1_000_000), "{left:?}");
    assert_eq!(locks(store).inspect(key("report")).await.unwrap_err().kind(), ErrorKind::Decode);
    assert!(!release(store, FIRST).await);
    let store = Arc::clone(store);
    let waiter = waiting(&server, &store).await;
    assert!(!waiter.is_finished());
    assert!(locks(&store).force_release(key("report")).await.unwrap());
    soon(waiter).await.unwrap().unwrap();
    take(&store, FIRST).await;
}

#[tokio::test]
async fn where_nobody_may_subscribe_who_waits_looks() {
    let server = Server::start().await;
    server.ask(&["ACL", "SETUSER", "silent", "on", ">s3cret", "~*", "+@all", "resetchannels"]);
    let url = format!("redis://silent:s3cret@127.0.0.1:{}", server.port());
    let store = RedisStore::connect(&url).await.unwrap();
    take(&store, FIRST).await;
    let released = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(release(&store, FIRST).await, "it is released without a word");
    };
    let (waited, ()) = tokio::join!(soon(freed(&store)), released);
    waited.unwrap();
    take(&store, SECOND).await;
}

#[tokio::test]
async fn a_full_server_gives_no_lock_and_takes_releases() {
    let server =
        Server::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]).await;
    let store = store(&server).await;
    take(&store, FIRST).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = locks(&store).acquire(key("other"), FIRST, LEASE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!(number(server.ask(&["EXISTS", "cache#lock:{other}", "cache#fence:{other}"])), 0);
    assert!(locks(&store).renew(key("report"), FIRST, LEASE).await.unwrap());
    assert!(release(&store, FIRST).await);
}

#[tokio::test]
async fn a_dropped_acquisition_is_undone_by_a_later_release() {
    let server = Server::start().await;
    let store = RedisStore::builder(&server.url()).unwrap().connections(4).connect().await.unwrap();
    for round in 0..100 {
        let name = format!("lock{}", round % 7);
        let dropped = locks(&store).acquire(key(&name), FIRST, LEASE);
        let _ = tokio::time::timeout(Duration::ZERO, dropped).await;
        locks(&store).release(key(&name), FIRST).await.unwrap();
        assert_eq!(locks(&store).inspect(key(&name)).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn a_close_does_not_overtake_what_is_given_back() {
    let server = Server::start().await;
    let theirs = Cache::new(store(&server).await);
    let is_free = async || {
        let taken = theirs.lock("report", "1m").try_acquire().await.expect("the server answers");
        taken.expect("it was given back").release().await.expect("it is ours");
    };
    // The server does not know the script the first time, and is sent the whole.
    for by_a_thread in [false, true] {
        let ours = Cache::new(store(&server).await);
        let guard = ours.lock("report", "1h").acquire().await.unwrap();
        if by_a_thread {
            std::thread::spawn(move || drop(guard)).join().unwrap();
        } else {
            drop(guard);
        }
        ours.close().await.unwrap();
        is_free().await;
    }
}

#[tokio::test]
async fn closing_ends_all_waiting() {
    let server = Server::start().await;
    let store = store(&server).await;
    take(&store, FIRST).await;
    let waiter = waiting(&server, &store).await;
    store.close().await.unwrap();
    assert_eq!(soon(waiter).await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(soon(freed(&store)).await.unwrap_err().kind(), ErrorKind::Closed);
    until(|| text(server.ask(&["CLIENT", "LIST"])).lines().count() == 1).await;
}

#[tokio::test]
async fn a_store_that_is_dropped_hears_no_more() {
    let server = Server::start().await;
    let store = store(&server).await;
    take(&store, FIRST).await;
    let waiter = waiting(&server, &store).await;
    waiter.abort();
    drop((waiter, store));
    until(|| text(server.ask(&["CLIENT", "LIST"])).lines().count() == 1).await;
}
