//! The connection that hears of releases: one per store, of its own, since a connection with subscriptions can do
//! nothing else. It is opened by the first who waits, and subscribes to one channel, which is the store's own.
//!
//! The subscription counts as made when a PING that was sent behind it is answered: fred answers SUBSCRIBE itself, as
//! soon as it has written it.
//!
//! Of a release one store is told. Where nobody waits any more, or whoever was told has left, the next one is told
//! instead. A connection that breaks wakes everybody: what was told meanwhile is not known. So does a burst of messages
//! that was too fast to be heard.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cache_core::Error;
use fred::bytes_utils::Str;
use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::prelude::{Builder, FredResult};
use fred::types::{ClusterHash, CustomCommand, Message, Value as Reply};
use fred::util::redis_keyslot;
use futures_util::future::{join, join_all};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use crate::connection::Clients;
use crate::failure::{WrongType, is_reply, said};
use crate::keys::Keyspace;
use crate::link::Link;
use crate::locks;
use crate::store::index_of;
use crate::supervisor::{AbortOnDrop, supervise};
use crate::wakes::{Left, Subscription, Waiter, Wakes};

pub(crate) struct Subscriber {
    builder: Builder,
    timeout: Duration,
    runtime: Handle,
    channel: Str,
    wakes: Arc<Wakes>,
    relay: Relay,
    open: OnceLock<Open>,
}

/// What it takes to have others told.
#[derive(Clone)]
struct Relay {
    keyspace: Keyspace,
    /// Those of operations.
    links: Arc<[Arc<Link>]>,
    /// The text of an owner that there is not.
    nobody: Str,
}

struct Open {
    link: Arc<Link>,
    supervisor: AbortOnDrop<()>,
    listener: AbortOnDrop<()>,
    relay: AbortOnDrop<()>,
}

/// How often the server is asked whether it is still there while somebody waits.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// How long is waited after a subscription that came to nothing though the connection stands.
const PAUSE: Duration = Duration::from_millis(250);

/// How many messages may wait to be heard.
const BACKLOG: usize = 128;

impl Subscriber {
    /// Does nothing yet. It will run in the runtime that runs now. `links` are those of operations.
    pub(crate) fn new(
        mut builder: Builder,
        timeout: Duration,
        keyspace: Keyspace,
        links: Arc<[Arc<Link>]>,
    ) -> Self {
        builder.with_performance_config(|performance| {
            performance.broadcast_channel_capacity = BACKLOG;
        });
        let id = Str::from(new_id());
        Self {
            builder,
            timeout,
            runtime: Handle::current(),
            channel: keyspace.channel(&id),
            wakes: Arc::default(),
            relay: Relay { keyspace, links, nobody: id },
            open: OnceLock::new(),
        }
    }

    /// Where messages are heard.
    pub(crate) fn channel(&self) -> &Str {
        &self.channel
    }

    /// Waits for the lock that lies there. When this returns no message is missed, if the waiter is subscribed; if it is
    /// not, the server cannot be reached, or does not allow it.
    pub(crate) async fn join(&self, lock: Bytes) -> Result<Waiter<'_>, Error> {
        let mut waiter = self.wakes.join(lock)?;
        let open = self.open.get_or_init(|| self.open());
        if self.wakes.is_closed() {
            self.disconnect();
        }
        if !waiter.is_settled() {
            let settled = async {
                match open.link.ready().await {
                    Ok(_) => waiter.settled().await,
                    Err(_) => Ok(()),
                }
            };
            if let Ok(settled) = tokio::time::timeout(self.timeout, settled).await {
                settled?;
            }
        }
        Ok(waiter)
    }

    fn open(&self) -> Open {
        let is_clustered =
            self.builder.get_config().is_some_and(|config| config.server.is_clustered());
        let link = Arc::new(Link::new(self.timeout, is_clustered));
        let (first, _) = oneshot::channel();
        let supervising = supervise(self.builder.clone(), Arc::clone(&link), first);
        let listening = listen(Arc::clone(&link), Arc::clone(&self.wakes), self.channel.clone());
        let relaying = self.relay.clone().run(Arc::clone(&self.wakes));
        Open {
            supervisor: AbortOnDrop::spawn_on(&self.runtime, supervising),
            listener: AbortOnDrop::spawn_on(&self.runtime, listening),
            relay: AbortOnDrop::spawn_on(&self.runtime, relaying),
            link,
        }
    }

    /// Whether somebody waits for the lock that lies there.
    pub(crate) fn has_line(&self, lock: &Bytes) -> bool {
        self.wakes.has_line(lock)
    }

    /// Wakes those who wait for the lock that lies there, if there are any.
    pub(crate) fn wake_line(&self, lock: &Bytes) {
        self.wakes.wake_line(lock);
    }

    /// Ends all waiting and disconnects, gives up what places it has, and hands on what was told and not heeded.
    pub(crate) async fn close(&self) {
        let Left { unheeded, waited_for } = self.wakes.close();
        self.disconnect();
        let handed_on = join_all(unheeded.iter().map(|lock| self.relay.hand_on(lock)));
        let left = join_all(waited_for.iter().map(|lock| self.relay.leave(lock, &self.channel)));
        let _ = tokio::time::timeout(self.timeout, join(handed_on, left)).await;
    }

    fn disconnect(&self) {
        if let Some(open) = self.open.get() {
            open.link.begin_to_close();
            open.relay.abort();
            open.listener.abort();
            open.supervisor.abort();
        }
    }
}

/// Different for each store, also of processes that were forked from one another.
fn new_id() -> String {
    let seen = (std::process::id(), SystemTime::now());
    let [high, low] = [(); 2].map(|()| RandomState::new().hash_one(seen));
    format!("{high:016x}{low:016x}")
}

impl Relay {
    /// Hands on what this store was told and does not heed. Never returns.
    async fn run(self, wakes: Arc<Wakes>) {
        loop {
            let locks = wakes.unheeded().await;
            join_all(locks.iter().map(|lock| self.hand_on(lock))).await;
        }
    }

    /// Where that fails, the place is gone when it has not looked for long enough.
    async fn leave(&self, lock: &Bytes, channel: &Str) {
        let Some(keys) = self.keyspace.lock_at(lock) else { return };
        let link = &self.links[index_of(lock, self.links.len())];
        if let Ok(false) = locks::leave(link, &keys, channel).await {
            // Told in this very moment, perhaps.
            self.hand_on(lock).await;
        }
    }

    /// Where that fails, the next one finds out by looking.
    async fn hand_on(&self, lock: &Bytes) {
        let Some(keys) = self.keyspace.lock_at(lock) else { return };
        let link = &self.links[index_of(lock, self.links.len())];
        let nobody = Reply::String(self.nobody.clone());
        if let Err(error) = locks::end(link, &keys, nobody, Str::new()).await {
            tracing::debug!(%error, "nobody else could be told that a lock is free");
        }
    }
}

/// Does what there is to do on each connection, one after another.
async fn listen(link: Arc<Link>, wakes: Arc<Wakes>, channel: Str) {
    loop {
        let clients = link.up().await;
        let messages = clients.client().message_rx();
        tokio::select! {
            () = link.ended(&clients) => {}
            () = hear(messages, &wakes) => {}
            () = keep(&clients, &link, &wakes, &channel) => {}
        }
        wakes.lose();
    }
}

/// Hands on what is told. Never returns.
async fn hear(mut messages: broadcast::Receiver<Message>, wakes: &Wakes) {
    loop {
        match messages.recv().await {
            Ok(message) => {
                if let Some(lock) = message.value.into_bytes_str() {
                    wakes.wake(lock.into_inner());
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => wakes.wake_all(),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Subscribes. Returns when whoever was to tell of messages does not answer.
async fn keep(clients: &Clients, link: &Link, wakes: &Wakes, channel: &Str) {
    let mut pings = 0;
    let mut ask_at = Instant::now() + KEEPALIVE;
    let mut is_refusal_told = false;
    loop {
        if wakes.is_wanted() {
            link.ask();
            pings += 1;
            let outcome = subscribe(clients, channel.clone(), pings).await;
            let subscription = match &outcome {
                Ok(()) => Subscription::Made,
                Err(error) if is_reply(error) => {
                    if !std::mem::replace(&mut is_refusal_told, true) {
                        tracing::warn!(
                            error = said(error),
                            "the server allows no subscription; who waits for a lock looks from time to time"
                        );
                    }
                    Subscription::Refused
                }
                Err(_) => Subscription::Wanted,
            };
            wakes.settle(subscription);
            // Also tells the link of an answer.
            if link.judge(outcome, WrongType::Unreadable).is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            continue;
        }
        tokio::select! {
            () = wakes.changed() => {}
            () = tokio::time::sleep_until(ask_at), if !wakes.is_empty() => {
                link.ask();
                pings += 1;
                let pong = ping(clients, pings).await;
                if link.judge(pong, WrongType::Unreadable).is_err() {
                    tokio::time::sleep(PAUSE).await;
                    return;
                }
                wakes.want_again();
                ask_at = Instant::now() + KEEPALIVE;
            }
        }
    }
}

/// Returns when the subscription is made. What the server refuses it says instead of an answer to the PING.
async fn subscribe(clients: &Clients, channel: Str, number: u64) -> FredResult<()> {
    clients.once().subscribe(channel).await?;
    ping(clients, number).await
}

/// A PING with a number, so that no answer is taken for another's. On a cluster it goes where subscriptions go.
async fn ping(clients: &Clients, number: u64) -> FredResult<()> {
    let client: &Client = clients.client();
    let slot = ClusterHash::Custom(redis_keyslot(client.id().as_bytes()));
    let command = CustomCommand::new_static("PING", slot, false);
    let number = number.to_string();
    let pong: Reply = clients.once().custom(command, vec![number.clone()]).await?;
    // While there are subscriptions it is an array, of a word and what was sent.
    let answer = match &pong {
        Reply::Array(parts) => parts.last().and_then(Reply::as_str),
        other => other.as_str(),
    };
    match answer {
        Some(answer) if *answer == *number => Ok(()),
        _ => Err(FredError::new(FredKind::Protocol, "an answer to something else")),
    }
}
