//! What [`Locks`] promise on every driver, as cases for its conformance suite:
//!
//! ```no_run
//! # use cache_core::{Store, conformance::Suite};
//! # fn my_store() -> Box<dyn Store> { unimplemented!() }
//! fn main() -> std::process::ExitCode {
//!     Suite::new(|| async { my_store() }).with(cache_lock::conformance::cases()).main()
//! }
//! ```
//!
//! They show as ignored where the driver has no locks.

#![allow(clippy::unwrap_used, reason = "a case fails by panicking")]

mod holding;
mod loss;
mod names;
mod running;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use cache_core::conformance::{Capability, Case, Rig};
use cache_core::{Cache, Error, ErrorKind, Store};

use crate::{LockGuard, Locks};

/// The cases, in a fixed order.
pub fn cases() -> Vec<Case> {
    let cases =
        [holding::cases(), names::cases(), waiting::cases(), loss::cases(), running::cases()];
    cases.concat().into_iter().map(|case| case.needing(Capability::Locks)).collect()
}

/// Lists the cases of a file by the names of their functions.
macro_rules! case {
    ($name:ident) => {
        cache_core::conformance::Case::new(stringify!($name), |rig| Box::pin($name(rig)))
    };
}
use case;

/// The lock of most cases.
const NAME: &str = "report";

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A lease whose end a case waits for: in real time, long enough not to end while it does something else.
fn short(rig: &Rig) -> Duration {
    millis(if rig.is_exact() { 100 } else { 600 })
}

/// Lets so much time pass, and every timer on the way fire when it is due.
async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Lets tasks get to where they wait. Where an answer takes longer than that, a case checks less than it could.
async fn settle() {
    sleep(millis(20)).await;
}

/// One store, and two caches on it, as two processes have them.
async fn shared(rig: &Rig) -> (Arc<dyn Store>, Cache, Cache) {
    let store: Arc<dyn Store> = rig.store().await.into();
    let [one, other] = [(); 2].map(|()| Cache::new(Arc::clone(&store)));
    (store, one, other)
}

/// Takes the lock for a minute, if it is free.
async fn taken(cache: &Cache) -> Option<LockGuard> {
    cache.lock(NAME, "1m").try_acquire().await.unwrap()
}

/// Waits for the lock, longer than a release that goes on in the background can take.
async fn awaited(cache: &Cache) -> LockGuard {
    cache.lock(NAME, "1m").wait("30s").acquire().await.unwrap()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
