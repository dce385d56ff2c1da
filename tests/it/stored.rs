//! What has arrived in the aggregator's database, read as it lies there.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row};

use crate::system::{PATIENCE, System};

/// Columns that hold the number of a text.
const TEXTS: [&str; 9] = [
    "name", "page", "host", "key", "value", "currency", "goal", "funnel", "step",
];
/// Columns of attributes, which hold the number of a text too.
const ATTRS: [&str; 12] = [
    "entry_page",
    "source",
    "referrer",
    "channel",
    "utm_source",
    "utm_campaign",
    "country",
    "device",
    "browser",
    "browser_version",
    "os",
    "os_version",
];

/// The rows of a table, those of several hours and sites as one, in the order of their JSON. A
/// column is given as what it says where it is a text, and as its sum where it is a count.
pub async fn stored(system: &System, table: &str, columns: &[&str]) -> Vec<Value> {
    let text = |column: String| format!("(SELECT text.value FROM text WHERE text.id = {column})");
    let mut shown = Vec::new();
    let mut groups = Vec::new();
    for column in columns {
        let expression = match *column {
            known if TEXTS.contains(&known) => text(format!("cube.{known}")),
            known if ATTRS.contains(&known) => text(format!("attrs.{known}")),
            "domain" => "site.domain".to_owned(),
            "reason" => "reason".to_owned(),
            count => {
                shown.push(format!("sum({count})"));
                continue;
            }
        };
        groups.push(expression.clone());
        shown.push(expression);
    }
    let attrs = match columns.iter().any(|column| ATTRS.contains(column)) {
        true => {
            "JOIN (SELECT v.id AS v, c.id AS c, v.*, c.* FROM visit_attrs v, client_attrs c) attrs
             ON attrs.v = cube.visit_attrs AND attrs.c = cube.client_attrs"
        }
        false => "",
    };
    let group = match groups.is_empty() {
        true => "1 = 1".to_owned(),
        false => groups.join(", "),
    };
    let sql = format!(
        "SELECT json_array({}) AS json FROM {table} cube JOIN site ON site.id = cube.site_id {attrs}
         GROUP BY {group} ORDER BY json",
        shown.join(", ")
    );
    let file = SqliteConnectOptions::new()
        .filename(system.data.path().join("dayfly.sqlite"))
        .read_only(true);
    let pool = SqlitePool::connect_with(file).await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(&pool)
        .await
        .unwrap();
    pool.close().await;
    let json = |row| serde_json::from_str(Row::get(&row, "json")).unwrap();
    rows.into_iter()
        .map(|row: sqlx::sqlite::SqliteRow| json(row))
        .collect()
}

/// Waits until [`stored`] gives these rows.
pub async fn until_stored(system: &System, table: &str, columns: &[&str], mut rows: Vec<Value>) {
    rows.sort_by_key(Value::to_string);
    let until = Instant::now() + PATIENCE;
    loop {
        let mut found = stored(system, table, columns).await;
        found.sort_by_key(Value::to_string);
        if found == rows {
            return;
        }
        assert!(
            Instant::now() < until,
            "{table}: {found:#?} is not {rows:#?}\n{}",
            system.logs()
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
