//! Segments in the store: written as batches come, merged as they grow many. They are read through
//! a [`Snapshot`](super::Snapshot).
//!
//! Merging is by size, as in a log-structured merge tree: eight segments of a day at one level
//! become one of the next, in the transaction that brought the eighth. So a day is a few dozen
//! segments at most, and every count is rewritten a handful of times. When a day is over what is
//! left becomes one segment ([`Store::merge_day`]).
//!
//! A small segment is stored as one value, a large one as a value for each part.

use jiff::civil::Date;
use shared::cube::Counter;
use shared::rollup::Dim;
use shared::visitor::SiteId;

use super::db::{Engine, Row, Tx, sql};
use super::{Store, sites};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};
use crate::segment::part::PartReader;
use crate::segment::{Hours, PartId, Segment, bundle, counter_column, merge};

/// How many segments of a level become one of the next.
const FANOUT: usize = 8;
/// Rows above which a segment is merged no more while its day lasts: merging holds all of them in
/// memory, some 150 bytes each.
const MERGED_ROWS_MAX: u64 = 300_000;
/// Rows up to which a segment is one value.
const BUNDLE_ROWS_MAX: usize = 4_096;
/// How long a day may wait for the last batch of whoever counted it: as long as edges keep what was
/// acknowledged, and a day.
pub(super) const SETTLED_DAYS: i64 = 3;
/// The part number of such a value.
pub(super) const BUNDLE: i64 = 255;

/// Parts of one segment, as bytes.
pub(super) type Parts = Vec<(PartId, Vec<u8>)>;

/// A segment as it is stored.
pub(super) struct Encoded {
    rows: u64,
    totals: bool,
    parts: Vec<(i64, Vec<u8>)>,
}

impl Encoded {
    /// Packs a segment.
    pub(super) fn of(segment: &Segment) -> Result<Self> {
        let rows = segment.rows();
        let parts = if rows <= BUNDLE_ROWS_MAX {
            vec![(BUNDLE, segment.encode_bundle()?)]
        } else {
            let number = |(id, bytes): (PartId, Vec<u8>)| (i64::from(id.number()), bytes);
            segment.encode()?.into_iter().map(number).collect()
        };
        Ok(Self {
            rows: rows as u64,
            totals: segment.has_totals(),
            parts,
        })
    }
}

/// Adds the counts of one batch, in the caller's transaction, which holds the site.
pub(super) async fn add(tx: &mut Tx, site: SiteId, date: i64, segment: &Encoded) -> Result<()> {
    if segment.rows == 0 {
        return Ok(());
    }
    insert(tx, site, date, 0, true, segment).await?;
    merge_levels(tx, site, date).await
}

async fn insert(
    tx: &mut Tx,
    site: SiteId,
    date: i64,
    level: i64,
    hourly: bool,
    segment: &Encoded,
) -> Result<()> {
    if tx.engine() == Engine::Postgres {
        make_partition(tx, date).await?;
    }
    let no = tx
        .first(
            sql(
                "INSERT INTO segment (site_id, date, no, level, rows, hourly, totals)
                 SELECT $1, $2, coalesce(max(no), 0) + 1, $3, $4, $5, $6 FROM segment
                 WHERE site_id = $1 AND date = $2 RETURNING no",
            )
            .bind(site)
            .bind(date)
            .bind(level)
            .bind(segment.rows)
            .bind(hourly)
            .bind(segment.totals),
        )
        .await?
        .ok_or_else(|| Error::Invalid("a segment got no number".into()))?
        .int(0)?;
    for (part, bytes) in &segment.parts {
        tx.execute(
            sql("INSERT INTO part (site_id, part, date, no, bytes) VALUES ($1, $2, $3, $4, $5)")
                .bind(site)
                .bind(*part)
                .bind(date)
                .bind(no)
                .bind(bytes.as_slice()),
        )
        .await?;
    }
    Ok(())
}

/// Merges whatever level has enough segments, from the lowest up.
async fn merge_levels(tx: &mut Tx, site: SiteId, date: i64) -> Result<()> {
    loop {
        let found = tx
            .all(
                sql("SELECT no, level, rows, hourly FROM segment
                     WHERE site_id = $1 AND date = $2 ORDER BY level, no")
                .bind(site)
                .bind(date),
            )
            .await?;
        let found: Vec<Known> = found.iter().map(Known::read).collect::<Result<_>>()?;
        let Some(full) = full_level(found) else {
            return Ok(());
        };
        let level = full.first().map_or(0, |known| known.level);
        replace(tx, site, date, &full, level + 1, Hours::Kept).await?;
    }
}

/// The smallest of a level that has enough of them to be merged, from the lowest level up. Large
/// ones stay as they are while their day lasts, and keep no others from being merged.
fn full_level(mut found: Vec<Known>) -> Option<Vec<Known>> {
    found.sort_by_key(|known| (known.level, known.rows, known.no));
    let mut from = 0;
    for same in found.chunk_by(|a, b| a.level == b.level) {
        let rows = same.iter().take(FANOUT).map(|known| known.rows);
        if same.len() >= FANOUT && rows.sum::<u64>() <= MERGED_ROWS_MAX {
            return Some(found.drain(from..from + FANOUT).collect());
        }
        from += same.len();
    }
    None
}

/// A segment's row.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    no: i64,
    level: i64,
    rows: u64,
    hourly: bool,
}

impl Known {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            no: row.int(0)?,
            level: row.int(1)?,
            rows: row.count(2)?,
            hourly: row.int(3)? != 0,
        })
    }
}

/// Puts one segment in the place of several of a day.
async fn replace(
    tx: &mut Tx,
    site: SiteId,
    date: i64,
    old: &[Known],
    level: i64,
    hours: Hours,
) -> Result<()> {
    let mut segments = Vec::with_capacity(old.len());
    for known in old {
        segments.push(take(tx, site, date, known.no).await?);
    }
    let hourly = hours == Hours::Kept && old.iter().any(|known| known.hourly);
    // Some tens of milliseconds of pure computing: not on a thread that answers others.
    let merged = tokio::task::spawn_blocking(move || {
        let merged = merge(&segments, hours);
        Encoded::of(&merged)
    });
    let merged = merged
        .await
        .map_err(|_| Error::Invalid("merging a day did not end".into()))??;
    insert(tx, site, date, level, hourly, &merged).await
}

/// Reads a segment and deletes it.
async fn take(tx: &mut Tx, site: SiteId, date: i64, no: i64) -> Result<Segment> {
    let numbers = part_numbers();
    let rows = tx
        .all(
            sql(format!(
                "DELETE FROM part WHERE site_id = $1 AND date = $2 AND no = $3 AND part IN ({numbers})
                 RETURNING part, bytes"
            ))
            .bind(site)
            .bind(date)
            .bind(no),
        )
        .await?;
    tx.execute(
        sql("DELETE FROM segment WHERE site_id = $1 AND date = $2 AND no = $3")
            .bind(site)
            .bind(date)
            .bind(no),
    )
    .await?;
    let mut parts = Vec::new();
    for row in rows {
        let bytes = row.bytes(1)?;
        match row.int(0)? {
            BUNDLE => {
                let plain = bundle::open(bytes)?;
                let joined = bundle::split(&plain)?;
                parts.extend(joined.into_iter().map(|(id, bytes)| (id, bytes.to_vec())));
            }
            number => parts.push((part_of(number)?, bytes.to_vec())),
        }
    }
    Ok(Segment::decode(parts)?)
}

pub(super) fn part_of(number: i64) -> Result<PartId> {
    u8::try_from(number)
        .ok()
        .and_then(PartId::of)
        .ok_or_else(|| Error::Invalid(format!("a stored part has the unknown number {number}")))
}

/// All numbers of parts, for a statement: the key of the table begins with site and part, so that
/// naming them makes it a few lookups.
pub(super) fn part_numbers() -> String {
    let numbers = PartId::all().map(|part| i64::from(part.number()));
    let numbers: Vec<String> = numbers.chain([BUNDLE]).map(|n| n.to_string()).collect();
    numbers.join(", ")
}

/// The partition of a date's month.
pub(super) async fn make_partition(tx: &mut Tx, date: i64) -> Result<()> {
    let out_of_range = || Error::Invalid(format!("a date is out of range: {date}"));
    let day = date_of(date).ok_or_else(out_of_range)?;
    let from = day.first_of_month();
    let to = day.last_of_month().tomorrow().map_err(|_| out_of_range())?;
    let name = format!("part_{:04}_{:02}", from.year(), from.month());
    let known = tx
        .first(sql("SELECT CAST(1 AS BIGINT) FROM pg_class WHERE relname = $1").bind(name.as_str()))
        .await?;
    if known.is_none() {
        // Two servers may come at once: the second waits for the first.
        tx.execute(sql("LOCK TABLE part IN SHARE UPDATE EXCLUSIVE MODE"))
            .await?;
        tx.execute(sql(format!(
            "CREATE TABLE IF NOT EXISTS {name} PARTITION OF part FOR VALUES FROM ({}) TO ({})",
            day_number(from),
            day_number(to)
        )))
        .await?;
    }
    Ok(())
}

/// What counts take; see [`Store::bytes_by_part`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of rows of cubes and of the attributes they name.
    pub cubes: u64,
    /// Bytes of rollups.
    pub rollups: u64,
    /// Page views among them.
    pub views: u64,
}

impl Store {
    /// Makes one segment of a day's, `hours` as it says; false when nothing was to be done.
    ///
    /// # Errors
    /// The database failed; nothing is changed.
    pub async fn merge_day(&self, site: SiteId, date: Date, hours: Hours) -> Result<bool> {
        let mut tx = self.db.write().await?;
        if sites::hold(&mut tx, site).await?.is_none() {
            return Ok(false);
        }
        let date = day_number(date);
        let found = tx
            .all(
                sql("SELECT no, level, rows, hourly FROM segment
                     WHERE site_id = $1 AND date = $2 ORDER BY no")
                .bind(site)
                .bind(date),
            )
            .await?;
        let found: Vec<Known> = found.iter().map(Known::read).collect::<Result<_>>()?;
        let is_done = match found.as_slice() {
            [] => true,
            [one] => hours == Hours::Kept || !one.hourly,
            _ => false,
        };
        if is_done {
            return Ok(false);
        }
        let level = found.iter().map(|known| known.level).max().unwrap_or(0);
        // What is too large for memory at once is merged in groups.
        let mut groups: Vec<Vec<Known>> = Vec::new();
        let mut rows = u64::MAX;
        for known in found {
            rows = rows.saturating_add(known.rows);
            if rows > MERGED_ROWS_MAX {
                groups.push(Vec::new());
                rows = known.rows;
            }
            if let Some(group) = groups.last_mut() {
                group.push(known);
            }
        }
        let mut changed = false;
        for group in groups {
            if group.len() > 1 || (hours == Hours::Folded && group.iter().any(|known| known.hourly))
            {
                replace(&mut tx, site, date, &group, level + 1, hours).await?;
                changed = true;
            }
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// What the counts of a site take from `from` to `to`, both included, packed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn bytes_by_part(&self, site: SiteId, from: Date, to: Date) -> Result<Taken> {
        let mut taken = Taken::default();
        let mut tx = self.db.read().await?;
        let statement = sql("SELECT part, bytes FROM part
                             WHERE site_id = $1 AND date BETWEEN $2 AND $3")
        .bind(site)
        .bind(day_number(from))
        .bind(day_number(to));
        tx.each(statement, |row| {
            let (number, bytes) = (row.int(0)?, row.bytes(1)?);
            let plain = match number {
                BUNDLE => bundle::open(bytes)?,
                _ => Vec::new(),
            };
            let parts = match number {
                BUNDLE => bundle::split(&plain)?,
                _ => vec![(part_of(number)?, bytes)],
            };
            // What is packed together is told by what each part was before.
            let before: usize = parts.iter().map(|(_, bytes)| bytes.len()).sum();
            for (id, part) in parts {
                let share = (bytes.len() * part.len() / before.max(1)) as u64;
                match id {
                    PartId::Rollup(dim) => {
                        taken.rollups += share;
                        if dim == Dim::Total {
                            let column = counter_column(Counter::Views);
                            let views = PartReader::new(part)?.column(column, false)?;
                            taken.views += views.iter().sum::<u64>();
                        }
                    }
                    _ => taken.cubes += share,
                }
            }
            Ok(())
        })
        .await?;
        Ok(taken)
    }

    /// Days of a site before `until` that are stored in several segments, and those before
    /// `fold_until` that are stored by the hour; for [`Store::merge_day`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn days_to_merge(
        &self,
        site: SiteId,
        until: Date,
        fold_until: Date,
    ) -> Result<Vec<Date>> {
        let rows = self
            .db
            .all(
                sql("SELECT date FROM segment WHERE site_id = $1 AND date < $2
                     GROUP BY date HAVING count(*) > 1 OR (date < $3 AND max(hourly) = 1)
                     ORDER BY date")
                .bind(site)
                .bind(day_number(until))
                .bind(day_number(fold_until)),
            )
            .await?;
        let days = rows.iter().map(|row| Ok(date_of(row.int(0)?)));
        days.filter_map(Result::transpose).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_segments_keep_no_others_from_being_merged() {
        let known = |level: i64, rows: &[u64]| {
            let one = |(no, rows): (usize, &u64)| Known {
                no: no as i64,
                level,
                rows: *rows,
                hourly: true,
            };
            rows.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        let merged = |found: Vec<Known>| {
            let full = full_level(found)?;
            Some((
                full[0].level,
                full.iter().map(|known| known.rows).sum::<u64>(),
            ))
        };
        assert_eq!(merged(known(0, &[1; 7])), None);
        assert_eq!(merged(known(0, &[1; 8])), Some((0, 8)));
        assert_eq!(merged(known(0, &[1; 9])), Some((0, 8)));
        assert_eq!(merged(known(0, &[50_000; 20])), None);
        let mut mixed = vec![50_000; 20];
        mixed.extend([10; 8]);
        assert_eq!(merged(known(0, &mixed)), Some((0, 80)));
        let mut levels = known(0, &[50_000; 9]);
        levels.extend(known(1, &[20; 8]));
        assert_eq!(merged(levels), Some((1, 160)));
    }
}
