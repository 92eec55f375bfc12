//! Contenders that do the same work in turn: so many tasks at once, each with one operation after another.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use super::Bench;
use super::traffic::{Meter, Traffic};
use crate::awake::{Awake, MORE_ROUNDS};
use crate::turns;

/// What is measured of a contender.
pub(crate) trait Work: Send + Sync + 'static {
    /// One operation. What it does must not depend on who else is at work.
    fn once(&self, number: u32) -> impl Future<Output = ()> + Send;
}

/// How much is done in a round.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) tasks: u32,
    /// Shared by the tasks.
    pub(crate) operations: u32,
}

#[derive(Default)]
pub(crate) struct Contest {
    contenders: Vec<Contender>,
}

struct Contender {
    name: &'static str,
    round: Box<dyn Fn(Load) -> Round>,
}

/// Operations a second.
type Round = Pin<Box<dyn Future<Output = f64>>>;

/// What one contender has reached.
pub(crate) struct Score {
    pub(crate) name: &'static str,
    /// Operations a second, round by round.
    pub(crate) rates: Vec<f64>,
    /// Of one operation.
    pub(crate) traffic: Traffic,
}

impl Contest {
    /// Adds a contender. The work is shared by the tasks of a round, and so is whatever it is connected by.
    pub(crate) fn with(mut self, name: &'static str, work: impl Work) -> Self {
        let work = Arc::new(work);
        let round = Box::new(move |load| -> Round { Box::pin(rate(load, Arc::clone(&work))) });
        self.contenders.push(Contender { name, round });
        self
    }

    /// Runs all rounds. The first one is dropped; in it the server counts what it is sent. Each round has
    /// another order. A single task has more rounds, of which each but the first is a part.
    pub(crate) fn run(&self, bench: &Bench, mut load: Load) -> Vec<Score> {
        let mut scores: Vec<_> = self.contenders.iter().map(Score::new).collect();
        let (_awake, more) = match load.tasks {
            1 => (Some(bench.runtime.block_on(Awake::keep_beside_a_server())), MORE_ROUNDS),
            _ => (None, 1),
        };
        for round in 0..=bench.effort.pick(12, 4) * more as usize {
            if round == 1 {
                load.operations /= more;
            }
            for at in turns::order(self.contenders.len(), round) {
                let meter = (round == 0).then(|| Meter::start(&bench.server));
                let reached = bench.runtime.block_on((self.contenders[at].round)(load));
                match meter {
                    Some(meter) => scores[at].traffic = meter.per(load.operations),
                    None => scores[at].rates.push(reached),
                }
            }
        }
        scores
    }
}

/// A sentence for a note: what the server did for one operation of each, in each case.
pub(crate) fn traffic<'a>(cases: impl IntoIterator<Item = (&'a str, &'a [Score])>) -> String {
    let of_one = |Score { name, traffic: Traffic { commands, reads }, .. }: &Score| {
        format!("`{name}` {commands:.2} and {reads:.2}")
    };
    let cases = cases.into_iter().map(|(case, scores)| {
        let scores: Vec<_> = scores.iter().map(of_one).collect();
        format!("{case}: {}", scores.join(", "))
    });
    let cases: Vec<_> = cases.collect();
    format!(
        "Commands that the server executed for one operation (with those within scripts), and its reads from sockets: {}.",
        cases.join("; ")
    )
}

impl Score {
    fn new(contender: &Contender) -> Self {
        Self { name: contender.name, rates: Vec::new(), traffic: Traffic::default() }
    }
}

/// Operations a second of one round.
pub(crate) async fn rate(load: Load, work: Arc<impl Work>) -> f64 {
    let each = load.operations / load.tasks;
    let started = Instant::now();
    let running: Vec<_> = (0..load.tasks)
        .map(|task| {
            let work = Arc::clone(&work);
            tokio::spawn(async move {
                for number in task * each..(task + 1) * each {
                    work.once(number).await;
                }
            })
        })
        .collect();
    for task in running {
        if let Err(error) = task.await {
            panic!("an operation succeeds: {error}");
        }
    }
    f64::from(each * load.tasks) / started.elapsed().as_secs_f64()
}
