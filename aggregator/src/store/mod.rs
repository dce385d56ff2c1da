//! The store: SQLite, one writer, many readers.
//!
//! WAL with `synchronous=FULL`: what was answered is on disk. `secure_delete`: what is deleted is
//! overwritten.

mod batches;
mod counts;
mod dropped;
mod funnels;
mod goals;
mod keys;
mod live;
mod settings;
mod shards;
mod sites;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

use crate::error::Result;

pub use batches::Applied;
pub use funnels::NamedFunnel;
pub use goals::NamedGoal;
pub use keys::{KeyAccess, Scope};

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Connections that read.
const READERS: u32 = 8;

/// See the module.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database, making it and bringing its schema up to date as needed.
    ///
    /// # Errors
    /// The file cannot be used, or a newer Dayfly has written it.
    pub async fn open(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { writer, readers })
    }

    /// Ends all connections; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// For queries.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Empties the write-ahead log, so that what was deleted is in no file any more.
    async fn empty_log(&self) -> Result<()> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// A transaction that holds the write lock from its start, so that it cannot fail half-way
    /// for another writer.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// A count as it is stored.
fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
