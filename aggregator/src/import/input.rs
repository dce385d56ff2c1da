//! The file that is imported: its first bytes, its SHA-256, its content unpacked.
//!
//! A file is read up to the length it had when it was hashed: what a web server adds to its log
//! meanwhile is left for another time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::Progress;
use super::format::GZIP;
use crate::error::{Error, Result};

/// Bytes looked at to guess a format.
const HEAD_BYTES: usize = 512;
const BUFFER_BYTES: usize = 256 * 1024;

/// See the module.
pub struct Input {
    path: PathBuf,
    head: Vec<u8>,
    from: From,
}

enum From {
    File {
        file: File,
        bytes: u64,
        sha256: [u8; 32],
    },
    Stdin(BufReader<io::Stdin>),
}

/// What is read of a stream that cannot be read twice.
type Hash = Arc<Mutex<Sha256>>;

/// The content, and after it was read its SHA-256.
pub struct Content {
    /// Unpacked.
    pub reader: Box<dyn Read + Send>,
    hash: Option<Hash>,
}

impl Content {
    /// The SHA-256 of what was read, where it was not known before.
    pub fn sha256(self) -> Option<[u8; 32]> {
        let hash = self.hash?.lock().ok()?.clone();
        Some(hash.finalize().into())
    }
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path, progress: &Progress) -> Result<Self> {
        if path == Path::new("-") {
            let mut stdin = BufReader::with_capacity(BUFFER_BYTES, io::stdin());
            let head = stdin.fill_buf().map_err(|error| problem(path, &error))?;
            return Ok(Self {
                path: path.to_owned(),
                head: unpacked_head(head),
                from: From::Stdin(stdin),
            });
        }
        Self::open_file(path, progress).map_err(|error| problem(path, &error))
    }

    fn open_file(path: &Path, progress: &Progress) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("is not a file"));
        }
        progress.begin("checking", file.metadata()?.len(), "B");
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let (mut head, mut bytes) = (Vec::new(), 0);
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let block = &buffer[..read];
            if head.len() < HEAD_BYTES {
                head.extend_from_slice(block);
            }
            hasher.update(block);
            bytes += read as u64;
            progress.add(read as u64);
        }
        progress.end();
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            path: path.to_owned(),
            head: unpacked_head(&head),
            from: From::File {
                file,
                bytes,
                sha256: hasher.finalize().into(),
            },
        })
    }

    /// How it begins.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Its name, without the folders it is in.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.chars().take(200).collect()
    }

    /// Its SHA-256, if that is known before it is read.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        match self.from {
            From::File { sha256, .. } => Some(sha256),
            From::Stdin(_) => None,
        }
    }

    /// How many bytes it has, packed as it is.
    pub fn bytes(&self) -> Option<u64> {
        match self.from {
            From::File { bytes, .. } => Some(bytes),
            From::Stdin(_) => None,
        }
    }

    /// The file itself, for who must seek in it.
    ///
    /// # Errors
    /// It is standard input.
    pub fn into_file(self) -> Result<File> {
        match self.from {
            From::File { file, .. } => Ok(file),
            From::Stdin(_) => Err(Error::Invalid(
                "a zip cannot be read from standard input: give its name".into(),
            )),
        }
    }

    /// Its content, unpacked where it is gzip.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn content(self, progress: &Progress) -> Result<Content> {
        let (raw, hash): (Box<dyn Read + Send>, _) = match self.from {
            From::File { file, bytes, .. } => (Box::new(file.take(bytes)), None),
            From::Stdin(stdin) => {
                let hash = Hash::default();
                let seen = hash.clone();
                (
                    Box::new(Seen {
                        inner: stdin,
                        hash: seen,
                    }),
                    Some(hash),
                )
            }
        };
        let counted = Counted {
            inner: raw,
            progress: progress.clone(),
        };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted);
        let head = raw
            .fill_buf()
            .map_err(|error| problem(&self.path, &error))?;
        let reader: Box<dyn Read + Send> = match head.starts_with(GZIP) {
            true => Box::new(MultiGzDecoder::new(raw)),
            false => Box::new(raw),
        };
        Ok(Content { reader, hash })
    }
}

fn unpacked_head(head: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    match head.starts_with(GZIP) {
        // Cut short as it is, it may end in an error after the bytes that are wanted.
        true => {
            let mut reader = MultiGzDecoder::new(head).take(HEAD_BYTES as u64);
            let _ = reader.read_to_end(&mut unpacked);
        }
        false => unpacked.extend(head.iter().take(HEAD_BYTES)),
    }
    unpacked
}

fn problem(path: &Path, error: &io::Error) -> Error {
    Error::Invalid(format!("{}: {error}", path.display()))
}

/// Tells how far it is.
struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}

/// Hashes what is read.
struct Seen<R> {
    inner: R,
    hash: Hash,
}

impl<R: Read> Read for Seen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Ok(mut hash) = self.hash.lock() {
            hash.update(&buffer[..read]);
        }
        Ok(read)
    }
}
