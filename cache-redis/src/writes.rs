//! Writes that are asked for at the same time, sent as one script, which stores each of them and tells of each.
//!
//! A put that was given up before it was handed to fred is never sent; one that was handed over comes before whatever
//! is asked afterwards. There is nothing in between: a batch is handed over in one go, and whoever gives up meanwhile
//! waits until it has been.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use cache_core::{Error, Lifetime};
use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::prelude::FredResult;
use fred::types::Value as Reply;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::unconstrained;

use crate::connection::Clients;
use crate::failure::{WrongType, is_reply};
use crate::gathering::{Gathering, Turn, answered, boxed, in_time};
use crate::link::{LARGE, Link, Place};
use crate::many;
use crate::numbers::millis_of;
use crate::scripts::{Form, STORE, is_unknown};

/// Writes of one connection.
pub(crate) struct Writes {
    link: Arc<Link>,
    runtime: Handle,
    gathering: Arc<Gathering<Write>>,
    /// Held while a batch is handed over, and by whoever gives up what may be in it.
    handing_over: Mutex<()>,
}

/// What is stored where, and until when.
pub(crate) type Sealed = (Bytes, Bytes, Lifetime);

/// One that waits for its answer.
struct Write {
    sealed: Sealed,
    answer: oneshot::Sender<Result<(), Error>>,
    _place: Place,
}

/// The most entries of one script, and the most bytes of their values: whoever waits for one waits for all of them, and
/// the server serves nobody else meanwhile.
const LARGEST: usize = 64;
const LONGEST: usize = 256 << 10;

impl Writes {
    pub(crate) fn new(link: Arc<Link>, runtime: Handle) -> Self {
        let gathering = Gathering::new(&runtime, link.timeout);
        Self { link, runtime, gathering, handing_over: Mutex::default() }
    }

    /// Whether a write is likely to find company. A large value is better off alone.
    #[inline]
    pub(crate) fn are_many_like(&self, value: &Bytes) -> bool {
        value.len() < LARGE && self.gathering.has_company(self.link.in_flight())
    }

    /// Stores something together with what else is to be stored now.
    pub(crate) async fn put(self: &Arc<Self>, sealed: Sealed) -> Result<(), Error> {
        let place = self.link.place()?;
        let (answer, asked) = oneshot::channel();
        let mut asked = Asked { answer: asked, writes: self };
        if let Some(turn) = self.gathering.add(Write { sealed, answer, _place: place }) {
            self.runtime.spawn(Arc::clone(self).send_all(turn));
        }
        answered(&mut asked.answer, &self.runtime, self.link.timeout).await
    }

    async fn send_all(self: Arc<Self>, turn: Turn<Write>) {
        let gathered = turn.all().await;
        if !gathered.is_empty() {
            in_time(self.link.timeout, self.send_each(gathered)).await;
        }
    }

    async fn send_each(&self, gathered: Vec<Write>) {
        let clients = match self.link.connected().await {
            Ok(clients) => clients,
            Err(error) => {
                for write in gathered {
                    let _ = write.answer.send(Err(error.clone()));
                }
                return;
            }
        };
        self.link.ask();
        // One after the other, and none of them waits for the answers to another.
        let sent =
            batches_of(gathered).into_iter().map(|batch| boxed(|| self.send(&clients, batch)));
        join_all(sent).await;
    }

    /// As one script; or each as its command, where the server does not take that for all of them.
    async fn send(&self, clients: &Clients, mut batch: Vec<Write>) {
        for form in [Form::Digest, Form::Body] {
            if batch.len() < 2 {
                break;
            }
            let stored = self.in_one_go(async {
                batch.retain(is_waited_for);
                if batch.is_empty() {
                    return Ok(Reply::Integer(0));
                }
                let keys = batch.iter().map(|Write { sealed: (name, ..), .. }| name.clone());
                STORE.call(form, clients.once(), keys, args_of(&batch).into_iter()).await
            });
            let told = match stored.await {
                // In these cases it has done nothing.
                Err(error) if is_unknown(&error) => continue,
                Err(error) if is_reply(&error) => break,
                Ok(Reply::Integer(-1)) => break,
                Ok(Reply::Array(said)) if said.len() == batch.len() => {
                    // What a script may not store a command may, or says why it is not stored.
                    let is_refused =
                        |said: &Reply| said.as_str().is_some_and(|why| !why.is_empty());
                    let all = batch.into_iter().zip(said);
                    let (refused, stored): (Vec<_>, Vec<_>) =
                        all.partition(|(_, said)| is_refused(said));
                    for (write, said) in stored {
                        self.answer(write, Ok(said));
                    }
                    batch = refused.into_iter().map(|(write, _)| write).collect();
                    break;
                }
                Ok(Reply::Integer(0)) => Ok(Reply::Null),
                Ok(_) => Err(FredError::new(FredKind::Protocol, "no answer to a script")),
                Err(error) => Err(error),
            };
            for write in batch {
                self.answer(write, told.clone());
            }
            return;
        }
        let stored = Box::pin(self.in_one_go(async {
            batch.retain(is_waited_for);
            many::set(clients, batch.iter().map(|write| write.sealed.clone())).await
        }));
        let told = stored.await;
        for (write, told) in batch.into_iter().zip(told) {
            self.answer(write, told);
        }
    }

    fn answer(&self, write: Write, told: FredResult<Reply>) {
        let told = self.link.judge(told, WrongType::Unreadable);
        let _ = write.answer.send(told.map(drop));
    }

    /// Hands something over in the first step of a future. That would wait in between if it kept to tokio's budget.
    async fn in_one_go<T>(&self, sent: impl Future<Output = T>) -> T {
        let mut sent = pin!(unconstrained(sent));
        let first = poll_fn(|context| {
            let _handing_over = self.hand_over();
            Poll::Ready(sent.as_mut().poll(context))
        });
        match first.await {
            Poll::Ready(told) => told,
            Poll::Pending => sent.await,
        }
    }

    fn hand_over(&self) -> MutexGuard<'_, ()> {
        self.handing_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_waited_for(write: &Write) -> bool {
    !write.answer.is_closed()
}

/// Waits for the answer to a write.
struct Asked<'w> {
    answer: oneshot::Receiver<Result<(), Error>>,
    writes: &'w Writes,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.answer.is_terminated() {
            let _handing_over = self.writes.hand_over();
            self.answer.close();
        }
    }
}

/// The values, and then their lifetimes; where these are all the same, as they mostly are, only the one: an argument is
/// a tenth of what a put costs.
fn args_of(batch: &[Write]) -> Vec<Reply> {
    let mut args = Vec::with_capacity(2 * batch.len());
    args.extend(
        batch.iter().map(|Write { sealed: (_, value, _), .. }| Reply::Bytes(value.clone())),
    );
    let mut lifetimes = batch.iter().map(|Write { sealed: (.., lifetime), .. }| *lifetime);
    match lifetimes.next() {
        Some(shared) if lifetimes.clone().all(|lifetime| lifetime == shared) => {
            args.push(millis_of(shared));
        }
        first => args.extend(first.into_iter().chain(lifetimes).map(millis_of)),
    }
    args
}

/// What has been gathered, in its order.
fn batches_of(gathered: Vec<Write>) -> Vec<Vec<Write>> {
    let mut batches = Vec::with_capacity(gathered.len().div_ceil(LARGEST));
    let mut batch = Vec::with_capacity(gathered.len().min(LARGEST));
    let mut bytes = 0;
    for write in gathered {
        let length = write.sealed.1.len();
        if batch.len() == LARGEST || bytes + length > LONGEST {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += length;
        batch.push(write);
    }
    batches.push(batch);
    batches
}
