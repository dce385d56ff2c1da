//! All rows that a backup holds, out and in.

use std::collections::BTreeSet;

use super::db::{Engine, Row, Statement, Tx, Value, sql};
use super::erased::{self, CameBack};
use super::tables::{Kind, TABLES, Table};
use super::{Store, segments};
use crate::backup::format::{Cell, Frame};
use crate::error::{Error, Result};

/// Numbers that are left out after a restore: sites, goals and funnels that were made after the
/// backup may still be known to edges, and must not be taken for others.
const NUMBERS_SKIPPED: i64 = 1_000;
/// Rows and bytes of one statement.
const ROWS_AT_ONCE: usize = 200;
const BYTES_AT_ONCE: usize = 1024 * 1024;

/// One state of the database, to be written down.
pub struct Dump(Tx);

/// What [`Store::load`] has put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Sites.
    pub sites: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Sites that had been removed from this database, and are in the backup.
    pub came_back: Vec<CameBack>,
}

impl Store {
    /// One state of the database, to be written down.
    ///
    /// # Errors
    /// The database failed.
    pub async fn dump(&self) -> Result<Dump> {
        Ok(Dump(self.db.read().await?))
    }

    /// Puts the rows that `next` gives in the place of what is there; see [`crate::backup::restore`].
    ///
    /// # Errors
    /// `next` failed or gave what this version does not know, the database is not empty and is not
    /// to be replaced, or it failed; nothing is changed.
    pub async fn load(
        &self,
        mut next: impl FnMut() -> Result<Option<Frame>>,
        last_site: i64,
        replace: bool,
    ) -> Result<Restored> {
        let mut tx = self.db.write().await?;
        let has_sites = tx
            .first(sql("SELECT id FROM site LIMIT 1"))
            .await?
            .is_some();
        if has_sites && !replace {
            return Err(Error::Invalid(
                "the database has sites already; --replace deletes them and everything counted"
                    .into(),
            ));
        }
        let has_accounts = tx
            .first(sql("SELECT id FROM account LIMIT 1"))
            .await?
            .is_some();
        if has_accounts && !replace {
            return Err(Error::Invalid(
                "the database has accounts already; --replace deletes them".into(),
            ));
        }
        let now_last = last_number(&mut tx).await?;
        let erased = erased::all(&mut tx).await?;
        // Nothing of before opens an account of the backup.
        tx.execute(sql("DELETE FROM one_time_link")).await?;
        for (table, _) in TABLES.iter().rev() {
            tx.execute(sql(format!("DELETE FROM {table}"))).await?;
        }
        let mut into: Option<Into> = None;
        let mut rows = 0;
        while let Some(frame) = next()? {
            match frame {
                Frame::Table { name, columns } => {
                    if let Some(mut into) = into.take() {
                        into.flush(&mut tx).await?;
                    }
                    into = Some(Into::new(&name, &columns)?);
                }
                Frame::Row(cells) => {
                    let into = into.as_mut().ok_or_else(unknown)?;
                    into.take(&mut tx, cells).await?;
                    rows += 1;
                }
                Frame::Begin { .. } | Frame::End { .. } => return Err(unknown()),
            }
        }
        if let Some(mut into) = into.take() {
            into.flush(&mut tx).await?;
        }
        let came_back = erased::keep(&mut tx, erased).await?;
        skip_numbers(&mut tx, now_last.max(last_site) + NUMBERS_SKIPPED).await?;
        let sites = tx.first(sql("SELECT count(*) FROM site")).await?;
        let sites = sites.map_or(Ok(0), |row| row.count(0))?;
        tx.commit().await?;
        self.shrink().await?;
        Ok(Restored {
            sites,
            rows,
            came_back,
        })
    }
}

impl Dump {
    /// The largest number that was ever given to a site.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_site(&mut self) -> Result<i64> {
        last_number(&mut self.0).await
    }

    /// Gives every table and its rows to `take`.
    ///
    /// # Errors
    /// The database or `take` failed.
    pub async fn rows(&mut self, mut take: impl FnMut(Frame) -> Result<()>) -> Result<()> {
        for (table, columns) in TABLES {
            let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
            let select = sql(format!("SELECT {} FROM {table}", names.join(", ")));
            take(Frame::Table {
                name: table.to_owned(),
                columns: names,
            })?;
            self.0
                .each(select, |row| take(Frame::Row(cells(&row, columns)?)))
                .await?;
        }
        Ok(())
    }
}

pub(super) fn cells(row: &Row, columns: &[(&str, Kind)]) -> Result<Vec<Cell>> {
    let cell = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Int => row.int_or_null(at)?.map_or(Cell::Null, Cell::Int),
            Kind::Text => Cell::Text(row.text(at)?),
            Kind::Bytes => Cell::Bytes(row.bytes(at)?.to_vec()),
        })
    };
    columns.iter().enumerate().map(cell).collect()
}

fn unknown() -> Error {
    Error::Invalid("the backup holds what this version of Dayfly does not know".into())
}

/// A table being filled.
pub(super) struct Into {
    table: &'static str,
    /// Those of the backup. A column that came later has what its step of the schema gave to rows
    /// that were there.
    columns: Vec<(&'static str, Kind)>,
    waiting: Vec<Vec<Cell>>,
    bytes: usize,
    /// The days whose partition is known to be there (Postgres).
    has_partition: BTreeSet<i64>,
}

impl Into {
    fn new(name: &str, columns: &[String]) -> Result<Self> {
        let found = TABLES.into_iter().find(|(table, _)| *table == name);
        let (table, known) = found.ok_or_else(unknown)?;
        let known = known.iter().copied();
        let told: Vec<_> = known
            .filter(|(name, _)| columns.iter().any(|told| told == name))
            .collect();
        if !told.iter().map(|(name, _)| name).eq(columns) {
            return Err(unknown());
        }
        Ok(Self::with(table, told))
    }

    /// Fills a table.
    pub(super) fn of((table, columns): Table) -> Self {
        Self::with(table, columns.to_vec())
    }

    fn with(table: &'static str, columns: Vec<(&'static str, Kind)>) -> Self {
        Self {
            table,
            columns,
            waiting: Vec::new(),
            bytes: 0,
            has_partition: BTreeSet::new(),
        }
    }

    /// Takes a row; it is there after [`Into::flush`].
    pub(super) async fn take(&mut self, tx: &mut Tx, cells: Vec<Cell>) -> Result<()> {
        let fits = |(cell, (_, kind)): (&Cell, &(&str, Kind))| match cell {
            Cell::Null | Cell::Int(_) => *kind == Kind::Int,
            Cell::Text(_) => *kind == Kind::Text,
            Cell::Bytes(_) => *kind == Kind::Bytes,
        };
        if cells.len() != self.columns.len() || !cells.iter().zip(&self.columns).all(fits) {
            return Err(unknown());
        }
        if self.table == "part" && tx.engine() == Engine::Postgres {
            let at = self.columns.iter().position(|(name, _)| *name == "date");
            let Some(Cell::Int(date)) = at.and_then(|at| cells.get(at)) else {
                return Err(unknown());
            };
            if self.has_partition.insert(*date) {
                segments::make_partition(tx, *date).await?;
            }
        }
        self.bytes += cells.iter().map(cell_bytes).sum::<usize>();
        self.waiting.push(cells);
        if self.waiting.len() >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
            self.flush(tx).await?;
        }
        Ok(())
    }

    /// Writes what waits.
    pub(super) async fn flush(&mut self, tx: &mut Tx) -> Result<()> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let width = names.len();
        let place = |n: usize| format!("${n}");
        let row = |row: usize| {
            let places: Vec<String> = (1..=width).map(|at| place(row * width + at)).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..waiting.len()).map(row).collect();
        // Sites keep their numbers, though Postgres would give them.
        let overriding = match (tx.engine(), self.table) {
            (Engine::Postgres, "site") => "OVERRIDING SYSTEM VALUE",
            _ => "",
        };
        let mut statement: Statement = sql(format!(
            "INSERT INTO {} ({}) {overriding} VALUES {}",
            self.table,
            names.join(", "),
            rows.join(", ")
        ));
        for cell in waiting.into_iter().flatten() {
            statement = statement.bind(match cell {
                Cell::Null => Value::Int(None),
                Cell::Int(n) => Value::Int(Some(n)),
                Cell::Text(text) => Value::Text(Some(text)),
                Cell::Bytes(bytes) => Value::Bytes(bytes),
            });
        }
        tx.execute(statement).await?;
        Ok(())
    }
}

fn cell_bytes(cell: &Cell) -> usize {
    match cell {
        Cell::Null | Cell::Int(_) => 8,
        Cell::Text(text) => text.len(),
        Cell::Bytes(bytes) => bytes.len(),
    }
}

/// The largest number that was ever given to a site.
pub(super) async fn last_number(tx: &mut Tx) -> Result<i64> {
    let text = match tx.engine() {
        Engine::Sqlite => "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'site'",
        Engine::Postgres => {
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM site_id_seq"
        }
    };
    let row = tx.first(sql(text)).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// The next numbers given are beyond these.
async fn skip_numbers(tx: &mut Tx, site: i64) -> Result<()> {
    set_last_number(tx, site).await?;
    tx.execute(
        sql("UPDATE site SET last_goal = last_goal + $1, last_funnel = last_funnel + $1")
            .bind(NUMBERS_SKIPPED),
    )
    .await?;
    Ok(())
}

/// The next site gets a number beyond this.
pub(super) async fn set_last_number(tx: &mut Tx, site: i64) -> Result<()> {
    match tx.engine() {
        Engine::Sqlite => {
            tx.execute(sql("DELETE FROM sqlite_sequence WHERE name = 'site'"))
                .await?;
            tx.execute(
                sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('site', $1)").bind(site),
            )
            .await?;
        }
        Engine::Postgres => {
            tx.all(sql("SELECT setval('site_id_seq', $1)").bind(site))
                .await?;
        }
    }
    Ok(())
}
