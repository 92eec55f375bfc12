//! Section "ttl": reading a lifetime from text, as every `put` with a text does.

use std::hint::black_box;

use cache_memory::IntoTtl;

use crate::args::Effort;
use crate::fixture::Fixture;
use crate::race::{Race, runtime};
use crate::verdict::{Findings, Verdict};

/// The compact forms, which take no longer than this many nanoseconds.
const COMPACT: [&str; 3] = ["30s", "30m", "1h30m"];
const AT_MOST: f64 = 20.0;
/// Comes without a target: it is read by another crate.
const LONG: &str = "1 hour 30 minutes";

const OPERATIONS: u32 = 20_000;

pub(crate) fn run(fixture: &Fixture, effort: Effort, findings: &mut Findings) {
    let runtime = runtime();
    let mut race = Race::new("a TTL from text", &runtime);
    for text in COMPACT.into_iter().chain([LONG]) {
        race = race.with(text, move |order| async move {
            for _ in order {
                assert!(black_box(black_box(text).into_ttl()).is_ok());
            }
        });
    }
    let times = race.run(fixture.order(), OPERATIONS, effort);
    times.print();
    for text in COMPACT {
        let spread = times.spread(text);
        let what = format!("a TTL from text: {text:?}");
        let target = format!("< {AT_MOST} ns");
        let verdict = Verdict::of(spread.median < AT_MOST);
        findings.target(&what, target, format!("{spread:.1}"), verdict);
    }
}
