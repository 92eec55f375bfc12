//! What a driver implements to offer tags: versions, not an index of keys.

use crate::StoreFuture;
use crate::tag::{Tag, TagVersions};

/// The versions of tags, kept apart from the entries that bear them.
///
/// Each tag has a version, a random 64-bit number that is made when it is first asked for. An entry
/// carries the versions under which it was stored ([`Tagging`](crate::Tagging)), and every method of
/// [`Store`](crate::Store) treats it as absent where one of them is no longer its tag's. So a flush
/// costs as much as it has tags, whatever number of entries bear them, and lost versions are a miss.
///
/// - **No version of a tag is used twice**, so that nothing that was flushed comes back, however often
///   it is flushed and whatever is lost.
/// - **Tags are apart**: they are compared byte for byte, and share no names with keys and locks. Each has a
///   version of its own, which only a flush of this very tag changes.
/// - **An entry bears all of its tags**, up to [`Tag::MAX_PER_ENTRY`] of [`Tag::MAX_BYTES`] each. An empty list
///   of them is none.
pub trait TagStore: Send + Sync {
    /// The versions that `tags` have now, in their order; one that has none is given one. Read before a load,
    /// they keep what was loaded before a flush from being served after it: what is stored
    /// [as of](crate::Tagging::AsOf) flushed versions replaces what is there, or is added, and is never served.
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions>;

    /// Gives each of `tags` a new version, whether or not anything bears it; one may be named twice, and none
    /// at all is fine. When it has returned, no entry that was stored under one of the old ones is served, by
    /// any process. Several tags are not flushed in one step.
    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()>;
}
