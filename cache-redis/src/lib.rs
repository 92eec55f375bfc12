//! The Redis driver of `cache`: a [`RedisStore`] beneath the same [`Cache`] that tests build on memory.
//!
//! ```no_run
//! use cache_redis::{Cache, RedisStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cache_redis::Error> {
//! let store = RedisStore::connect("redis://127.0.0.1:6379?prefix=shop").await?;
//! let cache = Cache::new(store);
//! cache.put("user:123", "John", "30m").await?;
//! # cache.close().await }
//! ```
//!
//! - **One round trip** for each operation, and one per server for those of many keys; `flush` walks the
//!   keys. Many `get`s at once share round trips; where they begin to find nothing, once a second one. So do many
//!   `put`s without tags. Whatever has to happen in one step does so on the server.
//! - **Every operation has a deadline.** While the server is away operations fail at once with
//!   [`Unavailable`](ErrorKind::Unavailable), and work again by themselves when it is back.
//! - **Nothing is done twice**: what may have reached the server is not sent again.
//! - **What this library did not write is never misread**: it is [`Decode`](ErrorKind::Decode). The format
//!   is written down in `FORMAT.md`, beside this crate's manifest.
//!
//! Redis 6.2 and newer, and Valkey; standalone, cluster, sentinel; TLS with the feature `tls`.
//!
//! Passwords are shown in no error and no event of this crate. fred, the client beneath, has a log of its own (`log`): at
//! its level `TRACE` it writes what servers answer, and one that does not know `AUTH` repeats the password in its answer.
//! Leave `fred` at `debug` where logs are read by many.
//!
//! # Where it differs from memory
//!
//! - The server expires an entry at the end of the millisecond of its deadline, not at its beginning.
//! - `get_many` sees a key that holds something else than a string, which this library did not write, as
//!   absent; `get` tells.
//! - A write that was given up (its future dropped, or `Timeout`) takes effect before any later operation of
//!   this store on the same key, or not at all, as long as the connection lives. Where the connection broke
//!   meanwhile, the server may act on what it had received late.
//! - On a cluster the connections to all nodes are one. While a primary is away and no replica has taken over,
//!   the whole cache may be `Unavailable`, not only its keys. One that is merely silent holds up its own keys, until it
//!   answers, another has its slots, or it answers another connection. But it takes the whole cache along where more is
//!   written to it than its socket holds, or where some key has moved and the slots are asked of it; then all is
//!   `Unavailable` until it answers, or another has its slots.
//! - While a slot of a cluster moves from one node to another, whatever the old node does not have is
//!   [`Unavailable`](ErrorKind::Unavailable) until the whole slot has moved, since an `ASK` is not followed: keys that have
//!   moved already, those that there are nowhere, so that nothing new is stored in the slot, and its locks. A `flush` may
//!   miss keys that move while it walks, or fail for one of them; it fails where a node loses its slots meanwhile.
//! - Of many keys on a cluster 1,024 are asked for at once. Where one has no answer in time those after them are not asked
//!   for.

mod beliefs;
mod builder;
mod connection;
mod envelope;
mod failure;
mod flush;
mod gathering;
mod keys;
mod link;
mod locks;
mod lookup;
mod many;
mod numbers;
mod reads;
mod scripts;
mod store;
mod subscriber;
mod supervisor;
mod tags;
mod target;
#[cfg(feature = "tls")]
mod tls;
mod topology;
mod wakes;
mod ways;
mod writes;

pub use builder::RedisStoreBuilder;
pub use cache_core::{
    Cache, CacheBuilder, Codec, Error, ErrorKind, IntoTtl, InvalidTtl, Shared, Stats, Ttl, ttl,
};
pub use store::RedisStore;
