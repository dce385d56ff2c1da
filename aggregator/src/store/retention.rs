//! What is deleted when its time has come.

use jiff::ToSpan;
use jiff::civil::Date;
use shared::visitor::SiteId;

use super::db::sql;
use super::{Store, segments, sites};
use crate::clock::day_number;
use crate::error::{Error, Result};

/// How long the markers of a source's batches stay after its day, days. The edge forgets its
/// batches 48 hours after they were acknowledged; whatever it sends later than this is a duplicate.
const MARKERS_DAYS: i64 = 14;
/// How much longer than its counts it is known which batch of a source was the last, days. An edge that
/// delivers a day after its time asks for it until 48 hours later: told that there is none, it would
/// send all of it again, every hour.
const SOURCES_DAYS: i64 = 366;
/// Months that counts may be kept, at most.
pub const KEPT_MONTHS_MAX: u32 = 1_200;

/// Checks for how many months counts are to be kept.
pub(super) fn check_months(months: u32) -> Result<()> {
    if (1..=KEPT_MONTHS_MAX).contains(&months) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "months: counts are kept for 1 to {KEPT_MONTHS_MAX} months"
    )))
}

/// Whether the markers of a source of this date must still be there, whatever zone its site is in.
/// `today` is UTC's: at the site it may be tomorrow, and they go by its days.
pub fn markers_are_kept(date: Date, today: Date) -> bool {
    day_number(date) > day_number(today) - MARKERS_DAYS
}

impl Store {
    /// How many months the counts of a site are kept.
    ///
    /// # Errors
    /// The site does not exist, or the database failed.
    pub async fn kept_months(&self, site: SiteId) -> Result<u32> {
        let row = self
            .db
            .first(sql("SELECT kept_months FROM site WHERE id = $1").bind(site))
            .await?;
        row.ok_or_else(super::settings::gone)?.number(0)
    }

    /// Sets how many months the counts of a site are kept; what is older goes within the hour.
    ///
    /// # Errors
    /// The number is none of 1 to [`KEPT_MONTHS_MAX`], or the database failed.
    pub async fn keep_months(&self, site: SiteId, months: u32) -> Result<()> {
        check_months(months)?;
        self.db
            .execute(
                sql("UPDATE site SET kept_months = $2 WHERE id = $1")
                    .bind(site)
                    .bind(months),
            )
            .await?;
        Ok(())
    }

    /// Deletes what a site has from before its time: of `today` in its zone. Gives whether there was
    /// anything; the file shrinks with [`Store::give_back`].
    ///
    /// # Errors
    /// The database failed; nothing is deleted.
    pub async fn forget_old_days(&self, site: SiteId, today: Date) -> Result<bool> {
        let months = i64::from(self.kept_months(site).await?);
        let Ok(oldest) = today.checked_sub(months.months()) else {
            return Ok(false);
        };
        let oldest = day_number(oldest);
        let numbers = segments::part_numbers();
        let mut tx = self.db.write().await?;
        if sites::hold(&mut tx, site).await?.is_none() {
            return Ok(false);
        }
        let mut deleted = 0;
        let of_parts = format!("part IN ({numbers}) AND");
        for (table, which, oldest) in [
            ("part", of_parts.as_str(), oldest),
            ("segment", "", oldest),
            ("dropped", "", oldest),
            ("source", "", oldest - SOURCES_DAYS),
        ] {
            let statement = sql(format!(
                "DELETE FROM {table} WHERE site_id = $1 AND {which} date < $2"
            ));
            deleted += tx.execute(statement.bind(site).bind(oldest)).await?;
        }
        tx.commit().await?;
        Ok(deleted > 0)
    }

    /// Deletes the markers of batches that no edge will send again: of `today` in the site's zone.
    ///
    /// # Errors
    /// The database failed; nothing is deleted.
    pub async fn forget_markers(&self, site: SiteId, today: Date) -> Result<()> {
        self.db
            .execute(
                sql("DELETE FROM batch WHERE site_id = $1 AND source_id IN
                        (SELECT id FROM source WHERE site_id = $1 AND date < $2)")
                .bind(site)
                .bind(day_number(today) - MARKERS_DAYS),
            )
            .await?;
        Ok(())
    }

    /// Gives the space of what was deleted back to the file system; what was deleted is in no file
    /// any more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn give_back(&self) -> Result<()> {
        self.shrink().await
    }
}
