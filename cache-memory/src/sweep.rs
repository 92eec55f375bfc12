//! Gives back the memory of expired entries that nobody reads.
//!
//! One task per store walks the table when the earliest deadline has come, a few entries at a time,
//! each under its own short lock, and yields in between: nobody waits for it longer than for one
//! slice. A walk that frees much is soon followed by the next, one that frees little later, so that
//! sweeping never takes more than a fifth of one processor.
//!
//! A timer wheel would know what to free without looking, but would cost every `put` an insertion, and
//! a key that is overwritten a million times a million records. Here a `put` compares two numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::clock::{Clock, Deadline};
use crate::table::Table;

/// Entries per slice: some tens of microseconds.
const SLICE: usize = 256;
/// Walks are at least this far apart.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// What a sweep and its store share.
#[derive(Debug)]
pub(crate) struct Swept {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    /// No entry that the sweeper does not know of has a deadline before this one.
    earliest: AtomicU64,
    /// Tells the sweeper that `earliest` has come down.
    nearer: Notify,
    task: Mutex<Task>,
}

#[derive(Debug)]
enum Task {
    /// Not needed so far, or gone with its runtime.
    Absent,
    Running(AbortHandle),
    /// The runtime has no timers; or the store is closed.
    Never,
}

/// What a walk found.
struct Walk {
    seen: u64,
    freed: u64,
    /// The first deadline that is still to come.
    next: Deadline,
    took: Duration,
}

impl Swept {
    pub(crate) fn new(table: Table) -> Arc<Self> {
        Arc::new(Self {
            table,
            clock: Clock::start(),
            earliest: AtomicU64::new(Deadline::NEVER.0),
            nearer: Notify::new(),
            task: Mutex::new(Task::Absent),
        })
    }

    /// Says that an entry with this deadline is in the table. After it is in: a walk that begins in
    /// between then sees it.
    #[inline]
    pub(crate) fn expect(self: &Arc<Self>, deadline: Deadline) {
        if deadline.0 < self.earliest.load(Ordering::Relaxed) {
            self.come_earlier(deadline);
        }
    }

    #[cold]
    fn come_earlier(self: &Arc<Self>, deadline: Deadline) {
        let mut task = self.task();
        match *task {
            Task::Never => {}
            Task::Running(_) => {
                self.lower(deadline);
                self.nearer.notify_one();
            }
            Task::Absent => {
                // Outside of a runtime `earliest` stays as it is, so that the next `put` asks again.
                if let Ok(runtime) = Handle::try_current() {
                    self.lower(deadline);
                    let sweep = Sweep(Arc::clone(self));
                    *task = Task::Running(runtime.spawn(sweep.run()).abort_handle());
                }
            }
        }
    }

    fn lower(&self, deadline: Deadline) {
        self.earliest.fetch_min(deadline.0, Ordering::AcqRel);
    }

    /// Ends the sweeper for good.
    pub(crate) fn stop(&self) {
        let stopped = std::mem::replace(&mut *self.task(), Task::Never);
        if let Task::Running(task) = stopped {
            task.abort();
        }
    }

    fn task(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Visits every entry once and removes those that have expired.
    async fn walk(&self) -> Walk {
        // Deadlines of entries that come from now on are noted anew.
        self.earliest.store(Deadline::NEVER.0, Ordering::Release);
        let started = Instant::now();
        let mut walk = Walk { seen: 0, freed: 0, next: Deadline::NEVER, took: Duration::ZERO };
        let mut entries = self.table.quick().iter();
        loop {
            let now = self.clock.now();
            let mut visited = 0;
            for (key, slot) in entries.by_ref().take(SLICE) {
                visited += 1;
                if !slot.deadline.is_past(now) {
                    walk.next = walk.next.min(slot.deadline);
                    continue;
                }
                // Never a plain removal: the key may hold a fresh value by now.
                let removed = self
                    .table
                    .quick()
                    .remove_if(&key as &dyn crate::key::LookUp, |slot| slot.deadline.is_past(now));
                walk.freed += u64::from(removed.is_some());
            }
            walk.seen += visited;
            if visited < SLICE as u64 {
                break;
            }
            tokio::task::yield_now().await;
        }
        walk.took = started.elapsed();
        walk
    }
}

impl Walk {
    /// Where a tenth of the entries or more was expired, more are about to be.
    fn pause(&self) -> Duration {
        let share = if self.freed * 10 >= self.seen { 4 } else { 20 };
        MIN_PAUSE.max(self.took * share)
    }
}

/// The task. Dropped, also with its runtime, it leaves word that there is none.
struct Sweep(Arc<Swept>);

impl Sweep {
    async fn run(self) {
        let Self(swept) = &self;
        loop {
            swept.earliest_has_come().await;
            let walk = swept.walk().await;
            swept.lower(walk.next);
            tokio::time::sleep(walk.pause()).await;
        }
    }
}

impl Swept {
    async fn earliest_has_come(&self) {
        loop {
            let earliest = Deadline(self.earliest.load(Ordering::Acquire));
            let Some(instant) = self.clock.instant(earliest) else {
                self.nearer.notified().await;
                continue;
            };
            if self.clock.has_passed(earliest) {
                return;
            }
            // Either way, look again.
            let _ = tokio::time::timeout_at(instant, self.nearer.notified()).await;
        }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let mut task = self.0.task();
        if matches!(*task, Task::Running(_)) {
            // A sweeper panics where its runtime has no timers, and would again.
            *task = if std::thread::panicking() { Task::Never } else { Task::Absent };
            self.0.earliest.store(Deadline::NEVER.0, Ordering::Release);
        }
    }
}
