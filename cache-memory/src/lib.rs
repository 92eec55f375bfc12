//! The in-process driver of `cache`: a [`MemoryStore`] beneath the same [`Cache`] that production code
//! takes.
//!
//! It is all that a test needs, and all that a service needs which runs in one process:
//!
//! ```
//! use cache_memory::{Cache, MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cache_memory::Error> {
//! let cache = Cache::new(MemoryStore::builder().max_entries(1_000).build());
//! cache.put("user:123", "John", "30m").await?;
//! assert_eq!(cache.get::<String>("user:123").await?.as_deref(), Some("John"));
//! # Ok(()) }
//! ```
//!
//! - **Exact expiry**, on tokio's clock: under `#[tokio::test(start_paused = true)]` time is virtual, and
//!   `tokio::time::advance` expires entries. On 64-bit Linux, where tokio is built without `test-util`, the same time is read from
//!   the kernel, and an entry with more than two seconds left is served by the kernel's coarse clock. That is exact unless
//!   no timer interrupt has come for two seconds, as on a virtual machine whose host has stopped one of its processors.
//! - **Bounded** by entries or by bytes. What is evicted is chosen by CLOCK-Pro, as `quick_cache` has it: when the
//!   store is full, what was stored and not read since goes before what has been there longer, so that a scan does not
//!   evict what is used. It is not LRU, and no place for what must stay until it expires.
//! - **Tags**, natively: a flush ends a version of each tag, whatever number of entries bear it, and a hit looks
//!   whether those of its entry have ended. `cache-tags` is the way to use them.
//! - **Memory comes back unread** when entries expire or are flushed, in small steps that nobody waits for.
//! - A hit is ready on its first poll. `has`, `get::<i64>` and `get_shared` of a kept object allocate nothing.
//!
//! A store is made for one cache; clones of that cache share it.

mod builder;
mod clock;
mod eviction;
mod interned;
mod kernel;
mod key;
mod locks;
mod marks;
mod slot;
mod store;
mod sweep;
mod table;
mod tags;
mod virtual_time;

pub use builder::MemoryStoreBuilder;
pub use cache_core::{
    Cache, CacheBuilder, Codec, Error, ErrorKind, IntoTtl, InvalidTtl, Shared, Stats, Ttl, ttl,
};
pub use store::MemoryStore;
