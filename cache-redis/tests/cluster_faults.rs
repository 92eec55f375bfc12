//! What becomes of operations on a cluster when something happens to its nodes, or to what lies between.

mod support;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use cache_redis::{Cache, ErrorKind, RedisStore};
use redis_servers::Cluster;
use support::cable::{Cable, State};
use support::nodes::{key_on, keys_on, owner, replica_of};
use support::{cache_with, calls, number, resumed, soon, text, until};

/// Short, so that a test need not wait for long; long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(300);

async fn impatient(url: &str) -> Cache {
    cache_with(url, |builder| {
        builder.command_timeout(TIMEOUT).connect_timeout(Duration::from_secs(1))
    })
    .await
}

#[tokio::test]
async fn a_paused_node_holds_up_its_own_keys_only() {
    let cluster = Cluster::start().await;
    let timeout = Duration::from_millis(300);
    let cache = cache_with(&cluster.url(), |builder| builder.command_timeout(timeout)).await;
    let (paused, other) = owner(&cluster, "cache:k");
    let elsewhere = key_on(&cluster, other);
    cache.put("k", &1, "1h").await.unwrap();
    cache.put(&elsewhere, &2, "1h").await.unwrap();
    paused.pause().await;
    for _ in 0..4 {
        let (held, other) =
            tokio::join!(cache.get::<u64>("k"), cache.get::<u64>(elsewhere.as_str()));
        assert_eq!(held.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(other.unwrap(), Some(2));
    }
    paused.resume().await;
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));
}

/// It says nothing of having been replaced, and that others answer must not hide it.
#[tokio::test]
async fn a_silent_node_that_was_replaced_is_left() {
    let cluster = Cluster::start().await;
    let timeout = Duration::from_millis(300);
    let cache = cache_with(&cluster.url(), |builder| {
        builder.command_timeout(timeout).connect_timeout(Duration::from_secs(1))
    })
    .await;
    let (silent, other) = owner(&cluster, "cache:k");
    let elsewhere = key_on(&cluster, other);
    let replica = replica_of(silent).await;
    cache.put("k", &1, "1h").await.unwrap();
    cache.put(&elsewhere, &2, "1h").await.unwrap();
    until(|| text(replica.ask(&["DBSIZE"])) == "1").await;
    silent.pause().await;
    assert_eq!(cache.get::<u64>("k").await.unwrap_err().kind(), ErrorKind::Timeout);
    replica.ask(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    let others = {
        let (cache, elsewhere) = (cache.clone(), elsewhere.clone());
        tokio::spawn(async move {
            loop {
                match cache.get::<u64>(elsewhere.as_str()).await {
                    Ok(found) => assert_eq!(found, Some(2)),
                    Err(error) => assert!(error.is_temporary(), "{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    // Who asks has no patience, so that no answer is seen to be late.
    let asked = async || {
        let patience = Duration::from_millis(100);
        tokio::time::timeout(patience, cache.get::<u64>("k")).await.is_ok_and(|found| found.is_ok())
    };
    let follows = async { while !asked().await {} };
    tokio::time::timeout(Duration::from_secs(20), follows).await.expect("it is left");
    others.abort();
    assert!(others.await.is_err_and(|ended| ended.is_cancelled()));
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));
    assert_eq!(cache.increment("k").await.unwrap(), 2);
    silent.resume().await;
}

/// The node is well: what lies between has forgotten a connection, and carries new ones.
#[tokio::test]
async fn a_node_that_is_silent_on_a_connection_that_was_forgotten_is_reached_by_another() {
    let cluster = Cluster::start().await;
    let (node, other) = owner(&cluster, "cache:k");
    let elsewhere = key_on(&cluster, other);
    let cable = Cable::to(node).await;
    node.ask(&["CONFIG", "SET", "cluster-announce-port", &cable.port().to_string()]);
    for node in cluster.nodes() {
        let address = format!("127.0.0.1:{}@", cable.port());
        until(|| text(node.ask(&["CLUSTER", "NODES"])).contains(&address)).await;
    }
    let cache = impatient(&cluster.url()).await;
    cache.put("k", &1, "1h").await.unwrap();
    cache.put(&elsewhere, &2, "1h").await.unwrap();
    cable.set(State::Forgetful);
    assert_eq!(cache.get::<u64>("k").await.unwrap_err().kind(), ErrorKind::Timeout);
    // That others answer does not hide it.
    let asked = async || {
        let (found, other) =
            tokio::join!(cache.get::<u64>("k"), cache.get::<u64>(elsewhere.as_str()));
        let outcomes = [found, other].map(|found| found.map_err(|error| error.is_temporary()));
        assert!(outcomes.iter().all(|outcome| *outcome != Err(false)), "{outcomes:?}");
        outcomes == [Ok(Some(1)), Ok(Some(2))]
    };
    soon(async { while !asked().await {} }).await;
}

/// A cluster outlives each of its nodes, and so the one that a URL names.
#[tokio::test]
async fn a_cluster_is_found_again_without_the_node_that_the_url_names() {
    let cluster = Cluster::start().await;
    let [gone, other, _] = cluster.nodes() else { panic!("three nodes") };
    let cache = impatient(&format!("redis-cluster://127.0.0.1:{}", gone.port())).await;
    let replica = replica_of(gone).await;
    let keys = [gone, other].map(|node| key_on(&cluster, node));
    // One of them lies behind each connection that breaks here, so that none is served before another is there.
    let both_are_served = async || {
        while let Err(error) = cache.put_many(keys.iter().map(|key| (key, &1)), "1h").await {
            assert!(error.is_temporary(), "{error:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    gone.stop().await;
    replica.ask(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    soon(both_are_served()).await;
    // And again, long after.
    other.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    soon(both_are_served()).await;
}

/// fred asks the hosts in the order of their names.
#[tokio::test]
async fn hosts_that_are_silent_do_not_keep_connect_from_one_that_answers() {
    let cluster = Cluster::start().await;
    let silent = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [one, two] = silent.each_ref().map(|silent| silent.local_addr().expect("an address"));
    let there = cluster.nodes()[0].port();
    let url = format!("redis-cluster://{one}?node={two}&node=localhost:{there}");
    let cache =
        cache_with(&url, |builder| builder.connect_timeout(Duration::from_millis(500))).await;
    cache.put("k", &1, "1h").await.unwrap();
}

/// However many keys there are.
#[tokio::test]
async fn an_operation_on_many_keys_does_not_wait_for_a_silent_node_again_and_again() {
    /// So many are asked for at once.
    const AT_ONCE: u64 = 1_024;
    let cluster = Cluster::start().await;
    let cache = impatient(&cluster.url()).await;
    let keys: Vec<_> = (0..10 * AT_ONCE).map(|number| format!("k{number}")).collect();
    assert_eq!(cache.forget_many(&keys).await.unwrap(), 0);
    // Nor do the others say that the cluster is down.
    for node in cluster.nodes() {
        node.ask(&["CONFIG", "SET", "cluster-node-timeout", "60000"]);
    }
    let (paused, _) = owner(&cluster, "cache:k");
    paused.pause().await;
    let others: Vec<_> =
        cluster.nodes().iter().filter(|node| node.port() != paused.port()).collect();
    let sum = |command: &str| -> u64 {
        others.iter().filter_map(|node| calls(node).get(command).copied()).sum()
    };
    let before = ["get", "set", "evalsha"].map(sum);
    let errors = [
        cache.get_many::<u64>(&keys).await.unwrap_err(),
        cache.put_many(keys.iter().map(|key| (key, &1)), "1h").await.unwrap_err(),
        cache.forget_many(&keys).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    }
    let asked = ["get", "set", "evalsha"].map(sum);
    for (before, asked) in before.into_iter().zip(asked) {
        assert!((1..=AT_ONCE).contains(&(asked - before)), "{}", asked - before);
    }
    paused.resume().await;
}

/// fred learns of the slots from the node whose name comes first, and does nothing else meanwhile.
#[tokio::test]
async fn a_flush_that_cannot_learn_who_has_slots_ends_in_time() {
    let cluster = Cluster::start().await;
    let cache = cache_with(&cluster.url(), |builder| {
        builder.command_timeout(TIMEOUT).connect_timeout(Duration::from_secs(60))
    })
    .await;
    let first = cluster.nodes().iter().min_by_key(|node| node.port()).expect("a node");
    first.pause().await;
    let error = soon(cache.flush()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    first.resume().await;
    resumed(&cache).await;
    cache.flush().await.unwrap();
}

/// A flush that goes on to a node which has been left meanwhile. Here another node holds it up until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_whose_node_has_lost_its_slots_breaks_no_connection() {
    let cluster = Cluster::start().await;
    let mut nodes: Vec<_> = cluster.nodes().iter().collect();
    // The first is the one that fred asks for the slots.
    nodes.sort_by_key(|node| node.port());
    let [first, slow, left] = nodes[..] else { panic!("three nodes") };
    for node in nodes {
        node.ask(&["CONFIG", "SET", "cluster-node-timeout", "60000"]);
    }
    let replica = replica_of(left).await;
    let cache = cache_with(&cluster.url(), |builder| {
        builder.connections(2).command_timeout(Duration::from_secs(30))
    })
    .await;
    // So many that each of the connections has some.
    let [on_first, on_left] =
        [first, left].map(|node| keys_on(&cluster, node).take(32).collect::<Vec<_>>());
    let connections = async || {
        for key in &on_first {
            assert_eq!(cache.get::<u64>(key).await.unwrap(), None);
        }
        let clients = text(first.ask(&["CLIENT", "LIST", "TYPE", "normal"]));
        let ours = clients.lines().filter(|client| client.contains(" cmd=get "));
        ours.map(|client| client.split(' ').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let before = connections().await;
    assert_eq!(before.len(), 2);
    let pings = || calls(left).get("ping").copied().unwrap_or(0);
    let pinged = pings();
    slow.pause().await;
    let flush = tokio::spawn({
        let cache = cache.clone();
        async move { cache.flush().await }
    });
    until(|| pings() > pinged).await;
    replica.ask(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    until(|| text(left.ask(&["INFO", "replication"])).contains("role:slave")).await;
    for key in &on_left {
        assert_eq!(cache.get::<u64>(key).await.unwrap(), None);
    }
    slow.resume().await;
    let error = flush.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(connections().await, before);
    cache.flush().await.unwrap();
}

/// The connections to all nodes are one to whoever counts: one that breaks must not have the others'
/// commands sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_increment_is_counted_twice_while_connections_are_killed() {
    const COUNTS: i64 = 5_000;
    let cluster = Arc::new(Cluster::start().await);
    let cache = Cache::new(RedisStore::connect(&cluster.url()).await.unwrap());
    let (acknowledged, failed) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let killing = {
        let (cluster, done) = (Arc::clone(&cluster), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut killed = 0;
            for node in (0..3).cycle() {
                if done.load(Ordering::Relaxed) {
                    return killed;
                }
                let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
                killed += number(cluster.nodes()[node].ask(&kill));
                std::thread::sleep(Duration::from_millis(30));
            }
            killed
        })
    };
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let (cache, acknowledged, failed) =
                (cache.clone(), Arc::clone(&acknowledged), Arc::clone(&failed));
            tokio::spawn(async move {
                for number in (task..COUNTS).step_by(32) {
                    match cache.increment(format!("n{}", number % 9)).await {
                        Ok(_) => drop(acknowledged.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => {
                            assert!(error.is_temporary(), "{error:?}");
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let killed = killing.join().unwrap();
    let names: Vec<_> = (0..9).map(|number| format!("n{number}")).collect();
    let counted = support::counted(&cache, &names).await;
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    let failed = failed.load(Ordering::Relaxed);
    let told =
        format!("counted {counted}, acknowledged {acknowledged}, failed {failed}, killed {killed}");
    println!("{told}");
    assert!(killed > 5 && acknowledged > 0, "{told}");
    assert!((acknowledged..=acknowledged + failed).contains(&counted), "{told}");
}
