//! Gives back the memory of entries that nobody reads, and that have expired or been flushed with their tags.
//!
//! One task per store walks the table when the earliest deadline has come, or a little after tags were flushed,
//! a few entries at a time, each under its own short lock, and yields in between: nobody waits for it longer
//! than for one slice. Then it looks after what tags have left behind. While much is due one walk soon follows the
//! other, else later, so that sweeping never takes more than a fifth of one processor, and a twentieth where it is
//! not worth more.
//!
//! A timer wheel would know what to free without looking, but would cost every `put` an insertion, and
//! a key that is overwritten a million times a million records. Here a `put` compares two numbers.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::clock::{Clock, Deadline};
use crate::key::LookUp;
use crate::table::Table;
use crate::tags::Tags;

/// Entries per slice: some tens of microseconds.
const SLICE: usize = 256;
/// Walks are at least this far apart, and from what asks for them: who wakes the sweeper shall not find itself
/// without the processor that the sweeper is walking on.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// How many times as long as it walks the sweeper rests: while much is due, and else.
const BUSY_SHARE: u32 = 4;
const IDLE_SHARE: u32 = 20;

/// What a sweep and its store share.
#[derive(Debug)]
pub(crate) struct Swept {
    pub(crate) table: Table,
    pub(crate) tags: Tags,
    pub(crate) clock: Clock,
    /// No entry that the sweeper does not know of has a deadline before this one.
    earliest: AtomicU64,
    /// Tells the sweeper that `earliest` has come down.
    nearer: Notify,
    task: Mutex<Task>,
    /// Runtimes that were found to have no timers: what is stored in them does not try again.
    without_timers: Mutex<Vec<Id>>,
}

#[derive(Debug)]
enum Task {
    /// Not needed so far, or gone with its runtime.
    Absent,
    /// About to run, or gone before it could: a runtime that is shutting down drops what it is given.
    Starting,
    Running(AbortHandle),
    /// The store is closed.
    Never,
}

/// What a walk found.
struct Walk {
    seen: u64,
    /// What tags had left that was looked at.
    tidied: usize,
    /// Those that were removed, and those that will have expired before the longer pause is over.
    due: u64,
    /// The first deadline that is still to come.
    next: Deadline,
    /// Without what others did while it yielded.
    took: Duration,
}

impl Swept {
    pub(crate) fn new(table: Table, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            table,
            tags: Tags::new(),
            clock,
            earliest: AtomicU64::new(Deadline::NEVER.0),
            nearer: Notify::new(),
            task: Mutex::new(Task::Absent),
            without_timers: Mutex::default(),
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

    /// Says that entries in the table were flushed. Those that are flushed soon after are found by the same walk.
    pub(crate) fn expect_flushed(self: &Arc<Self>) {
        self.expect(self.clock.now().after(MIN_PAUSE).into());
    }

    #[cold]
    fn come_earlier(self: &Arc<Self>, deadline: Deadline) {
        let mut task = self.task();
        match *task {
            Task::Never => {}
            Task::Starting | Task::Running(_) => {
                self.lower(deadline);
                self.nearer.notify_one();
            }
            Task::Absent => {
                // Outside of a runtime `earliest` stays as it is, so that the next `put` asks again.
                let Ok(runtime) = Handle::try_current() else { return };
                if self.without_timers().contains(&runtime.id()) {
                    return;
                }
                self.lower(deadline);
                *task = Task::Starting;
                drop(task);
                // Without the lock: if the runtime drops the task at once, `Sweep::drop` takes it.
                let sweep = Sweep { swept: Arc::clone(self) };
                let running = runtime.spawn(sweep.run()).abort_handle();
                let mut task = self.task();
                match *task {
                    Task::Starting => *task = Task::Running(running),
                    // Gone already, or stopped meanwhile.
                    Task::Absent | Task::Running(_) | Task::Never => running.abort(),
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
        self.earliest.store(0, Ordering::Release);
        if let Task::Running(task) = stopped {
            task.abort();
        }
    }

    fn task(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn without_timers(&self) -> MutexGuard<'_, Vec<Id>> {
        self.without_timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Visits every entry once and removes those that have expired. `horizon` is how long the sweeper will
    /// rest unless much is due.
    async fn walk(&self, horizon: Duration) -> Walk {
        // Deadlines of entries that come from now on are noted anew.
        self.earliest.store(Deadline::NEVER.0, Ordering::Release);
        let mut walk =
            Walk { seen: 0, tidied: 0, due: 0, next: Deadline::NEVER, took: Duration::ZERO };
        let mut entries = self.table.quick().iter();
        loop {
            let started = Instant::now();
            let now = self.clock.now();
            let soon = now.after(horizon);
            let mut visited = 0;
            for (key, slot) in entries.by_ref().take(SLICE) {
                visited += 1;
                walk.due += u64::from(slot.deadline.is_past(soon));
                if slot.deadline.is_past(now) {
                    // Never a plain removal: the key may hold a fresh value by now.
                    self.table.quick().remove_if(&key as &dyn LookUp, |slot| slot.is_gone(now));
                } else {
                    walk.next = walk.next.min(slot.deadline);
                }
            }
            walk.seen += visited;
            walk.took += started.elapsed();
            if visited < SLICE as u64 {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.tidy_tags(&mut walk).await;
        walk
    }

    /// Gives back what tags have left behind that no entry bears any more.
    async fn tidy_tags(&self, walk: &mut Walk) {
        let (mut steps, mut has_more) = (self.tags.tidy(), true);
        while has_more {
            let started = Instant::now();
            let mut visited = 0;
            while has_more && visited < SLICE {
                match steps.next() {
                    Some(tidied) => visited += tidied,
                    None => has_more = false,
                }
            }
            walk.tidied += visited;
            walk.took += started.elapsed();
            if has_more {
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Walk {
    /// Short where a tenth of the entries or more was due, or soon is.
    fn pause(&self) -> Duration {
        let share = if self.due * 10 >= self.seen { BUSY_SHARE } else { IDLE_SHARE };
        MIN_PAUSE.max(self.took * share)
    }
}

/// The task. Dropped, also with its runtime, it leaves word that there is none.
struct Sweep {
    swept: Arc<Swept>,
}

impl Sweep {
    async fn run(self) {
        // There is no way to ask but to be refused.
        if catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_err() {
            self.swept.without_timers().push(Handle::current().id());
            return;
        }
        let swept = &*self.swept;
        let mut horizon = MIN_PAUSE;
        tokio::time::sleep(MIN_PAUSE).await;
        loop {
            // The first walk is in any case: it learns of what an earlier sweeper has left.
            let walk = swept.walk(horizon).await;
            swept.lower(walk.next);
            horizon = MIN_PAUSE.max(walk.took * IDLE_SHARE);
            if walk.seen > 0 || walk.tidied > 0 {
                tokio::time::sleep(walk.pause()).await;
            }
            swept.earliest_has_come().await;
        }
    }
}

impl Swept {
    async fn earliest_has_come(&self) {
        loop {
            let earliest = Deadline(self.earliest.load(Ordering::Acquire));
            match self.clock.time_until(earliest) {
                None => self.nearer.notified().await,
                Some(Duration::ZERO) => return,
                // Either way, look again.
                Some(left) => drop(tokio::time::timeout(left, self.nearer.notified()).await),
            }
        }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let mut task = self.swept.task();
        if matches!(*task, Task::Starting | Task::Running(_)) {
            *task = Task::Absent;
            // The next deadline asks for another sweeper, whichever it is.
            self.swept.earliest.store(Deadline::NEVER.0, Ordering::Release);
        }
    }
}
