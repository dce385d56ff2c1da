//! Sites in the store.

use shared::visitor::SiteId;
use sqlx::SqliteConnection;

use super::Store;
use crate::clock::day_number;
use crate::error::{Error, Result};
use crate::site::{self, Site};

type Row = (i64, String, String);

fn read((id, domain, timezone): Row) -> Result<Site> {
    Ok(Site {
        id: SiteId::try_from(id).map_err(|_| Error::Invalid("a site's number".into()))?,
        domain,
        timezone: site::timezone(&timezone)?,
    })
}

/// The site of a number, in the caller's transaction.
pub(super) async fn by_id(tx: &mut SqliteConnection, id: SiteId) -> Result<Option<Site>> {
    let row: Option<Row> = sqlx::query_as("SELECT id, domain, timezone FROM site WHERE id = ?")
        .bind(id)
        .fetch_optional(tx)
        .await?;
    row.map(read).transpose()
}

impl Store {
    /// All sites, by domain.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sites(&self) -> Result<Vec<Site>> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT id, domain, timezone FROM site ORDER BY domain")
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter().map(read).collect()
    }

    /// The numbers of all sites.
    ///
    /// # Errors
    /// The database failed.
    pub async fn site_ids(&self) -> Result<Vec<SiteId>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM site")
            .fetch_all(&self.readers)
            .await?;
        let number =
            |id| SiteId::try_from(id).map_err(|_| Error::Invalid("a site's number".into()));
        ids.into_iter().map(number).collect()
    }

    /// The site of a domain.
    ///
    /// # Errors
    /// The database failed.
    pub async fn site(&self, domain: &str) -> Result<Option<Site>> {
        let row: Option<Row> =
            sqlx::query_as("SELECT id, domain, timezone FROM site WHERE domain = ?")
                .bind(domain)
                .fetch_optional(&self.readers)
                .await?;
        row.map(read).transpose()
    }

    /// Adds a site; false when its domain is taken.
    ///
    /// # Errors
    /// The database failed.
    pub async fn add_site(
        &self,
        domain: &str,
        timezone: &str,
        on: jiff::civil::Date,
    ) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO site (domain, timezone, created_on) VALUES (?, ?, ?)
             ON CONFLICT (domain) DO NOTHING",
        )
        .bind(domain)
        .bind(timezone)
        .bind(day_number(on))
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a site with everything counted for it; false when there is none. Deleted rows are
    /// overwritten, and the write-ahead log is emptied.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove_site(&self, domain: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM site WHERE domain = ?")
            .bind(domain)
            .execute(&self.writer)
            .await?;
        self.empty_log().await?;
        Ok(done.rows_affected() == 1)
    }
}
