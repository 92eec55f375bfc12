//! A lock that nobody else wants, taken and given back.

use std::future::ready;

use super::lockers::{ByHand, Locker, Ours, Rslock};
use crate::peers::redis::contest::{Contest, Load, Work, traffic};
use crate::peers::redis::{Bench, Book, HOW};
use crate::record::{Better, Group, Unit};
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::Verdict;

const ID: &str = "redis-lock";
const TITLE: &str = "a lock on a server, taken and given back";
const CASE: &str = "nobody else wants it";
const NOTE: &str = "\
    One task takes a lock for 30 s and gives it back, over and over; nobody else wants it. Each compares the owner when \
    it gives the lock back. \
    `cache`: `acquire` and `release`, a script each: the lock has a fencing token, renews itself while it is held, and \
    tells those who wait when it is free. \
    `rslock`: `acquire` and `release` of a `LockManager` for one server: SET NX PX and a script; no token, no renewal, \
    nobody is told. \
    `raw SET NX PX + script`: the same by hand with `fred`, by an owner that is always the same. \
    Not here: `raw redis-rs`, which would do the same by hand and is what `rslock` is built on; `cached` and `hitbox`, \
    which have no locks.";

struct TakesAndGivesBack<L>(L);

impl<L: Locker> Work for TakesAndGivesBack<L> {
    async fn once(&self, _: u32) {
        self.0.under_lock(ready(())).await;
    }
}

pub(crate) fn run(bench: &Bench, book: &mut Book<'_>) {
    let contest = Contest::default()
        .with(Ours::NAME, work::<Ours>(bench))
        .with(Rslock::NAME, work::<Rslock>(bench))
        .with(ByHand::NAME, work::<ByHand>(bench));
    let load = Load { tasks: 1, operations: bench.effort.pick(2_000, 600) };
    let scores = contest.run(bench, load);
    book.records.group(Group {
        id: ID.to_owned(),
        title: TITLE.to_owned(),
        unit: Unit::Microseconds,
        better: Better::Lower,
        note: format!("{NOTE} {HOW} {}", traffic([(CASE, &scores[..])])),
    });
    println!("\n{TITLE}");
    let mut table = Table::new([CASE, "µs (p10–p90)", "commands", "reads"]);
    for score in &scores {
        let times: Vec<_> = score.rates.iter().map(|rate| 1e6 / rate).collect();
        let spread = Spread::of(times.iter().copied());
        book.records.add(ID, CASE, score.name, times);
        table.row([
            score.name.to_owned(),
            format!("{spread:.0}"),
            format!("{:.2}", score.traffic.commands),
            format!("{:.2}", score.traffic.reads),
        ]);
    }
    table.print();
    let ratio = Spread::of(
        scores[0].rates.iter().zip(&scores[1].rates).map(|(ours, theirs)| ours / theirs),
    );
    book.findings.target(
        TITLE,
        format!("ahead of {}", Rslock::NAME),
        format!("{ratio:.2} × {}", Rslock::NAME),
        Verdict::of(ratio.median > 1.0),
    );
}

fn work<L: Locker>(bench: &Bench) -> TakesAndGivesBack<L> {
    TakesAndGivesBack(bench.runtime.block_on(L::connect(&bench.server.url())))
}
