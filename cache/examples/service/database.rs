//! The `SQLite` file: one connection that reads and one that writes, neither of which holds up the runtime.

use std::path::Path;
use std::sync::Arc;
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
}

/// Another instance may be writing: it is waited for.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(15);

impl Database {
    /// Opens the file, and fills it where it is new.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
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
        Ok(Self { reader: Arc::new(Mutex::new(connect()?)), writer: Arc::new(Mutex::new(writer)) })
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
