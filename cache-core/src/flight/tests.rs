//! Flights, polled by hand.

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
fn a_leader_that_left_before_anybody_waited_hands_over_to_the_first_who_does() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights).turn()));
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
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights).turn()));
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
    let [mut before, gone] = [(); 2].map(|()| spawn(wait(&flights).turn()));
    landing.land(7);
    drop(gone);
    assert!(matches!(before.poll(), Poll::Ready(Turn::Landed(7))));
    assert!(!flights.any());

    let overtaken = lead(&flights);
    let mut before = spawn(wait(&flights).turn());
    drop(tokio_test::block_on(flights.change(key())));
    drop(overtaken);
    assert!(matches!(before.poll(), Poll::Ready(Turn::Again)));

    let left = lead(&flights);
    let [mut first, mut second] = [(); 2].map(|()| spawn(wait(&flights).turn()));
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
