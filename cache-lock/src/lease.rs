//! A lease as its holder knows it: the whole of its state, and what may become of it.
//!
//! ```text
//!          renewed in time
//!            ┌───────┐
//!            ▼       │
//! acquired ─▶ Held ──┘
//!              │ │
//!              │ └── released, or the guard is dropped ──▶ Released
//!              │
//!              └── its end has come, or the store says that it is another's ──▶ Lost
//! ```
//!
//! What is lost stays lost, even if a renewal turns out to have succeeded after all: somebody may have been told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache_core::{Cache, Error, Key, Owner};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

pub(crate) struct Lease {
    cache: Cache,
    name: Arc<str>,
    owner: Owner,
    phase: Mutex<Phase>,
    /// Tells of a loss, and of another length.
    changed: Notify,
    /// Its length. Whoever asks the store to renew holds it until the answer is there: two renewals of different
    /// lengths must not overtake one another.
    length: tokio::sync::Mutex<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Until then nobody else can hold it.
    Held {
        until: Instant,
    },
    Lost,
    Released,
}

/// Until when a lease of this length is believed that was asked for at that time.
///
/// The store counts from later, when it was asked. What it counts with may run faster than our clock, by a
/// hundredth at most; and our timers are late by a millisecond.
fn believed(sent: Instant, length: Duration) -> Instant {
    const TIMERS: Duration = Duration::from_millis(2);
    sent + length - (length / 100 + TIMERS).min(length / 2)
}

impl Lease {
    /// One that the store has granted, when it was asked at that time.
    pub(crate) fn new(
        cache: Cache,
        name: Arc<str>,
        owner: Owner,
        sent: Instant,
        length: Duration,
    ) -> Self {
        Self {
            cache,
            name,
            owner,
            phase: Mutex::new(Phase::Held { until: believed(sent, length) }),
            changed: Notify::new(),
            length: tokio::sync::Mutex::new(length),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn key(&self) -> Result<Key<'_>, Error> {
        Key::new(&self.name)
    }

    pub(crate) fn is_held(&self) -> bool {
        matches!(*self.phase(), Phase::Held { until } if Instant::now() < until)
    }

    /// Whether it ended without having been given back.
    pub(crate) fn is_lost(&self) -> bool {
        self.end().is_none() && *self.phase() == Phase::Lost
    }

    /// When it ends unless it is renewed; `None` if it has ended. Whoever sees the end come makes it known.
    pub(crate) fn end(&self) -> Option<Instant> {
        let mut phase = self.phase();
        match *phase {
            Phase::Held { until } if Instant::now() < until => Some(until),
            Phase::Held { .. } => {
                *phase = Phase::Lost;
                self.changed.notify_waiters();
                None
            }
            Phase::Lost | Phase::Released => None,
        }
    }

    /// Resolves when it is lost.
    pub(crate) async fn lost(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Enabled before the look, so that nothing is missed in between.
            changed.as_mut().enable();
            let Some(until) = self.end() else { return };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = changed => {}
            }
        }
    }

    /// Resolves when it is lost, or has another length. To be enabled before the look at what it is now.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// The length that the next renewal asks for.
    pub(crate) async fn length(&self) -> Duration {
        *self.length.lock().await
    }

    /// Asks the store to prolong it, from now on by another length if one is given. `false` if it is lost.
    pub(crate) async fn renew(&self, other: Option<Duration>) -> Result<bool, Error> {
        let mut length = self.length.lock().await;
        let key = self.key()?;
        let store = self.cache.lock_store()?;
        let sent = Instant::now();
        if let Some(other) = other {
            // Before it is sent: if this future is dropped the store may have acted nevertheless, and what it was
            // told to shorten must not be believed to last.
            self.curtail(believed(sent, other));
            *length = other;
            self.changed.notify_waiters();
        }
        if !self.is_held() {
            self.lose();
            return Ok(false);
        }
        let renewed = store.renew(key, self.owner, *length).await?;
        if renewed && self.prolong(believed(sent, *length)) {
            return Ok(true);
        }
        self.lose();
        Ok(false)
    }

    fn curtail(&self, end: Instant) {
        if let Phase::Held { until } = &mut *self.phase() {
            *until = end.min(*until);
        }
    }

    /// `false` if it has been lost meanwhile.
    fn prolong(&self, end: Instant) -> bool {
        match &mut *self.phase() {
            Phase::Held { until } if Instant::now() < *until => {
                *until = end;
                true
            }
            _ => false,
        }
    }

    fn lose(&self) {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Held { .. }) {
            *phase = Phase::Lost;
            self.changed.notify_waiters();
        }
    }

    /// Gives it back. `false` if the store says that it is another's, or nobody's. It is `Released` from now on,
    /// whatever comes of that.
    pub(crate) async fn release(&self) -> Result<bool, Error> {
        let released = self.cache.lock_store()?.release(self.key()?, self.owner).await;
        *self.phase() = Phase::Released;
        released
    }

    /// Has the store told that it is lost here, whatever the store knows of it.
    pub(crate) async fn take_back(&self) -> Result<(), Error> {
        self.cache.lock_store()?.release(self.key()?, self.owner).await.map(drop)
    }

    /// Gives it back unless that was done, and waits for nothing.
    pub(crate) fn let_go(self: &Arc<Self>) {
        if std::mem::replace(&mut *self.phase(), Phase::Released) != Phase::Released {
            self.give_back();
        }
    }

    /// Has the store told that it is not needed any more. If it cannot be told, the lease ends by itself.
    pub(crate) fn give_back(self: &Arc<Self>) {
        let told = self
            .key()
            .and_then(|key| Ok(self.cache.lock_store()?.release(key, self.owner).now().is_some()));
        // Pending: then it has not acted, and will in a task.
        if let (Ok(false), Ok(runtime)) = (told, Handle::try_current()) {
            let lease = Arc::clone(self);
            runtime.spawn(async move {
                if let (Ok(key), Ok(store)) = (lease.key(), lease.cache.lock_store())
                    && let Err(error) = store.release(key, lease.owner).await
                {
                    tracing::debug!(lock = &*lease.name, %error, "a lock ends by itself: it could not be released");
                }
            });
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_believed_for_less_than_it_lasts() {
        let sent = Instant::now();
        for (length, less) in [(1, 1), (2, 1), (4, 2), (100, 3), (30_000, 302)] {
            let [length, less] = [length, less].map(Duration::from_millis);
            let lasts = believed(sent, length) - sent;
            assert!(lasts < length && lasts + less >= length, "{length:?}: {lasts:?}");
        }
    }
}
