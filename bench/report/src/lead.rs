//! By how much one contender is ahead of another, round by round: what disturbs a machine for longer than a round
//! disturbs both, and goes out of the comparison.
//!
//! Whether a lead is more than chance is told by the sign test (Arbuthnot 1710; W. J. Conover, Practical Nonparametric
//! Statistics, 3.4), which takes nothing for granted of how figures scatter, but that one round tells nothing of the next.

use crate::record::{Better, Group, Unit};
use crate::spread::Spread;

/// Chance brings as much in fewer than one comparison of twenty.
const CHANCE: f64 = 0.05;

/// Of so few rounds the test can tell nothing.
const FEW: usize = 5;

/// What no figure of a report shows is a draw.
const DRAW_FACTOR: f64 = 1.005;
const DRAW_SHARE: f64 = 0.000_5;

/// Of the first of two contenders before the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead {
    /// How many times as good the first is: over 1 where it is ahead.
    pub(crate) factor: f64,
    /// How much lies between them: over 0 where the first is ahead.
    pub(crate) distance: f64,
    /// The rounds in which it is ahead.
    pub(crate) ahead: usize,
    /// Those that are no draw.
    pub(crate) decided: usize,
    unit: Unit,
}

impl Lead {
    pub(crate) fn of(one: &[Option<f64>], other: &[Option<f64>], group: &Group) -> Self {
        let pairs: Vec<_> =
            one.iter().zip(other).filter_map(|(one, other)| Some(((*one)?, (*other)?))).collect();
        let median = |of: &dyn Fn(f64, f64) -> f64| {
            let values = pairs.iter().map(|(one, other)| of(*one, *other));
            if pairs.is_empty() { f64::NAN } else { Spread::of(values).median }
        };
        let ahead = pairs.iter().filter(|(one, other)| group.better.is_ahead(*one, *other)).count();
        Self {
            factor: median(&|one, other| group.better.factor(one, other)),
            distance: median(&|one, other| match group.better {
                Better::Lower => other - one,
                Better::Higher => one - other,
            }),
            ahead,
            decided: pairs.iter().filter(|(one, other)| one.total_cmp(other).is_ne()).count(),
            unit: group.unit,
        }
    }

    /// In the middle of all rounds.
    pub(crate) fn is_there(&self) -> bool {
        match self.unit {
            Unit::Share => self.distance >= DRAW_SHARE,
            _ => self.factor >= DRAW_FACTOR,
        }
    }

    /// And in more of them than chance would bring.
    pub(crate) fn is_certain(&self) -> bool {
        self.is_there()
            && match self.decided {
                ..FEW => self.ahead == self.decided,
                _ => at_least(self.ahead, self.decided) <= CHANCE,
            }
    }
}

/// How likely so many of all tosses of a coin, or more, are heads.
fn at_least(heads: usize, tosses: usize) -> f64 {
    // How likely each number of heads is, toss by toss.
    let mut likely = vec![0.0; tosses + 1];
    likely[0] = 1.0;
    for _ in 0..tosses {
        for at in (1..=tosses).rev() {
            likely[at] = f64::midpoint(likely[at], likely[at - 1]);
        }
        likely[0] /= 2.0;
    }
    likely[heads..].iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::group;

    fn lead(better: Better, one: &[f64], other: &[f64]) -> Lead {
        let some = |rounds: &[f64]| rounds.iter().copied().map(Some).collect::<Vec<_>>();
        Lead::of(&some(one), &some(other), &group("g", better))
    }

    #[test]
    fn rounds_are_compared_each_with_its_own() {
        // The machine is twice as slow in every other round.
        let (one, other) = ([9.0, 18.0, 9.0, 18.0, 9.0], [10.0, 20.0, 10.0, 20.0, 10.0]);
        let ahead = lead(Better::Lower, &one, &other);
        assert_eq!((ahead.ahead, ahead.decided), (5, 5));
        assert!(ahead.is_certain() && (ahead.factor - 10.0 / 9.0).abs() < 1e-9, "{ahead:?}");
        let behind = lead(Better::Higher, &one, &other);
        assert!(!behind.is_there() && behind.ahead == 0, "{behind:?}");
    }

    #[test]
    fn a_lead_that_changes_is_not_certain() {
        let ours = [10.0; 12];
        let mut theirs = [9.0; 12];
        theirs[..3].fill(11.0);
        let nine = lead(Better::Lower, &theirs, &ours);
        assert!(nine.is_there() && !nine.is_certain(), "{nine:?}");
        theirs[2] = 9.0;
        assert!(lead(Better::Lower, &theirs, &ours).is_certain());
    }

    #[test]
    fn of_few_rounds_all_have_to_be_ahead() {
        assert!(lead(Better::Lower, &[1.0], &[2.0]).is_certain());
        assert!(!lead(Better::Lower, &[1.0, 1.0, 3.0], &[2.0, 2.0, 2.0]).is_certain());
    }

    #[test]
    fn what_no_figure_shows_is_a_draw() {
        assert!(!lead(Better::Lower, &[1.0], &[1.004]).is_there());
        let mut share = group("g", Better::Higher);
        share.unit = Unit::Share;
        assert!(!Lead::of(&[Some(0.4784)], &[Some(0.478)], &share).is_there());
        assert!(Lead::of(&[Some(0.4786)], &[Some(0.478)], &share).is_certain());
    }

    #[test]
    fn a_round_that_one_of_both_has_not_ended_is_left_out() {
        let group = group("g", Better::Lower);
        let lead = Lead::of(&[None, Some(1.0)], &[Some(0.5), Some(2.0)], &group);
        assert_eq!((lead.ahead, lead.decided), (1, 1));
        let none = Lead::of(&[None], &[Some(1.0)], &group);
        assert!(!none.is_there() && !none.is_certain());
    }

    #[test]
    fn who_took_no_time_is_ahead_of_whoever_took_some() {
        assert!(lead(Better::Lower, &[0.0; 6], &[1.0; 6]).is_certain());
        assert!(!lead(Better::Lower, &[0.0; 6], &[0.0; 6]).is_there());
    }

    #[test]
    fn coins_fall_as_they_do() {
        assert!((at_least(0, 7) - 1.0).abs() < 1e-12);
        assert!((at_least(5, 5) - 1.0 / 32.0).abs() < 1e-12);
        assert!((at_least(2, 3) - 0.5).abs() < 1e-12);
    }
}
