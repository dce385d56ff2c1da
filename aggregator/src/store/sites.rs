//! Sites in the store.

use shared::visitor::SiteId;

use super::db::{Engine, Row, Tx, sql};
use super::{Store, changes, erased};
use crate::clock::day_number;
use crate::error::Result;
use crate::site::{self, Site};

/// Where a page of a list lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageFrom<T> {
    /// At the list's start.
    Start,
    /// After an item.
    After(T),
    /// Before an item.
    Before(T),
}

pub(super) fn read(row: &Row) -> Result<Site> {
    Ok(Site {
        id: row.number(0)?,
        domain: row.text(1)?,
        timezone: site::timezone(&row.text(2)?)?,
    })
}

/// The site of a number, held until the caller's transaction ends: whoever else changes its counts
/// waits, on whatever server.
pub(super) async fn hold(tx: &mut Tx, id: SiteId) -> Result<Option<Site>> {
    let text = match tx.engine() {
        // The transaction holds the whole database.
        Engine::Sqlite => "SELECT id, domain, timezone FROM site WHERE id = $1",
        Engine::Postgres => "SELECT id, domain, timezone FROM site WHERE id = $1 FOR NO KEY UPDATE",
    };
    let row = tx.first(sql(text).bind(id)).await?;
    row.as_ref().map(read).transpose()
}

impl Store {
    /// All sites, by domain.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sites(&self) -> Result<Vec<Site>> {
        let rows = self
            .db
            .all(sql("SELECT id, domain, timezone FROM site ORDER BY domain"))
            .await?;
        rows.iter().map(read).collect()
    }

    /// At most `most` sites by domain: those after a domain, those before it (the nearest), or the
    /// first. With a number, that site only.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sites_page(
        &self,
        only: Option<SiteId>,
        from: &PageFrom<String>,
        most: u32,
    ) -> Result<Vec<Site>> {
        let (condition, domain, order) = match from {
            PageFrom::Start => ("domain >= $2", "", "ASC"),
            PageFrom::After(domain) => ("domain > $2", domain.as_str(), "ASC"),
            PageFrom::Before(domain) => ("domain < $2", domain.as_str(), "DESC"),
        };
        let text = format!(
            "SELECT id, domain, timezone FROM site
             WHERE (CAST($1 AS BIGINT) IS NULL OR id = CAST($1 AS BIGINT)) AND {condition}
             ORDER BY domain {order} LIMIT $3"
        );
        let statement = sql(text).bind(only).bind(domain).bind(most);
        let rows = self.db.all(statement).await?;
        let mut sites: Vec<Site> = rows.iter().map(read).collect::<Result<_>>()?;
        if matches!(from, PageFrom::Before(_)) {
            sites.reverse();
        }
        Ok(sites)
    }

    /// The numbers of all sites.
    ///
    /// # Errors
    /// The database failed.
    pub async fn site_ids(&self) -> Result<Vec<SiteId>> {
        let rows = self.db.all(sql("SELECT id FROM site")).await?;
        rows.iter().map(|row| row.number(0)).collect()
    }

    /// The site of a domain.
    ///
    /// # Errors
    /// The database failed.
    pub async fn site(&self, domain: &str) -> Result<Option<Site>> {
        let row = self
            .db
            .first(sql("SELECT id, domain, timezone FROM site WHERE domain = $1").bind(domain))
            .await?;
        row.as_ref().map(read).transpose()
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
        let mut tx = self.db.write().await?;
        let added = tx
            .execute(
                sql(
                    "INSERT INTO site (domain, timezone, created_on) VALUES ($1, $2, $3)
                     ON CONFLICT (domain) DO NOTHING",
                )
                .bind(domain)
                .bind(timezone)
                .bind(day_number(on)),
            )
            .await?;
        changes::take_former(&mut tx, domain).await?;
        tx.commit().await?;
        Ok(added == 1)
    }

    /// Removes a site with everything counted for it, and notes its number (`erased.rs`); false
    /// when there is none. Deleted rows are overwritten, and the write-ahead log is emptied.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove_site(&self, domain: &str, on: jiff::civil::Date) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let removed = tx
            .first(sql("DELETE FROM site WHERE domain = $1 RETURNING id").bind(domain))
            .await?;
        if let Some(site) = &removed {
            erased::note(&mut tx, site.int(0)?, day_number(on)).await?;
        }
        tx.commit().await?;
        self.shrink().await?;
        Ok(removed.is_some())
    }

    /// As [`Store::remove_site`], by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn erase_site(&self, id: SiteId, on: jiff::civil::Date) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let removed = tx
            .execute(sql("DELETE FROM site WHERE id = $1").bind(id))
            .await?;
        if removed == 1 {
            erased::note(&mut tx, i64::from(id), day_number(on)).await?;
        }
        tx.commit().await?;
        self.shrink().await?;
        Ok(removed == 1)
    }
}
