//! How many events were not counted, and why.

use jiff::civil::Date;
use shared::visitor::SiteId;
use sqlx::SqlitePool;

use crate::clock::day_number;
use crate::error::Result;

/// The numbers by reason (the names of `shared::drops::Drop`) from the first day to the last, the
/// largest first. They are events, not visitors: of who was dropped nothing is known.
///
/// # Errors
/// The database failed.
pub async fn dropped(
    pool: &SqlitePool,
    site: SiteId,
    from: Date,
    to: Date,
) -> Result<Vec<(String, u64)>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT reason, sum(n) AS n FROM dropped
         WHERE site_id = ? AND date BETWEEN ? AND ? GROUP BY reason ORDER BY n DESC, reason",
    )
    .bind(site)
    .bind(day_number(from))
    .bind(day_number(to))
    .fetch_all(pool)
    .await?;
    let count = |(reason, n)| (reason, u64::try_from(n).unwrap_or(0));
    Ok(rows.into_iter().map(count).collect())
}
