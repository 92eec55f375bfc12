//! `get_shared`: a hit that decodes nothing, beside a look-up of an `Arc`.

use std::hint::black_box;
use std::sync::Arc;

use cache_memory::{Cache, IntoTtl, Ttl};

use super::{Bench, OPERATIONS, read_clock};
use crate::fixture::User;
use crate::race::Times;
use crate::verdict::Findings;

const ALONE: &str = "quick_cache";
const WITH_CLOCK: &str = "quick_cache + clock";
const OURS: &str = "get_shared";
const ALONE_IN_TURN: &str = "quick_cache, in turn";
const OURS_IN_TURN: &str = "get_shared, in turn";

/// Entries that end: a clock must be read for each hit.
pub(crate) fn run(bench: &Bench<'_>, findings: &mut Findings) {
    let times = race(bench, "get_shared, 1 h", "1h");
    times.compare(OURS, ALONE);
    times.compare_with_target(OURS, WITH_CLOCK, 1.15, findings);
}

/// Entries that never end: there is no clock to read.
///
/// Tokio's clock is read in order, and so keeps the processor from beginning the next look-up before the last
/// one has ended. Without it the shorter of two loops overlaps more of them; the contenders "in turn",
/// whose next key depends on what they have found, overlap none.
pub(crate) fn run_forever(bench: &Bench<'_>, findings: &mut Findings) {
    let times = race(bench, "get_shared, for ever", Ttl::FOREVER);
    times.compare_with_target(OURS, ALONE, 1.2, findings);
    times.compare(OURS_IN_TURN, ALONE_IN_TURN);
}

fn race(bench: &Bench<'_>, title: &'static str, ttl: impl IntoTtl + Copy) -> Times {
    let raw = bench.raw(|user| Arc::new(user.clone()));
    let cache = bench.cache(ttl, |user| user);
    bench.runtime.block_on(keep_every_object(bench, &cache));
    let (raw, cache, fixture) = (&raw, &cache, bench.fixture);
    let times = bench
        .race(title)
        .with(ALONE, move |order| async move {
            for index in order {
                black_box(raw.get(fixture.key(*index)).map(|user| user.id));
            }
        })
        .with(WITH_CLOCK, move |order| async move {
            for index in order {
                read_clock();
                black_box(raw.get(fixture.key(*index)).map(|user| user.id));
            }
        })
        .with(OURS, move |order| async move {
            for index in order {
                let found = cache.get_shared::<User>(fixture.key(*index)).await;
                black_box(found.is_ok_and(|user| user.is_some_and(|user| user.id > 0)));
            }
        })
        .with(ALONE_IN_TURN, move |order| async move {
            let (nothing, mut last) = (black_box(0), 0);
            for index in order {
                let found = raw.get(fixture.key(*index + last));
                last = u32::from(found.is_some_and(|user| user.id == nothing));
            }
        })
        .with(OURS_IN_TURN, move |order| async move {
            let (nothing, mut last) = (black_box(0), 0);
            for index in order {
                let found = cache.get_shared::<User>(fixture.key(*index + last)).await;
                let found = found.ok().flatten();
                last = u32::from(found.is_some_and(|user| user.id == nothing));
            }
        })
        .run(fixture.order(), OPERATIONS, bench.effort);
    times.print();
    times
}

/// The first read of an entry decodes it; what is measured are those after it.
async fn keep_every_object(bench: &Bench<'_>, cache: &Cache) {
    for (key, user) in bench.fixture.entries() {
        match cache.get_shared::<User>(key).await {
            Ok(Some(found)) => assert_eq!(*found, *user),
            failure => panic!("every key is there: {failure:?}"),
        }
    }
}
