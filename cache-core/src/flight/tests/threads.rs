//! Flights of one key on several threads.

use std::thread;

use tokio::runtime::{Builder, Runtime};

use super::*;

const THREADS: u64 = 4;
const TIMES: u64 = 20_000;

/// What a thread does next: numbers that look like chance and are the same each time (Marsaglia's xorshift).
struct Whims(u64);

impl Whims {
    fn one_in(&mut self, number: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(number)
    }
}

#[test]
fn all_who_stay_have_their_turn_and_nothing_is_left_behind() {
    let flights = Flights::new();
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let flights = &flights;
            scope.spawn(move || {
                let mut whims = Whims(thread);
                let Ok(runtime) = Builder::new_current_thread().build() else {
                    panic!("a runtime")
                };
                for _ in 0..TIMES {
                    fly(flights, &runtime, &mut whims);
                }
            });
        }
    });
    assert!(!flights.any());
    let empty = |table: &Mutex<Table<u8>>| lock(table).is_empty();
    assert!(flights.shards.iter().all(empty));
}

/// Boards until a flight that it is on has landed, or leaves at some point.
fn fly(flights: &Flights<u8>, runtime: &Runtime, whims: &mut Whims) {
    if whims.one_in(8) {
        drop(runtime.block_on(flights.change(key())));
    }
    loop {
        let (boarded, _) = flights.board(key());
        let Some(seat) = &boarded.seat else { panic!("who boards has a seat") };
        let flight = Arc::clone(seat.flight());
        if whims.one_in(4) {
            let mut cancelled = spawn(boarded);
            drop(cancelled.poll());
            return;
        }
        match runtime.block_on(boarded) {
            Turn::Lead(leader) => return lead_on(flights, leader, whims),
            Turn::Again => {}
            Turn::Landed(landed) => {
                assert_eq!(*landed.outcome(), 7);
                if whims.one_in(2) {
                    return;
                }
            }
        }
        let there = flights.table(key().as_str()).get(key().as_str()).cloned();
        assert!(there.is_none_or(|there| !Arc::ptr_eq(&there, &flight)), "it is boarded again");
    }
}

fn lead_on(flights: &Flights<u8>, leader: Lead<'_, u8>, whims: &mut Whims) {
    let check = || assert!(is_alone(flights, leader.seat.flight()), "two load at once");
    check();
    thread::yield_now();
    check();
    if whims.one_in(2) {
        return;
    }
    if leader.begin_write() {
        thread::yield_now();
        check();
        if whims.one_in(4) {
            leader.depart();
        }
    }
    if !whims.one_in(8) {
        leader.land(7);
    }
}
