//! What a driver implements to offer locks: leases that are compared by owner, in one step.

use std::fmt;
use std::time::Duration;

use crate::{Key, StoreFuture};

/// Leases on names, kept apart from the entries and untouched by a flush.
pub trait LockStore: Send + Sync {
    /// Takes the lease on `name` for `owner` if nobody holds it. Never waits. If `owner` holds it already, the lease
    /// begins anew, under another fence: so an attempt of which the answer was lost can be repeated.
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition>;

    /// Has the lease end `lease` from now, be that later or earlier. `false`, and nothing changed, unless `owner` holds it.
    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool>;

    /// Ends the lease and tells who waits for it: all of them, or one. `false`, and the lease of another is unchanged,
    /// unless `owner` holds it. Where nobody does, a store that tells one at a time tells the next one.
    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool>;

    /// Resolves when the lease on `name` may have ended: at a release, or at a deadline that the store
    /// knows of. A lease may come to end earlier meanwhile, renewed or begun anew: then it resolves within some seconds
    /// of that end. It may resolve too early, never not at all. An error tells that the store cannot know; whoever tries
    /// again then does so after a pause.
    ///
    /// Of one release a store may tell one waiter, and count on it: who was told either tries to acquire the lock, until
    /// there is an answer, or calls [`release`](Self::release), with any owner, so that the next one is told. The store
    /// does so for a future that is dropped before it has resolved, and sees to it that the others learn in the end of a
    /// lock that is free though nobody does either.
    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()>;

    /// Who holds `name`, and for how long; for operators.
    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>>;

    /// Ends whatever lease there is on `name`; for operators. Returns whether there was one.
    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool>;
}

/// Who acquired a lock: a random number, of one acquisition.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(pub u128);

/// A number greater than that of every acquisition of the same name before: what a resource compares
/// to refuse a holder whose lease has ended.
///
/// On every store it is about the time in microseconds since 1970, so that it also grows where a service goes from one
/// store to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// What became of an attempt to acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquisition {
    /// The lease is the caller's.
    Acquired(Fence),
    /// Somebody else's lease has this long left.
    Held(Duration),
}

/// A lease that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockState {
    /// Who holds it.
    pub owner: Owner,
    /// For how long, unless it is renewed.
    pub left: Duration,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", self.0)
    }
}
