//! Shards in the store: from which date on how many (see `crate::shards`).

use std::collections::HashMap;

use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::Store;
use super::db::sql;
use crate::clock::{date_of, day_number};
use crate::error::Result;
use crate::shards::{Shards, wanted};
use crate::site::Site;

impl Store {
    /// The numbers of shards of every site, those decided that are to be decided now.
    ///
    /// # Errors
    /// The database failed; nothing was decided.
    pub async fn shards(&self, sites: &[Site], now_ms: UnixMs) -> Result<HashMap<SiteId, Shards>> {
        let decided = self.decided_shards().await?;
        let none = Shards::default();
        let due: Vec<_> = sites
            .iter()
            .filter_map(|site| Some((site, site.day(site.today(now_ms))?)))
            .filter(|(site, today)| decided.get(&site.id).unwrap_or(&none).is_due(today, now_ms))
            .collect();
        if due.is_empty() {
            return Ok(decided);
        }
        let mut tx = self.db.write().await?;
        for (site, today) in due {
            let Ok(tomorrow) = today.date.tomorrow() else {
                continue;
            };
            let today_number = day_number(today.date);
            let hits = tx
                .first(
                    sql(
                        "SELECT CAST(coalesce(sum(hits_total), 0) AS BIGINT) FROM source
                         WHERE site_id = $1 AND date = $2",
                    )
                    .bind(site.id)
                    .bind(today_number),
                )
                .await?;
            let hits = hits.map_or(Ok(0), |row| row.count(0))?;
            let shards = wanted(hits, &today, now_ms);
            // Two edges may ask at once: the first decides. A site may have gone meanwhile.
            tx.execute(
                sql("INSERT INTO shards (site_id, date, shards)
                     SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM site WHERE id = $1
                     ON CONFLICT (site_id, date) DO NOTHING")
                .bind(site.id)
                .bind(day_number(tomorrow))
                .bind(shards),
            )
            .await?;
            // Today's number may have been decided long ago; what was before that is over.
            tx.execute(
                sql("DELETE FROM shards WHERE site_id = $1 AND date <
                        (SELECT max(date) FROM shards WHERE site_id = $1 AND date <= $2)")
                .bind(site.id)
                .bind(today_number),
            )
            .await?;
        }
        tx.commit().await?;
        self.decided_shards().await
    }

    async fn decided_shards(&self) -> Result<HashMap<SiteId, Shards>> {
        let rows = self
            .db
            .all(sql("SELECT site_id, date, shards FROM shards"))
            .await?;
        let mut decided: HashMap<SiteId, Shards> = HashMap::new();
        for row in rows {
            let (site, date, shards) = (row.number(0)?, row.int(1)?, row.number(2)?);
            if let Some(date) = date_of(date) {
                decided.entry(site).or_default().insert(date, shards);
            }
        }
        Ok(decided)
    }
}
