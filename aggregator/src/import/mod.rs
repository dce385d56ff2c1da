//! `dayfly import`: counts what happened before Dayfly, from a file.
//!
//! | file | what becomes of it |
//! |---|---|
//! | `jsonl` | one event a line, through the counting core as at the edge |
//! | `access-log` | a web server's combined log: its page views, the same way |
//! | `plausible-csv` | a zip of daily counts, taken as rollups as they are |
//!
//! Events come in any order and in any number: they are judged as they are read (`judge`), sorted
//! by moment outside of memory (`sort`), and counted day by day (`count`). In memory is what one
//! day's visitors need, never the file.
//!
//! What always holds:
//! - An address, a User-Agent or a visitor's name is hashed before anything is written (I1), under
//!   a random salt that only this process has. What is sorted lies in files that have no name:
//!   they are gone with the process, however it ends.
//! - A file is counted exactly once. It is known by its SHA-256; every local day of it is a source
//!   of its own with numbered batches, and the same file makes the same batches. So an import that
//!   was broken off is simply run again: what is in already is answered "before".
//! - Nothing that is random has a say in what is counted, or in the order of it.
//!
//! The import's visitors and the edge's are different people, also on a day that both count.

mod access_log;
mod chunks;
mod count;
mod days;
mod events;
mod format;
mod input;
mod jsonl;
mod judge;
mod merge;
mod plausible;
mod progress;
mod read;
mod sort;
mod summary;
#[cfg(test)]
mod tests;
mod told;

use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::Date;
use shared::batch::Source;
use shared::clock::{Clock, UnixMs};

use crate::clock::SystemClock;
use crate::error::{Error, Result};
use crate::site::Site;
use crate::store::{Begun, Store, incarnation};
pub use format::Format;
use input::Input;
pub use plausible::table;
pub use progress::Progress;
pub use summary::Summary;

/// What is to be imported, and how.
pub struct Import<'a> {
    /// Where the counts go.
    pub store: &'a Store,
    /// Whose they are.
    pub site: &'a Site,
    /// A folder on a disk with room for the events.
    pub folder: &'a Path,
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// Its format; guessed when not given.
    pub format: Option<Format>,
    /// Count a file again that is in already.
    pub again: bool,
}

impl Import<'_> {
    /// Imports the file.
    ///
    /// # Errors
    /// The file cannot be read, is none of the formats or was imported before, or the database
    /// failed. What was counted stays; the same command goes on where it ended.
    pub async fn run(self, progress: &Progress) -> Result<Summary> {
        let input = Input::open(&self.file, progress)?;
        let format = match self.format {
            Some(format) => format,
            None => Format::guess(input.head())
                .ok_or_else(|| Error::Invalid(format!("{}: is empty", self.file.display())))?,
        };
        let summary = match format {
            Format::PlausibleCsv => plausible::import(&self, input, progress).await?,
            Format::Jsonl | Format::AccessLog => {
                events::import(&self, input, format, progress).await?
            }
        };
        Ok(summary)
    }

    /// Registers the import, or finds it registered.
    async fn begin(&self, sha256: [u8; 32], name: &str) -> Result<Started> {
        let settings = self.store.settings_of(self.site.id).await?;
        let today = self.site.today(now_ms());
        let begun = self
            .store
            .begin_import(self.site.id, sha256, name, self.again, today, &settings)
            .await?;
        match begun {
            Begun::Refused { name, started_on } => Err(Error::Invalid(format!(
                "this file was imported on {started_on} already, as {name:?}; with --again it is counted once more"
            ))),
            Begun::Started(started) => Ok(Started {
                sha256,
                incarnation: incarnation(sha256, started.times),
                latest: started.on.tomorrow().unwrap_or(started.on),
                settings: started.settings,
                resumed: started.resumed,
            }),
        }
    }
}

/// An import that is registered.
struct Started {
    /// What it is known by.
    sha256: [u8; 32],
    /// Of its sources.
    incarnation: String,
    /// The last local date that is believed.
    latest: Date,
    /// As they were when it began, so that going on counts the same.
    settings: shared::settings::Settings,
    /// It was broken off before.
    resumed: bool,
}

/// Where the counts of a day come from.
fn source(site: &Site, date: Date, incarnation: &str) -> Source {
    Source {
        site: site.id,
        date,
        shard: 0,
        incarnation: incarnation.to_owned(),
    }
}

/// What a batch answered that cannot be gone on with.
fn refused(applied: crate::store::Applied, date: Date) -> Error {
    use crate::store::Applied;
    Error::Invalid(match applied {
        Applied::Gone | Applied::UnknownSite => "the site was removed meanwhile".into(),
        Applied::Conflict => format!(
            "{date}: the part of this import that is in was counted otherwise, by another version of Dayfly or, from standard input, with other settings; go on with those"
        ),
        Applied::Gap { last } => {
            format!("{date}: the part of this import that is in ends with batch {last} now")
        }
        Applied::Now | Applied::Before => format!("{date}: not counted"),
    })
}

/// Whether a site that keeps so many months forgets a day soon.
pub fn is_forgotten(site: &Site, day: Date, months: u32) -> bool {
    let oldest = site.today(now_ms()).checked_sub(i64::from(months).months());
    oldest.is_ok_and(|oldest| day < oldest)
}

fn now_ms() -> UnixMs {
    SystemClock.now_ms()
}
