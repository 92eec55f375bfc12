//! Where a peer is ahead of this project, and whether that is more than the rounds differ among themselves.

use crate::record::{Better, Group};
use crate::view::{Kind, Mark, View};

/// How this project stands beside its peers. Raw parts are no peers: they do less.
#[derive(Default)]
pub(crate) struct Standing<'a> {
    /// How often a peer was held against this project.
    pub(crate) compared: usize,
    /// Ahead by more than both spreads, in the order of the records.
    pub(crate) beyond: Vec<Win<'a>>,
    /// Ahead by the median, while the spreads overlap.
    pub(crate) within: Vec<Win<'a>>,
}

pub(crate) struct Win<'a> {
    pub(crate) group: &'a Group,
    pub(crate) case: &'a str,
    pub(crate) peer: Mark<'a>,
    pub(crate) ours: Mark<'a>,
}

impl<'a> Standing<'a> {
    pub(crate) fn of(views: &[View<'a>]) -> Self {
        let mut standing = Self::default();
        for view in views {
            for case in &view.cases {
                let Some(ours) = case.ours() else { continue };
                let group = view.group;
                for mark in case.ranked(group.better) {
                    if mark.kind() == Kind::Peer {
                        standing.add(Win { group, case: case.name, peer: mark, ours });
                    }
                }
            }
        }
        standing
    }

    fn add(&mut self, comparison: Win<'a>) {
        self.compared += 1;
        if comparison.is_beyond_spreads() {
            self.beyond.push(comparison);
        } else if comparison.is_ahead() {
            self.within.push(comparison);
        }
    }
}

impl Win<'_> {
    fn is_ahead(&self) -> bool {
        self.group.better.is_ahead(self.peer.value.median, self.ours.value.median)
    }

    /// The peer's worst is better than our best.
    fn is_beyond_spreads(&self) -> bool {
        let (peer, ours) = (self.peer.value, self.ours.value);
        match self.group.better {
            Better::Lower => peer.high < ours.low,
            Better::Higher => peer.low > ours.high,
        }
    }

    pub(crate) fn factor(&self) -> f64 {
        self.group.better.factor(self.peer.value.median, self.ours.value.median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{OURS, Records};
    use crate::sample::{group, spread};

    fn standing_of(better: Better, figures: &[(&str, [f64; 3])]) -> (usize, usize, usize) {
        let mut records = Records::default();
        records.group(group("g", better));
        for (contender, figure) in figures {
            records.add("g", "1 task", contender, spread(*figure));
        }
        let views = [View::new(&records.groups[0], &records)];
        let standing = Standing::of(&views);
        (standing.compared, standing.beyond.len(), standing.within.len())
    }

    #[test]
    fn a_peer_wins_beyond_both_spreads_only() {
        let ours = (OURS, [9.0, 10.0, 11.0]);
        let clear = ("moka", [7.0, 8.0, 8.9]);
        let overlapping = ("foyer", [7.0, 8.0, 9.1]);
        let behind = ("cached", [11.0, 12.0, 13.0]);
        let figures = [ours, clear, overlapping, behind];
        assert_eq!(standing_of(Better::Lower, &figures), (3, 1, 1));
        // Of throughput, the one that is behind in time is ahead, and touches our spread.
        assert_eq!(standing_of(Better::Higher, &figures), (3, 0, 1));
    }

    #[test]
    fn raw_parts_and_ways_of_our_own_are_no_peers() {
        let figures =
            [(OURS, [9.0; 3]), ("raw quick_cache", [1.0; 3]), ("cache, for ever", [2.0; 3])];
        assert_eq!(standing_of(Better::Lower, &figures), (0, 0, 0));
    }

    #[test]
    fn where_we_were_not_measured_nobody_wins() {
        assert_eq!(standing_of(Better::Lower, &[("moka", [1.0; 3])]), (0, 0, 0));
    }
}
