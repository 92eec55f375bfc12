//! What two threads do of what one does.

use std::sync::Arc;

use super::super::Bench;
use super::super::contender::Quick;
use super::super::crew::{Crew, Shift, WORKERS};
use super::super::lineup::{Lineup, QUICK, Shared, filled};
use super::super::work::Hits;
use super::READS;
use crate::fixture::{CAPACITY, User};
use crate::record::{Better, Group, OURS, Records, Unit};
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

/// What two threads should do of what one does.
const TARGET: f64 = 1.8;
/// So many times the rounds of others: there are fewer contenders.
const MORE_ROUNDS: usize = 4;
const ONE_EACH: &str = "raw quick_cache, one each";
const CASE: &str = "two threads against one";

const NOTE: &str = "\
Shared hits as above, of two tasks on two threads against those of one, round by round: how many times as many \
operations a second, until the slower task has ended. In every other round the two come first, and no part of the order \
is read twice in a round. \"One each\" is two tables, one for each task: they share nothing but the machine, and \
take twice the room in its caches. Where a host puts both processors on one core, nobody does twice as much.";

pub(in super::super) fn scaling(
    bench: &Bench,
    lineup: &Lineup<Shared>,
    records: &mut Records,
    findings: &mut Findings,
) {
    let table = || bench.runtime.block_on(filled(Quick::<Arc<User>>::new(CAPACITY), &bench.ground));
    let one_each: [_; WORKERS] = std::array::from_fn(|_| table());
    let mut crew = Crew::new(bench, READS);
    crew.enter_each(ONE_EACH, &one_each, Hits);
    crew.enter(QUICK, &lineup.quick, Hits);
    crew.enter(OURS, &lineup.ours, Hits);
    let mut scalings: Vec<(_, Vec<Option<f64>>)> =
        crew.names().map(|name| (name, Vec::new())).collect();
    for round in 0..=crew.rounds() * MORE_ROUNDS {
        // Other parts of the order for the one than for the two: what was just read is in the processor's caches.
        let one = || crew.round(2 * round, 1);
        let two = || crew.round(2 * round + 1, WORKERS);
        let (one, two) = if round % 2 == 0 {
            (one(), two())
        } else {
            let two = two();
            (one(), two)
        };
        for (at, (_, scaling)) in scalings.iter_mut().enumerate() {
            if round > 0 {
                scaling.push(against(&one[at], &two[at]));
            }
        }
    }
    report(scalings, records, findings);
}

/// Two tasks do twice as much. Nothing where one of them stalled.
fn against(one: &Shift, two: &Shift) -> Option<f64> {
    let took = |shift: &Shift| shift.took.as_secs_f64();
    (!one.stalled && !two.stalled).then(|| 2.0 * took(one) / took(two))
}

fn report(scalings: Vec<(&str, Vec<Option<f64>>)>, records: &mut Records, findings: &mut Findings) {
    let group = Group {
        id: "memory-scaling".to_owned(),
        title: "a second thread".to_owned(),
        unit: Unit::Count,
        better: Better::Higher,
        note: NOTE.to_owned(),
    };
    println!("\n{}: {CASE} (p10–p90)", group.title);
    let id = group.id.clone();
    records.group(group);
    let mut table = Table::new(["", "times as much"]);
    for (name, rounds) in scalings {
        let spread = Spread::of(rounds.iter().flatten().copied());
        table.row([name.to_owned(), format!("{spread:.2}")]);
        records.add(&id, CASE, name, rounds);
        if name == OURS {
            findings.target(
                "peers-memory: a shared hit on two threads",
                format!("≥ {TARGET:.2} × one"),
                format!("{spread:.2}"),
                Verdict::of(spread.median >= TARGET),
            );
        }
    }
    table.print();
}
