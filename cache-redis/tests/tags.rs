//! Tags on a real server: what they cost, how long their versions live, and what becomes of entries when somebody
//! meddles with them.

mod support;

use std::time::Duration;

use cache_redis::{Cache, Error, ErrorKind, Ttl};
use cache_tags::Tags;
use redis_servers::Server;
use support::{cache, cache_with, calls, calls_of, delayed, number, text, warm};

/// Two caches on one server, as in two processes: neither knows what the other believes.
async fn two(server: &Server) -> (Cache, Cache) {
    (cache(&server.url()).await, cache(&server.url()).await)
}

fn version(server: &Server, tag: &str) -> Option<String> {
    let stored = server.ask(&["GET", &format!("cache#tag:{tag}")]);
    redis_servers::redis::from_redis_value(stored).expect("a version, or none")
}

macro_rules! costs {
    ($server:expr, $work:expr, $($command:literal: $calls:literal),+) => {{
        let (done, calls) = calls_of(&$server, $work).await;
        let expected = [$(($command.to_owned(), $calls)),+];
        assert_eq!(calls, expected, stringify!($work));
        done.unwrap()
    }};
}

/// Each of these is one round trip: what is more than one command is sent together.
#[tokio::test]
async fn what_bears_tags_costs_one_round_trip() {
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    warm(cache).await;
    let tagged = &cache.tags(["users", "active"]);
    for _ in 0..2 {
        tagged.put("k", "first", "1h").await.unwrap();
    }

    // Two tags are looked at by the script that stores.
    costs!(server, tagged.put("k", "v", "1h"), "evalsha": 1, "get": 2, "set": 1);
    assert_eq!(costs!(server, cache.get::<String>("k"), "mget": 1).as_deref(), Some("v"));
    assert_eq!(costs!(server, cache.get::<String>("k"), "mget": 1).as_deref(), Some("v"));
    assert!(costs!(server, cache.has("k"), "evalsha": 1, "exists": 1, "getrange": 2, "mget": 1));
    assert!(
        costs!(server, cache.ttl("k"), "evalsha": 1, "getrange": 2, "mget": 1, "pttl": 1).is_some()
    );
    assert!(
        costs!(server, cache.touch("k", "1h"), "evalsha": 1, "getrange": 2, "mget": 1, "pexpire": 1)
    );
    assert!(
        !costs!(server, tagged.add("k", "w", "1h"), "evalsha": 1, "exists": 1, "getrange": 2, "mget": 1)
    );
    assert!(costs!(server, cache.forget("k"), "evalsha": 1, "getrange": 2, "mget": 1, "unlink": 1));
    assert!(
        costs!(server, tagged.add("k", "v", "1h"), "evalsha": 1, "exists": 1, "get": 2, "getrange": 1, "mget": 1, "set": 1)
    );
    assert!(costs!(server, cache.pull::<String>("k"), "getdel": 1, "mget": 1).is_some());
    let counted =
        costs!(server, tagged.increment("n"), "evalsha": 1, "getrange": 1, "mget": 1, "set": 1);
    assert_eq!(counted, 1);
    let counted = costs!(
        server, cache.increment("n"),
        "evalsha": 1, "get": 1, "getrange": 3, "incrby": 1, "mget": 1, "set": 2
    );
    assert_eq!(counted, 2);
    let many = [("a", "1"), ("b", "2"), ("c", "3")];
    costs!(server, tagged.put_many(many, "1h"), "evalsha": 1, "get": 2, "set": 3);
    let found = costs!(server, cache.get_many::<String>(["a", "b", "c", "d"]), "mget": 1);
    assert_eq!(found.iter().flatten().count(), 3);
    costs!(server, tagged.flush(), "unlink": 1);
    assert_eq!(
        cache.get_many::<String>(["a", "b", "c", "n"]).await.unwrap(),
        [None, None, None, None]
    );
}

#[tokio::test]
async fn an_entry_and_the_versions_of_its_tags_are_sent_once() {
    const SIZE: usize = 1 << 20;
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    let [found, sent] = ["keyspace_hits:", "total_net_output_bytes:"].map(|name| {
        let server = &server;
        move || {
            let stats = text(server.ask(&["INFO", "stats"]));
            let line = stats.lines().find_map(|line| line.strip_prefix(name));
            line.expect("it is told").trim().parse::<usize>().expect("a number")
        }
    });
    for count in 0..8 {
        let tags: Vec<_> = (0..count).map(|tag| format!("tag {tag}")).collect();
        let tagged = cache.tags(&tags);
        tagged.put("k", &"x".repeat(SIZE), "1h").await.unwrap();
        let before = (found(), sent());
        assert!(cache.get::<String>("k").await.unwrap().is_some());
        let (found, sent) = (found() - before.0, sent() - before.1);
        assert!((SIZE..2 * SIZE).contains(&sent), "{sent} bytes with {count} tags");
        assert_eq!(found, 1 + count, "with {count} tags");
    }
}

#[tokio::test]
async fn who_does_not_know_what_matters_asks_once_more() {
    let server = Server::start().await;
    let (one, other) = two(&server).await;
    warm(&one).await;
    // The version has to be made first; from then on it is believed.
    let users = one.tags(["users"]);
    costs!(server, users.put("k", "1", "1h"), "eval": 1, "evalsha": 1, "get": 1, "set": 2);
    one.tags(["users"]).put("k", "1", "1h").await.unwrap();
    costs!(server, one.tags(["users"]).put("k", "1", "1h"), "evalsha": 1, "get": 1, "set": 1);
    // The other client does not know what the key bears; the second time it does.
    assert!(costs!(server, other.get::<String>("k"), "get": 1, "mget": 1).is_some());
    assert!(costs!(server, other.get::<String>("k"), "mget": 1).is_some());
    // What is believed of the version is wrong after somebody else's flush: found out by what goes along.
    other.tags(["users"]).flush().await.unwrap();
    // It is asked for, and stored then: nothing is written before.
    costs!(server, users.put("k", "2", "1h"), "evalsha": 2, "get": 2, "set": 2);
    assert_eq!(other.get::<String>("k").await.unwrap().as_deref(), Some("2"));
    costs!(server, one.tags(["users"]).put("k", "3", "1h"), "evalsha": 1, "get": 1, "set": 1);
    // After its own flush it knows.
    one.tags(["users"]).flush().await.unwrap();
    costs!(server, users.put("k", "3", "1h"), "evalsha": 1, "get": 1, "set": 2);
    // Other tags, and none.
    one.tags(["posts"]).put("k", "4", "1h").await.unwrap();
    assert_eq!(costs!(server, other.get::<String>("k"), "mget": 2).as_deref(), Some("4"));
    assert_eq!(costs!(server, other.get::<String>("k"), "mget": 1).as_deref(), Some("4"));
    one.put("k", "5", "1h").await.unwrap();
    assert_eq!(costs!(server, other.get::<String>("k"), "mget": 1).as_deref(), Some("5"));
    assert_eq!(costs!(server, other.get::<String>("k"), "get": 1).as_deref(), Some("5"));
}

#[tokio::test]
async fn a_load_reads_versions_before_and_writes_once() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    let tagged = cache.tags(["users"]);
    for _ in 0..2 {
        tagged.put("warm", "v", "1h").await.unwrap();
    }
    let load = async || Ok::<_, Error>(String::from("v"));
    costs!(server, tagged.remember("k", "1h", load), "evalsha": 1, "get": 3, "mget": 1, "set": 1);
    costs!(server, tagged.remember("k", "1h", load), "mget": 1);
    let flushed = async || {
        tagged.flush().await?;
        load().await
    };
    cache.forget("k").await.unwrap();
    let loaded = tagged.remember("k", "1h", flushed).await.unwrap();
    assert_eq!(loaded, "v");
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
}

/// Whatever becomes of a version, what carries it is a miss, and what is stored afterwards is served.
#[tokio::test]
async fn lost_versions_are_misses() {
    let server = Server::start().await;
    let (one, other) = two(&server).await;
    let meddle: [(&str, &[&str]); 7] = [
        ("deleted", &["DEL", "cache#tag:users"]),
        ("renamed", &["RENAME", "cache#tag:users", "cache#tag:elsewhere"]),
        ("overwritten", &["SET", "cache#tag:users", "0123456789abcdef"]),
        ("no number", &["SET", "cache#tag:users", "0123456789abcdeg"]),
        ("shortened", &["SET", "cache#tag:users", "7"]),
        ("expired", &["PEXPIRE", "cache#tag:users", "0"]),
        ("all is lost", &["FLUSHALL"]),
    ];
    for (what, command) in meddle {
        for cache in [&one, &other] {
            one.tags(["users"]).put("k", what, "1h").await.unwrap();
            one.tags(["users"]).increment("n").await.unwrap();
            assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some(what));
            server.ask(command);
            assert_eq!(cache.get::<String>("k").await.unwrap(), None, "{what}");
            assert!(!cache.has("k").await.unwrap(), "{what}");
            assert!(!cache.touch("k", "2h").await.unwrap(), "{what}");
            assert_eq!(cache.tags(["users"]).increment("n").await.unwrap(), 1, "{what}");
            assert!(cache.tags(["users"]).add("k", "added", "1h").await.unwrap(), "{what}");
            assert_eq!(other.get::<String>("k").await.unwrap().as_deref(), Some("added"), "{what}");
            assert!(one.pull::<i64>("n").await.unwrap() == Some(1), "{what}");
            // So that the version that it is overwritten with is another one the next time too.
            server.ask(&["DEL", "cache#tag:users"]);
        }
    }
    // Another type at the tag's key.
    one.tags(["users"]).put("k", "v", "1h").await.unwrap();
    server.ask(&["DEL", "cache#tag:users"]);
    server.ask(&["RPUSH", "cache#tag:users", "a"]);
    assert_eq!(other.get::<String>("k").await.unwrap(), None);
    other.tags(["users"]).put("k", "w", "1h").await.unwrap();
    assert_eq!(one.get::<String>("k").await.unwrap().as_deref(), Some("w"));
}

#[tokio::test]
async fn a_server_that_evicts_versions_serves_nothing_flushed() {
    let server =
        Server::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let (one, other) = two(&server).await;
    let keys: Vec<_> = (0..200).map(|number| format!("k{number}")).collect();
    let tag = |number: usize| format!("t{number}");
    for (number, key) in keys.iter().enumerate() {
        one.tags([tag(number), "all".into()]).put(key, key, "1h").await.unwrap();
    }
    let ballast = "x".repeat(10_000);
    for number in 0..600 {
        other.put(format!("ballast{number}"), &ballast, "1h").await.unwrap();
    }
    assert!(number(server.ask(&["DBSIZE"])) < 600, "the server had to evict");
    let mut found = 0;
    for key in &keys {
        for cache in [&one, &other] {
            let stored = cache.get::<String>(key).await.unwrap();
            assert!(stored.as_ref().is_none_or(|stored| stored == key), "{stored:?}");
            found += usize::from(stored.is_some());
        }
    }
    assert!(found < 2 * keys.len(), "some were evicted, or their versions were");
    // From here on nothing more is evicted: what is written now is there until the flush.
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    one.tags(["all"]).put("last", "last", "1h").await.unwrap();
    assert!(other.has("last").await.unwrap());
    one.tags(["all"]).flush().await.unwrap();
    for key in keys.iter().map(String::as_str).chain(["last"]) {
        assert_eq!(other.get::<String>(key).await.unwrap(), None);
    }
}

/// The milliseconds that the version of a tag has left.
fn left(server: &Server, tag: &str) -> i64 {
    number(server.ask(&["PTTL", &format!("cache#tag:{tag}")]))
}

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn a_version_outlives_what_carries_it_and_no_more() {
    let server = Server::start().await;
    let (one, other) = two(&server).await;
    let users = one.tags(["users"]);
    users.put("k", "v", "1s").await.unwrap();
    assert!((HOUR..=HOUR + 1_000).contains(&left(&server, "users")));
    users.put("k", "v", "1h").await.unwrap();
    let first = version(&server, "users");
    assert!((2 * HOUR - 1_000..=2 * HOUR).contains(&left(&server, "users")));
    // A longer one prolongs it, by whatever operation and client; a shorter one does not shorten it.
    other.touch("k", "2h").await.unwrap();
    assert!(left(&server, "users") > 4 * HOUR - 10_000);
    other.tags(["users"]).put("k2", "v", "5s").await.unwrap();
    assert!(left(&server, "users") > 4 * HOUR - 10_000);
    one.tags(["users"]).add("k3", "v", "1d").await.unwrap();
    assert!(left(&server, "users") > 48 * HOUR - 10_000);
    other.tags(["users"]).remember("k4", "2d", async || Ok::<_, Error>(1)).await.unwrap();
    assert!(left(&server, "users") > 96 * HOUR - 10_000);
    users.put("k", "v", Ttl::FOREVER).await.unwrap();
    assert_eq!(left(&server, "users"), -1);
    other.tags(["users"]).put("k", "v", "1h").await.unwrap();
    assert_eq!(left(&server, "users"), -1);
    assert_eq!(version(&server, "users"), first, "it is the same version all the while");
    // A flush leaves nothing behind.
    other.tags(["users", "unknown"]).flush().await.unwrap();
    assert_eq!(left(&server, "users"), -2);
    users.put("k", "v", "1s").await.unwrap();
    assert!(left(&server, "users") <= HOUR + 1_000);
    assert_ne!(version(&server, "users"), first);
}

/// What one client believes of how long a version is kept is of another version after somebody else's flush.
#[tokio::test]
async fn a_version_made_by_somebody_else_is_kept_as_well() {
    let server = Server::start().await;
    let (one, other) = two(&server).await;
    let users = one.tags(["users"]);
    let load = async || Ok::<_, Error>(1);
    for round in 0..3 {
        users.put("k", "v", "30d").await.unwrap();
        other.tags(["users"]).flush().await.unwrap();
        other.tags(["users"]).put("touched", "v", "1s").await.unwrap();
        assert!(left(&server, "users") <= HOUR + 1_000);
        match round {
            0 => drop(users.remember("loaded", "1d", load).await.unwrap()),
            1 => assert!(one.touch("touched", "1d").await.unwrap()),
            _ => assert!(users.add("added", "v", "1d").await.unwrap()),
        }
        assert!(left(&server, "users") >= 24 * HOUR, "round {round}");
    }
}

/// A server that was restarted does not know a script, which is sent once more: after the question that went along,
/// whose answer is older than what the script meets.
#[tokio::test]
async fn a_script_that_is_sent_again_takes_nothing_live_for_flushed() {
    let server = Server::start().await;
    let quick = cache(&server.url()).await;
    let slow = cache(&delayed(&server, |_| true)).await;
    let (ours, theirs) = (quick.tags(["users"]), slow.tags(["users"]));
    assert_eq!(theirs.increment("n").await.unwrap(), 1);
    ours.flush().await.unwrap();
    server.ask(&["SCRIPT", "FLUSH"]);
    let asked = || calls(&server).get("mget").copied();
    let before = asked();
    let counting = tokio::spawn(async move { theirs.increment("n").await });
    while asked() == before {
        tokio::task::yield_now().await;
    }
    // The whole script is on its way.
    assert_eq!(ours.increment("n").await.unwrap(), 1);
    assert_eq!(ours.increment("n").await.unwrap(), 2);
    assert_eq!(counting.await.unwrap().unwrap(), 3);
    assert_eq!(quick.get::<i64>("n").await.unwrap(), Some(3));
}

/// `TAGGED_PUTS` says how many, if not 100,000.
#[tokio::test]
async fn what_tags_leave_behind_is_their_versions() {
    const TAGS: usize = 1_000;
    let puts: usize = std::env::var("TAGGED_PUTS").map_or(100_000, |puts| puts.parse().unwrap());
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    let mut stored = 0;
    while stored < puts {
        let tags = [format!("t{}", stored / 100 % TAGS), format!("t{}", (stored / 100 + 1) % TAGS)];
        let entries: Vec<_> =
            (0..100).map(|number| (format!("k{}", stored + number), &7)).collect();
        cache.tags(tags).put_many(entries, "500ms").await.unwrap();
        stored += 100;
    }
    let gone = tokio::time::timeout(Duration::from_secs(60), async {
        // The server counts what has expired until it comes by.
        while number(server.ask(&["DBSIZE"])) > i64::try_from(TAGS).unwrap() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    gone.await.expect("only versions are left");
    assert!((0..TAGS).all(|tag| (0..=2 * HOUR).contains(&left(&server, &format!("t{tag}")))));
}

#[tokio::test]
async fn what_one_client_flushes_no_other_serves() {
    let server = Server::start().await;
    let url = server.url();
    let clients = [
        cache(&url).await,
        cache(&url).await,
        cache_with(&url, |builder| builder.connections(3)).await,
    ];
    for round in 0..60usize {
        let (writer, flusher) = (&clients[round % 3], &clients[round / 3 % 3]);
        let keys: Vec<_> = (0..10).map(|number| format!("k{number}")).collect();
        for (number, key) in keys.iter().enumerate() {
            let tags = [format!("t{}", number % 3), "all".into()];
            writer.tags(tags).put(key, &round, "1h").await.unwrap();
        }
        for reader in &clients {
            let found = reader.get_many::<usize>(&keys).await.unwrap();
            assert_eq!(found, vec![Some(round); 10], "round {round}");
        }
        flusher.tags(["t1"]).flush().await.unwrap();
        for reader in &clients {
            let found = reader.get_many::<usize>(&keys).await.unwrap();
            let left = (0..10).map(|number| (number % 3 != 1).then_some(round));
            assert_eq!(found, left.collect::<Vec<_>>(), "round {round}");
        }
        flusher.tags(["all"]).flush().await.unwrap();
        for (reader, key) in clients.iter().zip(&keys) {
            assert_eq!(reader.get::<usize>(key).await.unwrap(), None, "round {round}");
        }
    }
}

/// Reads that share a command judge each of their entries by its own tags.
#[tokio::test]
async fn reads_at_once_find_what_is_live() {
    let server = Server::start().await;
    let (one, other) = two(&server).await;
    let keys: Vec<_> = (0..300).map(|number| format!("k{number}")).collect();
    for (number, key) in keys.iter().enumerate() {
        match number % 4 {
            0 => one.put(key, &number, "1h").await.unwrap(),
            1 => one.tags(["odd"]).put(key, &number, "1h").await.unwrap(),
            2 => one.tags([format!("t{number}")]).put(key, &number, "1h").await.unwrap(),
            _ => {}
        }
    }
    let read = async |cache: &Cache| -> Vec<Option<usize>> {
        let all = keys.iter().map(|key| cache.get::<usize>(key));
        futures_util::future::try_join_all(all).await.unwrap()
    };
    let stored = |number: usize, flushed: bool| match number % 4 {
        1 if flushed => None,
        2 if flushed && number.is_multiple_of(3) => None,
        3 => None,
        _ => Some(number),
    };
    for _ in 0..3 {
        for cache in [&one, &other] {
            assert_eq!(read(cache).await, (0..300).map(|n| stored(n, false)).collect::<Vec<_>>());
        }
    }
    let flushed = (0..300).filter(|number| number % 3 == 0).map(|number| format!("t{number}"));
    one.tags(flushed.take(255).chain(["odd".into()]).collect::<Vec<_>>()).flush().await.unwrap();
    for _ in 0..3 {
        for cache in [&other, &one] {
            assert_eq!(read(cache).await, (0..300).map(|n| stored(n, true)).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_user_who_may_not_see_versions_is_told() {
    let server = Server::start().await;
    let all = cache(&server.url()).await;
    all.tags(["users"]).put("k", "v", "1h").await.unwrap();
    server.ask(&["ACL", "SETUSER", "some", "on", ">pass", "~cache:*", "+@all"]);
    let some = cache(&format!("redis://some:pass@127.0.0.1:{}", server.port())).await;
    some.put("untagged", "v", "1h").await.unwrap();
    for error in [
        some.get::<String>("k").await.map(drop).unwrap_err(),
        some.tags(["users"]).put("k", "w", "1h").await.unwrap_err(),
        some.tags(["users"]).flush().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
    assert_eq!(all.get::<String>("k").await.unwrap().as_deref(), Some("v"));
}
