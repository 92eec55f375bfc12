//! Counters: `get` of an integer, and `increment`.

use std::hint::black_box;

use quick_cache::sync::EntryAction;

use super::{Bench, OPERATIONS, read_clock};

const GET_RAW: &str = "quick_cache of i64 + clock";
const GET: &str = "get::<i64>";
const ENTRY_RAW: &str = "quick_cache entry + clock";
const INCREMENT: &str = "increment";

pub(crate) fn run(bench: &Bench<'_>) {
    let raw = bench.raw(|_| 0_i64);
    let cache = bench.cache("1h", |_| 0_i64);
    let (raw, cache, fixture) = (&raw, &cache, bench.fixture);
    let times = bench
        .race("counters, 1 h")
        .with(GET_RAW, move |order| async move {
            for index in order {
                read_clock();
                black_box(raw.get(fixture.key(*index)));
            }
        })
        .with(GET, move |order| async move {
            for index in order {
                black_box(cache.get::<i64>(fixture.key(*index)).await.ok());
            }
        })
        .with(ENTRY_RAW, move |order| async move {
            for index in order {
                read_clock();
                black_box(raw.entry(fixture.key(*index), None, |_, count| {
                    *count += 1;
                    EntryAction::Retain(*count)
                }));
            }
        })
        .with(INCREMENT, move |order| async move {
            for index in order {
                assert!(black_box(cache.increment(fixture.key(*index)).await).is_ok());
            }
        })
        .run(fixture.order(), OPERATIONS, bench.effort);
    times.print();
    times.compare(GET, GET_RAW);
    times.compare(INCREMENT, ENTRY_RAW);
}
