//! What operations and the supervisor of a connection tell each other: whether there is one, whether it
//! answers, and how much waits for it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cache_core::Error;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::prelude::FredResult;
use tokio::sync::{Notify, watch};

use crate::connection::Clients;
use crate::failure::{self, WrongType};

/// What is known of a connection.
pub(crate) enum State {
    Up(Arc<Clients>),
    /// It broke a moment ago, and may be there again in another: worth waiting for.
    Mending,
    /// Attempts go on. Why there is none.
    Down(Option<FredError>),
}

pub(crate) struct Link {
    state: watch::Sender<State>,
    /// Something was asked, something was answered, since the supervisor looked last.
    asked: AtomicBool,
    answered: AtomicBool,
    in_flight: AtomicUsize,
    /// The bytes of large values that have not been sent, or not been answered for.
    large: Arc<AtomicUsize>,
    /// More waits in fred than fred can bear.
    pub(crate) overrun: Notify,
    closing: AtomicBool,
    /// How long an operation waits: for an answer, and for a connection.
    pub(crate) timeout: Duration,
    /// Whether it goes to the nodes of a cluster, where a command has keys of one slot.
    pub(crate) clustered: bool,
}

/// The most operations that wait for an answer. More are refused, so that memory stays bounded.
const MOST: usize = 16_384;

/// So much may wait in fred. It is never reached by those who wait for their answers; whoever gives up earlier
/// leaves a command behind.
pub(crate) const MOST_IN_FRED: usize = 4 * MOST;

/// From so many bytes on the memory of a value counts,
pub(crate) const LARGE: usize = 64 << 10;
/// and where more than this waits already, another is refused.
const MOST_LARGE: usize = 256 << 20;

/// A connection that is there, for the time of one operation.
pub(crate) struct Session<'l> {
    clients: Arc<Clients>,
    link: &'l Link,
}

impl Deref for Session<'_> {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.clients
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.link.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The place of one operation among those that wait for an answer, for as long as it does.
pub(crate) struct Place(Arc<Link>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Link {
    pub(crate) fn new(timeout: Duration, clustered: bool) -> Self {
        Self {
            state: watch::Sender::new(State::Mending),
            asked: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            large: Arc::default(),
            overrun: Notify::new(),
            closing: AtomicBool::new(false),
            timeout,
            clustered,
        }
    }

    /// Waits until there is a connection; not at all where there is one, nor where there will be none soon.
    ///
    /// A call is `ready`, then the command's own future, then [`judge`](Self::judge): three steps rather than a
    /// function around the second, since fred's futures are of some 5,000 bytes, which a function would copy.
    #[inline]
    pub(crate) async fn ready(&self) -> Result<Session<'_>, Error> {
        let clients = self.connected().await?;
        self.admit()?;
        note(&self.asked);
        Ok(Session { clients, link: self })
    }

    /// The same for whoever has [places](Self::place) already.
    #[inline]
    pub(crate) async fn connected(&self) -> Result<Arc<Clients>, Error> {
        match self.clients() {
            Some(clients) => Ok(clients),
            None => self.wait().await,
        }
    }

    /// A place for an operation that does not go by itself.
    pub(crate) fn place(self: &Arc<Self>) -> Result<Place, Error> {
        self.admit()?;
        Ok(Place(Arc::clone(self)))
    }

    #[inline]
    fn admit(&self) -> Result<(), Error> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(failure::too_much());
        }
        Ok(())
    }

    /// How many operations wait for an answer.
    #[inline]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts the memory of the large values of one operation, which are taken or refused together, however many
    /// they are.
    pub(crate) fn counting(&self) -> Counting<'_> {
        let is_full = self.large.load(Ordering::Relaxed) > MOST_LARGE;
        Counting { count: &self.large, is_full }
    }

    /// Who speaks to the server, where there is a connection.
    #[inline]
    pub(crate) fn clients(&self) -> Option<Arc<Clients>> {
        match &*self.state.borrow() {
            State::Up(clients) => Some(Arc::clone(clients)),
            _ => None,
        }
    }

    /// Waits until there is a connection, however long that takes.
    pub(crate) async fn up(&self) -> Arc<Clients> {
        let mut state = self.state.subscribe();
        loop {
            if let State::Up(clients) = &*state.borrow_and_update() {
                return Arc::clone(clients);
            }
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the connection of these clients is no more.
    pub(crate) async fn ended(&self, clients: &Arc<Clients>) {
        let mut state = self.state.subscribe();
        let is_other =
            |state: &State| !matches!(state, State::Up(current) if Arc::ptr_eq(current, clients));
        let _ = state.wait_for(is_other).await;
    }

    /// Says that something is asked, by whoever has the clients already.
    pub(crate) fn ask(&self) {
        note(&self.asked);
    }

    /// Waits for as long as it is not known whether there will be a connection, and no longer than an answer is
    /// waited for.
    #[cold]
    async fn wait(&self) -> Result<Arc<Clients>, Error> {
        let mut state = self.state.subscribe();
        let known = state.wait_for(|state| !matches!(state, State::Mending));
        let cause = match tokio::time::timeout(self.timeout, known).await {
            Ok(Ok(state)) => match &*state {
                State::Up(clients) => return Ok(Arc::clone(clients)),
                State::Down(cause) => cause.clone(),
                State::Mending => None,
            },
            Ok(Err(_)) | Err(_) => None,
        };
        Err(match cause {
            // It is the attempt to connect that had no answer: nothing was sent.
            Some(cause) if *cause.kind() == FredKind::Timeout => {
                failure::away().caused_by(failure::said(&cause))
            }
            Some(cause) => failure::translate(&cause, WrongType::Unreadable),
            None => failure::away(),
        })
    }

    /// The outcome of a command, and what it says of the connection.
    #[inline]
    pub(crate) fn judge<T>(
        &self,
        outcome: FredResult<T>,
        wrong_type: WrongType,
    ) -> Result<T, Error> {
        match outcome {
            Ok(answer) => {
                note(&self.answered);
                Ok(answer)
            }
            Err(error) => Err(self.failed(&error, wrong_type)),
        }
    }

    #[cold]
    fn failed(&self, error: &FredError, wrong_type: WrongType) -> Error {
        if failure::is_reply(error) {
            note(&self.answered);
        } else if *error.kind() == FredKind::Backpressure {
            // A command that fred refuses stays counted among those that wait, for ever; and while any do, it
            // flushes nothing.
            self.overrun.notify_one();
        }
        failure::translate(error, wrong_type)
    }

    /// What was heard since the last time.
    pub(crate) fn heard(&self) -> Heard {
        let asked = self.asked.swap(false, Ordering::Relaxed);
        Heard { asked, answered: self.answered.swap(false, Ordering::Relaxed) }
    }

    /// Whether something was answered since [`heard`](Self::heard) was called.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Says that the next end is a wanted one.
    pub(crate) fn begin_to_close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    pub(crate) fn is_mending(&self) -> bool {
        matches!(*self.state.borrow(), State::Mending)
    }
}

/// Written only where it changes, so that the line stays shared among processors.
#[inline]
fn note(flag: &AtomicBool) {
    if !flag.load(Ordering::Relaxed) {
        flag.store(true, Ordering::Relaxed);
    }
}

/// Whether something was asked, and whether something was answered.
pub(crate) struct Heard {
    pub(crate) asked: bool,
    pub(crate) answered: bool,
}

/// See [`Link::counting`].
pub(crate) struct Counting<'l> {
    count: &'l Arc<AtomicUsize>,
    is_full: bool,
}

impl Counting<'_> {
    /// A large value counts until fred has let go of it: whoever gives a call up leaves it behind.
    pub(crate) fn counted(&self, value: Bytes) -> Result<Bytes, Error> {
        if value.len() < LARGE {
            return Ok(value);
        }
        if self.is_full {
            return Err(failure::too_much());
        }
        self.count.fetch_add(value.len(), Ordering::Relaxed);
        Ok(Bytes::from_owner(Large { value, count: Arc::clone(self.count) }))
    }
}

/// A large value, for as long as anybody holds it.
struct Large {
    value: Bytes,
    count: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.value
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.count.fetch_sub(self.value.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use cache_core::ErrorKind;

    use super::*;

    #[test]
    fn large_values_count_while_anybody_holds_them() {
        let link = Link::new(Duration::from_secs(1), false);
        let counted = |bytes| link.counting().counted(Bytes::from(vec![0; bytes]));
        let small = counted(LARGE - 1).unwrap();
        assert_eq!(link.large.load(Ordering::Relaxed), 0);
        let first = counted(MOST_LARGE + 1).unwrap();
        assert_eq!(first.len(), MOST_LARGE + 1);
        let held = first.slice(1..2);
        assert_eq!(counted(LARGE).unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(counted(LARGE - 1).is_ok(), "small ones go on");
        drop(first);
        assert!(counted(LARGE).is_err(), "a part of it is held");
        drop(held);
        assert!(counted(LARGE).is_ok());
        drop(small);
    }

    #[test]
    fn the_values_of_one_operation_are_taken_together() {
        let link = Link::new(Duration::from_secs(1), false);
        let counting = link.counting();
        let values: Vec<_> = (0..3)
            .map(|_| counting.counted(Bytes::from(vec![0; MOST_LARGE])).expect("nothing waited"))
            .collect();
        assert_eq!(link.large.load(Ordering::Relaxed), 3 * MOST_LARGE);
        assert!(link.counting().counted(Bytes::from(vec![0; LARGE])).is_err(), "another waits");
        drop(values);
        assert_eq!(link.large.load(Ordering::Relaxed), 0);
    }
}
