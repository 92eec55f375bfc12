//! What the driver sends, where it puts things, and what it makes of what others have put there.

mod support;

use std::time::Duration;

use cache_redis::{Cache, ErrorKind, RedisStore, Ttl};
use redis_servers::Server;
use serde::{Deserialize, Serialize};
use support::{cache, cache_with, calls_of, number, text};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

fn john() -> User {
    User { id: 7, name: "John".into() }
}

/// One round trip is one command, or commands that are sent without waiting for one another: which it is stands
/// beside each.
#[tokio::test]
async fn every_operation_keeps_to_its_round_trips() {
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    // Scripts are sent once, and called by their digest from then on.
    support::warm(cache).await;

    macro_rules! costs {
        ($work:expr, $($command:literal: $calls:literal),+) => {{
            let (done, calls) = calls_of(&server, $work).await;
            let expected = [$(($command.to_owned(), $calls)),+];
            assert_eq!(calls, expected, stringify!($work));
            done.unwrap()
        }};
    }
    costs!(cache.put("k", &john(), "1h"), "set": 1);
    costs!(cache.put("k", &john(), Ttl::FOREVER), "set": 1);
    assert_eq!(costs!(cache.get::<User>("k"), "get": 1), Some(john()));
    assert!(costs!(cache.get_shared::<User>("k"), "get": 1).is_some());
    assert!(costs!(cache.pull::<User>("k"), "getdel": 1).is_some());
    // One call of a script, which runs commands on the server.
    assert!(!costs!(cache.has("k"), "evalsha": 1, "exists": 1));
    assert_eq!(costs!(cache.ttl("k"), "evalsha": 1, "getrange": 1, "pttl": 1), None);
    assert!(!costs!(cache.touch("k", "1h"), "evalsha": 1, "getrange": 1, "pexpire": 1));
    assert!(
        !costs!(cache.touch("k", Ttl::FOREVER), "evalsha": 1, "exists": 1, "getrange": 1, "persist": 1)
    );
    assert!(!costs!(cache.forget("k"), "evalsha": 1, "getrange": 1, "unlink": 1));
    assert!(!costs!(cache.touch("k", 0), "evalsha": 1, "getrange": 1, "unlink": 1));
    assert!(costs!(cache.add("k", &1, "1h"), "evalsha": 1, "exists": 1, "getrange": 1, "set": 1));
    assert!(costs!(cache.has("k"), "evalsha": 1, "exists": 1, "getrange": 1));
    let counted = costs!(cache.increment("n"), "evalsha": 1, "getrange": 1, "set": 1);
    assert_eq!(counted, 1);
    let counted =
        costs!(cache.increment("n"), "evalsha": 1, "get": 1, "getrange": 1, "incrby": 1, "set": 1);
    assert_eq!(counted, 2);
    costs!(cache.forget("k"), "evalsha": 1, "getrange": 1, "unlink": 1);
    // One pipeline.
    let many = [("a", &1), ("b", &2), ("c", &3), ("d", &4)];
    costs!(cache.put_many(many, "1h"), "set": 4);
    let all = costs!(cache.get_many::<u64>(["a", "b", "c", "d", "e"]), "mget": 1);
    assert_eq!(all, [Some(1), Some(2), Some(3), Some(4), None]);
    let gone = costs!(cache.forget_many(["a", "b", "e"]), "evalsha": 1, "getrange": 3, "unlink": 3);
    assert_eq!(gone, 2);
    let loaded = cache.remember("k", "1h", async || Ok::<_, cache_redis::Error>(john()));
    assert_eq!(costs!(loaded, "get": 2, "set": 1), john());
    let known = cache.remember("k", "1h", async || -> Result<User, cache_redis::Error> {
        panic!("it is there")
    });
    assert_eq!(costs!(known, "get": 1), john());
    costs!(cache.flush(), "scan": 1, "unlink": 1);
}

#[tokio::test]
async fn things_lie_where_a_person_would_look() {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.prefix("shop:eu")).await;
    cache.put("n", &-42, "1h").await.unwrap();
    cache.put("s", "text", Ttl::FOREVER).await.unwrap();
    cache.put("odd #key", &1, Ttl::FOREVER).await.unwrap();
    assert_eq!(text(server.ask(&["GET", "shop:eu:n"])), "-42");
    assert_eq!(text(server.ask(&["GET", "shop:eu:odd ##key"])), "1");
    assert_eq!(number(server.ask(&["PTTL", "shop:eu:s"])), -1);
    let left = number(server.ask(&["PTTL", "shop:eu:n"]));
    assert!((3_590_000..=3_600_000).contains(&left), "{left}");
    let stored: Vec<u8> =
        redis_servers::redis::from_redis_value(server.ask(&["GET", "shop:eu:s"])).unwrap();
    assert!(stored.starts_with(&[0xC1, 0]), "{stored:?}");
    assert!(stored.ends_with(b"text"), "{stored:?}");
}

#[tokio::test]
async fn plain_integers_are_counters_whoever_wrote_them() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    for (stored, value) in [
        ("0", 0),
        ("-1", -1),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        server.ask(&["SET", "cache:n", stored]);
        assert_eq!(cache.get::<i64>("n").await.unwrap(), Some(value));
    }
    server.ask(&["SET", "cache:n", "41"]);
    assert_eq!(cache.increment("n").await.unwrap(), 42);
    server.ask(&["INCRBY", "cache:n", "8"]);
    assert_eq!(cache.get::<u8>("n").await.unwrap(), Some(50));
    // Beyond what a double holds.
    server.ask(&["SET", "cache:n", "9007199254740993"]);
    assert_eq!(cache.increment_by("n", 2).await.unwrap(), 9_007_199_254_740_995);
    assert_eq!(cache.decrement_by("n", i64::MAX).await.unwrap(), -9_214_364_837_600_034_812);
}

#[tokio::test]
async fn what_others_have_written_is_never_misread() {
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    cache.put("k", &john(), "1h").await.unwrap();
    let ours: Vec<u8> =
        redis_servers::redis::from_redis_value(server.ask(&["GET", "cache:k"])).unwrap();
    let set = |bytes: &[u8]| {
        // The operator speaks text; a script puts bytes together.
        let bytes = bytes.iter().fold(String::new(), |text, byte| text + &format!("\\{byte:03}"));
        server.ask(&[
            "EVAL",
            &format!("return redis.call('SET', KEYS[1], \"{bytes}\")"),
            "1",
            "cache:k",
        ]);
    };
    let mut foreign: Vec<Vec<u8>> = [
        &b""[..],
        b"text",
        b"{\"id\":7}",
        b"007",
        b"+7",
        b"1.5",
        b"9223372036854775808",
        b"-",
        b"\xC1",
        b"\xC1\x01",
        b"subscribe",
        b"message",
        b"OK",
        b"QUEUED",
        b"nil",
    ]
    .map(<[u8]>::to_vec)
    .into();
    foreign.extend((1..ours.len()).map(|length| ours[..length].to_vec()));
    foreign.push([&ours[..], b"\0"].concat());
    for at in 0..11 {
        let mut changed = ours.clone();
        changed[at] ^= 0x55;
        foreign.push(changed);
    }
    for bytes in foreign {
        set(&bytes);
        let error = cache.get::<User>("k").await.expect_err(&format!("{bytes:?}"));
        assert_eq!(error.kind(), ErrorKind::Decode, "{bytes:?}: {error}");
        assert!(error.to_string().contains("\"k\""), "the key is named: {error}");
        let error = cache.get_many::<User>(["absent", "k"]).await.expect_err(&format!("{bytes:?}"));
        assert_eq!(error.kind(), ErrorKind::Decode, "{bytes:?}: {error}");
        assert!(error.to_string().contains("\"k\""), "the key is named: {error}");
        if !bytes.iter().all(u8::is_ascii_digit) || bytes.is_empty() || bytes[0] == b'0' {
            let error = cache.increment("k").await.expect_err(&format!("{bytes:?}"));
            assert_eq!(error.kind(), ErrorKind::NotACounter, "{bytes:?}: {error}");
        }
        assert!(cache.has("k").await.unwrap(), "it is untouched");
    }
    // `remember` heals it.
    set(b"gibberish");
    let healed = cache.remember("k", "1h", async || Ok::<_, cache_redis::Error>(john())).await;
    assert_eq!(healed.unwrap(), john());
    assert_eq!(cache.get::<User>("k").await.unwrap(), Some(john()));
}

#[tokio::test]
async fn a_key_of_another_type_is_told_and_left_alone() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    server.ask(&["RPUSH", "cache:list", "a", "b"]);
    for error in [
        cache.get::<User>("list").await.map(drop).unwrap_err(),
        cache.pull::<User>("list").await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("\"list\""), "{error}");
    }
    let error = cache.increment("list").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotACounter, "{error}");
    assert!(!cache.add("list", &1, "1h").await.unwrap(), "there is something");
    assert_eq!(number(server.ask(&["LLEN", "cache:list"])), 2, "it is untouched");
    // As with MGET itself.
    assert_eq!(cache.get_many::<u64>(["list"]).await.unwrap(), [None]);
    cache.put("list", &1, "1h").await.unwrap();
    assert_eq!(cache.get::<u64>("list").await.unwrap(), Some(1));
}

/// An array of three to five elements that begins so is what a message of a channel looks like.
#[tokio::test]
async fn values_that_look_like_messages_do_not_shift_the_answers() {
    let server = Server::start().await;
    let cache = &cache(&server.url()).await;
    for word in
        ["subscribe", "unsubscribe", "psubscribe", "message", "pmessage", "smessage", "pubsub"]
    {
        server.ask(&["SET", "cache:word", word]);
        server.ask(&["SET", "cache:message", "message"]);
        for others in 0..7 {
            let keys = ["word", "message", "a", "b", "c", "d", "e"].into_iter().take(1 + others);
            let error = cache.get_many::<u64>(keys).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{word}, {others}: {error}");
            let value = u64::try_from(others).unwrap();
            cache.put("after", &value, "1h").await.unwrap();
            assert_eq!(cache.get::<u64>("after").await.unwrap(), Some(value), "{word}, {others}");
        }
    }
}

#[tokio::test]
async fn a_flush_removes_this_caches_values_and_nothing_else() {
    let server = Server::start().await;
    let url = &server.url();
    let opened = async |prefix: &str| {
        let prefix = prefix.to_owned();
        cache_with(url, |builder| builder.prefix(prefix)).await
    };
    let other_names = ["app2", "ap", "APP", "app*", "a[pq]p", "app\\", "other"];
    let app = opened("app").await;
    let nested = opened("app:nested").await;
    let mut others = Vec::new();
    for name in other_names {
        let other = opened(name).await;
        other.put("k", name, "1h").await.unwrap();
        others.push(other);
    }
    for number in 0..2_500 {
        app.put(format!("k{number}"), &number, "1h").await.unwrap();
    }
    app.put("#tag:users", &1, "1h").await.unwrap();
    nested.put("k", &1, "1h").await.unwrap();
    // The library's own keys, of this cache and of the nested one; and somebody else's.
    let own = [
        "app#tag:users",
        "app#lock:{x}",
        "app#fence:{x}",
        "app:nested#tag:users",
        "app",
        "unrelated",
    ];
    for name in own {
        server.ask(&["SET", name, "7"]);
    }
    app.flush().await.unwrap();
    assert_eq!(
        app.get_many::<u64>((0..2_500).map(|n| format!("k{n}"))).await.unwrap(),
        vec![None; 2_500]
    );
    assert!(!app.has("#tag:users").await.unwrap());
    assert!(!nested.has("k").await.unwrap(), "a prefix nests");
    for (other, name) in others.iter().zip(other_names) {
        assert_eq!(other.get::<String>("k").await.unwrap().as_deref(), Some(name));
    }
    for name in own {
        assert_eq!(text(server.ask(&["GET", name])), "7", "{name}");
    }
    // The same where the prefix itself is a pattern.
    others[3].flush().await.unwrap();
    for (other, name) in others.iter().zip(other_names) {
        assert_eq!(other.has("k").await.unwrap(), name != "app*", "{name}");
    }
}

#[tokio::test]
async fn a_prefix_that_begins_with_another_and_a_colon_belongs_to_it() {
    let server = Server::start().await;
    let url = &server.url();
    let shop = cache_with(url, |builder| builder.prefix("shop")).await;
    let sessions = cache_with(url, |builder| builder.prefix("shop:sessions")).await;
    let shops = cache_with(url, |builder| builder.prefix("shops")).await;
    for cache in [&shop, &sessions, &shops] {
        cache.put("k", &1, "1h").await.unwrap();
    }
    sessions.flush().await.unwrap();
    assert!(shop.has("k").await.unwrap() && !sessions.has("k").await.unwrap());
    sessions.put("k", &1, "1h").await.unwrap();
    shop.flush().await.unwrap();
    assert!(!shop.has("k").await.unwrap() && !sessions.has("k").await.unwrap());
    assert!(shops.has("k").await.unwrap(), "without the colon it is another");
}

#[tokio::test]
async fn several_connections_are_one_store() {
    let server = Server::start().await;
    let cache = cache_with(&server.url(), |builder| builder.connections(4)).await;
    let keys: Vec<_> = (0..200).map(|number| format!("k{number}")).collect();
    let values: Vec<u64> = (0..200).collect();
    cache.put_many(keys.iter().zip(&values), "1h").await.unwrap();
    let found = cache.get_many::<u64>(&keys).await.unwrap();
    assert_eq!(found, values.iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(cache.forget_many(&keys[..50]).await.unwrap(), 50);
    let clients = text(server.ask(&["CLIENT", "LIST"]));
    assert_eq!(clients.lines().filter(|line| line.contains("cmd=")).count(), 4 + 1, "{clients}");
    cache.flush().await.unwrap();
    assert_eq!(cache.get_many::<u64>(&keys).await.unwrap(), vec![None; 200]);
    for round in 0..200u64 {
        // Whichever connection it goes over: what was given up comes before what is asked later.
        let dropped = cache.put(format!("k{}", round % 7), &round, "1h");
        let _ = tokio::time::timeout(Duration::ZERO, dropped).await;
        cache.flush().await.unwrap();
        assert_eq!(
            cache.get_many::<u64>((0..7).map(|n| format!("k{n}"))).await.unwrap(),
            [None; 7]
        );
    }
}

#[tokio::test]
async fn scripts_that_the_server_has_lost_are_sent_again() {
    let server = Server::start().await;
    let cache = cache(&server.url()).await;
    assert_eq!(cache.increment("n").await.unwrap(), 1);
    server.ask(&["SCRIPT", "FLUSH"]);
    assert_eq!(cache.increment("n").await.unwrap(), 2);
    server.ask(&["SCRIPT", "FLUSH"]);
    assert!(cache.touch("n", Ttl::FOREVER).await.unwrap());
    assert_eq!(cache.ttl("n").await.unwrap(), Some(Ttl::FOREVER));
}

#[tokio::test]
async fn databases_are_apart() {
    let server = Server::start().await;
    let zero = cache(&server.url()).await;
    let three = cache(&format!("{}/3", server.url())).await;
    three.put("k", &3, "1h").await.unwrap();
    assert!(!zero.has("k").await.unwrap());
    zero.flush().await.unwrap();
    assert_eq!(three.get::<u64>("k").await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_store_that_is_dropped_or_closed_disconnects() {
    let server = Server::start().await;
    let connected = || {
        let clients = text(server.ask(&["CLIENT", "LIST"]));
        clients.lines().filter(|line| !line.contains("cmd=client")).count()
    };
    let dropped = cache(&server.url()).await;
    let closed = cache(&server.url()).await;
    assert_eq!(connected(), 2);
    closed.close().await.unwrap();
    closed.close().await.unwrap();
    assert_eq!(closed.get::<u64>("k").await.unwrap_err().kind(), ErrorKind::Closed);
    drop(dropped);
    let gone = tokio::time::timeout(Duration::from_secs(5), async {
        while connected() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    gone.await.expect("no connection is left behind");
}

#[tokio::test]
async fn what_cannot_be_connected_to_says_why() {
    let server = Server::start_with(&["--requirepass", "s3cret"]).await;
    let at = format!("127.0.0.1:{}", server.port());
    let nobody = "redis://127.0.0.1:1";
    for (url, kind, named) in [
        (format!("redis://{at}"), ErrorKind::Config, "password"),
        (format!("redis://:wr0ng@{at}"), ErrorKind::Config, "password"),
        (format!("redis://somebody:wr0ng@{at}"), ErrorKind::Config, "password"),
        (format!("redis://:s3cret@{at}/99"), ErrorKind::Config, "database"),
        (format!("redis-cluster://:s3cret@{at}"), ErrorKind::Config, "no cluster"),
        (format!("redis://:s3cret@{at}?conections=2"), ErrorKind::Config, "`conections`"),
        (format!("{nobody}?prefix=a%23b"), ErrorKind::Config, "prefix"),
        (nobody.to_owned(), ErrorKind::Unavailable, "reached"),
        (format!("redis-sentinel://{at}?service=x"), ErrorKind::Config, "no sentinel"),
        ("redis://no.such.host.invalid".to_owned(), ErrorKind::Unavailable, "reached"),
    ] {
        let error = RedisStore::connect(&url).await.map(drop).expect_err(&url);
        assert_eq!(error.kind(), kind, "{url}: {error:?}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(named), "{url}: {shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("wr0ng"), "{url}: {shown}");
    }
    cache(&format!("redis://:s3cret@{at}")).await.put("k", &1, "1h").await.unwrap();
}

#[tokio::test]
async fn a_lazy_store_works_as_soon_as_there_is_a_server() {
    let server = Server::start().await;
    server.stop().await;
    let store = RedisStore::builder(&server.url()).unwrap().connect_lazily().unwrap();
    let cache = Cache::new(store);
    let error = cache.get::<u64>("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let loaded = cache.remember("k", "1h", async || Ok::<_, cache_redis::Error>(7)).await;
    assert_eq!(loaded.unwrap(), 7);
    server.start_again().await;
    support::resumed(&cache).await;
}

#[tokio::test]
async fn a_lazy_store_with_a_wrong_password_says_so_at_each_operation() {
    let server = Server::start_with(&["--requirepass", "s3cret"]).await;
    let url = format!("redis://:wr0ng@127.0.0.1:{}", server.port());
    let cache = Cache::new(RedisStore::builder(&url).unwrap().connect_lazily().unwrap());
    for _ in 0..2 {
        let error = cache.get::<u64>("k").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("does not accept the user and password"), "{error}");
    }
}
