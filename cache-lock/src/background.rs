//! Work that is begun at once, and left to a task where it takes longer: so nobody has to poll it to its end.

use std::panic::resume_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinHandle, unconstrained};

/// Work that was begun. Where it goes on it does so by itself, whether anybody waits for it or not.
pub(crate) enum Begun<T> {
    Done(T),
    GoesOn(JoinHandle<T>),
}

/// Polls `work` once, here, so that what it sends is on its way before anything that is sent later. What is left of it
/// goes on in a task of the runtime; in one that has ended it is dropped.
///
/// # Panics
///
/// As `work` does: with a timer, where the runtime has none, or [has ended](has_ended).
pub(crate) fn begin<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Begun<T> {
    // Its timers are those of the runtime in which it goes on.
    let _within = runtime.enter();
    let mut work = Box::pin(work);
    let context = &mut Context::from_waker(Waker::noop());
    // Else a task that has used up its budget would send nothing.
    match pin!(unconstrained(work.as_mut())).poll(context) {
        Poll::Ready(done) => Begun::Done(done),
        Poll::Pending => Begun::GoesOn(runtime.spawn(work)),
    }
}

/// Polls `work` once, here, and drops it: where no runtime is left, what it sends is on its way at least.
///
/// # Panics
///
/// As `work` does.
pub(crate) fn attempt(work: impl Future<Output = ()>) {
    // For the timers that it sets.
    let Ok(runtime) = Builder::new_current_thread().enable_time().build() else { return };
    {
        let _within = runtime.enter();
        let context = &mut Context::from_waker(Waker::noop());
        let _ = pin!(unconstrained(work)).poll(context);
    }
    // It has no threads to wait for, which it is not to do in a task.
    runtime.shutdown_background();
}

/// Whether the runtime has ended, or is about to: it takes no more tasks. To set a timer in it is a panic.
pub(crate) fn has_ended(runtime: &Handle) -> bool {
    let task = runtime.spawn(std::future::pending::<()>());
    let is_refused = task.is_finished();
    task.abort();
    is_refused
}

impl<T> Begun<T> {
    /// What comes of it; `None` if the runtime has ended before. If this future is dropped, the work is as well.
    pub(crate) async fn done(self) -> Option<T> {
        struct Aborted<T>(JoinHandle<T>);
        impl<T> Drop for Aborted<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let mut task = match self {
            Self::Done(done) => return Some(done),
            Self::GoesOn(task) => Aborted(task),
        };
        match (&mut task.0).await {
            Ok(done) => Some(done),
            Err(error) => error.try_into_panic().map_or(None, |panic| resume_unwind(panic)),
        }
    }
}
