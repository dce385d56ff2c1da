//! Databases, backups and exports of earlier releases.

use std::path::Path;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Pinned, releases};
use crate::channel::send;
use crate::system::{Options, SITE, System};

/// A system on the database of a release, brought up to date.
async fn on_database_of(release: &Pinned, postgres: bool) -> System {
    let options = Options {
        postgres,
        ..Options::default()
    };
    let mut system = System::unstarted(options).await;
    match &system.database {
        None => {
            let file = system.data.path().join("dayfly.sqlite");
            std::fs::write(file, release.unpacked("sqlite.db.gz")).unwrap();
        }
        Some(url) => {
            let text = String::from_utf8(release.unpacked("postgres.sql.gz")).unwrap();
            let mut connection = PgConnection::connect(url).await.unwrap();
            let loaded = sqlx::raw_sql(AssertSqlSafe(text))
                .execute(&mut connection)
                .await;
            loaded.unwrap();
        }
    }
    system.start_aggregator().await;
    system
}

/// Everything that was there is there, sound, and goes on.
async fn is_whole(release: &Pinned, system: &System, database: &str) {
    release.is_answered_as_then(system, database).await;
    let told = system.dayfly(&["audit", "--offline"]);
    assert!(told.contains("All is well."), "{told}");
    // What was applied before the upgrade is known as that.
    let batch = release.bytes("batch.json.gz");
    let again = send(system, Method::POST, "/edge/v1/batches", batch, 0).await;
    assert_eq!(again.status(), 200);
    assert_eq!(again.json::<Value>().await.unwrap()["status"], "duplicate");
    release.is_answered_as_then(system, database).await;
    // Who could log in can.
    let client = Client::builder().redirect(reqwest::redirect::Policy::none());
    let login = client
        .build()
        .unwrap()
        .post(system.dashboard_url("/login"))
        .header("origin", system.dashboard_url(""))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("mail=ada%40example.com&password=correct+horse+battery")
        .send()
        .await
        .unwrap();
    assert_eq!(login.status(), 303);
    assert_eq!(login.headers()["location"], "/");
}

/// Brings every pinned database of an engine up to date; a second start finds nothing to do.
async fn databases_are_brought_up_to_date(postgres: bool) {
    let database = if postgres { "postgres" } else { "sqlite" };
    for release in releases() {
        let mut system = on_database_of(&release, postgres).await;
        is_whole(&release, &system, database).await;
        system.stop_aggregator("TERM");
        system.start_aggregator().await;
        is_whole(&release, &system, database).await;
        // What is backed up now is restored.
        let backup = system.data.path().join("now.backup");
        let backup = backup.to_str().unwrap();
        system.dayfly(&["backup", backup]);
        system.stop_aggregator("TERM");
        system.dayfly(&["restore", "--replace", backup]);
        system.start_aggregator().await;
        is_whole(&release, &system, database).await;
    }
}

#[tokio::test]
async fn every_earlier_database_is_brought_up_to_date_on_sqlite() {
    databases_are_brought_up_to_date(false).await;
}

#[tokio::test]
async fn every_earlier_database_is_brought_up_to_date_on_postgres() {
    databases_are_brought_up_to_date(true).await;
}

#[tokio::test]
async fn every_earlier_backup_is_restored_on_both_engines() {
    for release in releases() {
        for postgres in [false, true] {
            let options = Options {
                postgres,
                ..Options::default()
            };
            let mut system = System::unstarted(options).await;
            let file = release.file("all.backup");
            system.dayfly(&["restore", file.to_str().unwrap()]);
            system.start_aggregator().await;
            is_whole(&release, &system, "sqlite").await;
        }
    }
}

/// Imports an export, and tells what is known then, by several dimensions.
pub fn exported(system: &System, file: &Path, days: &str) -> Value {
    system.dayfly(&["site", "set", SITE, "--keep-months", "1200"]);
    system.dayfly(&["import", "--site", SITE, file.to_str().unwrap()]);
    let by = |by: &str| {
        let mut words = vec!["query", "--site", SITE, "--range", days, "--by", by];
        words.extend(["--format", "csv"]);
        (by.to_owned(), json!(system.dayfly(&words)))
    };
    let all = ["time:day", "event:page", "visit:source", "visit:country"].map(by);
    Value::Object(all.into_iter().collect())
}

#[tokio::test]
async fn every_earlier_export_is_read() {
    for release in releases() {
        let system = System::aggregator_alone().await;
        let told = exported(&system, &release.file("export.zip"), release.text("days"));
        assert_eq!(told, release.expected["exported"]);
    }
}
