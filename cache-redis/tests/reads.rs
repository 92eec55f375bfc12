//! Reads that are asked for at the same time share commands, and nobody can tell by the answers.

mod support;

use std::sync::Arc;
use std::time::Duration;

use cache_redis::{Cache, Error, ErrorKind};
use futures_util::future::join_all;
use redis_servers::Server;
use support::{ALONE, Apart, cache, cache_with, calls_of, failure, held, resumed};

const TIMEOUT: Duration = Duration::from_millis(300);

async fn all(cache: &Cache, keys: &[String]) -> Vec<Result<Option<u64>, Error>> {
    join_all(keys.iter().map(|key| cache.get::<u64>(key))).await
}

fn keys(count: u64) -> Vec<String> {
    (0..count).map(|number| format!("k{number}")).collect()
}

async fn filled(server: &Server, keys: &[String]) -> Cache {
    let cache = cache(&server.url()).await;
    let numbers: Vec<_> = (0..keys.len() as u64).collect();
    cache.put_many(keys.iter().zip(&numbers), "1h").await.expect("they are stored");
    cache
}

fn called(calls: &[(String, u64)], command: &str) -> u64 {
    calls.iter().find(|(name, _)| name == command).map_or(0, |(_, calls)| *calls)
}

#[tokio::test]
async fn each_gets_its_own_answer() {
    let server = Server::start().await;
    let keys = keys(1_000);
    let cache = filled(&server, &keys).await;
    let (found, calls) = calls_of(&server, all(&cache, &keys)).await;
    for (number, found) in found.into_iter().enumerate() {
        assert_eq!(found.unwrap(), Some(number as u64));
    }
    assert!(called(&calls, "mget") > 0 && called(&calls, "get") < 10, "{calls:?}");
    assert_eq!(called(&calls, "exists"), 0, "all are there: {calls:?}");
}

#[tokio::test]
async fn what_is_absent_costs_its_batch_one_more_command() {
    let server = Server::start().await;
    let keys = keys(1_000);
    let cache = filled(&server, &keys[..500]).await;
    let (found, calls) = calls_of(&server, all(&cache, &keys)).await;
    for (number, found) in found.into_iter().enumerate() {
        assert_eq!(found.unwrap(), (number < 500).then_some(number as u64));
    }
    assert!(called(&calls, "exists") <= called(&calls, "mget"), "{calls:?}");
    assert!(called(&calls, "get") < 10, "{calls:?}");
}

#[tokio::test]
async fn after_long_answers_short_ones_are_shared_again() {
    let server = Server::start().await;
    let keys = keys(1_000);
    let cache = filled(&server, &keys).await;
    cache.put("long", &"x".repeat(300 << 10), "1h").await.unwrap();
    for _ in 0..10 {
        for long in join_all((0..ALONE + 4).map(|_| cache.get::<String>("long"))).await {
            assert_eq!(long.unwrap().map(|long| long.len()), Some(300 << 10));
        }
    }
    let (_, calls) = calls_of(&server, all(&cache, &keys)).await;
    assert!(called(&calls, "mget") > 0 && called(&calls, "get") < 10, "{calls:?}");
    let (_, calls) = calls_of(&server, all(&cache, &keys)).await;
    assert!(called(&calls, "mget") < 50 && called(&calls, "get") < 10, "{calls:?}");
}

/// An answer that is too long for the time that there is would be too long every time.
#[tokio::test]
async fn after_a_batch_without_an_answer_the_next_are_smaller() {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    let keys = keys(1_000);
    let mgets = async || {
        let (found, calls) = calls_of(&server, all(&cache, &keys)).await;
        assert!(found.iter().all(|found| found.as_ref().is_ok_and(Option::is_none)), "{found:?}");
        called(&calls, "mget")
    };
    assert!(mgets().await < 50);
    server.pause().await;
    for found in all(&cache, &keys).await {
        assert_eq!(found.unwrap_err().kind(), ErrorKind::Timeout);
    }
    server.resume().await;
    resumed(&cache).await;
    assert!(mgets().await > 200);
    assert!(mgets().await < 50, "once they are answered they grow again");
}

#[tokio::test]
async fn what_is_wrong_with_one_key_is_told_of_that_key_only() {
    let server = Server::start().await;
    let keys = keys(200);
    let cache = filled(&server, &keys[..150]).await;
    for (key, value) in [("cache:k20", "gibberish"), ("cache:k30", "message")] {
        server.ask(&["SET", key, value]);
    }
    for key in ["cache:k40", "cache:k41", "cache:k160"] {
        server.ask(&["DEL", key]);
        server.ask(&["RPUSH", key, "a"]);
    }
    for (number, found) in all(&cache, &keys).await.into_iter().enumerate() {
        match number {
            20 | 30 | 40 | 41 | 160 => {
                let error = found.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Decode, "{number}: {error}");
                assert!(error.to_string().contains(&format!("\"k{number}\"")), "{error}");
            }
            _ => assert_eq!(found.unwrap(), (number < 150).then_some(number as u64)),
        }
    }
}

/// Three to five answers, of which the first looks like a message of a channel, would be taken for one.
#[tokio::test]
async fn few_reads_that_look_like_a_message_are_answered() {
    let server = Server::start().await;
    filled(&server, &keys(10)).await;
    server.ask(&["SET", "cache:word", "message"]);
    for others in 0..9 {
        let cache = cache(&server.url()).await;
        let mut keys: Vec<_> = keys(ALONE);
        let at = keys.len();
        keys.extend(["word".to_owned()].into_iter().chain(self::keys(others)));
        let found = all(&cache, &keys).await;
        assert!(found[at].is_err());
        assert_eq!(found.into_iter().filter_map(Result::ok).flatten().count(), keys.len() - 1);
    }
}

#[tokio::test]
async fn a_user_who_may_not_read_many_keys_at_once_reads_them_one_by_one() {
    let server = Server::start().await;
    let keys = keys(100);
    filled(&server, &keys).await;
    server.ask(&["ACL", "SETUSER", "one", "on", ">pass", "~*", "+@all", "-mget", "-exists"]);
    server.ask(&["ACL", "SETUSER", "some", "on", ">pass", "~cache:k1*", "+@all"]);
    let url = |user: &str| format!("redis://{user}:pass@127.0.0.1:{}", server.port());
    let one = cache(&url("one")).await;
    for (number, found) in all(&one, &keys).await.into_iter().enumerate() {
        assert_eq!(found.unwrap(), Some(number as u64));
    }
    let some = cache(&url("some")).await;
    for (key, found) in keys.iter().zip(all(&some, &keys).await) {
        if key.starts_with("k1") {
            assert!(found.unwrap().is_some());
        } else {
            assert_eq!(found.unwrap_err().kind(), ErrorKind::Config);
        }
    }
}

#[tokio::test]
async fn a_write_that_was_given_up_comes_before_the_reads_that_follow() {
    let server = Server::start().await;
    let keys = keys(ALONE + 12);
    let cache = filled(&server, &keys).await;
    for round in 0..200 {
        let _ = tokio::time::timeout(Duration::ZERO, cache.put("k11", &round, "1h")).await;
        let first = all(&cache, &keys).await.swap_remove(11).unwrap();
        tokio::task::yield_now().await;
        assert_eq!(all(&cache, &keys).await.swap_remove(11).unwrap(), first, "round {round}");
        cache.put("k11", &(round + 1_000), "1h").await.unwrap();
        assert_eq!(all(&cache, &keys).await.swap_remove(11).unwrap(), Some(round + 1_000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_go_away_leave_the_others_their_answers() {
    let server = Server::start().await;
    let keys = Arc::new(keys(100));
    let cache = filled(&server, &keys).await;
    let readers: Vec<_> = (0..64usize)
        .map(|reader| {
            let (cache, keys) = (cache.clone(), Arc::clone(&keys));
            tokio::spawn(async move {
                for round in 0..500 {
                    let number = (reader * 7 + round) % 100;
                    let found = cache.get::<u64>(&keys[number]);
                    if (reader + round).is_multiple_of(3) {
                        // Polled once or so, and dropped.
                        let _ = tokio::time::timeout(Duration::ZERO, found).await;
                    } else {
                        assert_eq!(found.await.unwrap(), Some(number as u64));
                    }
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn all_time_out_when_the_server_does_not_answer_and_are_served_when_it_does() {
    let server = Server::start().await;
    let keys = keys(300);
    filled(&server, &keys).await;
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    assert!(all(&cache, &keys).await.iter().all(Result::is_ok));
    server.pause().await;
    let reads = keys.iter().map(|key| failure(cache.get::<u64>(key)));
    for (error, took) in join_all(reads).await {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(took >= TIMEOUT && took < TIMEOUT * 2, "{took:?}");
    }
    server.resume().await;
    resumed(&cache).await;
    assert!(all(&cache, &keys).await.iter().all(Result::is_ok));
}

/// A store used from another runtime than its own, which ends: whatever comes of it, it comes.
#[test]
fn no_read_waits_for_a_runtime_that_has_ended() {
    let Apart { its_own, other, server, cache } = Apart::with_timeout(TIMEOUT);
    let keys = keys(50);
    assert!(other.block_on(all(&cache, &keys)).iter().all(Result::is_ok));
    its_own.shutdown_background();
    for _ in 0..3 {
        let found =
            other.block_on(async { tokio::time::timeout(TIMEOUT * 3, all(&cache, &keys)).await });
        assert!(found.is_ok_and(|found| found.iter().all(Result::is_err)));
    }
    other.block_on(async move { drop(server) });
}

fn read(cache: Cache, key: String) -> held::Going {
    Box::pin(async move { cache.get::<u64>(&key).await.map(drop) })
}

#[test]
fn reads_time_out_though_the_runtime_of_the_store_stands_still() {
    held::all_time_out_where_the_runtime_of_the_store_stands_still(read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_waits_long_for_a_thread_that_is_blocked() {
    held::none_waits_long_for_a_thread_that_is_blocked(read).await;
}

#[tokio::test]
async fn a_read_is_answered_that_comes_when_a_blocked_thread_goes_on() {
    held::whoever_comes_when_a_thread_goes_on_is_answered(read).await;
}
