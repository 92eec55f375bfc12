//! Giving a lease back: while somebody waits for the answer, in the background, and again after an outage.
//!
//! Nobody holds a lock that was given up, and the store keeps it from others until it is told so or the lease has ended.
//! So it is told at once, and after a failure again and again; and a few times more where an attempt that had no answer
//! may arrive behind it, on a connection that has been replaced since. What cannot be helped is the end of the runtime
//! that does it, or of the process: then the lease ends by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use cache_core::Error;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::background::{attempt, begin, has_ended};
use crate::lease::Lease;
use crate::random::chance;
use crate::renewal::pause_of;

/// The pause between attempts, at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

impl Lease {
    /// Gives it back. `false` if the store says that it is another's, or nobody's; else `Closed` if the cache was, and then
    /// it is given back all the same. It is `Released` from now on, whatever comes of that; where the store is out of reach,
    /// it is tried again in the background.
    pub(crate) async fn release(self: &Arc<Self>) -> Result<bool, Error> {
        let is_open = self.cache().lock_store().map(drop);
        let released = self.end_even_if_closed().await;
        self.set_released();
        if !self.is_settled(&released) {
            let (lease, released) = (Arc::clone(self), released.clone());
            self.here().spawn(async move { lease.insist(released).await });
        }
        match released {
            Ok(false) => Ok(false),
            told => is_open.and(told),
        }
    }

    /// Has the store told that it is lost here, whatever the store knows of it.
    pub(crate) async fn take_back(&self) -> Result<(), Error> {
        self.end().await.map(drop)
    }

    /// Gives it back unless that was done, and waits for nothing.
    pub(crate) fn let_go(self: &Arc<Self>) {
        if !self.set_released() {
            self.give_back();
        }
    }

    /// Has the store told that it is not needed any more, and waits for nothing. The request is on its way when this
    /// returns, so that no close of the cache comes before it.
    pub(crate) fn give_back(self: &Arc<Self>) {
        let told = self.key().and_then(|key| {
            let store = self.cache().lock_store_to_give_back()?;
            Ok(store.release(key, self.owner()).now())
        });
        let Ok(told) = told else { return };
        let told = told.map(|told| self.noted(told));
        if told.as_ref().is_some_and(|told| self.is_settled(told)) {
            return;
        }
        let lease = Arc::clone(self);
        let work = async move {
            let told = match told {
                Some(told) => told,
                // It was pending: then it has not acted.
                None => lease.end_even_if_closed().await,
            };
            if !lease.is_settled(&told) {
                lease.insist(told).await;
            }
        };
        let here = match Handle::try_current() {
            // At the very end of a thread no runtime can be entered.
            Err(error) if error.is_thread_local_destroyed() => {
                return drop(self.runtime().spawn(work));
            }
            here => here.ok(),
        };
        let mut lasting = here.iter().chain([self.runtime()]).filter(|runtime| !has_ended(runtime));
        // That a runtime has no timers does not concern whoever drops a guard. It panics where the client sets one, which
        // is when it has sent its command.
        let _ = catch_unwind(AssertUnwindSafe(|| match lasting.next() {
            Some(runtime) => drop(begin(runtime, work)),
            None => attempt(work),
        }));
    }

    /// Tells the store again: since it was not reached, until it is, or does not keep the lease any more; and while an
    /// attempt may arrive behind the release, more and more rarely. A close of the cache ends it.
    async fn insist(&self, mut told: Result<bool, Error>) {
        // One is enough.
        let Ok(_only) = self.insisting().try_lock() else { return };
        let mut pause = pause_of(self.left_in_store()).max(SHORTEST_PAUSE);
        while !self.is_settled(&told) {
            if told.is_ok() {
                pause *= 2;
            }
            // Many may have failed at once, and are not to come at once again.
            sleep(pause.mul_f64(1.0 - chance() / 4.0)).await;
            told = self.end().await;
        }
        if let Err(error) = told {
            tracing::debug!(lock = &**self.name(), %error, "a lock ends by itself: it could not be released");
        }
    }

    /// Whether nothing is left to do when the store has said that of a release.
    fn is_settled(&self, told: &Result<bool, Error>) -> bool {
        match told {
            Ok(_) => !self.is_expected_late(),
            Err(error) => !error.is_temporary() || self.left_in_store().is_zero(),
        }
    }

    async fn end(&self) -> Result<bool, Error> {
        self.noted(self.cache().lock_store()?.release(self.key()?, self.owner()).await)
    }

    async fn end_even_if_closed(&self) -> Result<bool, Error> {
        let store = self.cache().lock_store_to_give_back()?;
        self.noted(store.release(self.key()?, self.owner()).await)
    }

    fn noted(&self, told: Result<bool, Error>) -> Result<bool, Error> {
        if told.as_ref().is_err_and(Error::is_temporary) {
            self.set_failed();
        }
        told
    }
}
