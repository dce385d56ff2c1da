//! Delivery on the real system (I7, I8, I12): what is refused, what a restored aggregator lacks,
//! what becomes of a removed site, and new keys.

use std::path::{Path, PathBuf};

use jiff::civil::time;
use reqwest::StatusCode;
use serde_json::Value;

use crate::on_disk::{self, day_files};
use crate::system::{KEY, Options, SITE, System};

const HOUR_MS: i64 = 3_600_000;
const NEW_KEY: &str = "new-key-new-key-new-key-new-key-new-key-";

impl System {
    /// At noon, so that some hours later is the same day.
    pub async fn at_noon() -> Self {
        let options = Options {
            test_clock: true,
            ..Options::default()
        };
        let mut system = Self::start_with(options).await;
        system.advance_to(time(12, 0, 0, 0)).await;
        system
    }

    /// Ends the aggregator and starts another on another database file.
    async fn restore(&mut self, backup: &Path) {
        self.lose_database();
        std::fs::copy(backup, self.data.path().join("dayfly.sqlite")).unwrap();
        self.start_aggregator().await;
    }

    /// Ends the aggregator and deletes its database file.
    fn lose_database(&mut self) {
        self.stop_aggregator("KILL");
        for end in ["", "-wal", "-shm"] {
            let file = self.data.path().join(format!("dayfly.sqlite{end}"));
            let _ = std::fs::remove_file(file); // It may not be there.
        }
    }

    /// A backup, made while the aggregator stands.
    async fn backup(&mut self) -> PathBuf {
        self.stop_aggregator("TERM");
        let backup = self.data.path().join("backup.sqlite");
        std::fs::copy(self.data.path().join("dayfly.sqlite"), &backup).unwrap();
        self.start_aggregator().await;
        backup
    }

    async fn health(&self, url: String) -> (StatusCode, Value) {
        let answer = self.http.get(url).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub async fn until_edge_is(&self, status: StatusCode) -> Value {
        let mut last = Value::Null;
        self.until(&format!("the edge's health is {status}"), async || {
            let answer = self.http.get(self.edge_url("/health")).send().await;
            let Ok(answer) = answer else { return false };
            let is = answer.status() == status;
            last = answer.json().await.unwrap();
            is
        })
        .await;
        last
    }

    pub async fn until_aggregator_says(&self, status: &str) -> Value {
        let mut last = Value::Null;
        self.until(&format!("the aggregator says {status}"), async || {
            last = self.health(self.dashboard_url("/health")).await.1;
            last["status"] == status
        })
        .await;
        last
    }

    async fn until_every_day_object_is_gone(&self) {
        self.until("nothing of the site is left at the edge", async || {
            let days = day_files(&self.data.path().join("edge")).await;
            !days.is_empty() && days.iter().all(|day| day.is_empty)
        })
        .await;
    }
}

#[tokio::test]
async fn i7_a_refused_batch_is_kept_reported_and_counted_once_when_it_is_taken() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.refuse(Some("/refused"));
    system.view("b", "/refused").await;
    let told = system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(told["status"], "error");
    assert!(told["reason"].as_str().unwrap().contains("1 refused"));
    let told = system.until_aggregator_says("warning").await;
    assert_eq!(told["edge"]["dead"], 1, "{told}");

    // It blocks nothing.
    system.view("c", "/3").await;
    system.until_totals(&key, [2, 2]).await;

    // Its hit is neither applied nor waiting.
    let server = system.dashboard_url("");
    let output = system.dayfly_output(&["audit", "--server", &server]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    for wanted in [
        "applied    2 hits",
        "waiting    0 hits, 0 batches at the edge\n",
        "dead       1 hits, 1 dead letters at the edge",
        "accepted   3 hits = applied + waiting + dead",
        "1 dead letters with 1 hits: strings: refused",
    ] {
        assert!(told.contains(wanted), "{wanted} in {told}");
    }

    // It survives the edge, and is refused again; so is what tells that the visit has ended.
    system.stop_edge("KILL");
    system.start_edge_on_time().await;
    system.advance(HOUR_MS).await;
    system
        .until("two batches are refused", async || {
            let (_, told) = system.health(system.dashboard_url("/health")).await;
            told["edge"]["dead"] == 2
        })
        .await;
    let told = system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(told["reason"].as_str().unwrap().contains("2 refused"));
    assert_eq!(system.totals(&key).await, [2, 2]);

    // The aggregator is upgraded: within the hour it is counted.
    system.stop_aggregator("TERM");
    system.refuse(None);
    system.start_aggregator().await;
    system.view("d", "/4").await;
    system.until_totals(&key, [3, 3]).await;
    system.advance(HOUR_MS).await;
    system.until_totals(&key, [4, 4]).await;
    system.until_edge_is(StatusCode::OK).await;
    system.until_aggregator_says("ok").await;
    let mut rows = system.rows(&key, &["event:page"]).await;
    rows.sort();
    let page = |page: &str| (vec![page.to_owned()], [1, 1]);
    assert_eq!(rows, [page("/1"), page("/3"), page("/4"), page("/refused")]);
    let told = system.dayfly(&["audit", "--server", &server]);
    for wanted in [
        "applied    4 hits",
        "dead       0 hits",
        "accepted   4 hits",
    ] {
        assert!(told.contains(wanted), "{wanted} in {told}");
    }
}

#[tokio::test]
async fn i7_an_aggregator_restored_from_a_backup_ends_with_the_same_counts() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;

    let backup = system.backup().await;
    for n in 2..=4 {
        system.view("b", &format!("/{n}")).await;
        system.until_totals(&key, [2, n]).await;
    }

    system.restore(&backup).await;
    assert_eq!(system.totals(&key).await, [1, 1]);
    // No beacon comes; the day object asks by itself.
    system.advance(HOUR_MS).await;
    system.until_totals(&key, [2, 4]).await;
    // What comes later counts as ever.
    system.view("c", "/5").await;
    system.until_totals(&key, [3, 5]).await;
}

#[tokio::test]
async fn i7_a_closed_day_that_sleeps_gives_a_restored_aggregator_what_it_lacks() {
    let mut system = System::at_noon().await;
    system.advance_to(time(23, 50, 0, 0)).await;
    let day = system.today();
    let counts = async |system: &System| on_disk::counted(system, day).await;
    let backup = system.backup().await;
    system.view("a", "/late").await;
    system.advance_to(time(0, 2, 0, 0)).await;
    system
        .until("the day is closed", async || {
            counts(&system).await == [1, 1, 1, 0]
        })
        .await;
    system.restore(&backup).await;
    assert_eq!(counts(&system).await, [0, 0, 0, 0]);
    system.advance(HOUR_MS).await;
    system
        .until("the day is whole again", async || {
            counts(&system).await == [1, 1, 1, 0]
        })
        .await;
}

/// A provider that puts the edge's storage back to an earlier moment makes it send another batch of
/// a number that was applied.
#[tokio::test]
async fn i7_a_conflict_is_kept_and_reported_and_stops_no_other_day_object() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.stop_edge("TERM");
    let copy = on_disk::copy(&system.data.path().join("edge"));
    system.start_edge_on_time().await;
    system.view("a", "/2").await;
    system.until_totals(&key, [1, 2]).await;

    system.stop_edge("TERM");
    std::fs::remove_dir_all(system.data.path().join("edge")).unwrap();
    std::fs::rename(copy.path(), system.data.path().join("edge")).unwrap();
    system.start_edge_on_time().await;
    system.view("a", "/3").await;
    let told = system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(told["reason"].as_str().unwrap().contains("1 day object"));
    let told = system.until_aggregator_says("warning").await;
    let edge = &told["edge"];
    assert_eq!((&edge["stuck"], &edge["dead"]), (&1.into(), &0.into()));
    assert!(edge["waiting"].as_u64().unwrap() >= 1);
    // It still accepts, and the next day counts.
    system.view("a", "/4").await;
    system.advance_to(time(12, 0, 0, 0)).await;
    system.view("a", "/tomorrow").await;
    system.until_totals(&key, [1, 1]).await;
}

#[tokio::test]
async fn i12_a_late_batch_of_a_removed_site_is_refused_and_the_edge_forgets_the_site() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.stop_aggregator("TERM");
    system.view("b", "/late").await;
    system.dayfly(&["site", "remove", SITE]);
    system.start_aggregator().await;
    system.until_every_day_object_is_gone().await;
    let log = std::fs::read_to_string(system.log("aggregator")).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn i12_the_edge_forgets_a_removed_site_within_the_hour_also_when_nothing_comes() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.dayfly(&["site", "remove", SITE]);
    system.advance(HOUR_MS).await;
    system.until_every_day_object_is_gone().await;
}

#[tokio::test]
async fn i12_an_aggregator_on_an_empty_database_costs_no_count() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    let backup = system.backup().await;
    system.view("a", "/2").await;
    system.until_totals(&key, [1, 2]).await;
    system.stop_aggregator("TERM");
    system.view("b", "/3").await;
    system.start_aggregator().await;
    system.lose_database();
    system.view("b", "/4").await;
    system.start_aggregator().await;

    // Both sides tell, and the edge still does after a restart.
    for _ in 0..2 {
        let told = system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains("its database does not know"), "{reason}");
        let told = system.until_aggregator_says("warning").await;
        assert_eq!(told["edge"]["unknown_site"], 1, "{told}");
        system.stop_edge("KILL");
        system.start_edge_on_time().await;
    }
    let server = system.dashboard_url("");
    let output = system.dayfly_output(&["audit", "--server", &server]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("the site number 1 ("), "{told}");
    assert!(told.contains("dayfly site forget 1"), "{told}");
    let days = day_files(&system.data.path().join("edge")).await;
    assert!(days.iter().any(|day| !day.knows_nobody()), "{days:?}");

    // A backup that knows the site ends with every count.
    system.restore(&backup).await;
    assert_eq!(system.totals(&key).await, [1, 1]);
    system.advance(HOUR_MS).await;
    system.until_totals(&key, [2, 4]).await;
    system.until_edge_is(StatusCode::OK).await;
    system.until_aggregator_says("ok").await;
}

#[tokio::test]
async fn i12_what_nobody_will_restore_is_dropped_when_somebody_says_so() {
    let mut system = System::at_noon().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.lose_database();
    system.start_aggregator().await;
    system.advance(HOUR_MS).await;
    // Nothing waits; that the site is unknown comes out when the edge asks what is there.
    system.until_edge_is(StatusCode::SERVICE_UNAVAILABLE).await;
    system.dayfly(&["site", "forget", "1"]);
    system.advance(HOUR_MS).await;
    system.until_every_day_object_is_gone().await;
    system.until_edge_is(StatusCode::OK).await;
}

#[tokio::test]
async fn i11_keys_are_changed_on_both_sides_one_after_the_other_and_nothing_is_lost() {
    let mut system = System::start_with(Options {
        test_clock: true,
        ..Options::default()
    })
    .await;
    let key = system.api_key();
    let keys = |system: &System, text: &str| {
        std::fs::write(system.data.path().join("edge.key"), text).unwrap();
    };
    let mut views = 0;
    let mut view = async |system: &System| {
        views += 1;
        system.view("a", &format!("/{views}")).await;
        views
    };
    let n = view(&system).await;
    system.until_totals(&key, [1, n]).await;

    // The aggregator takes both; the edge still signs with the old one.
    view(&system).await;
    system.stop_aggregator("TERM");
    keys(&system, &format!("{NEW_KEY} {KEY}"));
    view(&system).await;
    system.start_aggregator().await;
    let n = view(&system).await;
    system.until_totals(&key, [1, n]).await;

    // The edge signs with the new one.
    view(&system).await;
    system.stop_edge("KILL");
    system.options.edge_key = Some(NEW_KEY);
    system.start_edge_without_waiting();
    system.until_edge_is(StatusCode::OK).await;
    let n = view(&system).await;
    system.until_totals(&key, [1, n]).await;

    // The old one is taken no more.
    system.stop_aggregator("TERM");
    view(&system).await;
    keys(&system, NEW_KEY);
    system.start_aggregator().await;
    let n = view(&system).await;
    system.until_totals(&key, [1, n]).await;
    let bare = crate::channel::send(
        &system,
        reqwest::Method::GET,
        "/edge/v1/roster",
        Vec::new(),
        0,
    );
    assert_eq!(bare.await.status(), StatusCode::UNAUTHORIZED);
}
