//! How many events were not counted, by reason and day.

use serde_json::json;
use shared::batch::Batch;
use sqlx::SqliteConnection;

use crate::error::Result;

/// Adds the drops that a batch tells, in the caller's transaction.
pub(super) async fn add(tx: &mut SqliteConnection, batch: &Batch, date: i64) -> Result<()> {
    if batch.dropped.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO dropped (site_id, date, reason, n)
         SELECT ?1, ?2, key, value FROM json_each(?3) WHERE true
         ON CONFLICT (site_id, date, reason) DO UPDATE SET n = n + excluded.n",
    )
    .bind(batch.source.site)
    .bind(date)
    .bind(json!(batch.dropped).to_string())
    .execute(tx)
    .await?;
    Ok(())
}
