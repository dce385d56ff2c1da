//! The schema of the database, brought up to date when it is opened.
//!
//! Steps (`migrations/<engine>/<number>_<name>.sql`) are added and never changed: databases that have
//! them are in use (`tests/it/pinned`). All that are due are one transaction, so that a database is of
//! the version it was or of this one, and never of one that no release has.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::{Error, Result};

/// The steps for SQLite.
pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
/// The steps for Postgres.
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Of several servers one changes a Postgres database, and the others wait for it.
const LOCK: i64 = 0x0064_6179_666c_7900;

/// A step that a database has: its number, and the checksum of its text.
type Step = (i64, Vec<u8>);

/// How a database stands to the steps that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// It has all of them.
    Current,
    /// It has those up to one; none where that is 0.
    Behind(i64),
}

/// Compares a database with the steps that this program knows.
///
/// # Errors
/// A newer program has written it, or another one.
pub(super) fn stand(there: &[Step], known: &Migrator) -> Result<Stand> {
    let newest = known.iter().last().map_or(0, |step| step.version);
    for (version, checksum) in there {
        if *version > newest {
            let there = there.last().map_or(0, |(version, _)| *version);
            return Err(Error::Newer {
                there,
                known: newest,
            });
        }
        let step = known.iter().find(|step| step.version == *version);
        let step = step.ok_or(MigrateError::VersionMissing(*version))?;
        if *step.checksum != **checksum {
            return Err(MigrateError::VersionMismatch(*version).into());
        }
    }
    Ok(match there.len() == known.iter().len() {
        true => Stand::Current,
        false => Stand::Behind(there.last().map_or(0, |(version, _)| *version)),
    })
}

/// Brings a SQLite file up to date.
///
/// # Errors
/// As [`stand`]; a step failed, and the file is as it was.
pub(super) async fn sqlite(options: &SqliteConnectOptions, known: &Migrator) -> Result<()> {
    // A step that puts a new table in an old one's place must not delete what refers to that.
    let options = options.clone().foreign_keys(false);
    let mut connection = options.connect().await?;
    let Stand::Behind(from) = stand(&of_sqlite(&mut connection).await?, known)? else {
        connection.close().await?;
        return Ok(());
    };
    // Whoever else does the same has done it when this begins: then nothing is due any more.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    known.run_direct(None, &mut *tx, false).await?;
    let broken: Option<(String,)> =
        sqlx::query_as("SELECT \"table\" FROM pragma_foreign_key_check")
            .fetch_optional(&mut *tx)
            .await?;
    if let Some((table,)) = broken {
        return Err(Error::Invalid(format!(
            "database: bringing it up to date would leave rows of {table} that refer to none; it is as it was"
        )));
    }
    tx.commit().await?;
    connection.close().await?;
    log(from, known);
    Ok(())
}

/// Brings a Postgres database up to date.
///
/// # Errors
/// As [`stand`]; a step failed, and the database is as it was.
pub(super) async fn postgres(options: &PgConnectOptions, known: &Migrator) -> Result<()> {
    // Not of the pool: the lock that sqlx takes besides goes with the connection, whatever happens.
    let mut connection = options.connect().await?;
    let Stand::Behind(from) = stand(&of_postgres(&mut connection).await?, known)? else {
        connection.close().await?;
        return Ok(());
    };
    let mut tx = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *tx)
        .await?;
    known.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    connection.close().await?;
    log(from, known);
    Ok(())
}

fn log(from: i64, known: &Migrator) {
    let to = known.iter().last().map_or(0, |step| step.version);
    let version = env!("CARGO_PKG_VERSION");
    if from > 0 {
        tracing::info!(
            "the database was brought from schema {from} to {to}: dayfly older than {version} cannot \
             open it any more"
        );
    }
}

/// The steps that a SQLite file has.
pub(super) async fn of_sqlite(connection: &mut SqliteConnection) -> Result<Vec<Step>> {
    let there = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let (there,): (i64,) = sqlx::query_as(there).fetch_one(&mut *connection).await?;
    if there == 0 {
        return Ok(Vec::new());
    }
    let all = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    Ok(sqlx::query_as(all).fetch_all(connection).await?)
}

/// The steps that a Postgres database has.
pub(super) async fn of_postgres(connection: &mut PgConnection) -> Result<Vec<Step>> {
    let there = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let (there,): (bool,) = sqlx::query_as(there).fetch_one(&mut *connection).await?;
    if !there {
        return Ok(Vec::new());
    }
    let all = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    Ok(sqlx::query_as(all).fetch_all(connection).await?)
}
