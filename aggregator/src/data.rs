//! The data folder: everything the aggregator writes is in it, but the salts (see `salts.rs`).
//!
//! | file | what |
//! |---|---|
//! | `dayfly.sqlite` (+ `-wal`, `-shm`) | the database, unless a URL names one |
//! | `edge.key` | the secret shared with the edge; read here, written by scripts/run |
//! | `serve.lock` | held by the running server |
//! | `migrate.lock` | held by `dayfly migrate` while it moves the database |

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use shared::sign::{EdgeKey, KeyError, parse_keys};

use crate::error::{Error, Result};
use crate::store::Place;

const SERVE_LOCK: &str = "serve.lock";
const MOVE_LOCK: &str = "migrate.lock";

/// See the module.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
    database: Place,
}

impl DataFolder {
    /// The folder as it is, to be looked at; it need not be there.
    pub fn at(path: &Path, url: Option<&str>) -> Self {
        let database = match url {
            Some(url) => Place::Url(url.to_owned()),
            None => Place::File(path.join("dayfly.sqlite")),
        };
        Self {
            path: path.to_owned(),
            database,
        }
    }

    /// Opens the folder, making it when it is missing. The database is the one in it, or the one
    /// of a URL.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: &Path, url: Option<&str>) -> Result<Self> {
        let folder = Self::at(path, url);
        fs::create_dir_all(path).map_err(|error| folder.problem(error.to_string()))?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    pub fn database(&self) -> &Place {
        &self.database
    }

    /// Takes the folder for a server; released when the file is dropped or the process ends.
    ///
    /// # Errors
    /// Another server has it.
    pub fn lock(&self) -> Result<File> {
        let file = File::create(self.path.join(SERVE_LOCK))
            .map_err(|error| self.problem(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(self.problem("already in use by another dayfly serve".into()))
            }
            Err(TryLockError::Error(error)) => Err(self.problem(error.to_string())),
        }
    }

    /// Takes the folder's database for a move; released when the file is dropped or the process ends.
    ///
    /// # Errors
    /// Another move has it.
    pub fn lock_for_move(&self) -> Result<File> {
        let file = File::create(self.path.join(MOVE_LOCK))
            .map_err(|error| self.problem(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                self.not_while_it_moves()?;
                Err(self.problem("another dayfly migrate has just ended; run it again".into()))
            }
            Err(TryLockError::Error(error)) => Err(self.problem(error.to_string())),
        }
    }

    /// Refuses to work on a database that is being moved: it would wait for the move, and fail.
    ///
    /// # Errors
    /// It is.
    pub fn not_while_it_moves(&self) -> Result<()> {
        match Self::is_moving(&self.path) {
            true => Err(self.problem(
                "its database is being moved by dayfly migrate: wait until that has ended".into(),
            )),
            false => Ok(()),
        }
    }

    /// Whether the database of a folder is being moved.
    pub fn is_moving(path: &Path) -> bool {
        let Ok(file) = File::open(path.join(MOVE_LOCK)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Whether a server runs on the folder.
    pub fn is_served(&self) -> bool {
        let Ok(file) = File::open(self.path.join(SERVE_LOCK)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// The edge keys: those given (from the environment), or those in `edge.key`.
    ///
    /// # Errors
    /// There are none, or a short one: a server without a secret does not start (I11).
    pub fn edge_keys(&self, given: Option<&str>) -> Result<Vec<EdgeKey>> {
        let path = self.path.join("edge.key");
        let text = match given {
            Some(given) => given.to_owned(),
            None => match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                Err(error) => return Err(self.problem(format!("edge.key: {error}"))),
            },
        };
        parse_keys(&text).map_err(|problem: KeyError| Error::EdgeKey { path, problem })
    }

    fn problem(&self, problem: String) -> Error {
        Error::Data {
            path: self.path.clone(),
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_serves_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(&folder.path().join("a/b"), None).unwrap();
        let held = data.lock().unwrap();
        let error = data.lock().unwrap_err().to_string();
        assert!(error.ends_with("already in use by another dayfly serve"));
        drop(held);
        data.lock().unwrap();
    }

    #[test]
    fn i11_without_an_edge_key_nothing_starts() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path(), None).unwrap();
        assert!(data.edge_keys(None).is_err());
        assert!(data.edge_keys(Some("short")).is_err());
        fs::write(folder.path().join("edge.key"), "k".repeat(32)).unwrap();
        assert_eq!(data.edge_keys(None).unwrap().len(), 1);
    }
}
