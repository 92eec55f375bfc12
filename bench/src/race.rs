//! Contenders that do the same work in turn, round by round, so that what disturbs the machine
//! disturbs them all.

use std::pin::Pin;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

use crate::args::Effort;
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

/// Before each round of a contender, this part of one, untimed.
const WARM_UP_SHARE: usize = 4;

/// The work of one round: an operation for each index.
pub(crate) type Batch<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) struct Race<'a> {
    title: &'static str,
    runtime: &'a Runtime,
    contenders: Vec<Contender<'a>>,
}

struct Contender<'a> {
    name: &'static str,
    batch: Box<dyn Fn(&'a [u32]) -> Batch<'a> + 'a>,
}

/// The nanoseconds per operation of each contender in each round.
pub(crate) struct Times {
    title: &'static str,
    contenders: Vec<(&'static str, Vec<f64>)>,
}

/// One thread, as all contenders are given: what is measured is an operation, not a scheduler.
pub(crate) fn runtime() -> Runtime {
    match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    }
}

impl<'a> Race<'a> {
    pub(crate) fn new(title: &'static str, runtime: &'a Runtime) -> Self {
        Self { title, runtime, contenders: Vec::new() }
    }

    /// Adds a contender. Its batch is one future, awaited whole: nobody pays for entering a runtime
    /// with each operation, and the raw ones run inside of one as well.
    pub(crate) fn with<F: Future<Output = ()> + 'a>(
        mut self,
        name: &'static str,
        batch: impl Fn(&'a [u32]) -> F + 'a,
    ) -> Self {
        self.contenders
            .push(Contender { name, batch: Box::new(move |order| Box::pin(batch(order))) });
        self
    }

    /// Runs all rounds of `operations` each along `order`. The first round warms up and is dropped,
    /// and each round begins with another contender. Each finds the processor's caches as the one
    /// before left them, and has them to itself for a while before its time is taken.
    pub(crate) fn run(self, order: &'a [u32], operations: u32, effort: Effort) -> Times {
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); self.contenders.len()];
        let slices: Vec<_> = order.chunks_exact(operations as usize).collect();
        for round in 0..=effort.pick(41, 7) {
            let slice = slices[round % slices.len()];
            let before = slices[(round + slices.len() - 1) % slices.len()];
            let warm_up = &before[before.len() - before.len() / WARM_UP_SHARE..];
            for turn in 0..self.contenders.len() {
                let at = (round + turn) % self.contenders.len();
                let batch = &self.contenders[at].batch;
                let took = self.runtime.block_on(async {
                    batch(warm_up).await;
                    let batch = batch(slice);
                    let started = Instant::now();
                    batch.await;
                    started.elapsed()
                });
                if round > 0 {
                    times[at].push(took.as_secs_f64() * 1e9 / f64::from(operations));
                }
            }
        }
        let names = self.contenders.iter().map(|contender| contender.name);
        Times { title: self.title, contenders: names.zip(times).collect() }
    }
}

impl Times {
    pub(crate) fn print(&self) {
        println!("\n{}", self.title);
        let mut table = Table::new(["", "ns/op (p10–p90)"]);
        for (name, times) in &self.contenders {
            let spread = Spread::of(times.iter().copied());
            table.row([(*name).to_owned(), format!("{spread:.1}")]);
        }
        table.print();
    }

    pub(crate) fn spread(&self, name: &str) -> Spread {
        Spread::of(self.of(name).iter().copied())
    }

    /// Prints by how much `ours` takes longer than `raw`, round by round.
    pub(crate) fn compare(&self, ours: &str, raw: &str) -> Spread {
        let rounds = self.of(ours).iter().zip(self.of(raw));
        let ratio = Spread::of(rounds.map(|(ours, raw)| ours / raw));
        println!("  {ours} / {raw}: {ratio:.2}");
        ratio
    }

    /// The same, with a target for the median.
    pub(crate) fn compare_with_target(
        &self,
        ours: &str,
        raw: &str,
        at_most: f64,
        findings: &mut Findings,
    ) {
        let ratio = self.compare(ours, raw);
        let verdict = Verdict::of(ratio.median <= at_most);
        let target = format!("≤ {at_most:.2} × {raw}");
        findings.target(self.title, target, format!("{ratio:.2}"), verdict);
    }

    fn of(&self, name: &str) -> &[f64] {
        match self.contenders.iter().find(|(contender, _)| *contender == name) {
            Some((_, times)) => times,
            None => panic!("no contender is called {name:?}"),
        }
    }
}
