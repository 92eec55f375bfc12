//! `get` and `remember` of a hit: an owned value, decoded from its bytes.

use std::hint::black_box;

use cache_memory::Error;

use super::{Bench, OPERATIONS, read_clock};
use crate::fixture::User;
use crate::verdict::Findings;

const ALONE: &str = "quick_cache + decode";
const WITH_CLOCK: &str = "quick_cache + decode + clock";
const GET: &str = "get";
const REMEMBER: &str = "remember";

pub(crate) fn run(bench: &Bench<'_>, findings: &mut Findings) {
    let raw = bench.raw(User::encode);
    let cache = bench.cache("1h", |user| user);
    let (raw, cache, fixture) = (&raw, &cache, bench.fixture);
    let times = bench
        .race("get, 1 h")
        .with(ALONE, move |order| async move {
            for index in order {
                black_box(raw.get(fixture.key(*index)).map(|bytes| User::decode(&bytes)));
            }
        })
        .with(WITH_CLOCK, move |order| async move {
            for index in order {
                read_clock();
                black_box(raw.get(fixture.key(*index)).map(|bytes| User::decode(&bytes)));
            }
        })
        .with(GET, move |order| async move {
            for index in order {
                let found = cache.get::<User>(fixture.key(*index)).await;
                assert!(black_box(found).is_ok_and(|user| user.is_some()));
            }
        })
        .with(REMEMBER, move |order| async move {
            for index in order {
                let load = async || -> Result<User, Error> { panic!("every key is there") };
                let found = cache.remember(fixture.key(*index), "1h", load).await;
                assert!(black_box(found).is_ok());
            }
        })
        .run(fixture.order(), OPERATIONS, bench.effort);
    times.print();
    times.compare(GET, ALONE);
    times.compare_with_target(GET, WITH_CLOCK, 1.1, findings);
    times.compare_with_target(REMEMBER, GET, 1.1, findings);
}
