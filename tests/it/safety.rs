//! Keeping counts safe by command: backups, audits; and sending no more than is wanted.

use jiff::civil::time;
use serde_json::json;

use crate::stored::{stored, until_stored};
use crate::system::{Options, SITE, System};

const HOUR_MS: i64 = 3_600_000;

/// At noon, so that an hour later is the same day.
async fn system(postgres: bool) -> System {
    let mut system = System::start_with(Options {
        test_clock: true,
        postgres,
        ..Options::default()
    })
    .await;
    system.advance_to(time(12, 0, 0, 0)).await;
    system
}

async fn restored(postgres: bool) {
    let mut system = system(postgres).await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.backup");
    let file = file.to_str().unwrap();
    let told = system.dayfly(&["backup", file]);
    assert!(told.contains("and read it again"), "{told}");
    for n in 2..=4 {
        system.view("b", &format!("/{n}")).await;
        system.until_totals(&key, [2, n]).await;
    }
    // Not while the server runs, and not over what is there unless it is said.
    let output = system.dayfly_output(&["restore", file, "--replace"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("already in use by another dayfly serve"),
        "{told}"
    );
    system.stop_aggregator("TERM");
    let output = system.dayfly_output(&["restore", file]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--replace deletes them"), "{told}");
    let told = system.dayfly(&["restore", file, "--replace"]);
    assert!(told.starts_with("restored 1 sites, "), "{told}");
    system.start_aggregator().await;
    assert_eq!(system.totals(&key).await, [1, 1]);
    system.advance(HOUR_MS).await;
    system.until_totals(&key, [2, 4]).await;
}

#[tokio::test]
async fn i7_restored_by_command_it_ends_with_the_same_counts() {
    restored(false).await;
}

#[tokio::test]
async fn i7_restored_by_command_on_postgres_it_ends_with_the_same_counts() {
    restored(true).await;
}

async fn audited(postgres: bool) {
    let mut system = system(postgres).await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.view("a", "/2").await;
    system.until_totals(&key, [1, 2]).await;
    let server = system.dashboard_url("");
    let told = system.dayfly(&["audit", "--server", &server]);
    for wanted in [
        "applied    2 hits of 1 sources, 1 of them not closed",
        "waiting    0 hits, 0 batches at the edge\n",
        "dead       0 hits, 0 dead letters at the edge",
        "accepted   2 hits = applied + waiting + dead",
        "stored     nothing: 29 tables",
        "All is well.",
    ] {
        assert!(told.contains(wanted), "{wanted} in {told}");
    }
    // Without a server, and with something wrong.
    system.stop_aggregator("TERM");
    let output = system.dayfly_output(&["audit", "--server", &server]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("it does not answer: no connection")
            && told.contains("name it with --server"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(1));
    let told = system.dayfly(&["audit", "--offline"]);
    assert!(told.contains("waiting    not known"), "{told}");
    if !postgres {
        let file = system.data.path().join("dayfly.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        sqlx::raw_sql("DELETE FROM batch; INSERT INTO batch VALUES (1, 1, 7, x'00'), (1, 1, 8, x'00'), (1, 1, 9, x'00'); CREATE TABLE spy (address TEXT)")
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
        let output = system.dayfly_output(&["audit", "--offline"]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(
            told.contains("the column spy.address is none of Dayfly's"),
            "{told}"
        );
        assert!(told.contains("but there are 3 markers"), "{told}");
    }
}

#[tokio::test]
async fn an_audit_says_what_is_applied_what_waits_and_what_is_wrong() {
    audited(false).await;
}

#[tokio::test]
async fn an_audit_on_postgres() {
    audited(true).await;
}

#[tokio::test]
async fn under_detail_totals_nothing_can_be_cross_referenced() {
    let mut system = System::aggregator_alone().await;
    let key = system.api_key();
    system.dayfly(&["site", "set", SITE, "--detail", "totals"]);
    system.start_edge().await;
    system.view("a", "/1").await;
    system.view("a", "/2").await;
    system.view("b", "/1").await;
    system.until_totals(&key, [2, 3]).await;
    let rows = system.rows(&key, &["event:page"]).await;
    assert_eq!(
        rows,
        [
            (vec!["/1".to_owned()], [2, 2]),
            (vec!["/2".to_owned()], [1, 1])
        ]
    );
    for cube in ["visits", "pages", "exits", "events"] {
        assert!(stored(&system, cube, &[]).await.is_empty(), "{cube}");
    }
    // By several dimensions at once these days are left out, and the answer says so (I10).
    let query = |dimensions: serde_json::Value| {
        json!({
            "site_id": SITE, "metrics": ["pageviews"], "date_range": "day", "dimensions": dimensions,
        })
    };
    let (_, answer) = system
        .api(&key, &query(json!(["event:page", "visit:browser"])))
        .await;
    assert_eq!(answer["results"], json!([]));
    assert_eq!(
        answer["meta"]["metric_warnings"]["pageviews"]["code"],
        "partial"
    );
    let (_, answer) = system.api(&key, &query(json!(["event:page"]))).await;
    assert_eq!(answer["meta"]["metric_warnings"], json!(null));
    // From now on by all attributes.
    system.dayfly(&["site", "set", SITE, "--detail", "cross"]);
    system.stop_edge("TERM");
    system.start_edge().await;
    system.view("c", "/3").await;
    until_stored(&system, "pages", &["page", "views"], vec![json!(["/3", 1])]).await;
    assert_eq!(system.totals(&key).await, [3, 4]);
}
