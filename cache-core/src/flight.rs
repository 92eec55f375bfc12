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
mod tests {
    use std::task::Poll;

    use tokio_test::task::spawn;

    use super::*;

    fn key() -> Key<'static> {
        Key::new("k").unwrap()
    }

    fn lead(flights: &Flights<u8>) -> Lead<'_, u8> {
        match flights.board(key()) {
            Boarding::Lead(lead) => lead,
            Boarding::Wait(_) => panic!("somebody leads already"),
        }
    }

    fn wait(flights: &Flights<u8>) -> Wait<'_, u8> {
        match flights.board(key()) {
            Boarding::Wait(wait) => wait,
            Boarding::Lead(_) => panic!("nobody leads"),
        }
    }

    #[test]
    fn a_waiter_pends_until_the_leader_lands() {
        let flights = Flights::new();
        let lead = lead(&flights);
        let mut waiter = spawn(wait(&flights).turn());
        assert!(waiter.poll().is_pending());
        lead.land(7);
        assert!(waiter.is_woken());
        assert!(matches!(waiter.poll(), Poll::Ready(Turn::Landed(7))));
        assert!(!flights.any(), "nothing is left behind");
    }

    #[test]
    fn a_dropped_leader_hands_over_to_exactly_one() {
        let flights = Flights::new();
        let lead = lead(&flights);
        let mut first = spawn(wait(&flights).turn());
        let mut second = spawn(wait(&flights).turn());
        assert!(first.poll().is_pending() && second.poll().is_pending());
        drop(lead);
        assert!(first.is_woken() && !second.is_woken());
        let Poll::Ready(Turn::Lead(lead)) = first.poll() else { panic!("the first leads now") };
        assert!(second.poll().is_pending());
        lead.land(7);
        assert!(matches!(second.poll(), Poll::Ready(Turn::Landed(7))));
        assert!(!flights.any());
    }

    #[test]
    fn a_waiter_that_was_chosen_and_is_dropped_passes_the_lead_on() {
        let flights = Flights::new();
        let lead = lead(&flights);
        let mut first = spawn(wait(&flights).turn());
        let mut second = spawn(wait(&flights).turn());
        assert!(first.poll().is_pending() && second.poll().is_pending());
        drop(lead);
        assert!(first.is_woken());
        drop(first);
        assert!(second.is_woken());
        assert!(matches!(second.poll(), Poll::Ready(Turn::Lead(_))));
    }

    #[test]
    fn the_last_to_leave_leaves_nothing_behind() {
        let flights = Flights::new();
        let lead_only = lead(&flights);
        drop(lead_only);
        assert!(!flights.any());
        let lead = lead(&flights);
        let mut waiter = spawn(wait(&flights).turn());
        assert!(waiter.poll().is_pending());
        drop(lead);
        drop(waiter);
        assert!(!flights.any());
    }

    #[test]
    fn a_change_overtakes_and_who_comes_later_flies_anew() {
        let flights = Flights::new();
        let overtaken = lead(&flights);
        let mut before = spawn(wait(&flights).turn());
        assert!(before.poll().is_pending());
        drop(tokio_test::block_on(flights.change(key())));
        assert!(!overtaken.begin_write());
        let fresh = lead(&flights);
        assert!(fresh.begin_write());
        overtaken.land(1);
        assert!(matches!(before.poll(), Poll::Ready(Turn::Landed(1))));
        assert!(matches!(flights.board(key()), Boarding::Wait(_)), "the fresh one is untouched");
        fresh.land(2);
    }

    #[test]
    fn who_waited_for_an_overtaken_leader_that_left_boards_again() {
        let flights = Flights::new();
        let lead = lead(&flights);
        let mut waiter = spawn(wait(&flights).turn());
        assert!(waiter.poll().is_pending());
        drop(tokio_test::block_on(flights.change_all()));
        drop(lead);
        assert!(matches!(waiter.poll(), Poll::Ready(Turn::Again)));
    }

    #[test]
    fn a_chosen_waiter_of_a_flight_that_is_overtaken_then_boards_again() {
        let flights = Flights::new();
        let lead = lead(&flights);
        let mut waiter = spawn(wait(&flights).turn());
        assert!(waiter.poll().is_pending());
        drop(lead);
        drop(tokio_test::block_on(flights.change(key())));
        assert!(matches!(waiter.poll(), Poll::Ready(Turn::Again)));
    }

    #[test]
    fn a_change_waits_for_a_write_and_no_longer() {
        let flights = Flights::new();
        for lands in [true, false] {
            let lead = lead(&flights);
            assert!(lead.begin_write());
            let mut change = spawn(flights.change(key()));
            assert!(change.poll().is_pending());
            if lands {
                lead.land(1);
            } else {
                drop(lead);
            }
            assert!(change.is_woken());
            assert!(change.poll().is_ready());
        }
    }

    #[test]
    fn a_flight_that_begins_during_a_change_is_overtaken_when_it_ends() {
        let flights = Flights::new();
        let change = tokio_test::block_on(flights.change(key()));
        let lead = lead(&flights);
        drop(change);
        assert!(!lead.begin_write());
    }

    #[test]
    fn each_of_several_changes_waits_for_a_write() {
        let flights = Flights::new();
        let lead = lead(&flights);
        assert!(lead.begin_write());
        let mut first = spawn(flights.change(key()));
        let mut second = spawn(flights.change(key()));
        let mut all = spawn(flights.change_all());
        assert!(first.poll().is_pending() && second.poll().is_pending() && all.poll().is_pending());
        drop(first);
        assert!(second.poll().is_pending(), "one that is dropped takes nothing from the others");
        lead.land(1);
        assert!(second.poll().is_ready() && all.poll().is_ready());
        assert!(!flights.any());
    }

    #[test]
    fn a_change_that_ends_during_a_write_leaves_the_write_to_be_seen() {
        let flights = Flights::new();
        let first = tokio_test::block_on(flights.change(key()));
        let lead = lead(&flights);
        assert!(lead.begin_write());
        drop(first);
        let mut second = spawn(flights.change(key()));
        assert!(second.poll().is_pending());
        lead.land(1);
        assert!(second.poll().is_ready());
    }

    #[test]
    fn a_change_of_all_overtakes_all_before_it_waits() {
        let flights = Flights::<u8>::new();
        let names: Vec<_> = (0..64).map(|n| format!("k{n}")).collect();
        let leads: Vec<_> = names
            .iter()
            .map(|name| match flights.board(Key::new(name).unwrap()) {
                Boarding::Lead(lead) => lead,
                Boarding::Wait(_) => panic!("somebody leads already"),
            })
            .collect();
        let writing = lead(&flights);
        assert!(writing.begin_write());
        let mut all = spawn(flights.change_all());
        assert!(all.poll().is_pending());
        drop(all);
        assert!(leads.iter().all(|lead| !lead.begin_write()));
        writing.land(1);
    }

    #[test]
    fn who_comes_after_a_departure_flies_anew_and_who_waited_is_told() {
        let flights = Flights::new();
        let departed = lead(&flights);
        let mut waiter = spawn(wait(&flights).turn());
        assert!(waiter.poll().is_pending());
        assert!(departed.begin_write());
        assert!(departed.depart(), "somebody waits");
        assert!(!flights.any());
        let fresh = lead(&flights);
        departed.land(1);
        assert!(matches!(waiter.poll(), Poll::Ready(Turn::Landed(1))));
        assert!(matches!(flights.board(key()), Boarding::Wait(_)), "the fresh one is untouched");
        assert!(fresh.begin_write());
        fresh.land(2);
        assert!(!flights.any());
    }

    #[test]
    fn who_departs_alone_is_told_so() {
        let flights = Flights::new();
        let alone = lead(&flights);
        let mut gone = spawn(wait(&flights).turn());
        assert!(gone.poll().is_pending());
        drop(gone);
        assert!(!alone.depart());
        assert!(!flights.any());
        alone.land(1);
    }

    #[test]
    fn all_who_waited_for_a_departed_leader_that_left_board_again() {
        let flights = Flights::new();
        let departed = lead(&flights);
        let mut waiters = [(); 3].map(|()| spawn(wait(&flights).turn()));
        assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
        assert!(departed.begin_write() && departed.depart());
        drop(departed);
        for waiter in &mut waiters {
            assert!(waiter.is_woken());
            assert!(matches!(waiter.poll(), Poll::Ready(Turn::Again)));
        }
        assert!(!flights.any());
        drop(lead(&flights));
    }

    #[test]
    fn a_departure_ends_the_write_for_those_who_change_the_key() {
        let flights = Flights::new();
        let departed = lead(&flights);
        let _waiter = wait(&flights);
        assert!(departed.begin_write());
        let mut change = spawn(flights.change(key()));
        let mut all = spawn(flights.change_all());
        assert!(change.poll().is_pending() && all.poll().is_pending());
        assert!(departed.depart());
        assert!(change.is_woken() && all.is_woken());
        assert!(change.poll().is_ready() && all.poll().is_ready());
        assert!(!departed.begin_write(), "it stores nothing more");
        departed.land(1);
    }

    #[test]
    fn an_overtaken_flight_departs_without_the_one_that_took_its_place() {
        let flights = Flights::new();
        let overtaken = lead(&flights);
        let mut before = spawn(wait(&flights).turn());
        assert!(before.poll().is_pending());
        drop(tokio_test::block_on(flights.change(key())));
        let fresh = lead(&flights);
        assert!(overtaken.depart());
        assert!(flights.any() && fresh.begin_write());
        overtaken.land(1);
        assert!(matches!(before.poll(), Poll::Ready(Turn::Landed(1))));
        fresh.land(2);
        assert!(!flights.any());
    }
}
