//! The hot paths: what is prepared for each, and what is done again and again.

use std::fmt::Display;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;

use cache_core::Tag;
use cache_memory::{Cache, Error, IntoTtl, MemoryStore, Ttl};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

/// Operations in a round: one on each key.
///
/// Tables are hashed by seeds that differ from run to run, and so does the length of a look-up. Over so many keys that
/// evens out; and whatever power of two the number of shards is, each is filled to about three quarters of what it
/// holds before it grows, so that none is larger in one run than in another.
pub(crate) const KEYS: u32 = 340 << 5;

pub(crate) struct Path {
    /// As it stands in the table of baselines: what is called, in which case.
    pub(crate) name: &'static str,
    /// What is done before anything is counted.
    prepare: fn(&Setting) -> Going<'_>,
    round: fn(&Setting) -> Going<'_>,
}

type Going<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) const PATHS: &[Path] = &[
    Path { name: "get_shared: a hit, 1h", prepare: keep_for_an_hour, round: get_shared },
    Path { name: "get_shared: a hit, for ever", prepare: keep_for_ever, round: get_shared },
    Path { name: "get: a hit", prepare: put_for_an_hour, round: get },
    Path { name: "get: a hit, two tags", prepare: put_under_tags, round: get },
    Path { name: "get: a miss", prepare: put_others, round: miss },
    Path { name: "has", prepare: put_for_an_hour, round: has },
    Path { name: "put: over what is there, 1h", prepare: put_for_an_hour, round: put_for_an_hour },
    // The put is counted too: there is but one first read after each.
    Path {
        name: "put, and the first get_shared",
        prepare: keep_for_an_hour,
        round: keep_for_an_hour,
    },
    Path { name: "remember: a hit", prepare: put_for_an_hour, round: remember },
    // Before the first they are absent, which is another path.
    Path { name: "increment", prepare: increment, round: increment },
    Path { name: "ttl: \"30m\"", prepare: parse, round: parse },
];

impl Path {
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        PATHS.iter().find(|path| path.name == name)
    }

    /// On one thread, whose tasks have no turn meanwhile: what is counted is this path, not the sweeper.
    pub(crate) fn go(&self, rounds: u32) {
        let runtime = match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => panic!("a runtime can be built: {error}"),
        };
        let setting = Setting::new();
        runtime.block_on((self.prepare)(&setting));
        for _ in 0..rounds {
            counted(&runtime, (self.round)(&setting));
        }
    }
}

/// What callgrind is told to count: it finds it by this name, which it would not have if the compiler took it for one
/// and the same as `block_on`.
#[inline(never)]
fn counted(runtime: &Runtime, round: Going<'_>) {
    runtime.block_on(black_box(round));
    black_box(());
}

/// A value as services cache it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    email: String,
    roles: Vec<String>,
}

/// What each path begins with.
struct Setting {
    cache: Cache,
    keys: Vec<String>,
    user: User,
}

impl Setting {
    fn new() -> Self {
        Self {
            // Room for all several times over: nothing is evicted.
            cache: Cache::new(MemoryStore::builder().max_entries(200_000).build()),
            keys: (100_000..100_000 + KEYS).map(|n| format!("user:{n}")).collect(),
            user: User {
                id: 123_456,
                name: "Maximiliane Mustermann".to_owned(),
                email: "maximiliane.mustermann@mail.example.com".to_owned(),
                roles: ["reader", "editor", "billing"].map(String::from).to_vec(),
            },
        }
    }

    async fn each(&self, operation: impl AsyncFn(&Cache, &str)) {
        for key in &self.keys {
            operation(&self.cache, black_box(key)).await;
        }
    }

    async fn put_all(&self, ttl: Ttl) {
        self.each(async |cache, key| {
            done(cache.put(key, black_box(&self.user), black_box(ttl)).await);
        })
        .await;
    }

    async fn read_shared(&self) {
        self.each(async |cache, key| {
            assert!(done(cache.get_shared::<User>(key).await).is_some_and(|user| user.id > 0));
        })
        .await;
    }
}

fn put_for_an_hour(it: &Setting) -> Going<'_> {
    Box::pin(it.put_all(Ttl::hours(1)))
}

/// And reads once, which decodes: what is read afterwards is kept as an object.
fn keep_for_an_hour(it: &Setting) -> Going<'_> {
    Box::pin(async {
        it.put_all(Ttl::hours(1)).await;
        it.read_shared().await;
    })
}

fn keep_for_ever(it: &Setting) -> Going<'_> {
    Box::pin(async {
        it.put_all(Ttl::FOREVER).await;
        it.read_shared().await;
    })
}

fn put_under_tags(it: &Setting) -> Going<'_> {
    Box::pin(async {
        let tags = ["users", "active"].map(|tag| done(Tag::new(tag)));
        it.each(async |cache, key| {
            done(cache.writer(&tags).put(key, &it.user, Ttl::hours(1)).await);
        })
        .await;
    })
}

/// As many entries, by other names.
fn put_others(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |cache, key| {
        done(cache.put(format!("not {key}"), &it.user, Ttl::hours(1)).await);
    }))
}

fn get_shared(it: &Setting) -> Going<'_> {
    Box::pin(it.read_shared())
}

fn get(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |cache, key| {
        assert!(black_box(done(cache.get::<User>(key).await)).is_some());
    }))
}

fn miss(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |cache, key| {
        assert!(black_box(done(cache.get::<User>(key).await)).is_none());
    }))
}

fn has(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |cache, key| assert!(done(cache.has(key).await))))
}

fn remember(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |cache, key| {
        let load = async || -> Result<User, Error> { panic!("every key is there") };
        black_box(done(cache.remember(key, black_box(Ttl::hours(1)), load).await));
    }))
}

fn increment(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |cache, key| assert!(done(cache.increment(key).await) > 0)))
}

fn parse(it: &Setting) -> Going<'_> {
    Box::pin(it.each(async |_, _| {
        black_box(done(black_box("30m").into_ttl()));
    }))
}

/// Nothing here can fail.
fn done<T>(result: Result<T, impl Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("it cannot fail: {error}"),
    }
}
