//! Single flight: of all who miss a key at once, one loads and the others wait for it.
//!
//! A flight is boarded by key. Whoever finds none becomes its leader and loads; the others wait. A
//! leader that ends without a result, dropped or in a panic, hands over to exactly one of them. A
//! change of the key while its load runs *overtakes* the flight: it leaves the table, so that who
//! comes later loads anew, and what it loaded is handed to those who boarded before and not stored.
//!
//! The idea is that of Go's `singleflight`, its `Forget` included. This file knows nothing of values
//! and stores; what is done with a turn is in `remember.rs`.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, Semaphore};

use crate::Key;

/// The flights of one cache, whose outcome is an `O`.
pub(crate) struct Flights<O> {
    shards: [Mutex<Table<O>>; SHARDS],
    hasher: RandomState,
    /// How many are in the tables, so that whoever changes a key need not look while there are none.
    aloft: AtomicUsize,
}

type Table<O> = HashMap<Box<str>, Arc<Flight<O>>>;

const SHARDS: usize = 16;

struct Flight<O> {
    /// One permit when a leader has left without landing, for one waiter; closed when nobody is to
    /// wait any longer.
    turn: Semaphore,
    /// How many have a share in it; changed within the lock of its table.
    seats: AtomicUsize,
    phase: Mutex<Phase>,
    /// Tells those who change the key that a write has ended.
    written: Notify,
    outcome: OnceLock<O>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The leader loads, or is about to.
    Loading,
    /// The leader stores what it loaded: too late to be overtaken, so a change waits until it is done.
    Writing,
    /// The key was changed: what is loaded is not stored.
    Overtaken,
    Landed,
}

/// What boarding gives.
pub(crate) enum Boarding<'f, O> {
    Lead(Lead<'f, O>),
    Wait(Wait<'f, O>),
}

/// What waiting gives.
pub(crate) enum Turn<'f, O> {
    /// The flight landed.
    Landed(O),
    /// The leader left; this caller leads now.
    Lead(Lead<'f, O>),
    /// The flight was overtaken and its leader left: board again.
    Again,
}

/// The leader's part. Dropped without [`land`](Self::land), it hands over.
pub(crate) struct Lead<'f, O> {
    seat: Seat<'f, O>,
    landed: bool,
}

/// A waiter's part.
pub(crate) struct Wait<'f, O> {
    seat: Seat<'f, O>,
}

/// A share in a flight. The last one to leave takes the flight out of the table.
struct Seat<'f, O> {
    flights: &'f Flights<O>,
    key: &'f str,
    /// `None` only while it is dropped.
    flight: Option<Arc<Flight<O>>>,
}

/// A change of a key, or of all, while it lasts. Flights that are there when it begins and when it
/// ends are overtaken.
pub(crate) struct Change<'f, O> {
    flights: &'f Flights<O>,
    key: Option<Key<'f>>,
}

impl<O> Flights<O> {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            aloft: AtomicUsize::new(0),
        }
    }

    /// Joins the flight of `key`, or starts one.
    pub(crate) fn board<'f>(&'f self, key: Key<'f>) -> Boarding<'f, O> {
        let key = key.as_str();
        let seat = |flight: Arc<Flight<O>>| {
            flight.seats.fetch_add(1, Ordering::Relaxed);
            Seat { flights: self, key, flight: Some(flight) }
        };
        let mut table = self.table(key);
        if let Some(flight) = table.get(key) {
            return Boarding::Wait(Wait { seat: seat(Arc::clone(flight)) });
        }
        let flight = Arc::new(Flight::new());
        table.insert(key.into(), Arc::clone(&flight));
        // Before the leader reads or loads anything: a change that does not see this flight has begun
        // before whatever the flight loads.
        self.aloft.fetch_add(1, Ordering::SeqCst);
        Boarding::Lead(Lead { seat: seat(flight), landed: false })
    }

    /// Announces a change of `key`, which is to begin when this resolves and to end when the guard is
    /// dropped. It waits only for a leader who is just storing what it loaded.
    #[inline]
    pub(crate) async fn change<'f>(&'f self, key: Key<'f>) -> Change<'f, O> {
        if self.any() {
            // Boxed, since the way of all who find no flight should not carry its state.
            Box::pin(self.overtake(key)).await;
        }
        Change { flights: self, key: Some(key) }
    }

    /// The same for every key.
    pub(crate) async fn change_all(&self) -> Change<'_, O> {
        // All are overtaken before the first is waited for.
        for (key, flight) in self.overtake_all() {
            self.overtake_or_wait(&key, &flight).await;
        }
        Change { flights: self, key: None }
    }

    #[inline]
    fn any(&self) -> bool {
        self.aloft.load(Ordering::SeqCst) != 0
    }

    async fn overtake(&self, key: Key<'_>) {
        let flight = self.table(key.as_str()).get(key.as_str()).cloned();
        if let Some(flight) = flight {
            self.overtake_or_wait(key.as_str(), &flight).await;
        }
    }

    /// Sees to it that what the flight has loaded is not stored any more. It stays in the table while it
    /// stores, where other changes find it too.
    async fn overtake_or_wait(&self, key: &str, flight: &Arc<Flight<O>>) {
        loop {
            let mut written = std::pin::pin!(flight.written.notified());
            // Enabled before the look, so that a write that ends in between is not missed.
            written.as_mut().enable();
            if self.overtake_now(key, flight) {
                return;
            }
            written.await;
        }
    }

    /// `false` if its leader is just storing.
    fn overtake_now(&self, key: &str, flight: &Arc<Flight<O>>) -> bool {
        let mut table = self.table(key);
        let overtaken = flight.overtake();
        if overtaken {
            self.remove(&mut table, key, flight);
        }
        overtaken
    }

    /// Overtakes all that can be, and returns those that are just storing.
    fn overtake_all(&self) -> Vec<(Box<str>, Arc<Flight<O>>)> {
        let mut storing = Vec::new();
        if self.any() {
            for shard in &self.shards {
                let mut gone = 0;
                lock(shard).retain(|key, flight| {
                    let overtaken = flight.overtake();
                    if overtaken {
                        gone += 1;
                    } else {
                        storing.push((key.clone(), Arc::clone(flight)));
                    }
                    !overtaken
                });
                self.aloft.fetch_sub(gone, Ordering::SeqCst);
            }
        }
        storing
    }

    /// Takes this very flight out of the table, if it is still in.
    fn remove(&self, table: &mut Table<O>, key: &str, flight: &Arc<Flight<O>>) {
        if table.get(key).is_some_and(|there| Arc::ptr_eq(there, flight)) {
            table.remove(key);
            self.aloft.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn table(&self, key: &str) -> MutexGuard<'_, Table<O>> {
        #[allow(clippy::cast_possible_truncation, reason = "any of its bits will do")]
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        lock(&self.shards[shard])
    }
}

impl<O> Flight<O> {
    fn new() -> Self {
        Self {
            turn: Semaphore::new(0),
            seats: AtomicUsize::new(0),
            phase: Mutex::new(Phase::Loading),
            written: Notify::new(),
            outcome: OnceLock::new(),
        }
    }

    /// `false` if the leader is just storing.
    fn overtake(&self) -> bool {
        let mut phase = lock(&self.phase);
        match *phase {
            Phase::Writing => false,
            Phase::Loading => {
                *phase = Phase::Overtaken;
                true
            }
            Phase::Overtaken | Phase::Landed => true,
        }
    }

    /// Ends a write, and tells who waits for that.
    fn enter(&self, next: Phase) {
        *lock(&self.phase) = next;
        self.written.notify_waiters();
    }
}

impl<O> Lead<'_, O> {
    /// Asks to store what was loaded; `false` if the flight was overtaken. From here on a change of the
    /// key waits until this leader lands or leaves.
    pub(crate) fn begin_write(&self) -> bool {
        let mut phase = lock(&self.seat.flight().phase);
        if *phase == Phase::Loading {
            *phase = Phase::Writing;
        }
        *phase == Phase::Writing
    }

    /// Ends the write, and sees to it that nobody boards any more. Returns whether somebody waits.
    pub(crate) fn depart(&self) -> bool {
        let Seat { flights, key, .. } = &self.seat;
        let flight = self.seat.flight();
        let has_company = {
            let mut table = flights.table(key);
            flights.remove(&mut table, key, flight);
            flight.seats.load(Ordering::Relaxed) > 1
        };
        // Those who change the key have not overtaken it, but it is out of the table as if they had.
        flight.enter(Phase::Overtaken);
        has_company
    }

    /// Hands the outcome to all who wait.
    pub(crate) fn land(mut self, outcome: O) {
        self.landed = true;
        let Seat { flights, key, .. } = &self.seat;
        let flight = self.seat.flight();
        let first = flight.outcome.set(outcome).is_ok();
        debug_assert!(first, "a flight lands once");
        flights.remove(&mut flights.table(key), key, flight);
        flight.enter(Phase::Landed);
        flight.turn.close();
    }
}

impl<O> Drop for Lead<'_, O> {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        let flight = self.seat.flight();
        // In one step: a change in between would be forgotten.
        let overtaken = {
            let mut phase = lock(&flight.phase);
            if *phase != Phase::Overtaken {
                *phase = Phase::Loading;
            }
            *phase == Phase::Overtaken
        };
        if overtaken {
            flight.turn.close();
        } else {
            flight.written.notify_waiters();
            flight.turn.add_permits(1);
        }
    }
}

impl<'f, O: Clone> Wait<'f, O> {
    /// Waits for the outcome, or for the lead.
    pub(crate) async fn turn(self) -> Turn<'f, O> {
        let flight = self.seat.flight();
        let leads = match flight.turn.acquire().await {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_closed) => false,
        };
        if !leads {
            return flight.outcome.get().cloned().map_or(Turn::Again, Turn::Landed);
        }
        if *lock(&flight.phase) == Phase::Overtaken {
            flight.turn.close();
            return Turn::Again;
        }
        Turn::Lead(Lead { seat: self.seat, landed: false })
    }
}

impl<O> Seat<'_, O> {
    fn flight(&self) -> &Arc<Flight<O>> {
        let Some(flight) = &self.flight else {
            unreachable!("a seat has its flight until dropped")
        };
        flight
    }
}

impl<O> Drop for Seat<'_, O> {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        {
            let mut table = self.flights.table(self.key);
            if flight.seats.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.flights.remove(&mut table, self.key, &flight);
            }
        }
        // Outside of the lock: an outcome may hold a user's object.
        drop(flight);
    }
}

impl<O> Drop for Change<'_, O> {
    fn drop(&mut self) {
        // A flight that is storing by now began after this change did: the two are concurrent, and
        // either may come last.
        if self.flights.any() {
            match self.key {
                Some(key) => {
                    let key = key.as_str();
                    let flight = self.flights.table(key).get(key).cloned();
                    if let Some(flight) = flight {
                        self.flights.overtake_now(key, &flight);
                    }
                }
                None => drop(self.flights.overtake_all()),
            }
        }
    }
}

/// Nothing that could panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
