//! `put` of a value over another, with a lifetime given as text.

use std::hint::black_box;

use super::{Bench, OPERATIONS, read_clock};
use crate::fixture::User;
use crate::verdict::Findings;

const ALONE: &str = "encode + insert";
const WITH_CLOCK: &str = "encode + insert + clock";
const OURS: &str = "put";

pub(crate) fn run(bench: &Bench<'_>, findings: &mut Findings) {
    let raw = bench.raw(User::encode);
    let cache = bench.cache("1h", |user| user);
    let (raw, cache, fixture) = (&raw, &cache, bench.fixture);
    let times = bench
        .race("put over what is there, \"1h\"")
        .with(ALONE, move |order| async move {
            for index in order {
                let user = black_box(fixture.user(*index));
                raw.insert(fixture.key(*index).to_owned(), user.encode());
            }
        })
        .with(WITH_CLOCK, move |order| async move {
            for index in order {
                read_clock();
                let user = black_box(fixture.user(*index));
                raw.insert(fixture.key(*index).to_owned(), user.encode());
            }
        })
        .with(OURS, move |order| async move {
            for index in order {
                let user = black_box(fixture.user(*index));
                assert!(cache.put(fixture.key(*index), user, black_box("1h")).await.is_ok());
            }
        })
        .run(fixture.order(), OPERATIONS, bench.effort);
    times.print();
    times.compare(OURS, ALONE);
    times.compare_with_target(OURS, WITH_CLOCK, 1.25, findings);
}
