//! Feels for pauses, from within the runtime that the cache is used on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cache_memory::Cache;
use tokio::task::JoinHandle;

use crate::fixture::User;
use crate::heap;

/// The entry that is read: it never ends.
pub(super) const KEY: &str = "probe";

const CALL_EVERY: Duration = Duration::from_micros(100);
const TICK_EVERY: Duration = Duration::from_millis(1);
/// The grain of tokio's timers.
const GRAIN: Duration = Duration::from_millis(1);

/// A moment and what was found then.
#[derive(Clone, Copy)]
pub(super) struct Sample<T> {
    pub(super) at: Instant,
    pub(super) value: T,
}

pub(super) struct Probes {
    stop: Arc<AtomicBool>,
    calls: JoinHandle<Vec<Sample<Duration>>>,
    ticks: JoinHandle<Ticks>,
}

/// What the timer saw.
pub(super) struct Ticks {
    /// How late each tick came.
    pub(super) lateness: Vec<Sample<Duration>>,
    /// The live bytes at each tick.
    pub(super) live: Vec<Sample<i64>>,
}

impl Probes {
    /// Starts both. All that they will need is allocated before the first of them runs, for a run that
    /// is expected to take so long.
    pub(super) fn start(cache: Cache, expected: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let room = |every: Duration| (expected.as_micros() / every.as_micros()) as usize;
        let calls = call(cache, Arc::clone(&stop), Vec::with_capacity(room(CALL_EVERY)));
        let ticks = Ticks {
            lateness: Vec::with_capacity(room(TICK_EVERY)),
            live: Vec::with_capacity(room(TICK_EVERY)),
        };
        let ticks = tick(Arc::clone(&stop), ticks);
        Self { stop, calls: tokio::spawn(calls), ticks: tokio::spawn(ticks) }
    }

    pub(super) async fn stop(self) -> (Vec<Sample<Duration>>, Ticks) {
        self.stop.store(true, Ordering::Relaxed);
        match (self.calls.await, self.ticks.await) {
            (Ok(calls), Ok(ticks)) => (calls, ticks),
            (Err(error), _) | (_, Err(error)) => panic!("a probe failed: {error}"),
        }
    }
}

/// How long a hit takes, some ten thousand times a second.
async fn call(
    cache: Cache,
    stop: Arc<AtomicBool>,
    mut calls: Vec<Sample<Duration>>,
) -> Vec<Sample<Duration>> {
    while !stop.load(Ordering::Relaxed) {
        let at = Instant::now();
        let found = cache.get_shared::<User>(KEY).await;
        calls.push(Sample { at, value: at.elapsed() });
        assert!(found.is_ok_and(|user| user.is_some()), "an entry without end stays");
        // No timer of the runtime is as fine as this.
        while at.elapsed() < CALL_EVERY {
            tokio::task::yield_now().await;
        }
    }
    calls
}

/// How late a task is woken: whatever keeps the runtime's threads shows here. A timer of tokio's counts
/// whole milliseconds and may come one later than asked for; only what is past that is late.
async fn tick(stop: Arc<AtomicBool>, mut ticks: Ticks) -> Ticks {
    while !stop.load(Ordering::Relaxed) {
        let due = Instant::now() + TICK_EVERY;
        tokio::time::sleep_until(due.into()).await;
        let at = Instant::now();
        ticks.lateness.push(Sample { at, value: at.saturating_duration_since(due + GRAIN) });
        ticks.live.push(Sample { at, value: heap::live() });
    }
    ticks
}
