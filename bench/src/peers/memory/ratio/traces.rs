//! Sequences of reads: in each repeat others, and the same in every run.

use crate::fixture::KEYS;
use crate::zipf::{Random, Zipf};

const SEED: u64 = 11;

#[derive(Clone, Copy)]
pub(super) enum Trace {
    /// Zipf, by an exponent.
    Flat,
    Steep,
    /// Every other read goes through all keys in their order.
    Scanned,
    /// Round and round.
    Loop,
    /// What is read often is something else after a while.
    Shifting,
}

/// The keys that are read between those of the scan, each as often.
const HOT: u32 = KEYS / 100;
/// The keys that are read for a while.
const WINDOW: u32 = KEYS / 20;
/// The windows of a trace. Each has half of its keys from the one before.
const WINDOWS: u32 = 10;

impl Trace {
    pub(super) const ALL: [Self; 5] =
        [Self::Flat, Self::Steep, Self::Scanned, Self::Loop, Self::Shifting];

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Flat => "zipf-0.7",
            Self::Steep => "zipf-0.99",
            Self::Scanned => "scan",
            Self::Loop => "loop",
            Self::Shifting => "shifting",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Flat => "Zipf 0.7",
            Self::Steep => "Zipf 0.99",
            Self::Scanned => "a hot set and a scan",
            Self::Loop => "a loop larger than the cache",
            Self::Shifting => "a working set that moves",
        }
    }

    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Flat => "Keys by Zipf's law with an exponent of 0.7: little is read often.",
            Self::Steep => "Keys by Zipf's law with an exponent of 0.99.",
            Self::Scanned => {
                "Every other read is of a hot set of 1 % of the keys, each as likely, and those in \
                 between go through all keys in their order, again and again."
            }
            Self::Loop => {
                "A tenth more keys than there is room for, in their order, again and again: exact LRU \
                 never hits (by shards, some are small enough), the best is ten of eleven."
            }
            Self::Shifting => {
                "Zipf 0.99 within a window of 5 % of the keys, which moves on by half of itself nine \
                 times."
            }
        }
    }

    /// The keys that are read, by index.
    pub(super) fn indices(self, capacity: u32, length: u32, repeat: u64) -> Vec<u32> {
        let seed = SEED + repeat;
        match self {
            Self::Flat => zipf(0.7, seed, length),
            Self::Steep => zipf(0.99, seed, length),
            Self::Scanned => {
                let mut random = Random(seed);
                let hot = KEYS - HOT;
                let scan = |step: u32| step / 2 % KEYS;
                (0..length)
                    .map(|step| if step % 2 == 0 { hot + random.next() % HOT } else { scan(step) })
                    .collect()
            }
            Self::Loop => (0..length).map(|step| step % (capacity + capacity / 10)).collect(),
            Self::Shifting => {
                let mut zipf = Zipf::new(WINDOW, 0.99, seed);
                let from = |step: u32| step / (length / WINDOWS) * (WINDOW / 2);
                (0..length).map(|step| (from(step) + draw(&mut zipf)) % KEYS).collect()
            }
        }
    }
}

fn zipf(exponent: f64, seed: u64, length: u32) -> Vec<u32> {
    let mut zipf = Zipf::new(KEYS, exponent, seed);
    (0..length).map(|_| draw(&mut zipf)).collect()
}

fn draw(zipf: &mut Zipf) -> u32 {
    u32::try_from(zipf.draw()).unwrap_or(u32::MAX)
}
