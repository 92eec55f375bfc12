//! The value of a text with spaces, long units or decimals, by `parse_duration`.

use crate::flaw::Flaw;
use crate::grammar::Long;
use crate::ttl::Ttl;

/// Evaluates a text that the grammar has accepted.
///
/// `parse_duration` 2.1.1 must never see any other text. An exponent costs it unbounded time and
/// memory (RUSTSEC-2021-0041); it reads `5M` as five months and `1y` as a year, and skips
/// characters that it does not know. The grammar has refused all of that, and bounds the text to
/// 64 bytes, by the time that there is a [`Long`].
#[cold]
pub(crate) fn evaluate(long: &Long<'_>) -> Result<Ttl, Flaw> {
    #[cfg(test)]
    calls::count();

    let duration = match parse_duration::parse(long.text()) {
        Ok(duration) => duration,
        Err(parse_duration::parse::Error::OutOfBounds(_)) => return Err(Flaw::TooLong),
        // Out of reach for an accepted text, and still no panic.
        Err(_) => return Err(Flaw::Unread),
    };
    // Each decimal was rounded down to whole nanoseconds, by which `0.0000000001s` is nothing.
    // What is not zero must not become zero.
    if duration.is_zero() && !long.is_zero() {
        return Ok(Ttl::milliseconds(1));
    }
    Ttl::rounded_up(duration).ok_or(Flaw::TooLong)
}

/// Lets tests see which texts reached `parse_duration`.
#[cfg(test)]
pub(crate) mod calls {
    use std::cell::Cell;

    thread_local! {
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        CALLS.set(CALLS.get() + 1);
    }

    /// The evaluations that `run` makes on this thread, and its result.
    pub(crate) fn during<R>(run: impl FnOnce() -> R) -> (usize, R) {
        let before = CALLS.get();
        let result = run();
        (CALLS.get() - before, result)
    }
}
