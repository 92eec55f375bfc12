//! A median and how far the rounds lie around it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The 10th, 50th and 90th percentile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The 10th.
    pub low: f64,
    /// The 50th.
    pub median: f64,
    /// The 90th.
    pub high: f64,
}

impl Spread {
    /// Of samples, of which there is at least one.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |tenths: usize| sorted[(sorted.len() - 1) * tenths / 10];
        Self { low: at(1), median: at(5), high: at(9) }
    }
}

/// With as many decimals as asked for.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, median, high } = self;
        let decimals = f.precision().unwrap_or(0);
        write!(f, "{median:.decimals$} ({low:.decimals$}–{high:.decimals$})")
    }
}
