//! Wakers that do what an executor's do not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Wake, Waker};

use super::*;

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of a test");
    }
}

/// Polls its waiter when it is woken, as an executor may.
struct Polls {
    waiter: Mutex<Option<Wait<'static, u8>>>,
}

impl Wake for Polls {
    fn wake(self: Arc<Self>) {
        let waiter = lock(&self.waiter).take();
        if let Some(mut waiter) = waiter {
            assert!(poll_with(&mut waiter, Waker::noop()).is_ready());
        }
    }
}

/// Owns a waiter, as an executor's waker owns its task.
struct Owns {
    _waiter: Wait<'static, u8>,
}

impl Wake for Owns {
    fn wake(self: Arc<Self>) {}
}

fn poll_with<'f>(wait: &mut Wait<'f, u8>, waker: &Waker) -> Poll<Turn<'f, u8>> {
    Pin::new(wait).poll(&mut Context::from_waker(waker))
}

fn forever() -> &'static Flights<u8> {
    Box::leak(Box::new(Flights::new()))
}

#[test]
fn wakers_that_panic_keep_the_outcome_from_nobody() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let [mut before, mut between, mut behind] = [(); 3].map(|()| spawn(wait(&flights)));
    let [mut first, mut second] = [(); 2].map(|()| wait(&flights));
    assert!(before.poll().is_pending());
    assert!(poll_with(&mut first, &Arc::new(Panics).into()).is_pending());
    assert!(between.poll().is_pending());
    assert!(poll_with(&mut second, &Arc::new(Panics).into()).is_pending());
    assert!(behind.poll().is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| lead.land(7))).is_err());
    for mut waiter in [before, between, behind] {
        assert!(waiter.is_woken());
        assert!(has_landed_with(waiter.poll(), 7));
    }
}

#[test]
fn a_waker_of_a_change_that_panics_keeps_the_lead_from_nobody() {
    let flights = Flights::new();
    let lead = lead(&flights);
    let mut waiter = spawn(wait(&flights));
    assert!(waiter.poll().is_pending());
    assert!(lead.begin_write());
    let mut change = std::pin::pin!(flights.change(key()));
    let panics = Arc::new(Panics).into();
    assert!(change.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(lead))).is_err());
    assert!(waiter.is_woken());
    assert!(matches!(waiter.poll(), Poll::Ready(Turn::Lead(_))));
}

#[test]
fn a_waker_is_dropped_when_no_lock_is_held() {
    let flights = forever();
    let owner = || {
        let mut waiter = wait(flights);
        assert!(poll_with(&mut waiter, Waker::noop()).is_pending());
        Waker::from(Arc::new(Owns { _waiter: waiter }))
    };
    let lead = lead(flights);
    let mut replaces = wait(flights);
    assert!(poll_with(&mut replaces, &owner()).is_pending());
    assert!(poll_with(&mut replaces, &owner()).is_pending());
    drop(replaces);

    let mut leaves = wait(flights);
    assert!(poll_with(&mut leaves, &owner()).is_pending());
    drop(lead);
    drop(leaves);
    assert!(!flights.any());
}

#[test]
fn a_waker_is_woken_when_no_lock_is_held() {
    let flights = forever();
    let waiting = || {
        let polls = Arc::new(Polls { waiter: Mutex::new(Some(wait(flights))) });
        if let Some(waiter) = &mut *lock(&polls.waiter) {
            assert!(poll_with(waiter, &Arc::clone(&polls).into()).is_pending());
        }
    };
    let landing = lead(flights);
    (0..3).for_each(|_| waiting());
    landing.land(7);

    let leaving = lead(flights);
    (0..3).for_each(|_| waiting());
    drop(leaving);

    let overtaken = lead(flights);
    (0..3).for_each(|_| waiting());
    drop(tokio_test::block_on(flights.change(key())));
    drop(overtaken);

    let leaving = lead(flights);
    let mut first = wait(flights);
    assert!(poll_with(&mut first, Waker::noop()).is_pending());
    (0..3).for_each(|_| waiting());
    drop(leaving);
    drop(tokio_test::block_on(flights.change(key())));
    assert!(matches!(poll_with(&mut first, Waker::noop()), Poll::Ready(Turn::Again)));

    let leaving = lead(flights);
    let mut first = wait(flights);
    assert!(poll_with(&mut first, Waker::noop()).is_pending());
    (0..3).for_each(|_| waiting());
    drop(leaving);
    drop(first);
    assert!(!flights.any());
}
