//! Applying a batch: marker and counts in one transaction (I7), each table one statement with the
//! whole batch as one bound value.

use jiff::civil::Date;
use shared::batch::Batch;
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::{Store, counts, dropped, live, sites, to_i64};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Its counts are in.
    Now,
    /// They were in before.
    Before,
    /// Batches before it are missing; the last one that is in is given.
    Gap {
        /// Its number; 0 for none.
        last: u64,
    },
    /// Another batch of this number is in; nothing was applied.
    Conflict,
    /// The site does not exist (any more).
    Gone,
}

impl Store {
    /// Applies a batch that [`Batch::decode`] has accepted; `sha256` is that of its bytes as sent.
    /// Minutes that are over for a day by `now_ms` are left out: the live view has no use for them.
    ///
    /// # Errors
    /// The database failed; nothing is applied.
    pub async fn apply_batch(
        &self,
        batch: &Batch,
        sha256: [u8; 32],
        now_ms: UnixMs,
    ) -> Result<Applied> {
        let mut tx = self.write().await?;
        let source = &batch.source;
        let Some(site) = sites::by_id(&mut tx, source.site).await? else {
            return Ok(Applied::Gone);
        };
        let date = day_number(source.date);
        let incarnation = hex::decode(&source.incarnation)
            .map_err(|_| Error::Invalid("source.incarnation".into()))?;
        let known: Option<(i64, i64)> = sqlx::query_as(
            "SELECT id, last_seq FROM source
             WHERE site_id = ? AND date = ? AND shard = ? AND incarnation = ?",
        )
        .bind(source.site)
        .bind(date)
        .bind(source.shard)
        .bind(&incarnation)
        .fetch_optional(&mut *tx)
        .await?;
        let last = known.map_or(0, |(_, last)| u64::try_from(last).unwrap_or(0));
        if batch.seq <= last {
            let applied: Option<Vec<u8>> =
                sqlx::query_scalar("SELECT sha256 FROM batch WHERE source_id = ? AND seq = ?")
                    .bind(known.map(|(id, _)| id))
                    .bind(to_i64(batch.seq))
                    .fetch_optional(&mut *tx)
                    .await?;
            let same = applied.is_some_and(|applied| applied == sha256);
            return Ok(if same {
                Applied::Before
            } else {
                Applied::Conflict
            });
        }
        if batch.seq > last + 1 {
            return Ok(Applied::Gap { last });
        }
        let (source_id,): (i64,) = sqlx::query_as(
            "INSERT INTO source
                (site_id, date, shard, incarnation, last_seq, hits_total, closed, degraded)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (site_id, date, shard, incarnation) DO UPDATE SET
                last_seq = excluded.last_seq, hits_total = excluded.hits_total,
                closed = excluded.closed, degraded = max(degraded, excluded.degraded)
             RETURNING id",
        )
        .bind(source.site)
        .bind(date)
        .bind(source.shard)
        .bind(&incarnation)
        .bind(to_i64(batch.seq))
        .bind(to_i64(batch.hits_total))
        .bind(batch.closed)
        .bind(batch.degraded)
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO batch (source_id, seq, sha256) VALUES (?, ?, ?)")
            .bind(source_id)
            .bind(to_i64(batch.seq))
            .bind(sha256.as_slice())
            .execute(&mut *tx)
            .await?;
        counts::add(&mut tx, batch, date).await?;
        dropped::add(&mut tx, batch, date).await?;
        live::add(&mut tx, &site, source_id, batch, now_ms).await?;
        tx.commit().await?;
        Ok(Applied::Now)
    }

    /// The first day with anything counted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn oldest_day(&self, site: SiteId) -> Result<Option<Date>> {
        let day: Option<i64> = sqlx::query_scalar("SELECT min(date) FROM source WHERE site_id = ?")
            .bind(site)
            .fetch_one(&self.readers)
            .await?;
        Ok(day.and_then(date_of))
    }
}
