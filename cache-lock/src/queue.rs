//! Those of this process who want a lock: one at a time asks the store, first come, first served.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Semaphore;

use crate::lease::Lease;

/// The lines of one cache.
#[derive(Default)]
pub(crate) struct Lines(Mutex<HashMap<Arc<str>, Arc<Line>>>);

struct Line {
    /// One permit: for whoever's turn it is.
    turn: Semaphore,
    /// How many places there are, those of guards included; changed within the lock of all lines.
    places: AtomicUsize,
    /// What was acquired last.
    last: Mutex<Weak<Lease>>,
}

/// A place in the line for a lock. Given up when it is dropped.
pub(crate) struct Place {
    lines: Arc<Lines>,
    name: Arc<str>,
    line: Arc<Line>,
    is_first: bool,
}

impl Lines {
    /// Takes a place at the end of the line.
    pub(crate) fn join(self: Arc<Self>, name: Arc<str>) -> Place {
        let line = {
            let mut lines = self.lines();
            let line = lines.entry(Arc::clone(&name)).or_insert_with(|| Arc::new(Line::new()));
            line.places.fetch_add(1, Ordering::Relaxed);
            Arc::clone(line)
        };
        Place { lines: self, name, line, is_first: false }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn new() -> Self {
        Self { turn: Semaphore::new(1), places: AtomicUsize::new(0), last: Mutex::new(Weak::new()) }
    }

    fn last(&self) -> MutexGuard<'_, Weak<Lease>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until nobody is before, and says whether somebody was.
    pub(crate) async fn is_first(&mut self) -> bool {
        // Permits are there only if nobody waits for them. The semaphore is never closed.
        let (permit, has_waited) = match self.line.turn.try_acquire() {
            Ok(permit) => (Ok(permit), false),
            Err(_) => (self.line.turn.acquire().await, true),
        };
        if let Ok(permit) = permit {
            permit.forget();
            self.is_first = true;
        }
        has_waited
    }

    /// What this process acquired last, and has not dropped.
    pub(crate) fn last(&self) -> Option<Arc<Lease>> {
        self.line.last().upgrade()
    }

    /// Notes what was acquired, and lets the next one ask.
    pub(crate) fn acquired(&mut self, lease: &Arc<Lease>) {
        *self.line.last() = Arc::downgrade(lease);
        self.pass_on();
    }

    fn pass_on(&mut self) {
        if std::mem::take(&mut self.is_first) {
            self.line.turn.add_permits(1);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pass_on();
        let mut lines = self.lines.lines();
        if self.line.places.fetch_sub(1, Ordering::Relaxed) == 1 {
            lines.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_test::task::spawn;

    use super::*;

    #[test]
    fn the_first_to_come_is_the_first() {
        let lines = Arc::new(Lines::default());
        let join = || Arc::clone(&lines).join("report".into());
        let [mut first, mut second, mut third] = [join(), join(), join()];
        assert!(spawn(first.is_first()).poll().is_ready());
        let mut waits = spawn(second.is_first());
        let mut waits_longer = spawn(third.is_first());
        assert!(waits.poll().is_pending() && waits_longer.poll().is_pending());
        drop(first);
        assert!(waits.is_woken() && !waits_longer.is_woken());
        assert!(waits.poll().is_ready());
        drop(waits);
        drop(second);
        assert!(waits_longer.is_woken() && waits_longer.poll().is_ready());
    }

    #[test]
    fn who_gives_up_is_passed_over_and_leaves_nothing_behind() {
        let lines = Arc::new(Lines::default());
        let join = || Arc::clone(&lines).join("report".into());
        let [mut first, mut second, mut third] = [join(), join(), join()];
        assert!(spawn(first.is_first()).poll().is_ready());
        let mut waits_longer = {
            let mut waits = spawn(second.is_first());
            assert!(waits.poll().is_pending());
            let mut waits_longer = spawn(third.is_first());
            assert!(waits_longer.poll().is_pending());
            drop(first);
            assert!(waits.is_woken());
            waits_longer
        };
        drop(second);
        assert!(waits_longer.is_woken() && waits_longer.poll().is_ready());
        drop(waits_longer);
        assert_eq!(lines.lines().len(), 1);
        drop(third);
        assert!(lines.lines().is_empty());
    }

    #[test]
    fn other_names_do_not_wait() {
        let lines = Arc::new(Lines::default());
        let mut first = Arc::clone(&lines).join("one".into());
        let mut second = Arc::clone(&lines).join("two".into());
        assert!(spawn(first.is_first()).poll().is_ready());
        assert!(spawn(second.is_first()).poll().is_ready());
    }
}
