//! A day object's SQLite, as [`shared::object::Store`] wants it.
//!
//! | table | row |
//! |---|---|
//! | `meta` | one |
//! | `dict` | strings of the day, appended at each seal |
//! | `delta` | counts of one commit, not yet sealed |
//! | `log` | what became of visitors in one commit, sealed under the day key (I4) |
//! | `visitor` | one visitor, sealed likewise; deleted with the log when the day is over |
//! | `outbox` | one batch; kept 48 h after it was acknowledged |
//! | `dead` | one batch that the aggregator cannot read, and why; kept until it can |

use std::cell::Cell;
use std::fmt::Write as _;

use shared::limits::CHUNK_BYTES;
use shared::object::{Buried, RowId, Store, VisitorRow, Write};
use worker::wasm_bindgen::JsCast;
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

use crate::platform::{self, RawStorage};

const SCHEMA: [&str; 8] = [
    "CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS dict (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS delta (id INTEGER PRIMARY KEY, gather BLOB, bytes BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS visitor (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, waiting INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (seq) WHERE waiting = 1",
    "CREATE TABLE IF NOT EXISTS dead (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL, body BLOB NOT NULL)",
];

/// See the module.
pub struct DayStore {
    sql: SqlStorage,
    raw: RawStorage,
    /// The tables are there. After `delete_all` they are not, and the object lives on.
    has_tables: Cell<bool>,
}

impl DayStore {
    /// The store of a Durable Object.
    pub fn new(storage: &Storage) -> Self {
        Self {
            sql: storage.sql(),
            raw: storage.as_raw().unchecked_ref::<RawStorage>().clone(),
            has_tables: Cell::new(false),
        }
    }

    /// To be called after `delete_all`.
    pub fn forget_tables(&self) {
        self.has_tables.set(false);
    }

    fn ensure_tables(&self) -> Result<()> {
        if !self.has_tables.get() {
            for statement in SCHEMA {
                self.sql.exec(statement, None)?;
            }
            self.has_tables.set(true);
        }
        Ok(())
    }

    fn rows(
        &self,
        query: &str,
        bindings: Vec<SqlStorageValue>,
    ) -> Result<Vec<Vec<SqlStorageValue>>> {
        self.ensure_tables()?;
        self.sql.exec(query, bindings)?.raw().collect()
    }

    fn body(&self, query: &str, seq: u64) -> Result<Option<Vec<u8>>> {
        let rows = self.rows(query, vec![integer(seq)?])?;
        rows.into_iter()
            .next()
            .map(|row| Blobs::of(row).one())
            .transpose()
    }

    /// Many rows as one blob, and where each begins: two values however many rows. A value may have
    /// 2 MB, so they go in parts.
    fn write_visitors(&self, rows: &[VisitorRow]) -> Result<()> {
        let mut rest = rows;
        while !rest.is_empty() {
            let mut bytes = 0usize;
            let fits = rest.iter().take_while(|(_, sealed)| {
                let before = bytes;
                bytes = bytes.saturating_add(16).saturating_add(sealed.len());
                before < CHUNK_BYTES
            });
            let (part, after) = rest.split_at_checked(fits.count()).unwrap_or((rest, &[]));
            let (blob, places) = joined(part.iter().map(|(row, sealed)| (row, sealed)));
            self.sql.exec(
                "INSERT INTO visitor
                 SELECT substr(?1, value ->> 0, 16), substr(?1, (value ->> 0) + 16, value ->> 1)
                 FROM json_each(?2) WHERE true
                 ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
                vec![blob.into(), places.into()],
            )?;
            rest = after;
        }
        Ok(())
    }

    fn bury(&self, seq: u64, reason: &str, blank: &[u8]) -> Result<()> {
        self.sql.exec(
            "INSERT INTO dead SELECT seq, ?2, body FROM outbox WHERE seq = ?1",
            vec![integer(seq)?, reason.to_owned().into()],
        )?;
        self.sql.exec(
            "UPDATE outbox SET body = ?2 WHERE seq = ?1",
            vec![integer(seq)?, blank.to_vec().into()],
        )?;
        Ok(())
    }

    fn put_back(&self, seq: u64) -> Result<()> {
        self.sql.exec(
            "UPDATE outbox SET body = dead.body FROM dead
             WHERE outbox.seq = ?1 AND dead.seq = ?1",
            vec![integer(seq)?],
        )?;
        self.sql
            .exec("DELETE FROM dead WHERE seq = ?", vec![integer(seq)?])?;
        Ok(())
    }

    fn apply(&self, write: &Write) -> Result<()> {
        match write {
            Write::Visitors(rows) => return self.write_visitors(rows),
            Write::Bury { seq, reason, blank } => return self.bury(*seq, reason, blank),
            Write::PutBack { seq } => return self.put_back(*seq),
            _ => {}
        }
        let (query, bindings): (&str, Vec<SqlStorageValue>) = match write {
            Write::Meta(bytes) => (
                "INSERT INTO meta VALUES (1, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
                vec![bytes.clone().into()],
            ),
            Write::Dict(bytes) => (
                "INSERT INTO dict (bytes) VALUES (?)",
                vec![bytes.clone().into()],
            ),
            Write::Delta { gather, bytes } => (
                "INSERT INTO delta (gather, bytes) VALUES (?, ?)",
                vec![gather.map(|id| id.to_vec()).into(), bytes.clone().into()],
            ),
            Write::ClearDeltas => ("DELETE FROM delta", Vec::new()),
            Write::Log { id, bytes } => (
                "INSERT INTO log VALUES (?, ?)",
                vec![integer(*id)?, bytes.clone().into()],
            ),
            Write::ClearLog { id } => ("DELETE FROM log WHERE id <= ?", vec![integer(*id)?]),
            // Written above.
            Write::Visitors(_) | Write::Bury { .. } | Write::PutBack { .. } => return Ok(()),
            Write::ForgetVisitors(rows) => {
                let (blob, places) = joined(rows.iter().map(|row| (row, &NOTHING)));
                (
                    "DELETE FROM visitor WHERE row IN
                     (SELECT substr(?1, value ->> 0, 16) FROM json_each(?2))",
                    vec![blob.into(), places.into()],
                )
            }
            Write::Outbox { seq, body } => (
                "INSERT INTO outbox VALUES (?, 1, ?)",
                vec![integer(*seq)?, body.clone().into()],
            ),
            Write::Acknowledged { seq } => (
                "UPDATE outbox SET waiting = 0 WHERE waiting = 1 AND seq <= ?",
                vec![integer(*seq)?],
            ),
            Write::Resend { seq } => (
                "UPDATE outbox SET waiting = 1 WHERE seq >= ?",
                vec![integer(*seq)?],
            ),
            Write::ForgetDead { seq } => ("DELETE FROM dead WHERE seq = ?", vec![integer(*seq)?]),
        };
        self.sql.exec(query, bindings)?;
        Ok(())
    }
}

impl Store for DayStore {
    type Error = Error;

    fn meta(&self) -> Result<Option<Vec<u8>>> {
        let rows = self.rows("SELECT bytes FROM meta", Vec::new())?;
        rows.into_iter()
            .next()
            .map(|row| Blobs::of(row).one())
            .transpose()
    }

    fn dicts(&self) -> Result<Vec<Vec<u8>>> {
        let rows = self.rows("SELECT bytes FROM dict ORDER BY id", Vec::new())?;
        rows.into_iter().map(|row| Blobs::of(row).one()).collect()
    }

    fn deltas(&self) -> Result<Vec<(Option<[u8; 16]>, Vec<u8>)>> {
        let rows = self.rows("SELECT bytes, gather FROM delta ORDER BY id", Vec::new())?;
        let read = |row| {
            let mut blobs = Blobs::of(row);
            let bytes = blobs.one()?;
            let gather = blobs.optional().and_then(|id| id.try_into().ok());
            Ok((gather, bytes))
        };
        rows.into_iter().map(read).collect()
    }

    fn log(&self) -> Result<Vec<(u64, Vec<u8>)>> {
        let rows = self.rows("SELECT bytes, id FROM log ORDER BY id", Vec::new())?;
        rows.into_iter().map(numbered).collect()
    }

    fn visitors(&self, rows: &[RowId]) -> Result<Vec<VisitorRow>> {
        let (blob, places) = joined(rows.iter().map(|row| (row, &NOTHING)));
        let rows = self.rows(
            "SELECT row, sealed FROM visitor WHERE row IN
             (SELECT substr(?1, value ->> 0, 16) FROM json_each(?2))",
            vec![blob.into(), places.into()],
        )?;
        rows.into_iter().map(visitor_row).collect()
    }

    fn visitors_after(&self, after: Option<RowId>, most: usize) -> Result<Vec<VisitorRow>> {
        let most = integer(most as u64)?;
        let rows = match after {
            Some(after) => self.rows(
                "SELECT row, sealed FROM visitor WHERE row > ? ORDER BY row LIMIT ?",
                vec![after.to_vec().into(), most],
            ),
            None => self.rows(
                "SELECT row, sealed FROM visitor ORDER BY row LIMIT ?",
                vec![most],
            ),
        };
        rows?.into_iter().map(visitor_row).collect()
    }

    fn waiting(&self) -> Result<u64> {
        let rows = self.rows("SELECT count(*) FROM outbox WHERE waiting = 1", Vec::new())?;
        match rows.first().map(Vec::as_slice) {
            Some([SqlStorageValue::Integer(n)]) => Ok(u64::try_from(*n).unwrap_or(0)),
            _ => Err(Error::from("a count is not a number")),
        }
    }

    fn first_waiting(&self) -> Result<Option<(u64, Vec<u8>)>> {
        let rows = self.rows(
            "SELECT body, seq FROM outbox WHERE waiting = 1 ORDER BY seq LIMIT 1",
            Vec::new(),
        )?;
        rows.into_iter().next().map(numbered).transpose()
    }

    fn outbox_body(&self, seq: u64) -> Result<Option<Vec<u8>>> {
        self.body("SELECT body FROM outbox WHERE seq = ?", seq)
    }

    fn dead(&self) -> Result<Vec<Buried>> {
        let rows = self.rows("SELECT seq, reason FROM dead ORDER BY seq", Vec::new())?;
        let read = |row: Vec<SqlStorageValue>| match row.as_slice() {
            [
                SqlStorageValue::Integer(seq),
                SqlStorageValue::String(reason),
            ] => Ok((u64::try_from(*seq).unwrap_or(0), reason.clone())),
            _ => Err(Error::from("a dead letter has no number or no reason")),
        };
        rows.into_iter().map(read).collect()
    }

    fn dead_body(&self, seq: u64) -> Result<Option<Vec<u8>>> {
        self.body("SELECT body FROM dead WHERE seq = ?", seq)
    }

    fn write(&self, writes: &[Write]) -> Result<()> {
        self.ensure_tables()?;
        platform::atomically(&self.raw, || {
            writes.iter().try_for_each(|write| self.apply(write))
        })
    }
}

static NOTHING: Vec<u8> = Vec::new();

/// Rows one after the other, and as JSON where each begins (from 1) and how long its value is.
fn joined<'a>(rows: impl Iterator<Item = (&'a RowId, &'a Vec<u8>)>) -> (Vec<u8>, String) {
    let mut blob = Vec::new();
    let mut places = String::from("[");
    for (row, value) in rows {
        if places.len() > 1 {
            places.push(',');
        }
        let at = blob.len().saturating_add(1);
        let _ = write!(places, "[{at},{}]", value.len()); // Writing to a String never fails.
        blob.extend_from_slice(row);
        blob.extend_from_slice(value);
    }
    places.push(']');
    (blob, places)
}

/// A blob and its number.
fn numbered(row: Vec<SqlStorageValue>) -> Result<(u64, Vec<u8>)> {
    let number = match row.get(1) {
        Some(SqlStorageValue::Integer(number)) => u64::try_from(*number).unwrap_or(0),
        _ => return Err(Error::from("a stored value has no number")),
    };
    Ok((number, Blobs::of(row).one()?))
}

fn visitor_row(row: Vec<SqlStorageValue>) -> Result<VisitorRow> {
    let mut blobs = Blobs::of(row);
    let id = blobs
        .one()?
        .try_into()
        .map_err(|_| "a row's key is not 16 bytes")?;
    Ok((id, blobs.one()?))
}

/// The blobs of a row, in order.
struct Blobs(std::vec::IntoIter<SqlStorageValue>);

impl Blobs {
    fn of(row: Vec<SqlStorageValue>) -> Self {
        Self(row.into_iter())
    }

    fn one(&mut self) -> Result<Vec<u8>> {
        self.optional()
            .ok_or_else(|| Error::from("a stored value is not a blob"))
    }

    fn optional(&mut self) -> Option<Vec<u8>> {
        match self.0.next() {
            Some(SqlStorageValue::Blob(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

fn integer(n: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(n).map_err(|_| "a number is too large")?)
}
