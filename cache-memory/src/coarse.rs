//! The kernel's coarse clock, by which most looks into the table are judged.
//!
//! Linux notes the time whenever its timer interrupts, a hundred times a second or more often, and hands out that note
//! as `CLOCK_MONOTONIC_COARSE`. To read it takes a quarter of what it takes to read the clock, and keeps no processor
//! from going on with what it has begun. The note is late by up to one interrupt, and by more where a host has kept
//! interrupts from coming. So it judges only what is to live for longer than it can be late.

use std::time::Duration;

use crate::clock::Tick;

/// By how much the note may be late: a few hundred times what it is late as a rule.
pub(crate) const LATE_AT_MOST: Duration = Duration::from_secs(2);

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(crate) use absent::Coarse;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(crate) use linux::Coarse;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use nix::time::{ClockId, clock_gettime};

    use super::{LATE_AT_MOST, Tick};

    /// The note, as a time of the store's clock.
    #[derive(Debug)]
    pub(crate) struct Coarse {
        /// From a note to a time that is no earlier than now.
        ahead: i64,
    }

    impl Coarse {
        /// None where the kernel has no such clock, or one that is far behind already.
        pub(crate) fn start(now: impl FnOnce() -> Tick) -> Option<Self> {
            let coarse = read(ClockId::CLOCK_MONOTONIC_COARSE)?;
            let behind = read(ClockId::CLOCK_MONOTONIC)? - coarse;
            // Read after the note, so that what passes in between is on the safe side.
            let Tick(bound) = now().after(LATE_AT_MOST);
            (0..LATE_AT_MOST.as_nanos() / 10)
                .contains(&behind.try_into().ok()?)
                .then(|| Self { ahead: bound.cast_signed() - coarse })
        }

        /// A time that is no earlier than now, and later by what the note may be late.
        #[inline]
        pub(crate) fn now_at_latest(&self) -> Tick {
            match read(ClockId::CLOCK_MONOTONIC_COARSE) {
                Some(coarse) => Tick((coarse + self.ahead).cast_unsigned()),
                None => Tick(u64::MAX),
            }
        }
    }

    /// Nanoseconds since the system was started.
    #[inline]
    fn read(clock: ClockId) -> Option<i64> {
        let time = clock_gettime(clock).ok()?;
        Some(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
    }

    #[cfg(test)]
    mod tests {
        use std::time::Instant;

        use super::*;

        #[test]
        fn it_is_never_before_now_and_not_long_after() {
            let begun = Instant::now();
            let now = || Tick(u64::try_from(begun.elapsed().as_nanos()).unwrap());
            let coarse = Coarse::start(now).unwrap();
            for _ in 0..1_000_000 {
                let before = now();
                let at_latest = coarse.now_at_latest();
                assert!(at_latest > before);
                assert!(at_latest < now().after(LATE_AT_MOST * 2));
            }
        }

        /// The note is one of the clock that tokio and std count by, which std may change one day.
        #[test]
        fn it_belongs_to_the_clock_of_std() {
            let before = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
            let shown = format!("{:?}", Instant::now());
            let after = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
            let seconds: i64 = shown
                .split(|c: char| !c.is_ascii_digit())
                .find(|word| !word.is_empty())
                .unwrap()
                .parse()
                .unwrap();
            assert!((before.tv_sec()..=after.tv_sec()).contains(&seconds), "{shown}");
        }
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod absent {
    use std::convert::Infallible;

    use super::Tick;

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct Coarse(Infallible);

    impl Coarse {
        pub(crate) fn start(_: impl FnOnce() -> Tick) -> Option<Self> {
            None
        }

        pub(crate) fn now_at_latest(&self) -> Tick {
            match self.0 {}
        }
    }
}
