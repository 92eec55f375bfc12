//! Numbers that nobody else draws.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use cache_core::Owner;

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
static DRAWN: AtomicU64 = AtomicU64::new(0);

/// What is another for each draw. A process that was forked has the keys and the count of its parent, and a machine that
/// is restored from a snapshot has the process as well.
#[derive(Clone, Copy, Hash)]
struct Draw {
    process: u32,
    at: SystemTime,
    count: u64,
}

impl Draw {
    fn next() -> Self {
        Self {
            process: std::process::id(),
            at: SystemTime::now(),
            count: DRAWN.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn owner(self, keys: &impl BuildHasher) -> Owner {
        let [high, low] = [0_u8, 1].map(|half| u128::from(keys.hash_one((self, half))));
        Owner(high << 64 | low)
    }
}

/// An owner that there has not been, in whatever process.
pub(crate) fn new_owner() -> Owner {
    Draw::next().owner(&*KEYS)
}

/// A number from 0 up to 1.
pub(crate) fn chance() -> f64 {
    let drawn = KEYS.hash_one(Draw::next());
    f64::from(u32::try_from(drawn >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn owners_differ_between_draws() {
        let mut owners: Vec<_> = (0..1_000).map(|_| new_owner().0).collect();
        owners.sort_unstable();
        owners.dedup();
        assert_eq!(owners.len(), 1_000);
    }

    /// As after a fork, and in two machines that were restored from one snapshot.
    #[test]
    fn owners_differ_between_processes_that_have_the_same_keys() {
        let (keys, draw) = (RandomState::new(), Draw::next());
        let owner = draw.owner(&keys);
        assert_eq!(draw.owner(&keys), owner);
        let forked = Draw { process: draw.process + 1, ..draw };
        let restored = Draw { at: draw.at + Duration::from_nanos(1), ..draw };
        for other in [forked, restored, Draw { count: draw.count + 1, ..draw }] {
            assert_ne!(other.owner(&keys), owner);
        }
    }
}
