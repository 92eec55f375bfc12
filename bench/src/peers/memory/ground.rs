//! The fixture, as tasks share it, and the part of it that one task has in one round.

use std::ops::Range;
use std::sync::Arc;

use crate::fixture::{Fixture, KEYS, User};

/// Keys, values and the order of access. Tasks own what they use, so that this is a copy.
pub(super) struct Ground {
    keys: Vec<String>,
    absent: Vec<String>,
    users: Vec<User>,
    order: Vec<u32>,
}

impl Ground {
    pub(super) fn new(fixture: &Fixture) -> Self {
        let (keys, users) =
            fixture.entries().map(|(key, user)| (key.to_owned(), user.clone())).unzip();
        Self {
            keys,
            // As long as the others.
            absent: (500_000..500_000 + KEYS).map(|n| format!("user:{n}")).collect(),
            users,
            order: fixture.order().to_vec(),
        }
    }

    /// Every key with its value.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&String, &User)> {
        self.keys.iter().zip(&self.users)
    }

    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The part of the order that a task goes through in a round, `length` accesses. No two tasks of a
    /// round have the same, nor has one task in two rounds that follow each other.
    pub(super) fn part(
        self: &Arc<Self>,
        round: usize,
        task: usize,
        length: usize,
        crowded: bool,
    ) -> Part {
        let parts = self.order.len() / length;
        let from = (round * 5 + task) % parts * length;
        let ground = Arc::clone(self);
        Part { ground, task, range: from..from + length, fresh: Vec::new(), crowded }
    }
}

/// What one task does in one round.
pub(super) struct Part {
    ground: Arc<Ground>,
    /// The number of the task among those of its round.
    pub(super) task: usize,
    range: Range<usize>,
    /// Values that the task has made for itself before its time was taken, for its puts.
    pub(super) fresh: Vec<User>,
    /// Whether there are more tasks than threads, so that they have to take turns.
    pub(super) crowded: bool,
}

impl Part {
    /// Makes a value for each access whose number is a multiple of `every`.
    pub(super) fn bring(mut self, every: Option<usize>) -> Self {
        if let Some(every) = every {
            let due = self.indices().iter().step_by(every);
            self.fresh = due.map(|index| self.ground.users[*index as usize].clone()).collect();
        }
        self
    }

    pub(super) fn indices(&self) -> &[u32] {
        &self.ground.order[self.range.clone()]
    }

    pub(super) fn key(&self, index: u32) -> &String {
        &self.ground.keys[index as usize]
    }

    /// A key that nobody holds.
    pub(super) fn absent(&self, index: u32) -> &String {
        &self.ground.absent[index as usize]
    }
}
