//! Contenders that do the same work in turn, round by round, each with so many tasks.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use tokio::task::{self, JoinHandle};
use tokio::time::timeout;

use super::Bench;
use super::contender::Contender;
use super::ground::Part;
use super::work::{Samples, Work};
use crate::turns;

/// The threads that tasks run on.
pub(super) const WORKERS: usize = 2;

/// Before its time is taken a task does this part of a round for nothing.
const WARM_UP_SHARE: usize = 4;

/// Tasks that have not ended by then wait for something that none of them will do. A writer of
/// `moka::future` that finds the queue of writes full waits for the next maintenance; if all others have
/// just ended, the next is done by whoever calls next, and in a benchmark that is nobody.
const STALLED_AFTER: Duration = Duration::from_secs(5);

type Task = Pin<Box<dyn Future<Output = Samples> + Send>>;
type Nudge = Pin<Box<dyn Future<Output = ()>>>;

pub(super) struct Crew<'a> {
    bench: &'a Bench,
    operations: usize,
    /// A task has a fresh value for each operation whose number is a multiple of this.
    fresh_every: Option<usize>,
    lanes: Vec<Lane>,
}

struct Lane {
    name: &'static str,
    /// Only a whole part is called through a pointer, never an operation.
    work: Box<dyn Fn(Part) -> Task>,
    /// What a service does at any time, and a benchmark that waits for its tasks does not: one more read.
    nudge: Box<dyn Fn() -> Nudge>,
}

/// What the tasks of a contender did in a round.
pub(super) struct Shift {
    /// From when the first began to when the last had ended.
    pub(super) took: Duration,
    /// Of all tasks.
    pub(super) samples: Samples,
    /// Whether it went on only when somebody else called: `took` is worth nothing then.
    pub(super) stalled: bool,
}

impl<'a> Crew<'a> {
    /// A crew whose tasks each do so many operations in a round of a full run.
    pub(super) fn new(bench: &'a Bench, operations: usize) -> Self {
        let operations = bench.effort.pick(operations, operations * 2 / 5);
        Self { bench, operations, fresh_every: None, lanes: Vec::new() }
    }

    /// The operations of a task in a round.
    pub(super) fn operations(&self) -> usize {
        self.operations
    }

    /// The rounds that count. One more comes before them.
    pub(super) fn rounds(&self) -> usize {
        self.bench.effort.pick(15, 3)
    }

    /// Has each task make its values before its time is taken.
    pub(super) fn bringing_a_value_every(mut self, operations: usize) -> Self {
        self.fresh_every = Some(operations);
        self
    }

    pub(super) fn enter<C, W>(&mut self, name: &'static str, cache: &Arc<C>, work: W)
    where
        C: Contender,
        W: Work<C>,
    {
        self.enter_each(name, &std::array::from_fn(|_| Arc::clone(cache)), work);
    }

    /// Enters one who gives each task a cache of its own; of more tasks than threads some share one.
    pub(super) fn enter_each<C, W>(
        &mut self,
        name: &'static str,
        caches: &[Arc<C>; WORKERS],
        work: W,
    ) where
        C: Contender,
        W: Work<C>,
    {
        let [read, ..] = caches.clone();
        let nudge = Box::new(move || {
            let read = Arc::clone(&read);
            let nudge = async move { drop(read.get(&"nobody".to_owned()).await) };
            Box::pin(nudge) as Nudge
        });
        let caches = caches.clone();
        let work = Box::new(move |part: Part| {
            let cache = Arc::clone(&caches[part.task % WORKERS]);
            Box::pin(work.run(cache, part)) as Task
        });
        self.lanes.push(Lane { name, work, nudge });
    }

    /// Enters one who has no cache.
    pub(super) fn enter_control(&mut self, name: &'static str, work: impl Work<()>) {
        let control = Arc::new(());
        let work = Box::new(move |part| Box::pin(work.run(Arc::clone(&control), part)) as Task);
        self.lanes.push(Lane { name, work, nudge: Box::new(|| Box::pin(async {})) });
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.lanes.iter().map(|lane| lane.name)
    }

    /// All contenders in turn, in each round in another order.
    pub(super) fn round(&self, round: usize, tasks: usize) -> Vec<Shift> {
        let mut shifts: Vec<_> = self.lanes.iter().map(|_| None).collect();
        for at in turns::order(self.lanes.len(), round) {
            shifts[at] = Some(self.shift(&self.lanes[at], round, tasks));
        }
        shifts.into_iter().flatten().collect()
    }

    fn shift(&self, lane: &Lane, round: usize, tasks: usize) -> Shift {
        let Bench { ground, runtime, .. } = self.bench;
        let (fresh_every, crowded) = (self.fresh_every, tasks > WORKERS);
        let part = |round, task, length| ground.part(round, task, length, crowded);
        runtime.block_on(async {
            let warm_up = (0..tasks).map(|task| {
                let part = part(round + 1, task, self.operations / WARM_UP_SHARE);
                (lane.work)(part.bring(fresh_every))
            });
            lane.all(warm_up.map(tokio::spawn).collect()).await;
            // On the threads that will use them, so that nobody frees what another thread's heap owns
            // more often than a service does.
            let parts = (0..tasks).map(|task| part(round, task, self.operations));
            let parts = parts.map(|part| tokio::spawn(async move { part.bring(fresh_every) }));
            let (parts, _) = lane.all(parts.collect()).await;
            let gate = Arc::new(Gate::new(tasks.min(WORKERS)));
            let timed = parts.into_iter().map(|part| timed(Arc::clone(&gate), (lane.work)(part)));
            let (timed, stalled) = lane.all(timed.map(tokio::spawn).collect()).await;
            Shift::of(timed, stalled)
        })
    }
}

impl Shift {
    fn of(timed: Vec<Timed>, stalled: bool) -> Self {
        let started = timed.iter().map(|timed| timed.started).min();
        let ended = timed.iter().map(|timed| timed.ended).max();
        let took = started.zip(ended).map(|(started, ended)| ended - started);
        let samples = timed.into_iter().flat_map(|timed| timed.samples).collect();
        Self { took: took.unwrap_or_default(), samples, stalled }
    }
}

struct Timed {
    started: Instant,
    ended: Instant,
    samples: Samples,
}

async fn timed(gate: Arc<Gate>, work: Task) -> Timed {
    gate.pass().await;
    let started = Instant::now();
    let samples = work.await;
    Timed { started, ended: Instant::now(), samples }
}

impl Lane {
    /// What all of the tasks bring, and whether they had to be helped.
    async fn all<T>(&self, tasks: Vec<JoinHandle<T>>) -> (Vec<T>, bool) {
        let (mut results, mut stalled) = (Vec::with_capacity(tasks.len()), false);
        for mut task in tasks {
            let result = loop {
                if let Ok(result) = timeout(STALLED_AFTER, &mut task).await {
                    break result;
                }
                stalled = true;
                (self.nudge)().await;
            };
            match result {
                Ok(result) => results.push(result),
                Err(error) => panic!("a task of {} failed: {error}", self.name),
            }
        }
        (results, stalled)
    }
}

/// Opens when every thread has a task: to wake a thread takes longer than many an operation.
struct Gate {
    threads: usize,
    /// The tasks that wait, and the threads that they are on.
    waiting: Mutex<Vec<(task::Id, ThreadId)>>,
    is_open: AtomicBool,
}

impl Gate {
    /// For so long a task keeps its thread. It could be the one that the other task was given to.
    const PATIENCE: Duration = Duration::from_micros(100);

    fn new(threads: usize) -> Self {
        Self { threads, waiting: Mutex::default(), is_open: AtomicBool::new(false) }
    }

    async fn pass(&self) {
        loop {
            self.arrive();
            let begun = Instant::now();
            while begun.elapsed() < Self::PATIENCE {
                if self.is_open.load(Ordering::Acquire) {
                    return;
                }
                thread::yield_now();
            }
            task::yield_now().await;
        }
    }

    fn arrive(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let task = task::id();
        waiting.retain(|(other, _)| *other != task);
        waiting.push((task, thread::current().id()));
        let threads: HashSet<_> = waiting.iter().map(|(_, thread)| thread).collect();
        if threads.len() >= self.threads {
            self.is_open.store(true, Ordering::Release);
        }
    }
}
