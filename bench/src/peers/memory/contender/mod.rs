//! What is asked of everyone, and who can do it: a file for each.

mod cached;
mod cachet;
mod foyer;
mod mini_moka;
mod moka_future;
mod moka_sync;
mod ours;
mod quick;

use std::sync::Arc;

pub(super) use self::cached::Cached;
pub(super) use self::cachet::Cachet;
pub(super) use self::foyer::{FoyerCloned, FoyerHandle};
pub(super) use self::mini_moka::MiniMoka;
pub(super) use self::moka_future::MokaFuture;
pub(super) use self::moka_sync::{MokaOwnTtl, MokaSync};
pub(super) use self::ours::{Decoded, Kept};
pub(super) use self::quick::{Clocked, Quick};
use crate::fixture::User;

/// A cache of users that tasks share.
///
/// What blocks is wrapped into a future that is ready on its first poll, which the compiler sees through.
/// Keys to look up are a `String`, since `mini-moka` cannot be asked with anything else.
#[allow(clippy::ptr_arg, reason = "of one of them, the owned type is asked for")]
pub(super) trait Contender: Send + Sync + 'static {
    /// What a hit hands out.
    type Found: Found;

    fn get(&self, key: &String) -> impl Future<Output = Option<Self::Found>> + Send;

    /// Stores a value that the caller has no more use for, with a lifetime of an hour where there are any.
    fn put(&self, key: &str, user: User) -> impl Future<Output = ()> + Send;

    /// Whether there is an entry, without counting as a use of it where that can be told.
    fn holds(&self, key: &String) -> impl Future<Output = bool> + Send;

    /// Does what was put off.
    fn settle(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Reads, or else loads, in one call.
#[allow(clippy::ptr_arg, reason = "as above")]
pub(super) trait Remembers: Contender {
    /// For a key that is there: to load is a panic.
    fn remember(&self, key: &String) -> impl Future<Output = Self::Found> + Send;
}

/// What a hit hands out.
pub(super) trait Found: Send + 'static {
    /// Looks into the user, as whoever asked for it will do.
    fn id(&self) -> u64;
}

/// What a peer holds as its value.
pub(super) trait Held: Found + Clone + Sync {
    fn of(user: User) -> Self;
}

impl Found for User {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Held for User {
    fn of(user: User) -> Self {
        user
    }
}

impl Found for Arc<User> {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Held for Arc<User> {
    fn of(user: User) -> Self {
        Self::new(user)
    }
}

impl Found for Arc<[u8]> {
    fn id(&self) -> u64 {
        User::decode(self).id
    }
}

impl Held for Arc<[u8]> {
    fn of(user: User) -> Self {
        user.encode()
    }
}

#[cold]
fn unexpected_load<T>() -> T {
    panic!("every key is there")
}
