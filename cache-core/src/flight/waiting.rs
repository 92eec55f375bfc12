//! Those who wait for a flight: one of them is chosen to lead it, or all are woken to have what it brought.
//!
//! Wakers are woken and dropped when no lock is held: both run the executor's code.

use std::collections::BTreeMap;
use std::collections::btree_map::IntoValues;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::thread;

/// Who waits, in the order in which they came.
#[derive(Default)]
pub(super) struct Waiting {
    wakers: BTreeMap<Place, Waker>,
    /// How many have come.
    came: u64,
}

/// A waiter's place in that order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(NonZeroU64);

impl Waiting {
    /// Waits at `place`, or behind all others where there is none yet. Gives back the waker that was there.
    pub(super) fn wait(&mut self, place: &mut Option<Place>, waker: Waker) -> Option<Waker> {
        let place = *place.get_or_insert_with(|| {
            let place = Place(NonZeroU64::MIN.saturating_add(self.came));
            self.came += 1;
            place
        });
        self.wakers.insert(place, waker)
    }

    /// Waits no longer.
    pub(super) fn leave(&mut self, place: Place) -> Option<Waker> {
        self.wakers.remove(&place)
    }

    /// Takes the first of those who wait; nobody if nobody does.
    pub(super) fn take_first(&mut self) -> (Option<Place>, Woken) {
        let (place, one) = self.wakers.pop_first().unzip();
        (place, Woken { one, all: IntoValues::default() })
    }

    pub(super) fn take_all(&mut self) -> Woken {
        Woken { one: None, all: std::mem::take(&mut self.wakers).into_values() }
    }
}

/// Those who have waited. They are woken when this is dropped.
#[must_use = "they are to be woken when no lock is held"]
pub(super) struct Woken {
    one: Option<Waker>,
    all: IntoValues<Place, Waker>,
}

impl Drop for Woken {
    /// A waker that panics keeps nobody else from being woken.
    fn drop(&mut self) {
        let mut panic = None;
        for waker in self.one.take().into_iter().chain(self.all.by_ref()) {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                panic.get_or_insert(payload);
            }
        }
        if let Some(payload) = panic
            && !thread::panicking()
        {
            resume_unwind(payload);
        }
    }
}
