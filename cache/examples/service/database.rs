//! The `SQLite` file: one connection that reads and one that writes, neither of which holds up the runtime.

use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::problem::Problem;

/// A clone is the same database.
#[derive(Clone)]
pub(crate) struct Database {
    reader: Arc<Mutex<Connection>>,
    writer: Arc<Mutex<Connection>>,
    /// Kept, and not used.
    _hold: Arc<StdMutex<Connection>>,
}

/// Another instance may be writing: it is waited for.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(15);

/// Who else may use the file.
#[derive(Clone, Copy)]
pub(crate) enum Others {
    /// Instances that share the cache: what one of them flushes is flushed for all.
    SameCache,
    /// Nobody: the cache is this process's own, and would not learn of what others write.
    None,
}

impl Database {
    /// Opens the file, and fills it where it is new. It is busy if somebody else uses it who may not.
    pub(crate) fn open(path: &Path, others: Others) -> rusqlite::Result<Self> {
        let hold = hold(path, others)?;
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(WAIT_FOR_OTHERS)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        let mut writer = connect()?;
        let filling = writer.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        filling.execute_batch(include_str!("schema.sql"))?;
        filling.commit()?;
        // Those who read do not wait for who writes, in this process or another.
        writer.pragma_update(None, "journal_mode", "wal")?;
        writer.pragma_update(None, "synchronous", "normal")?;
        Ok(Self {
            reader: Arc::new(Mutex::new(connect()?)),
            writer: Arc::new(Mutex::new(writer)),
            _hold: Arc::new(StdMutex::new(hold)),
        })
    }

    /// Runs a query.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let connection = Arc::clone(&self.reader).lock_owned().await;
        Ok(spawn_blocking(move || query(&connection)).await??)
    }

    /// Runs a transaction, which is committed if it gives `Ok`. Once begun it runs to its end, even if whoever asked
    /// for it has gone.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let mut connection = Arc::clone(&self.writer).lock_owned().await;
        let changed = spawn_blocking(move || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let changed = change(&transaction)?;
            transaction.commit()?;
            Ok(changed)
        });
        changed.await?
    }
}

/// A transaction on a second file, which is held for as long as the process lives: one that excludes all others, or only
/// such.
fn hold(path: &Path, others: Others) -> rusqlite::Result<Connection> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-instances");
    let connection = Connection::open(Path::new(&beside))?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.execute_batch(match others {
        Others::None => "BEGIN EXCLUSIVE",
        Others::SameCache => "BEGIN; SELECT count(*) FROM sqlite_schema",
    })?;
    Ok(connection)
}
