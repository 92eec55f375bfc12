//! A sampler of ranks by Zipf's law, the same sequence in every run.

/// Draws ranks from 0, each the likelier the lower it is.
pub(crate) struct Zipf {
    /// The share of all draws that fall on this rank or a lower one.
    cumulated: Vec<f64>,
    random: Random,
}

impl Zipf {
    pub(crate) fn new(ranks: u32, exponent: f64, seed: u64) -> Self {
        let mut sum = 0.0;
        let mut cumulated: Vec<f64> = (1..=ranks)
            .map(|rank| {
                sum += f64::from(rank).powf(-exponent);
                sum
            })
            .collect();
        for share in &mut cumulated {
            *share /= sum;
        }
        Self { cumulated, random: Random(seed) }
    }

    pub(crate) fn draw(&mut self) -> usize {
        let at = f64::from(self.random.next()) / (f64::from(u32::MAX) + 1.0);
        self.cumulated.partition_point(|share| *share <= at).min(self.cumulated.len() - 1)
    }
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 32) as u32
    }
}
