//! `dayfly backup` and `dayfly restore`: all of the database but what it must not outlive, as one
//! file that either engine can be restored from.
//!
//! What is in it: sites, their settings, the numbers of removed ones, keys (their hashes), goals, funnels, markers of delivered
//! batches, counts. What is not: the live view, which is deleted after a day, and so must not be in
//! a file that is kept for longer (I2); salts and the edge key, which are in no database.
//!
//! It is one state of the database, read while the server goes on, and read again when it is
//! written. A database restored from it ends with the counts it would have had: the edge keeps what
//! it delivered for 48 hours and sends again what is lacking.

pub mod format;

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use shared::clock::UnixMs;

use crate::error::{Error, Result};
use crate::store::{Restored, Store};
use format::{Frame, Reader, Writer};

const PREFIX: &str = "dayfly-";
const SUFFIX: &str = ".backup";
/// What is being written; never taken for a backup.
const UNFINISHED: &str = ".unfinished";

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Rows of all tables.
    pub rows: u64,
    /// Length of the file.
    pub bytes: u64,
}

fn problem(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::Backup {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

/// Writes a backup and reads it again. The file appears under its name when it is complete.
///
/// # Errors
/// The database or the file failed; no file is left behind.
pub async fn make(store: &Store, to: &Path, now_ms: UnixMs) -> Result<Made> {
    let mut name = to.as_os_str().to_owned();
    name.push(UNFINISHED);
    let unfinished = PathBuf::from(name);
    let made = match write(store, &unfinished, now_ms).await {
        Ok(rows) => verified(unfinished.clone()).await.map(|read| (rows, read)),
        Err(error) => Err(error),
    };
    let made = made.and_then(|(rows, read)| {
        if read != rows {
            return Err(problem(to, "what was read again is not what was written"));
        }
        fs::rename(&unfinished, to).map_err(|error| problem(to, error))?;
        sync_folder(to);
        let bytes = fs::metadata(to).map_err(|error| problem(to, error))?.len();
        Ok(Made { rows, bytes })
    });
    if made.is_err() {
        let _ = fs::remove_file(&unfinished); // What is reported is why it was not completed.
    }
    made
}

async fn write(store: &Store, to: &Path, now_ms: UnixMs) -> Result<u64> {
    let failed = |error: std::io::Error| problem(to, error);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(to).map_err(failed)?;
    let mut dump = store.dump().await?;
    let last_site = dump.last_site().await?;
    let mut writer = Writer::new(BufWriter::new(file), now_ms, last_site).map_err(failed)?;
    dump.rows(|frame| writer.write(&frame).map_err(failed))
        .await?;
    let (rows, file) = writer.end().map_err(failed)?;
    let file = file
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(rows)
}

/// A rename is on disk when its folder is. Where folders cannot be synced nothing more can be done.
fn sync_folder(file: &Path) {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

fn open(path: &Path) -> Result<(Reader<File>, UnixMs, i64)> {
    let file = File::open(path).map_err(|error| problem(path, error))?;
    Reader::new(file).map_err(|error| problem(path, error))
}

/// Reads a backup to its end; gives the number of rows.
///
/// # Errors
/// It is no backup, is cut short, or was changed.
pub fn verify(path: &Path) -> Result<u64> {
    let (mut reader, ..) = open(path)?;
    let mut rows = 0;
    while let Some(frame) = reader.next_frame().map_err(|error| problem(path, error))? {
        rows += u64::from(matches!(frame, Frame::Row(_)));
    }
    Ok(rows)
}

/// [`verify`], on a thread that answers nobody.
async fn verified(path: PathBuf) -> Result<u64> {
    let shown = path.clone();
    let read = tokio::task::spawn_blocking(move || verify(&path)).await;
    read.map_err(|_| problem(&shown, "reading it did not end"))?
}

/// What [`restore`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// When the backup was made.
    pub made_ms: UnixMs,
    /// What is there now.
    pub restored: Restored,
}

/// Puts a backup in the place of what the database holds: all of it or nothing. Unless `replace` is
/// set the database must have no site.
///
/// # Errors
/// The file is no backup or of no use, the database is not empty, or it failed; nothing is changed.
pub async fn restore(store: &Store, from: &Path, replace: bool) -> Result<Taken> {
    // To the end first: a file that was changed must not get in.
    verified(from.to_owned()).await?;
    let (mut reader, made_ms, last_site) = open(from)?;
    let next = || reader.next_frame().map_err(|error| problem(from, error));
    let restored = store.load(next, last_site, replace).await?;
    Ok(Taken { made_ms, restored })
}

/// The name of a scheduled backup.
fn name_at(now_ms: UnixMs) -> String {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{PREFIX}{}{SUFFIX}", now.strftime("%Y-%m-%dT%H%M%SZ"))
}

/// The scheduled backups in a folder, the oldest first.
fn scheduled(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| problem(folder, error))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(PREFIX) && name.ends_with(SUFFIX)
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}

/// Makes a backup named after the time in a folder, and deletes the oldest of those beyond `keep`.
///
/// # Errors
/// The database, the folder or a file failed; then nothing is deleted.
pub async fn make_scheduled(
    store: &Store,
    folder: &Path,
    keep: usize,
    now_ms: UnixMs,
) -> Result<(PathBuf, Made)> {
    fs::create_dir_all(folder).map_err(|error| problem(folder, error))?;
    let path = folder.join(name_at(now_ms));
    let made = make(store, &path, now_ms).await?;
    let all = scheduled(folder)?;
    for old in all.iter().take(all.len().saturating_sub(keep.max(1))) {
        fs::remove_file(old).map_err(|error| problem(old, error))?;
    }
    Ok((path, made))
}

/// When the newest scheduled backup was made, as its name says.
pub fn newest_ms(folder: &Path) -> Option<UnixMs> {
    let newest = scheduled(folder).ok()?.pop()?;
    let name = newest.file_name()?.to_string_lossy().into_owned();
    let format = format!("{PREFIX}%Y-%m-%dT%H%M%SZ{SUFFIX}");
    let moment = jiff::civil::DateTime::strptime(format, name).ok()?;
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(moment.timestamp().as_millisecond())
}

/// Whether the newest scheduled backup is older than so many hours, or there is none.
pub fn is_due(folder: &Path, every_hours: u32, now_ms: UnixMs) -> bool {
    let before = now_ms.saturating_sub(i64::from(every_hours) * 3_600_000);
    match scheduled(folder).unwrap_or_default().last() {
        Some(newest) => {
            let name = newest.file_name().unwrap_or_default();
            *name.to_string_lossy() <= *name_at(before)
        }
        None => true,
    }
}
