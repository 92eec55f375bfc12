//! Locks for `cache`: one holder at a time, in however many processes share the cache.
//!
//! ```
//! use cache_lock::Locks;
//! use cache_memory::{Cache, MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cache_core::Error> {
//! let cache = Cache::new(MemoryStore::new());
//! let total = cache
//!     .lock_and_run("report:nightly", "30s", async || {
//!         // nobody else is here meanwhile
//!         Ok::<_, cache_core::Error>(42)
//!     })
//!     .await?;
//! assert_eq!(total, 42);
//!
//! let guard = cache.lock("report:nightly", "30s").acquire().await?;
//! assert!(cache.lock("report:nightly", "30s").try_acquire().await?.is_none());
//! guard.release().await?;
//! # Ok(()) }
//! ```
//!
//! A lock is a lease: it ends by itself if its holder dies. While the holder lives its [`LockGuard`] renews it every
//! third of its length; when that fails for too long the lock is *lost*, which the guard says
//! [before](LockGuard::lost) the lease can have ended on the server, and [`run`](LockRequest::run) drops what it
//! protects at that moment.
//!
//! Those who wait are woken by a message when the lock is released, first come, first served within a process. On
//! Redis one process is woken, the first that waits; if somebody who just came was quicker, it waits anew, behind the
//! others.
//! Waiting takes at most 10 seconds unless said.
//!
//! What such a lock can promise and what it cannot, and what to do about it, is told in [`promises`].
//!
//! Feature `conformance`: cases of all this for the suite that proves drivers alike.

mod background;
#[cfg(feature = "conformance")]
pub mod conformance;
mod giving_back;
mod guard;
mod lease;
mod queue;
mod random;
mod renewal;
mod request;

use std::future::Future;

use cache_core::{Cache, Error, IntoTtl, Key};
pub use cache_core::{Fence, LockState, Owner};
pub use guard::LockGuard;
pub use request::LockRequest;

#[doc = include_str!("promises.md")]
pub mod promises {}

/// `cache.lock(…)` and `cache.lock_and_run(…)`, for a [`Cache`].
///
/// Names of locks are apart from keys: any text of 1 to 65,535 bytes, else
/// [`InvalidKey`](cache_core::ErrorKind::InvalidKey). A lease is any TTL that ends and is not zero, else
/// [`InvalidTtl`](cache_core::ErrorKind::InvalidTtl); one below a millisecond is rounded up to that.
///
/// Locks are acquired within a tokio runtime that has timers; [`Config`](cache_core::ErrorKind::Config) outside of any.
pub trait Locks {
    /// A request for the lock `name`, with a lease of this length: to be [acquired](LockRequest::acquire), or
    /// [run under](LockRequest::run). What is wrong with it is told then.
    fn lock(&self, name: impl AsRef<str>, lease: impl IntoTtl) -> LockRequest;

    /// Runs `work` under the lock: see [`LockRequest::run`].
    fn lock_and_run<T, E, F>(
        &self,
        name: impl AsRef<str>,
        lease: impl IntoTtl,
        work: F,
    ) -> impl Future<Output = Result<T, E>>
    where
        E: From<Error>,
        F: AsyncFnOnce() -> Result<T, E>;

    /// Who holds the lock, and for how long unless it is renewed; for operators.
    fn inspect_lock(
        &self,
        name: impl AsRef<str> + Send,
    ) -> impl Future<Output = Result<Option<LockState>, Error>> + Send;

    /// Takes the lock away from whoever holds it; for operators. Its holder learns of it at the next renewal, and
    /// until then somebody else may be inside as well. Returns whether it was held.
    fn force_release_lock(
        &self,
        name: impl AsRef<str> + Send,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

impl Locks for Cache {
    fn lock(&self, name: impl AsRef<str>, lease: impl IntoTtl) -> LockRequest {
        LockRequest::new(self.clone(), name.as_ref(), lease)
    }

    fn lock_and_run<T, E, F>(
        &self,
        name: impl AsRef<str>,
        lease: impl IntoTtl,
        work: F,
    ) -> impl Future<Output = Result<T, E>>
    where
        E: From<Error>,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.lock(name, lease).run(work)
    }

    async fn inspect_lock(&self, name: impl AsRef<str> + Send) -> Result<Option<LockState>, Error> {
        let name = Key::new(name.as_ref()).map_err(|error| error.during("inspect_lock"))?;
        let state = self.lock_store()?.inspect(name).await;
        state.map_err(|error| error.during("inspect_lock").on(name.as_str()))
    }

    async fn force_release_lock(&self, name: impl AsRef<str> + Send) -> Result<bool, Error> {
        let name = Key::new(name.as_ref()).map_err(|error| error.during("force_release_lock"))?;
        let released = self.lock_store()?.force_release(name).await;
        released.map_err(|error| error.during("force_release_lock").on(name.as_str()))
    }
}
