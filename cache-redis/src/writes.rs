//! Writes that are asked for at the same time, sent as one pipeline: what has been gathered, as a SET each, with
//! answers of their own.
//!
//! A put that was given up before it was handed to fred is never sent; one that was handed over comes before whatever
//! is asked afterwards. There is nothing in between: a batch is handed over in one go, and whoever gives up meanwhile
//! waits until it has been.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use cache_core::Error;
use fred::types::Expiration;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::unconstrained;

use crate::connection::Clients;
use crate::failure::WrongType;
use crate::gathering::{Gathering, Turn, answered};
use crate::link::{LARGE, Link, Place};
use crate::many;

/// Writes of one connection.
pub(crate) struct Writes {
    link: Arc<Link>,
    runtime: Handle,
    gathering: Arc<Gathering<Write>>,
    /// Held while a batch is handed over, and by whoever gives up what may be in it.
    handing_over: Mutex<()>,
}

/// What is stored where, and until when.
pub(crate) type Sealed = (Bytes, Bytes, Option<Expiration>);

/// One that waits for its answer.
struct Write {
    sealed: Sealed,
    answer: oneshot::Sender<Result<(), Error>>,
    _place: Place,
}

/// The most commands of one pipeline, and the most bytes of their values: who waits for one waits for all of them.
const LARGEST: usize = 64;
const LONGEST: usize = 256 << 10;

impl Writes {
    pub(crate) fn new(link: Arc<Link>, runtime: Handle) -> Self {
        Self { link, runtime, gathering: Gathering::new(), handing_over: Mutex::default() }
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
        answered(&mut asked.answer, self.link.timeout).await
    }

    async fn send_all(self: Arc<Self>, turn: Turn<Write>) {
        let gathered = turn.all().await;
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
        join_all(batches_of(gathered).into_iter().map(|batch| self.send(&clients, batch))).await;
    }

    async fn send(&self, clients: &Clients, batch: Vec<Write>) {
        // Where it waits for the first time it has handed all over. It would wait in between if it kept to tokio's
        // budget.
        let mut sent = pin!(unconstrained(self.store(clients, batch)));
        let handed_over = poll_fn(|context| {
            let _handing_over = self.hand_over();
            Poll::Ready(sent.as_mut().poll(context))
        });
        if handed_over.await.is_pending() {
            sent.await;
        }
    }

    async fn store(&self, clients: &Clients, mut batch: Vec<Write>) {
        batch.retain(|write| !write.answer.is_closed());
        let sealed = batch.iter_mut().map(|write| std::mem::take(&mut write.sealed));
        let told = many::set(clients, sealed).await;
        for (write, told) in batch.into_iter().zip(told) {
            let told = self.link.judge(told, WrongType::Unreadable);
            let _ = write.answer.send(told.map(drop));
        }
    }

    fn hand_over(&self) -> MutexGuard<'_, ()> {
        self.handing_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
