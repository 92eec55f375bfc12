//! A group of figures: measured at several numbers of tasks in flight, written down, printed, held against targets.

use super::contest::{Contest, Load, Score, traffic};
use super::{Bench, Book, HOW};
use crate::record::{Better, Group, OURS, Unit};
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::Verdict;

/// What is measured of a group.
pub(crate) struct Plan {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) note: &'static str,
    pub(crate) loads: &'static [Load],
}

/// With one in flight, with many, and with more than that. The operations are those of a round of a measurement. A look
/// has a part of them, and so has each of the rounds of one in flight, which are more.
pub(crate) const ONE_AND_MANY: [Load; 3] = [
    Load { tasks: 1, operations: 4_000 },
    Load { tasks: 64, operations: 25_000 },
    Load { tasks: 512, operations: 50_000 },
];

/// And with a few.
pub(crate) const ANY_NUMBER: [Load; 5] = {
    let [one, many, more] = ONE_AND_MANY;
    let few = Load { tasks: 4, operations: 10_000 };
    let several = Load { tasks: 16, operations: 20_000 };
    [one, few, several, many, more]
};

/// What came of a group: the scores in each of its cases.
pub(crate) struct Standings {
    title: &'static str,
    cases: Vec<(String, Vec<Score>)>,
}

impl Plan {
    pub(crate) fn run(&self, bench: &Bench, contest: &Contest, book: &mut Book<'_>) -> Standings {
        let cases = self.loads.iter().map(|&Load { tasks, operations }| {
            let operations = bench.effort.pick(operations, operations / 3).max(tasks);
            // So that each task has as many.
            let load = Load { tasks, operations: operations / tasks * tasks };
            (format!("{tasks} in flight"), contest.run(bench, load))
        });
        let standings = Standings { title: self.title, cases: cases.collect() };
        let traffic =
            traffic(standings.cases.iter().map(|(case, scores)| (case.as_str(), &scores[..])));
        book.records.group(Group {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            unit: Unit::PerSecond,
            better: Better::Higher,
            note: format!("{} {HOW} {traffic}", self.note),
        });
        for (case, scores) in &standings.cases {
            for score in scores {
                book.records.add(self.id, case, score.name, score.rates.iter().copied());
            }
        }
        standings.print();
        standings
    }
}

impl Standings {
    fn print(&self) {
        println!(
            "\n{}: operations a second (p10–p90); commands and reads of the server for one",
            self.title
        );
        for (case, scores) in &self.cases {
            let mut table = Table::new([case, "a second", "commands", "reads"]);
            for score in scores {
                table.row([
                    score.name.to_owned(),
                    format!("{:.0}", score.spread()),
                    format!("{:.2}", score.traffic.commands),
                    format!("{:.2}", score.traffic.reads),
                ]);
            }
            table.print();
        }
    }

    /// That ours reaches a part of what another does, in each case.
    pub(crate) fn target(&self, other: &str, at_least: f64, book: &mut Book<'_>) {
        for (case, scores) in &self.cases {
            let ratio = ratio(scores, other);
            book.findings.target(
                &format!("{}, {case}", self.title),
                format!("≥ {at_least:.2} × {other}"),
                format!("{ratio:.2}"),
                Verdict::of(ratio.median >= at_least),
            );
        }
    }

    /// That ours is ahead of some others in every case. What is said is where it is ahead the least.
    pub(crate) fn ahead_of(&self, others: &[&str], book: &mut Book<'_>) {
        let ratios = self.cases.iter().flat_map(|(case, scores)| {
            others.iter().map(move |other| (ratio(scores, other), case, other))
        });
        let least = ratios.min_by(|(one, ..), (other, ..)| one.median.total_cmp(&other.median));
        let Some((ratio, case, other)) = least else { return };
        book.findings.target(
            self.title,
            format!("ahead of {}", others.join(" and ")),
            format!("{ratio:.2} × {other}, {case}"),
            Verdict::of(ratio.median > 1.0),
        );
    }
}

impl Score {
    fn spread(&self) -> Spread {
        Spread::of(self.rates.iter().copied())
    }
}

/// Of ours to another's, round by round.
fn ratio(scores: &[Score], other: &str) -> Spread {
    let rates = |name: &str| match scores.iter().find(|score| score.name == name) {
        Some(score) => score.rates.iter(),
        None => panic!("no contender is called {name:?}"),
    };
    Spread::of(rates(OURS).zip(rates(other)).map(|(ours, theirs)| ours / theirs))
}
