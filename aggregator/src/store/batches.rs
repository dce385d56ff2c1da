//! Applying a batch: marker and counts in one transaction (I7), each table one statement with the
//! whole batch as one bound value.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde_json::{Value, json};
use shared::attrs::{CLIENT_ATTRS, VISIT_ATTRS};
use shared::batch::Batch;
use shared::cube::{COUNTERS, CUBES, Cube};
use shared::visitor::SiteId;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, Transaction};

use super::Store;
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

struct CubeSql {
    cube: Cube,
    upsert: String,
}

/// Columns of a cube's table beside site, date, hour and the attributes.
fn text_columns(cube: Cube) -> &'static [&'static str] {
    match cube {
        Cube::Visits => &[],
        Cube::Pages => &["page", "host"],
        Cube::Exits => &["page"],
        Cube::Events => &["name", "page"],
    }
}

fn table(cube: Cube) -> &'static str {
    match cube {
        Cube::Visits => "visits",
        Cube::Pages => "pages",
        Cube::Exits => "exits",
        Cube::Events => "events",
    }
}

fn counter_columns(cube: Cube) -> impl Iterator<Item = (shared::cube::Counter, &'static str)> {
    COUNTERS
        .into_iter()
        .filter(move |(_, of, _)| *of == cube)
        .map(|(counter, _, name)| (counter, name))
}

/// `INSERT … SELECT … FROM json_each(?3)`: ?1 the site, ?2 the date, ?3 rows in column order.
static UPSERTS: LazyLock<Vec<CubeSql>> = LazyLock::new(|| {
    CUBES
        .into_iter()
        .map(|cube| {
            let key: Vec<&str> = ["hour"]
                .into_iter()
                .chain(text_columns(cube).iter().copied())
                .chain(["visit_attrs", "client_attrs"])
                .collect();
            let counters: Vec<&str> = counter_columns(cube).map(|(_, name)| name).collect();
            let columns = [key.clone(), counters.clone()].concat();
            let mut values = String::new();
            for place in 0..columns.len() {
                let _ = write!(values, ", value ->> {place}"); // Writing to a String never fails.
            }
            let sums: Vec<String> = counters
                .iter()
                .map(|name| format!("{name} = {name} + excluded.{name}"))
                .collect();
            let upsert = format!(
                "INSERT INTO {table} (site_id, date, {columns})
                 SELECT ?1, ?2{values} FROM json_each(?3) WHERE true
                 ON CONFLICT (site_id, date, {key}) DO UPDATE SET {sums}",
                table = table(cube),
                columns = columns.join(", "),
                key = key.join(", "),
                sums = sums.join(", "),
            );
            CubeSql { cube, upsert }
        })
        .collect()
});

impl Store {
    /// Applies a batch that [`Batch::decode`] has accepted; `sha256` is that of its bytes as sent.
    ///
    /// # Errors
    /// The database failed; nothing is applied.
    pub async fn apply_batch(&self, batch: &Batch, sha256: [u8; 32]) -> Result<Applied> {
        let mut tx = self.write().await?;
        let source = &batch.source;
        let exists: Option<i64> = sqlx::query_scalar("SELECT id FROM site WHERE id = ?")
            .bind(source.site)
            .fetch_optional(&mut *tx)
            .await?;
        if exists.is_none() {
            return Ok(Applied::Gone);
        }
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
        add_counts(&mut tx, batch, date).await?;
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

async fn add_counts(tx: &mut Transaction<'_, Sqlite>, batch: &Batch, date: i64) -> Result<()> {
    let site = batch.source.site;
    let texts = text_ids(tx, site, &batch.strings).await?;
    let text = |place: u32| texts.get(place as usize).copied().unwrap_or_default();

    let visit_attrs = batch.visit_attrs.iter().map(|attrs| json!(attrs.map(text)));
    let visit_ids = attrs_ids(tx, site, visit_attrs.collect(), &VISIT_ATTRS_SQL).await?;
    let client_attrs = batch
        .client_attrs
        .iter()
        .map(|attrs| json!(attrs.map(text)));
    let client_ids = attrs_ids(tx, site, client_attrs.collect(), &CLIENT_ATTRS_SQL).await?;

    for CubeSql { cube, upsert } in UPSERTS.iter() {
        let rows = batch
            .rows(*cube)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        if rows.is_empty() {
            continue;
        }
        let values: Vec<Vec<i64>> = rows
            .iter()
            .map(|row| {
                let attrs = |ids: &[i64], place: u32| ids.get(place as usize).copied();
                let mut values = vec![i64::from(row.hour)];
                values.extend(row.texts.iter().map(|place| text(*place)));
                values.extend(attrs(&visit_ids, row.visit_attrs));
                values.extend(attrs(&client_ids, row.client_attrs));
                values.extend(counter_columns(*cube).map(|(counter, _)| {
                    let found = row.counters.iter().find(|(known, _)| *known == counter);
                    found.map_or(0, |(_, n)| to_i64(*n))
                }));
                values
            })
            .collect();
        sqlx::query(AssertSqlSafe(upsert.as_str()))
            .bind(site)
            .bind(date)
            .bind(json!(values).to_string())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The numbers of strings, in their order; strings seen for the first time get one.
async fn text_ids(
    connection: &mut SqliteConnection,
    site: SiteId,
    strings: &[String],
) -> Result<Vec<i64>> {
    let list = json!(strings).to_string();
    sqlx::query(
        "INSERT INTO text (site_id, value) SELECT ?1, value FROM json_each(?2) WHERE true
         ON CONFLICT DO NOTHING",
    )
    .bind(site)
    .bind(&list)
    .execute(&mut *connection)
    .await?;
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT t.value, t.id FROM json_each(?2) AS j
         JOIN text AS t ON t.site_id = ?1 AND t.value = j.value",
    )
    .bind(site)
    .bind(&list)
    .fetch_all(connection)
    .await?;
    let ids: HashMap<String, i64> = rows.into_iter().collect();
    let all: Option<Vec<i64>> = strings.iter().map(|text| ids.get(text).copied()).collect();
    all.ok_or_else(|| Error::Invalid("a string of the batch was not stored".into()))
}

/// Statements over `json_each(?2)` of combinations of attributes; `?1` is the site.
struct AttrsSql {
    insert: String,
    select: String,
}

static VISIT_ATTRS_SQL: LazyLock<AttrsSql> =
    LazyLock::new(|| AttrsSql::new("visit_attrs", VISIT_ATTRS.map(|(name, _)| name).as_slice()));
static CLIENT_ATTRS_SQL: LazyLock<AttrsSql> = LazyLock::new(|| {
    AttrsSql::new(
        "client_attrs",
        CLIENT_ATTRS.map(|(name, _)| name).as_slice(),
    )
});

impl AttrsSql {
    fn new(table: &str, columns: &[&str]) -> Self {
        let mut values = String::new();
        let mut joined = String::new();
        for (place, column) in columns.iter().enumerate() {
            // Writing to a String never fails.
            let _ = write!(values, ", value ->> {place}");
            let _ = write!(joined, " AND a.{column} = j.value ->> {place}");
        }
        let columns = columns.join(", ");
        Self {
            insert: format!(
                "INSERT INTO {table} (site_id, {columns})
                 SELECT ?1{values} FROM json_each(?2) WHERE true
                 ON CONFLICT DO NOTHING"
            ),
            select: format!(
                "SELECT a.id FROM json_each(?2) AS j
                 JOIN {table} AS a ON a.site_id = ?1{joined} ORDER BY j.key"
            ),
        }
    }
}

/// The numbers of combinations of attributes, in their order.
async fn attrs_ids(
    connection: &mut SqliteConnection,
    site: SiteId,
    attrs: Vec<Value>,
    sql: &AttrsSql,
) -> Result<Vec<i64>> {
    let count = attrs.len();
    let list = Value::Array(attrs).to_string();
    sqlx::query(AssertSqlSafe(sql.insert.as_str()))
        .bind(site)
        .bind(&list)
        .execute(&mut *connection)
        .await?;
    let ids: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql.select.as_str()))
        .bind(site)
        .bind(&list)
        .fetch_all(connection)
        .await?;
    if ids.len() == count {
        Ok(ids)
    } else {
        Err(Error::Invalid(
            "attributes of the batch were not stored".into(),
        ))
    }
}

fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
