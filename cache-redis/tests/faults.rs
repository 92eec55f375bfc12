//! What becomes of operations when something happens to the server: which error, how fast, and that service
//! resumes by itself.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use cache_redis::{Cache, Error, ErrorKind, RedisStore};
use redis_servers::{Server, redis};
use support::{cache, cache_with, failure, number, resumed, text};

/// Short, so that a test need not wait for long; long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(300);
/// "At once", on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Calls until the store knows that the server is away. Meanwhile every error comes within the command timeout.
async fn until_known(cache: &Cache) {
    let known = async {
        loop {
            let (error, took) = failure(cache.get::<i64>("k")).await;
            assert!(error.is_temporary(), "{error:?}");
            assert!(took < TIMEOUT + Duration::from_millis(200), "{took:?}: {error:?}");
            if error.kind() == ErrorKind::Unavailable && took < AT_ONCE {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), known).await.expect("it is noticed");
}

/// Every operation fails at once, and says that the server cannot be reached.
async fn every_operation_fails_at_once(cache: &Cache) {
    macro_rules! fails {
        ($work:expr) => {{
            // The quickest of three: a test is not to fail for a moment in which the machine does something else.
            let mut quickest = Duration::MAX;
            for _ in 0..3 {
                let (error, took) = failure($work).await;
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{}: {error:?}", stringify!($work));
                assert!(error.to_string().contains("cannot be reached"), "{error}");
                quickest = quickest.min(took);
            }
            assert!(quickest < AT_ONCE, "{}: {quickest:?}", stringify!($work));
        }};
    }
    fails!(cache.get::<i64>("k"));
    fails!(cache.get_shared::<i64>("k"));
    fails!(cache.get_many::<i64>(["k", "l"]));
    fails!(cache.has("k"));
    fails!(cache.ttl("k"));
    fails!(cache.put("k", &1, "1h"));
    fails!(cache.put_many([("k", &1), ("l", &2)], "1h"));
    fails!(cache.add("k", &1, "1h"));
    fails!(cache.pull::<i64>("k"));
    fails!(cache.forget("k"));
    fails!(cache.forget_many(["k", "l"]));
    fails!(cache.touch("k", "1h"));
    fails!(cache.touch("k", cache_redis::Ttl::FOREVER));
    fails!(cache.increment("k"));
    fails!(cache.flush());
    for expected in 0..3 {
        let loaded = cache.remember("k", "1h", async || Ok::<_, Error>(expected)).await;
        assert_eq!(loaded.ok(), Some(expected), "a load answers in the store's place");
    }
}

async fn impatient(server: &Server) -> Cache {
    cache_with(&server.url(), |builder| {
        builder.command_timeout(TIMEOUT).connect_timeout(Duration::from_secs(2))
    })
    .await
}

#[tokio::test]
async fn a_stopped_server_is_noticed_and_a_restarted_one_used() {
    let server = Server::start().await;
    let cache = impatient(&server).await;
    for _ in 0..3 {
        cache.put("k", &1, "1h").await.unwrap();
        server.stop().await;
        until_known(&cache).await;
        every_operation_fails_at_once(&cache).await;
        server.start_again().await;
        resumed(&cache).await;
        assert_eq!(cache.get::<i64>("k").await.unwrap(), None, "the new server is empty");
    }
}

#[tokio::test]
async fn a_paused_server_is_noticed_and_used_when_it_goes_on() {
    let server = Server::start().await;
    let cache = impatient(&server).await;
    cache.put("k", &1, "1h").await.unwrap();
    server.pause().await;
    let (error, took) = failure(cache.get::<i64>("k")).await;
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(took >= TIMEOUT && took < TIMEOUT * 2, "{took:?}");
    until_known(&cache).await;
    every_operation_fails_at_once(&cache).await;
    server.resume().await;
    resumed(&cache).await;
    assert_eq!(cache.get::<i64>("k").await.unwrap(), Some(1));
}

/// Nothing is sent meanwhile, and so it is known that nothing was done.
#[tokio::test]
async fn a_server_that_answers_no_attempt_to_connect_is_away() {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| {
        builder.command_timeout(TIMEOUT).connect_timeout(Duration::from_millis(200))
    })
    .await;
    server.pause().await;
    until_known(&cache).await;
    let told = async {
        loop {
            let (error, _) = failure(cache.get::<i64>("k")).await;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            // Of an attempt that has failed the cause is known.
            if std::error::Error::source(&error).is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("an attempt fails");
    every_operation_fails_at_once(&cache).await;
    server.resume().await;
    resumed(&cache).await;
}

/// Under load the socket fills, and whoever writes to it waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_server_is_noticed_under_load() {
    let server = Server::start().await;
    let cache = impatient(&server).await;
    let text = "x".repeat(100_000);
    cache.put("k", &text, "1h").await.unwrap();
    server.pause().await;
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..64)
        .map(|task| {
            let (cache, text, stop) = (cache.clone(), text.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let put = cache.put(format!("k{task}"), &text, "1h").await;
                    let error = put.expect_err("the server is paused");
                    assert!(error.is_temporary(), "{error:?}");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();
    until_known(&cache).await;
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    every_operation_fails_at_once(&cache).await;
    server.resume().await;
    resumed(&cache).await;
}

#[tokio::test]
async fn a_slow_server_times_out_what_it_holds_up_and_nothing_else() {
    let server = Server::start().await;
    let cache = impatient(&server).await;
    cache.put("k", &1, "1h").await.unwrap();
    let patient = self::cache(&server.url()).await;
    // It answers no ordinary client for so long, and then all of them.
    server.ask(&["CLIENT", "PAUSE", "450", "ALL"]);
    let ((error, took), waited) =
        tokio::join!(failure(cache.get::<i64>("k")), patient.get::<i64>("k"));
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(took < TIMEOUT * 2, "{took:?}");
    assert_eq!(waited.unwrap(), Some(1), "within its timeout it is worth waiting");
    assert_eq!(cache.get::<i64>("k").await.unwrap(), Some(1), "and the other works on");
}

#[tokio::test]
async fn a_full_server_is_told_as_one() {
    let server =
        Server::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]).await;
    let cache = cache(&server.url()).await;
    cache.put("k", &1, "1h").await.unwrap();
    let large = "x".repeat(100_000);
    let mut full = None;
    for number in 0..100 {
        if let Err(error) = cache.put(format!("large{number}"), &large, "1h").await {
            full = Some(error);
            break;
        }
    }
    let full = full.expect("4 MB hold no 10 MB");
    // Beyond its limit by more than an operation takes.
    server.ask(&["CONFIG", "SET", "maxmemory", "2mb"]);
    let many = cache.put_many([("a", &large), ("b", &large)], "1h").await.unwrap_err();
    let counted = cache.increment("new").await.unwrap_err();
    let added = cache.add("new", &large, "1h").await.unwrap_err();
    for error in [full, many, counted, added] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("full"), "{error}");
    }
    assert_eq!(cache.get::<i64>("k").await.unwrap(), Some(1), "what is there can be read");
    let loaded = cache.remember("load", "1h", async || Ok::<_, Error>(large.clone())).await;
    assert_eq!(loaded.unwrap().len(), large.len());
    cache.flush().await.unwrap();
    resumed(&cache).await;
}

#[tokio::test]
async fn a_password_that_changes_is_told_and_works_again_when_it_is_back() {
    let server = Server::start_with(&["--requirepass", "s3cret"]).await;
    let url = format!("redis://:s3cret@127.0.0.1:{}", server.port());
    let cache = cache_with(&url, |builder| builder.command_timeout(TIMEOUT)).await;
    cache.put("k", &1, "1h").await.unwrap();
    let mut operator = redis::Client::open(&*url).unwrap().get_connection().unwrap();
    let mut ask = |command: &[&str]| {
        let mut asked = redis::cmd(command[0]);
        for argument in &command[1..] {
            asked.arg(argument);
        }
        asked.query::<redis::Value>(&mut operator).unwrap()
    };
    ask(&["CONFIG", "SET", "requirepass", "an0ther"]);
    ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let told = async {
        loop {
            let (error, _) = failure(cache.get::<i64>("k")).await;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret") && !shown.contains("an0ther"), "{shown}");
            // At first that the connection was closed, then that the next one was refused.
            if shown.contains("WRONGPASS") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("the cause is told");
    ask(&["CONFIG", "SET", "requirepass", "s3cret"]);
    resumed(&cache).await;
}

#[tokio::test]
async fn a_server_that_becomes_a_replica_is_left_alone_until_it_is_a_primary_again() {
    let server = Server::start().await;
    let primary = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(TIMEOUT)).await;
    cache.put("k", &1, "1h").await.unwrap();
    server.ask(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let (error, _) = failure(cache.put("k", &2, "1h")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let (error, _) = failure(cache.increment("n")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    server.ask(&["REPLICAOF", "NO", "ONE"]);
    resumed(&cache).await;
}

/// A count that was acknowledged has taken place; one that failed has or has not, but never twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_increment_is_lost_or_counted_twice_while_connections_are_killed() {
    const TASKS: i64 = 64;
    const COUNTS: i64 = 20_000;
    let server = Arc::new(Server::start().await);
    let cache = cache_with(&server.url(), |builder| builder.connections(2)).await;
    let (acknowledged, failed) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let killing = {
        let (server, done) = (Arc::clone(&server), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut killed = 0;
            while !done.load(Ordering::Relaxed) {
                killed +=
                    number(server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]));
                std::thread::sleep(Duration::from_millis(20));
            }
            killed
        })
    };
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (cache, acknowledged, failed) =
                (cache.clone(), Arc::clone(&acknowledged), Arc::clone(&failed));
            tokio::spawn(async move {
                for number in (task..COUNTS).step_by(usize::try_from(TASKS).unwrap()) {
                    match cache.increment(format!("n{}", number % 3)).await {
                        Ok(_) => drop(acknowledged.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => {
                            assert!(error.is_temporary(), "{error:?}");
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    // So that the load lasts for many kills, however fast the machine is.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let killed = killing.join().unwrap();
    assert!(killed > 10, "connections were killed: {killed}");
    let names: Vec<_> = (0..3).map(|number| format!("n{number}")).collect();
    let counted = support::counted(&cache, &names).await;
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    let failed = failed.load(Ordering::Relaxed);
    assert_eq!(acknowledged + failed, COUNTS);
    assert!(acknowledged > COUNTS / 4, "many get through: {acknowledged}");
    assert!(
        (acknowledged..=acknowledged + failed).contains(&counted),
        "counted {counted}, acknowledged {acknowledged}, failed {failed}, killed {killed}"
    );
    println!("counted {counted}, acknowledged {acknowledged}, failed {failed}, killed {killed}");
}

/// Whoever has less patience than the store gives up before the store knows.
#[tokio::test]
async fn a_paused_server_is_noticed_though_every_caller_gives_up() {
    let server = Server::start().await;
    let cache = impatient(&server).await;
    cache.put("k", &1, "1h").await.unwrap();
    server.pause().await;
    let noticed = tokio::time::timeout(Duration::from_secs(10), async {
        while tokio::time::timeout(TIMEOUT / 4, cache.get::<i64>("k")).await.is_err() {}
    });
    noticed.await.expect("it is noticed");
    every_operation_fails_at_once(&cache).await;
    server.resume().await;
    resumed(&cache).await;
}

#[tokio::test]
async fn more_than_can_wait_is_refused_and_the_rest_is_served() {
    let server = Server::start().await;
    // So many calls may take their second on a machine that does other things as well.
    let patience = Duration::from_secs(30);
    let cache = cache_with(&server.url(), |builder| builder.command_timeout(patience)).await;
    let connections = || -> u64 {
        let stats = text(server.ask(&["INFO", "stats"]));
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.expect("it is told").parse().expect("a number")
    };
    let before = connections();
    for _ in 0..2 {
        let calls = (0..20_000).map(|number| cache.put(format!("k{number}"), &0, "1h"));
        let answers = futures_util::future::join_all(calls).await;
        let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert!(!refused.is_empty() && refused.len() < 10_000, "{}", refused.len());
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains("too much waits"), "{error}");
        }
        let begun = Instant::now();
        assert_eq!(cache.get::<i64>("k0").await.unwrap(), Some(0));
        assert!(begun.elapsed() < patience / 2, "nothing is held up afterwards");
    }
    assert_eq!(connections(), before + 1, "the cache has kept its own");
}

#[tokio::test]
async fn large_values_that_nobody_waits_for_do_not_pile_up() {
    let server = Server::start().await;
    let cache =
        cache_with(&server.url(), |builder| builder.command_timeout(Duration::from_secs(30))).await;
    let large = "x".repeat(4 << 20);
    cache.put("k", &large, "1h").await.unwrap();
    server.pause().await;
    let mut refused = None;
    for number in 0..200 {
        let put = cache.put(format!("k{number}"), &large, "1h");
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_millis(1), put).await {
            refused = Some(error);
            break;
        }
    }
    let error = refused.expect("800 MB do not wait");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("too much waits"), "{error}");
    server.resume().await;
    resumed(&cache).await;
    cache.put("k", &large, "1h").await.unwrap();
}

/// What a server does not know it repeats, with whatever it was asked for.
#[tokio::test]
async fn a_server_that_lacks_a_command_tells_no_secret() {
    let no_auth = Server::start_with(&["--rename-command", "AUTH", ""]).await;
    let url = format!("redis://:s3cret@127.0.0.1:{}", no_auth.port());
    let error = RedisStore::connect(&url).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    let lazy = Cache::new(RedisStore::builder(&url).unwrap().connect_lazily().unwrap());
    let (error, _) = failure(lazy.get::<i64>("k")).await;
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");

    let no_put = Server::start_with(&["--rename-command", "SET", ""]).await;
    let cache = cache(&no_put.url()).await;
    let (error, _) = failure(cache.put("k", &7_654_321, "1h")).await;
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(!format!("{error:?}").contains("7654321"), "{error:?}");
}

#[tokio::test]
async fn a_user_who_may_not_is_told() {
    let server = Server::start().await;
    server.ask(&[
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">s3cret",
        "~*",
        "+@read",
        "+@connection",
        "+info",
        "+evalsha",
        "+eval",
    ]);
    let url = format!("redis://reader:s3cret@127.0.0.1:{}", server.port());
    let cache = cache(&url).await;
    assert_eq!(cache.get::<i64>("k").await.unwrap(), None);
    for error in [
        failure(cache.put("k", &1, "1h")).await.0,
        failure(cache.forget("k")).await.0,
        failure(cache.increment("k")).await.0,
    ] {
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.to_string().contains("ACL"), "{error}");
    }
    let loaded = cache.remember("k", "1h", async || Ok::<_, Error>(7)).await;
    assert_eq!(loaded.unwrap(), 7);
}

/// The place at which a walk is means nothing to another connection, which may lead to another server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_whose_connection_breaks_says_so() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    cache.put("k", &1, "1h").await.unwrap();
    // Some hundred steps of it.
    server.ask(&["EVAL", "for i = 1, 500000 do redis.call('SET', 'other' .. i, i) end", "0"]);
    let steps = || support::calls(&server).get("scan").copied().unwrap_or(0);
    let flush = tokio::spawn({
        let cache = cache.clone();
        async move { cache.flush().await }
    });
    while steps() < 5 {
        tokio::task::yield_now().await;
    }
    server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert!(steps() < 500, "it was under way");
    let error = flush.await.unwrap().unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    resumed(&cache).await;
    cache.flush().await.unwrap();
    assert!(!cache.has("k").await.unwrap() && !cache.has("probe").await.unwrap());
    assert_eq!(number(server.ask(&["DBSIZE"])), 500_000);
}

/// As many calls as ten thousand a second are in a minute.
const MANY_CALLS: usize = 600_000;

#[test]
fn memory_does_not_grow_while_the_server_is_away() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let cache = runtime.block_on(impatient(&server));
    runtime.block_on(async {
        server.stop().await;
        until_known(&cache).await;
    });
    // All of the store's work is done by this thread.
    let calls = |count: usize| {
        allocation_counter::measure(|| {
            runtime.block_on(async {
                for _ in 0..count {
                    assert!(cache.get::<i64>("k").await.is_err());
                }
            });
        })
    };
    calls(1_000);
    let grown = calls(MANY_CALLS);
    assert!(grown.count_total > MANY_CALLS as u64, "the calls are counted: {grown:?}");
    assert!(grown.bytes_current < 100_000, "{grown:?}");
    assert!(grown.bytes_max < 1_000_000, "{grown:?}");
}

#[test]
fn memory_stays_bounded_while_the_server_is_paused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let cache = runtime.block_on(async {
        let builder = RedisStore::builder(&server.url()).unwrap().command_timeout(TIMEOUT);
        Cache::new(builder.connect().await.unwrap())
    });
    runtime.block_on(server.pause());
    let begun = Instant::now();
    let grown = allocation_counter::measure(|| {
        runtime.block_on(async {
            // Faster than it can time out: 10,000 at once, again and again.
            while begun.elapsed() < TIMEOUT * 6 {
                let calls = (0..10_000).map(|_| cache.get::<i64>("k"));
                let answers = futures_util::future::join_all(calls).await;
                assert!(answers.iter().all(Result::is_err));
            }
        });
    });
    // What so many calls need at once, and nothing that adds up.
    assert!(grown.bytes_max < 10_000 * 10_000, "{grown:?}");
    assert!(grown.bytes_current < 8 << 20, "{grown:?}");
    runtime.block_on(async {
        server.resume().await;
        resumed(&cache).await;
    });
}

#[tokio::test]
async fn a_server_that_lost_its_clients_serves_them_again() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    for round in 0..20 {
        server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        resumed(&cache).await;
        cache.put("k", &round, "1h").await.unwrap();
        assert_eq!(cache.get::<i64>("k").await.unwrap(), Some(round));
    }
    let clients = text(server.ask(&["CLIENT", "LIST", "TYPE", "normal"]));
    assert_eq!(clients.lines().count(), 2, "one of the cache, and the one who asks: {clients}");
}
