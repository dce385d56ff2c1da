//! Adding a batch's counts to the cubes: each table one statement with the whole batch as one bound
//! value. Columns and statements are made from [`COUNTERS`] and [`CUBES`].

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Value, json};
use shared::attrs::{CLIENT_ATTRS, VISIT_ATTRS};
use shared::batch::Batch;
use shared::cube::{COUNTERS, CUBES, Cube};
use shared::visitor::SiteId;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::to_i64;
use crate::error::{Error, Result};

struct CubeSql {
    cube: Cube,
    upsert: String,
}

/// Columns of a cube's table for [`Cube::texts`], in their order. They hold places in `text`.
pub(super) const fn text_columns(cube: Cube) -> &'static [&'static str] {
    match cube {
        Cube::Visits => &[],
        Cube::Pages => &["page", "host"],
        Cube::Exits => &["page"],
        Cube::Events => &["name", "page"],
        Cube::Props => &["name", "key", "value"],
        Cube::Revenue => &["name", "currency"],
        Cube::Goals => &["goal", "page"],
        Cube::Funnels => &["funnel", "step"],
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
                table = cube.name(),
                columns = columns.join(", "),
                key = key.join(", "),
                sums = sums.join(", "),
            );
            CubeSql { cube, upsert }
        })
        .collect()
});

/// Adds the counts of a batch, in the caller's transaction; `date` is the stored form of its date.
pub(super) async fn add(tx: &mut SqliteConnection, batch: &Batch, date: i64) -> Result<()> {
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
            .execute(&mut *tx)
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
         CROSS JOIN text AS t ON t.site_id = ?1 AND t.value = j.value",
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
pub(super) struct AttrsSql {
    insert: String,
    pub(super) select: String,
}

pub(super) static VISIT_ATTRS_SQL: LazyLock<AttrsSql> =
    LazyLock::new(|| AttrsSql::new("visit_attrs", VISIT_ATTRS.map(|(name, _)| name).as_slice()));
pub(super) static CLIENT_ATTRS_SQL: LazyLock<AttrsSql> = LazyLock::new(|| {
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
            // CROSS: one look into the index for each combination of the batch. The planner would
            // compare every stored one with every new one.
            select: format!(
                "SELECT a.id FROM json_each(?2) AS j
                 CROSS JOIN {table} AS a ON a.site_id = ?1{joined} ORDER BY j.key"
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
