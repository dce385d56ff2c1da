//! The store: SQLite (one writer, many readers) or Postgres, behind one face.
//!
//! SQLite runs in WAL with `synchronous=FULL`: what was answered is on disk; and `secure_delete`:
//! what is deleted is overwritten.

mod accounts;
mod audit;
mod batches;
mod changes;
mod db;
mod dropped;
mod dump;
mod erased;
mod funnels;
mod goals;
mod imports;
mod keeper;
mod keys;
mod links;
mod live;
mod logins;
mod mail;
mod migrate;
mod moving;
mod props;
mod retention;
mod roles;
mod saved_segments;
mod segments;
mod settings;
mod shards;
mod shared_links;
mod shields;
mod sites;
mod size;
mod snapshot;
mod statement;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;

use crate::error::Result;

pub use accounts::{Account, Changed, NewAccount};
pub use audit::{KnownSource, Soundness};
pub use batches::{Applied, LastOf, Rollups};
pub use changes::{FORMER_DAYS, SiteChange};
use db::Db;
pub use db::Engine;
#[cfg(test)]
use db::sql;
pub use dump::{Dump, Restored};
pub use erased::CameBack;
pub use funnels::NamedFunnel;
pub use goals::NamedGoal;
pub use imports::{Begun, ImportRow, PastImport, incarnation};
pub use keeper::{Keeper, Keeping, LEASE_S};
pub use keys::{HOURLY_LIMIT, HOURLY_LIMIT_MAX, KEYS_MAX, Key, KeyHash, NewKey, Scope};
pub use links::{INVITATIONS_MAX, Invitation, Link, Used};
pub use live::{Live, LiveMinute, Minute};
pub use logins::Login;
pub use mail::{ALERT_EVERY_MS, GivenUp, LastMail, MailOf, MailWish, Recipient};
pub use moving::{Held, Moved, State as MoveState, Sums, TableSum};
pub use retention::{KEPT_MONTHS_MAX, markers_are_kept};
pub use roles::Person;
pub use saved_segments::{
    SAVED_SEGMENTS_MAX, SEGMENT_BYTES_MAX, SEGMENT_NAME_CHARS_MAX, SavedSegment,
};
pub use segments::Taken;
pub use shared_links::{NewSharedLink, SHARED_LINKS_MAX, SharedLink};
pub use shields::Shield;
pub use sites::PageFrom;
pub use snapshot::Snapshot;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A Postgres database: `postgres://user:password@host/name`.
    Url(String),
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    /// Opens the database, making it (SQLite) and bringing its schema up to date as needed.
    ///
    /// # Errors
    /// It cannot be used, a newer Dayfly has written it, or it was moved elsewhere (`moving.rs`).
    pub async fn open(place: &Place) -> Result<Self> {
        let store = Self::open_whatever_was_moved(place).await?;
        let usable = store.moved().await.and_then(moving::usable);
        match usable {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Opens the database as it is, to look into it: makes none, and changes nothing of it.
    ///
    /// # Errors
    /// There is none, or it cannot be used; another version of Dayfly has written it.
    pub async fn look(place: &Place) -> Result<Self> {
        let db = match place {
            Place::File(file) => Db::look_at_sqlite(file).await?,
            Place::Url(url) => Db::look_at_postgres(url).await?,
        };
        Ok(Self { db })
    }

    /// Which engine it is on.
    pub fn engine(&self) -> Engine {
        self.db.engine()
    }

    /// Ends all connections; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Takes every connection that reads, for as long as what it gives is kept.
    #[cfg(test)]
    pub(crate) async fn hold_connections(&self) -> Vec<impl Sized + use<>> {
        let mut held = Vec::new();
        for _ in 0..db::CONNECTIONS {
            held.push(self.db.read().await.unwrap());
        }
        held
    }

    /// Gives space that was freed back to the file system and empties SQLite's write-ahead log, so
    /// that what was deleted is in no file any more.
    async fn shrink(&self) -> Result<()> {
        self.db.sqlite_only("PRAGMA incremental_vacuum").await?;
        self.db.sqlite_only("PRAGMA wal_checkpoint(TRUNCATE)").await
    }
}
