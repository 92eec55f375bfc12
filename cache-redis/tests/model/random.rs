//! Numbers that a seed determines (SplitMix64).

use super::TAGS;

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % bound
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A set of tags, often empty.
    pub(crate) fn tags(&mut self) -> u8 {
        if self.once_in(4) { 0 } else { self.some_tags() & self.some_tags() }
    }

    /// A set of tags that has one at least.
    pub(crate) fn some_tags(&mut self) -> u8 {
        let sets = (1 << TAGS.len()) - 1;
        u8::try_from(1 + self.below(sets)).expect("a few bits")
    }
}
