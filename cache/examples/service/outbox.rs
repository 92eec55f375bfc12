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

    /// Whether the cache may have what is no longer so. Then the database is asked instead.
    pub(crate) fn is_behind(&self) -> bool {
        let State { found, settled } = &*self.state;
        found.load(Ordering::Acquire) != settled.load(Ordering::Acquire)
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

    /// Delivers what was left behind, as far as the cache can be told.
    pub(crate) async fn catch_up(&self) -> Result<(), Problem> {
        loop {
            let found = self.state.found.load(Ordering::Acquire);
            let pending = self.database.read(waiting).await?;
            if pending.0.is_empty() {
                // Unless something has been left behind since.
                self.state.settled.store(found, Ordering::Release);
                return Ok(());
            }
            self.state.found.fetch_add(1, Ordering::AcqRel);
            if let Err(error) = self.flush(&pending).await {
                tracing::debug!(%error, "the cache cannot be told yet");
                return Ok(());
            }
            tracing::info!(tags = ?pending.tags(), "the cache has been told of earlier changes");
        }
    }

    /// Does so again and again, for as long as it is polled.
    pub(crate) async fn keep_up(self) {
        let mut interval = tokio::time::interval(INTERVAL);
        loop {
            interval.tick().await;
            if let Err(problem) = self.catch_up().await {
                tracing::error!(%problem, "the outbox cannot be read");
            }
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
fn waiting(connection: &Connection) -> rusqlite::Result<Pending> {
    let mut select = connection.prepare("SELECT id, tag FROM outbox ORDER BY id LIMIT 100")?;
    let entries = select.query_map([], |row| Ok(Entry { id: row.get(0)?, tag: row.get(1)? }))?;
    entries.collect::<rusqlite::Result<_>>().map(Pending)
}
