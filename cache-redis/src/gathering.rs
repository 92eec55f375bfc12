//! Operations that are asked for at the same time, gathered to be sent together.
//!
//! What fred and the kernel do for a command costs several times what the server does. So while operations are
//! under way, others of their kind are gathered, and go as soon as the tasks that could run have run: nothing waits
//! for an answer to something else, nor for time to pass. Whoever finds nothing else under way does not come here.
//!
//! What has been gathered is sent by a task of its own: nothing is lost or stuck if whoever asked goes away.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache_core::Error;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::{self, WrongType};

pub(crate) struct Gathering<T> {
    gathered: Mutex<Vec<T>>,
    /// How many there were to gather the last time.
    company: AtomicUsize,
}

/// Fewer at once are better off alone: a batch costs a task, which only several can share.
const FEW: usize = 2;

/// The turn of whoever asked first. It belongs to the task that sends what has been gathered; a runtime that ends
/// drops the task, and then nobody waits for it any more.
pub(crate) struct Turn<T>(Option<Arc<Gathering<T>>>);

impl<T> Gathering<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { gathered: Mutex::default(), company: AtomicUsize::new(0) })
    }

    /// Whether another is likely to find company, where so many operations are under way.
    #[inline]
    pub(crate) fn has_company(&self, under_way: usize) -> bool {
        under_way >= FEW || self.company.load(Ordering::Relaxed) >= FEW
    }

    /// Adds one to those that wait to be sent. Whoever is the first of them sees to it that they are.
    pub(crate) fn add(self: &Arc<Self>, one: T) -> Option<Turn<T>> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.push(one);
        (gathered.len() == 1).then(|| Turn(Some(Arc::clone(self))))
    }

    fn take(&self) -> Vec<T> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let as_many = Vec::with_capacity(gathered.len());
        std::mem::replace(&mut *gathered, as_many)
    }
}

impl<T> Turn<T> {
    /// What has been gathered when every task that could run has run.
    pub(crate) async fn all(mut self) -> Vec<T> {
        tokio::task::yield_now().await;
        let Some(gathering) = self.0.take() else { return Vec::new() };
        let gathered = gathering.take();
        gathering.company.store(gathered.len(), Ordering::Relaxed);
        gathered
    }
}

/// A future of some kilobytes, as those around fred's are, made in its box: a task that holds it by itself is copied
/// with it, three times until it is done.
pub(crate) fn boxed<F>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let place = Box::<F>::new_uninit();
    Box::into_pin(Box::write(place, make()))
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        if let Some(gathering) = self.0.take() {
            drop(gathering.take());
        }
    }
}

/// The answer for one of a batch.
///
/// The task that sends a batch waits for nothing longer than `timeout`. So whoever asks on its runtime needs no timer of
/// its own, which would be a tenth of what an operation takes; and on another does: the runtime of the store may stand
/// still, though this one does not.
pub(crate) async fn answered<A>(
    answer: &mut oneshot::Receiver<Result<A, Error>>,
    runtime: &Handle,
    timeout: Duration,
) -> Result<A, Error> {
    let told = if is_current(runtime) {
        answer.await
    } else {
        match tokio::time::timeout(timeout, answer).await {
            Ok(told) => told,
            Err(_) => return Err(failed(FredKind::Timeout, "it was not answered in time")),
        }
    };
    told.unwrap_or_else(|_| Err(failed(FredKind::Canceled, "the runtime of the store has ended")))
}

fn is_current(runtime: &Handle) -> bool {
    Handle::try_current().is_ok_and(|current| current.id() == runtime.id())
}

#[cold]
fn failed(kind: FredKind, why: &'static str) -> Error {
    failure::translate(&FredError::new(kind, why), WrongType::Unreadable)
}
