//! `dayfly export`, and `GET /api/v1/sites/{domain}/export`: a site's counts as CSV files in a zip.
//!
//! `plausible-csv` is the published set of daily counts, from the rollups: what
//! `dayfly import` and Plausible read. `cubes` is every row of the cubes.
//!
//! What always holds: the same counts make the same bytes. Rows are sorted by what stands in them,
//! and the zip holds no clock. Values are exact: the files are for programs, so nothing is put
//! before a text that a spreadsheet would take for a formula.

mod cubes;
mod download;
mod plausible;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::{Error, Result};
use crate::site::Site;
use crate::store::Store;

pub use download::download;

/// A form that counts are exported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Daily counts by one dimension each, as Plausible exports them.
    PlausibleCsv,
    /// Every row of the cubes, with all its attributes.
    Cubes,
}

/// What is to be exported, and where to.
pub struct Export<'a> {
    /// Where the counts are.
    pub store: &'a Store,
    /// Whose they are.
    pub site: &'a Site,
    /// First and last day.
    pub days: (Date, Date),
    /// How.
    pub form: Form,
    /// The file to make.
    pub to: PathBuf,
}

impl Form {
    /// All, with their names.
    pub const ALL: [(&str, Form); 2] = [
        ("plausible-csv", Form::PlausibleCsv),
        ("cubes", Form::Cubes),
    ];
}

impl Export<'_> {
    /// Writes the file; gives how many rows are in it. Until it is whole it has another name.
    ///
    /// # Errors
    /// The file is there already or cannot be written, or the database failed.
    pub async fn run(self) -> Result<u64> {
        if self.to.exists() {
            return Err(self.problem("is there already"));
        }
        let mut unfinished = self.to.clone().into_os_string();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let written = self.write(&unfinished).await;
        let written = match written {
            Ok(rows) => fs::rename(&unfinished, &self.to).map(|()| rows),
            Err(error) => {
                let _ = fs::remove_file(&unfinished);
                return Err(error);
            }
        };
        written.map_err(|error| self.problem(&error.to_string()))
    }

    async fn write(&self, path: &Path) -> Result<u64> {
        let file = File::create(path).map_err(|error| self.problem(&error.to_string()))?;
        let (file, rows) = self.write_to(file).await?;
        file.sync_all()
            .map_err(|error| self.problem(&error.to_string()))?;
        Ok(rows)
    }

    /// Writes into a file that is there, for whoever has no name for it; gives it back, with how
    /// many rows are in it.
    ///
    /// # Errors
    /// It cannot be written, or the database failed.
    pub async fn write_to(&self, file: File) -> Result<(File, u64)> {
        let mut tables = Tables {
            zip: ZipWriter::new(file),
            from: self.days.0,
            to: self.days.1,
            path: &self.to,
            rows: 0,
        };
        let mut snapshot = self.store.snapshot(self.site.id).await?;
        match self.form {
            Form::PlausibleCsv => plausible::write(&mut snapshot, &mut tables).await?,
            Form::Cubes => cubes::write(&mut snapshot, &mut tables).await?,
        }
        let rows = tables.rows;
        let file = tables
            .zip
            .finish()
            .map_err(|error| self.problem(&error.to_string()))?;
        Ok((file, rows))
    }

    fn problem(&self, problem: &str) -> Error {
        Error::Invalid(format!("{}: {problem}", self.to.display()))
    }
}

/// The zip in the making.
struct Tables<'a> {
    zip: ZipWriter<File>,
    from: Date,
    to: Date,
    path: &'a Path,
    rows: u64,
}

impl Tables<'_> {
    /// Begins a file with its header.
    fn begin(&mut self, prefix: &str, name: &str, header: &[&str]) -> Result<()> {
        let day = |date: Date| date.strftime("%Y%m%d").to_string();
        let file = format!("{prefix}_{name}_{}_{}.csv", day(self.from), day(self.to));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(true);
        let begun = self.zip.start_file(file, options);
        begun.map_err(|error| self.problem(&error.to_string()))?;
        self.put(&[header])
    }

    /// Adds rows.
    fn add<T: AsRef<[u8]>>(&mut self, rows: &[Vec<T>]) -> Result<()> {
        self.rows += rows.len() as u64;
        self.put(rows)
    }

    fn put<T: AsRef<[u8]>>(&mut self, rows: &[impl AsRef<[T]>]) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows {
            let written = writer.write_record(row.as_ref());
            written.map_err(|error| self.problem(&error.to_string()))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| self.problem(&error.to_string()))?;
        let written = self.zip.write_all(&bytes);
        written.map_err(|error| self.problem(&error.to_string()))
    }

    fn problem(&self, problem: &str) -> Error {
        Error::Invalid(format!("{}: {problem}", self.path.display()))
    }

    fn days(&self) -> impl Iterator<Item = Date> + use<> {
        let to = self.to;
        let days = std::iter::successors(Some(self.from), |date| date.tomorrow().ok());
        days.take_while(move |date| *date <= to)
    }
}
