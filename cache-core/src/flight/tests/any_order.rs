//! Flights of one key under steps in any order: nobody waits for a leader who is not there, whoever leaves when.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio_test::task::Spawn;

use super::*;

/// What one of those who board, lead or change may do next. Whose turn it is, is chosen by a number.
#[derive(Clone, Copy, Debug)]
enum Step {
    Board,
    /// A waiter is polled: for the first time, when it was woken, or for no reason.
    Poll(usize),
    DropWaiter(usize),
    BeginWrite(usize),
    Depart(usize),
    Land(usize),
    DropLeader(usize),
    Change,
    PollChange(usize),
    /// One that has begun, or waits to.
    DropChange(usize),
    /// Whoever has reason to be polled is, until nobody has.
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..8_usize;
    let step = prop_oneof![
        4 => Just(Step::Board),
        6 => who.clone().prop_map(Step::Poll),
        2 => who.clone().prop_map(Step::DropWaiter),
        1 => who.clone().prop_map(Step::BeginWrite),
        1 => who.clone().prop_map(Step::Depart),
        1 => who.clone().prop_map(Step::Land),
        3 => who.clone().prop_map(Step::DropLeader),
        1 => Just(Step::Change),
        1 => who.clone().prop_map(Step::PollChange),
        1 => who.prop_map(Step::DropChange),
        2 => Just(Step::Settle),
    ];
    vec(step, 1..60)
}

struct World<'f> {
    flights: &'f Flights<u32>,
    waiters: Vec<Waiter<'f>>,
    leaders: Vec<Lead<'f, u32>>,
    changing: Vec<Changing<'f>>,
    changes: Vec<Change<'f, u32>>,
    /// What each flight has brought. It holds them all, so that no two have one address.
    landed: HashMap<*const Flight<u32>, (Arc<Flight<u32>>, u32)>,
}

struct Waiter<'f> {
    wait: Spawn<Wait<'f, u32>>,
    flight: Arc<Flight<u32>>,
    was_polled: bool,
}

struct Changing<'f> {
    change: Spawn<Pin<Box<dyn Future<Output = Change<'f, u32>> + 'f>>>,
    was_polled: bool,
}

impl<'f> World<'f> {
    fn new(flights: &'f Flights<u32>) -> Self {
        Self {
            flights,
            waiters: Vec::new(),
            leaders: Vec::new(),
            changing: Vec::new(),
            changes: Vec::new(),
            landed: HashMap::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Board => {
                let (boarded, _) = self.flights.board(key());
                let Some(seat) = &boarded.seat else { panic!("who boards has a seat") };
                let flight = Arc::clone(seat.flight());
                self.waiters.push(Waiter { wait: spawn(boarded), flight, was_polled: false });
            }
            Step::Poll(who) => {
                if let Some(who) = pick(who, self.waiters.len()) {
                    self.poll(who);
                }
            }
            Step::DropWaiter(who) => drop(take(&mut self.waiters, who)),
            Step::BeginWrite(who) => {
                if let Some(who) = pick(who, self.leaders.len()) {
                    self.leaders[who].begin_write();
                }
            }
            Step::Depart(who) => {
                if let Some(who) = pick(who, self.leaders.len()) {
                    self.leaders[who].depart();
                }
            }
            Step::Land(who) => {
                if let Some(leader) = take(&mut self.leaders, who) {
                    let flight = Arc::clone(leader.seat.flight());
                    let outcome = u32::try_from(self.landed.len()).unwrap_or(u32::MAX);
                    self.landed.insert(Arc::as_ptr(&flight), (flight, outcome));
                    leader.land(outcome);
                }
            }
            Step::DropLeader(who) => drop(take(&mut self.leaders, who)),
            Step::Change => {
                let change: Pin<Box<dyn Future<Output = _>>> = Box::pin(self.flights.change(key()));
                self.changing.push(Changing { change: spawn(change), was_polled: false });
            }
            Step::PollChange(who) => {
                if let Some(who) = pick(who, self.changing.len()) {
                    self.poll_change(who);
                }
            }
            Step::DropChange(who) => {
                if who % 4 == 0 {
                    drop(take(&mut self.changing, who));
                }
                drop(take(&mut self.changes, who));
            }
            Step::Settle => self.settle(),
        }
        self.check_leaders();
    }

    fn poll(&mut self, who: usize) {
        let waiter = &mut self.waiters[who];
        waiter.was_polled = true;
        let Poll::Ready(turn) = waiter.wait.poll() else { return };
        let waiter = self.waiters.swap_remove(who);
        match turn {
            Turn::Lead(leader) => {
                assert!(Arc::ptr_eq(leader.seat.flight(), &waiter.flight));
                self.leaders.push(leader);
            }
            Turn::Landed(landed) => {
                assert_eq!(*landed.outcome(), self.landed[&Arc::as_ptr(&waiter.flight)].1);
                assert!(!self.is_in_the_table(&waiter.flight), "it would be boarded again");
            }
            Turn::Again => {
                assert!(!self.is_in_the_table(&waiter.flight), "it would be boarded again");
            }
        }
    }

    fn poll_change(&mut self, who: usize) {
        let changing = &mut self.changing[who];
        changing.was_polled = true;
        if let Poll::Ready(change) = changing.change.poll() {
            drop(self.changing.swap_remove(who));
            self.changes.push(change);
        }
    }

    fn is_in_the_table(&self, flight: &Arc<Flight<u32>>) -> bool {
        let there = self.flights.table(key().as_str()).get(key().as_str()).cloned();
        there.is_some_and(|there| Arc::ptr_eq(&there, flight))
    }

    /// One load at a time, but for those that were overtaken.
    fn check_leaders(&self) {
        for (at, leader) in self.leaders.iter().enumerate() {
            let flight = leader.seat.flight();
            let others = &self.leaders[at + 1..];
            assert!(
                !others.iter().any(|other| Arc::ptr_eq(other.seat.flight(), flight)),
                "two lead one flight"
            );
            assert!(is_alone(self.flights, flight), "who comes later would load as well");
        }
    }

    fn settle(&mut self) {
        loop {
            let due = |waiter: &Waiter<'_>| !waiter.was_polled || waiter.wait.is_woken();
            if let Some(who) = self.waiters.iter().position(due) {
                self.poll(who);
            } else if let Some(who) =
                self.changing.iter().position(|changing| changing.change.is_woken())
            {
                self.poll_change(who);
            } else {
                break;
            }
        }
        for waiter in &self.waiters {
            assert!(
                self.leaders.iter().any(|leader| Arc::ptr_eq(leader.seat.flight(), &waiter.flight)),
                "somebody waits for nobody"
            );
        }
    }
}

fn pick(who: usize, of: usize) -> Option<usize> {
    who.checked_rem(of)
}

fn take<T>(list: &mut Vec<T>, who: usize) -> Option<T> {
    pick(who, list.len()).map(|who| list.swap_remove(who))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_waits_for_nobody(steps in steps()) {
        let flights = Flights::new();
        let mut world = World::new(&flights);
        for step in steps {
            world.step(step);
        }
        world.settle();
        while !world.leaders.is_empty() {
            world.step(Step::DropLeader(0));
            world.settle();
        }
        prop_assert!(world.waiters.is_empty());
        let waits = |changing: &Changing<'_>| changing.was_polled;
        prop_assert!(!world.changing.iter().any(waits), "a change waits for a write that has ended");
        drop(world);
        prop_assert!(!flights.any(), "nothing is left behind");
    }
}
