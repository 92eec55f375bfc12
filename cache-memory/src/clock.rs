//! Time as the table counts it: nanoseconds since an epoch of the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache_core::{Lifetime, Ttl};
use tokio::time::Instant;

use crate::kernel::Kernel;
use crate::virtual_time;

/// Tokio's clock, so that a test with paused time drives expiry; the kernel's, where no test can pause time.
///
/// The kernel's is the one that tokio's shows. Of it there is a note that is cheaper to read than the clock: it tells of
/// what is to live long still that it lives. Only reads trust the note: what a write made of a late one would stay.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
    kernel: Option<Kernel>,
    /// Whether anything was ever given a deadline.
    anything_ends: AtomicBool,
}

/// Nanoseconds since the epoch of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) u64);

/// When an entry is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(pub(crate) u64);

const NANOS_PER_MILLI: u64 = 1_000_000;

/// How far the epoch lies before the building of the store. Runtimes of tests have clocks of their own,
/// and for a store that meets several of them none may be before its epoch: time would stand still.
const LEEWAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Clock {
    pub(crate) fn start() -> Self {
        if virtual_time::is_possible() { Self::of_tokio() } else { Self::of_kernel() }
    }

    fn of_tokio() -> Self {
        let now = Instant::now();
        let epoch = now.checked_sub(LEEWAY).unwrap_or(now);
        Self { epoch, kernel: None, anything_ends: AtomicBool::new(false) }
    }

    /// Tokio's after all where the kernel has none that will do. Not for paused time, in which timers would come at once.
    pub(crate) fn of_kernel() -> Self {
        let clock = Self::of_tokio();
        Self { kernel: Kernel::showing(clock.now()), ..clock }
    }

    /// A time to be read before a look into the table. What ends later has lived during the call, be it that it was there
    /// by then, or that it was put meanwhile; of the rest, [`has_passed`](Self::has_passed) tells.
    ///
    /// After the look it would be the same to a caller, but not to a processor, which reads no exact clock before all
    /// that it has begun to load is there. Where nothing ends no clock is read.
    #[inline]
    pub(crate) fn before_a_look(&self) -> Tick {
        // A deadline that is met nevertheless was given since, and is not past.
        if self.anything_ends.load(Ordering::Acquire) { self.now_or_later() } else { Tick(0) }
    }

    /// Apart, since where nothing ends a hit would have to make room for it.
    #[inline(never)]
    fn now_or_later(&self) -> Tick {
        match &self.kernel {
            Some(kernel) => kernel.now_at_latest(),
            None => self.now(),
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Tick {
        match self.kernel.as_ref().and_then(Kernel::now) {
            Some(now) => now,
            None => self.since_epoch(),
        }
    }

    #[inline(never)]
    fn since_epoch(&self) -> Tick {
        let since = Instant::now().saturating_duration_since(self.epoch);
        Tick(since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos()))
    }

    /// The deadline of an entry that is stored now. Reads no clock for one that lives for ever.
    #[inline]
    pub(crate) fn deadline(&self, lifetime: Lifetime) -> Deadline {
        match lifetime {
            Lifetime::Forever => Deadline::NEVER,
            Lifetime::Millis(millis) => {
                if !self.anything_ends.load(Ordering::Relaxed) {
                    self.anything_ends.store(true, Ordering::Release);
                }
                let nanos = millis.get().saturating_mul(NANOS_PER_MILLI);
                Deadline(self.now().0.saturating_add(nanos).min(Deadline::LAST.0))
            }
        }
    }

    /// Whether the deadline has come, exactly. Reads no clock where there is none.
    #[inline]
    pub(crate) fn has_passed(&self, deadline: Deadline) -> bool {
        deadline != Deadline::NEVER && deadline.is_past(self.now())
    }

    /// How long it is until a deadline comes, if ever.
    pub(crate) fn time_until(&self, deadline: Deadline) -> Option<Duration> {
        let left = || Duration::from_nanos(deadline.0.saturating_sub(self.now().0));
        (deadline != Deadline::NEVER).then(left)
    }
}

impl Tick {
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
                .min(Deadline::LAST.0),
        )
    }
}

impl From<Tick> for Deadline {
    fn from(tick: Tick) -> Self {
        Self(tick.0)
    }
}

impl Deadline {
    pub(crate) const NEVER: Self = Self(u64::MAX);
    /// That of what was flushed: it is past at any time.
    pub(crate) const FLUSHED: Self = Self(0);
    const LAST: Self = Self(u64::MAX - 1);

    /// An entry is gone at its deadline, not after it.
    #[inline]
    pub(crate) fn is_past(self, now: Tick) -> bool {
        self.0 <= now.0
    }

    /// What is left of it, in whole milliseconds, rounded up.
    pub(crate) fn left(self, now: Tick) -> Ttl {
        if self == Self::NEVER {
            Ttl::FOREVER
        } else {
            Ttl::milliseconds(self.0.saturating_sub(now.0).div_ceil(NANOS_PER_MILLI))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Lifetime {
        Lifetime::Millis(millis.try_into().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_passes_when_it_is_reached() {
        let clock = Clock::start();
        let deadline = clock.deadline(millis(2));
        tokio::time::advance(Duration::from_nanos(1_999_999)).await;
        assert!(!clock.has_passed(deadline));
        assert_eq!(deadline.left(clock.now()), Ttl::milliseconds(1));
        tokio::time::advance(Duration::from_nanos(1)).await;
        assert!(clock.has_passed(deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_asks_for_the_time_from_the_first_deadline_on() {
        let clock = Clock::start();
        assert_eq!(clock.deadline(Lifetime::Forever), Deadline::NEVER);
        assert!(Deadline::FLUSHED.is_past(clock.before_a_look()));
        let deadline = clock.deadline(millis(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(deadline.is_past(clock.before_a_look()));
        assert!(!Deadline::NEVER.is_past(clock.before_a_look()));
    }

    #[test]
    fn what_ends_soon_is_judged_exactly_by_either() {
        for clock in [Clock::of_tokio(), Clock::of_kernel()] {
            let (soon, late) = (clock.deadline(millis(50)), clock.deadline(millis(3_600_000)));
            loop {
                let before = clock.now();
                let has_passed = clock.has_passed(soon);
                let after = clock.now();
                assert!(if has_passed { soon.is_past(after) } else { !soon.is_past(before) });
                if has_passed {
                    break;
                }
            }
            assert!(soon.is_past(clock.before_a_look()));
            assert!(!late.is_past(clock.before_a_look()) && !clock.has_passed(late));
        }
    }

    #[test]
    fn the_longest_lifetime_is_neither_past_nor_for_ever() {
        for clock in [Clock::of_tokio(), Clock::of_kernel()] {
            let deadline = clock.deadline(millis(u64::MAX));
            assert!(!clock.has_passed(deadline) && !deadline.is_past(clock.before_a_look()));
            assert!(deadline < Deadline::NEVER);
            assert!(!clock.has_passed(Deadline::NEVER));
            assert_eq!(Deadline::NEVER.left(clock.now()), Ttl::FOREVER);
            assert_eq!(clock.time_until(Deadline::NEVER), None);
        }
    }
}
