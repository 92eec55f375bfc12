//! How long single operations take, of two tasks on two threads.

use super::Bench;
use super::crew::{Crew, WORKERS};
use super::lineup::{
    CACHED, CACHET, CACHET_PROTECTED, CLOCKED, FOYER, Lineup, MINI_MOKA, MOKA_FOLDHASH,
    MOKA_FUTURE, MOKA_OWN_TTL, MOKA_SYNC, QUICK, SET_UP, Shared,
};
use super::throughput::{enter_all, spread, stalls};
use super::work::{TimedHits, TimedNothing, TimedPuts};
use crate::record::{Better, Group, OURS, Records, Unit};
use crate::table::Table;

/// The operations of a task in a round.
const HITS: usize = 50_000;
const PUTS: usize = 20_000;

const HOW: &str = "\
Two tasks on two threads time each of their operations by `std::time::Instant`, until \
the caller has what it asked for. What the clock takes by itself (the median of so many pairs of readings \
with nothing in between, in the same round) is subtracted; its own grain, and whatever else the machine \
does, is in the figures, above all in the rare ones. Percentiles are taken of each round; given is their \
median over the rounds.";

pub(super) fn hit(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let mut crew = Crew::new(bench, HITS);
    crew.enter_control(CLOCK, TimedNothing);
    enter_all!(crew, lineup, TimedHits);
    let what = "How long single shared hits take: see there.";
    report(&crew, group("latency-hit", "latency of a shared hit", what), records);
}

pub(super) fn put(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let mut crew = Crew::new(bench, PUTS).bringing_a_value_every(1);
    crew.enter_control(CLOCK, TimedNothing);
    enter_all!(crew, lineup, TimedPuts);
    let what = "How long single puts over what is there take: see there.";
    report(&crew, group("latency-put", "latency of a put", what), records);
}

/// Comes first, and is no contender.
const CLOCK: &str = "(the clock)";

/// The part of all operations that takes no longer, in ten thousandths.
const CASES: [(&str, usize); 3] = [("p50", 5_000), ("p99", 9_900), ("p99.9", 9_990)];

/// The percentiles of [`CASES`] and the longest, round by round.
#[derive(Default)]
struct Latencies([Vec<Option<f64>>; CASES.len() + 1]);

fn report(crew: &Crew<'_>, mut group: Group, records: &mut Records) {
    let latencies = measure(crew);
    // A round that stalled has none of the percentiles.
    let rounds = latencies.iter().map(|Latencies([first, ..])| first);
    group.note += &stalls(crew.names().zip(rounds));
    println!("\n{}: nanoseconds, less what the clock takes (p10–p90 over the rounds)", group.title);
    let mut table = Table::new(["", "p50", "p99", "p99.9", "longest of all"]);
    let id = group.id.clone();
    records.group(group);
    for (name, Latencies(rounds)) in crew.names().zip(&latencies) {
        let [.., longest] = rounds;
        let longest = longest.iter().flatten().copied().fold(0.0, f64::max);
        let cells = rounds[..CASES.len()].iter().map(|rounds| match spread(rounds) {
            Some(spread) => format!("{spread:.0}"),
            None => "stalled".to_owned(),
        });
        let row = std::iter::once(name.to_owned()).chain(cells);
        table.row(row.chain([format!("{longest:.0}")]));
    }
    table.print();
    for (at, (case, _)) in CASES.into_iter().enumerate() {
        for (name, Latencies(rounds)) in crew.names().zip(&latencies).skip(1) {
            records.add(&id, case, name, rounds[at].iter().copied());
        }
    }
}

fn measure(crew: &Crew<'_>) -> Vec<Latencies> {
    let mut latencies: Vec<_> = crew.names().map(|_| Latencies::default()).collect();
    for round in 0..=crew.rounds() {
        let shifts = crew.round(round, WORKERS);
        if round == 0 {
            continue;
        }
        // The clock is the first of the lanes; its own figures are shown as they are.
        let mut of_the_clock = None;
        for (shift, Latencies(rounds)) in shifts.into_iter().zip(&mut latencies) {
            if shift.stalled {
                for rounds in rounds {
                    rounds.push(None);
                }
                continue;
            }
            let mut sorted = shift.samples;
            sorted.sort_unstable();
            let percentile = |part: usize| sorted[(sorted.len() - 1) * part / 10_000];
            let parts = CASES.map(|(_, part)| part).into_iter().chain([10_000]);
            for (rounds, part) in rounds.iter_mut().zip(parts) {
                rounds.push(Some(f64::from(
                    percentile(part).saturating_sub(of_the_clock.unwrap_or(0)),
                )));
            }
            of_the_clock.get_or_insert_with(|| percentile(5_000));
        }
    }
    latencies
}

fn group(id: &str, title: &str, what: &str) -> Group {
    Group {
        id: format!("memory-{id}"),
        title: title.to_owned(),
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        note: format!("{what} {HOW} {SET_UP}"),
    }
}
