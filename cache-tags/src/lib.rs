//! Tags for `cache`: what is stored under a tag can be invalidated together.
//!
//! ```
//! use cache_memory::{Cache, MemoryStore};
//! use cache_tags::Tags;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cache_core::Error> {
//! let cache = Cache::new(MemoryStore::new());
//! cache.tags(["users", "active"]).put("user:123", "John", "1h").await?;
//! assert_eq!(cache.get::<String>("user:123").await?.as_deref(), Some("John"));
//!
//! cache.tags(["users"]).flush().await?;
//! assert_eq!(cache.get::<String>("user:123").await?, None);
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! - After [`flush`](TaggedCache::flush) has returned, **no process serves what was stored under one of the tags
//!   before it began**: neither an entry, nor one that a [`remember`](TaggedCache::remember) was loading at the time.
//! - A flush costs as much as there are tags in the call, **whatever number of entries bear them**: each tag has a
//!   version, an entry carries those that it was stored under, and is served only while they are current. There is
//!   no index of keys per tag that could grow, leak members or race with writes.
//! - What is lost, of an entry or of a tag's version, is a miss. **Nothing comes back.**
//! - A tag belongs to what was stored, not to the key: the next put of a key replaces its tags, and one
//!   [without tags](cache_core::Cache::put) leaves it with none.
//!
//! Tags matter where something is stored. A key is read by its name alone: `cache.get("user:123")` finds what
//! `cache.tags(["users"])` has put there.
//!
//! A tag is 1 to 4,096 bytes of any UTF-8, an entry bears at most 255, and one flush takes no more; else
//! [`InvalidTag`](cache_core::ErrorKind::InvalidTag). Tags that are named twice count once. No tags at all is as
//! [`Cache`] itself writes.

mod set;
mod tagged;

use cache_core::Cache;
pub use tagged::TaggedCache;

use crate::set::TagSet;

/// `cache.tags([…])`, for a [`Cache`].
pub trait Tags {
    /// This cache, with everything that it stores under `tags`. What is wrong with a tag is told by each operation
    /// that stores or flushes.
    ///
    /// Cost: an allocation for each tag. A `TaggedCache` may be kept and cloned; and it has to be where a future of it
    /// is not awaited at once:
    ///
    /// ```
    /// # use cache_tags::Tags;
    /// # async fn demo(cache: cache_core::Cache) -> Result<(), cache_core::Error> {
    /// let users = cache.tags(["users"]);
    /// let storing = users.put("user:1", "John", "1h");
    /// storing.await
    /// # }
    /// ```
    fn tags<T: AsRef<str>>(&self, tags: impl IntoIterator<Item = T>) -> TaggedCache;
}

impl Tags for Cache {
    fn tags<T: AsRef<str>>(&self, tags: impl IntoIterator<Item = T>) -> TaggedCache {
        TaggedCache::new(self.clone(), TagSet::new(tags))
    }
}
