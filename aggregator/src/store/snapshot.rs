//! One state of a site's counts, to be read by queries.

use std::collections::BTreeMap;

use jiff::civil::Date;
use shared::visitor::SiteId;

use super::Store;
use super::db::{Row, Tx, sql};
use super::segments::{BUNDLE, Parts, SETTLED_DAYS, part_of};
use crate::clock::{date_of, day_number};
use crate::error::Result;
use crate::segment::{Hours, PartId, Segment, bundle, merge};

/// One state of a site's counts, to be read.
pub struct Snapshot {
    tx: Tx,
    site: SiteId,
}

impl Store {
    /// One state of a site's counts: whatever is read through it agrees with itself.
    ///
    /// # Errors
    /// The database failed.
    pub async fn snapshot(&self, site: SiteId) -> Result<Snapshot> {
        let tx = self.db.read().await?;
        Ok(Snapshot { tx, site })
    }
}

impl Snapshot {
    /// Gives the parts of these kinds of all segments from `from` to `to`, both included, to
    /// `take`, in any order: date, number of the segment within it, part, bytes.
    ///
    /// # Errors
    /// The database failed, or `take` did.
    pub async fn parts(
        &mut self,
        kinds: &[PartId],
        from: Date,
        to: Date,
        mut take: impl FnMut(i64, i64, PartId, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let numbers = kinds.iter().map(|kind| i64::from(kind.number()));
        let numbers: Vec<String> = numbers.chain([BUNDLE]).map(|n| n.to_string()).collect();
        let statement = sql(format!(
            "SELECT date, no, part, bytes FROM part
             WHERE site_id = $1 AND part IN ({}) AND date BETWEEN $2 AND $3",
            numbers.join(", ")
        ))
        .bind(self.site)
        .bind(day_number(from))
        .bind(day_number(to));
        self.tx
            .each(statement, |row| {
                let (date, no, bytes) = (row.int(0)?, row.int(1)?, row.bytes(3)?);
                match row.int(2)? {
                    BUNDLE => {
                        let plain = bundle::open(bytes)?;
                        let parts = bundle::split(&plain)?.into_iter();
                        for (id, bytes) in parts.filter(|(id, _)| kinds.contains(id)) {
                            take(date, no, id, bytes)?;
                        }
                    }
                    number => take(date, no, part_of(number)?, bytes)?,
                }
                Ok(())
            })
            .await
    }

    /// All counts from `from` to `to`, both included, as one segment. For short ranges: it holds
    /// all of it in memory.
    ///
    /// # Errors
    /// The database failed.
    pub async fn whole(&mut self, from: Date, to: Date) -> Result<Segment> {
        let kinds: Vec<PartId> = PartId::all().collect();
        self.some(&kinds, from, to).await
    }

    /// The parts of these kinds from `from` to `to`, both included, as one segment. Rows of cubes
    /// need the attributes that they name.
    ///
    /// # Errors
    /// The database failed, or attributes are not among the kinds that rows name.
    pub async fn some(&mut self, kinds: &[PartId], from: Date, to: Date) -> Result<Segment> {
        let mut found: BTreeMap<(i64, i64), Parts> = BTreeMap::new();
        self.parts(kinds, from, to, |date, no, id, bytes| {
            let parts = found.entry((date, no)).or_default();
            parts.push((id, bytes.to_vec()));
            Ok(())
        })
        .await?;
        let segments = found.into_values().map(Segment::decode);
        let segments: Vec<Segment> = segments.collect::<std::result::Result<_, _>>()?;
        Ok(merge(&segments, Hours::Kept))
    }

    /// Whether any of these days has counts by one dimension each: what asks for several at once
    /// does not see them.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_totals(&mut self, from: Date, to: Date) -> Result<bool> {
        let found = self
            .tx
            .first(
                sql("SELECT no FROM segment
                     WHERE site_id = $1 AND date BETWEEN $2 AND $3 AND totals = 1 LIMIT 1")
                .bind(self.site)
                .bind(day_number(from))
                .bind(day_number(to)),
            )
            .await?;
        Ok(found.is_some())
    }

    /// How many segments each date has from `from` to `to`, both included.
    ///
    /// # Errors
    /// The database failed.
    pub async fn segments(&mut self, from: Date, to: Date) -> Result<Vec<(i64, u32)>> {
        let rows = self
            .tx
            .all(
                sql("SELECT date, count(*) FROM segment
                     WHERE site_id = $1 AND date BETWEEN $2 AND $3 GROUP BY date")
                .bind(self.site)
                .bind(day_number(from))
                .bind(day_number(to)),
            )
            .await?;
        let read = |row: &Row| Ok((row.int(0)?, row.number(1)?));
        rows.iter().map(read).collect()
    }

    /// The first of these days whose rows tell no hours any more, if any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn first_folded(&mut self, from: Date, to: Date) -> Result<Option<Date>> {
        let found = self
            .tx
            .first(
                sql("SELECT date FROM segment
                     WHERE site_id = $1 AND date BETWEEN $2 AND $3 AND hourly = 0
                     ORDER BY date LIMIT 1")
                .bind(self.site)
                .bind(day_number(from))
                .bind(day_number(to)),
            )
            .await?;
        found.map_or(Ok(None), |row| Ok(date_of(row.int(0)?)))
    }

    /// Which of these days are not settled, as they are stored: a salt was lost or two edges counted, so
    /// that visitors may have been counted again; or somebody who counted the day may have more to tell of it. That is
    /// waited for until three days before `today`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unsettled(&mut self, from: Date, to: Date, today: Date) -> Result<Vec<i64>> {
        let rows = self
            .tx
            .all(
                sql("SELECT DISTINCT date FROM source
                     WHERE site_id = $1 AND date BETWEEN $2 AND $3
                        AND (degraded = 1 OR (closed = 0 AND date >= $4))")
                .bind(self.site)
                .bind(day_number(from))
                .bind(day_number(to))
                .bind(day_number(today) - SETTLED_DAYS),
            )
            .await?;
        rows.iter().map(|row| row.int(0)).collect()
    }

    /// Whether a salt was lost on any of these days, or two edges counted it: visitors may have been
    /// counted again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_degraded(&mut self, from: Date, to: Date) -> Result<bool> {
        let found = self
            .tx
            .first(
                sql("SELECT id FROM source
                     WHERE site_id = $1 AND date BETWEEN $2 AND $3 AND degraded = 1 LIMIT 1")
                .bind(self.site)
                .bind(day_number(from))
                .bind(day_number(to)),
            )
            .await?;
        Ok(found.is_some())
    }
}
