//! Operations that are asked for at the same time, gathered to be sent together.
//!
//! What fred and the kernel do for a command costs several times what the server does. So while operations are
//! under way, others of their kind are gathered, and go as soon as the tasks that could run have run: nothing waits
//! for an answer to something else, nor for time to pass. Whoever finds nothing else under way does not come here.
//!
//! What has been gathered is sent by a task of its own: nothing is lost or stuck if whoever asked goes away.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache_core::Error;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::{self, WrongType};

pub(crate) struct Gathering<T> {
    gathered: Mutex<Gathered<T>>,
    /// How many there were to gather the last time.
    company: AtomicUsize,
}

struct Gathered<T> {
    waiting: Vec<T>,
    /// How often it was looked at since something waits.
    looks: u8,
}

/// Fewer at once are better off alone: a batch costs a task, which only several can share.
const FEW: usize = 2;

/// The turn of whoever asked first. It belongs to the task that sends what has been gathered; a runtime that ends
/// drops the task, and then nobody waits for it any more.
pub(crate) struct Turn<T>(Option<Arc<Gathering<T>>>);

impl<T> Gathering<T> {
    pub(crate) fn new() -> Arc<Self> {
        let gathered = Mutex::new(Gathered { waiting: Vec::new(), looks: 0 });
        Arc::new(Self { gathered, company: AtomicUsize::new(0) })
    }

    /// Whether another is likely to find company, where so many operations are under way.
    #[inline]
    pub(crate) fn has_company(&self, under_way: usize) -> bool {
        under_way >= FEW || self.company.load(Ordering::Relaxed) >= FEW
    }

    /// Adds one to those that wait to be sent. Whoever is the first of them sees to it that they are.
    pub(crate) fn add(self: &Arc<Self>, one: T) -> Option<Turn<T>> {
        let mut gathered = self.lock();
        gathered.waiting.push(one);
        (gathered.waiting.len() == 1).then(|| Turn(Some(Arc::clone(self))))
    }

    fn take(&self) -> Vec<T> {
        self.lock().take()
    }

    /// Gives up, again and again, what has waited for its turn longer than anything should. So it is where a thread that
    /// the turn would be on is kept from going on, by someone who blocks it: tokio gives what a task spawns and what
    /// yields to no other thread. Whoever comes next begins anew, on a thread that runs.
    pub(crate) async fn give_up_overdue(self: Arc<Self>, timeout: Duration) {
        loop {
            tokio::time::sleep(timeout / LOOKS).await;
            drop(self.overdue());
        }
    }

    fn overdue(&self) -> Vec<T> {
        let mut gathered = self.lock();
        if gathered.waiting.is_empty() {
            return Vec::new();
        }
        gathered.looks += 1;
        if u32::from(gathered.looks) > LOOKS { gathered.take() } else { Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Gathered<T>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Into how many parts a timeout is divided for those that wait for a turn: with two they wait one and a half of it at
/// most.
const LOOKS: u32 = 2;

impl<T> Gathered<T> {
    fn take(&mut self) -> Vec<T> {
        self.looks = 0;
        let as_many = Vec::with_capacity(self.waiting.len());
        std::mem::replace(&mut self.waiting, as_many)
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

/// Has the runtime of a store send a batch, and gives it up when nobody waits for it any longer.
pub(crate) fn send_in_time(
    runtime: &Handle,
    timeout: Duration,
    sending: impl Future<Output = ()> + Send + 'static,
) {
    runtime.spawn(async move {
        let _ = tokio::time::timeout(timeout, sending).await;
    });
}

/// The answer for one of a batch.
///
/// What waits for its turn and what is sent is given up in time on the runtime of the store, so whoever asks there needs
/// no timer of its own, which would be a tenth of what an operation takes. On another it does: the runtime of the store
/// may stand still, though this one does not.
pub(crate) async fn answered<A>(
    answer: &mut oneshot::Receiver<Result<A, Error>>,
    runtime: &Handle,
    timeout: Duration,
) -> Result<A, Error> {
    let told = if is_current(runtime) {
        answer.await.ok()
    } else {
        tokio::time::timeout(timeout, answer).await.ok().and_then(Result::ok)
    };
    told.unwrap_or_else(|| Err(unanswered(runtime)))
}

fn is_current(runtime: &Handle) -> bool {
    Handle::try_current().is_ok_and(|current| current.id() == runtime.id())
}

#[cold]
fn unanswered(runtime: &Handle) -> Error {
    // One that has ended drops at once what it is given.
    let has_ended = matches!(runtime.spawn(async {}).now_or_never(), Some(Err(_)));
    let error = if has_ended {
        FredError::new(FredKind::Canceled, "the runtime of the store has ended")
    } else {
        FredError::new(FredKind::Timeout, "it was not answered in time")
    };
    failure::translate(&error, WrongType::Unreadable)
}
