//! What was measured beside peers, as a run leaves it behind.

use serde::{Deserialize, Serialize};

use crate::spread::Spread;

/// One table of the report, and one chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Names it in files and links: `memory-get`.
    pub id: String,
    /// What was done, as a reader knows it.
    pub title: String,
    /// What the figures count.
    pub unit: Unit,
    /// Which of two figures wins.
    pub better: Better,
    /// What a sceptic has to know: what each contender does, and what it leaves out.
    pub note: String,
}

/// What figures count. A reader sees whatever multiple of it fits: 1,500 ns may become 1.50 µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Time.
    Nanoseconds,
    /// Time.
    Microseconds,
    /// Time.
    Milliseconds,
    /// Operations in a second.
    PerSecond,
    /// Of memory.
    Bytes,
    /// Of whatever the title says.
    Count,
    /// Of one, shown as a percentage.
    Share,
}

/// Which figure wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Better {
    /// The lower one, as of time.
    Lower,
    /// The higher one, as of hits.
    Higher,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The [`id`](Group::id) of its group.
    pub group: String,
    /// Under which condition: `2 tasks`, `64 in flight`, `10,000 members`. In the order in which they are recorded.
    pub case: String,
    /// Who: [`OURS`], a peer, or what begins with `raw ` and is no cache.
    pub contender: String,
    /// Round by round, in an order that all contenders of a case share; `None` for one that brought no figure.
    pub rounds: Vec<Option<f64>>,
}

impl Record {
    /// Over the rounds, of which one at least brought a figure.
    pub fn spread(&self) -> Spread {
        Spread::of(self.rounds.iter().flatten().copied())
    }
}

/// All of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    /// The machine, the versions, the commit, the effort: lines of a name and a value.
    pub head: Vec<(String, String)>,
    /// In the order of the report.
    pub groups: Vec<Group>,
    /// In the order in which they were measured.
    pub records: Vec<Record>,
}

/// The name of this project among contenders.
pub const OURS: &str = "cache";

impl Records {
    /// Begins a group. What is added afterwards names it.
    ///
    /// # Panics
    ///
    /// Where there is one by this name already.
    pub fn group(&mut self, group: Group) {
        assert!(
            self.groups.iter().all(|known| known.id != group.id),
            "the group {:?} is recorded twice",
            group.id
        );
        self.groups.push(group);
    }

    /// Adds to a group what a contender has reached, round by round. If no round brought a figure there is no record.
    ///
    /// # Panics
    ///
    /// Where there is no such group.
    pub fn add(
        &mut self,
        group: &str,
        case: &str,
        contender: &str,
        rounds: impl IntoIterator<Item = impl Into<Option<f64>>>,
    ) {
        assert!(self.groups.iter().any(|known| known.id == group), "no group is called {group:?}");
        let rounds: Vec<Option<f64>> = rounds.into_iter().map(Into::into).collect();
        if rounds.iter().all(Option::is_none) {
            return;
        }
        self.records.push(Record {
            group: group.to_owned(),
            case: case.to_owned(),
            contender: contender.to_owned(),
            rounds,
        });
    }
}
