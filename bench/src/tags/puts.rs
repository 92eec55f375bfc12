//! `put` over what is there, without tags, under one and under two.

use std::hint::black_box;

use super::{Bench, OPERATIONS, cache};
use crate::race::Race;

const UNTAGGED: &str = "untagged";
const ONE: &str = "one tag";
const TWO: &str = "two tags";

pub(crate) fn run(bench: &Bench<'_>) {
    let (fixture, names) = (bench.fixture, &bench.names);
    let [untagged, one, two] = &[cache(), cache(), cache()];
    let times = Race::new("put under tags, \"1h\"", bench.runtime)
        .with(UNTAGGED, move |order| async move {
            for index in order {
                let user = black_box(fixture.user(*index));
                assert!(untagged.put(fixture.key(*index), user, "1h").await.is_ok());
            }
        })
        .with(ONE, move |order| async move {
            for index in order {
                let (user, tags) = (black_box(fixture.user(*index)), names.of(*index));
                assert!(one.writer(&tags).put(fixture.key(*index), user, "1h").await.is_ok());
            }
        })
        .with(TWO, move |order| async move {
            for index in order {
                let (user, tags) = (black_box(fixture.user(*index)), names.two_of(*index));
                assert!(two.writer(&tags).put(fixture.key(*index), user, "1h").await.is_ok());
            }
        })
        .run(fixture.order(), OPERATIONS, bench.effort);
    times.print();
    times.compare(ONE, UNTAGGED);
    times.compare(TWO, UNTAGGED);
}
