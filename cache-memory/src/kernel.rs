//! The kernel's clock, in the two ways in which Linux gives it out: as it is now, and as it was noted last.
//!
//! The note is taken when the timer interrupts, a hundred times a second or more often while anything runs
//! (`CLOCK_MONOTONIC_COARSE`). To read it takes a quarter of what it takes to read the clock, and keeps no processor
//! from going on with what it has begun. It is late by up to one interrupt, and by more where a host has kept
//! interrupts from coming.

use crate::clock::Tick;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(crate) use absent::Kernel;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(crate) use linux::Kernel;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use nix::sys::time::TimeSpec;
    use nix::time::{ClockId, clock_gettime};

    use super::Tick;

    /// By how many nanoseconds the note may be late: a few hundred times what it is late as a rule.
    const LATE_AT_MOST: i64 = 2_000_000_000;
    /// No kernel takes notes more often than some thousand times a second.
    const FINEST_NOTE: i64 = 500_000;
    const EXACT: ClockId = ClockId::CLOCK_MONOTONIC;
    const NOTED: ClockId = ClockId::CLOCK_MONOTONIC_COARSE;

    #[derive(Debug)]
    pub(crate) struct Kernel {
        /// From nanoseconds since the system was started to those of the store's clock.
        shift: i64,
    }

    impl Kernel {
        /// A clock that shows `now`. None where the kernel notes no time: a sandbox may give out its clock as the note,
        /// and take longer for that than for the clock.
        pub(crate) fn showing(now: Tick) -> Option<Self> {
            let exact = read(EXACT)?;
            // In this order, since whatever passes in between is no lateness of the note.
            let late = exact - read(NOTED)?;
            let is_noted = nanos(NOTED.res().ok()?) >= FINEST_NOTE && late < LATE_AT_MOST / 10;
            is_noted.then(|| Self { shift: now.0.cast_signed() - exact })
        }

        /// None where the kernel has given up its clock, which no kernel does.
        #[inline]
        pub(crate) fn now(&self) -> Option<Tick> {
            Some(self.tick(read(EXACT)?))
        }

        /// A time that is later than now by up to two seconds; no earlier than now unless the note is late by more.
        #[inline]
        pub(crate) fn now_at_latest(&self) -> Tick {
            match read(NOTED) {
                Some(noted) => self.tick(noted + LATE_AT_MOST),
                None => Tick(u64::MAX),
            }
        }

        #[inline]
        fn tick(&self, time: i64) -> Tick {
            Tick((time + self.shift).cast_unsigned())
        }
    }

    /// Nanoseconds since the system was started.
    #[inline]
    fn read(clock: ClockId) -> Option<i64> {
        clock_gettime(clock).ok().map(nanos)
    }

    #[inline]
    fn nanos(time: TimeSpec) -> i64 {
        time.tv_sec() * 1_000_000_000 + time.tv_nsec()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_note_is_not_late_by_more_than_what_is_allowed_for() {
            let shown = Tick(7 * LATE_AT_MOST.cast_unsigned());
            let kernel = Kernel::showing(shown).unwrap();
            let mut before = kernel.now().unwrap();
            assert!(before >= shown);
            for _ in 0..1_000_000 {
                let at_latest = kernel.now_at_latest();
                let after = kernel.now().unwrap();
                assert!(before < at_latest);
                assert!(at_latest <= Tick(after.0 + LATE_AT_MOST.cast_unsigned()));
                before = after;
            }
        }
    }
}

/// Also built in tests, so that it is seen to be sound where they run.
#[cfg(any(test, not(all(target_os = "linux", target_pointer_width = "64"))))]
mod absent {
    use std::convert::Infallible;

    use super::Tick;

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct Kernel(Infallible);

    impl Kernel {
        pub(crate) fn showing(_: Tick) -> Option<Self> {
            None
        }

        pub(crate) fn now(&self) -> Option<Tick> {
            match self.0 {}
        }

        pub(crate) fn now_at_latest(&self) -> Tick {
            match self.0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tick, absent};

    #[test]
    fn other_systems_have_none() {
        let read = |kernel: absent::Kernel| (kernel.now(), kernel.now_at_latest());
        assert_eq!(absent::Kernel::showing(Tick(0)).map(read), None);
    }
}
