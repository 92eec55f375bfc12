//! What was measured beside peers, kept for the report: `report/` makes tables and charts of it.

use serde::{Deserialize, Serialize};

use crate::spread::Spread;

/// One table of the report, and one chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Names it in files and links: `memory-get`.
    pub(crate) id: String,
    /// What was done, as a reader knows it.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
    /// What a sceptic has to know: what each contender does, and what it leaves out.
    pub(crate) note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    PerSecond,
    Bytes,
    /// Of one, shown as a percentage.
    Share,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) group: String,
    /// Under which condition: `2 tasks`, `64 in flight`, `10,000 members`. In the order in which they are recorded.
    pub(crate) case: String,
    pub(crate) contender: String,
    pub(crate) value: Spread,
}

/// All of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names, reason = "what is recorded are records")]
pub(crate) struct Records {
    /// The machine, the versions, the commit, the effort: lines of a name and a value.
    pub(crate) head: Vec<(String, String)>,
    pub(crate) groups: Vec<Group>,
    pub(crate) records: Vec<Record>,
}

/// The name of this project among contenders.
pub(crate) const OURS: &str = "cache";

impl Records {
    /// Begins a group. What is added afterwards names it.
    pub(crate) fn group(&mut self, group: Group) {
        assert!(
            self.groups.iter().all(|known| known.id != group.id),
            "the group {:?} is recorded twice",
            group.id
        );
        self.groups.push(group);
    }

    pub(crate) fn add(&mut self, group: &str, case: &str, contender: &str, value: Spread) {
        assert!(self.groups.iter().any(|known| known.id == group), "no group is called {group:?}");
        self.records.push(Record {
            group: group.to_owned(),
            case: case.to_owned(),
            contender: contender.to_owned(),
            value,
        });
    }
}
