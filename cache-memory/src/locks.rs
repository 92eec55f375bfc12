//! Locks of this process: leases by name, apart from the table, which evicts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cache_core::{Acquisition, Fence, Key, LockState, LockStore, Owner, StoreFuture};
use quick_cache::DefaultHashBuilder;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::MemoryStore;

#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<State>);

/// The leases, while nobody else has them.
struct Locked<'l> {
    state: MutexGuard<'l, State>,
    /// Behind the guard, so that they are dropped after it: a waker is somebody's code, which may use the store.
    told: Vec<Waiter>,
}

#[derive(Debug, Default)]
struct State {
    leases: HashMap<Box<str>, Lease, DefaultHashBuilder>,
    /// How many there were when those were removed that had ended.
    kept: usize,
}

#[derive(Debug)]
struct Lease {
    owner: Owner,
    until: Instant,
    waiters: Vec<Waiter>,
}

/// Of somebody who waits for the end of a lease, and learns of it when this is dropped.
type Waiter = oneshot::Sender<()>;

/// So many leases that have ended are not worth a walk.
const FEW: usize = 64;

impl Leases {
    fn lock(&self) -> Locked<'_> {
        Locked { state: self.0.lock().unwrap_or_else(PoisonError::into_inner), told: Vec::new() }
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

    /// Ends what is held by this owner. Returns whether there was something.
    fn end(&mut self, name: Key<'_>, owner: Owner, told: &mut Vec<Waiter>) -> bool {
        // Removed at first, and put back where it was another's, which is rare.
        let Some((name, lease)) = self.leases.remove_entry(name.as_str()) else { return false };
        let is_held = Instant::now() < lease.until;
        if is_held && lease.owner != owner {
            self.leases.insert(name, lease);
            return false;
        }
        lease.leave(told);
        is_held
    }

    /// Removes what has ended, when there is twice as much as there was left the last time.
    fn tidy(&mut self, now: Instant, told: &mut Vec<Waiter>) {
        if self.leases.len() > 2 * self.kept + FEW {
            let ended = self.leases.extract_if(|_, lease| lease.until <= now);
            for (_, lease) in ended {
                lease.leave(told);
            }
            self.kept = self.leases.len();
        }
    }
}

impl Lease {
    /// Whoever waits learns that it is over.
    fn leave(self, told: &mut Vec<Waiter>) {
        // A vector grows by none as well, and that costs more than to see that it need not.
        if !self.waiters.is_empty() {
            told.extend(self.waiters);
        }
    }

    /// Whoever waits goes by the end that there was: of a later one they learn then, of an earlier one now.
    fn begin_anew(&mut self, until: Instant, told: &mut Vec<Waiter>) {
        if until < self.until {
            told.append(&mut self.waiters);
        }
        self.until = until;
    }
}

/// One more than the last of this process, or than the clock in microseconds, which other drivers count in as well.
///
/// So fences grow within a process in any case, also from one of its stores to the next. From one process to the next
/// they do unless the clock is set back: only a process that acquires more than one lock in a microsecond is ahead of
/// the clock, by as many as those are more, and until the clock has made up for it.
fn next_fence() -> Fence {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LAST.fetch_max(u64::try_from(clock.as_micros()).unwrap_or(0), Ordering::Relaxed);
    Fence(LAST.fetch_add(1, Ordering::Relaxed) + 1)
}

impl LockStore for MemoryStore {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        let Locked { state, told } = &mut self.leases().lock();
        let now = Instant::now();
        match state.held(name, now) {
            Some(held) if held.owner != owner => {
                return StoreFuture::ok(Acquisition::Held(held.until - now));
            }
            Some(held) => held.begin_anew(end(now, lease), told),
            None => {
                state.tidy(now, told);
                let fresh = Lease { owner, until: end(now, lease), waiters: Vec::new() };
                if let Some(ended) = state.leases.insert(name.as_str().into(), fresh) {
                    ended.leave(told);
                }
            }
        }
        StoreFuture::ok(Acquisition::Acquired(next_fence()))
    }

    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        let Locked { state, told } = &mut self.leases().lock();
        let held = state.held_by(name, owner);
        StoreFuture::ok(
            held.map(|held| held.begin_anew(end(Instant::now(), lease), told)).is_some(),
        )
    }

    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        let Locked { state, told } = &mut self.leases().lock();
        StoreFuture::ok(state.end(name, owner, told))
    }

    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()> {
        let Locked { state, told } = &mut self.leases().lock();
        let Some(held) = state.held(name, Instant::now()) else { return StoreFuture::ok(()) };
        let (ended, end) = oneshot::channel();
        told.extend(held.waiters.extract_if(.., |waiter| waiter.is_closed()));
        held.waiters.push(ended);
        let until = held.until;
        StoreFuture::pending(async move {
            // Whichever is first. If it was renewed meanwhile, this is too early.
            let _ = tokio::time::timeout_at(until, end).await;
            Ok(())
        })
    }

    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        let Locked { state, .. } = &mut self.leases().lock();
        let now = Instant::now();
        let held = state.held(name, now);
        StoreFuture::ok(held.map(|held| LockState { owner: held.owner, left: held.until - now }))
    }

    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        let Locked { state, told } = &mut self.leases().lock();
        let Some(lease) = state.leases.remove(name.as_str()) else { return StoreFuture::ok(false) };
        let was_held = Instant::now() < lease.until;
        lease.leave(told);
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

    #[tokio::test]
    async fn fences_grow_from_one_store_to_the_next() {
        let mut last = Fence(0);
        for _ in 0..10 {
            let store = MemoryStore::new();
            for _ in 0..1_000 {
                let acquired = store.acquire(key("n"), Owner(1), HOUR).await.unwrap();
                let Acquisition::Acquired(fence) = acquired else { panic!("it is the owner") };
                assert!(fence > last);
                last = fence;
            }
        }
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
        assert!(store.leases().lock().state.leases.len() <= FEW + 3);
        assert!(store.inspect(key("kept")).await.unwrap().is_none(), "an hour has passed");
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_that_left_do_not_pile_up() {
        let store = MemoryStore::new();
        store.acquire(key("n"), Owner(1), HOUR).await.unwrap();
        for _ in 0..100 {
            drop(store.freed(key("n")));
        }
        let waiters = store.leases().lock().state.leases["n"].waiters.len();
        assert!(waiters <= 1, "{waiters}");
    }
}
