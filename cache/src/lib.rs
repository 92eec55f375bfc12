//! The application cache for Rust: one [`Cache`] type, and a URL or a [configuration](CacheConfig) that chooses what
//! lies beneath.
//!
//! ```
//! use cache::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cache::Error> {
//! let cache = cache::connect("memory:?max_entries=1000&default_ttl=30m").await?;
//!
//! let name: String = cache
//!     .remember("user:123:name", "1h", async || {
//!         // the query whose answer is worth keeping
//!         Ok::<_, cache::Error>("John".to_owned())
//!     })
//!     .await?;
//!
//! cache.put("greeting", &format!("Hello, {name}"), "30s").await?;
//! cache.increment("views").await?;
//!
//! cache.tags(["users"]).flush().await?;
//! cache.lock_and_run("report", "30s", async || Ok::<_, cache::Error>(())).await?;
//! # Ok(()) }
//! ```
//!
//! Features: `memory` (default), the in-process driver; `redis`, the driver for Redis and Valkey servers,
//! and `redis-tls`, the same with TLS; `json`, the codec for types that need names in what is written, and
//! a configuration from JSON; `toml`, one from TOML; `axum`, the cache in every handler of an axum service.

#[cfg(feature = "axum")]
pub mod axum;
mod config;
mod connect;
pub mod prelude;

pub use cache_core::{
    Cache, CacheBuilder, Codec, Error, ErrorKind, IntoTtl, InvalidTtl, Shared, Stats, Ttl,
    struct_changes, ttl,
};
pub use cache_lock::{LockGuard, LockRequest, Locks, promises as lock_promises};
#[cfg(feature = "memory")]
pub use cache_memory::{MemoryStore, MemoryStoreBuilder};
#[cfg(feature = "redis")]
pub use cache_redis::{RedisStore, RedisStoreBuilder};
pub use cache_tags::{TaggedCache, Tags};
pub use config::CacheConfig;
#[cfg(feature = "memory")]
pub use config::MemoryConfig;
#[cfg(feature = "redis")]
pub use config::RedisConfig;
pub use connect::{connect, from_env};

/// What a driver of one's own is made of: an implementation of [`Store`](driver::Store), whose documentation says what it
/// has to keep to.
///
/// One that has another beneath it is short: a test of this crate, `driver.rs`, counts the hits and misses of whatever
/// store it is put around.
pub mod driver {
    pub use cache_core::{
        Acquisition, Encoded, Entry, Fence, Kept, Key, Lifetime, LockState, LockStore, NotKept,
        Owner, Payload, Store, StoreFuture, Tag, TagStore, TagVersions, Tagging, Terms, Value,
        Writer,
    };
}

/// The examples of the README, as doc tests.
#[cfg(all(doctest, feature = "memory", feature = "axum"))]
#[doc = include_str!("../../README.md")]
mod readme {}
