//! One connection (on a cluster: one to each of its nodes), and who looks after it.
//!
//! fred connects again by itself when a connection breaks. What it does not see is a server that keeps its
//! connections open and answers nothing, nor does it begin again after an error that it takes to be
//! final. Both are the supervisor's.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cache_core::{Error, ErrorKind};
use fred::clients::{Client, Pipeline, WithOptions};
use fred::error::Error as FredError;
use fred::interfaces::{ClientLike, EventInterface};
use fred::prelude::{FredResult, Options};
use tokio::sync::{Notify, broadcast, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::failure::{self, WrongType};

pub(crate) struct Connection {
    client: Client,
    /// For what must not act twice: it is written once. A cluster that has moved the key fails it.
    once: WithOptions<Client>,
    /// For what does no harm if it is repeated: a cluster's redirections are followed.
    again: WithOptions<Client>,
    harmless: Options,
    never: Options,
    health: Arc<Health>,
    supervisor: AbortOnDrop,
    timeout: Duration,
}

/// What becomes of a command whose outcome is not known.
#[derive(Clone, Copy)]
pub(crate) enum Repeat {
    Harmless,
    Never,
}

/// What operations tell the supervisor, and the other way round.
struct Health {
    /// Cleared while the supervisor has no connection. While it has one, fred knows whether it works.
    up: AtomicBool,
    /// Set by every answer, cleared by the first timeout after it.
    answered: AtomicBool,
    /// When it was cleared.
    silent_since: Mutex<Option<Instant>>,
    /// The server has answered nothing for too long.
    suspect: Notify,
    /// Why there is no connection.
    cause: Mutex<Option<FredError>>,
    closing: AtomicBool,
}

/// How long is waited before the next attempt after a failed one.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a redirection of a cluster is followed.
const REDIRECTIONS: u32 = 5;

impl Connection {
    /// Begins to connect, in the runtime that runs. The receiver is told what came of the first attempt.
    pub(crate) fn open(
        client: Client,
        timeout: Duration,
    ) -> (Self, oneshot::Receiver<FredResult<()>>) {
        // An operation that meets no connection fails at once; one whose connection breaks is never sent
        // again, though it may be redirected.
        let once = Options { max_attempts: Some(1), fail_fast: true, ..Options::default() };
        let again = match client.is_clustered() {
            true => Options {
                max_attempts: Some(1 + REDIRECTIONS),
                max_redirections: Some(REDIRECTIONS),
                ..once.clone()
            },
            false => once.clone(),
        };
        let health = Arc::new(Health {
            up: AtomicBool::new(true),
            answered: AtomicBool::new(true),
            silent_since: Mutex::new(None),
            suspect: Notify::new(),
            cause: Mutex::new(None),
            closing: AtomicBool::new(false),
        });
        let (first, outcome) = oneshot::channel();
        let supervisor = tokio::spawn(supervise(client.clone(), Arc::clone(&health), first));
        let connection = Self {
            once: client.with_options(&once),
            again: client.with_options(&again),
            harmless: again,
            never: once,
            client,
            health,
            supervisor: AbortOnDrop(supervisor),
            timeout,
        };
        (connection, outcome)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn once(&self) -> &WithOptions<Client> {
        &self.once
    }

    pub(crate) fn again(&self) -> &WithOptions<Client> {
        &self.again
    }

    /// The options of [`again`](Self::again).
    pub(crate) fn harmless(&self) -> &Options {
        &self.harmless
    }

    pub(crate) fn is_clustered(&self) -> bool {
        self.client.is_clustered()
    }

    /// Commands that are sent together.
    pub(crate) fn pipeline(&self, repeat: Repeat) -> WithOptions<Pipeline<Client>> {
        self.client.pipeline().with_options(match repeat {
            Repeat::Harmless => &self.harmless,
            Repeat::Never => &self.never,
        })
    }

    /// Waits for an answer of the server, and watches whether there are any.
    #[inline]
    pub(crate) async fn answer<T>(
        &self,
        wrong_type: WrongType,
        call: impl Future<Output = FredResult<T>>,
    ) -> Result<T, Error> {
        if !self.health.up.load(Ordering::Relaxed) {
            return Err(self.health.away());
        }
        match call.await {
            Ok(answer) => {
                self.health.answered();
                Ok(answer)
            }
            Err(error) => Err(self.failed(error, wrong_type)),
        }
    }

    /// The same for a pipeline, of which each command has an outcome of its own.
    pub(crate) async fn answers<T>(
        &self,
        call: impl Future<Output = Vec<FredResult<T>>>,
    ) -> Result<Vec<FredResult<T>>, Error> {
        self.answer(WrongType::Unreadable, async { Ok(call.await) }).await
    }

    #[cold]
    pub(crate) fn failed(&self, error: FredError, wrong_type: WrongType) -> Error {
        if failure::is_reply(&error) {
            self.health.answered();
        } else if *error.kind() == fred::error::ErrorKind::Timeout {
            self.health.unanswered(self.timeout);
        }
        // The reason of an operation that met no connection is why there is none.
        if error.is_canceled() { self.health.away() } else { failure::translate(error, wrong_type) }
    }

    /// Lets what is under way come to its end, for as long as an operation may take, and disconnects.
    pub(crate) async fn close(&self) {
        self.health.closing.store(true, Ordering::Relaxed);
        let _ = tokio::time::timeout(self.timeout, self.client.quit()).await;
        self.supervisor.0.abort();
    }
}

impl Health {
    /// Written only where it changes, so that the line stays shared among processors.
    #[inline]
    fn answered(&self) {
        if !self.answered.load(Ordering::Relaxed) {
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// A timeout. The second one, a whole timeout after the first and with no answer in between, means that the
    /// server answers nobody: a server that is slow at some operation would have answered another.
    fn unanswered(&self, patience: Duration) {
        let now = Instant::now();
        let mut since = self.silent_since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.answered.swap(false, Ordering::Relaxed) {
            *since = Some(now);
        } else if since.is_some_and(|since| now.duration_since(since) >= patience) {
            *since = Some(now);
            self.suspect.notify_one();
        }
    }

    #[cold]
    fn away(&self) -> Error {
        let message = "the server cannot be reached; it is tried again in the background";
        let error = Error::new(ErrorKind::Unavailable, message);
        match &*self.cause.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(cause) => error.caused_by(cause.to_string()),
            None => error,
        }
    }

    fn set_cause(&self, cause: Option<FredError>) {
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    fn connected(&self) {
        self.set_cause(None);
        self.answered.store(true, Ordering::Relaxed);
        self.up.store(true, Ordering::Relaxed);
    }
}

/// Keeps a connection, for ever: ends with the task.
async fn supervise(client: Client, health: Arc<Health>, first: oneshot::Sender<FredResult<()>>) {
    let mut first = Some(first);
    let mut pause = PAUSE;
    let mut lost = false;
    let mut connected = client.reconnect_rx();
    let mut errors = client.error_rx();
    loop {
        let mut router = AbortOnDrop(client.connect());
        let ended = loop {
            tokio::select! {
                biased;
                _ = received(&mut connected) => {
                    is_connected(&client, &router).await;
                    health.connected();
                    pause = PAUSE;
                    if let Some(first) = first.take() {
                        let _ = first.send(Ok(()));
                    }
                    if std::mem::take(&mut lost) {
                        tracing::info!("connected to the Redis server again");
                    }
                }
                (error, _) = received(&mut errors) => {
                    // What the first attempt fails with comes by the router's end.
                    if first.is_none() {
                        if !std::mem::replace(&mut lost, true) {
                            tracing::warn!(%error, "the connection to the Redis server is lost");
                        }
                        health.set_cause(Some(error));
                    }
                }
                ended = &mut router.0 => break ended.ok().and_then(Result::err),
                () = health.suspect.notified() => {
                    lost = true;
                    tracing::warn!("the Redis server answers nothing; connecting anew");
                    break None;
                }
            }
        };
        if health.closing.load(Ordering::Relaxed) {
            return;
        }
        health.up.store(false, Ordering::Relaxed);
        drop(router);
        if let Some(error) = ended {
            if let Some(first) = first.take() {
                let _ = first.send(Err(error.clone()));
            }
            health.set_cause(Some(error));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// fred announces a connection a moment before it uses it.
async fn is_connected<T>(client: &Client, router: &AbortOnDrop<T>) {
    while !client.is_connected() && !router.0.is_finished() {
        // Woken by the event. It is waited for in small portions, because fred looks at the state before it
        // listens, so that an event between the two is missed.
        let _ = tokio::time::timeout(Duration::from_millis(1), client.wait_for_connect()).await;
    }
}

/// The next event. What came too fast to be seen is not missed: only the newest matters.
async fn received<T: Clone>(events: &mut broadcast::Receiver<T>) -> T {
    loop {
        match events.recv().await {
            Ok(event) => return event,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// A task that ends with its owner.
struct AbortOnDrop<T = ()>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
