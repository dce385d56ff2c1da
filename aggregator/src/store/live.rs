//! What the live view shows: page views and visitors by minute, and who is there now.
//!
//! What always holds: no row is older than 24 hours (I2). A batch that comes late brings none in,
//! and [`Store::forget_minutes`] deletes, once an hour, what would be too old an hour later.

use serde_json::json;
use shared::batch::Batch;
use shared::clock::UnixMs;
use sqlx::SqliteConnection;

use super::{Store, to_i64};
use crate::clock::day_number;
use crate::error::Result;
use crate::site::Site;

/// How old a row may be when [`Store::forget_minutes`] has run; it runs once an hour.
const KEPT_MS: i64 = 23 * 3_600_000;

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
    tx: &mut SqliteConnection,
    site: &Site,
    source_id: i64,
    batch: &Batch,
    now_ms: UnixMs,
) -> Result<()> {
    let date = day_number(batch.source.date);
    let oldest = oldest(site, now_ms);
    let stays = |minute: u64| oldest.is_none_or(|oldest| (date, to_i64(minute)) >= oldest);
    let minutes = batch.minutes.iter().filter(|[minute, ..]| stays(*minute));
    let minutes: Vec<&[u64; 3]> = minutes.collect();
    if !minutes.is_empty() {
        sqlx::query(
            "INSERT INTO minute (site_id, date, minute, views, visitors)
             SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?3) WHERE true
             ON CONFLICT (site_id, date, minute) DO UPDATE SET
                views = views + excluded.views, visitors = visitors + excluded.visitors",
        )
        .bind(site.id)
        .bind(date)
        .bind(json!(minutes).to_string())
        .execute(&mut *tx)
        .await?;
    }
    if let Some(live) = batch.live.filter(|live| stays(live.minute.into())) {
        sqlx::query(
            "INSERT INTO live (source_id, site_id, date, minute, visitors) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (source_id) DO UPDATE SET
                minute = excluded.minute, visitors = excluded.visitors",
        )
        .bind(source_id)
        .bind(site.id)
        .bind(date)
        .bind(live.minute)
        .bind(to_i64(live.visitors))
        .execute(tx)
        .await?;
    }
    Ok(())
}

impl Store {
    /// Deletes the minutes that are over for a day, from the files too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_minutes(&self, sites: &[Site], now_ms: UnixMs) -> Result<()> {
        let mut tx = self.write().await?;
        for site in sites {
            let Some((date, minute)) = oldest(site, now_ms) else {
                continue;
            };
            for table in ["minute", "live"] {
                let sql = format!(
                    "DELETE FROM {table}
                     WHERE site_id = ?1 AND (date < ?2 OR (date = ?2 AND minute < ?3))"
                );
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(site.id)
                    .bind(date)
                    .bind(minute)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        tx.commit().await?;
        self.empty_log().await
    }
}
