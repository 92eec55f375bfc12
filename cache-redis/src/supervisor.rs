//! Who keeps a connection: connects, notices what breaks it, and connects again.
//!
//! fred can connect again by itself. It does not see a server that keeps its connections open and answers
//! nothing; while it tries, it lets operations wait for their whole timeout; and on a cluster it sends
//! again what it had sent, so that a counter may count twice. So it is told to do it never: when a connection
//! breaks its router ends, what waits fails, and the supervisor begins anew. With a new client each time: one
//! whose router has ended still counts what was queued, and then waits for more before it sends anything.
//!
//! What is asked in the very moment in which a router ends may wait for its timeout: fred takes it, and nobody
//! is there any more to answer it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, ClusterInterface, EventInterface};
use fred::prelude::{Builder, FredResult, Server, ServerConfig};
use fred::types::Value as Reply;
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::connection::Clients;
use crate::failure::{is_reply, said};
use crate::link::{Link, State};
use crate::topology::Sounded;
use crate::ways::Ways;

/// How long is waited after a failed attempt: at first, and at most. Chance adds up to as much again.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A connection that lasted for so long is followed by another at once. One that ended sooner is followed after a
/// pause, which does not grow beyond the shorter limit if it was merely closed.
const SETTLED: Duration = Duration::from_secs(1);
const LONGEST_PAUSE_IF_CLOSED: Duration = Duration::from_millis(50);

/// Why a connection is no more.
enum End {
    /// fred's router has ended, with an error unless it was asked to.
    Router(Option<FredError>),
    Silence,
    /// A node of a cluster is silent, and has no slots any more, as this one says.
    Replaced(Server),
    /// A node of a cluster is silent, and answers another connection.
    Forgotten,
    Overrun,
}

/// Keeps a connection, for as long as the task is not aborted. Tells `first` what came of the first attempt.
pub(crate) async fn supervise(
    mut builder: Builder,
    link: Arc<Link>,
    first: oneshot::Sender<FredResult<()>>,
) {
    let mut first = Some(first);
    let mut ways = Ways::of(&builder);
    let mut pause = PAUSE;
    // One that comes and goes fills no log.
    let mut is_loss_told = false;
    loop {
        let attempt = attempt(&builder, &link).await;
        if link.is_closing() {
            return;
        }
        match &attempt {
            Ok(_) => ways.reset(&mut builder),
            // What one says who was reached the others would say as well.
            Err(error) => {
                let is_new = ways.next(&mut builder);
                if first.is_some() && is_new && !is_reply(error) && *error.kind() != FredKind::Auth
                {
                    continue;
                }
            }
        }
        if let Some(first) = first.take() {
            let outcome = attempt.as_ref().map(|_| ()).map_err(Clone::clone);
            let _ = first.send(outcome);
        } else if attempt.is_ok() && std::mem::take(&mut is_loss_told) {
            tracing::info!("connected to the Redis server again");
        }
        match attempt {
            Ok((client, router)) => {
                let since = Instant::now();
                let end = keep(client.clone(), router, &builder, &link).await;
                if link.is_closing() {
                    return;
                }
                if let Some(state) = client.cached_cluster_state() {
                    ways.learn(state.unique_primary_nodes());
                }
                let settled = since.elapsed() >= SETTLED;
                is_loss_told |= settled;
                match end {
                    End::Router(cause) => {
                        let error = cause.as_ref().map(said);
                        if settled {
                            tracing::warn!(error, "the connection to the Redis server is lost");
                        } else {
                            tracing::debug!(
                                error,
                                "the connection to the Redis server is lost again"
                            );
                        }
                        // Closed by somebody, the next one is likely to hold. Given up for what the server said, such
                        // as that it is a replica, it is not.
                        if settled || !cause.as_ref().is_some_and(is_reply) {
                            pause = pause.min(LONGEST_PAUSE_IF_CLOSED);
                            link.set(State::Mending);
                        } else {
                            link.set(State::Down(cause));
                        }
                    }
                    End::Silence => {
                        tracing::warn!("the Redis server answers nothing; connecting anew");
                        link.set(State::Down(None));
                    }
                    End::Replaced(by) => {
                        Ways::begin_with(&mut builder, by);
                        tracing::warn!(
                            "a node of the Redis cluster is silent and was replaced; connecting anew"
                        );
                        link.set(State::Mending);
                    }
                    End::Forgotten => {
                        tracing::warn!(
                            "a node of the Redis cluster answers nothing on its connection; connecting anew"
                        );
                        link.set(State::Mending);
                    }
                    End::Overrun => {
                        tracing::warn!("too much waits for the Redis server; connecting anew");
                        link.set(State::Down(None));
                    }
                }
                if settled {
                    pause = PAUSE;
                    continue;
                }
            }
            Err(cause) => {
                tracing::debug!(error = said(&cause), "connecting to the Redis server failed");
                link.set(State::Down(Some(cause)));
            }
        }
        tokio::time::sleep(pause + pause.mul_f64(chance())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What moves a client's commands and answers.
struct Router {
    task: AbortOnDrop<FredResult<()>>,
    /// Nobody reads it: an error that nobody hears of is written to fred's log, and a server that does not know AUTH
    /// repeats the password in its own.
    _errors: broadcast::Receiver<(FredError, Option<Server>)>,
}

/// Connects. Returns when there is a connection, or the attempt has failed.
async fn attempt(builder: &Builder, link: &Link) -> FredResult<(Client, Router)> {
    let client = builder.build()?;
    let mut announced = client.reconnect_rx();
    let errors = client.error_rx();
    let mut router = Router { task: AbortOnDrop(client.connect()), _errors: errors };
    let patience = tokio::time::sleep(link.timeout);
    tokio::pin!(patience);
    let mut is_announced = false;
    loop {
        tokio::select! {
            biased;
            end = router.end() => return Err(end.unwrap_or_else(FredError::new_canceled)),
            () = next(&mut announced), if !is_announced => is_announced = true,
            // fred announces a connection a moment before it uses it; on a cluster, each node's. It is waited for in
            // small portions, because fred looks at its state before it listens for the change, so that one in
            // between is missed.
            _ = tokio::time::timeout(Duration::from_millis(5), client.wait_for_connect()),
                if is_announced => {}
            // The attempt goes on, but who waits for it should not.
            () = &mut patience, if link.is_mending() => link.set(State::Down(None)),
        }
        if client.is_connected() {
            return Ok((client, router));
        }
    }
}

/// Lets operations have the connection until it ends.
async fn keep(client: Client, mut router: Router, builder: &Builder, link: &Link) -> End {
    let clients = Arc::new(Clients::of(client, link.timeout));
    // What was said of an earlier connection does not count against this one.
    link.overrun.notified().now_or_never();
    link.heard();
    link.set(State::Up(Arc::clone(&clients)));
    tokio::select! {
        end = router.end() => End::Router(end),
        silence = silence(&clients, builder, link) => silence,
        () = link.overrun.notified() => End::Overrun,
    }
}

/// Returns when the server answers nobody, or a node of a cluster is silent and can be reached in another way.
///
/// The server is asked by ourselves where others have asked and got nothing, so that one which is slow at something is not
/// taken for one that is gone; and nobody else has to wait for an answer that long.
async fn silence(clients: &Clients, builder: &Builder, link: &Link) -> End {
    loop {
        tokio::time::sleep(link.timeout).await;
        let heard = link.heard();
        if !heard.asked {
            continue;
        }
        // Also if nobody was there any more when its answer was late.
        if link.clustered
            && let Some(end) = silence_of_a_node(clients, builder, link).await
        {
            return end;
        }
        if heard.answered {
            continue;
        }
        match clients.once().ping::<Reply>(None).await {
            Err(error) if !is_reply(&error) && !link.has_answered() => return End::Silence,
            _ => {}
        }
    }
}

/// Whether a node is silent though others answer, and was replaced, or answers another connection.
async fn silence_of_a_node(clients: &Clients, builder: &Builder, link: &Link) -> Option<End> {
    let sounded = Sounded::of(clients).await;
    if sounded.silent.is_empty() || sounded.there.is_empty() {
        return None;
    }
    if let Some(heir) = sounded.heir(clients).await {
        return Some(End::Replaced(heir.clone()));
    }
    // What lies between may have forgotten a connection: nobody says so, and it would be silent for ever. Asked last once
    // more, so that a node which was slow at something is not taken for one that is out of reach.
    let forgotten = sounded.silent.iter().map(|node| async move {
        answers_anew(builder, &node.server, link).await && node.is_silent(clients).await
    });
    let forgotten = join_all(forgotten.map(Box::pin)).await;
    forgotten.contains(&true).then_some(End::Forgotten)
}

/// Whether a node lets another connection in.
async fn answers_anew(builder: &Builder, node: &Server, link: &Link) -> bool {
    let mut builder = builder.clone();
    builder.with_config(|config| {
        config.server = ServerConfig::Centralized { server: node.clone() };
    });
    let attempt = tokio::time::timeout(link.timeout, attempt(&builder, link)).await;
    attempt.is_ok_and(|attempt| attempt.is_ok())
}

/// Waits for an event. Some may have come too fast to be seen; then there was one.
async fn next<T: Clone>(events: &mut broadcast::Receiver<T>) {
    if let Err(broadcast::error::RecvError::Closed) = events.recv().await {
        std::future::pending::<()>().await;
    }
}

/// A number from 0 to 1, for processes that have lost their server in the same moment.
pub(crate) fn chance() -> f64 {
    let random = RandomState::new().hash_one(0) >> 32;
    f64::from(u32::try_from(random).unwrap_or(0)) / f64::from(u32::MAX)
}

/// A task that ends with its owner.
pub(crate) struct AbortOnDrop<T>(JoinHandle<T>);

impl<T: Send + 'static> AbortOnDrop<T> {
    pub(crate) fn spawn(task: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }

    pub(crate) fn spawn_on(
        runtime: &Handle,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Self(runtime.spawn(task))
    }

    pub(crate) fn abort(&self) {
        self.0.abort();
    }
}

impl Router {
    /// Waits for the end: the error, if there was one.
    async fn end(&mut self) -> Option<FredError> {
        match (&mut self.task.0).await {
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
