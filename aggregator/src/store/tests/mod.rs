//! The store's tests: batches with everything in them, forgetting, erasure. Migrations, settings
//! and shards have files of their own.

mod migration;
mod settings;

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use serde_json::json;
use shared::batch::Batch;
use shared::cube::{COUNTERS, CUBES};
use shared::settings::GoalKind;
use sqlx::AssertSqlSafe;

use super::*;
use crate::site::Site;

const HOUR_MS: i64 = 3_600_000;

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// Noon of 2026-11-23 in Kathmandu (+05:45).
fn noon() -> i64 {
    ms("2026-11-23T06:15:00Z")
}

async fn store(folder: &Path) -> (Store, Site) {
    let store = Store::open(&folder.join("x.sqlite")).await.unwrap();
    let day = date(2026, 11, 1);
    for domain in ["a.example", "b.example"] {
        assert!(store.add_site(domain, "Asia/Kathmandu", day).await.unwrap());
    }
    let site = store.site("a.example").await.unwrap().unwrap();
    (store, site)
}

/// A batch with a row in every cube, and every counter in it.
fn batch(site: u32, seq: u64) -> Batch {
    let mut batch = json!({
        "v": 1,
        "source": {"site": site, "date": "2026-11-23", "shard": 0, "incarnation": "0".repeat(32)},
        "seq": seq, "closed": false, "degraded": false, "hits_total": 3,
        "strings": ["/", "a.example", "DE", "", "7"],
        "visit_attrs": [[0, 1, 3, 3, 3, 3, 3, 3, 3, 3]], "client_attrs": [[2, 3, 3, 3, 3, 3]],
        "dropped": {"bot": 2, "gpc": 1}, "live": {"visitors": 4 + seq, "minute": 719},
        "minutes": [[0, 1, 1], [719, 2, 1]],
    });
    for cube in CUBES {
        let mut row = vec![9];
        row.extend((0..cube.texts().len()).map(|place| place as u64));
        row.extend([0, 0]);
        for (counter, of, _) in COUNTERS {
            if of == cube {
                row.extend([
                    u64::from(u8::from(counter)),
                    1 + u64::from(u8::from(counter)),
                ]);
            }
        }
        batch[cube.name()] = json!([row]);
    }
    let batch: Batch = serde_json::from_value(batch).unwrap();
    Batch::decode(&batch.encode().unwrap()).unwrap()
}

async fn number(store: &Store, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::query_scalar(sql)
        .fetch_one(&store.readers)
        .await
        .unwrap()
}

/// Every table with a `site_id`.
async fn tables_of_sites(store: &Store) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
         WHERE m.type = 'table' AND c.name = 'site_id'",
    )
    .fetch_all(&store.readers)
    .await
    .unwrap()
}

#[tokio::test]
async fn i7_a_batch_with_everything_is_applied_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, site) = store(folder.path()).await;
    let apply = async |seq, sha| {
        let batch = batch(site.id, seq);
        store.apply_batch(&batch, [sha; 32], noon()).await.unwrap()
    };
    for times in 1..=2 {
        assert_eq!(apply(times, 1).await, Applied::Now);
        assert_eq!(apply(times, 1).await, Applied::Before);
        assert_eq!(apply(times, 2).await, Applied::Conflict);
        let times = i64::try_from(times).unwrap();
        for (counter, cube, column) in COUNTERS {
            let sql = format!("SELECT sum({column}) FROM {} WHERE hour = 9", cube.name());
            let once = 1 + i64::from(u8::from(counter));
            assert_eq!(number(&store, &sql).await, once * times, "{column}");
        }
        for cube in CUBES {
            let sql = format!("SELECT count(*) FROM {}", cube.name());
            assert_eq!(number(&store, &sql).await, 1, "{}", cube.name());
        }
        let dropped = |reason| format!("SELECT n FROM dropped WHERE reason = '{reason}'");
        assert_eq!(number(&store, &dropped("bot")).await, 2 * times);
        assert_eq!(number(&store, &dropped("gpc")).await, times);
        let minutes = "SELECT views * 10 + visitors FROM minute WHERE minute = 719";
        assert_eq!(number(&store, minutes).await, 21 * times);
        assert_eq!(number(&store, "SELECT count(*) FROM minute").await, 2);
        // Who is there now is not a sum.
        assert_eq!(number(&store, "SELECT visitors FROM live").await, 4 + times);
    }
    let day = date(2026, 11, 23);
    let dropped = async |site, from, to| {
        let found = crate::query::dropped(store.readers(), site, from, to).await;
        found.unwrap()
    };
    let expected = [("bot".to_owned(), 4), ("gpc".to_owned(), 2)];
    assert_eq!(dropped(site.id, day, day).await, expected);
    assert!(dropped(site.id, date(2026, 11, 24), day).await.is_empty());
    assert!(dropped(site.id + 1, day, day).await.is_empty());
    // The columns hold the texts in the cube's order.
    let texts: (String, String, String) = sqlx::query_as(
        "SELECT n.value, k.value, v.value FROM props AS c JOIN text AS n ON n.id = c.name
         JOIN text AS k ON k.id = c.key JOIN text AS v ON v.id = c.value",
    )
    .fetch_one(&store.readers)
    .await
    .unwrap();
    assert_eq!(texts, ("/".into(), "a.example".into(), "DE".into()));
    let unknown = batch(99, 1);
    let gone = store.apply_batch(&unknown, [1; 32], noon()).await.unwrap();
    assert_eq!(gone, Applied::Gone);
}

#[tokio::test]
async fn i2_minutes_are_gone_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let (store, site) = store(folder.path()).await;
    let batch_1 = batch(site.id, 1);
    store.apply_batch(&batch_1, [1; 32], noon()).await.unwrap();
    let sites = store.sites().await.unwrap();
    // Minute 0 is twelve hours old, minute 719 one minute.
    let left = async |later_ms: i64| {
        store
            .forget_minutes(&sites, noon() + later_ms)
            .await
            .unwrap();
        let minutes = number(&store, "SELECT count(*) FROM minute").await;
        let live = number(&store, "SELECT count(*) FROM live").await;
        (minutes, live)
    };
    assert_eq!(left(11 * HOUR_MS).await, (2, 1));
    // In an hour, when it is looked at again, the first would be more than 24 hours old.
    assert_eq!(left(11 * HOUR_MS + 60_000).await, (1, 1));
    assert_eq!(left(22 * HOUR_MS).await, (1, 1));
    assert_eq!(left(23 * HOUR_MS).await, (0, 0));
    // What the edge kept through an outage brings no old minute in; its counts are all there.
    let late = noon() + 30 * HOUR_MS;
    let batch_2 = batch(site.id, 2);
    store.apply_batch(&batch_2, [1; 32], late).await.unwrap();
    assert_eq!(left(24 * HOUR_MS).await, (0, 0));
    assert_eq!(number(&store, "SELECT sum(views) FROM pages").await, 14);
}

#[tokio::test]
async fn i12_a_removed_site_leaves_no_row_in_any_table() {
    let folder = tempfile::tempdir().unwrap();
    let (store, site) = store(folder.path()).await;
    let other = store.site("b.example").await.unwrap().unwrap();
    for site in [&site, &other] {
        let all = batch(site.id, 1);
        store.apply_batch(&all, [1; 32], noon()).await.unwrap();
        let page = GoalKind::Page { path: "/x".into() };
        store.add_goal(site.id, page, None).await.unwrap();
        let event = GoalKind::Event { name: "E".into() };
        store.add_goal(site.id, event, None).await.unwrap();
        store.add_funnel(site.id, "F", vec![1, 2]).await.unwrap();
        let on = date(2026, 11, 23);
        store
            .create_key(Some(site), Scope::Stats, on)
            .await
            .unwrap();
    }
    let sites = store.sites().await.unwrap();
    store
        .shards(&sites, ms("2026-11-23T17:00:00Z"))
        .await
        .unwrap();
    let tables = tables_of_sites(&store).await;
    assert!(tables.len() >= 19, "{tables:?}");
    let rows = async |site: &Site| {
        let mut filled = Vec::new();
        for table in &tables {
            let sql = format!("SELECT count(*) FROM {table} WHERE site_id = {}", site.id);
            if number(&store, &sql).await > 0 {
                filled.push(table.clone());
            }
        }
        filled
    };
    assert_eq!(rows(&site).await, tables, "the test fills every table");
    assert!(store.remove_site("a.example").await.unwrap());
    assert!(rows(&site).await.is_empty());
    assert_eq!(rows(&other).await, tables);
    for table in ["batch", "source", "live"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&store, &sql).await, 1, "{table}");
    }
}

#[tokio::test]
async fn combinations_are_found_by_index() {
    // Otherwise a batch of some thousands of them takes minutes, under the write lock.
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = store(folder.path()).await;
    for (select, last) in [
        (&counts::VISIT_ATTRS_SQL.select, "utm_term=?"),
        (&counts::CLIENT_ATTRS_SQL.select, "os_version=?"),
    ] {
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {select}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sql)
            .bind(1)
            .bind("[]")
            .fetch_all(&store.readers)
            .await
            .unwrap();
        let by_index = |step: &str| step.starts_with("SEARCH a USING") && step.contains(last);
        assert!(
            plan.iter().any(|(_, _, _, step)| by_index(step)),
            "{plan:?}"
        );
    }
}
