//! Where a figure lies on an axis, and where an axis is marked.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    Linear { from: f64, to: f64 },
    Log { from: f64, to: f64 },
}

/// Of one decade.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];

impl Scale {
    /// For bars, whose lengths are compared.
    pub(crate) fn from_zero(highest: f64) -> Self {
        Self::Linear { from: 0.0, to: if highest > 0.0 { highest } else { 1.0 } }
    }

    /// For dots, whose places are compared. None lies on the edge.
    pub(crate) fn around(lowest: f64, highest: f64) -> Self {
        let room = (highest - lowest).max(highest.abs() * 0.02).max(1e-9) * 0.06;
        Self::Linear { from: (lowest - room).max(0.0), to: highest + room }
    }

    /// For what spans decades, between round numbers. What is not above zero has no place on it.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let (lowest, highest) = positive
            .fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if highest <= 0.0 {
            return Self::Log { from: 1.0, to: 10.0 };
        }
        let from = rounds(lowest).rev().find(|round| *round <= lowest).unwrap_or(lowest);
        let to = rounds(highest).find(|round| *round >= highest).unwrap_or(highest);
        Self::Log { from, to: if to > from { to } else { from * 10.0 } }
    }

    /// From 0 at the beginning of the axis to 1 at its end.
    pub(crate) fn at(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { from, to } => (value - from) / (to - from),
            Self::Log { from, to } => (value / from).ln() / (to / from).ln(),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    pub(crate) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { from, to } => {
                let step = step_of(to - from);
                let first = (from / step).ceil();
                let steps = (0..=10_u32).map(|n| (first + f64::from(n)) * step);
                steps.take_while(|tick| *tick <= to + step * 1e-6).collect()
            }
            Self::Log { from, to } => {
                let decades = (to / from).log10();
                let within = |tick: &f64| *tick >= from * 0.999 && *tick <= to * 1.001;
                let all = rounds_between(from, to);
                // Between few decades there is room for 2 and 5.
                let kept =
                    all.filter(|(_, round)| decades < 2.5 || round.to_bits() == 1.0_f64.to_bits());
                kept.map(|(tick, _)| tick).filter(within).collect()
            }
        }
    }
}

/// A round step, of which some four to six make the span.
fn step_of(span: f64) -> f64 {
    let rough = span / 5.0;
    let decade = 10.0_f64.powf(rough.log10().floor());
    ROUND
        .into_iter()
        .map(|round| round * decade)
        .find(|step| *step >= rough)
        .unwrap_or(decade * 10.0)
}

/// Round numbers from a decade below to a decade above.
fn rounds(value: f64) -> impl DoubleEndedIterator<Item = f64> {
    let decade = value.log10().floor();
    (-1..=1).flat_map(move |n| {
        let base = 10.0_f64.powf(decade + f64::from(n));
        ROUND.into_iter().map(move |round| round * base)
    })
}

/// Round numbers of each decade, with what they are in theirs.
fn rounds_between(from: f64, to: f64) -> impl Iterator<Item = (f64, f64)> {
    let (first, last) = (from.log10().floor(), to.log10().ceil());
    let decades = (0..=30_u32).map(move |n| first + f64::from(n)).take_while(move |at| *at <= last);
    decades.flat_map(|decade| {
        ROUND.into_iter().map(move |round| (round * 10.0_f64.powf(decade), round))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn each_decade_of_a_log_scale_is_as_long() {
        let scale = Scale::log([100.0, 1e6]);
        for (value, place) in [(1e2, 0.0), (1e3, 0.25), (1e4, 0.5), (1e5, 0.75), (1e6, 1.0)] {
            assert!(is_near(scale.at(value), place), "{value}: {}", scale.at(value));
        }
        assert_eq!(scale.ticks().len(), 5);
    }

    #[test]
    fn a_log_scale_begins_and_ends_at_round_numbers() {
        let Scale::Log { from, to } = Scale::log([37.0, 0.0, 410.0]) else { panic!("it is one") };
        assert!(is_near(from, 20.0) && is_near(to, 500.0), "{from}–{to}");
        let ticks = Scale::log([37.0, 410.0]).ticks();
        assert!(ticks.iter().zip([20.0, 50.0, 100.0, 200.0, 500.0]).all(|(a, b)| is_near(*a, b)));
    }

    #[test]
    fn what_has_no_logarithm_lies_at_the_beginning() {
        for scale in [Scale::log([0.0]), Scale::log([1.0, 100.0])] {
            assert!(is_near(scale.at(0.0), 0.0));
        }
    }

    #[test]
    fn a_linear_scale_is_marked_at_round_numbers() {
        assert_eq!(Scale::from_zero(230.0).ticks(), [0.0, 50.0, 100.0, 150.0, 200.0]);
        let around = Scale::around(0.61, 0.66);
        assert!(around.ticks().iter().zip([0.62, 0.64, 0.66]).all(|(a, b)| is_near(*a, b)));
        assert!(around.at(0.61) > 0.02 && around.at(0.66) < 0.98);
    }

    #[test]
    fn one_figure_alone_has_a_scale() {
        for scale in [Scale::around(0.5, 0.5), Scale::log([7.0]), Scale::from_zero(0.0)] {
            assert!(scale.at(0.5).is_finite(), "{scale:?}");
            assert!(!scale.ticks().is_empty(), "{scale:?}");
        }
    }
}
