//! Operations that are asked for at the same time, gathered to be sent together.
//!
//! What fred and the kernel do for a command costs several times what the server does. So while many operations are
//! under way, or several were gathered lately, others of their kind are gathered, and go as soon as the tasks that could
//! run have run: nothing waits for an answer to something else, nor for time to pass. Where there are few, none comes here.
//!
//! What has been gathered is sent by a task of its own: nothing is lost or stuck if whoever asked goes away.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cache_core::Error;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::failure::{self, WrongType};
use crate::supervisor::AbortOnDrop;

pub(crate) struct Gathering<T> {
    gathered: Mutex<Gathered<T>>,
    /// How many there were to gather lately.
    company: AtomicUsize,
    _watch: AbortOnDrop<()>,
}

struct Gathered<T> {
    waiting: Vec<T>,
    /// How often it was looked at since something waits.
    looks: u8,
}

/// Fewer are better off alone: a batch costs a task and the waking of it, which only so many make up for. So many have to
/// be under way, or to have been gathered lately: gathered reads are under way as one.
const FEW: usize = 8;

/// Into how many parts a timeout is divided for those that wait for a turn: with two they wait for one and a half of it
/// at most.
const LOOKS: u32 = 2;

/// The turn of whoever asked first. It belongs to the task that sends what has been gathered; a runtime that ends
/// drops the task, and then nobody waits for it any more. One that comes late takes what waits by then.
pub(crate) struct Turn<T>(Option<Arc<Gathering<T>>>);

impl<T: Send + 'static> Gathering<T> {
    pub(crate) fn new(runtime: &Handle, timeout: Duration) -> Arc<Self> {
        Arc::new_cyclic(|gathering| Self {
            gathered: Mutex::new(Gathered { waiting: Vec::new(), looks: 0 }),
            company: AtomicUsize::new(0),
            _watch: AbortOnDrop::spawn_on(runtime, watch(Weak::clone(gathering), timeout)),
        })
    }
}

/// Gives up, again and again, what has waited for its turn longer than anything should. So it is where a thread that
/// the turn would be on is kept from going on, by someone who blocks it: tokio gives what a task spawns and what
/// yields to no other thread. Whoever comes next begins anew, on a thread that runs.
async fn watch<T>(gathering: Weak<Gathering<T>>, timeout: Duration) {
    const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
    loop {
        tokio::time::sleep((timeout / LOOKS).max(SHORTEST_PAUSE)).await;
        let Some(gathering) = gathering.upgrade() else { return };
        drop(gathering.overdue());
    }
}

impl<T> Gathering<T> {
    /// Whether another is likely to find company, where so many operations are under way.
    #[inline]
    pub(crate) fn has_company(&self, under_way: usize) -> bool {
        under_way >= FEW || self.company.load(Ordering::Relaxed) >= FEW
    }

    /// Some come when others have just gone: one small batch does not say that there is no company.
    fn found(&self, company: usize) {
        let before = self.company.load(Ordering::Relaxed);
        let lately = if company < before { usize::midpoint(before, company) } else { company };
        self.company.store(lately, Ordering::Relaxed);
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
        gathering.found(gathered.len());
        gathered
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        if let Some(gathering) = self.0.take() {
            drop(gathering.take());
        }
    }
}

/// A future of some kilobytes, as those around fred's are, made in its box: a task that holds it by itself is copied
/// with it, three times until it is done.
pub(crate) fn boxed<F>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    let place = Box::<F>::new_uninit();
    Box::into_pin(Box::write(place, make()))
}

/// Sends a batch, which had its turn; gives it up, and all in it, when nobody waits for it any longer.
pub(crate) async fn in_time(timeout: Duration, sending: impl Future<Output = ()>) {
    let _ = tokio::time::timeout(timeout, sending).await;
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
    // One that has ended drops at once what it is given; while it ends it may not have come to that yet.
    let has_ended = matches!(runtime.spawn(async {}).now_or_never(), Some(Err(_)));
    let error = if has_ended {
        FredError::new(FredKind::Canceled, "the runtime of the store has ended")
    } else {
        FredError::new(FredKind::Timeout, "it was not answered in time")
    };
    failure::translate(&error, WrongType::Unreadable)
}

#[cfg(test)]
mod tests {
    use cache_core::ErrorKind;
    use tokio::runtime::{Builder, Runtime};
    use tokio::time::{Instant, sleep};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    fn gathering() -> Arc<Gathering<oneshot::Sender<()>>> {
        Gathering::new(&Handle::current(), TIMEOUT)
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_turn_is_given_up_and_whoever_comes_next_begins_anew() {
        let gathering = gathering();
        let begun = Instant::now();
        // At any distance from the next look.
        sleep(TIMEOUT / 3).await;
        let ((first, its_answer), (second, other_answer)) =
            (oneshot::channel(), oneshot::channel());
        let late = gathering.add(first).expect("it is the first");
        let asked = Instant::now();
        sleep(TIMEOUT / 2).await;
        assert!(gathering.add(second).is_none());
        assert!(its_answer.await.is_err() && other_answer.await.is_err());
        let waited = asked.elapsed();
        assert!(waited > TIMEOUT && waited <= TIMEOUT * 3 / 2, "{waited:?}");

        // The turn that comes late takes what waits by then, and the one that was meant for it finds nothing.
        let (third, its_answer) = oneshot::channel();
        let turn = gathering.add(third).expect("it is the first again");
        for answer in late.all().await {
            answer.send(()).expect("it is waited for");
        }
        assert_eq!(its_answer.await, Ok(()));
        assert!(turn.all().await.is_empty());
        assert!(begun.elapsed() < TIMEOUT * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_have_turns_are_not_given_up_however_many_there_are() {
        let gathering = gathering();
        for _ in 0..100 {
            let (one, answer) = oneshot::channel();
            let turn = gathering.add(one).expect("it is the first");
            sleep(TIMEOUT * 2 / 5).await;
            for one in turn.all().await {
                one.send(()).expect("it is waited for");
            }
            assert_eq!(answer.await, Ok(()));
        }
    }

    #[tokio::test]
    async fn company_is_expected_where_many_are_under_way_and_for_as_long_as_it_is_found() {
        let gathering = gathering();
        assert!(!gathering.has_company(FEW - 1));
        assert!(gathering.has_company(FEW));
        let gather = async |company: usize| {
            let turns: Vec<_> =
                (0..company).filter_map(|_| gathering.add(oneshot::channel().0)).collect();
            for turn in turns {
                assert_eq!(turn.all().await.len(), company);
            }
        };
        gather(FEW - 1).await;
        assert!(!gathering.has_company(0));
        for burst in [FEW, 4 * FEW, 100 * FEW] {
            gather(burst).await;
            assert!(gathering.has_company(0));
            if burst > FEW {
                gather(1).await;
                assert!(gathering.has_company(0), "one small batch says little");
            }
            for _ in 0..10 {
                gather(FEW - 1).await;
            }
            assert!(!gathering.has_company(0), "ten say enough");
        }
    }

    #[test]
    fn no_answer_is_a_timeout_unless_the_runtime_of_the_store_has_ended() {
        let build =
            || -> Runtime { Builder::new_multi_thread().worker_threads(1).build().unwrap() };
        let (its_own, other) = (build(), build());
        let runtime = its_own.handle().clone();
        let kind = || other.block_on(async { unanswered(&runtime).kind() });
        assert_eq!(kind(), ErrorKind::Timeout);
        drop(its_own);
        assert_eq!(kind(), ErrorKind::Unavailable);
    }
}
