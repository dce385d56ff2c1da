//! What the live view shows: page views and visitors by minute, and who is there now.
//!
//! What always holds: no row is older than 24 hours (I2). A batch that comes late brings none in,
//! and [`Store::forget_minutes`] deletes, once an hour, what would be too old an hour later.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use shared::batch::Batch;
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::Store;
use super::db::{Row, Tx, sql};
use crate::clock::{date_of, day_number};
use crate::error::Result;
use crate::site::Site;

/// How old a row may be when [`Store::forget_minutes`] has run; it runs once an hour.
const KEPT_MS: i64 = 23 * 3_600_000;
/// How long after its minute a gauge still tells who is there: it is of five minutes. One from the
/// future, as when a clock was put back, is let live as long.
const NOW_MINUTES: i64 = 5;
/// Minutes of the live view.
const SHOWN_MINUTES: i64 = 30;
const MINUTE_MS: i64 = 60_000;
/// Minutes written by one statement.
const MINUTES_AT_ONCE: usize = 500;

/// Date, as it is stored, and minute of the oldest rows that may stay at `now_ms`; `None` keeps
/// all, for a moment before the calendar.
fn oldest(site: &Site, now_ms: UnixMs) -> Option<(i64, i64)> {
    let kept_from_ms = now_ms.checked_sub(KEPT_MS)?;
    let day = site.day(site.today(kept_from_ms))?;
    let minute = (kept_from_ms - day.start_ms) / 60_000;
    Some((day_number(day.date), minute))
}

/// Adds what a batch tells for the live view, in the caller's transaction.
pub(super) async fn add(
    tx: &mut Tx,
    site: &Site,
    source_id: i64,
    batch: &Batch,
    now_ms: UnixMs,
) -> Result<()> {
    let date = day_number(batch.source.date);
    let oldest = oldest(site, now_ms);
    let stays = |minute: u64| {
        let minute = i64::try_from(minute).unwrap_or(i64::MAX);
        oldest.is_none_or(|oldest| (date, minute) >= oldest)
    };
    let minutes = batch.minutes.iter().filter(|[minute, ..]| stays(*minute));
    let minutes: Vec<&[u64; 3]> = minutes.collect();
    for some in minutes.chunks(MINUTES_AT_ONCE) {
        let mut values = String::new();
        for place in 0..some.len() {
            let comma = if place > 0 { ", " } else { "" };
            let at = 3 + 3 * place;
            // Writing to a String never fails.
            let _ = write!(values, "{comma}($1, $2, ${at}, ${}, ${})", at + 1, at + 2);
        }
        let mut statement = sql(format!(
            "INSERT INTO minute AS m (site_id, date, minute, views, visitors) VALUES {values}
             ON CONFLICT (site_id, date, minute) DO UPDATE SET
                views = m.views + excluded.views, visitors = m.visitors + excluded.visitors"
        ))
        .bind(site.id)
        .bind(date);
        for n in some.iter().flat_map(|minute| minute.iter()) {
            statement = statement.bind(*n);
        }
        tx.execute(statement).await?;
    }
    if let Some(live) = batch.live.filter(|live| stays(live.minute.into())) {
        tx.execute(
            sql(
                "INSERT INTO live (source_id, site_id, date, minute, visitors)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (site_id, source_id) DO UPDATE SET
                    minute = excluded.minute, visitors = excluded.visitors",
            )
            .bind(source_id)
            .bind(site.id)
            .bind(date)
            .bind(live.minute)
            .bind(live.visitors),
        )
        .await?;
    }
    Ok(())
}

/// Page views and visitors of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// Local date.
    pub date: Date,
    /// Minute of the local day.
    pub minute: u16,
    /// Page views.
    pub views: u64,
    /// Visitors.
    pub visitors: u64,
}

/// Who is there now, and what the last half hour was like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Visitors with an event in about the last five minutes. Whoever is there at midnight is
    /// two for as long: another day, another hash.
    pub visitors: u64,
    /// The last 30 minutes, this one the last, also those without anybody.
    pub minutes: Vec<LiveMinute>,
}

/// One minute of the live view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveMinute {
    /// When it began, in the site's zone: `2026-11-26 09:31`.
    pub label: String,
    /// Page views.
    pub views: u64,
    /// Visitors.
    pub visitors: u64,
}

impl Store {
    /// Who is at a site now. The day's shards each tell their own; one that has told nothing for
    /// five minutes counts for nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn live(&self, site: &Site, now_ms: UnixMs) -> Result<Live> {
        let now_ms = now_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        let first_ms = now_ms - (SHOWN_MINUTES - 1) * MINUTE_MS;
        let first_day = day_number(site.today(first_ms));
        let mut tx = self.db.read().await?;
        let gauges = tx
            .all(sql("SELECT date, minute, visitors FROM live WHERE site_id = $1").bind(site.id))
            .await?;
        let mut visitors = 0_u64;
        for row in &gauges {
            let day = date_of(row.int(0)?).and_then(|date| site.day(date));
            let Some(day) = day else { continue };
            let age = (now_ms - day.start_ms) / MINUTE_MS - row.int(1)?;
            if age.abs() < NOW_MINUTES {
                visitors = visitors.saturating_add(row.count(2)?);
            }
        }
        let rows = tx
            .all(
                sql("SELECT date, minute, views, visitors FROM minute
                     WHERE site_id = $1 AND date >= $2")
                .bind(site.id)
                .bind(first_day),
            )
            .await?;
        let mut counted: BTreeMap<(i64, i64), (u64, u64)> = BTreeMap::new();
        for row in &rows {
            let counts = (row.count(2)?, row.count(3)?);
            counted.insert((row.int(0)?, row.int(1)?), counts);
        }
        let minutes = (0..SHOWN_MINUTES).map(|n| {
            let start_ms = first_ms + n * MINUTE_MS;
            let date = site.today(start_ms);
            let day = site.day(date);
            let minute = day.map_or(0, |day| (start_ms - day.start_ms) / MINUTE_MS);
            let found = counted.get(&(day_number(date), minute));
            let (views, visitors) = found.copied().unwrap_or_default();
            LiveMinute {
                label: site.minute(start_ms),
                views,
                visitors,
            }
        });
        Ok(Live {
            visitors,
            minutes: minutes.collect(),
        })
    }

    /// The minutes of a site that are known, none older than 24 hours, in order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn minutes(&self, site: SiteId) -> Result<Vec<Minute>> {
        let rows = self
            .db
            .all(
                sql("SELECT date, minute, views, visitors FROM minute
                     WHERE site_id = $1 ORDER BY date, minute")
                .bind(site),
            )
            .await?;
        let read = |row: &Row| {
            Ok(Minute {
                date: date_of(row.int(0)?).unwrap_or_default(),
                minute: row.number(1)?,
                views: row.count(2)?,
                visitors: row.count(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Deletes the minutes that are over for a day, from the files too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_minutes(&self, sites: &[Site], now_ms: UnixMs) -> Result<()> {
        let mut tx = self.db.write().await?;
        for site in sites {
            let Some((date, minute)) = oldest(site, now_ms) else {
                continue;
            };
            for table in ["minute", "live"] {
                tx.execute(
                    sql(format!(
                        "DELETE FROM {table}
                         WHERE site_id = $1 AND (date < $2 OR (date = $2 AND minute < $3))"
                    ))
                    .bind(site.id)
                    .bind(date)
                    .bind(minute),
                )
                .await?;
            }
        }
        tx.commit().await?;
        self.shrink().await
    }
}
