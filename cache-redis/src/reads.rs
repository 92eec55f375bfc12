//! Reads that are asked for at the same time, sent as one command: what has been gathered, as an MGET.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use cache_core::{Entry, Error, ErrorKind};
use fred::interfaces::KeysInterface;
use fred::prelude::FredResult;
use fred::types::Value as Reply;
use futures_util::future::{join, join_all};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::beliefs::Beliefs;
use crate::failure::{self, WrongType, unexpected};
use crate::gathering::{Gathering, Turn, answered, boxed, in_time};
use crate::link::Link;
use crate::lookup::{self, Found};
use crate::many::padded;
use crate::numbers::whole;

/// Reads of one connection.
pub(crate) struct Reads {
    link: Arc<Link>,
    beliefs: Arc<Beliefs>,
    runtime: Handle,
    gathering: Arc<Gathering<Read>>,
    /// How many are gathered or sent.
    waiting: Arc<AtomicUsize>,
    /// The most keys of one command, for values of the size that is met.
    largest: AtomicUsize,
    /// Whether some of the last batch found nothing.
    misses: AtomicBool,
}

/// One that waits for its answer.
struct Read {
    name: Bytes,
    answer: oneshot::Sender<Result<Option<Entry>, Error>>,
    _waiting: Waiting,
}

/// Counts one for as long as it waits, or was given up and is not left out yet.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The most keys of one command. The server serves nobody else meanwhile, and while it is at one batch we are
/// at another.
const LARGEST: usize = 64;
/// Long answers make no batch smaller. Only of batches is it learnt how long answers are: after reads of one key each
/// there would never be a batch again.
const FEWEST: usize = 2;

/// An answer of more bytes is a long one: whoever wants a small value of it waits for the others.
const LONG: usize = 256 << 10;

/// With so many operations under way reads go alone, so that memory stays bounded however many are given up.
const MOST: usize = 4_096;
/// And with so many that wait: while a connection is awaited, nothing is under way.
const MOST_WAITING: usize = MOST * LARGEST;

impl Reads {
    pub(crate) fn new(link: Arc<Link>, beliefs: Arc<Beliefs>, runtime: Handle) -> Self {
        Self {
            gathering: Gathering::new(&runtime, link.timeout),
            link,
            beliefs,
            runtime,
            waiting: Arc::default(),
            largest: AtomicUsize::new(LARGEST),
            misses: AtomicBool::new(false),
        }
    }

    /// Whether a read is likely to find company.
    #[inline]
    pub(crate) fn are_many(&self) -> bool {
        let under_way = self.link.in_flight();
        self.gathering.has_company(under_way)
            && under_way < MOST
            && self.waiting.load(Ordering::Relaxed) < MOST_WAITING
    }

    /// What lies at `name`, asked for together with what else is asked for now.
    pub(crate) async fn get(self: &Arc<Self>, name: Bytes) -> Result<Option<Entry>, Error> {
        let (answer, mut asked) = oneshot::channel();
        let read = Read { name, answer, _waiting: self.wait() };
        if let Some(turn) = self.gathering.add(read) {
            self.runtime.spawn(Arc::clone(self).send_all(turn));
        }
        answered(&mut asked, &self.runtime, self.link.timeout).await
    }

    fn wait(&self) -> Waiting {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(Arc::clone(&self.waiting))
    }

    async fn send_all(self: Arc<Self>, turn: Turn<Read>) {
        let mut rest = turn.all().await;
        let largest = self.largest.load(Ordering::Relaxed);
        while rest.len() > largest {
            // Each in memory of its own size: there may be many of a few.
            let batch = rest.split_off(rest.len() - largest);
            let sending = boxed(|| Arc::clone(&self).send(batch));
            self.runtime.spawn(in_time(self.link.timeout, sending));
        }
        in_time(self.link.timeout, boxed(|| Arc::clone(&self).send(rest))).await;
    }

    async fn send(self: Arc<Self>, mut batch: Vec<Read>) {
        batch.retain(|read| !read.answer.is_closed());
        if batch.len() > 1 {
            batch = self.send_together(batch).await;
        }
        let each = batch.into_iter().map(|read| async {
            let Read { name, answer, _waiting } = read;
            let _ = answer.send(self.ask(name).await);
        });
        join_all(each).await;
    }

    /// Answers whom it can. Returns those who have to be asked for one by one.
    async fn send_together(&self, batch: Vec<Read>) -> Vec<Read> {
        let unanswered = Unanswered(self);
        let names = names_of(&batch);
        let asked = || {
            lookup::all(&self.beliefs, names.clone(), self.link.clustered, |names| self.find(names))
        };
        let answers = if self.misses.load(Ordering::Relaxed) {
            join(asked(), self.count(names.clone())).await
        } else {
            (asked().await, Ok(None))
        };
        let (found, there) = match answers {
            (Ok(found), Ok(there)) => (found, there),
            (Err(trouble), _) | (_, Err(trouble)) => {
                if !trouble.is_timeout() {
                    mem::forget(unanswered);
                }
                return trouble.with(batch);
            }
        };
        mem::forget(unanswered);
        let mut absent = Vec::new();
        let asked = batch.len();
        let mut bytes = 0;
        for (read, found) in batch.into_iter().zip(found) {
            if matches!(found, Found::Nothing) {
                absent.push(read);
                continue;
            }
            if let Found::Live(entry) = &found {
                bytes += entry.payload().heap_bytes();
            }
            let _ = read.answer.send(found.into_entry());
        }
        self.learn(bytes, !absent.is_empty());
        if absent.is_empty() {
            return absent;
        }
        // As many as were found: so none is there that was not.
        if there != Some(asked - absent.len()) {
            match self.count(names_of(&absent)).await {
                Ok(Some(0)) => {}
                Ok(_) => return absent,
                Err(trouble) => return trouble.with(absent),
            }
        }
        for read in absent {
            let _ = read.answer.send(Ok(None));
        }
        Vec::new()
    }

    async fn find(&self, names: Vec<Bytes>) -> Result<Vec<Reply>, Trouble> {
        let clients = self.link.ready().await?;
        let asked = names.len();
        let found = clients.once().mget::<Reply, _>(padded(names)).await;
        match self.judge(found)? {
            Reply::Array(mut found) if found.len() >= asked => {
                found.truncate(asked);
                Ok(found)
            }
            _ => Err(unexpected().into()),
        }
    }

    /// At how many of the names something lies: MGET does not tell a key that holds another type from one that is
    /// absent.
    async fn count(&self, names: Vec<Bytes>) -> Result<Option<usize>, Trouble> {
        let clients = self.link.ready().await?;
        let there = clients.once().exists::<Reply, _>(names).await;
        Ok(usize::try_from(whole(&self.judge(there)?)?).ok())
    }

    async fn ask(&self, name: Bytes) -> Result<Option<Entry>, Error> {
        lookup::one(&self.link, &self.beliefs, name).await
    }

    fn judge(&self, outcome: FredResult<Reply>) -> Result<Reply, Trouble> {
        match outcome {
            Err(error) if failure::is_reply(&error) => Err(Trouble::Somebodys),
            outcome => Ok(self.link.judge(outcome, WrongType::Unreadable)?),
        }
    }

    /// Makes the batches smaller where answers are long, and larger where they are not. Where some find nothing, the
    /// next batch will ask at once what it could otherwise only ask afterwards.
    fn learn(&self, bytes: usize, misses: bool) {
        if self.misses.load(Ordering::Relaxed) != misses {
            self.misses.store(misses, Ordering::Relaxed);
        }
        let largest = self.largest.load(Ordering::Relaxed);
        let better =
            if bytes > LONG { (largest / 2).max(FEWEST) } else { (largest * 2).min(LARGEST) };
        if better != largest {
            self.largest.store(better, Ordering::Relaxed);
        }
    }
}

/// A batch that was given up, or has no answer in time, if it is dropped: the next is smaller, since the answer may be
/// too long to come in time.
struct Unanswered<'r>(&'r Reads);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.learn(usize::MAX, self.0.misses.load(Ordering::Relaxed));
    }
}

/// Why a batch has no answer.
enum Trouble {
    Everyones(Error),
    /// The server refuses the command, maybe for one of its keys.
    Somebodys,
}

impl Trouble {
    fn is_timeout(&self) -> bool {
        matches!(self, Self::Everyones(error) if error.kind() == ErrorKind::Timeout)
    }

    /// Tells those whom it concerns. Returns the others.
    fn with(self, batch: Vec<Read>) -> Vec<Read> {
        let Self::Everyones(error) = self else { return batch };
        for read in batch {
            let _ = read.answer.send(Err(error.clone()));
        }
        Vec::new()
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Everyones(error)
    }
}

/// The names of a batch, in one allocation.
fn names_of(batch: &[Read]) -> Vec<Bytes> {
    let mut all = BytesMut::with_capacity(batch.iter().map(|read| read.name.len()).sum());
    let copied = batch.iter().map(|read| {
        all.extend_from_slice(&read.name);
        all.split().freeze()
    });
    copied.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::keys::Keyspace;

    const TIMEOUT: Duration = Duration::from_secs(1);

    /// Of a connection that never comes.
    fn reads() -> Arc<Reads> {
        let link = Arc::new(Link::new(TIMEOUT, false));
        let keyspace = Keyspace::new("cache").expect("it is a prefix");
        Arc::new(Reads::new(link, Arc::new(Beliefs::new(keyspace)), Handle::current()))
    }

    /// As many times as it takes until what is gathered is sent, and waits for a connection.
    async fn sent() {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    fn waiting(reads: &Reads) -> usize {
        reads.waiting.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn those_given_up_while_a_connection_is_awaited_are_bounded_and_not_kept() {
        let reads = reads();
        let mut given_up = 0;
        while given_up == 0 || reads.are_many() {
            assert!(given_up <= MOST_WAITING, "those that were given up are not counted");
            let mut some: Vec<_> = (0..1_000).map(|_| Box::pin(reads.get(Bytes::new()))).collect();
            assert!(some.iter_mut().all(|read| read.now_or_never().is_none()));
            sent().await;
            given_up += 1_000;
        }
        assert!(given_up >= MOST_WAITING);
        tokio::time::sleep(2 * TIMEOUT).await;
        assert_eq!(waiting(&reads), 0);
        assert!(reads.are_many());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_sent_alone_is_counted_until_it_is_left_out() {
        let reads = reads();
        let mut one = Box::pin(reads.get(Bytes::new()));
        assert!((&mut one).now_or_never().is_none());
        sent().await;
        assert_eq!(waiting(&reads), 1);
        drop(one);
        assert_eq!(waiting(&reads), 1, "it is on its way");
        tokio::time::sleep(2 * TIMEOUT).await;
        assert_eq!(waiting(&reads), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn those_given_up_before_they_are_sent_are_left_out() {
        let reads = reads();
        assert!(reads.get(Bytes::new()).now_or_never().is_none());
        assert_eq!(waiting(&reads), 1);
        sent().await;
        assert_eq!(waiting(&reads), 0);
    }
}
