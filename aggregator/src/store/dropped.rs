//! How many events were not counted, by reason and day.

use jiff::civil::Date;
use shared::batch::Batch;
use shared::visitor::SiteId;

use super::Store;
use super::db::{Tx, sql};
use crate::clock::day_number;
use crate::error::Result;

/// Adds the drops that a batch tells, in the caller's transaction: at most one for each reason.
pub(super) async fn add(tx: &mut Tx, batch: &Batch, date: i64) -> Result<()> {
    for (reason, n) in &batch.dropped {
        tx.execute(
            sql(
                "INSERT INTO dropped AS d (site_id, date, reason, n) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (site_id, date, reason) DO UPDATE SET n = d.n + excluded.n",
            )
            .bind(batch.source.site)
            .bind(date)
            .bind(reason.as_str())
            .bind(*n),
        )
        .await?;
    }
    Ok(())
}

impl Store {
    /// How many events were dropped from `from` to `to`, both included, by reason; the most first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn dropped(&self, site: SiteId, from: Date, to: Date) -> Result<Vec<(String, u64)>> {
        let rows = self
            .db
            .all(
                sql("SELECT reason, CAST(sum(n) AS BIGINT) AS total FROM dropped
                     WHERE site_id = $1 AND date BETWEEN $2 AND $3
                     GROUP BY reason ORDER BY total DESC, reason")
                .bind(site)
                .bind(day_number(from))
                .bind(day_number(to)),
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.text(0)?, row.count(1)?)))
            .collect()
    }
}
