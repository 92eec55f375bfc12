//! What every method of a store returns: an answer that is there, or the I/O that will bring it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Error;

/// The answer of a [`Store`](crate::Store).
///
/// A store that has the answer at once gives [`ready`](Self::ready): no allocation, and the first
/// poll returns it. One that must wait gives [`pending`](Self::pending), at the price of one box.
/// It is what lets the traits be used as `dyn` without a cost that a memory hit could feel.
#[must_use = "a store does nothing for a future that is not awaited, unless it answered at once"]
pub struct StoreFuture<'a, T>(pub(crate) State<'a, T>);

/// The hot ways of the facade look into it in place: see [`StoreFuture::hit`].
pub(crate) enum State<'a, T> {
    Ready(Result<T, Error>),
    /// The answer was given.
    Taken,
    Pending(Work<'a, T>),
}

pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl<'a, T> StoreFuture<'a, T> {
    /// An answer that is there.
    #[inline]
    pub fn ready(answer: Result<T, Error>) -> Self {
        Self(State::Ready(answer))
    }

    /// A success that is there.
    #[inline]
    pub fn ok(value: T) -> Self {
        Self::ready(Ok(value))
    }

    /// Work that brings the answer.
    #[inline]
    pub fn pending(work: impl Future<Output = Result<T, Error>> + Send + 'a) -> Self {
        Self::pending_at(|| work)
    }

    /// The same where the work is large, such as a client's future of some kilobytes: it is made in its box
    /// rather than moved there.
    #[inline]
    pub fn pending_at<F>(make: impl FnOnce() -> F) -> Self
    where
        F: Future<Output = Result<T, Error>> + Send + 'a,
    {
        let place = Box::<F>::new_uninit();
        let work: Box<F> = Box::write(place, make());
        Self(State::Pending(Box::into_pin(work)))
    }
}

impl<T> StoreFuture<'_, T> {
    /// The answer, if it was there on the spot: then the operation has taken place.
    #[inline]
    pub fn now(self) -> Option<Result<T, Error>> {
        match self.0 {
            State::Ready(answer) => Some(answer),
            State::Taken | State::Pending(_) => None,
        }
    }
}

// Nothing in it is pinned in place: the answer is moved out, and the work is behind its own box.
impl<T> Unpin for StoreFuture<'_, T> {}

impl<T> Future for StoreFuture<'_, T> {
    type Output = Result<T, Error>;

    /// # Panics
    ///
    /// As other futures do, when it is polled again after it has completed.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let state = &mut self.get_mut().0;
        if let State::Pending(work) = state {
            return work.as_mut().poll(cx);
        }
        match std::mem::replace(state, State::Taken) {
            State::Ready(answer) => Poll::Ready(answer),
            State::Taken | State::Pending(_) => polled_again(),
        }
    }
}

#[cold]
fn polled_again() -> ! {
    panic!("a `StoreFuture` was polled after it had completed")
}

impl<T> fmt::Debug for StoreFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "StoreFuture(ready)",
            State::Taken => "StoreFuture(taken)",
            State::Pending(_) => "StoreFuture(pending)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_answer_comes_with_the_first_poll() {
        let mut future = tokio_test::task::spawn(StoreFuture::ok(7));
        assert!(matches!(future.poll(), Poll::Ready(Ok(7))));
    }

    #[test]
    fn work_brings_its_answer() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let mut future = tokio_test::task::spawn(StoreFuture::pending(async {
            Ok::<i32, Error>(receive.await.unwrap())
        }));
        assert!(future.poll().is_pending());
        send.send(7).unwrap();
        assert!(future.is_woken());
        assert!(matches!(future.poll(), Poll::Ready(Ok(7))));
    }
}
