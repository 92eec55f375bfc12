//! A median and how far the rounds lie around it.

use std::fmt;

/// The 10th, 50th and 90th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The 10th.
    pub low: f64,
    /// The 50th.
    pub median: f64,
    /// The 90th.
    pub high: f64,
}

impl Spread {
    /// Of samples, of which there is at least one. A percentile that lies between two of them is interpolated.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        let at = |tenths: usize| {
            let (at, tenths) = (last * tenths / 10, last * tenths % 10);
            let (below, above) = (sorted[at], sorted[last.min(at + 1)]);
            // Between two that are infinite no number lies.
            if below.total_cmp(&above).is_eq() {
                return below;
            }
            below + (above - below) * u32::try_from(tenths).map_or(0.0, f64::from) / 10.0
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_samples() {
        let of = |samples: &[f64]| Spread::of(samples.iter().copied());
        let spread = |low, median, high| Spread { low, median, high };
        assert_eq!(of(&[7.0]), spread(7.0, 7.0, 7.0));
        assert_eq!(of(&[20.0, 10.0]), spread(11.0, 15.0, 19.0));
        assert_eq!(of(&[30.0, 10.0, 20.0]), spread(12.0, 20.0, 28.0));
        let eleven = (0..11).map(f64::from);
        assert_eq!(Spread::of(eleven), spread(1.0, 5.0, 9.0));
        assert_eq!(of(&[f64::INFINITY; 2]), spread(f64::INFINITY, f64::INFINITY, f64::INFINITY));
    }
}
