//! What can go wrong on the aggregator's side. A message says what to do; it never holds a
//! secret, an address or a User-Agent.

use std::path::PathBuf;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or failed.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// The database was moved; where to is said where it is known.
    #[error(
        "this database was moved to {0}: name that one with --database (DAYFLY_DATABASE), or take the move back with dayfly migrate --take-back"
    )]
    Moved(String),
    /// This server has no salts to give.
    #[error("{0}")]
    NoSalts(String),
    /// A database cannot be moved.
    #[error("moving to {place}: {problem}")]
    Migrate {
        /// Where to, without a password.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The database's schema could not be brought up to date.
    #[error("database: {0}; it is as it was: use the version of Dayfly that has written it")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A newer program has written the database.
    #[error(
        "database: a newer Dayfly has written it (its schema is {there}, this is dayfly {} and knows \
         {known}): install that again, or restore a backup that was made before the upgrade",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The last step it has.
        there: i64,
        /// The last step that this program knows.
        known: i64,
    },
    /// The data folder cannot be used.
    #[error("data folder {}: {problem}", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There is no usable edge key.
    #[error(
        "{problem}; put at least 32 random characters into {} or DAYFLY_EDGE_KEYS",
        path.display()
    )]
    EdgeKey {
        /// Where it is looked for.
        path: PathBuf,
        /// What is wrong.
        problem: shared::sign::KeyError,
    },
    /// The salts cannot be kept there.
    #[error("salts folder {}: {problem}; name one in RAM with --salts-dir", path.display())]
    Salts {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {problem}")]
    Listen {
        /// The address.
        address: String,
        /// What is wrong.
        problem: std::io::Error,
    },
    /// A file of countries cannot be read, built or used.
    #[error("{}: {problem}", path.display())]
    Geo {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where there are lines.
        problem: String,
    },
    /// A backup cannot be written, read or used.
    #[error("backup {}: {problem}", path.display())]
    Backup {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// What is stored cannot be read.
    #[error("database: {0}")]
    Segment(#[from] crate::segment::SegmentError),
    /// The caller gave something that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// A question that cannot be answered as it is.
    #[error("{0}")]
    Refused(String),
    /// More is asked at once than is worked off.
    #[error("too much is asked at once; try again in a moment")]
    Busy,
    /// The system has no random source.
    #[error("the system gives no random bytes")]
    Random,
}

/// What a database that was moved says to whoever writes to it (`store/moving.rs`).
pub const MOVED: &str = "dayfly: this database was moved";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let was_moved = error
            .as_database_error()
            .is_some_and(|error| error.message().contains(MOVED));
        match was_moved {
            true => Self::Moved("another".into()),
            false => Self::Database(error),
        }
    }
}

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
