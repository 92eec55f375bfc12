//! How long an entry lives, as a driver is told: the cache's default and zero are settled before.

use std::num::NonZeroU64;
use std::time::Duration;

use cache_ttl::Ttl;

use crate::TagVersions;
use crate::tag::Tag;

/// How long an entry lives from the moment at which it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It never expires.
    Forever,
    /// So many milliseconds. It is gone at its deadline, not after it.
    Millis(NonZeroU64),
}

impl Lifetime {
    /// The lifetime that `ttl` stands for in a cache whose own is `default`; `None` for a TTL of zero,
    /// which stores nothing.
    #[inline]
    pub(crate) fn resolve(ttl: Ttl, default: Self) -> Option<Self> {
        if ttl.is_default() {
            return Some(default);
        }
        match ttl.duration() {
            None => Some(Self::Forever),
            Some(duration) => NonZeroU64::new(whole_millis(duration)).map(Self::Millis),
        }
    }

    /// The lifetime as a duration; `None` if it never ends.
    #[inline]
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::Millis(millis) => Some(Duration::from_millis(millis.get())),
        }
    }
}

/// A [`Ttl`] is made of whole milliseconds, and at most some 500 years of them.
#[inline]
fn whole_millis(duration: Duration) -> u64 {
    duration.as_secs() * 1_000 + u64::from(duration.subsec_millis())
}

/// The terms on which an entry is stored: how long it lives, and what takes it away before.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Terms<'t> {
    /// How long it lives.
    pub lifetime: Lifetime,
    /// The tags that it bears.
    pub tags: Tagging<'t>,
}

/// The tags that an entry is to bear.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Tagging<'t> {
    /// None.
    Untagged,
    /// These, at the versions that they have when the entry is stored.
    Current(&'t [Tag<'t>]),
    /// These, at the versions that were read before the entry's value was loaded. Where one of them
    /// has been flushed since, the entry is never served; whether what was there before stays is open.
    AsOf(&'t TagVersions),
}

impl<'t> Terms<'t> {
    /// An entry without tags.
    #[inline]
    pub const fn untagged(lifetime: Lifetime) -> Self {
        Self { lifetime, tags: Tagging::Untagged }
    }

    /// An entry that bears these tags.
    #[inline]
    pub const fn tagged(lifetime: Lifetime, tags: Tagging<'t>) -> Self {
        Self { lifetime, tags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_zero_and_forever_are_settled() {
        let hour = Lifetime::Millis(NonZeroU64::new(3_600_000).unwrap());
        let resolve = |ttl| Lifetime::resolve(ttl, hour);
        assert_eq!(resolve(Ttl::DEFAULT), Some(hour));
        assert_eq!(resolve(Ttl::FOREVER), Some(Lifetime::Forever));
        assert_eq!(resolve(Ttl::seconds(0)), None);
        assert_eq!(resolve(Ttl::seconds(3_600)), Some(hour));
    }
}
