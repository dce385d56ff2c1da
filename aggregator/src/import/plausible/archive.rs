//! The zip: its files are read as streams, within bounds, whatever it says of itself.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ReaderBuilder, StringRecord};
use jiff::civil::{Date, date};
use zip::ZipArchive;

use super::super::Progress;
use super::super::sort::{Gathered, Key, Runs};
use super::row::Columns;
use super::table::Table;
use crate::clock::day_number;

/// Most files of a zip.
const FILES_MAX: usize = 1_000;
/// Most bytes of a zip's files, unpacked.
const BYTES_MAX: u64 = 16 << 30;
/// Longest row, bytes.
const ROW_BYTES_MAX: u64 = 256 * 1024;
/// Nothing on the web is older.
const OLDEST: Date = date(1990, 1, 1);

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Rows of tables.
    pub rows: u64,
    /// Rows of rollups.
    pub records: u64,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Reads the tables of a zip into runs.
///
/// # Errors
/// Which file, line and column is wrong, in words; or that the disk failed.
pub fn read(file: File, latest: Date, runs: &Runs, progress: &Progress) -> Result<Found, String> {
    let not_a_zip =
        |error: zip::result::ZipError| format!("is not a zip that can be read: {error}");
    let mut zip = ZipArchive::new(file).map_err(not_a_zip)?;
    if zip.len() > FILES_MAX {
        return Err(format!("has more than {FILES_MAX} files"));
    }
    let mut found = Found::default();
    let mut gathered = Gathered::default();
    let mut left = BYTES_MAX;
    let mut tables = 0;
    progress.begin("reading", 0, "rows");
    for place in 0..zip.len() {
        let entry = zip.by_index(place).map_err(not_a_zip)?;
        let name: String = entry.name().chars().take(120).collect();
        let Some(table) = Table::of_file(&name) else {
            if !entry.is_dir() {
                let note = format!("{name:?} left out: it is no table that is known");
                found.notes.push(note);
            }
            continue;
        };
        tables += 1;
        let since = Rc::new(Cell::new(0));
        let bounded = Bounded {
            inner: entry,
            since: since.clone(),
            left,
        };
        let mut file = Rows {
            name: &name,
            table,
            place,
            latest,
            since,
        };
        left = file.read(bounded, runs, &mut gathered, &mut found, progress)?;
    }
    runs.write(&mut gathered)
        .map_err(|error| error.to_string())?;
    progress.end();
    match tables {
        0 => Err("has no file named such as imported_visitors_20260101_20260131.csv".into()),
        _ => Ok(found),
    }
}

/// A file of the zip.
struct Rows<'a> {
    name: &'a str,
    table: Table,
    place: usize,
    latest: Date,
    since: Rc<Cell<u64>>,
}

impl Rows<'_> {
    /// Gives how many bytes may still be read.
    fn read(
        &mut self,
        bounded: Bounded<impl Read>,
        runs: &Runs,
        gathered: &mut Gathered,
        found: &mut Found,
        progress: &Progress,
    ) -> Result<u64, String> {
        let name = self.name;
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(bounded);
        let unreadable = |error: csv::Error| format!("{name:?}: {error}");
        let mut row = StringRecord::new();
        if !reader.read_record(&mut row).map_err(unreadable)? {
            return Ok(reader.into_inner().left);
        }
        let columns = Columns::of(self.table, &row)
            .map_err(|column| format!("{name:?}: the column {column} is missing"))?;
        if !columns.ignored.is_empty() {
            let ignored = columns.ignored.join(", ");
            found
                .notes
                .push(format!("{name:?}: columns left out: {ignored}"));
        }
        self.since.set(0);
        while reader.read_record(&mut row).map_err(unreadable)? {
            self.since.set(0);
            let line = row.position().map_or(0, csv::Position::line);
            let told = |(column, problem): (&str, &str)| {
                format!("{name:?}, line {line}: {column}: {problem}")
            };
            let (date, counts) = columns.read(&row).map_err(told)?;
            if !(OLDEST..=self.latest).contains(&date) {
                return Err(told(("date", "is not between 1990 and now")));
            }
            found.rows += 1;
            progress.add(1);
            for count in counts {
                let begin = gathered.len();
                let bytes = std::mem::take(gathered.bytes());
                *gathered.bytes() = postcard::to_extend(&count, bytes)
                    .map_err(|_| told(("", "cannot be written down")))?;
                let key = Key {
                    day: day_number(date),
                    at_ms: self.place as u32,
                    line: found.records,
                };
                gathered.push(key, begin);
                found.records += 1;
            }
            runs.spill(gathered).map_err(|error| error.to_string())?;
        }
        Ok(reader.into_inner().left)
    }
}

/// Ends in an error where too much comes, in all or since the last row.
struct Bounded<R> {
    inner: R,
    since: Rc<Cell<u64>>,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let bytes = read as u64;
        self.since.set(self.since.get().saturating_add(bytes));
        if self.since.get() > ROW_BYTES_MAX {
            return Err(io::Error::other("a row is longer than 262,144 bytes"));
        }
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| io::Error::other("the zip is too large once unpacked"))?;
        Ok(read)
    }
}
