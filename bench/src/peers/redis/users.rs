//! The users that everybody stores, by their ids.

use crate::fixture::{Fixture, User};

/// Of the keys of the fixture, those that are on the server.
pub(crate) const USERS: u32 = 10_000;

pub(crate) struct Users(Vec<User>);

impl Users {
    pub(crate) fn of(fixture: &Fixture) -> Self {
        Self((0..USERS).map(|index| fixture.user(index).clone()).collect())
    }

    /// Numbers that follow one another lead to users that lie far apart, so that no two tasks go along together.
    pub(crate) fn at(&self, number: u32) -> &User {
        let all = self.0.len();
        &self.0[number.wrapping_mul(7_919) as usize % all]
    }

    /// So many who follow one another.
    pub(crate) fn some(&self, number: u32, count: usize) -> &[User] {
        let start = number.wrapping_mul(7_919) as usize % (self.0.len() - count);
        &self.0[start..start + count]
    }

    pub(crate) fn all(&self) -> &[User] {
        &self.0
    }
}
