//! Which files were imported, by their SHA-256.

use std::collections::BTreeSet;

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use shared::settings::Settings;
use shared::visitor::SiteId;

use super::db::{Row, Tx, sql};
use super::{Store, sites};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};

/// What became of a wish to import a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It may begin, or go on.
    Started(ImportRow),
    /// The file is in already.
    Refused {
        /// The name it had.
        name: String,
        /// When that import was begun.
        started_on: Date,
    },
}

/// An import that is registered and not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// How often the same file was imported before this.
    pub times: u32,
    /// The local date when it was begun.
    pub on: Date,
    /// The site's settings of then.
    pub settings: Settings,
    /// It was begun earlier and broken off.
    pub resumed: bool,
}

/// A life that a day object would draw: here it follows from the file, and from how often it was
/// imported before.
pub fn incarnation(sha256: [u8; 32], times: u32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"dayfly import");
    hasher.update(sha256);
    hasher.update(times.to_be_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    hex::encode(digest.split_at(16).0)
}

/// The lives of all imports of a site. Their visitors are others than the edge's, and everybody knows
/// that (`crate::import`).
pub(super) async fn incarnations(tx: &mut Tx, site: SiteId) -> Result<BTreeSet<String>> {
    let statement = sql("SELECT sha256, times FROM import WHERE site_id = $1").bind(site);
    let mut found = BTreeSet::new();
    tx.each(statement, |row| {
        let sha256 = <[u8; 32]>::try_from(row.bytes(0)?).unwrap_or_default();
        let times: u32 = row.number(1)?;
        found.extend((0..=times).map(|times| incarnation(sha256, times)));
        Ok(())
    })
    .await?;
    Ok(found)
}

/// A file that was imported, or begun to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastImport {
    /// The file's name.
    pub name: String,
    /// The local date when it was begun.
    pub started_on: Date,
    /// It is in as a whole; else it was broken off, or is under way.
    pub done: bool,
    /// How often the same file was imported before.
    pub times: u32,
}

impl Store {
    /// The imports of a site, the latest first, at most so many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn imports(&self, site: SiteId, most: u32) -> Result<Vec<PastImport>> {
        let rows = self
            .db
            .all(
                sql(
                    "SELECT name, started_on, done, times FROM import WHERE site_id = $1
                     ORDER BY started_on DESC, name, sha256 LIMIT $2",
                )
                .bind(site)
                .bind(most),
            )
            .await?;
        let read = |row: &Row| {
            Ok(PastImport {
                name: row.text(0)?,
                started_on: date_of(row.int(1)?).unwrap_or_default(),
                done: row.int(2)? != 0,
                times: row.number(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Registers the import of a file, or finds the one that was broken off. What was imported
    /// whole is begun once more only if `again` says so.
    ///
    /// # Errors
    /// The site does not exist, or the database failed.
    pub async fn begin_import(
        &self,
        site: SiteId,
        sha256: [u8; 32],
        name: &str,
        again: bool,
        today: Date,
        settings: &Settings,
    ) -> Result<Begun> {
        let mut tx = self.db.write().await?;
        if sites::hold(&mut tx, site).await?.is_none() {
            return Err(super::settings::gone());
        }
        let known = tx
            .first(
                sql("SELECT name, started_on, done, times, settings FROM import
                     WHERE site_id = $1 AND sha256 = $2")
                .bind(site)
                .bind(sha256.as_slice()),
            )
            .await?;
        let mut times = 0;
        if let Some(row) = known {
            let started_on = date_of(row.int(1)?).unwrap_or(today);
            times = row.number(3)?;
            if row.int(2)? == 0 {
                let settings = serde_json::from_str(&row.text(4)?)
                    .map_err(|error| Error::Invalid(format!("import.settings: {error}")))?;
                return Ok(Begun::Started(ImportRow {
                    times,
                    on: started_on,
                    settings,
                    resumed: true,
                }));
            }
            if !again {
                return Ok(Begun::Refused {
                    name: row.text(0)?,
                    started_on,
                });
            }
            times += 1;
        }
        let text = serde_json::to_string(settings)
            .map_err(|error| Error::Invalid(format!("settings: {error}")))?;
        tx.execute(
            sql(
                "INSERT INTO import (site_id, sha256, name, started_on, done, times, settings)
                 VALUES ($1, $2, $3, $4, 0, $5, $6)
                 ON CONFLICT (site_id, sha256) DO UPDATE SET name = excluded.name,
                     started_on = excluded.started_on, done = 0, times = excluded.times,
                     settings = excluded.settings",
            )
            .bind(site)
            .bind(sha256.as_slice())
            .bind(name)
            .bind(day_number(today))
            .bind(times)
            .bind(text),
        )
        .await?;
        tx.commit().await?;
        Ok(Begun::Started(ImportRow {
            times,
            on: today,
            settings: settings.clone(),
            resumed: false,
        }))
    }

    /// Marks the import of a file as whole.
    ///
    /// # Errors
    /// The database failed.
    pub async fn finish_import(&self, site: SiteId, sha256: &[u8; 32]) -> Result<()> {
        self.db
            .execute(
                sql("UPDATE import SET done = 1, settings = '' WHERE site_id = $1 AND sha256 = $2")
                    .bind(site)
                    .bind(sha256.as_slice()),
            )
            .await?;
        Ok(())
    }
}

#[cfg(test)]
impl Store {
    /// How many batches were applied.
    pub(crate) async fn batches_applied(&self) -> Result<i64> {
        let row = self.db.first(sql("SELECT count(*) FROM batch")).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Makes the database fail instead of taking more than so many batches. SQLite only.
    pub(crate) async fn refuse_batches_after(&self, batches: i64) -> Result<()> {
        self.db
            .execute(sql("DROP TRIGGER IF EXISTS refuse_batches"))
            .await?;
        self.db
            .execute(sql(format!(
                "CREATE TRIGGER refuse_batches BEFORE INSERT ON batch
                 WHEN (SELECT count(*) FROM batch) >= {batches}
                 BEGIN SELECT RAISE(ABORT, 'no more batches'); END"
            )))
            .await?;
        Ok(())
    }
}
