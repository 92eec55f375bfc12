//! What whoever holds a lock has in hand.

use std::fmt;
use std::sync::Arc;

use cache_core::{Error, ErrorKind, Fence, IntoTtl};

use crate::background::{begin, has_ended};
use crate::lease::Lease;
use crate::queue::Place;
use crate::renewal::Renewal;
use crate::request::lease_of;

/// A lock that is held, until it is [released](Self::release), dropped, or [lost](Self::lost).
///
/// It renews its lease every third of its length, unless that was [not wanted](crate::LockRequest::without_renewal),
/// from a task that begins when that is due for the first time, and ends with it.
///
/// Dropped, it gives the lock back at once in memory, and else in the background: the request is on its way when the drop
/// has returned, also outside of a runtime, so that a [`close`](cache_core::Cache::close) of the cache may follow. Where
/// the store is out of reach it is tried again until the lease has ended there, or the cache is closed.
///
/// What cannot be helped is a guard that is dropped as its tokio runtime ends, such as at the end of `main`: nobody is
/// there to send the request, and the lease ends by itself. [`release().await`](Self::release) before that.
#[must_use = "the lock is given back when its guard is dropped"]
pub struct LockGuard {
    lease: Arc<Lease>,
    fence: Fence,
    renewal: Option<Renewal>,
    /// So that this process knows what it has acquired.
    _place: Place,
}

impl LockGuard {
    pub(crate) fn new(lease: Arc<Lease>, fence: Fence, place: Place, renews: bool) -> Self {
        let renewal = renews.then(|| Renewal::of(Arc::clone(&lease)));
        Self { lease, fence, renewal, _place: place }
    }

    /// The name of the lock.
    pub fn name(&self) -> &str {
        self.lease.name()
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(self.lease.name())
    }

    /// A number that is greater than that of every acquisition of this lock before. Whatever the lock protects
    /// should refuse a smaller one than it has seen: see [`promises`](crate::promises).
    pub fn fencing_token(&self) -> u64 {
        self.fence.0
    }

    /// Whether the lock is certainly held at this moment. `false` for ever once it is.
    ///
    /// It turns `false` before the lease can have ended on the server, by its own clock: a hundredth of the lease and
    /// 2 ms earlier; half of the lease where that is less, as it is for those below some 4 ms.
    pub fn is_held(&self) -> bool {
        self.lease.is_held()
    }

    /// Resolves when the lock is lost, which is when [`is_held`](Self::is_held) turns `false`: its lease was not
    /// renewed in time, or the server says that it is another's. Stop what it protects then.
    ///
    /// ```no_run
    /// # use cache_lock::LockGuard;
    /// # async fn demo(guard: LockGuard, work: impl Future<Output = ()>) {
    /// tokio::select! {
    ///     biased;
    ///     () = guard.lost() => {} // the work is dropped
    ///     () = work => {}
    /// }
    /// # }
    /// ```
    pub async fn lost(&self) {
        self.lease.lost().await;
    }

    /// Gives the lock a lease of another length, from now; renewals go on with it.
    ///
    /// A request of which the answer was lost may arrive after this one, and shorten the lease again. So after an
    /// extension or a renewal that failed, a longer lease is given, but the guard relies on the shorter one from then on,
    /// and renews it as often.
    ///
    /// Errors: [`LockLost`](ErrorKind::LockLost), also if there is no answer before that;
    /// [`InvalidTtl`](ErrorKind::InvalidTtl) for a lease without end or of no length;
    /// [`Config`](ErrorKind::Config) if the runtime in which the lock was acquired has ended; else whether it was
    /// prolonged is open, and the lock is held for as long as it would have been, or for the new length where that is
    /// shorter; without renewals the store may keep a longer one from others until the guard is dropped. Cost: one round
    /// trip. A future that is dropped may have acted; one that nobody polls any more goes on by itself.
    pub async fn extend(&self, lease: impl IntoTtl) -> Result<(), Error> {
        let at = |error: Error| error.during("extend").on(self.name());
        let length = lease_of(lease).map_err(at)?;
        // Where the renewal is, since it has to wait for this one.
        let runtime = match &self.renewal {
            Some(renewal) => {
                renewal.begin();
                self.lease.runtime().clone()
            }
            None => self.lease.here(),
        };
        if has_ended(&runtime) {
            return Err(at(ended()));
        }
        let lease = Arc::clone(&self.lease);
        let extending = begin(&runtime, async move { lease.renew(Some(length)).await });
        let is_held = tokio::select! {
            biased;
            renewed = extending.done() => renewed.unwrap_or_else(|| Err(ended())).map_err(at)?,
            () = self.lost() => false,
        };
        if !is_held {
            // It is too late for an answer; but the server may have acted on it, or do so yet.
            self.lease.give_back();
            return Err(at(lost()));
        }
        Ok(())
    }

    /// Gives the lock back, and wakes one who waits for it.
    ///
    /// Errors: [`LockLost`](ErrorKind::LockLost) if it was lost before, and then nothing is taken from whoever holds it
    /// now. If the server cannot be reached that is told, and it is tried again in the background, as when the guard is
    /// dropped. [`Closed`](ErrorKind::Closed) after a close of the cache, and it is given back all the same where the
    /// store still can. Cost: one round trip; after an attempt that had no answer some more in the
    /// background, since that may arrive late and take the lock anew. A future that is dropped releases in the background.
    pub async fn release(mut self) -> Result<(), Error> {
        drop(self.renewal.take());
        let was_seen_to_end = self.lease.is_known_to_be_lost();
        let was_held = self.lease.is_held();
        let released = self.lease.release().await;
        let at = |error: Error| error.during("release").on(self.name());
        match released {
            // Also if our time was over: the store knows best. Unless it was somebody else's in between.
            Ok(true) if was_held || !was_seen_to_end && !self.lease.may_be_taken_anew() => Ok(()),
            Err(error) if was_held => Err(at(error)),
            _ => Err(at(lost())),
        }
    }
}

/// The error of whoever does not hold a lock any more.
pub(crate) fn lost() -> Error {
    Error::new(
        ErrorKind::LockLost,
        "the lock was lost before it was given back: its lease was not renewed in time, or somebody took it away",
    )
}

fn ended() -> Error {
    let message = "the runtime in which the lock was acquired has ended, and renews it no more; acquire it in one that \
                   lasts";
    Error::new(ErrorKind::Config, message)
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // First, so that nothing is renewed that is given back.
        drop(self.renewal.take());
        self.lease.let_go();
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("name", &self.name())
            .field("fencing_token", &self.fence.0)
            .field("is_held", &self.is_held())
            .finish_non_exhaustive()
    }
}
