//! Changing a site: its domain, its zone, what its owner decided, in one transaction.
//!
//! What always holds: a domain that a site left is no other site's domain. While it is the site's
//! former one, edges count beacons for it; whoever takes it as a domain takes it away.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use shared::settings::Settings;
use shared::visitor::SiteId;

use super::db::{Tx, sql};
use super::{Store, retention, settings, sites};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};
use crate::site::Site;

/// For how many days after the change beacons for the former domain count.
pub const FORMER_DAYS: i64 = 3;

/// What is to be different. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SiteChange {
    /// The domain, checked. Numbers and counts stay.
    pub domain: Option<String>,
    /// The zone.
    pub timezone: Option<TimeZone>,
    /// For how many months counts are kept.
    pub kept_months: Option<u32>,
}

/// A domain becomes one of its own: no site is known by it from before.
pub(super) async fn take_former(tx: &mut Tx, domain: &str) -> Result<()> {
    tx.execute(
        sql("UPDATE site SET former_domain = '', former_until = 0 WHERE former_domain = $1")
            .bind(domain),
    )
    .await?;
    Ok(())
}

async fn rename(tx: &mut Tx, site: &Site, domain: &str, today: Date) -> Result<()> {
    let taken = sql("SELECT id FROM site WHERE domain = $1").bind(domain);
    if tx.first(taken).await?.is_some() {
        return Err(Error::Invalid(format!("domain: {domain} is taken")));
    }
    take_former(tx, domain).await?;
    tx.execute(
        sql("UPDATE site SET domain = $2, former_domain = $3, former_until = $4 WHERE id = $1")
            .bind(site.id)
            .bind(domain)
            .bind(site.domain.as_str())
            .bind(day_number(today) + FORMER_DAYS),
    )
    .await?;
    Ok(())
}

/// Whether a site has counts by local days of its zone.
async fn is_counted(tx: &mut Tx, site: SiteId) -> Result<bool> {
    for table in ["source", "segment", "dropped", "import"] {
        let counted = sql(format!(
            "SELECT site_id FROM {table} WHERE site_id = $1 LIMIT 1"
        ));
        if tx.first(counted.bind(site)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Counts are by local day and hour: with another zone those that are there would be wrong, and a
/// day that is over could begin again, under another salt.
async fn move_zone(tx: &mut Tx, site: &Site, timezone: &str) -> Result<()> {
    if is_counted(tx, site.id).await? {
        return Err(Error::Invalid(format!(
            "timezone: the site has counts by local days of {}; the zone can be changed only before anything is counted",
            site.timezone_name()
        )));
    }
    tx.execute(
        sql("UPDATE site SET timezone = $2 WHERE id = $1")
            .bind(site.id)
            .bind(timezone),
    )
    .await?;
    Ok(())
}

impl Store {
    /// Changes a site, on a day in UTC; `edit` changes what is not goals and funnels. Gives the
    /// site as it is now.
    ///
    /// # Errors
    /// The domain is taken, the site has counts in another zone, something is not allowed, the site
    /// does not exist, or the database failed; nothing is changed.
    pub async fn change_site(
        &self,
        id: SiteId,
        change: &SiteChange,
        today: Date,
        edit: impl FnOnce(&mut Settings),
    ) -> Result<Site> {
        let mut tx = self.db.write().await?;
        let site = sites::hold(&mut tx, id).await?;
        let site = site.ok_or_else(settings::gone)?;
        if let Some(domain) = change.domain.as_deref().filter(|new| *new != site.domain) {
            rename(&mut tx, &site, domain, today).await?;
        }
        let timezone = change.timezone.as_ref().and_then(TimeZone::iana_name);
        if let Some(timezone) = timezone.filter(|new| *new != site.timezone_name()) {
            move_zone(&mut tx, &site, timezone).await?;
        }
        if let Some(months) = change.kept_months {
            retention::check_months(months)?;
            tx.execute(
                sql("UPDATE site SET kept_months = $2 WHERE id = $1")
                    .bind(id)
                    .bind(months),
            )
            .await?;
        }
        let mut settings = settings::of(&mut tx, id).await?;
        edit(&mut settings);
        settings::put(&mut tx, id, &settings).await?;
        let site = sites::hold(&mut tx, id).await?;
        tx.commit().await?;
        site.ok_or_else(settings::gone)
    }

    /// The domains that sites had before, whose beacons count on a day in UTC.
    ///
    /// # Errors
    /// The database failed.
    pub async fn former_domains(&self, today: Date) -> Result<HashMap<SiteId, String>> {
        let rows = self
            .db
            .all(
                sql("SELECT id, former_domain FROM site
                     WHERE former_domain <> '' AND former_until >= $1")
                .bind(day_number(today)),
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.number(0)?, row.text(1)?)))
            .collect()
    }

    /// Whether a site's zone is fixed, because something was counted by its days.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_counted(&self, site: SiteId) -> Result<bool> {
        let mut tx = self.db.read().await?;
        is_counted(&mut tx, site).await
    }

    /// The domain that a site had before, if its beacons count on a day in UTC, and the last day
    /// they do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn former_domain(&self, site: SiteId, today: Date) -> Result<Option<(String, Date)>> {
        let row = self
            .db
            .first(
                sql("SELECT former_domain, former_until FROM site
                     WHERE id = $1 AND former_domain <> '' AND former_until >= $2")
                .bind(site)
                .bind(day_number(today)),
            )
            .await?;
        row.map(|row| Ok((row.text(0)?, date_of(row.int(1)?).unwrap_or(today))))
            .transpose()
    }
}
