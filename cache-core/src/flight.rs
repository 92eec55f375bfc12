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
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::Notify;
use waiting::{Place, Waiting};

use crate::Key;

mod waiting;

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
    /// How many have a share in it, until it lands; raised within the lock of its table.
    seats: AtomicUsize,
    state: Mutex<State>,
    /// Tells those who change the key that a write has ended.
    written: Notify,
    /// Set when the flight has left the table: who has it and boards again boards another. And before those
    /// who wait are woken for it.
    outcome: OnceLock<O>,
}

struct State {
    phase: Phase,
    waiting: Waiting,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The leader loads, or is about to.
    Loading,
    /// The leader stores what it loaded: too late to be overtaken, so a change waits until it is done.
    Writing,
    /// The key was changed: what is loaded is not stored.
    Overtaken,
    /// Nobody leads, since it is new or its leader left without landing. Who came first of those who wait was
    /// woken, and is to lead, the others wait for it. Nobody waits if that is nobody: who is polled first leads.
    Vacant(Option<Place>),
    /// Overtaken, and nobody leads: all board again. If any wait, one was woken, and is to wake the others.
    Abandoned(Option<Place>),
    Landed,
}

/// What waiting gives.
pub(crate) enum Turn<'f, O> {
    /// The flight landed.
    Landed(Landed<'f, O>),
    /// Nobody leads; this caller does now.
    Lead(Lead<'f, O>),
    /// The flight was overtaken, and nobody leads: board again.
    Again,
}

/// The leader's part. Dropped without [`land`](Self::land), it hands over.
pub(crate) struct Lead<'f, O> {
    seat: Seat<'f, O>,
    landed: bool,
}

/// The part of who has boarded, a future of its [`Turn`]. Dropped when it was chosen to lead, it hands over.
pub(crate) struct Wait<'f, O> {
    /// `None` once it has had its turn.
    seat: Option<Seat<'f, O>>,
    /// `None` until it waits.
    place: Option<Place>,
}

/// A share in a flight that has landed.
pub(crate) struct Landed<'f, O> {
    seat: Seat<'f, O>,
}

/// A share in a flight. The last one to leave takes the flight out of the table, if it has not landed.
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

    /// Joins the flight of `key`, or starts one. Says whether it is a new one, too.
    pub(crate) fn board<'f>(&'f self, key: Key<'f>) -> (Wait<'f, O>, bool) {
        let key = key.as_str();
        let mut table = self.table(key);
        let there = table.get(key).cloned();
        let is_new = there.is_none();
        let flight = there.unwrap_or_else(|| {
            let flight = Arc::new(Flight::new());
            table.insert(key.into(), Arc::clone(&flight));
            // Before whoever leads reads or loads anything: a change that does not see this flight has begun
            // before whatever the flight loads.
            self.aloft.fetch_add(1, Ordering::SeqCst);
            flight
        });
        flight.seats.fetch_add(1, Ordering::Relaxed);
        let seat = Seat { flights: self, key, flight: Some(flight) };
        (Wait { seat: Some(seat), place: None }, is_new)
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
            seats: AtomicUsize::new(0),
            state: Mutex::new(State { phase: Phase::Vacant(None), waiting: Waiting::default() }),
            written: Notify::new(),
            outcome: OnceLock::new(),
        }
    }

    /// `false` if the leader is just storing.
    fn overtake(&self) -> bool {
        let phase = &mut lock(&self.state).phase;
        *phase = match *phase {
            Phase::Writing => return false,
            Phase::Loading => Phase::Overtaken,
            Phase::Vacant(chosen) => Phase::Abandoned(chosen),
            over @ (Phase::Overtaken | Phase::Abandoned(_) | Phase::Landed) => over,
        };
        true
    }
}

impl<O> Lead<'_, O> {
    /// Asks to store what was loaded; `false` if the flight was overtaken. From here on a change of the
    /// key waits until this leader lands or leaves.
    pub(crate) fn begin_write(&self) -> bool {
        let phase = &mut lock(&self.seat.flight().state).phase;
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
        lock(&flight.state).phase = Phase::Overtaken;
        flight.written.notify_waiters();
        has_company
    }

    /// Hands the outcome to all who wait.
    pub(crate) fn land(mut self, outcome: O) {
        self.landed = true;
        let Seat { flights, key, .. } = &self.seat;
        let flight = self.seat.flight();
        flights.remove(&mut flights.table(key), key, flight);
        let first = flight.outcome.set(outcome).is_ok();
        debug_assert!(first, "a flight lands once");
        let woken = {
            let mut state = lock(&flight.state);
            state.phase = Phase::Landed;
            state.waiting.take_all()
        };
        flight.written.notify_waiters();
        drop(woken);
    }
}

impl<O> Drop for Lead<'_, O> {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        let flight = self.seat.flight();
        // In one step: a change in between would be forgotten.
        let woken = {
            let mut state = lock(&flight.state);
            if state.phase == Phase::Overtaken {
                state.phase = Phase::Abandoned(None);
                state.waiting.take_all()
            } else {
                let (chosen, woken) = state.waiting.take_first();
                state.phase = Phase::Vacant(chosen);
                woken
            }
        };
        flight.written.notify_waiters();
        drop(woken);
    }
}

impl<'f, O> Future for Wait<'f, O> {
    type Output = Turn<'f, O>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<'f, O>> {
        let Self { seat, place } = &mut *self;
        let Some(held) = seat.as_ref() else { unreachable!("who had a turn waits no longer") };
        let mut unused = None;
        // Without the lock, which all whose flight has landed would take in turn.
        let turn: fn(Seat<'f, O>) -> Turn<'f, O> = if held.has_landed() {
            Seat::landed
        } else {
            let waker = context.waker().clone();
            let mut state = lock(&held.flight().state);
            match state.phase {
                Phase::Vacant(chosen) if chosen.is_none() || chosen == *place => {
                    state.phase = Phase::Loading;
                    unused = Some(waker);
                    Seat::lead
                }
                Phase::Vacant(_) | Phase::Loading | Phase::Writing | Phase::Overtaken => {
                    let replaced = state.waiting.wait(place, waker);
                    drop(state);
                    drop(replaced);
                    return Poll::Pending;
                }
                Phase::Abandoned(_) => {
                    let woken = state.waiting.take_all();
                    drop(state);
                    drop(woken);
                    Seat::again
                }
                Phase::Landed => Seat::landed,
            }
        };
        let turn = seat.take().map_or(Poll::Pending, |seat| Poll::Ready(turn(seat)));
        // Now that the lead would be handed over, if this panics.
        drop(unused);
        turn
    }
}

impl<O> Drop for Wait<'_, O> {
    fn drop(&mut self) {
        let (Some(seat), Some(place)) = (&self.seat, self.place) else { return };
        if seat.has_landed() {
            return;
        }
        let mut state = lock(&seat.flight().state);
        let State { phase, waiting } = &mut *state;
        let own = waiting.leave(place);
        let mut next = None;
        if let Phase::Vacant(chosen) | Phase::Abandoned(chosen) = phase
            && *chosen == Some(place)
        {
            let (place, woken) = waiting.take_first();
            *chosen = place;
            next = Some(woken);
        }
        drop(state);
        drop((own, next));
    }
}

impl<O> Landed<'_, O> {
    pub(crate) fn outcome(&self) -> &O {
        let Some(outcome) = self.seat.flight().outcome.get() else {
            unreachable!("the outcome is set before the flight lands")
        };
        outcome
    }
}

impl<'f, O> Seat<'f, O> {
    fn landed(self) -> Turn<'f, O> {
        Turn::Landed(Landed { seat: self })
    }

    fn lead(self) -> Turn<'f, O> {
        Turn::Lead(Lead { seat: self, landed: false })
    }

    fn again(self) -> Turn<'f, O> {
        drop(self);
        Turn::Again
    }

    fn flight(&self) -> &Arc<Flight<O>> {
        let Some(flight) = &self.flight else {
            unreachable!("a seat has its flight until dropped")
        };
        flight
    }

    fn has_landed(&self) -> bool {
        self.flight().outcome.get().is_some()
    }
}

impl<O> Drop for Seat<'_, O> {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        // Who lands it takes it out of the table.
        if flight.outcome.get().is_none() && flight.seats.fetch_sub(1, Ordering::Relaxed) == 1 {
            let mut table = self.flights.table(self.key);
            // Unless somebody has boarded since.
            if flight.seats.load(Ordering::Relaxed) == 0 {
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
