//! Many want one lock at once and hold it for 10 ms each, in one process and each in a process of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::lockers::{Locker, Ours, Rslock};
use crate::peers::redis::traffic::Meter;
use crate::peers::redis::{Bench, Book};
use crate::record::{Better, Group, Unit};
use crate::spread::Spread;
use crate::table::Table;
use crate::turns;
use crate::verdict::Verdict;

const TIMES: &str = "redis-lock-waiters";
const TITLE: &str = "a lock on a server that many want, until all have had it";
const COMMANDS: &str = "redis-lock-commands";
const TITLE_OF_COMMANDS: &str = "commands that the server executes until all have had a lock";
const NOTE: &str = "\
    All want one lock at once, and each holds it for 10 ms: less than that times their number is not possible. That \
    never two are inside is checked. `in one process`: all have one client; `a process each`: each has a client of its \
    own, and knows of the others by the server alone. They are connected before the time is taken. \
    `cache`: `lock(…).wait(…)`, `acquire` and `release`. Who waits is told by the server, one at a time and in the \
    order in which they came, within a process and between them. The lock renews itself meanwhile. \
    `rslock`: `acquire` and `release` of a `LockManager` for one server, with the retries that it comes with: thrice \
    with a pause of up to 200 ms by chance, and that over and over. No order, no renewal. \
    Not here: SET NX PX by hand, which has no way of waiting; `cached` and `hitbox`, which have no locks.";
const NOTE_OF_COMMANDS: &str = "\
    In the same runs. Commands within scripts are counted like those outside. Each time that `rslock` does not get the \
    lock, it also runs the script that would give it back.";

const HELD: Duration = Duration::from_millis(10);

pub(crate) fn run(bench: &Bench, book: &mut Book<'_>) {
    for (id, title, unit, note) in [
        (TIMES, TITLE, Unit::Milliseconds, NOTE),
        (COMMANDS, TITLE_OF_COMMANDS, Unit::Count, NOTE_OF_COMMANDS),
    ] {
        let [id, title, note] = [id, title, note].map(str::to_owned);
        book.records.group(Group { id, title, unit, better: Better::Lower, note });
    }
    println!("\n{TITLE}");
    for waiters in [16, 200] {
        for (place, clients) in [("in one process", 1), ("a process each", waiters)] {
            case(bench, book, &format!("{waiters} waiters, {place}"), waiters, clients);
        }
    }
}

fn case(bench: &Bench, book: &mut Book<'_>, case: &str, waiters: usize, clients: usize) {
    let ours = connect::<Ours>(bench, clients);
    let theirs = connect::<Rslock>(bench, clients);
    let mut queues = [Vec::new(), Vec::new()];
    let rounds = if waiters > 100 { bench.effort.pick(5, 1) } else { bench.effort.pick(10, 4) };
    // The first round is dropped.
    for round in 0..=rounds {
        for at in turns::order(2, round) {
            let meter = Meter::start(&bench.server);
            let took = bench.runtime.block_on(async {
                if at == 0 { all(&ours, waiters).await } else { all(&theirs, waiters).await }
            });
            if round > 0 {
                queues[at].push((took, meter.total().commands));
            }
        }
    }
    let mut table = Table::new([case, "ms (p10–p90)", "commands"]);
    let mut medians = Vec::new();
    for (name, queue) in [Ours::NAME, Rslock::NAME].into_iter().zip(queues) {
        let (times, commands): (Vec<_>, Vec<_>) = queue.into_iter().unzip();
        book.records.add(TIMES, case, name, times.iter().copied());
        book.records.add(COMMANDS, case, name, commands.iter().copied());
        let [times, commands] = [times, commands].map(Spread::of);
        table.row([name.to_owned(), format!("{times:.0}"), format!("{commands:.0}")]);
        medians.push(times.median);
    }
    table.print();
    let ratio = medians[0] / medians[1];
    book.findings.target(
        &format!("locks, {case}"),
        format!("before {}", Rslock::NAME),
        format!("{ratio:.2} × its time"),
        Verdict::of(ratio < 1.0),
    );
}

/// Clients that have had the lock once: everything is connected.
fn connect<L: Locker>(bench: &Bench, clients: usize) -> Vec<Arc<L>> {
    let url = bench.server.url();
    bench.runtime.block_on(async {
        let mut connected = Vec::with_capacity(clients);
        for _ in 0..clients {
            let client = L::connect(&url).await;
            client.under_lock(std::future::ready(())).await;
            connected.push(Arc::new(client));
        }
        connected
    })
}

/// The milliseconds until the last one is done.
async fn all<L: Locker>(clients: &[Arc<L>], waiters: usize) -> f64 {
    let is_held = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let waiting: Vec<_> = (0..waiters)
        .map(|number| {
            let client = Arc::clone(&clients[number % clients.len()]);
            let is_held = Arc::clone(&is_held);
            tokio::spawn(async move { client.under_lock(hold(&is_held)).await })
        })
        .collect();
    for waiter in waiting {
        if let Err(error) = waiter.await {
            panic!("everybody gets the lock: {error}");
        }
    }
    started.elapsed().as_secs_f64() * 1e3
}

async fn hold(is_held: &AtomicBool) {
    assert!(!is_held.swap(true, Ordering::SeqCst), "one holds it at a time");
    // A timer of tokio's would be late by a millisecond.
    let held = tokio::task::spawn_blocking(|| std::thread::sleep(HELD));
    assert!(held.await.is_ok());
    is_held.store(false, Ordering::SeqCst);
}
