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
    Held(Term),
    Lost,
    Released,
}

/// What is known of a lease that is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Term {
    /// When it is to be renewed.
    pub(crate) due: Instant,
    /// Until then nobody else can hold it.
    pub(crate) until: Instant,
}

impl Term {
    /// That of a lease of this length that was asked for at that time. It is renewed when a third of it has passed.
    fn of(sent: Instant, length: Duration) -> Self {
        Self { due: sent + length / 3, until: believed(sent, length) }
    }

    fn is_over(self) -> bool {
        Instant::now() >= self.until
    }
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
            phase: Mutex::new(Phase::Held(Term::of(sent, length))),
            changed: Notify::new(),
            length: tokio::sync::Mutex::new(length),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }

    fn key(&self) -> Result<Key<'_>, Error> {
        Key::new(&self.name)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.term().is_some()
    }

    /// Whether somebody has seen it end. Where nobody has, and the store says that it is ours, it has been all the time.
    pub(crate) fn is_known_to_be_lost(&self) -> bool {
        *self.phase() == Phase::Lost
    }

    /// Whether it ended without having been given back.
    pub(crate) fn is_lost(&self) -> bool {
        self.term().is_none() && *self.phase() == Phase::Lost
    }

    /// When it ends unless it is renewed, and when it is to be; `None` if it has ended. Whoever sees the end come
    /// makes it known.
    pub(crate) fn term(&self) -> Option<Term> {
        let mut phase = self.phase();
        match *phase {
            Phase::Held(term) if !term.is_over() => Some(term),
            Phase::Held(_) => {
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
            let Some(term) = self.term() else { return };
            tokio::select! {
                () = tokio::time::sleep_until(term.until) => {}
                () = changed => {}
            }
        }
    }

    /// Resolves when it is lost, or has another length. To be enabled before the look at what it is now.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
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
            self.curtail(Term::of(sent, other));
            *length = other;
            self.changed.notify_waiters();
        }
        if !self.is_held() {
            self.lose();
            return Ok(false);
        }
        let renewed = store.renew(key, self.owner, *length).await?;
        if renewed && self.prolong(Term::of(sent, *length)) {
            return Ok(true);
        }
        self.lose();
        Ok(false)
    }

    fn curtail(&self, other: Term) {
        if let Phase::Held(term) = &mut *self.phase() {
            term.due = other.due.min(term.due);
            term.until = other.until.min(term.until);
        }
    }

    /// `false` if it has been lost meanwhile.
    fn prolong(&self, other: Term) -> bool {
        match &mut *self.phase() {
            Phase::Held(term) if !term.is_over() => {
                *term = other;
                true
            }
            _ => false,
        }
    }

    fn lose(&self) {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Held(_)) {
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
