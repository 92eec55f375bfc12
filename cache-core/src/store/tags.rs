//! What a driver implements to offer tags: versions, not an index of keys.

use crate::StoreFuture;
use crate::tag::{Tag, TagVersions};

/// The versions of tags, kept apart from the entries that bear them.
///
/// Each tag has a version, a random 64-bit number that is made when it is first asked for. An entry
/// carries the versions under which it was stored ([`Tagging`](crate::Tagging)), and every method of
/// [`Store`](crate::Store) treats it as absent where one of them is no longer its tag's. So a flush
/// costs as much as it has tags, whatever number of entries bear them, and lost versions are a miss.
pub trait TagStore: Send + Sync {
    /// The versions that `tags` have now; one that has none is given one. Read before a load, they
    /// keep what was loaded before a flush from being served after it.
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions>;

    /// Gives each of `tags` a new version. When it has returned, no entry that was stored under one of
    /// the old ones is served, by any process.
    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()>;
}
