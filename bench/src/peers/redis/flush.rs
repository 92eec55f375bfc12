//! The flush of a tag, beside that of a set of keys.

use std::sync::Arc;
use std::time::Instant;

use super::contenders::{Contenders, Ours, OursTagged, SetIndex};
use super::peer::{Peer, Tagging};
use super::{Bench, Book};
use crate::record::{Better, Group, Unit};
use crate::spread::Spread;
use crate::table::Table;
use crate::turns;

const ID: &str = "redis-tag-flush";
const TITLE: &str = "flush of a tag, on a server";
const NOTE: &str = "\
    A tag is flushed that so many entries bear; that the first and the last of them are gone is checked. Storing them is \
    not timed, and the server is emptied between flushes. \
    `cache`: `flush` removes the version of the tag: one command, whatever number of entries. The entries themselves \
    stay in the server's memory until their TTL ends or they are stored anew, and are misses meanwhile. \
    `set index`: as most libraries have it, by hand with `fred`: SMEMBERS, UNLINK of a thousand members at a time, all \
    sent without waiting in between, and UNLINK of the set. The memory is given back; what is stored between the two \
    steps is missed; and the set grows with every entry that expires before a flush. \
    Not here: `cached` and `hitbox`, which have no tags; and `raw redis-rs`, by which the set would be the same.";

/// How many entries bear the tag. The last number takes its time, and only a measurement has it.
const MEMBERS: [(u32, &str); 5] = [
    (100, "100 members"),
    (1_000, "1,000 members"),
    (10_000, "10,000 members"),
    (100_000, "100,000 members"),
    (1_000_000, "1,000,000 members"),
];

/// How many are stored by one call.
const AT_ONCE: u32 = 1_000;

pub(crate) fn run(bench: &Bench, contenders: &Contenders, book: &mut Book<'_>) {
    book.records.group(Group {
        id: ID.to_owned(),
        title: TITLE.to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        note: NOTE.to_owned(),
    });
    println!("\n{TITLE}");
    let ours = Arc::new(OursTagged(Arc::clone(&contenders.ours)));
    let mut table = Table::new(["ms (p10–p90)", Ours::NAME, SetIndex::NAME]);
    for (members, case) in &MEMBERS[..bench.effort.pick(5, 4)] {
        let rounds = if *members == 1_000_000 { 3 } else { bench.effort.pick(9, 3) };
        let mut times = [Vec::new(), Vec::new()];
        // The first round is dropped.
        for round in 0..=rounds {
            for at in turns::order(2, round) {
                let took = match at {
                    0 => flush(bench, &ours, *members),
                    _ => flush(bench, &contenders.set_index, *members),
                };
                if round > 0 {
                    times[at].push(took);
                }
            }
        }
        for (name, times) in [Ours::NAME, SetIndex::NAME].into_iter().zip(&times) {
            book.records.add(ID, case, name, times.iter().copied());
        }
        let spreads = times.map(Spread::of);
        let mut row = vec![(*case).to_owned()];
        row.extend(spreads.iter().map(|spread| format!("{spread:.3}")));
        table.row(row);
    }
    table.print();
    bench.empty_server();
}

/// The milliseconds that a flush takes.
fn flush<P: Tagging>(bench: &Bench, peer: &Arc<P>, members: u32) -> f64 {
    bench.empty_server();
    bench.runtime.block_on(async {
        let user = &bench.users.all()[0];
        for start in (0..members).step_by(AT_ONCE as usize) {
            peer.put_under_tag(start..members.min(start + AT_ONCE), user).await;
        }
        let ends = [0, members - 1];
        for member in ends {
            assert!(peer.is_there(member).await, "{} has member {member}", P::NAME);
        }
        let started = Instant::now();
        peer.flush().await;
        let took = started.elapsed();
        for member in ends {
            assert!(!peer.is_there(member).await, "{} has flushed member {member}", P::NAME);
        }
        took.as_secs_f64() * 1e3
    })
}
