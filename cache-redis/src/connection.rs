//! One connection (on a cluster: one to each of its nodes), as operations see it.

use std::sync::Arc;
use std::time::Duration;

use cache_core::Error;
use fred::clients::{Client, Pipeline, WithOptions};
use fred::interfaces::ClientLike;
use fred::prelude::{Builder, FredResult, Options};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::beliefs::Beliefs;
use crate::failure::WrongType;
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
    again: WithOptions<Client>,
}

/// What becomes of a command whose outcome is not known.
#[derive(Clone, Copy)]
pub(crate) enum Repeat {
    Harmless,
    Never,
}

/// How often a redirection of a cluster is followed.
const REDIRECTIONS: u32 = 5;

impl Clients {
    pub(crate) fn of(client: Client) -> Self {
        // What has been written to a connection that breaks is never sent again, though on a cluster it may be
        // redirected, which counts as an attempt.
        let once = Options { max_attempts: Some(1), fail_fast: true, ..Options::default() };
        let again = Options {
            max_attempts: Some(1 + REDIRECTIONS),
            max_redirections: Some(REDIRECTIONS),
            ..once.clone()
        };
        Self { once: client.with_options(&once), again: client.with_options(&again), client }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// For what must not act twice: it is written once. A cluster that has moved the key fails it.
    pub(crate) fn once(&self) -> &WithOptions<Client> {
        &self.once
    }

    /// For what does no harm if it is repeated: a cluster's redirections are followed.
    pub(crate) fn again(&self) -> &WithOptions<Client> {
        &self.again
    }

    pub(crate) fn on(&self, repeat: Repeat) -> &WithOptions<Client> {
        match repeat {
            Repeat::Harmless => &self.again,
            Repeat::Never => &self.once,
        }
    }

    /// Commands that are sent together.
    pub(crate) fn pipeline(&self, repeat: Repeat) -> WithOptions<Pipeline<Client>> {
        self.client.pipeline().with_options(self.on(repeat).options())
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

    /// Lets what is under way come to its end, for as long as an operation may take, and disconnects; at once
    /// if the future is dropped.
    pub(crate) async fn close(&self) {
        struct Disconnect<'c>(&'c AbortOnDrop<()>);
        impl Drop for Disconnect<'_> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let _disconnect = Disconnect(&self.supervisor);
        self.link.begin_to_close();
        if let Some(clients) = self.link.clients() {
            let _ = tokio::time::timeout(self.link.timeout, clients.client.quit()).await;
        }
    }
}
