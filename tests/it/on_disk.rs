//! What is on disk: copies of folders, the SQLite files of both sides, what a process has open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aggregator::segment::PartId;
use shared::cube::{Counter, Cube};
use shared::object::{RowId, VisitorRow, rows_in_log};
use shared::seal::Sealer;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::stored::look;
use crate::system::System;

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

/// The bytes of every file below a folder.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| Some((path.clone(), std::fs::read(path).ok()?));
    files(folder).into_iter().filter_map(read).collect()
}

/// A copy of a folder, as a backup makes one while everything runs.
pub fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(folder) {
        let to = copy.path().join(path.strip_prefix(folder).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
    copy
}

/// Opens a copy of a SQLite file, so that whoever has it open notices nothing.
pub async fn open(file: &Path) -> Option<(TempDir, SqliteConnection)> {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.sqlite");
    // The log first: with it the file may be older than that, never younger.
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    if log(file).exists() {
        std::fs::copy(log(file), log(&to)).ok()?;
    }
    std::fs::copy(file, &to).ok()?;
    let options = SqliteConnectOptions::new().filename(&to);
    Some((folder, options.connect().await.ok()?))
}

/// What is left of a day object.
#[derive(Debug, Clone, PartialEq)]
pub struct DayFile {
    pub path: PathBuf,
    /// Nothing at all is in it.
    pub is_empty: bool,
    pub visitors: Vec<VisitorRow>,
    /// What became of visitors since, sealed.
    pub log: Vec<Vec<u8>>,
    /// How many bytes each batch has that waits to be acknowledged.
    pub waiting: Vec<u64>,
}

impl DayFile {
    /// Nothing about any visitor is stored.
    pub fn knows_nobody(&self) -> bool {
        self.visitors.is_empty() && self.log.is_empty()
    }

    /// The rows of everybody that these keys open, in order.
    pub fn rows(&self, sealer: &Sealer) -> Vec<RowId> {
        let of_table = self.visitors.iter();
        let of_table = of_table.filter(|(row, sealed)| sealer.open(row, sealed).is_some());
        let of_log = self
            .log
            .iter()
            .filter_map(|sealed| rows_in_log(sealer, sealed));
        let mut rows: Vec<RowId> = of_table.map(|(row, _)| *row).collect();
        rows.extend(of_log.flatten());
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Whether these keys open anything.
    pub fn opens(&self, sealer: &Sealer) -> bool {
        !self.rows(sealer).is_empty()
    }
}

/// Every day object there ever was, in a folder of the edge's state.
pub async fn day_files(state: &Path) -> Vec<DayFile> {
    let mut found = Vec::new();
    for path in files(&state.join("dayfly-day")) {
        let is_object = path.extension().is_some_and(|end| end == "sqlite")
            && path.file_stem().is_some_and(|name| name != "metadata");
        if !is_object {
            continue;
        }
        let Some((_folder, mut database)) = open(&path).await else {
            continue;
        };
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut database)
            .await
            .unwrap();
        let rows: Vec<(Vec<u8>, Vec<u8>)> = match tables {
            0 => Vec::new(),
            _ => sqlx::query_as("SELECT row, sealed FROM visitor ORDER BY row")
                .fetch_all(&mut database)
                .await
                .unwrap_or_default(),
        };
        let log: Vec<Vec<u8>> = match tables {
            0 => Vec::new(),
            _ => sqlx::query_scalar("SELECT bytes FROM log ORDER BY id")
                .fetch_all(&mut database)
                .await
                .unwrap_or_default(),
        };
        let waiting: Vec<i64> = match tables {
            0 => Vec::new(),
            _ => {
                sqlx::query_scalar("SELECT length(body) FROM outbox WHERE waiting = 1 ORDER BY seq")
                    .fetch_all(&mut database)
                    .await
                    .unwrap_or_default()
            }
        };
        let row = |(row, sealed): (Vec<u8>, _)| (row.try_into().unwrap(), sealed);
        found.push(DayFile {
            path,
            is_empty: tables == 0,
            visitors: rows.into_iter().map(row).collect(),
            log,
            waiting: waiting.into_iter().map(i64::cast_unsigned).collect(),
        });
    }
    found
}

/// What the aggregator knows of a local day: visits, those that have ended, visitors, and how many
/// day objects are still open.
pub async fn counted(system: &System, date: jiff::civil::Date) -> [i64; 4] {
    look(system, async |store| {
        let site = &store.sites().await.unwrap()[0];
        let mut snapshot = store.snapshot(site.id).await.unwrap();
        let counted = snapshot.whole(date, date).await.unwrap();
        let sum = |counter| {
            counted
                .sum(PartId::Cube(Cube::Visits), counter)
                .cast_signed()
        };
        let open = store.open_sources(site.id, date).await.unwrap();
        [
            sum(Counter::Visits),
            sum(Counter::EndedVisits),
            sum(Counter::DayVisitors),
            open.cast_signed(),
        ]
    })
    .await
}

/// Every file that a process has open or mapped to share, also one without a name any more;
/// but for its program.
pub fn open_files(process: u32) -> Vec<(PathBuf, Vec<u8>)> {
    let process = Path::new("/proc").join(process.to_string());
    let open = std::fs::read_dir(process.join("fd")).unwrap().flatten();
    let open = open.map(|entry| entry.path());
    let maps = std::fs::read_to_string(process.join("maps")).unwrap();
    let mapped = maps.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_shared = words.nth(1)?.ends_with('s');
        words.nth(3).filter(|_| is_shared).map(PathBuf::from)
    });
    let program = std::fs::canonicalize(process.join("exe")).unwrap();
    let is_program = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == program);
    open.chain(mapped)
        .filter(|path| !is_program(path))
        .filter(|path| path.metadata().is_ok_and(|file| file.is_file()))
        .filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?)))
        .collect()
}

/// Which of the needles, of at least eight bytes each, are in the files, and where.
pub fn find(files: &[(PathBuf, Vec<u8>)], needles: &[Vec<u8>]) -> Vec<String> {
    let mut by_start: HashMap<[u8; 8], Vec<&[u8]>> = HashMap::new();
    for needle in needles {
        let start = *needle.first_chunk().unwrap();
        by_start.entry(start).or_default().push(needle);
    }
    let mut found = Vec::new();
    for (path, bytes) in files {
        for (at, window) in bytes.windows(8).enumerate() {
            for needle in by_start.get(window).into_iter().flatten() {
                if bytes[at..].starts_with(needle) {
                    let text = String::from_utf8_lossy(needle);
                    found.push(format!("{} at {at}: {text:?}", path.display()));
                }
            }
        }
    }
    found
}
