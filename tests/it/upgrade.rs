//! Edge and aggregator of two releases that have another wire format each, in either order. So far
//! there is one version of it; tests have a second (aggregator/src/test_version.rs, edge/src/sites.rs).

use std::io::Read as _;

use flate2::read::GzDecoder;
use reqwest::StatusCode;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::on_disk::{files, open};
use crate::system::{System, view};

const FRESH_MS: i64 = 61_000;

/// Versions of all batches that are in the outboxes of the edge, in order.
async fn sealed(system: &System) -> Vec<String> {
    let mut versions = Vec::new();
    for path in files(&system.data.path().join("edge/dayfly-day")) {
        if path.extension().is_none_or(|end| end != "sqlite") {
            continue;
        }
        let Some((_folder, mut database)) = open(&path).await else {
            continue;
        };
        let bodies: Vec<Vec<u8>> = sqlx::query_scalar("SELECT body FROM outbox ORDER BY seq")
            .fetch_all(&mut database)
            .await
            .unwrap_or_default();
        for body in bodies {
            let mut json = String::new();
            GzDecoder::new(&*body).read_to_string(&mut json).unwrap();
            versions.push(json[..7].to_owned());
        }
    }
    versions
}

impl System {
    /// Ends the aggregator and starts one that takes batches of these versions. Page views that come
    /// between are kept by the edge.
    async fn another_aggregator(&mut self, versions: &str, between: &str) {
        self.stop_aggregator("TERM");
        self.takes(versions);
        self.view("between", between).await;
        self.start_aggregator().await;
    }

    /// Lets the edge hear which versions are taken.
    async fn hear(&mut self) {
        self.advance(FRESH_MS).await;
        self.view("hears", "/hears").await;
    }
}

/// Writes another version before what a day object has stored of itself.
async fn restamp(system: &System, version: u8) {
    let mut changed = 0;
    for path in files(&system.data.path().join("edge/dayfly-day")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".sqlite") || name.starts_with("metadata") {
            continue;
        }
        let options = SqliteConnectOptions::new().filename(&path);
        let mut database = options.connect().await.unwrap();
        let stamp = sqlx::query("UPDATE meta SET bytes = CAST(? || substr(bytes, 2) AS BLOB)")
            .bind(vec![version])
            .execute(&mut database)
            .await;
        changed += stamp.unwrap().rows_affected();
        database.close().await.unwrap();
    }
    assert_eq!(changed, 1);
}

/// The version of what a day object has stored of itself.
async fn stamp(system: &System) -> u8 {
    for path in files(&system.data.path().join("edge/dayfly-day")) {
        if let Some((_folder, mut database)) = open(&path).await {
            let meta = sqlx::query_scalar("SELECT bytes FROM meta");
            let meta: Vec<Vec<u8>> = meta.fetch_all(&mut database).await.unwrap_or_default();
            if let Some(meta) = meta.first() {
                return meta[0];
            }
        }
    }
    panic!("nothing is stored")
}

/// An edge that is put back finds days that the newer one has begun. It does not guess.
#[tokio::test]
async fn a_day_that_a_newer_edge_has_stored_is_left_alone_and_told() {
    let mut system = System::start().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.stop_edge("TERM");
    let version = stamp(&system).await;
    restamp(&system, 250).await;
    system.start_edge_without_waiting();
    let health = system.edge_url("/health");
    let http = system.http.clone();
    let is_up = async || http.get(&health).send().await.is_ok();
    system.until("the edge answers", &is_up).await;
    let answer = system.post(view("/2"), &[]).await;
    assert!(
        answer.status().is_server_error(),
        "nothing is acknowledged that is not counted"
    );
    let told = system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(
        told["reason"]
            .as_str()
            .unwrap()
            .contains("1 day objects cannot go on")
    );
    let told = system.until_aggregator_says("warning").await;
    assert_eq!(told["edge"]["stuck"], 1);
    let log = std::fs::read_to_string(system.log("aggregator")).unwrap();
    assert!(
        log.contains("of another version of Dayfly: install that edge again"),
        "{log}"
    );
    assert_eq!(stamp(&system).await, 250);
    // The newer edge goes on with it.
    system.stop_edge("TERM");
    restamp(&system, version).await;
    system.start_edge_without_waiting();
    system.until("the edge answers", is_up).await;
    system.view("a", "/3").await;
    system.until_totals(&key, [1, 2]).await;
    system.until_edge_is(StatusCode::OK).await;
    system.until_aggregator_says("ok").await;
}

#[tokio::test]
async fn i7_either_side_is_upgraded_first_and_put_back_and_every_view_counts_once() {
    let mut system = System::at_noon().await;
    let key = system.api_key();

    // The edge is of the later release: it speaks as the aggregator does.
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    let all = sealed(&system).await;
    assert!(
        !all.is_empty() && all.iter().all(|version| version == "{\"v\":1,"),
        "{all:?}"
    );

    // So is the aggregator now, which takes what is of before, too.
    system.another_aggregator("1 2", "/2").await;
    system.until_totals(&key, [2, 2]).await;
    system.hear().await;
    system.until_totals(&key, [3, 3]).await;
    system.view("b", "/3").await;
    system.until_totals(&key, [4, 4]).await;
    assert!(sealed(&system).await.contains(&"{\"v\":2,".to_owned()));

    // An edge that starts anew has not heard anything, and is understood.
    system.stop_edge("KILL");
    system.start_edge_on_time().await;
    system.view("c", "/4").await;
    system.until_totals(&key, [5, 5]).await;

    // The aggregator is put back in the midst of that: what is sealed waits, and both sides say so.
    system.another_aggregator("1", "/5").await;
    let told = system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    let reason = told["reason"].as_str().unwrap();
    assert!(
        reason.contains("of a version that it does not take: upgrade it"),
        "{reason}"
    );
    assert!(reason.contains("0 refused batches"), "{reason}");
    let told = system.until_aggregator_says("warning").await;
    let edge = &told["edge"];
    assert_eq!(
        (&edge["other_version"], &edge["dead"]),
        (&1.into(), &0.into())
    );
    let output = system.dayfly_output(&["audit", "--server", &system.dashboard_url("")]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    let wanted = "a batch is refused: v: batches of version 1 are taken here, not of version 2";
    assert!(told.contains(wanted), "{told}");

    // It still accepts, survives, and waits in its order: nothing goes past what waits.
    system.view("d", "/6").await;
    system.stop_edge("KILL");
    system.start_edge_on_time().await;
    system.view("e", "/7").await;
    system.hear().await;
    system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(system.totals(&key).await, [5, 5]);

    // Upgraded for good: all of it is there, once.
    system.another_aggregator("1 2", "/8").await;
    system.advance(FRESH_MS).await;
    system.until_totals(&key, [7, 10]).await;
    system.until_edge_is(StatusCode::OK).await;
    system.until_aggregator_says("ok").await;
    let told = system.dayfly(&["audit", "--server", &system.dashboard_url("")]);
    assert!(told.contains("accepted   10 hits"), "{told}");
    let mut pages = system.rows(&key, &["event:page"]).await;
    pages.sort();
    let views = |page: &str, n| {
        let found = pages.iter().find(|(key, _)| key[0] == page);
        assert_eq!(
            found.map(|(_, [_, views])| *views),
            Some(n),
            "{page} in {pages:?}"
        );
    };
    for n in 1..=8 {
        views(&format!("/{n}"), 1);
    }
    views("/hears", 2);
}
