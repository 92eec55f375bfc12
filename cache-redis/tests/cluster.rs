//! What is different on a cluster: keys lie on several servers, and move between them.

mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache_core::{Acquisition, Key, Owner, Store, Tag};
use cache_lock::Locks;
use cache_redis::{ErrorKind, RedisStore};
use cache_tags::Tags;
use redis_servers::{Cluster, Server, redis};
use support::nodes::{Move, owner, sum};
use support::{cache, calls, looks, number, registered, text, until};

#[tokio::test]
async fn many_keys_go_to_their_servers_at_once() {
    let cluster = Cluster::start().await;
    let cache = cache(&cluster.url()).await;
    let keys: Vec<_> = (0..300).map(|number| format!("k{number}")).collect();
    let values: Vec<u64> = (0..300).collect();
    cache.put_many(keys.iter().zip(&values), "1h").await.unwrap();
    for node in cluster.nodes() {
        assert!(number(node.ask(&["DBSIZE"])) > 50, "every node has its part");
    }
    let asked: Vec<_> = keys.iter().map(String::as_str).chain(["absent", "k7", "k7"]).collect();
    let found = cache.get_many::<u64>(asked).await.unwrap();
    let expected = values.iter().copied().map(Some).chain([None, Some(7), Some(7)]);
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(cache.forget_many(["k1", "k2", "k3", "k3", "absent"]).await.unwrap(), 3);
    assert_eq!(cache.forget_many(["k4"]).await.unwrap(), 1);
    assert_eq!(cache.get_many::<u64>(["k5"]).await.unwrap(), [Some(5)]);
    // A flush walks over each node, and over nothing twice.
    let before = sum(&cluster, "scan");
    cache.flush().await.unwrap();
    assert_eq!(sum(&cluster, "scan") - before, 3);
    for node in cluster.nodes() {
        assert_eq!(number(node.ask(&["DBSIZE"])), 0);
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_absent_among_many_and_told_alone() {
    let cluster = Cluster::start().await;
    let cache = cache(&cluster.url()).await;
    owner(&cluster, "cache:list").0.ask(&["RPUSH", "cache:list", "a"]);
    cache.put("k", &1, "1h").await.unwrap();
    assert_eq!(cache.get_many::<u64>(["list", "k"]).await.unwrap(), [None, Some(1)]);
    assert_eq!(cache.get::<u64>("list").await.unwrap_err().kind(), ErrorKind::Decode);
}

/// While it moves the old node asks to try the new one, which is not done: see `Clients`. So the key is out of reach
/// until its slot has moved: an outage of that key, and no more.
#[tokio::test]
async fn a_key_that_moves_is_followed() {
    let cluster = Cluster::start().await;
    let cache = cache(&cluster.url()).await;
    let name = "cache:moving";
    cache.put("moving", &1, "1h").await.unwrap();
    let slot = Move::of(&cluster, name);
    slot.begin();
    let error = cache.get::<u64>("moving").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    // In the same slot, and nowhere.
    let absent = "{cache:moving}";
    for error in [
        cache.get::<u64>(absent).await.unwrap_err(),
        cache.put(absent, &1, "1h").await.unwrap_err(),
        cache.add(absent, &1, "1h").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    let loaded = cache.remember("moving", "1h", async || Ok::<_, cache_redis::Error>(7_u64)).await;
    assert_eq!(loaded.unwrap(), 7, "a load answers in its place");
    cache.put("other", &1, "1h").await.unwrap();
    assert_eq!(cache.get::<u64>("other").await.unwrap(), Some(1), "other keys are served");
    slot.end();
    assert_eq!(cache.get::<u64>("moving").await.unwrap(), Some(1), "the new node is found");
    assert_eq!(cache.get_many::<u64>(["moving", "absent"]).await.unwrap(), [Some(1), None]);
    cache.put("moving", &3, "1h").await.unwrap();
    assert!(cache.has("moving").await.unwrap());
    assert_eq!(cache.increment("moving").await.unwrap(), 4);
    assert_eq!(number(slot.to.ask(&["GET", name])), 4);
    cache.flush().await.unwrap();
    assert!(!cache.has("moving").await.unwrap());
}

/// What is asked of a slot that is on its way must not shift the answers to what others ask of the same nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_has_the_answer_to_its_own_question_while_a_slot_moves() {
    const KEYS: u64 = 50;
    const ROUNDS: usize = 20;
    let cluster = Cluster::start().await;
    let cache = cache(&cluster.url()).await;
    let slot = Move::of(&cluster, "cache:{moving}:0");
    let moving: Vec<_> = (0..8).map(|number| format!("{{moving}}:{number}")).collect();
    let of = |node: &Server, stem: &str| {
        let keys = (0..).map(|number| format!("{stem}{number}"));
        let is_there =
            |key: &String| owner(&cluster, &format!("cache:{key}")).0.port() == node.port();
        keys.filter(is_there).take(2).collect::<Vec<_>>()
    };
    // Of both nodes, and as many in the same slot as of another.
    let tags: Vec<_> = [slot.from, slot.to].iter().flat_map(|node| of(node, "stays")).collect();
    let keys: Vec<_> = (0..KEYS)
        .flat_map(|number| tags.iter().map(move |tag| format!("{{{tag}}}:{number}")))
        .collect();
    for (number, key) in keys.iter().enumerate() {
        cache.put(key, &number, "1h").await.unwrap();
    }
    for key in &moving {
        cache.put(key, &u64::MAX, "1h").await.unwrap();
    }
    let text = "x".repeat(4 << 20);
    cache.put(format!("{{{}}}:large", tags[2]), &text, "1h").await.unwrap();
    slot.begin();
    for round in 0..ROUNDS {
        let mut asked = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let (cache, key) = (cache.clone(), key.clone());
            asked.push(tokio::spawn(async move {
                let found = cache.get::<usize>(key.as_str()).await;
                assert_eq!(found.unwrap_or_else(|error| panic!("{key}: {error:?}")), Some(number));
            }));
        }
        let (large, key) = (cache.clone(), format!("{{{}}}:large", tags[2]));
        asked.push(tokio::spawn(async move {
            let found = large.get::<String>(key.as_str()).await.unwrap();
            assert!(found.is_some_and(|found| found.len() == 4 << 20));
        }));
        for key in &moving {
            let (cache, key) = (cache.clone(), key.clone());
            asked.push(tokio::spawn(async move {
                // What would not be repeated by anybody, and what would.
                let moved = match round % 2 {
                    0 => cache.get::<u64>(key.as_str()).await.map(drop),
                    _ => cache.forget(key.as_str()).await.map(drop),
                };
                assert_eq!(moved.unwrap_err().kind(), ErrorKind::Unavailable);
            }));
        }
        for asked in asked {
            asked.await.unwrap();
        }
    }
    slot.end();
    for key in &moving {
        assert_eq!(cache.get::<u64>(key.as_str()).await.unwrap(), Some(u64::MAX));
    }
}

/// That one of them has moved says nothing of the others.
#[tokio::test]
async fn what_is_stored_beside_a_key_that_moves_is_stored_once() {
    let cluster = Cluster::start().await;
    let cache = cache(&cluster.url()).await;
    cache.put("moving", &0, "1h").await.unwrap();
    let slot = Move::of(&cluster, "cache:moving");
    slot.begin();
    let others: Vec<_> = (0..50).map(|number| format!("k{number}")).collect();
    let keys = ["moving"].into_iter().chain(others.iter().map(String::as_str));
    let before = sum(&cluster, "set");
    let values: Vec<u64> = (0..=50).collect();
    let error = cache.put_many(keys.clone().zip(&values), "1h").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("moving"), "{error}");
    assert_eq!(sum(&cluster, "set") - before, 50);
    let error = cache.get_many::<u64>(keys.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    slot.end();
    let found = cache.get_many::<u64>(keys).await.unwrap();
    let expected = [Some(0)].into_iter().chain((1..=50).map(Some));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

/// Who is told that a key has moved has done nothing yet.
#[tokio::test]
async fn whatever_is_asked_of_a_key_that_has_moved_is_done_once() {
    let cluster = Cluster::start().await;
    let cache = cache(&cluster.url()).await;
    for round in 1..=3 {
        for act in ["increment", "add", "pull", "forget", "put", "put_many", "lock"] {
            let key = act.to_owned();
            let name = match act {
                "lock" => "cache#lock:{lock}".to_owned(),
                _ => format!("cache:{key}"),
            };
            if ["pull", "forget"].contains(&act) {
                cache.put(&key, &round, "1h").await.unwrap();
            }
            let moves = || {
                let slot = Move::of(&cluster, &name);
                slot.begin();
                slot.end();
            };
            moves();
            match act {
                "increment" => assert_eq!(cache.increment(&key).await.unwrap(), round),
                "add" => assert_eq!(cache.add(&key, &round, "1h").await.unwrap(), round == 1),
                "pull" => assert_eq!(cache.pull::<i64>(&key).await.unwrap(), Some(round)),
                "forget" => assert!(cache.forget(&key).await.unwrap()),
                "put" => {
                    cache.put(&key, &round, "1h").await.unwrap();
                    assert_eq!(cache.get::<i64>(&key).await.unwrap(), Some(round));
                }
                "put_many" => {
                    let entries = [(&key, &0), (&key, &7), (&key, &round)];
                    cache.put_many(entries, "1h").await.unwrap();
                    assert_eq!(cache.get_many::<i64>([&key]).await.unwrap(), [Some(round)]);
                }
                _ => {
                    let guard = cache.lock(&key, "1h").acquire().await.unwrap();
                    moves();
                    guard.release().await.unwrap();
                }
            }
        }
    }
}

/// Nodes that have addresses of IPv6 name them without brackets.
#[tokio::test]
async fn a_key_is_followed_to_an_address_of_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("this machine has no IPv6");
        return;
    }
    let cluster = Cluster::start().await;
    for node in cluster.nodes() {
        node.ask(&["CONFIG", "SET", "cluster-announce-ip", "::1"]);
    }
    let name_all = |node: &Server| {
        let nodes = text(node.ask(&["CLUSTER", "NODES"]));
        nodes.lines().filter(|line| line.contains(" ::1:") && !line.contains("fail")).count() == 3
            && text(node.ask(&["CLUSTER", "INFO"])).contains("cluster_state:ok")
    };
    until(|| cluster.nodes().iter().all(name_all)).await;
    let cache = cache(&cluster.url()).await;
    cache.put("moving", &1, "1h").await.unwrap();
    let slot = Move::of(&cluster, "cache:moving");
    slot.begin();
    let error = cache.get::<u64>("moving").await.unwrap_err();
    assert!(error.to_string().contains("is moving the key"), "{error:?}");
    slot.end();
    assert_eq!(cache.get::<u64>("moving").await.unwrap(), Some(1));
    assert_eq!(cache.increment("moving").await.unwrap(), 2);
}

/// Of a slot that is on its way a node has some keys, and not the others.
#[tokio::test]
async fn what_needs_keys_of_two_nodes_is_tried_again() {
    let cluster = Cluster::start().await;
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let locks = store.locks().expect("it has locks");
    let (name, lease) = (Key::new("k").unwrap(), Duration::from_secs(60));
    let acquire = async |owner| locks.acquire(name, Owner(owner), lease).await;
    assert!(matches!(acquire(1).await.unwrap(), Acquisition::Acquired(_)));
    assert!(locks.release(name, Owner(1)).await.unwrap());
    // The fence is there, and the lock is not.
    let slot = Move::of(&cluster, "cache#lock:{k}");
    let (from, to) = (Move::id(slot.from), Move::id(slot.to));
    slot.to.ask(&["CLUSTER", "SETSLOT", &slot.slot, "IMPORTING", &from]);
    slot.from.ask(&["CLUSTER", "SETSLOT", &slot.slot, "MIGRATING", &to]);
    let error = acquire(2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("is moving the key"), "{error:?}");
    let told = text(slot.from.ask(&["INFO", "errorstats"]));
    assert!(told.contains("errorstat_TRYAGAIN:count=4"), "{told}");
    slot.from.ask(&["CLUSTER", "SETSLOT", &slot.slot, "STABLE"]);
    assert!(matches!(acquire(2).await.unwrap(), Acquisition::Acquired(_)));
}

/// Every pair of nodes, of which one has the key and the other the tag.
#[tokio::test]
async fn tags_lie_on_other_nodes_than_their_keys() {
    let cluster = Cluster::start().await;
    let (one, other) = (&cache(&cluster.url()).await, &cache(&cluster.url()).await);
    let ports: Vec<_> = cluster.nodes().iter().map(Server::port).collect();
    let on = |port: u16, prefix: &str| {
        let mut names = (0..).map(|number| format!("{number}"));
        let lies_there =
            |name: &String| owner(&cluster, &format!("{prefix}{name}")).0.port() == port;
        names.find(lies_there).expect("some name lies there")
    };
    let keys: Vec<_> = ports.iter().map(|port| on(*port, "cache:")).collect();
    let tags: Vec<_> = ports.iter().map(|port| on(*port, "cache#tag:")).collect();
    for key in &keys {
        for tag in &tags {
            for flusher in [one, other] {
                one.tags([tag.as_str(), "all"]).put(key, tag, "1h").await.unwrap();
                assert_eq!(other.get::<String>(key).await.unwrap().as_ref(), Some(tag));
                assert!(other.has(key).await.unwrap() && other.touch(key, "2h").await.unwrap());
                flusher.tags([tag]).flush().await.unwrap();
                assert_eq!(other.get::<String>(key).await.unwrap(), None);
                assert_eq!(one.get::<String>(key).await.unwrap(), None);
                assert!(!other.has(key).await.unwrap() && !one.touch(key, "2h").await.unwrap());
                assert_eq!(other.tags(&tags).increment(key).await.unwrap(), 1);
                assert_eq!(one.increment(key).await.unwrap(), 2);
                flusher.tags([tag]).flush().await.unwrap();
                assert!(!one.forget(key).await.unwrap());
                assert!(one.tags(&tags).add(key, tag, "1h").await.unwrap());
                assert_eq!(other.pull::<String>(key).await.unwrap().as_ref(), Some(tag));
            }
        }
    }
    // All in one step, wherever they lie: one command for each key and each tag.
    let values: Vec<_> = keys.iter().map(|key| (key, key)).collect();
    one.tags(&tags).put_many(values.clone(), "1h").await.unwrap();
    let before = (sum(&cluster, "set"), sum(&cluster, "get"));
    one.tags(&tags).put_many(values, "1h").await.unwrap();
    assert_eq!((sum(&cluster, "set"), sum(&cluster, "get")), (before.0 + 3, before.1 + 3));
    assert_eq!(one.get_many::<String>(&keys).await.unwrap().iter().flatten().count(), 3);
    assert_eq!((sum(&cluster, "set"), sum(&cluster, "get")), (before.0 + 3, before.1 + 9));
    assert_eq!(other.forget_many(&keys[..1]).await.unwrap(), 1);
    other.tags(&tags[1..2]).flush().await.unwrap();
    assert_eq!(one.get_many::<String>(&keys).await.unwrap(), [None, None, None]);
    assert_eq!(one.forget_many(&keys).await.unwrap(), 0);
}

/// The answers of several nodes come in any order: what a client was told of a tag may be older than the entry that
/// it meets. Here its questions overtake its counting, which waits behind something large.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_is_not_begun_anew_by_who_asked_for_its_tag_before_it_was_there() {
    let cluster = Cluster::start().await;
    let (slow, quick) = (cache(&cluster.url()).await, cache(&cluster.url()).await);
    let (tags_node, _) = owner(&cluster, "cache#tag:red");
    let elsewhere =
        |name: &String| owner(&cluster, &format!("cache:{name}")).0.port() != tags_node.port();
    let counter = (0..100).map(|n| format!("n{n}")).find(elsewhere).expect("a counter");
    let node = owner(&cluster, &format!("cache:{counter}")).0.port();
    let beside = |name: &String| owner(&cluster, &format!("cache:{name}")).0.port() == node;
    let large = (0..100).map(|n| format!("large{n}")).find(beside).expect("a key beside it");
    let done = Arc::new(AtomicBool::new(false));
    let loading = {
        let (slow, done, counter) = (slow.clone(), Arc::clone(&done), counter.clone());
        tokio::spawn(async move {
            let bytes = "x".repeat(4 << 20);
            while !done.load(Ordering::Relaxed) {
                let tags = [Tag::new("red").unwrap()];
                let (put, sum) = tokio::join!(
                    slow.put(&large, &bytes, "1m"),
                    slow.writer(&tags).increment_by(&counter, 1)
                );
                put.unwrap();
                sum.unwrap();
            }
        })
    };
    let tags = [Tag::new("red").unwrap()];
    for round in 0..300 {
        quick.writer(&tags).flush().await.unwrap();
        let mut last = 0;
        for _ in 0..12 {
            let sum = quick.writer(&tags).increment_by(&counter, 1).await.unwrap();
            assert!(sum > last, "round {round}: {sum} after {last}, and nobody flushed");
            last = sum;
        }
    }
    done.store(true, Ordering::Relaxed);
    loading.await.unwrap();
}

/// Whichever node has the lock, and whichever hears of it for whom.
#[tokio::test]
async fn a_release_wakes_who_waits_at_another_node() {
    const LEASE: Duration = Duration::from_secs(60);
    let cluster = Cluster::start().await;
    let stores = [
        RedisStore::connect(&cluster.url()).await.unwrap(),
        RedisStore::connect(&cluster.url()).await.unwrap(),
    ];
    let [ours, theirs] = stores.each_ref().map(|store| store.locks().expect("it has locks"));
    let names: Vec<_> = (0..12).map(|number| format!("}}lock{{{number}")).collect();
    let looks = || -> u64 { cluster.nodes().iter().map(looks).sum() };
    for name in &names {
        let name = Key::new(name).unwrap();
        let taken = ours.acquire(name, Owner(1), LEASE).await.unwrap();
        assert!(matches!(taken, Acquisition::Acquired(_)), "{taken:?}");
        let held = theirs.acquire(name, Owner(2), LEASE).await.unwrap();
        assert!(matches!(held, Acquisition::Held(_)), "{held:?}");
        let before = looks();
        let release = async {
            while looks() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(ours.release(name, Owner(1)).await.unwrap());
        };
        let waited = async { tokio::join!(theirs.freed(name), release).0 };
        // Sooner than by a look, which comes after two seconds.
        let told = tokio::time::timeout(Duration::from_millis(1_800), waited).await;
        told.expect("it was told").unwrap();
        let taken = theirs.acquire(name, Owner(2), LEASE).await.unwrap();
        assert!(matches!(taken, Acquisition::Acquired(_)), "{taken:?}");
    }
    for node in cluster.nodes() {
        assert!(calls(node).contains_key("publish"), "every node has some of the locks");
    }
}

/// Where nobody knows who hears of a message, their places would be told first, one at a time.
#[tokio::test]
async fn who_waits_is_told_though_others_were_restarted_before() {
    const LEASE: Duration = Duration::from_secs(60);
    let cluster = Cluster::start().await;
    let name = Key::new("report").unwrap();
    let (node, _) = owner(&cluster, "cache#lock:{report}");
    let ours = RedisStore::connect(&cluster.url()).await.unwrap();
    let ours = ours.locks().expect("it has locks");
    let taken = ours.acquire(name, Owner(1), LEASE).await.unwrap();
    assert!(matches!(taken, Acquisition::Acquired(_)), "{taken:?}");
    for number in 1..=5 {
        let gone = RedisStore::connect(&cluster.url()).await.unwrap();
        let waits = gone.locks().expect("it has locks").freed(name);
        let is_in_line = until(|| registered(node, "report") == number);
        tokio::select! {
            told = waits => panic!("it is held: {told:?}"),
            () = is_in_line => {}
        }
    }
    let theirs = RedisStore::connect(&cluster.url()).await.unwrap();
    let waits = theirs.locks().expect("it has locks").freed(name);
    let release = async {
        until(|| registered(node, "report") == 6).await;
        // As if more than ten seconds had passed for those who are gone.
        let gone = node.ask(&["ZRANGE", "cache#wait:{report}", "0", "4"]);
        for channel in redis::from_redis_value::<Vec<String>>(gone).unwrap() {
            node.ask(&["ZADD", "cache#look:{report}", "XX", "1", &channel]);
        }
        let before = looks(node);
        until(|| looks(node) > before).await;
        assert_eq!(registered(node, "report"), 1);
        assert!(ours.release(name, Owner(1)).await.unwrap());
        // Sooner than by the next look.
        tokio::time::sleep(Duration::from_millis(1_800)).await;
    };
    tokio::select! {
        told = waits => told.unwrap(),
        () = release => panic!("it was not told"),
    }
}
