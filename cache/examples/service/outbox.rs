//! Which tags have to be flushed because of what was written: an outbox, in the database itself.
//!
//! The cache is told after the commit, and may be out of reach then, or the process may die in between. So the tags are
//! committed with the change, and are taken out when they have been flushed, by whichever instance gets to it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache::prelude::*;
use rusqlite::{Connection, Transaction};

use crate::database::Database;
use crate::problem::Problem;

/// A clone is the same outbox.
#[derive(Clone)]
pub(crate) struct Outbox {
    database: Database,
    cache: Cache,
    state: Arc<State>,
}

/// What this process knows of it.
#[derive(Default)]
struct State {
    /// How often something was found to be left behind.
    found: AtomicU64,
    /// The number of them after which the outbox was seen to be empty.
    settled: AtomicU64,
}

/// Entries that a committed change made, to be delivered.
#[must_use = "until it is delivered the cache has the state before"]
pub(crate) struct Pending(Vec<Entry>);

/// What was known of the outbox at some time.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    found: u64,
    up_to: i64,
}

struct Entry {
    id: i64,
    tag: String,
}

/// How soon is tried again, and how soon an instance sees what another has left behind.
const INTERVAL: Duration = Duration::from_millis(250);

impl Outbox {
    pub(crate) fn new(database: Database, cache: Cache) -> Self {
        Self { database, cache, state: Arc::default() }
    }

    /// Whether the cache may have what is no longer so, and then a number that grows whenever more of it is found.
    pub(crate) fn behind(&self) -> Option<u64> {
        let found = self.state.found.load(Ordering::Acquire);
        (found != self.state.settled.load(Ordering::Acquire)).then_some(found)
    }

    /// Flushes the tags of a change that has been committed. Returns whether it could: if not, that is logged, and it
    /// is tried again in the background.
    pub(crate) async fn deliver(&self, pending: Pending) -> bool {
        let tags = pending.tags();
        match self.flush(&pending).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, ?tags, "the cache could not be told of a change");
                false
            }
        }
    }

    /// Delivers what was left behind until now, as far as the cache can be told.
    pub(crate) async fn catch_up(&self) -> Result<(), Problem> {
        let look = self.look().await?;
        self.deliver_left(look).await
    }

    /// Does so again and again, for as long as it is polled. What was there at the last look has been left behind: what
    /// has come since may be about to be delivered by who wrote it.
    pub(crate) async fn keep_up(self) {
        let mut interval = tokio::time::interval(INTERVAL);
        let mut last = None;
        loop {
            interval.tick().await;
            let round = async {
                let next = self.look().await?;
                if let Some(look) = last.replace(next) {
                    self.deliver_left(look).await?;
                }
                Ok::<_, Problem>(())
            };
            if let Err(problem) = round.await {
                tracing::error!(%problem, "the outbox cannot be read");
            }
        }
    }

    /// What has been found so far lies in the outbox up to its last entry of now.
    pub(crate) async fn look(&self) -> Result<Look, Problem> {
        let found = self.state.found.load(Ordering::Acquire);
        let last = "SELECT coalesce(max(id), 0) FROM outbox";
        let up_to = self.database.read(|database| database.query_row(last, [], |row| row.get(0)));
        Ok(Look { found, up_to: up_to.await? })
    }

    /// Delivers what was there at a look and still is.
    pub(crate) async fn deliver_left(&self, Look { found, up_to }: Look) -> Result<(), Problem> {
        loop {
            let pending = self.database.read(move |database| waiting(database, up_to)).await?;
            if pending.0.is_empty() {
                // Unless something has been left behind since.
                self.state.settled.fetch_max(found, Ordering::AcqRel);
                return Ok(());
            }
            // Until the next look, which sees that they are gone.
            self.state.found.fetch_add(1, Ordering::AcqRel);
            if let Err(error) = self.flush(&pending).await {
                tracing::debug!(%error, "the cache cannot be told yet");
                return Ok(());
            }
            tracing::info!(tags = ?pending.tags(), "the cache has been told of earlier changes");
        }
    }

    async fn flush(&self, pending: &Pending) -> Result<(), cache::Error> {
        if let Err(error) = self.cache.tags(pending.tags()).flush().await {
            self.state.found.fetch_add(1, Ordering::AcqRel);
            return Err(error);
        }
        let ids: Vec<i64> = pending.0.iter().map(|entry| entry.id).collect();
        let removed = self.database.write(move |transaction| {
            let mut remove = transaction.prepare("DELETE FROM outbox WHERE id = ?")?;
            Ok(ids.iter().try_for_each(|id| remove.execute([id]).map(drop))?)
        });
        if let Err(problem) = removed.await {
            // They are flushed once more, which does no harm.
            tracing::warn!(%problem, "flushed tags stay in the outbox");
        }
        Ok(())
    }
}

impl Pending {
    fn tags(&self) -> BTreeSet<&str> {
        self.0.iter().map(|entry| entry.tag.as_str()).collect()
    }
}

/// Puts tags into the outbox, as a part of the change that makes it necessary to flush them.
pub(crate) fn post(transaction: &Transaction<'_>, tags: &[&str]) -> rusqlite::Result<Pending> {
    let mut insert = transaction.prepare("INSERT INTO outbox (tag) VALUES (?)")?;
    let entry = |tag: &&str| Ok(Entry { id: insert.insert([tag])?, tag: (*tag).to_owned() });
    tags.iter().map(entry).collect::<rusqlite::Result<_>>().map(Pending)
}

/// A few at a time: there may be many after a long outage, and a flush names 255 tags at most.
fn waiting(connection: &Connection, up_to: i64) -> rusqlite::Result<Pending> {
    let mut select =
        connection.prepare("SELECT id, tag FROM outbox WHERE id <= ? ORDER BY id LIMIT 100")?;
    let entries =
        select.query_map([up_to], |row| Ok(Entry { id: row.get(0)?, tag: row.get(1)? }))?;
    entries.collect::<rusqlite::Result<_>>().map(Pending)
}
