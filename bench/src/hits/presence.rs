//! `has`: whether a key is there.

use std::hint::black_box;

use super::{Bench, OPERATIONS, read_clock};
use crate::fixture::User;

const ALONE: &str = "contains_key";
const WITH_CLOCK: &str = "contains_key + clock";
const OURS: &str = "has";

pub(crate) fn run(bench: &Bench<'_>) {
    let raw = bench.raw(User::encode);
    let cache = bench.cache("1h", |user| user);
    let (raw, cache, fixture) = (&raw, &cache, bench.fixture);
    let times = bench
        .race("has, 1 h")
        .with(ALONE, move |order| async move {
            for index in order {
                black_box(raw.contains_key(fixture.key(*index)));
            }
        })
        .with(WITH_CLOCK, move |order| async move {
            for index in order {
                read_clock();
                black_box(raw.contains_key(fixture.key(*index)));
            }
        })
        .with(OURS, move |order| async move {
            for index in order {
                black_box(cache.has(fixture.key(*index)).await.is_ok_and(|has| has));
            }
        })
        .run(fixture.order(), OPERATIONS, bench.effort);
    times.print();
    times.compare(OURS, ALONE);
    times.compare(OURS, WITH_CLOCK);
}
