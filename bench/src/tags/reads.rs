//! `get_shared`, `get` and `has` of what is there, without tags, under one and under two.

use std::hint::black_box;

use cache_memory::{Cache, Ttl};

use super::{Bench, OPERATIONS};
use crate::fixture::User;
use crate::race::{Race, Times};
use crate::verdict::Findings;

const UNTAGGED: &str = "untagged";
const ONE: &str = "one tag";
const TWO: &str = "two tags";
const AT_MOST: f64 = 1.3;

pub(crate) fn run(bench: &Bench<'_>, findings: &mut Findings) {
    for (name, ttl) in [("1 h", Ttl::hours(1)), ("for ever", Ttl::FOREVER)] {
        let caches = bench.runtime.block_on(filled(bench, ttl));
        let race = |title: String| Race::new(title.leak(), bench.runtime);
        judge(&shared(bench, race(format!("get_shared, {name}")), &caches), findings);
        judge(&decoded(bench, race(format!("get, {name}")), &caches), findings);
        judge(&presence(bench, race(format!("has, {name}")), &caches), findings);
    }
}

fn judge(times: &Times, findings: &mut Findings) {
    times.print();
    times.compare_with_target(ONE, UNTAGGED, AT_MOST, findings);
    times.compare_with_target(TWO, UNTAGGED, AT_MOST, findings);
}

/// Every key in each of them, its object kept.
async fn filled(bench: &Bench<'_>, ttl: Ttl) -> [Cache; 3] {
    let caches = [bench.cache(), bench.cache(), bench.cache()];
    for index in bench.indices() {
        let (key, user) = (bench.fixture.key(index), bench.fixture.user(index));
        let [untagged, one, two] = &caches;
        assert!(untagged.put(key, user, ttl).await.is_ok());
        assert!(one.writer(&bench.names.of(index)).put(key, user, ttl).await.is_ok());
        assert!(two.writer(&bench.names.two_of(index)).put(key, user, ttl).await.is_ok());
    }
    for index in bench.indices() {
        for cache in &caches {
            let found = cache.get_shared::<User>(bench.fixture.key(index)).await;
            assert!(found.is_ok_and(|user| user.is_some()), "nothing was evicted");
        }
    }
    caches
}

fn shared<'a>(bench: &'a Bench<'_>, race: Race<'a>, caches: &'a [Cache; 3]) -> Times {
    let fixture = bench.fixture;
    [UNTAGGED, ONE, TWO]
        .into_iter()
        .zip(caches)
        .fold(race, |race, (name, cache)| {
            race.with(name, move |order| async move {
                for index in order {
                    let found = cache.get_shared::<User>(fixture.key(*index)).await;
                    black_box(found.is_ok_and(|user| user.is_some_and(|user| user.id > 0)));
                }
            })
        })
        .run(fixture.order(), OPERATIONS, bench.effort)
}

fn decoded<'a>(bench: &'a Bench<'_>, race: Race<'a>, caches: &'a [Cache; 3]) -> Times {
    let fixture = bench.fixture;
    [UNTAGGED, ONE, TWO]
        .into_iter()
        .zip(caches)
        .fold(race, |race, (name, cache)| {
            race.with(name, move |order| async move {
                for index in order {
                    let found = cache.get::<User>(fixture.key(*index)).await;
                    assert!(black_box(found).is_ok_and(|user| user.is_some()));
                }
            })
        })
        .run(fixture.order(), OPERATIONS, bench.effort)
}

fn presence<'a>(bench: &'a Bench<'_>, race: Race<'a>, caches: &'a [Cache; 3]) -> Times {
    let fixture = bench.fixture;
    [UNTAGGED, ONE, TWO]
        .into_iter()
        .zip(caches)
        .fold(race, |race, (name, cache)| {
            race.with(name, move |order| async move {
                for index in order {
                    black_box(cache.has(fixture.key(*index)).await.is_ok_and(|has| has));
                }
            })
        })
        .run(fixture.order(), OPERATIONS, bench.effort)
}
