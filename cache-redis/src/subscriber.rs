//! The connection that hears of releases: one per store, of its own, since a connection with subscriptions can do
//! nothing else. It is opened by the first who waits.
//!
//! Subscriptions are made and ended by one task, so that they follow one another. A subscription counts as made when
//! a PING that was sent behind it is answered: fred answers SUBSCRIBE itself, as soon as it has written it.
//!
//! A connection that breaks wakes everybody: what was told meanwhile is not known. So does a burst of messages that
//! was too fast to be heard.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cache_core::Error;
use fred::bytes_utils::Str;
use fred::clients::Client;
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::prelude::{Builder, FredResult};
use fred::types::{ClusterHash, CustomCommand, Message, MultipleStrings, Value as Reply};
use fred::util::redis_keyslot;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use crate::connection::Clients;
use crate::failure::{WrongType, is_reply, said};
use crate::link::Link;
use crate::supervisor::{AbortOnDrop, supervise};
use crate::wakes::{Subscription, Waiter, Wakes};

pub(crate) struct Subscriber {
    builder: Builder,
    timeout: Duration,
    runtime: Handle,
    wakes: Arc<Wakes>,
    open: OnceLock<Open>,
}

struct Open {
    link: Arc<Link>,
    supervisor: AbortOnDrop<()>,
    listener: AbortOnDrop<()>,
}

/// How often the server is asked whether it is still there while somebody waits.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// How long is waited after a subscription that came to nothing though the connection stands.
const PAUSE: Duration = Duration::from_millis(250);

/// How many messages may wait to be heard.
const BACKLOG: usize = 128;

impl Subscriber {
    /// Does nothing yet. It will run in the runtime that runs now.
    pub(crate) fn new(mut builder: Builder, timeout: Duration) -> Self {
        builder.with_performance_config(|performance| {
            performance.broadcast_channel_capacity = BACKLOG;
        });
        let runtime = Handle::current();
        Self { builder, timeout, runtime, wakes: Arc::default(), open: OnceLock::new() }
    }

    /// Waits on a channel. When this returns no message is missed, if the waiter is subscribed; if it is not, the
    /// server cannot be reached, or does not allow it.
    pub(crate) async fn join(&self, channel: &Str) -> Result<Waiter<'_>, Error> {
        let mut waiter = self.wakes.join(channel)?;
        let open = self.open.get_or_init(|| self.open());
        if self.wakes.is_closed() {
            self.close();
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
        let listening = listen(Arc::clone(&link), Arc::clone(&self.wakes));
        Open {
            supervisor: AbortOnDrop::spawn_on(&self.runtime, supervising),
            listener: AbortOnDrop::spawn_on(&self.runtime, listening),
            link,
        }
    }

    /// Disconnects, and ends all waiting.
    pub(crate) fn close(&self) {
        self.wakes.close();
        if let Some(open) = self.open.get() {
            open.link.begin_to_close();
            open.listener.abort();
            open.supervisor.abort();
        }
    }
}

/// Does what there is to do on each connection, one after another.
async fn listen(link: Arc<Link>, wakes: Arc<Wakes>) {
    loop {
        let clients = link.up().await;
        let messages = clients.client().message_rx();
        tokio::select! {
            () = link.ended(&clients) => {}
            () = hear(messages, &wakes) => {}
            () = keep(&clients, &link, &wakes) => {}
        }
        wakes.lose_all();
    }
}

/// Hands on what is told. Never returns.
async fn hear(mut messages: broadcast::Receiver<Message>, wakes: &Wakes) {
    loop {
        match messages.recv().await {
            Ok(message) => wakes.wake(&message.channel),
            Err(broadcast::error::RecvError::Lagged(_)) => wakes.wake_all(),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Makes and ends subscriptions. Returns when whoever was to tell of messages does not answer.
async fn keep(clients: &Clients, link: &Link, wakes: &Wakes) {
    let mut pings = 0;
    let mut ask_at = Instant::now() + KEEPALIVE;
    loop {
        let plan = wakes.plan();
        if !plan.unsubscribe.is_empty() {
            // Where it fails the connection has ended, and with it the subscription.
            let channels = MultipleStrings::from(plan.unsubscribe);
            let _ = clients.again().unsubscribe(channels).await;
        }
        if !plan.subscribe.is_empty() {
            link.ask();
            pings += 1;
            let outcome = subscribe(clients, plan.subscribe.clone(), pings).await;
            let subscription = match &outcome {
                Ok(()) => Subscription::Made,
                Err(error) if is_reply(error) => {
                    tracing::warn!(
                        error = said(error),
                        "the server allows no subscription; who waits for a lock looks from time to time"
                    );
                    Subscription::Refused
                }
                Err(_) => Subscription::Wanted,
            };
            wakes.settle(&plan.subscribe, subscription);
            // Also tells the link of an answer.
            if link.judge(outcome, WrongType::Unreadable).is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            continue;
        }
        let next = async {
            match plan.next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wakes.changed() => {}
            () = next => {}
            () = tokio::time::sleep_until(ask_at), if !wakes.is_empty() => {
                link.ask();
                pings += 1;
                let pong = ping(clients, pings).await;
                if link.judge(pong, WrongType::Unreadable).is_err() {
                    tokio::time::sleep(PAUSE).await;
                    return;
                }
                ask_at = Instant::now() + KEEPALIVE;
            }
        }
    }
}

/// Returns when the subscriptions are made. What the server refuses it says instead of an answer to the PING.
async fn subscribe(clients: &Clients, channels: Vec<Str>, number: u64) -> FredResult<()> {
    clients.again().subscribe(MultipleStrings::from(channels)).await?;
    ping(clients, number).await
}

/// A PING with a number, so that no answer is taken for another's. On a cluster it goes where subscriptions go.
async fn ping(clients: &Clients, number: u64) -> FredResult<()> {
    let client: &Client = clients.client();
    let slot = ClusterHash::Custom(redis_keyslot(client.id().as_bytes()));
    let command = CustomCommand::new_static("PING", slot, false);
    let number = number.to_string();
    let pong: Reply = clients.again().custom(command, vec![number.clone()]).await?;
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
