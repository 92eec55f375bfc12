//! Writes that are asked for at the same time share messages, and nobody can tell by what is stored or answered.

mod support;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cache_redis::{Cache, Error, ErrorKind, Ttl};
use futures_util::FutureExt;
use futures_util::future::join_all;
use redis_servers::Server;
use support::{
    ALONE, Apart, cache, cache_with, calls_of, failure, held, number, resumed, text, until,
};

const TIMEOUT: Duration = Duration::from_millis(300);

/// Of the numbers, each at its key.
async fn all(cache: &Cache, keys: &[String]) -> Vec<Result<(), Error>> {
    let numbers: Vec<_> = (0..keys.len() as u64).collect();
    join_all(keys.iter().zip(&numbers).map(|(key, number)| cache.put(key, number, "1h"))).await
}

fn keys(count: u64) -> Vec<String> {
    (0..count).map(|number| format!("k{number}")).collect()
}

fn called(calls: &[(String, u64)], command: &str) -> u64 {
    calls.iter().find(|(name, _)| name == command).map_or(0, |(_, calls)| *calls)
}

async fn found(cache: &Cache, keys: &[String]) -> Vec<Option<u64>> {
    cache.get_many(keys).await.expect("they are read")
}

/// How often the server has read from a connection.
fn reads(server: &Server) -> u64 {
    let stats = text(server.ask(&["INFO", "stats"]));
    let line = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    line.expect("it is told").trim().parse().expect("a number")
}

type Put<'c> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'c>>;

/// Asked for, and under way.
fn begun<'c>(cache: &'c Cache, key: &'c str, number: &'c u64) -> Put<'c> {
    let mut put: Put<'_> = Box::pin(cache.put(key, number, "1h"));
    assert!(put.as_mut().now_or_never().is_none(), "nothing is answered yet");
    put
}

#[tokio::test]
async fn each_is_stored_and_all_share_commands() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    let keys = keys(1_000);
    for known in [false, true] {
        let (stored, calls) = calls_of(&server, all(&cache, &keys)).await;
        assert!(stored.iter().all(Result::is_ok), "{stored:?}");
        let count = |command| called(&calls, command);
        assert_eq!(count("set") + count("psetex"), 1_000, "{calls:?}");
        assert!(count("set") < 10 && count("evalsha") < 50, "{calls:?}");
        assert_eq!(count("eval") == 0, known, "the script is sent once: {calls:?}");
        let numbers: Vec<_> = (0..1_000).map(Some).collect();
        assert_eq!(found(&cache, &keys).await, numbers);
    }
}

#[tokio::test]
async fn each_lives_for_as_long_as_was_asked() {
    let server = Server::start().await;
    let (minute, hour) = (Ttl::seconds(60), Ttl::seconds(3_600));
    let mixtures: [&[Ttl]; 5] =
        [&[minute, Ttl::FOREVER, hour], &[hour, minute], &[Ttl::FOREVER], &[minute], &[hour]];
    for mixture in mixtures {
        for count in [2, 3, 60] {
            let cache = cache(&server.url()).await;
            let keys = keys(ALONE + count);
            let ttls = || mixture.iter().cycle();
            let puts = keys.iter().zip(ttls()).map(|(key, ttl)| cache.put(key, &0, *ttl));
            let (stored, calls) = calls_of(&server, join_all(puts)).await;
            assert!(stored.iter().all(Result::is_ok), "{stored:?}");
            assert!(called(&calls, "evalsha") >= 1, "{calls:?}");
            for (key, ttl) in keys.iter().zip(ttls()) {
                let left = number(server.ask(&["PTTL", &format!("cache:{key}")]));
                match ttl.duration() {
                    None => assert_eq!(left, -1, "{key}"),
                    Some(lives) => {
                        let lives = i64::try_from(lives.as_millis()).unwrap();
                        assert!(
                            (lives - 10_000..=lives).contains(&left),
                            "{key}: {left} of {lives}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_user_who_may_run_no_scripts_stores_them_one_by_one() {
    let server = Server::start().await;
    server.ask(&["ACL", "SETUSER", "plain", "on", ">pass", "~*", "+@all", "-evalsha", "-eval"]);
    let cache = cache(&format!("redis://plain:pass@127.0.0.1:{}", server.port())).await;
    let keys = keys(200);
    let before = reads(&server);
    assert!(all(&cache, &keys).await.iter().all(Result::is_ok));
    let reads = reads(&server) - before;
    assert!(reads < 50, "{reads} for 200 commands");
    assert_eq!(found(&cache, &keys).await, (0..200).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_script_may_not_store_is_stored_by_a_command() {
    let server = Server::start().await;
    server.ask(&["ACL", "SETUSER", "some", "on", ">pass", "~*", "+@all", "-psetex"]);
    let cache = cache(&format!("redis://some:pass@127.0.0.1:{}", server.port())).await;
    let keys = keys(100);
    // The first are stored for ever, which the script may do, and the others not.
    let numbers: Vec<u64> = (0..100).collect();
    let ttl = |number: &u64| if *number < 40 { Ttl::FOREVER } else { Ttl::minutes(10) };
    let calls = keys.iter().zip(&numbers).map(|(key, number)| cache.put(key, number, ttl(number)));
    let stored = join_all(calls).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    assert_eq!(found(&cache, &keys).await, numbers.into_iter().map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_put_of_many_is_written_together() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    let before = reads(&server);
    let numbers: Vec<u64> = (0..100).collect();
    let keys = keys(100);
    cache.put_many(keys.iter().zip(&numbers), "1h").await.unwrap();
    let reads = reads(&server) - before;
    assert!(reads < 20, "{reads} for 100 commands");
    assert_eq!(found(&cache, &keys).await, numbers.into_iter().map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn of_two_at_one_key_the_later_one_stays() {
    let server = Server::start().await;
    for count in [2, 3, 10, 64, 65, 66, 67, 130, 500] {
        let cache = &cache(&server.url()).await;
        let count = ALONE + count;
        let numbers: Vec<u64> = (0..count).collect();
        let stored = join_all(numbers.iter().map(|number| cache.put("k", number, "1h"))).await;
        assert!(stored.iter().all(Result::is_ok), "{stored:?}");
        assert_eq!(cache.get("k").await.unwrap(), Some(count - 1));
    }
}

#[tokio::test]
async fn what_was_given_up_before_it_was_sent_is_never_stored() {
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    let company = || (0..ALONE).map(|_| begun(cache, "company", &0)).collect::<Vec<_>>();
    let before = company();
    let given_up = begun(cache, "k", &3);
    let kept = begun(cache, "c", &4);
    drop(given_up);
    assert!(!cache.forget("k").await.unwrap());
    for put in before.into_iter().chain([kept]) {
        put.await.unwrap();
    }
    assert_eq!(cache.get::<u64>("k").await.unwrap(), None);
    assert_eq!(cache.get("c").await.unwrap(), Some(4), "the others are");
    // All of a batch.
    let before = company();
    drop([begun(cache, "k", &3), begun(cache, "l", &3)]);
    join_all(before).await;
    assert_eq!(found(cache, &["k".to_owned(), "l".to_owned()]).await, [None, None]);
}

/// Given up at any moment, while it is handed over as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_comes_before_what_is_asked_next_or_not_at_all() {
    let server = Arc::new(Server::start().await);
    let cache = cache(&server.url()).await;
    let tasks: Vec<_> = (0..64u64)
        .map(|task| {
            let (cache, server) = (cache.clone(), Arc::clone(&server));
            tokio::spawn(async move {
                let key = format!("k{task}");
                for round in 0..300u64 {
                    if task == 0 && round.is_multiple_of(10) {
                        // Then it is sent once more.
                        server.ask(&["SCRIPT", "FLUSH"]);
                    }
                    let mut put = Box::pin(cache.put(&key, &round, "1h"));
                    // A while passes, more or less of it.
                    for _ in 0..(task + round) % 6 {
                        if put.as_mut().now_or_never().is_some() {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                    drop(put);
                    cache.forget(&key).await.unwrap();
                    assert_eq!(cache.get::<u64>(&key).await.unwrap(), None, "{key}, {round}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_been_answered_is_there() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    let tasks: Vec<_> = (0..64u64)
        .map(|task| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let key = format!("k{task}");
                for round in 0..300u64 {
                    cache.put(&key, &round, "1h").await.unwrap();
                    assert_eq!(cache.get(&key).await.unwrap(), Some(round), "{key}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn large_values_and_small_ones_are_stored() {
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    let values: Vec<_> =
        (0..200usize).map(|number| "x".repeat(number * 131 % 200 * 1_000)).collect();
    let keys = keys(200);
    let stored =
        join_all(keys.iter().zip(&values).map(|(key, value)| cache.put(key, value, "1h"))).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    for (key, value) in keys.iter().zip(&values) {
        assert_eq!(cache.get::<String>(key).await.unwrap().as_ref(), Some(value), "{key}");
    }
}

#[tokio::test]
async fn what_is_refused_of_one_is_told_of_that_one_only() {
    let server = Server::start().await;
    server.ask(&["ACL", "SETUSER", "some", "on", ">pass", "~cache:k1*", "+@all"]);
    let cache = cache(&format!("redis://some:pass@127.0.0.1:{}", server.port())).await;
    let keys = keys(200);
    for (key, stored) in keys.iter().zip(all(&cache, &keys).await) {
        if key.starts_with("k1") {
            stored.unwrap();
        } else {
            let error = stored.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
            assert!(error.to_string().contains(&format!("\"{key}\"")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_fills_up_meanwhile_refuses_those_that_do_not_fit() {
    let server =
        Server::start_with(&["--maxmemory", "6mb", "--maxmemory-policy", "noeviction"]).await;
    let cache = &cache(&server.url()).await;
    let (keys, value) = (keys(400), "x".repeat(30_000));
    let stored = join_all(keys.iter().map(|key| cache.put(key, &value, "1h"))).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    let (mut kept, mut refused) = (0, 0);
    for (key, stored) in keys.iter().zip(stored) {
        let is_there = cache.has(key).await.unwrap();
        match stored {
            Ok(()) => kept += 1,
            Err(ref error) => {
                refused += 1;
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                assert!(error.to_string().contains("full"), "{error}");
            }
        }
        assert_eq!(is_there, stored.is_ok(), "{key}: {stored:?}");
    }
    assert!(kept > 10 && refused > 10, "{kept} kept, {refused} refused");
}

#[tokio::test]
async fn a_server_that_becomes_a_replica_is_left_alone_until_it_is_a_primary_again() {
    let (server, primary) = (Server::start().await, Server::start().await);
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    let keys = keys(100);
    let ids = || {
        let clients = text(server.ask(&["CLIENT", "LIST", "TYPE", "normal"]));
        let of_the_cache = clients.lines().filter(|line| !line.contains("cmd=client"));
        let ids = of_the_cache.filter_map(|line| line.split_once(' ').map(|(id, _)| id.to_owned()));
        ids.collect::<Vec<_>>()
    };
    server.ask(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let before = ids();
    for stored in all(&cache, &keys).await {
        // Those that are asked for in the moment in which the connection is given up may wait for their timeout.
        let error = stored.unwrap_err();
        assert!(error.is_temporary(), "{error:?}");
    }
    let looked_for = async {
        while ids().iter().any(|id| before.contains(id)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), looked_for).await.expect("its primary is");
    server.ask(&["REPLICAOF", "NO", "ONE"]);
    resumed(&cache).await;
    assert!(all(&cache, &keys).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn all_time_out_when_the_server_does_not_answer_and_are_served_when_it_does() {
    let server = Server::start().await;
    let keys = keys(300);
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    server.pause().await;
    let puts = keys.iter().map(|key| failure(cache.put(key, &0, "1h")));
    for (error, took) in join_all(puts).await {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(took >= TIMEOUT && took < TIMEOUT * 2, "{took:?}");
    }
    server.resume().await;
    resumed(&cache).await;
    assert!(all(&cache, &keys).await.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_an_error_of_all_that_wait_and_nothing_is_lost_that_was_answered() {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    let stop = Arc::new(AtomicBool::new(false));
    // Of each task, how many puts were stored, and how many failed.
    let counts: Arc<Vec<[AtomicU64; 2]>> = Arc::new((0..64).map(|_| Default::default()).collect());
    let tasks: Vec<_> = (0..counts.len())
        .map(|task| {
            let (cache, stop, counts) = (cache.clone(), Arc::clone(&stop), Arc::clone(&counts));
            tokio::spawn(async move {
                let [stored, failed] = &counts[task];
                while !stop.load(Ordering::Relaxed) {
                    let number = stored.load(Ordering::Relaxed);
                    match cache.put(format!("k{task}"), &number, "1h").await {
                        Ok(()) => _ = stored.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            assert!(error.is_temporary(), "{error:?}");
                            failed.fetch_add(1, Ordering::Relaxed);
                            // As a caller does that tries again: else nobody else has a turn.
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                    }
                }
            })
        })
        .collect();
    let count = |which: usize| {
        counts.iter().map(|counts| counts[which].load(Ordering::Relaxed)).collect::<Vec<_>>()
    };
    // Until each of them has had that once more.
    let each_again = async |which: usize| {
        let before = count(which);
        until(|| count(which).iter().zip(&before).all(|(now, before)| now > before)).await;
    };
    for _ in 0..3 {
        each_again(0).await;
        server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        each_again(0).await;
        server.stop().await;
        each_again(1).await;
        server.start_again().await;
        resumed(&cache).await;
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(all(&cache, &keys(300)).await.iter().all(Result::is_ok));
}

/// Those that are given up take no places for ever, nor memory.
#[test]
fn those_that_are_given_up_do_not_pile_up() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let cache = runtime.block_on(cache(&server.url()));
    let given_up = |rounds: usize| {
        allocation_counter::measure(|| {
            runtime.block_on(async {
                for _ in 0..rounds {
                    let puts = (0..1_000).map(|number| cache.put(format!("k{number}"), &0, "1h"));
                    let _ = tokio::time::timeout(Duration::from_micros(100), join_all(puts)).await;
                }
            });
        })
    };
    given_up(10);
    runtime.block_on(server.pause());
    let grown = given_up(200);
    assert!(grown.bytes_max < 100 << 20, "{grown:?}");
    runtime.block_on(async {
        server.resume().await;
        resumed(&cache).await;
    });
    given_up(100);
    runtime.block_on(async {
        for stored in all(&cache, &keys(1_000)).await {
            stored.expect("there are places");
        }
    });
}

/// A store used from another runtime than its own, which ends: whatever comes of it, it comes.
#[test]
fn no_write_waits_for_a_runtime_that_has_ended() {
    let Apart { its_own, other, server, cache } = Apart::with_timeout(TIMEOUT);
    let keys = keys(50);
    assert!(other.block_on(all(&cache, &keys)).iter().all(Result::is_ok));
    its_own.shutdown_background();
    for _ in 0..3 {
        let stored =
            other.block_on(async { tokio::time::timeout(TIMEOUT * 3, all(&cache, &keys)).await });
        assert!(stored.is_ok_and(|stored| stored.iter().all(Result::is_err)));
    }
    other.block_on(async move { drop(server) });
}

fn write(cache: Cache, key: String) -> held::Going {
    Box::pin(async move { cache.put(&key, &1_u64, "1h").await })
}

#[test]
fn writes_time_out_though_the_runtime_of_the_store_stands_still() {
    held::all_time_out_where_the_runtime_of_the_store_stands_still(write);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_waits_long_for_a_thread_that_is_blocked() {
    held::none_waits_long_for_a_thread_that_is_blocked(write).await;
}

#[tokio::test]
async fn a_write_is_answered_that_comes_when_a_blocked_thread_goes_on() {
    held::whoever_comes_when_a_thread_goes_on_is_answered(write).await;
}
