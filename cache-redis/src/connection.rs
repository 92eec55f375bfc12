//! One connection (on a cluster: one to each of its nodes), as operations see it.

use std::sync::Arc;
use std::time::Duration;

use cache_core::Error;
use fred::clients::{Client, Pipeline, WithOptions};
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::prelude::{Builder, FredResult, Options};
use fred::types::Value as Reply;
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::beliefs::Beliefs;
use crate::failure::{self, WrongType};
use crate::link::{Counting, Link, Session};
use crate::reads::Reads;
use crate::supervisor::{AbortOnDrop, supervise};
use crate::writes::Writes;

pub(crate) struct Connection {
    link: Arc<Link>,
    reads: Arc<Reads>,
    writes: Arc<Writes>,
    supervisor: AbortOnDrop<()>,
}

/// Who speaks to the server, for as long as one connection lasts.
pub(crate) struct Clients {
    client: Client,
    once: WithOptions<Client>,
    timeout: Duration,
}

/// After how long a command is sent again because a cluster has moved its key, each time: who has it may not be known to
/// all nodes yet.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(5), Duration::from_millis(20), Duration::from_millis(80)];

impl Clients {
    pub(crate) fn of(client: Client, timeout: Duration) -> Self {
        // fred sends nothing a second time: neither what it has written to a connection that breaks, whose outcome is
        // not known, nor what a cluster redirects. Where a slot is on its way from one node to another it would announce
        // that by an ASKING among what others have sent to the node, and take the next answer for its own, whosever it
        // is, so that from then on everybody had the answer to another question.
        let once = Options {
            max_attempts: Some(1),
            max_redirections: Some(0),
            fail_fast: true,
            ..Options::default()
        };
        Self { once: client.with_options(&once), client, timeout }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// For whatever is asked: it is sent once.
    pub(crate) fn once(&self) -> &WithOptions<Client> {
        &self.once
    }

    /// Commands that are sent together, once.
    pub(crate) fn pipeline(&self) -> WithOptions<Pipeline<Client>> {
        self.client.pipeline().with_options(self.once.options())
    }

    /// Asks a cluster who has which slots. Where that is asked of a connection that has just ended, nobody answers.
    pub(crate) async fn sync(&self) -> FredResult<()> {
        let synced = tokio::time::timeout(self.timeout, self.client.sync_cluster()).await;
        synced.unwrap_or_else(|_| Err(FredError::new(FredKind::Timeout, "no answer in time")))
    }

    /// The answer to a command that is no part of a pipeline; where a cluster has moved its key, that to the same command
    /// sent `again`. Whoever is told so has done nothing, and the slots have been asked for since. While one is on its way,
    /// its keys are looked for where they were.
    #[inline]
    pub(crate) async fn follow<T, F>(
        &self,
        answer: FredResult<T>,
        again: impl Fn() -> F,
    ) -> FredResult<T>
    where
        F: Future<Output = FredResult<T>>,
    {
        match &answer {
            Err(error) if failure::has_moved(error) => {
                let repeated = self.repeat(again, failure::is_misread(error));
                let repeated = Box::pin(tokio::time::timeout(self.timeout, repeated)).await;
                repeated.ok().flatten().unwrap_or(answer)
            }
            _ => answer,
        }
    }

    async fn repeat<T, F>(&self, again: impl Fn() -> F, is_misread: bool) -> Option<FredResult<T>>
    where
        F: Future<Output = FredResult<T>>,
    {
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            if is_misread {
                let _ = self.sync().await;
            }
            let answer = again().await;
            if !answer.as_ref().is_err_and(failure::has_moved) {
                return Some(answer);
            }
        }
        // fred counts a redirection among the commands that wait, for the last of which it keeps what was asked before. So
        // after one that is not followed something else has to be sent.
        let _sent = Box::pin(self.once.ping::<Reply>(None)).now_or_never();
        None
    }
}

impl Connection {
    /// Begins to connect, in the runtime that runs. The receiver is told what came of the first attempt.
    pub(crate) fn open(
        builder: Builder,
        timeout: Duration,
        beliefs: Arc<Beliefs>,
    ) -> (Self, oneshot::Receiver<FredResult<()>>) {
        let clustered = builder.get_config().is_some_and(|config| config.server.is_clustered());
        let link = Arc::new(Link::new(timeout, clustered));
        let (first, outcome) = oneshot::channel();
        let supervisor = AbortOnDrop::spawn(supervise(builder, Arc::clone(&link), first));
        let runtime = Handle::current();
        let reads = Arc::new(Reads::new(Arc::clone(&link), beliefs, runtime.clone()));
        let writes = Arc::new(Writes::new(Arc::clone(&link), runtime));
        (Self { link, reads, writes, supervisor }, outcome)
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn is_clustered(&self) -> bool {
        self.link.clustered
    }

    pub(crate) fn reads(&self) -> &Arc<Reads> {
        &self.reads
    }

    pub(crate) fn writes(&self) -> &Arc<Writes> {
        &self.writes
    }

    /// See [`Link::ready`].
    #[inline]
    pub(crate) async fn ready(&self) -> Result<Session<'_>, Error> {
        self.link.ready().await
    }

    /// See [`Link::judge`].
    #[inline]
    pub(crate) fn judge<T>(
        &self,
        outcome: FredResult<T>,
        wrong_type: WrongType,
    ) -> Result<T, Error> {
        self.link.judge(outcome, wrong_type)
    }

    /// Whether the connection of these clients is still there. What is asked of earlier ones is never answered.
    pub(crate) fn lasts(&self, clients: &Clients) -> bool {
        self.link.clients().is_some_and(|current| std::ptr::eq(Arc::as_ptr(&current), clients))
    }

    /// See [`Link::counting`].
    #[inline]
    pub(crate) fn counting(&self) -> Counting<'_> {
        self.link.counting()
    }

    /// Disconnects when this is dropped.
    pub(crate) fn disconnect_in_the_end(&self) -> Disconnect<'_> {
        Disconnect(&self.supervisor)
    }

    /// Lets what is under way come to its end, for as long as an operation may take.
    pub(crate) async fn close(&self) {
        self.link.begin_to_close();
        if let Some(clients) = self.link.clients() {
            let quit = async {
                // Some of it may have to be sent once more: a script that the server does not know yet, what has moved.
                while self.link.in_flight() > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                clients.client.quit().await
            };
            let _ = tokio::time::timeout(self.link.timeout, quit).await;
        }
    }
}

pub(crate) struct Disconnect<'c>(&'c AbortOnDrop<()>);

impl Drop for Disconnect<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
