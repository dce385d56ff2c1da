//! Moving all rows of a database into another (`crate::migrate` says in which order, and why).
//!
//! What always holds:
//! - While [`Held`] lives, nobody else writes to the database it is of; it is the write lock itself,
//!   so it ends with the process, however that ends, and leaves nothing behind.
//! - A database that is `gone` is written to by nobody, of whatever version: triggers refuse it.
//! - A database that is `filling` is used by nobody but a move.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use shared::clock::UnixMs;

use super::db::{Db, Engine, Tx, sql};
use super::dump::{Into, cells, last_number, set_last_number};
use super::tables::moved_tables;
use super::{Place, Store};
use crate::backup::format::Cell;
use crate::error::{Error, MOVED, Result};

/// How long a Postgres waits for whoever writes to it, as SQLite does (`db.rs`).
const WAIT_FOR_WRITERS: &str = "SET LOCAL lock_timeout = '10s'";

/// What a move has made of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is being filled, or was when the move broke off.
    Filling,
    /// All of it is in another database now.
    Gone,
}

/// A database's part in a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The same in both databases.
    pub id: String,
    /// What became of this one.
    pub state: State,
    /// The other one, without its password.
    pub place: String,
}

/// What a table holds, whatever the order of its rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TableSum {
    /// Rows.
    pub rows: u64,
    /// Of all of them: hashes, added up.
    hash: u128,
}

impl TableSum {
    fn add(&mut self, cells: &[Cell]) {
        let mut hasher = Sha256::new();
        let mut part = |kind: u8, bytes: &[u8]| {
            hasher.update([kind]);
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        for cell in cells {
            match cell {
                Cell::Null => part(0, &[]),
                Cell::Int(n) => part(1, &n.to_be_bytes()),
                Cell::Text(text) => part(2, text.as_bytes()),
                Cell::Bytes(bytes) => part(3, bytes),
            }
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let half = digest.first_chunk().copied().unwrap_or_default();
        self.hash = self.hash.wrapping_add(u128::from_be_bytes(half));
        self.rows += 1;
    }
}

/// What every table holds.
pub type Sums = BTreeMap<&'static str, TableSum>;

/// A database that nobody writes to as long as this lives.
pub struct Held(Tx);

impl Place {
    /// How it is told to people: without a password.
    pub fn shown(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Url(url) => Db::shown(url),
        }
    }
}

impl Store {
    /// [`Store::open`], also of a database that was moved or is being filled.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_whatever_was_moved(place: &Place) -> Result<Self> {
        let db = match place {
            Place::File(file) => Db::sqlite(file).await?,
            Place::Url(url) => Db::postgres(url).await?,
        };
        Ok(Self { db })
    }

    /// What a move has made of this database, if any has.
    ///
    /// # Errors
    /// The database failed.
    pub async fn moved(&self) -> Result<Option<Moved>> {
        let row = self
            .db
            .first(sql("SELECT move, state, place FROM moved"))
            .await?;
        row.map(|row| {
            Ok(Moved {
                id: row.text(0)?,
                state: match row.text(1)?.as_str() {
                    "gone" => State::Gone,
                    _ => State::Filling,
                },
                place: row.text(2)?,
            })
        })
        .transpose()
    }

    /// What tells a Postgres database from any other, whatever it is called in a URL.
    ///
    /// # Errors
    /// The database failed.
    pub async fn identity(&self) -> Result<Option<String>> {
        if self.engine() == Engine::Sqlite {
            return Ok(None);
        }
        let text = "SELECT CAST(pg_postmaster_start_time() AS TEXT), CAST(oid AS TEXT),
                        CAST(current_schema() AS TEXT)
                    FROM pg_database WHERE datname = current_database()";
        let row = self.db.first(sql(text)).await?;
        row.map(|row| {
            Ok(format!(
                "{} {} {}",
                row.text(0)?,
                row.text(1)?,
                row.text(2)?
            ))
        })
        .transpose()
    }

    /// Whether there is a site, an account, or a site that was removed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_used(&self) -> Result<bool> {
        let text = "SELECT CAST(1 AS BIGINT) FROM site UNION ALL SELECT 1 FROM account
                    UNION ALL SELECT 1 FROM erased LIMIT 1";
        Ok(self.db.first(sql(text)).await?.is_some())
    }

    /// Keeps everybody else from writing, who then waits, or fails and tries again.
    ///
    /// # Errors
    /// Somebody has been writing for ten seconds, or the database failed.
    pub async fn hold_all(&self) -> Result<Held> {
        let mut tx = self.db.write().await?;
        if tx.engine() == Engine::Postgres {
            tx.execute(sql(WAIT_FOR_WRITERS)).await?;
            let names: Vec<&str> = moved_tables().map(|(name, _)| name).collect();
            let lock = format!(
                "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
                names.join(", ")
            );
            tx.execute(sql(lock)).await?;
        }
        Ok(Held(tx))
    }

    /// What every table holds.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sums(&self) -> Result<Sums> {
        let mut tx = self.db.read().await?;
        let mut sums = Sums::new();
        for (table, columns) in moved_tables() {
            let sum = sums.entry(table).or_default();
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            let select = sql(format!("SELECT {} FROM {table}", names.join(", ")));
            tx.each(select, |row| {
                sum.add(&cells(&row, columns)?);
                Ok(())
            })
            .await?;
        }
        Ok(sums)
    }

    /// Ends the filling: from now on this is a database like any other. Nothing, where that is done.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_filled(&self, id: &str) -> Result<()> {
        let text = "DELETE FROM moved WHERE state = 'filling' AND move = $1";
        self.db.execute(sql(text).bind(id)).await?;
        Ok(())
    }

    /// Makes a database that was moved one that is written to again; false where it was not moved.
    ///
    /// # Errors
    /// The database failed; nothing is changed.
    pub async fn take_move_back(&self) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let text = "DELETE FROM moved WHERE state = 'gone'";
        if tx.execute(sql(text)).await? == 0 {
            return Ok(false);
        }
        match tx.engine() {
            Engine::Sqlite => {
                for (table, _) in moved_tables() {
                    for what in CHANGES {
                        tx.execute(sql(format!("DROP TRIGGER moved_{table}_{what}")))
                            .await?;
                    }
                }
            }
            Engine::Postgres => {
                tx.execute(sql("DROP FUNCTION dayfly_moved() CASCADE"))
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// What a statement may do to a table.
const CHANGES: [&str; 3] = ["insert", "update", "delete"];

impl Held {
    /// Puts all rows into another database, in the place of what a move that broke off has left
    /// there, and marks it as being filled. Gives what the rows are, as they were read.
    ///
    /// # Errors
    /// Either database failed; nothing is changed in any.
    pub async fn copy_into(
        &mut self,
        target: &Store,
        mark: &Moved,
        now_ms: UnixMs,
    ) -> Result<Sums> {
        let mut into = target.db.write().await?;
        for (table, _) in moved_tables().rev() {
            into.execute(sql(format!("DELETE FROM {table}"))).await?;
        }
        write_mark(&mut into, mark, now_ms).await?;
        let mut sums = Sums::new();
        for of in moved_tables() {
            let (table, columns) = of;
            let sum = sums.entry(table).or_default();
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            let select = sql(format!("SELECT {} FROM {table}", names.join(", ")));
            let mut filled = Into::of(of);
            self.0
                .each_in_turn(select, async |row| {
                    let cells = cells(&row, columns)?;
                    sum.add(&cells);
                    filled.take(&mut into, cells).await
                })
                .await?;
            filled.flush(&mut into).await?;
        }
        // As they were: nothing was given a number since.
        let last = last_number(&mut self.0).await?;
        set_last_number(&mut into, last).await?;
        into.commit().await?;
        Ok(sums)
    }

    /// Marks the database as gone, for good, and lets go of it.
    ///
    /// # Errors
    /// The database failed; nothing is changed.
    pub async fn is_gone(mut self, mark: &Moved, now_ms: UnixMs) -> Result<()> {
        let tx = &mut self.0;
        write_mark(tx, mark, now_ms).await?;
        match tx.engine() {
            Engine::Sqlite => {
                for (table, _) in moved_tables() {
                    for what in CHANGES {
                        let text = format!(
                            "CREATE TRIGGER moved_{table}_{what} BEFORE {what} ON {table}
                             BEGIN SELECT RAISE(ABORT, '{MOVED}'); END"
                        );
                        tx.execute(sql(text)).await?;
                    }
                }
            }
            Engine::Postgres => {
                let text = format!(
                    "CREATE FUNCTION dayfly_moved() RETURNS trigger LANGUAGE plpgsql
                     AS $$ BEGIN RAISE EXCEPTION '{MOVED}'; END $$"
                );
                tx.execute(sql(text)).await?;
                for (table, _) in moved_tables() {
                    let text = format!(
                        "CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON {table}
                         FOR EACH STATEMENT EXECUTE FUNCTION dayfly_moved()"
                    );
                    tx.execute(sql(text)).await?;
                }
            }
        }
        self.0.commit().await
    }
}

async fn write_mark(tx: &mut Tx, mark: &Moved, now_ms: UnixMs) -> Result<()> {
    let state = match mark.state {
        State::Filling => "filling",
        State::Gone => "gone",
    };
    tx.execute(sql("DELETE FROM moved")).await?;
    tx.execute(
        sql("INSERT INTO moved (id, move, state, place, at_ms) VALUES (1, $1, $2, $3, $4)")
            .bind(mark.id.as_str())
            .bind(state)
            .bind(mark.place.as_str())
            .bind(now_ms),
    )
    .await?;
    Ok(())
}

/// Refuses a database that a move has made unusable.
pub(super) fn usable(moved: Option<Moved>) -> Result<()> {
    match moved {
        None => Ok(()),
        Some(Moved {
            state: State::Gone,
            place,
            ..
        }) => Err(Error::Moved(place)),
        Some(Moved { place, .. }) => Err(Error::Invalid(format!(
            "this database was being filled from {place} by dayfly migrate, which did not come to its end: run that again"
        ))),
    }
}
