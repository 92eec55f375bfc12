//! What keeps a lease from ending: a timer for each guard, and from when that has fired a task.
//!
//! Most locks are given back before their first renewal is due. A task from the beginning would be begun and ended
//! for nothing, and each time a thread be woken for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::task::{JoinHandle, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::lease::Lease;

/// After a failure, when this share has passed of the time in which it has to succeed: there are some attempts.
const SHARE_AFTER_FAILURE: u32 = 20;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// An attempt that nobody answers is given up after four fifths of the time that is left, so that another can be made;
/// but not sooner than this.
const PATIENCE: Duration = Duration::from_millis(10);

/// How long is waited after a failure of what has to succeed in so much time.
pub(crate) fn pause_of(time: Duration) -> Duration {
    (time / SHARE_AFTER_FAILURE).min(LONGEST_PAUSE)
}

/// The renewal of a lease, until it is dropped.
pub(crate) struct Renewal {
    /// Dropped first, so that whatever it wakes is there.
    _timer: Option<Pin<Box<Sleep>>>,
    start: Arc<Start>,
}

/// Begins the task, when it is woken by the timer or earlier.
struct Start {
    lease: Arc<Lease>,
    task: Mutex<Task>,
}

enum Task {
    NotYet,
    Begun(JoinHandle<()>),
    Never,
}

impl Renewal {
    pub(crate) fn of(lease: Arc<Lease>) -> Self {
        let term = lease.term();
        let start = Arc::new(Start { lease, task: Mutex::new(Task::NotYet) });
        let timer = term.and_then(|term| start.timer(term.due));
        if timer.is_none() {
            start.begin();
        }
        Self { _timer: timer, start }
    }

    /// Begins at once, since it may be due earlier from now on.
    pub(crate) fn begin(&self) {
        self.start.begin();
    }
}

/// Ends it, and does not wait until its task has noticed: the runtime may stand still. What that sends meanwhile prolongs
/// nothing that was given back.
impl Drop for Renewal {
    fn drop(&mut self) {
        let mut task = self.start.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Task::Begun(task) = std::mem::replace(&mut *task, Task::Never) {
            task.abort();
        }
    }
}

impl Start {
    /// A timer that begins the task; `None` if it is due already, or the runtime has no timers, which is for the task
    /// to meet: the lock is held, and who holds it is to have its guard.
    fn timer(self: &Arc<Self>, due: Instant) -> Option<Pin<Box<Sleep>>> {
        // That of the task, wherever the lock was acquired in the end.
        let _within = self.lease.runtime().enter();
        let waker = Waker::from(Arc::clone(self));
        let set = || {
            let mut timer = Box::pin(sleep_until(due));
            // Else a task that has used up its budget would not set it.
            let polled = pin!(unconstrained(timer.as_mut())).poll(&mut Context::from_waker(&waker));
            polled.is_pending().then_some(timer)
        };
        catch_unwind(AssertUnwindSafe(set)).ok().flatten()
    }

    fn begin(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*task, Task::NotYet) {
            *task = Task::Begun(self.lease.runtime().spawn(keep(Arc::clone(&self.lease))));
        }
    }
}

impl Wake for Start {
    fn wake(self: Arc<Self>) {
        self.begin();
    }
}

/// Renews the lease until it is lost. Outages are ridden out for as long as it lasts.
async fn keep(lease: Arc<Lease>) {
    // When the last attempt was made, if that has failed.
    let mut failed = None;
    loop {
        let changed = lease.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Some(term) = lease.term() else { break };
        let again = |failed| failed + pause_of(term.until.saturating_duration_since(term.due));
        tokio::select! {
            // Another length: the next renewal may have to be sooner.
            () = changed => continue,
            () = sleep_until(failed.map_or(term.due, again).min(term.until)) => {}
        }
        let began = Instant::now();
        let patience = PATIENCE.max(term.until.saturating_duration_since(began) * 4 / 5);
        // It may be prolonged by somebody else meanwhile; but then this renewal is not needed either.
        let renewed = timeout_at(term.until.min(began + patience), lease.renew(None)).await;
        failed = match renewed {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => break,
            Ok(Err(error)) => {
                tracing::debug!(lock = &**lease.name(), %error, "a lock was not renewed; trying again");
                Some(began)
            }
            Err(_elapsed) => Some(began),
        };
    }
    if lease.is_lost() {
        tracing::warn!(
            lock = &**lease.name(),
            "a lock is lost: its lease was not renewed in time, or is another's"
        );
        // The last attempt may have prolonged it on the server, where nobody needs it now.
        lease.give_back();
    }
}
