//! Locks of this process: leases by name, apart from the table, which evicts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cache_core::{Acquisition, Fence, Key, LockState, LockStore, Owner, StoreFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::MemoryStore;

#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    leases: HashMap<Box<str>, Lease>,
    last_fence: u64,
    /// How many there were when those were removed that had ended.
    kept: usize,
}

#[derive(Debug)]
struct Lease {
    owner: Owner,
    until: Instant,
    /// Of those who wait for its end. They learn of it when theirs is dropped.
    waiters: Vec<oneshot::Sender<()>>,
}

/// So many leases that have ended are not worth a walk.
const FEW: usize = 64;

impl Leases {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The lease on `name`, if it has not ended.
    fn held(&mut self, name: Key<'_>, now: Instant) -> Option<&mut Lease> {
        self.leases.get_mut(name.as_str()).filter(|lease| now < lease.until)
    }

    /// The same, if it is this owner's.
    fn held_by(&mut self, name: Key<'_>, owner: Owner) -> Option<&mut Lease> {
        self.held(name, Instant::now()).filter(|lease| lease.owner == owner)
    }

    /// From the clock on at first, so that it grows from one process to the next as well: nobody acquires a lock in less
    /// than a nanosecond.
    fn next_fence(&mut self) -> Fence {
        if self.last_fence == 0 {
            let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.last_fence = u64::try_from(clock.as_nanos()).unwrap_or(0);
        }
        self.last_fence += 1;
        Fence(self.last_fence)
    }

    /// Removes what has ended, when there is twice as much as there was left the last time.
    fn tidy(&mut self, now: Instant) {
        if self.leases.len() > 2 * self.kept + FEW {
            self.leases.retain(|_, lease| now < lease.until);
            self.kept = self.leases.len();
        }
    }
}

impl LockStore for MemoryStore {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        let state = &mut *self.leases().state();
        let now = Instant::now();
        match state.held(name, now) {
            Some(held) if held.owner != owner => {
                return StoreFuture::ok(Acquisition::Held(held.until - now));
            }
            Some(held) => held.until = end(now, lease),
            None => {
                state.tidy(now);
                let fresh = Lease { owner, until: end(now, lease), waiters: Vec::new() };
                state.leases.insert(name.as_str().into(), fresh);
            }
        }
        StoreFuture::ok(Acquisition::Acquired(state.next_fence()))
    }

    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        let mut state = self.leases().state();
        let held = state.held_by(name, owner);
        StoreFuture::ok(held.map(|held| held.until = end(Instant::now(), lease)).is_some())
    }

    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        let mut state = self.leases().state();
        let is_held = state.held_by(name, owner).is_some();
        if is_held {
            state.leases.remove(name.as_str());
        }
        StoreFuture::ok(is_held)
    }

    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()> {
        let mut state = self.leases().state();
        let Some(held) = state.held(name, Instant::now()) else { return StoreFuture::ok(()) };
        let (ended, end) = oneshot::channel();
        held.waiters.retain(|waiter| !waiter.is_closed());
        held.waiters.push(ended);
        let until = held.until;
        StoreFuture::pending(async move {
            // Whichever is first. If it was renewed meanwhile, this is too early.
            let _ = tokio::time::timeout_at(until, end).await;
            Ok(())
        })
    }

    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        let now = Instant::now();
        let mut state = self.leases().state();
        let held = state.held(name, now);
        StoreFuture::ok(held.map(|held| LockState { owner: held.owner, left: held.until - now }))
    }

    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        let mut state = self.leases().state();
        let was_held = state.held(name, Instant::now()).is_some();
        state.leases.remove(name.as_str());
        StoreFuture::ok(was_held)
    }
}

/// One that cannot be told has none.
fn end(now: Instant, lease: Duration) -> Instant {
    const LONG: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    now.checked_add(lease).unwrap_or_else(|| now + LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const SECOND: Duration = Duration::from_secs(1);

    fn key(name: &str) -> Key<'_> {
        Key::new(name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn leases_that_have_ended_do_not_pile_up() {
        let store = MemoryStore::new();
        store.acquire(key("kept"), Owner(1), HOUR).await.unwrap();
        for number in 0..10_000 {
            let name = format!("n{number}");
            store.acquire(key(&name), Owner(1), SECOND).await.unwrap();
            tokio::time::advance(SECOND).await;
        }
        assert!(store.leases().state().leases.len() <= FEW + 3);
        assert!(store.inspect(key("kept")).await.unwrap().is_none(), "an hour has passed");
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_that_left_do_not_pile_up() {
        let store = MemoryStore::new();
        store.acquire(key("n"), Owner(1), HOUR).await.unwrap();
        for _ in 0..100 {
            drop(store.freed(key("n")));
        }
        let waiters = store.leases().state().leases["n"].waiters.len();
        assert!(waiters <= 1, "{waiters}");
    }
}
