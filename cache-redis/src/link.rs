//! Who keeps a connection: connects, notices what breaks it, and connects again.
//!
//! fred can connect again by itself. It does not see a server that keeps its connections open and answers
//! nothing; while it tries, it lets operations wait for their whole timeout; and on a cluster it sends
//! again what it had sent, so that a counter may count twice. So it is told to do it never: when a connection
//! breaks, its router ends, all that waits fails at once, and the supervisor begins anew. With a new client
//! each time: one whose router has ended still counts what was queued, and then waits for more before it
//! sends anything.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cache_core::{Error, ErrorKind};
use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, EventInterface};
use fred::prelude::{Builder, FredResult};
use tokio::sync::{Notify, broadcast, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::connection::Clients;
use crate::failure::{self, WrongType};

/// What is known of a connection.
enum State {
    Up(Arc<Clients>),
    /// It broke a moment ago, and may be there again in another: worth waiting for.
    Mending,
    /// Attempts go on. Why the last one failed.
    Down(Option<FredError>),
}

/// What operations and the supervisor tell each other.
pub(crate) struct Link {
    state: watch::Sender<State>,
    /// Set by every answer, cleared by the first timeout after it.
    answered: AtomicBool,
    /// When it was cleared.
    silent_since: Mutex<Option<Instant>>,
    /// The server has answered nothing for too long.
    silent: Notify,
    closing: AtomicBool,
    /// How long an operation waits: for an answer, and for a connection.
    timeout: Duration,
}

/// How long is waited after a failed attempt: at first, and at most. Chance adds up to as much again.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A connection that ends sooner than this has not been one.
const SETTLED: Duration = Duration::from_secs(1);

impl Link {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            state: watch::Sender::new(State::Mending),
            answered: AtomicBool::new(true),
            silent_since: Mutex::new(None),
            silent: Notify::new(),
            closing: AtomicBool::new(false),
            timeout,
        }
    }

    /// Who speaks to the server, where there is a connection.
    #[inline]
    pub(crate) fn clients(&self) -> Option<Arc<Clients>> {
        match &*self.state.borrow() {
            State::Up(clients) => Some(Arc::clone(clients)),
            _ => None,
        }
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
        let message = "the server cannot be reached; it is tried again in the background";
        let error = Error::new(ErrorKind::Unavailable, message);
        Err(match cause {
            Some(cause) => error.caused_by(cause.to_string()),
            None => error,
        })
    }

    /// Waits until there is a connection; not at all where there is one, nor where there will be none soon.
    ///
    /// A call is `ready`, then the command's own future, then [`judge`](Self::judge): three steps rather than a
    /// function around the second, since fred's futures are of some 5,000 bytes, which a function would copy.
    #[inline]
    pub(crate) async fn ready(&self) -> Result<Arc<Clients>, Error> {
        match self.clients() {
            Some(clients) => Ok(clients),
            None => self.wait().await,
        }
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
                self.answered();
                Ok(answer)
            }
            Err(error) => Err(self.failed(error, wrong_type)),
        }
    }

    #[cold]
    fn failed(&self, error: FredError, wrong_type: WrongType) -> Error {
        if failure::is_reply(&error) {
            self.answered();
        } else if *error.kind() == FredKind::Timeout {
            self.unanswered();
        }
        failure::translate(error, wrong_type)
    }

    /// Written only where it changes, so that the line stays shared among processors.
    #[inline]
    fn answered(&self) {
        if !self.answered.load(Ordering::Relaxed) {
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// An operation timed out. If another has, a whole timeout before, and nothing was answered in between, then
    /// the server answers nobody: one that is slow at something would have answered something else.
    fn unanswered(&self) {
        let now = Instant::now();
        let mut since = self.silent_since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.answered.swap(false, Ordering::Relaxed) {
            *since = Some(now);
        } else if since.is_some_and(|since| now.duration_since(since) >= self.timeout) {
            *since = Some(now);
            self.silent.notify_one();
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Says that the next end is a wanted one.
    pub(crate) fn begin_to_close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn set(&self, state: State) {
        if matches!(state, State::Up(_)) {
            self.answered.store(true, Ordering::Relaxed);
        }
        self.state.send_replace(state);
    }

    fn is_mending(&self) -> bool {
        matches!(*self.state.borrow(), State::Mending)
    }
}

/// Why a connection is no more.
enum End {
    /// fred's router has ended, with an error unless it was asked to.
    Router(Option<FredError>),
    Silence,
}

/// Keeps a connection, for as long as the task is not aborted. Tells `first` what came of the first attempt.
pub(crate) async fn supervise(
    builder: Builder,
    link: Arc<Link>,
    first: oneshot::Sender<FredResult<()>>,
) {
    let mut first = Some(first);
    let mut pause = PAUSE;
    loop {
        let attempt = attempt(&builder, &link).await;
        if let Some(first) = first.take() {
            let outcome = attempt.as_ref().map(|_| ()).map_err(Clone::clone);
            let _ = first.send(outcome);
        } else if attempt.is_ok() {
            tracing::info!("connected to the Redis server again");
        }
        match attempt {
            Ok((client, mut router)) => {
                let since = Instant::now();
                link.set(State::Up(Arc::new(Clients::of(client))));
                let end = tokio::select! {
                    end = router.end() => End::Router(end),
                    () = link.silent.notified() => End::Silence,
                };
                if link.closing.load(Ordering::Acquire) {
                    return;
                }
                let settled = since.elapsed() >= SETTLED;
                match end {
                    End::Router(cause) => {
                        let error = cause.as_ref().map(tracing::field::display);
                        tracing::warn!(error, "the connection to the Redis server is lost");
                        link.set(if settled { State::Mending } else { State::Down(cause) });
                    }
                    End::Silence => {
                        tracing::warn!("the Redis server answers nothing; connecting anew");
                        link.set(State::Down(None));
                    }
                }
                if settled {
                    pause = PAUSE;
                    continue;
                }
            }
            Err(cause) => {
                tracing::debug!(error = %cause, "connecting to the Redis server failed");
                link.set(State::Down(Some(cause)));
            }
        }
        tokio::time::sleep(pause + pause.mul_f64(chance())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

type Router = AbortOnDrop<FredResult<()>>;

/// Connects. Returns when there is a connection, or the attempt has failed.
async fn attempt(builder: &Builder, link: &Link) -> FredResult<(Client, Router)> {
    let client = builder.build()?;
    let mut connected = client.reconnect_rx();
    let mut router = AbortOnDrop(client.connect());
    let patience = tokio::time::sleep(link.timeout);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            biased;
            end = router.end() => return Err(end.unwrap_or_else(FredError::new_canceled)),
            () = next(&mut connected) => {
                // fred announces a connection a moment before it uses it; on a cluster, each node's.
                while !router.0.is_finished() {
                    if client.is_connected() {
                        return Ok((client, router));
                    }
                    // Woken by the event. It is waited for in small portions, because fred looks at its state
                    // before it listens, so that an event between the two is missed.
                    let portion = Duration::from_millis(1);
                    let _ = tokio::time::timeout(portion, client.wait_for_connect()).await;
                }
            }
            // The attempt goes on, but who waits for it should not.
            () = &mut patience, if link.is_mending() => link.set(State::Down(None)),
        }
    }
}

/// Waits for an event. Some may have come too fast to be seen; then there was one.
async fn next<T: Clone>(events: &mut broadcast::Receiver<T>) {
    if let Err(broadcast::error::RecvError::Closed) = events.recv().await {
        std::future::pending().await
    }
}

/// A number from 0 to 1, for processes that have lost their server in the same moment.
fn chance() -> f64 {
    let random = RandomState::new().hash_one(0) >> 32;
    f64::from(u32::try_from(random).unwrap_or(0)) / f64::from(u32::MAX)
}

/// A task that ends with its owner.
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    pub(crate) fn abort(&self) {
        self.0.abort();
    }
}

impl Router {
    /// Waits for the end: the error, if there was one.
    async fn end(&mut self) -> Option<FredError> {
        match (&mut self.0).await {
            Ok(result) => result.err(),
            Err(_) => None,
        }
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
