//! `get_shared`, `get` and `has` of what is there, without tags, under one and under two.

use std::hint::black_box;

use cache_memory::{Cache, Ttl};

use super::{Bench, OPERATIONS, cache};
use crate::fixture::{KEYS, User};
use crate::race::{Race, Times};
use crate::verdict::Findings;

const UNTAGGED: &str = "untagged";
const ONE: &str = "one tag";
const TWO: &str = "two tags";
const AT_MOST: f64 = 1.3;

pub(crate) fn run(bench: &Bench<'_>, findings: &mut Findings) {
    let caches = bench.runtime.block_on(filled(bench, Ttl::hours(1)));
    judge(&shared(bench, "get_shared under tags, 1 h", &caches), findings);
    judge(&decoded(bench, "get under tags, 1 h", &caches), findings);
    judge(&presence(bench, "has under tags, 1 h", &caches), findings);
    let caches = bench.runtime.block_on(filled(bench, Ttl::FOREVER));
    judge(&shared(bench, "get_shared under tags, for ever", &caches), findings);
    judge(&decoded(bench, "get under tags, for ever", &caches), findings);
    judge(&presence(bench, "has under tags, for ever", &caches), findings);
}

fn judge(times: &Times, findings: &mut Findings) {
    times.print();
    times.compare_with_target(ONE, UNTAGGED, AT_MOST, findings);
    times.compare_with_target(TWO, UNTAGGED, AT_MOST, findings);
}

/// Every key in each of them, its object kept.
async fn filled(bench: &Bench<'_>, ttl: Ttl) -> [Cache; 3] {
    let caches = [cache(), cache(), cache()];
    for index in 0..KEYS {
        let (key, user) = (bench.fixture.key(index), bench.fixture.user(index));
        let [untagged, one, two] = &caches;
        assert!(untagged.put(key, user, ttl).await.is_ok());
        assert!(one.writer(&bench.names.of(index)).put(key, user, ttl).await.is_ok());
        assert!(two.writer(&bench.names.two_of(index)).put(key, user, ttl).await.is_ok());
    }
    for index in 0..KEYS {
        for cache in &caches {
            let found = cache.get_shared::<User>(bench.fixture.key(index)).await;
            assert!(found.is_ok_and(|user| user.is_some()), "nothing was evicted");
        }
    }
    caches
}

fn shared(bench: &Bench<'_>, title: &'static str, caches: &[Cache; 3]) -> Times {
    race(bench, title, caches, async |cache, key| {
        let found = cache.get_shared::<User>(key).await;
        black_box(found.is_ok_and(|user| user.is_some_and(|user| user.id > 0)));
    })
}

fn decoded(bench: &Bench<'_>, title: &'static str, caches: &[Cache; 3]) -> Times {
    race(bench, title, caches, async |cache, key| {
        let found = cache.get::<User>(key).await;
        assert!(black_box(found).is_ok_and(|user| user.is_some()));
    })
}

fn presence(bench: &Bench<'_>, title: &'static str, caches: &[Cache; 3]) -> Times {
    race(bench, title, caches, async |cache, key| {
        black_box(cache.has(key).await.is_ok_and(|has| has));
    })
}

fn race(
    bench: &Bench<'_>,
    title: &'static str,
    caches: &[Cache; 3],
    read: impl AsyncFn(&Cache, &str) + Copy,
) -> Times {
    let fixture = bench.fixture;
    [UNTAGGED, ONE, TWO]
        .into_iter()
        .zip(caches)
        .fold(Race::new(title, bench.runtime), |race, (name, cache)| {
            race.with(name, move |order| async move {
                for index in order {
                    read(cache, fixture.key(*index)).await;
                }
            })
        })
        .run(fixture.order(), OPERATIONS, bench.effort)
}
