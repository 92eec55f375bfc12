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

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use cache_core::{Acquisition, Cache, Error, Key, Owner};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

pub(crate) struct Lease {
    cache: Cache,
    /// In which it was asked for. It renews it, and gives it back where no other does.
    runtime: Handle,
    name: Arc<str>,
    owner: Owner,
    state: Mutex<State>,
    /// Tells of a loss, and of another length.
    changed: Notify,
    /// Its length. Whoever asks the store to renew holds it until the answer is there: two renewals of different
    /// lengths must not overtake one another.
    length: tokio::sync::Mutex<Duration>,
    /// Held by whoever tries again to give it back.
    insisting: tokio::sync::Mutex<()>,
}

struct State {
    phase: Phase,
    /// The shortest length that the store was asked for without an answer. Such a request may be under way yet, and
    /// arrive behind those that were sent after it: so a longer one is not believed any more.
    unanswered: Option<Duration>,
    /// Until when an attempt that had no answer is expected to arrive, if there is one: it may take the lock anew.
    late: Option<Instant>,
    /// Whether the store was asked for it, or told to end it, in vain: then what was sent before may arrive behind what
    /// is sent now. Else it does not, since all of it goes the same way.
    has_failed: bool,
    /// From then on the store keeps it no longer, whatever it was told, unless that takes long to arrive.
    kept_until: Instant,
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

/// How long after it was sent an attempt without an answer is expected to arrive at most. A connection that was given up
/// sends what is left on it for about as long.
const LATEST: Duration = Duration::from_secs(2 * 60);

/// Until when a lease of this length is believed that was asked for at that time.
///
/// The store counts from later, when it was asked. What it counts with may run faster than our clock, by a
/// hundredth at most; and our timers are late by a millisecond.
fn believed(sent: Instant, length: Duration) -> Instant {
    const TIMERS: Duration = Duration::from_millis(2);
    sent + length - (length / 100 + TIMERS).min(length / 2)
}

impl Lease {
    /// That of an owner that there has not been. Until it is [asked for](Self::acquire) the store knows nothing of it.
    pub(crate) fn new(
        cache: Cache,
        runtime: Handle,
        name: Arc<str>,
        owner: Owner,
        length: Duration,
    ) -> Self {
        let now = Instant::now();
        Self {
            cache,
            runtime,
            name,
            owner,
            state: Mutex::new(State {
                phase: Phase::Held(Term::of(now, length)),
                unanswered: None,
                late: None,
                has_failed: false,
                kept_until: now + length,
            }),
            changed: Notify::new(),
            length: tokio::sync::Mutex::new(length),
            insisting: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn key(&self) -> Result<Key<'_>, Error> {
        Key::new(&self.name)
    }

    /// The runtime in which it was asked for.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The runtime that runs here; where none does, that in which it was asked for.
    pub(crate) fn here(&self) -> Handle {
        Handle::try_current().unwrap_or_else(|_| self.runtime.clone())
    }

    pub(crate) fn insisting(&self) -> &tokio::sync::Mutex<()> {
        &self.insisting
    }

    pub(crate) fn is_held(&self) -> bool {
        self.term().is_some()
    }

    /// Whether somebody has seen it end. Where nobody has, and the store says that it is ours, it has been all the time.
    pub(crate) fn is_known_to_be_lost(&self) -> bool {
        self.state().phase == Phase::Lost
    }

    /// Whether it ended without having been given back.
    pub(crate) fn is_lost(&self) -> bool {
        self.term().is_none() && self.is_known_to_be_lost()
    }

    /// When it ends unless it is renewed, and when it is to be; `None` if it has ended. Whoever sees the end come
    /// makes it known.
    pub(crate) fn term(&self) -> Option<Term> {
        let mut state = self.state();
        match state.phase {
            Phase::Held(term) if !term.is_over() => Some(term),
            Phase::Held(_) => {
                state.phase = Phase::Lost;
                self.changed.notify_waiters();
                None
            }
            Phase::Lost | Phase::Released => None,
        }
    }

    /// For how long the store may keep it yet, whether it is believed here or not.
    pub(crate) fn left_in_store(&self) -> Duration {
        self.state().kept_until.saturating_duration_since(Instant::now())
    }

    /// Resolves when it is lost: at the first poll after its end, whatever has woken it, since timers may be late.
    pub(crate) async fn lost(&self) {
        let mut ended = pin!(self.ended());
        poll_fn(|cx| if self.is_held() { ended.as_mut().poll(cx) } else { Poll::Ready(()) }).await;
    }

    async fn ended(&self) {
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

    /// Asks the store to grant it; after an attempt without an answer, once more. If it is granted it is held, since
    /// then.
    pub(crate) async fn acquire(&self, length: Duration) -> Result<Acquisition, Error> {
        let (store, key) = (self.cache.lock_store()?, self.key()?);
        let sent = Instant::now();
        let late = {
            let mut state = self.state();
            state.phase = Phase::Held(Term::of(sent, length));
            state.late.replace(sent + length.min(LATEST))
        };
        let before = self.asked(sent, length);
        let answer = store.acquire(key, self.owner, length).await;
        if self.answered(before, &answer) {
            self.state().late = late;
        } else {
            self.set_failed();
        }
        answer
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
        let before = self.asked(sent, *length);
        let answer = store.renew(key, self.owner, *length).await;
        self.answered(before, &answer);
        if answer? && self.prolong(sent, *length) {
            return Ok(true);
        }
        self.lose();
        Ok(false)
    }

    /// Whether the store may yet act on something that it was asked for without an answer.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.state().unanswered.is_some()
    }

    /// Whether it may have been taken more than once: so that it may have been another's, and is ours again.
    pub(crate) fn may_be_taken_anew(&self) -> bool {
        self.state().late.is_some()
    }

    /// Whether it may be taken by what arrives behind what is sent now.
    pub(crate) fn is_expected_late(&self) -> bool {
        let state = self.state();
        state.has_failed && state.late.is_some_and(|until| Instant::now() < until)
    }

    /// Notes that the store did not answer, or refused for now.
    pub(crate) fn set_failed(&self) {
        self.state().has_failed = true;
    }

    /// Notes that the store is asked for this length: until there is an [answer](Self::answered) it may arrive at any
    /// time. Returns what was unanswered before.
    fn asked(&self, sent: Instant, length: Duration) -> Option<Duration> {
        let state = &mut *self.state();
        state.kept_until = state.kept_until.max(sent + length);
        let before = state.unanswered;
        state.unanswered = Some(before.map_or(length, |before| before.min(length)));
        before
    }

    /// Returns whether there was an answer.
    fn answered<T>(&self, before: Option<Duration>, answer: &Result<T, Error>) -> bool {
        let is_answered = !answer.as_ref().is_err_and(Error::is_temporary);
        if is_answered {
            self.state().unanswered = before;
        }
        is_answered
    }

    fn curtail(&self, other: Term) {
        if let Phase::Held(term) = &mut self.state().phase {
            term.due = other.due.min(term.due);
            term.until = other.until.min(term.until);
        }
    }

    /// `false` if it has been lost meanwhile.
    fn prolong(&self, sent: Instant, length: Duration) -> bool {
        let state = &mut *self.state();
        match &mut state.phase {
            Phase::Held(term) if !term.is_over() => {
                let believed = state.unanswered.map_or(length, |short| short.min(length));
                *term = Term::of(sent, believed);
                true
            }
            _ => false,
        }
    }

    fn lose(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Held(_)) {
            state.phase = Phase::Lost;
            self.changed.notify_waiters();
        }
    }

    /// Notes that it is given back. Returns whether it was already.
    pub(crate) fn set_released(&self) -> bool {
        std::mem::replace(&mut self.state().phase, Phase::Released) == Phase::Released
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
