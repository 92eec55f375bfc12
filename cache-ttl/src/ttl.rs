//! The value itself: constants, constructors, questions. How it is written and read is in
//! `write.rs` and `parse.rs`.

use std::time::Duration;

use crate::error::{Given, InvalidTtl};
use crate::flaw::Flaw;
use crate::units;

/// How long an entry of a cache may live.
///
/// Either a whole number of milliseconds from [`Ttl::ZERO`] to [`Ttl::MAX`], or
/// [`Ttl::FOREVER`], or [`Ttl::DEFAULT`]. A finer duration is rounded *up* to whole milliseconds,
/// so that a TTL that is not zero never becomes zero.
///
/// Copied in 8 bytes; nothing here allocates.
///
/// ```
/// use cache_ttl::Ttl;
///
/// assert_eq!(Ttl::hours(24), Ttl::days(1));
/// assert_eq!(Ttl::minutes(90).to_string(), "1h30m");
/// assert_eq!(format!("{:?}", Ttl::minutes(90)), "Ttl(1h30m)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ttl(u64);

/// 500 years of 365 days. Far from `u64::MAX`, so that sums of deadlines stay in range.
pub(crate) const MAX_MILLIS: u64 = 500 * 365 * units::DAY;

const FOREVER: u64 = u64::MAX;
const DEFAULT: u64 = u64::MAX - 1;

impl Ttl {
    /// The TTL of the cache itself, whatever it is configured to.
    pub const DEFAULT: Self = Self(DEFAULT);

    /// No end: the entry never expires.
    pub const FOREVER: Self = Self(FOREVER);

    /// No time at all: the entry has expired as soon as it is written.
    pub const ZERO: Self = Self(0);

    /// The longest TTL that ends: 500 years of 365 days. What should never end is
    /// [`Ttl::FOREVER`].
    pub const MAX: Self = Self(MAX_MILLIS);

    /// A TTL of so many milliseconds, [`Ttl::MAX`] if that would be longer.
    pub const fn milliseconds(milliseconds: u64) -> Self {
        Self::saturating(milliseconds, units::MILLISECOND)
    }

    /// A TTL of so many seconds, [`Ttl::MAX`] if that would be longer.
    pub const fn seconds(seconds: u64) -> Self {
        Self::saturating(seconds, units::SECOND)
    }

    /// A TTL of so many minutes, [`Ttl::MAX`] if that would be longer.
    pub const fn minutes(minutes: u64) -> Self {
        Self::saturating(minutes, units::MINUTE)
    }

    /// A TTL of so many hours, [`Ttl::MAX`] if that would be longer.
    pub const fn hours(hours: u64) -> Self {
        Self::saturating(hours, units::HOUR)
    }

    /// A TTL of so many days of 24 hours, [`Ttl::MAX`] if that would be longer.
    pub const fn days(days: u64) -> Self {
        Self::saturating(days, units::DAY)
    }

    /// A TTL of so many weeks of 7 days, [`Ttl::MAX`] if that would be longer.
    ///
    /// ```
    /// use cache_ttl::Ttl;
    ///
    /// assert_eq!(Ttl::weeks(2), Ttl::days(14));
    /// assert_eq!(Ttl::weeks(u64::MAX), Ttl::MAX);
    /// ```
    pub const fn weeks(weeks: u64) -> Self {
        Self::saturating(weeks, units::WEEK)
    }

    /// The TTL of this duration, rounded up to whole milliseconds.
    ///
    /// A duration beyond [`Ttl::MAX`] is refused rather than shortened.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cache_ttl::Ttl;
    ///
    /// assert_eq!(Ttl::from_duration(Duration::from_secs(60)), Ok(Ttl::minutes(1)));
    /// assert_eq!(Ttl::from_duration(Duration::from_nanos(1)), Ok(Ttl::milliseconds(1)));
    ///
    /// let refused = Ttl::from_duration(Duration::MAX).unwrap_err();
    /// assert!(refused.to_string().contains("Ttl::FOREVER"));
    /// ```
    pub fn from_duration(duration: Duration) -> Result<Self, InvalidTtl> {
        Self::rounded_up(duration)
            .ok_or_else(|| InvalidTtl::new(Given::Duration(duration), Flaw::TooLong))
    }

    /// This TTL as a duration; `None` for [`Ttl::FOREVER`] and [`Ttl::DEFAULT`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use cache_ttl::Ttl;
    ///
    /// assert_eq!(Ttl::seconds(2).duration(), Some(Duration::from_secs(2)));
    /// assert_eq!(Ttl::FOREVER.duration(), None);
    /// assert_eq!(Ttl::DEFAULT.duration(), None);
    /// ```
    pub const fn duration(self) -> Option<Duration> {
        if self.0 <= MAX_MILLIS { Some(Duration::from_millis(self.0)) } else { None }
    }

    /// Whether this is [`Ttl::ZERO`].
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this is [`Ttl::FOREVER`].
    pub const fn is_forever(self) -> bool {
        self.0 == FOREVER
    }

    /// Whether this is [`Ttl::DEFAULT`].
    pub const fn is_default(self) -> bool {
        self.0 == DEFAULT
    }

    /// `None` beyond `MAX`.
    pub(crate) fn rounded_up(duration: Duration) -> Option<Self> {
        if duration.as_secs() > MAX_MILLIS / units::SECOND {
            return None;
        }
        let whole = duration.as_secs() * units::SECOND + u64::from(duration.subsec_millis());
        let finer = !duration.subsec_nanos().is_multiple_of(1_000_000);
        Self::exactly(whole + u64::from(finer))
    }

    /// `None` beyond `MAX`: no number of milliseconds is ever taken for a word.
    pub(crate) const fn exactly(milliseconds: u64) -> Option<Self> {
        if milliseconds <= MAX_MILLIS { Some(Self(milliseconds)) } else { None }
    }

    /// `None` for the two words.
    pub(crate) const fn millis(self) -> Option<u64> {
        if self.0 <= MAX_MILLIS { Some(self.0) } else { None }
    }

    const fn saturating(count: u64, unit: u64) -> Self {
        match Self::exactly(count.saturating_mul(unit)) {
            Some(ttl) => ttl,
            None => Self::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEARS_500: u64 = 500 * 365 * 24 * 60 * 60;

    #[test]
    fn a_ttl_is_eight_bytes() {
        assert_eq!(size_of::<Ttl>(), 8);
    }

    #[test]
    fn the_units_agree_with_each_other() {
        assert_eq!(Ttl::milliseconds(1000), Ttl::seconds(1));
        assert_eq!(Ttl::seconds(60), Ttl::minutes(1));
        assert_eq!(Ttl::minutes(60), Ttl::hours(1));
        assert_eq!(Ttl::hours(24), Ttl::days(1));
        assert_eq!(Ttl::days(7), Ttl::weeks(1));
    }

    #[test]
    fn the_longest_ttl_is_500_years_of_365_days() {
        assert_eq!(Ttl::MAX.duration(), Some(Duration::from_secs(YEARS_500)));
        assert_eq!(Ttl::MAX, Ttl::days(500 * 365));
    }

    #[test]
    fn constructors_saturate_at_max() {
        for constructor in
            [Ttl::milliseconds, Ttl::seconds, Ttl::minutes, Ttl::hours, Ttl::days, Ttl::weeks]
        {
            assert_eq!(constructor(u64::MAX), Ttl::MAX);
            assert_eq!(constructor(u64::MAX - 1), Ttl::MAX);
        }
        assert_eq!(Ttl::days(500 * 365 + 1), Ttl::MAX);
        assert_eq!(Ttl::milliseconds(MAX_MILLIS + 1), Ttl::MAX);
        assert_ne!(Ttl::milliseconds(MAX_MILLIS - 1), Ttl::MAX);
    }

    #[test]
    fn finer_durations_are_rounded_up() {
        let millis = |nanos| Ttl::from_duration(Duration::from_nanos(nanos)).unwrap();
        assert_eq!(millis(0), Ttl::ZERO);
        assert_eq!(millis(1), Ttl::milliseconds(1));
        assert_eq!(millis(1_000_000), Ttl::milliseconds(1));
        assert_eq!(millis(1_000_001), Ttl::milliseconds(2));
        assert_eq!(millis(999_999_999), Ttl::seconds(1));
    }

    #[test]
    fn a_duration_up_to_max_is_taken_and_one_nanosecond_more_is_refused() {
        let max = Duration::from_secs(YEARS_500);
        assert_eq!(Ttl::from_duration(max), Ok(Ttl::MAX));
        let refused = Ttl::from_duration(max + Duration::from_nanos(1)).unwrap_err();
        assert!(refused.to_string().contains("Ttl::FOREVER"), "{refused}");
        assert!(Ttl::from_duration(Duration::MAX).is_err());
    }

    #[test]
    fn each_special_value_is_only_itself() {
        for (ttl, zero, forever, default) in [
            (Ttl::ZERO, true, false, false),
            (Ttl::FOREVER, false, true, false),
            (Ttl::DEFAULT, false, false, true),
            (Ttl::MAX, false, false, false),
            (Ttl::seconds(1), false, false, false),
        ] {
            assert_eq!(
                (ttl.is_zero(), ttl.is_forever(), ttl.is_default()),
                (zero, forever, default)
            );
        }
    }

    #[test]
    fn the_words_have_no_duration() {
        assert_eq!(Ttl::FOREVER.duration(), None);
        assert_eq!(Ttl::DEFAULT.duration(), None);
        assert_eq!(Ttl::ZERO.duration(), Some(Duration::ZERO));
    }
}
