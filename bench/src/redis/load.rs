//! So many tasks at once, each with one operation after another.

use std::sync::Arc;
use std::time::Instant;

use crate::args::Effort;
use crate::awake::{Awake, MORE_ROUNDS};
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

/// Operations a second, round by round, of two contenders that take turns.
pub(crate) struct Rates {
    ours: Vec<f64>,
    raw: Vec<f64>,
}

/// Runs `operations` of each contender in each round, shared by `tasks`; of a single task a part of them, in more
/// rounds. The first round is dropped.
pub(crate) async fn rounds<O, R>(
    tasks: u32,
    operations: u32,
    effort: Effort,
    ours: impl Fn(u32) -> O + Send + Sync + 'static,
    raw: impl Fn(u32) -> R + Send + Sync + 'static,
) -> Rates
where
    O: Future<Output = ()> + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let (ours, raw) = (Arc::new(ours), Arc::new(raw));
    let mut rates = Rates { ours: Vec::new(), raw: Vec::new() };
    let (_awake, more) = match tasks {
        1 => (Some(Awake::keep_beside_a_server().await), MORE_ROUNDS),
        _ => (None, 1),
    };
    let operations = operations / more;
    for round in 0..=effort.pick(25, 5) * more {
        let (mut of_ours, mut of_raw) = (0.0, 0.0);
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                of_ours = rate(tasks, operations, &ours).await;
            } else {
                of_raw = rate(tasks, operations, &raw).await;
            }
        }
        if round > 0 {
            rates.ours.push(of_ours);
            rates.raw.push(of_raw);
        }
    }
    rates
}

async fn rate<F>(
    tasks: u32,
    operations: u32,
    operation: &Arc<impl Fn(u32) -> F + Send + Sync + 'static>,
) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let each = operations / tasks;
    let started = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let operation = Arc::clone(operation);
            tokio::spawn(async move {
                for number in 0..each {
                    // Far apart, so that no two tasks go along together.
                    operation((task * each + number).wrapping_mul(7_919)).await;
                }
            })
        })
        .collect();
    for task in running {
        if let Err(error) = task.await {
            panic!("an operation succeeds: {error}");
        }
    }
    f64::from(each * tasks) / started.elapsed().as_secs_f64()
}

impl Rates {
    /// Prints both, and how much of the raw contender's throughput ours has.
    pub(crate) fn report(
        &self,
        title: &str,
        names: [&str; 2],
        at_least: f64,
        findings: &mut Findings,
    ) {
        println!("\n{title}");
        let mut table = Table::new(["", "a second (p10–p90)"]);
        for (name, rates) in names.iter().zip([&self.raw, &self.ours]) {
            let spread = Spread::of(rates.iter().copied());
            table.row([(*name).to_owned(), format!("{spread:.0}")]);
        }
        table.print();
        let ratio = Spread::of(self.ours.iter().zip(&self.raw).map(|(ours, raw)| ours / raw));
        println!("  {} / {}: {ratio:.2}", names[1], names[0]);
        let verdict = Verdict::of(ratio.median >= at_least);
        findings.target(
            title,
            format!("≥ {at_least:.2} × {}", names[0]),
            format!("{ratio:.2}"),
            verdict,
        );
    }
}
