//! Numbers as a person reads them: in a unit that fits, with three digits that count.

use crate::record::Unit;
use crate::spread::Spread;

/// How the figures of one table are written: all in one unit, unless they lie too far apart.
pub(crate) struct Figures {
    unit: Unit,
    common: Option<Step>,
}

/// A unit, and how much of the recorded one it is.
#[derive(Clone, Copy)]
struct Step {
    size: f64,
    name: &'static str,
}

/// A number of more digits is not read, but counted.
const TOO_LONG: f64 = 1e5;
/// Of a unit that is larger than this, too little is left.
const TOO_SMALL: f64 = 0.1;

impl Figures {
    pub(crate) fn new(unit: Unit, medians: impl IntoIterator<Item = f64>) -> Self {
        let (lowest, highest) = medians
            .into_iter()
            .filter(|value| *value > 0.0)
            .fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        // The one that fits the middle, unless it is too large for the lowest.
        let fitting = step_of(unit, lowest.sqrt() * highest.sqrt());
        let step = if lowest / fitting.size >= TOO_SMALL { fitting } else { step_of(unit, lowest) };
        Self { unit, common: (highest / step.size < TOO_LONG).then_some(step) }
    }

    /// What all are given in, if there is one and it has a name.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        self.common.map(|step| step.name).filter(|name| !name.is_empty())
    }

    /// With its unit: `1,234 ns`.
    pub(crate) fn value(&self, value: f64) -> String {
        let step = self.step(value);
        step.with_unit(&self.digits(value, step, value))
    }

    /// A place on an axis: `50 ns`, without decimals that say nothing.
    pub(crate) fn tick(&self, value: f64) -> String {
        // Of an axis without a common unit, each tick has the one that fits it.
        let step = self.step(value);
        let text = format!("{:.2}", value / step.size);
        step.with_unit(&grouped(text.trim_end_matches('0').trim_end_matches('.')))
    }

    /// The median, and in brackets the percentiles if they differ from it. The unit only where it is not common.
    pub(crate) fn spread(&self, spread: Spread) -> (String, Option<String>) {
        let step = self.step(spread.median);
        let digits = |value| self.digits(value, step, spread.median);
        let median = match self.common {
            Some(_) => digits(spread.median),
            None => step.with_unit(&digits(spread.median)),
        };
        let (low, high) = (digits(spread.low), digits(spread.high));
        let range = (low != high).then(|| format!("({low}–{high})"));
        (median, range)
    }

    fn step(&self, value: f64) -> Step {
        self.common.unwrap_or_else(|| step_of(self.unit, value))
    }

    /// With as many decimals as `like` has.
    fn digits(&self, value: f64, step: Step, like: f64) -> String {
        let decimals = match (self.unit, like / step.size) {
            (Unit::Share, _) => 1,
            (Unit::Count, like) if like.fract().abs() < 1e-9 => 0,
            (_, like) => decimals_of(like),
        };
        grouped(&format!("{:.decimals$}", value / step.size))
    }
}

impl Step {
    fn with_unit(self, digits: &str) -> String {
        // `12 k/s`, but `12/s`.
        let space = if self.name.is_empty() || self.name.starts_with('/') { "" } else { " " };
        format!("{digits}{space}{}", self.name)
    }
}

/// The largest unit of which there is at least one.
fn step_of(unit: Unit, value: f64) -> Step {
    const TIMES: &[(f64, &str)] = &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")];
    let (recorded, steps): (f64, &[(f64, &'static str)]) = match unit {
        Unit::Nanoseconds => (1.0, TIMES),
        Unit::Microseconds => (1e3, TIMES),
        Unit::Milliseconds => (1e6, TIMES),
        Unit::PerSecond => (1.0, &[(1.0, "/s"), (1e3, "k/s"), (1e6, "M/s")]),
        Unit::Bytes => (1.0, &[(1.0, "B"), (1024.0, "KiB"), (1_048_576.0, "MiB")]),
        Unit::Share => (1.0, &[(0.01, "%")]),
        Unit::Count => (1.0, &[(1.0, ""), (1e3, "k"), (1e6, "M")]),
    };
    let fitting = steps.iter().rev().find(|(size, _)| value * recorded >= *size);
    let (size, name) = fitting.copied().unwrap_or(steps[0]);
    Step { size: size / recorded, name }
}

/// How many times as much: `1.43×`, `588×`.
pub(crate) fn multiple(factor: f64) -> String {
    // A third decimal only where there would be next to nothing without it.
    let decimals = if factor < 0.0995 { 3 } else { decimals_of(factor).min(2) };
    format!("{}×", grouped(&format!("{factor:.decimals$}")))
}

/// As many as make three digits with those before the point.
fn decimals_of(value: f64) -> usize {
    match value {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        value if value >= 0.9995 => 2,
        _ => 3,
    }
}

/// With commas between thousands.
pub(crate) fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let follow = whole.len() - at;
        if at > 0 && follow.is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_serves_a_table_unless_its_figures_lie_far_apart() {
        let near = Figures::new(Unit::Nanoseconds, [42.0, 12_345.0]);
        assert_eq!(near.unit(), Some("ns"));
        assert_eq!([42.0, 12_345.0].map(|value| near.value(value)), ["42.0 ns", "12,345 ns"]);
        let far = Figures::new(Unit::Nanoseconds, [420.0, 1.5e9]);
        assert_eq!(far.unit(), None);
        assert_eq!([420.0, 1.5e9].map(|value| far.value(value)), ["420 ns", "1.50 s"]);
    }

    #[test]
    fn units_fit_what_is_measured() {
        let shown = |unit, value| Figures::new(unit, [value]).value(value);
        assert_eq!(shown(Unit::PerSecond, 123_456.0), "123 k/s");
        let figures = Figures::new(Unit::PerSecond, [9e5, 9.3e6]);
        assert_eq!([9e5, 9.3e6].map(|value| figures.value(value)), ["0.900 M/s", "9.30 M/s"]);
        assert_eq!(shown(Unit::PerSecond, 12.0), "12.0/s");
        assert_eq!(shown(Unit::Milliseconds, 0.25), "250 µs");
        assert_eq!(shown(Unit::Share, 0.6123), "61.2 %");
        assert_eq!(shown(Unit::Bytes, 1536.0), "1.50 KiB");
        assert_eq!([3.0, 1.5].map(|value| shown(Unit::Count, value)), ["3", "1.50"]);
    }

    #[test]
    fn multiples_have_few_digits() {
        let shown = [1.4321, 0.5, 0.0021, 12.59, 1435.4].map(multiple);
        assert_eq!(shown, ["1.43×", "0.50×", "0.002×", "12.6×", "1,435×"]);
    }

    #[test]
    fn a_spread_without_width_has_no_brackets() {
        let figures = Figures::new(Unit::Nanoseconds, [42.0]);
        let spread = |low, median, high| figures.spread(Spread { low, median, high });
        assert_eq!(spread(40.0, 42.0, 45.5), ("42.0".into(), Some("(40.0–45.5)".into())));
        assert_eq!(spread(42.0, 42.0, 42.0), ("42.0".into(), None));
    }

    #[test]
    fn ticks_have_no_decimals_that_say_nothing() {
        let figures = Figures::new(Unit::Nanoseconds, [1500.0]);
        assert_eq!([0.0, 500.0, 2000.0].map(|at| figures.tick(at)), ["0 µs", "0.5 µs", "2 µs"]);
    }
}
