//! Giving a lease back: while somebody waits for the answer, in the background, and again after an outage.
//!
//! Nobody holds a lock that was given up, and the store keeps it from others until it is told so or the lease has ended.
//! So it is told at once, and after a failure again and again. What cannot be helped is the end of the runtime that does
//! it, or of the process: then the lease ends by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use cache_core::Error;
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::background::begin;
use crate::lease::Lease;
use crate::renewal::pause_of;

/// The pause between attempts, at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

impl Lease {
    /// Gives it back. `false` if the store says that it is another's, or nobody's. It is `Released` from now on,
    /// whatever comes of that; where the store is out of reach, it is tried again in the background.
    pub(crate) async fn release(self: &Arc<Self>) -> Result<bool, Error> {
        let released = self.end().await;
        self.set_released();
        if let Err(error) = &released
            && error.is_temporary()
        {
            let (lease, error) = (Arc::clone(self), error.clone());
            self.here().spawn(async move { lease.insist(error).await });
        }
        released
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
            Ok(store.release(key, self.owner()).now().is_some())
        });
        // Pending: then it has not acted.
        if !matches!(told, Ok(false)) {
            return;
        }
        let lease = Arc::clone(self);
        let work = async move {
            if let Err(error) = lease.end_even_if_closed().await {
                // In a runtime that has ended this goes no further: it has no timers for the pauses.
                yield_now().await;
                lease.insist(error).await;
            }
        };
        match Handle::try_current() {
            // At the very end of a thread no runtime can be entered.
            Err(error) if error.is_thread_local_destroyed() => drop(self.runtime().spawn(work)),
            // That a runtime has ended, or has no timers, does not concern whoever drops a guard. It panics where the
            // client sets one, which is when it has sent its command.
            _ => drop(catch_unwind(AssertUnwindSafe(|| begin(&self.here(), work)))),
        }
    }

    /// Tells the store again, since it was not reached, until it is, or does not keep the lease any more. A close of the
    /// cache ends it.
    async fn insist(&self, mut error: Error) {
        // One is enough.
        let Ok(_only) = self.insisting().try_lock() else { return };
        let pause = pause_of(self.left_in_store()).max(SHORTEST_PAUSE);
        while error.is_temporary() && !self.left_in_store().is_zero() {
            sleep(pause).await;
            match self.end().await {
                Ok(_) => return,
                Err(again) => error = again,
            }
        }
        tracing::debug!(lock = &**self.name(), %error, "a lock ends by itself: it could not be released");
    }

    async fn end(&self) -> Result<bool, Error> {
        self.cache().lock_store()?.release(self.key()?, self.owner()).await
    }

    async fn end_even_if_closed(&self) -> Result<bool, Error> {
        self.cache().lock_store_to_give_back()?.release(self.key()?, self.owner()).await
    }
}
