//! Flights, polled by hand.

use std::sync::atomic::AtomicBool;
use std::task::Poll;

use tokio_test::task::spawn;

use super::*;

mod any_order;
mod threads;
mod wakers;

fn key() -> Key<'static> {
    Key::new("k").unwrap()
}

fn lead(flights: &Flights<u8>) -> Lead<'_, u8> {
    lead_of(flights, key())
}

fn lead_of<'f>(flights: &'f Flights<u8>, key: Key<'f>) -> Lead<'f, u8> {
    let (boarded, is_new) = flights.board(key);
    assert!(is_new, "somebody has boarded already");
    match spawn(boarded).poll() {
        Poll::Ready(Turn::Lead(lead)) => lead,
        _ => panic!("who is alone leads"),
    }
}

fn wait(flights: &Flights<u8>) -> Wait<'_, u8> {
    let (boarded, is_new) = flights.board(key());
    assert!(!is_new, "nobody has boarded");
    boarded
}

/// Whether a flight that has not ended is alone in its load: in the table, or overtaken.
fn is_alone<O>(flights: &Flights<O>, flight: &Arc<Flight<O>>) -> bool {
    let table = flights.table(key().as_str());
    let is_overtaken = lock(&flight.state).phase == Phase::Overtaken;
    is_overtaken || table.get(key().as_str()).is_some_and(|there| Arc::ptr_eq(there, flight))
}

fn has_landed_with(polled: Poll<Turn<'_, u8>>, outcome: u8) -> bool {
    matches!(polled, Poll::Ready(Turn::Landed(landed)) if *landed.outcome() == outcome)
}

#[test]
fn a_waiter_pends_until_the_leader_lands() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    lead.land(7);
    assert!(waiter.is_woken());
    assert!(has_landed_with(waiter.poll(), 7));
    assert!(!flights.any(), "nothing is left behind");
}

#[test]
fn a_dropped_leader_hands_over_to_exactly_one() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut first = spawn(wait(&flights));
    let mut second = spawn(wait(&flights));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    drop(lead);
    assert!(first.is_woken() && !second.is_woken());
    let Poll::Ready(Turn::Lead(lead)) = first.poll() else { panic!("the first leads now") };
    assert!(second.poll().is_pending());
    lead.land(7);
    assert!(has_landed_with(second.poll(), 7));
    assert!(!flights.any());
}

#[test]
fn a_waiter_that_was_chosen_and_is_dropped_passes_the_lead_on() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut first = spawn(wait(&flights));
    let mut second = spawn(wait(&flights));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    drop(lead);
    assert!(first.is_woken());
    drop(first);
    assert!(second.is_woken());
    assert!(matches!(second.poll(), Poll::Ready(Turn::Lead(_))));
}

#[test]
fn who_came_first_leads_next_whoever_is_polled_before_it() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights)));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    drop(lead);
    let mut newcomer = spawn(wait(&flights));
    assert!(newcomer.poll().is_pending() && second.poll().is_pending());
    let Poll::Ready(Turn::Lead(lead)) = first.poll() else { panic!("the first leads now") };
    drop(lead);
    assert!(second.is_woken() && !newcomer.is_woken());
    drop(second);
    assert!(newcomer.is_woken());
    assert!(matches!(newcomer.poll(), Poll::Ready(Turn::Lead(_))));
    assert!(!flights.any());
}

#[test]
fn who_has_an_outcome_boards_another_flight_next() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    let table = flights.table(key().as_str());
    let lands = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let landing = scope.spawn(|| {
            lands.store(true, Ordering::SeqCst);
            lead.land(7);
        });
        while !lands.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        // It cannot leave the table meanwhile, and so has no outcome.
        for _ in 0..10_000 {
            assert!(waiter.poll().is_pending());
        }
        drop(table);
        assert!(landing.join().is_ok());
    });
    assert!(has_landed_with(waiter.poll(), 7));
}

#[test]
fn a_leader_that_left_before_anybody_waited_hands_over_to_the_first_who_does() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights)));
    drop(lead);
    let Poll::Ready(Turn::Lead(lead)) = first.poll() else { panic!("the first leads now") };
    assert!(second.poll().is_pending());
    drop(lead);
    assert!(matches!(second.poll(), Poll::Ready(Turn::Lead(_))));
}

#[test]
fn a_chosen_waiter_that_is_dropped_passes_the_lead_on_to_who_is_yet_to_wait() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights)));
    assert!(first.poll().is_pending());
    drop(lead);
    assert!(first.is_woken());
    drop(first);
    assert!(matches!(second.poll(), Poll::Ready(Turn::Lead(_))));
}

#[test]
fn who_begins_to_wait_after_the_end_is_told_of_it() {
    let flights = Flights::new();
    let landing = lead(&flights);
    let [mut before, gone] = [(); 2].map(|()| spawn(wait(&flights)));
    landing.land(7);
    drop(gone);
    assert!(has_landed_with(before.poll(), 7));
    assert!(!flights.any());

    let overtaken = lead(&flights);
    let mut before = spawn(wait(&flights));
    drop(tokio_test::block_on(flights.change(key())));
    drop(overtaken);
    assert!(matches!(before.poll(), Poll::Ready(Turn::Again)));

    let left = lead(&flights);
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights)));
    drop(left);
    drop(tokio_test::block_on(flights.change(key())));
    assert!(matches!(first.poll(), Poll::Ready(Turn::Again)), "the one who was to lead");
    assert!(matches!(second.poll(), Poll::Ready(Turn::Again)));
    assert!(!flights.any());
}

#[test]
fn the_last_to_leave_leaves_nothing_behind() {
    let flights = Flights::new();
    let lead_only = lead(&flights);
    drop(lead_only);
    assert!(!flights.any());
    let lead = lead(&flights);
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    drop(lead);
    drop(waiter);
    assert!(!flights.any());
}

#[test]
fn a_change_overtakes_and_who_comes_later_flies_anew() {
    let flights = Flights::new();
    let overtaken = lead(&flights);
    let mut before = spawn(wait(&flights));
    assert!(before.poll().is_pending());
    drop(tokio_test::block_on(flights.change(key())));
    assert!(!overtaken.begin_write());
    let fresh = lead(&flights);
    assert!(fresh.begin_write());
    overtaken.land(1);
    assert!(has_landed_with(before.poll(), 1));
    assert!(!flights.board(key()).1, "the fresh one is untouched");
    fresh.land(2);
}

#[test]
fn who_waited_for_an_overtaken_leader_that_left_boards_again() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    drop(tokio_test::block_on(flights.change_all()));
    drop(lead);
    assert!(matches!(waiter.poll(), Poll::Ready(Turn::Again)));
}

#[test]
fn a_chosen_waiter_of_a_flight_that_is_overtaken_then_boards_again() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    drop(lead);
    drop(tokio_test::block_on(flights.change(key())));
    assert!(matches!(waiter.poll(), Poll::Ready(Turn::Again)));
}

#[test]
fn a_chosen_waiter_that_is_dropped_once_its_flight_is_overtaken_tells_the_others() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let [mut first, mut second, mut third] = [(); 3].map(|()| spawn(wait(&flights)));
    for waiter in [&mut first, &mut second, &mut third] {
        assert!(waiter.poll().is_pending());
    }
    drop(lead);
    drop(tokio_test::block_on(flights.change(key())));
    drop(first);
    assert!(second.is_woken());
    assert!(matches!(second.poll(), Poll::Ready(Turn::Again)));
    assert!(third.is_woken());
    assert!(matches!(third.poll(), Poll::Ready(Turn::Again)));
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
    let leads: Vec<_> =
        names.iter().map(|name| lead_of(&flights, Key::new(name).unwrap())).collect();
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
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    assert!(departed.begin_write());
    assert!(departed.depart(), "somebody waits");
    assert!(!flights.any());
    let fresh = lead(&flights);
    departed.land(1);
    assert!(has_landed_with(waiter.poll(), 1));
    assert!(!flights.board(key()).1, "the fresh one is untouched");
    assert!(fresh.begin_write());
    fresh.land(2);
    assert!(!flights.any());
}

#[test]
fn who_departs_alone_is_told_so() {
    let flights = Flights::new();
    let alone = lead(&flights);
    let mut gone = spawn(wait(&flights));
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
    let mut waiters = [(); 3].map(|()| spawn(wait(&flights)));
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
    let mut before = spawn(wait(&flights));
    assert!(before.poll().is_pending());
    drop(tokio_test::block_on(flights.change(key())));
    let fresh = lead(&flights);
    assert!(overtaken.depart());
    assert!(flights.any() && fresh.begin_write());
    overtaken.land(1);
    assert!(has_landed_with(before.poll(), 1));
    fresh.land(2);
    assert!(!flights.any());
}
