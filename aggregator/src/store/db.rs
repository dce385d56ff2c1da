//! The two engines behind one face: SQLite and Postgres, on sqlx.
//!
//! Statements are written once, in what both understand: `$1` for values, `ON CONFLICT … DO UPDATE`,
//! `RETURNING`, whole numbers of 64 bits, texts, bytes. Where the engines differ, [`Engine`] tells
//! which one it is.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use super::migrate::{self, Stand};
pub(crate) use super::statement::{Row, Statement, Value, sql};
use super::statement::{postgres_arguments, sqlite_arguments};
use crate::error::{Error, Result};

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Connections that read (SQLite), or all (Postgres).
pub(super) const CONNECTIONS: u32 = 8;
/// Pages that a reader of SQLite keeps for itself, KiB (`cache_size`, negated). What is read again and
/// again are the trees' upper pages; the rest is in the operating system's cache once, and need not be
/// in each reader's, too.
const READER_CACHE_KIB: &str = "-512";
/// Bytes of one page of a new SQLite file: parts of segments are some kilobytes, and every page of
/// them is looked up.
const PAGE_BYTES: u32 = 8_192;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, a file in the data folder.
    Sqlite,
    /// Postgres, by URL.
    Postgres,
}

/// Connections.
#[derive(Debug, Clone)]
pub(super) enum Db {
    /// One writer, many readers.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    /// Any of them does anything.
    Postgres(PgPool),
}

impl Db {
    /// Opens a SQLite file, making it when it is missing, and brings its schema up to date.
    pub(super) async fn sqlite(file: &Path) -> Result<Self> {
        let reading = SqliteConnectOptions::new()
            .filename(file)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("cache_size", READER_CACHE_KIB)
            .pragma("query_only", "ON");
        let writing = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .page_size(PAGE_BYTES)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON");
        migrate::sqlite(&writing, &migrate::SQLITE).await?;
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(writing)
            .await?;
        // To set auto_vacuum is to write: whoever only reads would wait for whoever holds the lock.
        let readers = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_lazy_with(reading);
        Ok(Self::Sqlite { writer, readers })
    }

    /// Opens a SQLite file that is there, and changes nothing of it.
    pub(super) async fn look_at_sqlite(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(false)
            .busy_timeout(BUSY)
            .pragma("query_only", "ON");
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        let db = Self::Sqlite {
            writer: pool.clone(),
            readers: pool,
        };
        db.is_of_this_version().await?;
        Ok(db)
    }

    /// Connects to a Postgres database, and changes nothing of it.
    pub(super) async fn look_at_postgres(url: &str) -> Result<Self> {
        let db = Self::Postgres(Self::connect(postgres_options(url)?).await?);
        db.is_of_this_version().await?;
        Ok(db)
    }

    async fn is_of_this_version(&self) -> Result<()> {
        let (there, known) = match self {
            Self::Sqlite { readers, .. } => {
                let there = migrate::of_sqlite(&mut *readers.acquire().await?).await?;
                (there, &migrate::SQLITE)
            }
            Self::Postgres(pool) => {
                let there = migrate::of_postgres(&mut *pool.acquire().await?).await?;
                (there, &migrate::POSTGRES)
            }
        };
        match migrate::stand(&there, known)? {
            Stand::Current => Ok(()),
            Stand::Behind(from) => Err(Error::Invalid(format!(
                "its schema is of version {from}, this program's of {}",
                known.iter().last().map_or(0, |step| step.version)
            ))),
        }
    }

    /// Connects to a Postgres database and brings its schema up to date.
    pub(super) async fn postgres(url: &str) -> Result<Self> {
        let options = postgres_options(url)?;
        migrate::postgres(&options, &migrate::POSTGRES).await?;
        Ok(Self::Postgres(Self::connect(options).await?))
    }

    async fn connect(options: PgConnectOptions) -> Result<PgPool> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(BUSY)
            .connect_with(options)
            .await?;
        Ok(pool)
    }

    /// A URL as it may be shown: without its password and whatever else it says.
    pub(super) fn shown(url: &str) -> String {
        let Ok(options) = PgConnectOptions::from_str(url) else {
            return "a URL that cannot be read".into();
        };
        let (user, host, port) = (
            options.get_username(),
            options.get_host(),
            options.get_port(),
        );
        let name = options.get_database().unwrap_or(user);
        format!("postgres://{user}@{host}:{port}/{name}")
    }

    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// One state of the database, to be read.
    pub(super) async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        })
    }

    /// A transaction that writes. SQLite's holds the write lock from its start, so that it cannot
    /// fail half-way for another writer.
    pub(super) async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Runs one statement that writes, in its own transaction; gives the number of rows.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64> {
        let mut tx = self.write().await?;
        let rows = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// The rows of one statement that reads.
    pub(super) async fn all(&self, statement: Statement) -> Result<Vec<Row>> {
        let text = AssertSqlSafe(statement.text);
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                let arguments = sqlite_arguments(statement.values)?;
                let rows = sqlx::query_with(text, arguments).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let arguments = postgres_arguments(statement.values)?;
                let rows = sqlx::query_with(text, arguments).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of one statement that reads.
    pub(super) async fn first(&self, statement: Statement) -> Result<Option<Row>> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// A statement of SQLite's own, outside of any transaction.
    pub(super) async fn sqlite_only(&self, text: &'static str) -> Result<()> {
        if let Self::Sqlite { writer, .. } = self {
            sqlx::raw_sql(text).execute(writer).await?;
        }
        Ok(())
    }
}

/// What sqlx says of a broken URL may repeat its password.
fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        Error::Invalid(
            "the database's URL is not one of Postgres: postgres://user:password@host/name".into(),
        )
    })?;
    Ok(options.application_name("dayfly"))
}

/// A transaction. Dropped without [`Tx::commit`] it changes nothing.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Runs a statement; gives the number of rows.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        let text = AssertSqlSafe(statement.text);
        Ok(match self {
            Self::Sqlite(tx) => {
                let arguments = sqlite_arguments(statement.values)?;
                let done = sqlx::query_with(text, arguments).execute(&mut **tx).await?;
                done.rows_affected()
            }
            Self::Postgres(tx) => {
                let arguments = postgres_arguments(statement.values)?;
                let done = sqlx::query_with(text, arguments).execute(&mut **tx).await?;
                done.rows_affected()
            }
        })
    }

    /// Gives each row of a statement to `take`, without holding all of them.
    pub(crate) async fn each(
        &mut self,
        statement: Statement,
        mut take: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let text = AssertSqlSafe(statement.text);
        match self {
            Self::Sqlite(tx) => {
                let arguments = sqlite_arguments(statement.values)?;
                let mut rows = sqlx::query_with(text, arguments).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(Row::Sqlite(row))?;
                }
            }
            Self::Postgres(tx) => {
                let arguments = postgres_arguments(statement.values)?;
                let mut rows = sqlx::query_with(text, arguments).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(Row::Postgres(row))?;
                }
            }
        }
        Ok(())
    }

    /// [`Tx::each`], with a `take` that may wait. That one is not made of this: the future of an
    /// `AsyncFnMut` is not `Send` for every lifetime, and whoever serves needs that.
    pub(super) async fn each_in_turn(
        &mut self,
        statement: Statement,
        mut take: impl AsyncFnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let text = AssertSqlSafe(statement.text);
        match self {
            Self::Sqlite(tx) => {
                let arguments = sqlite_arguments(statement.values)?;
                let mut rows = sqlx::query_with(text, arguments).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(Row::Sqlite(row)).await?;
                }
            }
            Self::Postgres(tx) => {
                let arguments = postgres_arguments(statement.values)?;
                let mut rows = sqlx::query_with(text, arguments).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(Row::Postgres(row)).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn all(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(statement, |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    pub(crate) async fn first(&mut self, statement: Statement) -> Result<Option<Row>> {
        Ok(self.all(statement).await?.into_iter().next())
    }
}
