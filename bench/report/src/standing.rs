//! Where others are ahead of this project, and whether that is more than chance would bring.

use crate::lead::Lead;
use crate::record::Group;
use crate::view::{Kind, Mark, View};

/// How this project stands beside others of a kind.
#[derive(Default)]
pub(crate) struct Standing<'a> {
    /// How often one was held against this project.
    pub(crate) compared: usize,
    /// Ahead in more rounds than chance would bring, in the order of the records.
    pub(crate) certain: Vec<Win<'a>>,
    /// Ahead in the middle of all rounds, but not in so many of them.
    pub(crate) open: Vec<Win<'a>>,
}

pub(crate) struct Win<'a> {
    pub(crate) group: &'a Group,
    pub(crate) case: &'a str,
    pub(crate) other: Mark<'a>,
    pub(crate) ours: Mark<'a>,
    pub(crate) lead: Lead,
}

impl<'a> Standing<'a> {
    /// Beside all of a kind.
    pub(crate) fn beside(kind: Kind, views: &[View<'a>]) -> Self {
        let mut standing = Self::default();
        for view in views {
            for case in &view.cases {
                let Some(ours) = case.ours() else { continue };
                let group = view.group;
                for other in case.ranked(group.better) {
                    if other.kind() == kind {
                        let lead = Lead::of(other.rounds, ours.rounds, group);
                        standing.add(Win { group, case: case.name, other, ours, lead });
                    }
                }
            }
        }
        standing
    }

    fn add(&mut self, comparison: Win<'a>) {
        self.compared += 1;
        if comparison.lead.is_certain() {
            self.certain.push(comparison);
        } else if comparison.lead.is_there() {
            self.open.push(comparison);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Better, OURS, Records};
    use crate::sample::group;

    fn standing_of(kind: Kind, figures: &[(&str, [f64; 6])]) -> (usize, usize, usize) {
        let mut records = Records::default();
        records.group(group("g", Better::Lower));
        for (contender, figures) in figures {
            records.add("g", "1 task", contender, *figures);
        }
        let views = [View::new(&records.groups[0], &records)];
        let standing = Standing::beside(kind, &views);
        (standing.compared, standing.certain.len(), standing.open.len())
    }

    #[test]
    fn each_is_certain_open_or_behind() {
        let figures = [
            (OURS, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]),
            ("moka", [9.0, 19.0, 28.0, 39.0, 49.0, 58.0]),
            ("foyer", [9.0, 18.0, 28.0, 36.0, 51.0, 61.0]),
            ("cached", [11.0, 21.0, 31.0, 41.0, 51.0, 61.0]),
            ("raw table", [1.0; 6]),
            ("cache, for ever", [2.0; 6]),
        ];
        assert_eq!(standing_of(Kind::Peer, &figures), (3, 1, 1));
        assert_eq!(standing_of(Kind::Raw, &figures), (1, 1, 0));
    }

    #[test]
    fn where_we_were_not_measured_nobody_wins() {
        assert_eq!(standing_of(Kind::Peer, &[("moka", [1.0; 6])]), (0, 0, 0));
    }
}
