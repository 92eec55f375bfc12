//! The records of one group, case by case.

use crate::record::{Better, Group, OURS, Records};
use crate::spread::Spread;

pub(crate) struct View<'a> {
    pub(crate) group: &'a Group,
    /// In the order in which they were recorded, as are their marks.
    pub(crate) cases: Vec<Case<'a>>,
}

pub(crate) struct Case<'a> {
    pub(crate) name: &'a str,
    pub(crate) marks: Vec<Mark<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark<'a> {
    pub(crate) contender: &'a str,
    pub(crate) value: Spread,
    /// Round by round, as those of the others of its case.
    pub(crate) rounds: &'a [Option<f64>],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This project, in whatever way it is used: `cache`, `cache, for ever`.
    Ours,
    Peer,
    /// The parts beneath, which are no cache: `raw fred`.
    Raw,
}

impl Kind {
    pub(crate) fn of(contender: &str) -> Self {
        // Not every name that begins with this project's is one of its own: there are `cached` and `cachet`.
        let is_ours = contender
            .strip_prefix(OURS)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',', ':']));
        if is_ours {
            Self::Ours
        } else if contender.starts_with("raw ") {
            Self::Raw
        } else {
            Self::Peer
        }
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(group: &'a Group, records: &'a Records) -> Self {
        let mut cases: Vec<Case<'a>> = Vec::new();
        for record in records.records.iter().filter(|record| record.group == group.id) {
            let (contender, value) = (record.contender.as_str(), record.spread());
            let mark = Mark { contender, value, rounds: &record.rounds };
            match cases.iter_mut().find(|case| case.name == record.case) {
                Some(case) => case.marks.push(mark),
                None => cases.push(Case { name: &record.case, marks: vec![mark] }),
            }
        }
        Self { group, cases }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Everybody who appears, this project first, then in the order of appearance.
    pub(crate) fn contenders(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for mark in self.marks() {
            if !names.contains(&mark.contender) {
                names.push(mark.contender);
            }
        }
        names.sort_by_key(|name| match Kind::of(name) {
            Kind::Ours => 0,
            Kind::Peer => 1,
            Kind::Raw => 2,
        });
        names
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark<'a>> + Clone {
        self.cases.iter().flat_map(|case| case.marks.iter().copied())
    }
}

impl<'a> Case<'a> {
    pub(crate) fn mark(&self, contender: &str) -> Option<Mark<'a>> {
        self.marks.iter().copied().find(|mark| mark.contender == contender)
    }

    /// What peers are held against: this project's figure, under its plain name if there are several.
    pub(crate) fn ours(&self) -> Option<Mark<'a>> {
        self.mark(OURS)
            .or_else(|| self.marks.iter().copied().find(|mark| mark.kind() == Kind::Ours))
    }

    /// The best of all that are caches, where a peer is one of them.
    pub(crate) fn best(&self, better: Better) -> Option<f64> {
        if self.marks.iter().all(|mark| mark.kind() != Kind::Peer) {
            return None;
        }
        let caches = self.marks.iter().filter(|mark| mark.kind() != Kind::Raw);
        let medians = caches.map(|mark| mark.value.median);
        medians.reduce(|best, value| if better.is_ahead(value, best) { value } else { best })
    }

    /// The marks, best first; equal ones as they were recorded.
    pub(crate) fn ranked(&self, better: Better) -> Vec<Mark<'a>> {
        let mut marks = self.marks.clone();
        marks.sort_by(|one, other| {
            let (one, other) = (one.value.median, other.value.median);
            match better {
                Better::Lower => one.total_cmp(&other),
                Better::Higher => other.total_cmp(&one),
            }
        });
        marks
    }
}

impl Mark<'_> {
    pub(crate) fn kind(&self) -> Kind {
        Kind::of(self.contender)
    }
}

impl Better {
    pub(crate) fn is_ahead(self, one: f64, other: f64) -> bool {
        match self {
            Self::Lower => one < other,
            Self::Higher => one > other,
        }
    }

    /// How many times as good the one is as the other: over 1 where it is ahead.
    pub(crate) fn factor(self, one: f64, other: f64) -> f64 {
        match self {
            // Also where both are nothing.
            _ if one.total_cmp(&other).is_eq() => 1.0,
            Self::Lower => other / one,
            Self::Higher => one / other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_with_ours_need_not_be_ours() {
        for ours in ["cache", "cache, for ever", "cache (decoded)"] {
            assert_eq!(Kind::of(ours), Kind::Ours, "{ours}");
        }
        for peer in ["cached", "cachet", "moka", "rawr"] {
            assert_eq!(Kind::of(peer), Kind::Peer, "{peer}");
        }
        assert_eq!(Kind::of("raw fred"), Kind::Raw);
    }
}
