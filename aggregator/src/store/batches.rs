//! Applying a batch: marker and counts in one transaction (I7).

use jiff::civil::Date;
use shared::batch::{Batch, Source};
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::db::{Tx, sql};
use super::segments::Encoded;
use super::{Store, dropped, erased, imports, live, segments, sites};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};
use crate::segment::Segment;

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
    /// The site was removed.
    Gone,
    /// There is no such site, and none of its number was removed: this database is empty, or older
    /// than the site.
    UnknownSite,
}

/// The last batch of a source that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastOf {
    /// Its number; 0 for none.
    Batch(u64),
    /// As [`Applied::Gone`].
    Gone,
    /// As [`Applied::UnknownSite`].
    UnknownSite,
}

/// Counts of a day by one dimension each, from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollups {
    /// A source of its own for the day.
    pub source: Source,
    /// Hits they are of, as far as that is known.
    pub hits_total: u64,
    /// Known again by this.
    pub sha256: [u8; 32],
    /// The counts.
    pub segment: Segment,
}

/// What a batch is known by, and says of its source.
struct Marker<'a> {
    source: &'a Source,
    seq: u64,
    closed: bool,
    degraded: bool,
    hits_total: u64,
    set_aside: i64,
    sha256: [u8; 32],
}

/// Whether the edge counted the same shard of the same day in another life already: on another edge, or
/// before its storage was lost. Neither knows whom the other has seen, so visitors may be there twice.
async fn has_another_life(tx: &mut Tx, source: &Source, own: &[u8]) -> Result<bool> {
    let others = tx
        .all(
            sql("SELECT incarnation FROM source
                 WHERE site_id = $1 AND date = $2 AND shard = $3 AND incarnation <> $4")
            .bind(source.site)
            .bind(day_number(source.date))
            .bind(source.shard)
            .bind(own),
        )
        .await?;
    if others.is_empty() {
        return Ok(false);
    }
    let imports = imports::incarnations(tx, source.site).await?;
    if imports.contains(&source.incarnation) {
        return Ok(false);
    }
    for other in &others {
        if !imports.contains(&hex::encode(other.bytes(0)?)) {
            return Ok(true);
        }
    }
    Ok(false)
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
        let segment =
            Segment::of_batch(batch).map_err(|error| Error::Invalid(error.to_string()))?;
        let marker = Marker {
            source: &batch.source,
            seq: batch.seq,
            closed: batch.closed,
            degraded: batch.degraded,
            hits_total: batch.hits_total,
            set_aside: batch.set_aside,
            sha256,
        };
        self.apply(marker, &segment, Some((batch, now_ms))).await
    }

    /// Applies the rollups of a day that come from elsewhere: the one batch of their source.
    ///
    /// # Errors
    /// The database failed; nothing is applied.
    pub async fn apply_rollups(&self, rollups: &Rollups) -> Result<Applied> {
        let marker = Marker {
            source: &rollups.source,
            seq: 1,
            closed: true,
            degraded: false,
            hits_total: rollups.hits_total,
            set_aside: 0,
            sha256: rollups.sha256,
        };
        self.apply(marker, &rollups.segment, None).await
    }

    /// Applies a segment under its marker; what a batch says beside it as well.
    async fn apply(
        &self,
        batch: Marker<'_>,
        segment: &Segment,
        beside: Option<(&Batch, UnixMs)>,
    ) -> Result<Applied> {
        let (source, sha256) = (batch.source, batch.sha256);
        let date = day_number(source.date);
        let incarnation = hex::decode(&source.incarnation)
            .map_err(|_| Error::Invalid("source.incarnation".into()))?;
        // What takes time is done before anything is locked.
        let segment = Encoded::of(segment)?;

        let mut tx = self.db.write().await?;
        let Some(site) = sites::hold(&mut tx, source.site).await? else {
            return Ok(match erased::is_erased(&mut tx, source.site).await? {
                true => Applied::Gone,
                false => Applied::UnknownSite,
            });
        };
        let known = tx
            .first(
                sql("SELECT id, last_seq FROM source
                     WHERE site_id = $1 AND date = $2 AND shard = $3 AND incarnation = $4")
                .bind(source.site)
                .bind(date)
                .bind(source.shard)
                .bind(incarnation.as_slice()),
            )
            .await?;
        let (id, last) = match known {
            Some(row) => (Some(row.int(0)?), row.count(1)?),
            None => (None, 0),
        };
        if batch.seq <= last {
            let applied = tx
                .first(
                    sql("SELECT sha256 FROM batch
                         WHERE site_id = $1 AND source_id = $2 AND seq = $3")
                    .bind(source.site)
                    .bind(id)
                    .bind(batch.seq),
                )
                .await?;
            // A marker that is not there any more was of a batch applied long ago
            // (`Store::forget_markers`).
            let same = match applied {
                Some(row) => row.bytes(0)? == sha256,
                None => true,
            };
            return Ok(if same {
                Applied::Before
            } else {
                Applied::Conflict
            });
        }
        if batch.seq > last + 1 {
            return Ok(Applied::Gap { last });
        }
        let degraded = batch.degraded
            || (id.is_none() && has_another_life(&mut tx, source, &incarnation).await?);
        let id = match id {
            Some(id) => {
                tx.execute(
                    sql(
                        "UPDATE source SET last_seq = $3, hits_total = $4, closed = $5,
                             degraded = CASE WHEN degraded = 1 THEN 1 ELSE $6 END,
                             set_aside = set_aside + $7
                         WHERE site_id = $1 AND id = $2",
                    )
                    .bind(source.site)
                    .bind(id)
                    .bind(batch.seq)
                    .bind(batch.hits_total)
                    .bind(batch.closed)
                    .bind(batch.degraded)
                    .bind(batch.set_aside),
                )
                .await?;
                id
            }
            None => tx
                .first(
                    sql("INSERT INTO source (site_id, id, date, shard, incarnation,
                                             last_seq, hits_total, closed, degraded, set_aside)
                         SELECT $1, coalesce(max(id), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9
                         FROM source WHERE site_id = $1 RETURNING id")
                    .bind(source.site)
                    .bind(date)
                    .bind(source.shard)
                    .bind(incarnation.as_slice())
                    .bind(batch.seq)
                    .bind(batch.hits_total)
                    .bind(batch.closed)
                    .bind(degraded)
                    .bind(batch.set_aside),
                )
                .await?
                .ok_or_else(|| Error::Invalid("a source got no number".into()))?
                .int(0)?,
        };
        tx.execute(
            sql("INSERT INTO batch (site_id, source_id, seq, sha256) VALUES ($1, $2, $3, $4)")
                .bind(source.site)
                .bind(id)
                .bind(batch.seq)
                .bind(sha256.as_slice()),
        )
        .await?;
        segments::add(&mut tx, source.site, date, &segment).await?;
        if let Some((batch, now_ms)) = beside {
            dropped::add(&mut tx, batch, date).await?;
            live::add(&mut tx, &site, id, batch, now_ms).await?;
        }
        tx.commit().await?;
        Ok(Applied::Now)
    }

    /// The last batch of a source that was applied.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_of_source(&self, source: &Source) -> Result<LastOf> {
        let incarnation = hex::decode(&source.incarnation)
            .map_err(|_| Error::Invalid("source.incarnation".into()))?;
        let row = self
            .db
            .first(
                sql("SELECT (SELECT id FROM site WHERE id = $1), (SELECT id FROM erased WHERE id = $1),
                            coalesce((SELECT last_seq FROM source WHERE site_id = $1 AND date = $2
                                AND shard = $3 AND incarnation = $4), 0)")
                .bind(source.site)
                .bind(day_number(source.date))
                .bind(source.shard)
                .bind(incarnation),
            )
            .await?;
        let row = row.ok_or_else(|| Error::Invalid("a question without an answer".into()))?;
        Ok(match (row.int_or_null(0)?, row.int_or_null(1)?) {
            (Some(_), _) => LastOf::Batch(row.count(2)?),
            (None, Some(_)) => LastOf::Gone,
            (None, None) => LastOf::UnknownSite,
        })
    }

    /// How many sources of a day have not sent their last batch.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_sources(&self, site: SiteId, date: Date) -> Result<u64> {
        let row = self
            .db
            .first(
                sql("SELECT count(*) FROM source
                     WHERE site_id = $1 AND date = $2 AND closed = 0")
                .bind(site)
                .bind(day_number(date)),
            )
            .await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    /// The first day with anything counted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn oldest_day(&self, site: SiteId) -> Result<Option<Date>> {
        let row = self
            .db
            .first(sql("SELECT min(date) FROM segment WHERE site_id = $1").bind(site))
            .await?;
        let day = row.map(|row| row.int_or_null(0)).transpose()?.flatten();
        Ok(day.and_then(date_of))
    }
}
