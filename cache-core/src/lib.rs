//! The core of `cache`: one [`Cache`] type for application code, and the traits that a driver
//! implements beneath it.
//!
//! Applications take [`Cache`] and nothing else. A driver implements [`Store`], and [`TagStore`] and
//! [`LockStore`] where it can; it never sees a user's type, only [`Payload`]s, and proves itself with
//! the conformance suite (feature `conformance`). This crate knows no server, no URL and no web
//! framework.
//!
//! | concern | where |
//! |---|---|
//! | what users call | [`Cache`], [`CacheBuilder`], [`Shared`], [`Stats`] |
//! | what drivers implement | [`Store`], [`TagStore`], [`LockStore`], [`StoreFuture`] |
//! | what extensions build on | [`Writer`], [`Cache::extension`], [`Cache::lock_store`] |
//! | what passes between them | [`Key`], [`Tag`], [`Payload`], [`Terms`], [`Entry`], [`Value`] |
//! | how values are written | [`Codec`] |
//! | what goes wrong | [`Error`], [`ErrorKind`] |
//!
//! Features: `json` (the JSON codec), `conformance` (the suite for drivers).

mod builder;
mod cache;
mod codec;
mod error;
mod extension;
mod flight;
mod future;
mod key;
mod lifetime;
mod remember;
mod shared;
mod stats;
mod store;
mod tag;
mod value;
mod writer;

#[cfg(feature = "conformance")]
pub mod conformance;
#[doc = include_str!("codec/changes.md")]
pub mod struct_changes {}

pub use builder::CacheBuilder;
pub use cache::Cache;
pub use cache_ttl::{IntoTtl, InvalidTtl, Ttl, ttl};
pub use codec::Codec;
pub use error::{Error, ErrorKind};
pub use future::StoreFuture;
pub use key::Key;
pub use lifetime::{Lifetime, Tagging, Terms};
pub use shared::{Kept, Shared};
pub use stats::Stats;
pub use store::{Acquisition, Fence, LockState, LockStore, NotKept, Owner, Store, TagStore};
pub use tag::{Tag, TagVersions};
pub use value::{Encoded, Entry, Payload, Value};
pub use writer::Writer;
