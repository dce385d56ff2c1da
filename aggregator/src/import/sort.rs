//! Sorting more than fits into memory: records are gathered up to a bound, sorted, and written as
//! a *run*; runs are read side by side ([`super::merge`]).
//!
//! Run files have no name (`O_TMPFILE`, or unlinked at once): nobody else can open them, and they
//! are gone with the process, also when it is killed.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use super::merge::{Merge, Run};

/// Bytes gathered before a run is written, by each thread.
const GATHERED_BYTES: usize = 48 * 1024 * 1024;
/// Runs that are read side by side; more become one first.
const RUNS_MAX: usize = 100;

/// Where a record belongs: what it is sorted by. No two records have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The local date, as a number.
    pub day: i64,
    /// Milliseconds since the day's start.
    pub at_ms: u32,
    /// The line that told it.
    pub line: u64,
}

/// Bytes of a key and a length before each record of a run.
pub const HEAD_BYTES: usize = 8 + 4 + 8 + 4;

/// Runs that are written, of all threads.
pub struct Runs {
    folder: PathBuf,
    runs: Mutex<Vec<Run>>,
    gathered_bytes: usize,
}

/// Records of one thread that are in no run yet.
#[derive(Default)]
pub struct Gathered {
    /// Keys, and where the record begins and ends.
    index: Vec<(Key, usize, usize)>,
    bytes: Vec<u8>,
}

impl Gathered {
    /// Where the next record is to be written.
    pub const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// How many bytes there are: where the next record begins.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes what was written to [`Gathered::bytes`] from `begin` on as a record.
    pub fn push(&mut self, key: Key, begin: usize) {
        self.index.push((key, begin, self.bytes.len()));
    }

    /// Takes back what was written since `begin`.
    pub fn forget(&mut self, begin: usize) {
        self.bytes.truncate(begin);
    }

    fn sorted(&mut self) -> impl Iterator<Item = (Key, &[u8])> {
        self.index.sort_unstable_by_key(|(key, ..)| *key);
        let record = |(key, begin, end): &(Key, usize, usize)| {
            let bytes = self.bytes.get(*begin..*end);
            (*key, bytes.unwrap_or_default())
        };
        self.index.iter().map(record)
    }
}

impl Runs {
    /// Runs in files of this folder.
    pub const fn new(folder: PathBuf) -> Self {
        Self::bounded(folder, GATHERED_BYTES)
    }

    /// The same with another bound of memory.
    pub const fn bounded(folder: PathBuf, gathered_bytes: usize) -> Self {
        Self {
            folder,
            runs: Mutex::new(Vec::new()),
            gathered_bytes,
        }
    }

    /// Writes a run where enough is gathered.
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn spill(&self, gathered: &mut Gathered) -> io::Result<()> {
        let index_bytes = gathered.index.len() * size_of::<(Key, usize, usize)>();
        if gathered.bytes.len() + index_bytes < self.gathered_bytes {
            return Ok(());
        }
        self.write(gathered)
    }

    /// Writes a run of all that is gathered.
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn write(&self, gathered: &mut Gathered) -> io::Result<()> {
        if gathered.index.is_empty() {
            return Ok(());
        }
        let mut out = Writer::new(&self.folder)?;
        for (key, record) in gathered.sorted() {
            out.push(key, record)?;
        }
        gathered.index.clear();
        gathered.bytes.clear();
        let run = out.into_run()?;
        let many = {
            let mut runs = self.lock();
            runs.push(run);
            (runs.len() >= RUNS_MAX).then(|| std::mem::take(&mut *runs))
        };
        if let Some(many) = many {
            let mut merge = Merge::new(many)?;
            let mut out = Writer::new(&self.folder)?;
            while let Some(key) = merge.key() {
                out.push(key, merge.record())?;
                merge.advance()?;
            }
            let run = out.into_run()?;
            self.lock().push(run);
        }
        Ok(())
    }

    /// All records in their order.
    ///
    /// # Errors
    /// The disk failed.
    pub fn merged(self) -> io::Result<Merge> {
        let runs = self.runs.into_inner();
        Merge::new(runs.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Run>> {
        // A thread that panicked has pushed a whole run or none.
        let runs = self.runs.lock();
        runs.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A run in the making.
struct Writer(BufWriter<File>);

impl Writer {
    fn new(folder: &std::path::Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        Ok(Self(BufWriter::with_capacity(256 * 1024, file)))
    }

    fn push(&mut self, key: Key, record: &[u8]) -> io::Result<()> {
        let length = u32::try_from(record.len()).map_err(io::Error::other)?;
        self.0.write_all(&key.day.to_le_bytes())?;
        self.0.write_all(&key.at_ms.to_le_bytes())?;
        self.0.write_all(&key.line.to_le_bytes())?;
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(record)
    }

    fn into_run(self) -> io::Result<Run> {
        let mut file = self
            .0
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(Run::new(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whatever_is_gathered_comes_out_in_order(
            records in prop::collection::vec((0i64..4, any::<u32>(), 0usize..40), 0..800),
            bound in 1usize..4_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let runs = Runs::bounded(folder.path().to_owned(), bound);
            let mut threads = [Gathered::default(), Gathered::default()];
            let mut wanted = Vec::new();
            for (line, (day, at_ms, length)) in records.into_iter().enumerate() {
                let key = Key { day, at_ms, line: line as u64 };
                let gathered = &mut threads[line % 2];
                let begin = gathered.len();
                gathered.bytes().extend(vec![line as u8; length]);
                gathered.push(key, begin);
                let begin = gathered.len();
                gathered.bytes().push(0);
                gathered.forget(begin);
                runs.spill(gathered).unwrap();
                wanted.push((key, vec![line as u8; length]));
            }
            for gathered in &mut threads {
                runs.write(gathered).unwrap();
            }
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files have no name");
            wanted.sort();
            let mut merge = runs.merged().unwrap();
            let mut found = Vec::new();
            while let Some(key) = merge.key() {
                found.push((key, merge.record().to_vec()));
                merge.advance().unwrap();
            }
            prop_assert_eq!(found, wanted);
        }
    }
}
