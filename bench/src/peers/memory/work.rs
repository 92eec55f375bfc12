//! What a task does with its part of the order, one operation after another.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::yield_now;

use super::contender::{Contender, Found as _, Remembers};
use super::ground::Part;
use crate::fixture::Fixture;

/// How long each operation took, in nanoseconds; empty where only the whole is timed.
pub(super) type Samples = Vec<u32>;

pub(super) trait Work<C>: Copy + Send + Sync + 'static {
    fn run(self, cache: Arc<C>, part: Part) -> impl Future<Output = Samples> + Send + 'static;
}

/// Where there are more tasks than threads, so many operations are done before the next task has its turn.
const TURN: usize = 256;

/// Of ten operations of the mix, one is a put.
pub(super) const MIX_PUTS_EVERY: usize = 10;

/// Reads of keys that are there.
#[derive(Clone, Copy)]
pub(super) struct Hits;

impl<C: Contender> Work<C> for Hits {
    async fn run(self, cache: Arc<C>, part: Part) -> Samples {
        let mut hits = 0;
        for (step, index) in part.indices().iter().enumerate() {
            take_turns(&part, step).await;
            let found = black_box(cache.get(part.key(*index)).await);
            hits += usize::from(found.is_some_and(|found| found.id() == Fixture::id(*index)));
        }
        assert_eq!(hits, part.indices().len(), "every read is a hit");
        Samples::new()
    }
}

/// Reads of keys that are not.
#[derive(Clone, Copy)]
pub(super) struct Misses;

impl<C: Contender> Work<C> for Misses {
    async fn run(self, cache: Arc<C>, part: Part) -> Samples {
        let mut misses = 0;
        for (step, index) in part.indices().iter().enumerate() {
            take_turns(&part, step).await;
            misses += usize::from(black_box(cache.get(part.absent(*index)).await).is_none());
        }
        assert_eq!(misses, part.indices().len(), "every read is a miss");
        Samples::new()
    }
}

/// Puts over what is there.
#[derive(Clone, Copy)]
pub(super) struct Puts;

impl<C: Contender> Work<C> for Puts {
    async fn run(self, cache: Arc<C>, mut part: Part) -> Samples {
        let mut fresh = std::mem::take(&mut part.fresh).into_iter();
        for (step, index) in part.indices().iter().enumerate() {
            take_turns(&part, step).await;
            let Some(user) = fresh.next() else { unreachable!("there is one for each put") };
            cache.put(part.key(*index), black_box(user)).await;
        }
        Samples::new()
    }
}

/// Nine reads and a put.
#[derive(Clone, Copy)]
pub(super) struct Mix;

impl<C: Contender> Work<C> for Mix {
    async fn run(self, cache: Arc<C>, mut part: Part) -> Samples {
        let mut fresh = std::mem::take(&mut part.fresh).into_iter();
        let (mut reads, mut hits) = (0, 0);
        for (step, index) in part.indices().iter().enumerate() {
            take_turns(&part, step).await;
            let key = part.key(*index);
            if step % MIX_PUTS_EVERY == 0 {
                let Some(user) = fresh.next() else { unreachable!("there is one for each put") };
                cache.put(key, black_box(user)).await;
            } else {
                let found = black_box(cache.get(key).await);
                reads += 1;
                hits += usize::from(found.is_some_and(|found| found.id() == Fixture::id(*index)));
            }
        }
        assert_eq!(hits, reads, "every read is a hit");
        Samples::new()
    }
}

/// Reads that would load, of keys that are there.
#[derive(Clone, Copy)]
pub(super) struct Remember;

impl<C: Remembers> Work<C> for Remember {
    async fn run(self, cache: Arc<C>, part: Part) -> Samples {
        let mut hits = 0;
        for (step, index) in part.indices().iter().enumerate() {
            take_turns(&part, step).await;
            let found = black_box(cache.remember(part.key(*index)).await);
            hits += usize::from(found.id() == Fixture::id(*index));
        }
        assert_eq!(hits, part.indices().len(), "every read is a hit");
        Samples::new()
    }
}

/// Reads of keys that are there, each timed until the caller has what it asked for.
#[derive(Clone, Copy)]
pub(super) struct TimedHits;

impl<C: Contender> Work<C> for TimedHits {
    async fn run(self, cache: Arc<C>, part: Part) -> Samples {
        let mut samples = Samples::with_capacity(part.indices().len());
        for index in part.indices() {
            let at = Instant::now();
            let found = black_box(cache.get(part.key(*index)).await);
            samples.push(since(at));
            assert!(found.is_some_and(|found| found.id() == Fixture::id(*index)));
        }
        samples
    }
}

/// Puts over what is there, each timed.
#[derive(Clone, Copy)]
pub(super) struct TimedPuts;

impl<C: Contender> Work<C> for TimedPuts {
    async fn run(self, cache: Arc<C>, mut part: Part) -> Samples {
        let mut fresh = std::mem::take(&mut part.fresh).into_iter();
        let mut samples = Samples::with_capacity(part.indices().len());
        for index in part.indices() {
            let Some(user) = fresh.next() else { unreachable!("there is one for each put") };
            let at = Instant::now();
            cache.put(part.key(*index), black_box(user)).await;
            samples.push(since(at));
        }
        samples
    }
}

/// Nothing, timed: what the clock takes by itself.
#[derive(Clone, Copy)]
pub(super) struct TimedNothing;

impl Work<()> for TimedNothing {
    async fn run(self, _: Arc<()>, part: Part) -> Samples {
        let mut samples = Samples::with_capacity(part.indices().len());
        for index in part.indices() {
            let at = Instant::now();
            black_box(part.key(*index));
            samples.push(since(at));
        }
        samples
    }
}

/// Nothing that is done here ever waits, so that without this no other task would run before the end.
#[inline]
async fn take_turns(part: &Part, step: usize) {
    if part.crowded && step % TURN == TURN - 1 {
        yield_now().await;
    }
}

#[inline]
fn since(at: Instant) -> u32 {
    u32::try_from(at.elapsed().as_nanos()).unwrap_or(u32::MAX)
}
