//! `dayfly migrate` on the whole system: from SQLite to Postgres while page views come (I6, I7).

use std::process::Command;
use std::time::{Duration, Instant};

use aggregator::store::{Place, Store};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::load::{self, Load};
use crate::system::{Options, PATIENCE, Process, SITE, System, dayfly, free_port};

const PASSWORD: &str = "not-to-be-shown-anywhere";

/// A new database; its URL has a password, which the test's server does not ask for.
async fn database() -> String {
    let url = crate::postgres::database().await;
    let (scheme, rest) = url.split_once("://dayfly").unwrap();
    let rest = rest.trim_start_matches(':');
    let with_password = format!(
        "{scheme}://dayfly:{PASSWORD}{}",
        &rest[rest.find('@').unwrap()..]
    );
    // Whatever is told of it names neither.
    assert!(with_password.contains(PASSWORD));
    with_password
}

async fn under_load() -> System {
    System::start_with(Options {
        client_ip_header: Some(load::ADDRESS),
        ..Options::default()
    })
    .await
}

async fn health(system: &System) -> Value {
    let answer = system
        .http
        .get(system.dashboard_url("/health"))
        .send()
        .await;
    answer.unwrap().json().await.unwrap()
}

fn is_clean(text: &str) {
    assert!(!text.contains(PASSWORD), "{text}");
}

/// Starts a move that is not waited for.
fn begin(system: &System, to: &str) -> Process {
    let mut command = Command::new(dayfly());
    command
        .args(["migrate", "--to", to, "--data"])
        .arg(system.data.path());
    system.logged(&mut command, "migrate")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn i6_i7_moved_to_postgres_while_page_views_come_each_counts_once() {
    let mut system = under_load().await;
    let key = system.api_key();
    let cookie = system.log_in().await;
    let load = Load::start(&system, Duration::from_millis(100));
    let some = async || system.totals(&key).await[1] >= 50;
    system.until("some are counted", some).await;

    let to = database().await;
    let told = system.dayfly(&["migrate", "--to", &to]);
    assert!(told.contains(&format!("{SITE}: ")), "{told}");
    assert!(told.contains("the same in both"), "{told}");
    assert!(told.contains("DAYFLY_DATABASE"), "{told}");
    is_clean(&told);

    // The server that goes on running takes nothing, and can be asked.
    let is_told = async || {
        let told = health(&system).await["reason"].to_string();
        told.contains("was moved")
    };
    system.until("the server has seen it", is_told).await;
    let told = health(&system).await;
    assert_eq!(told["status"], "warning", "{told}");
    // Where it went is for whoever runs the server.
    assert!(!told.to_string().contains("postgres"), "{told}");
    assert!(system.logs().contains("was moved to postgres://dayfly@"));
    let counted = system.totals(&key).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(system.totals(&key).await, counted);
    let login = Client::new()
        .post(system.dashboard_url("/login"))
        .header("origin", system.dashboard_url(""))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("mail=admin@example.com&password=correct+horse+battery");
    let login = login.send().await.unwrap();
    assert_eq!(login.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(login.headers().contains_key("retry-after"));
    is_clean(&login.text().await.unwrap());
    // Nobody works on the old one by mistake.
    let commands: [&[&str]; 3] = [&["serve"], &["site", "list"], &["audit", "--offline"]];
    for command in commands {
        let refused = Command::new(dayfly())
            .args(command)
            .env("DAYFLY_DATA", system.data.path())
            .env("DASHBOARD_PORT", free_port().to_string())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success());
        if command != ["serve"] {
            // The running server has the folder, which is told first.
            assert!(error.contains("was moved to postgres://dayfly@"), "{error}");
        }
        is_clean(&error);
    }

    system.stop_aggregator("TERM");
    let refused = system.dayfly_output(&["serve"]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("was moved to postgres://"),
        "{error}"
    );
    system.database = Some(to.clone());
    system.start_aggregator().await;
    let more = async || system.totals(&key).await[1] > counted[1] + 50;
    system.until("it goes on", more).await;
    let acknowledged = load.stop().await;
    load::each_counts_once(&system, &key, &acknowledged).await;
    println!(
        "{} page views, {} of them before the move",
        acknowledged.len(),
        counted[1]
    );

    // The same salts, accounts and keys.
    let page = system
        .http
        .get(system.dashboard_url(&format!("/sites/{SITE}")));
    let page = page.header("cookie", cookie).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.url().path().starts_with("/sites/"), "{}", page.url());
    let nothing_waits = async || {
        let told = system.dayfly(&["audit"]);
        told.contains("All is well.") && told.contains("0 hits, 0 batches at the edge")
    };
    system.until("nothing waits", nothing_waits).await;
    let query =
        serde_json::json!({ "site_id": SITE, "metrics": ["visitors"], "date_range": "day" });
    let (_, answer) = system.api(&key, &query).await;
    assert!(!answer.to_string().contains("degraded"), "{answer}");
    is_clean(&system.logs());

    // Asked again, it has been done. Taken back, the old one is given what it lacks.
    system.database = None;
    let again = system.dayfly(&["migrate", "--to", &to]);
    assert!(again.contains("before"), "{again}");
    is_clean(&again);
    system.stop_aggregator("TERM");
    let back = system.dayfly(&["migrate", "--take-back"]);
    assert!(back.contains("48 hours"), "{back}");
    is_clean(&back);
    system.start_aggregator().await;
    system.view("one-more", "/one-more").await;
    load::each_counts_once(
        &system,
        &key,
        &[acknowledged, vec!["/one-more".to_owned()]].concat(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn i6_i7_a_move_that_is_killed_leaves_the_old_database_as_it_was() {
    let mut system = under_load().await;
    let key = system.api_key();
    let load = Load::start(&system, Duration::from_millis(100));
    let some = async || system.totals(&key).await[1] >= 20;
    system.until("some are counted", some).await;
    let to = database().await;
    let target = Store::open(&Place::Url(to.clone())).await.unwrap();
    target.close().await;
    for _ in 0..2 {
        // It is in the midst of copying for as long as somebody has this table.
        let mut other = PgConnection::connect(&to).await.unwrap();
        let mut held = other.begin().await.unwrap();
        sqlx::raw_sql("LOCK TABLE goal IN SHARE MODE")
            .execute(&mut *held)
            .await
            .unwrap();
        let mut moving = begin(&system, &to);
        let is_told = async || health(&system).await["status"] == "warning";
        system
            .until("the server says that it is moved", is_told)
            .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let before = system.totals(&key).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            system.totals(&key).await,
            before,
            "nothing is taken meanwhile"
        );
        let told = health(&system).await;
        assert!(
            told["reason"].as_str().unwrap().contains("is being moved"),
            "{told}"
        );
        // A second one is told.
        let second = system.dayfly_output(&["migrate", "--to", &to]);
        let error = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(
            !second.status.success() && error.contains("is being moved by dayfly migrate"),
            "{error}"
        );
        // So is whoever wants to change anything.
        let added = system.dayfly_output(&["site", "add", "b.example"]);
        let error = String::from_utf8_lossy(&added.stderr).into_owned();
        assert!(
            !added.status.success() && error.contains("is being moved"),
            "{error}"
        );
        // Pages can be looked at, by whoever was not there before, too.
        let ask = |_| tokio::spawn(system.http.get(system.dashboard_url("/login")).send());
        for page in (0..12).map(ask).collect::<Vec<_>>() {
            assert_eq!(page.await.unwrap().unwrap().status(), StatusCode::OK);
        }
        moving.signal("KILL");
        moving.wait();
        held.rollback().await.unwrap();
        // The old one goes on by itself.
        let goes_on = async || system.totals(&key).await[1] > before[1];
        system.until("it goes on", goes_on).await;
    }
    let log = std::fs::read_to_string(system.log("migrate")).unwrap();
    is_clean(&log);
    // What was killed may hold a connection for a moment.
    let until = Instant::now() + PATIENCE;
    loop {
        let output = system.dayfly_output(&["migrate", "--to", &to]);
        if output.status.success() {
            break;
        }
        assert!(Instant::now() < until, "{output:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    system.stop_aggregator("KILL");
    system.database = Some(to);
    system.start_aggregator().await;
    let acknowledged = load.stop().await;
    load::each_counts_once(&system, &key, &acknowledged).await;
}

#[tokio::test]
async fn a_move_that_cannot_be_is_refused_in_a_line() {
    let system = System::aggregator_alone().await;
    let refused = |arguments: &[&str]| {
        let output = system.dayfly_output(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        is_clean(&error);
        error
    };
    let to = database().await;
    for (to, told) in [
        (format!("mysql://a:{PASSWORD}@b/c"), "--to: neither"),
        ("sqlite".to_owned(), "that is to be moved"),
        (
            format!("postgres://a:{PASSWORD}@127.0.0.1:1/c"),
            "moving to postgres://a@127.0.0.1:1/c",
        ),
        (to.replace("/dayfly_it_", "/dayfly_no_"), "does not exist"),
    ] {
        let error = refused(&["migrate", "--to", &to]);
        assert!(error.contains(told), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
    let error = refused(&["migrate", "--take-back"]);
    assert!(error.contains("was not moved"), "{error}");
    let error = refused(&["migrate"]);
    assert!(error.contains("--to"), "{error}");
    // Somebody else's tables, and no right to make any.
    let mut owner = PgConnection::connect(&to).await.unwrap();
    sqlx::raw_sql("CREATE ROLE nobody_may LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;")
        .execute(&mut owner)
        .await
        .unwrap();
    let without = to.replace("//dayfly:", "//nobody_may:");
    let error = refused(&["migrate", "--to", &without]);
    assert!(error.contains("allowed to make tables"), "{error}");
    let tables = sqlx::raw_sql("DROP ROLE nobody_may")
        .execute(&mut owner)
        .await;
    tables.unwrap();
    // Not empty.
    let target = Store::open(&Place::Url(to.clone())).await.unwrap();
    let day = jiff::civil::date(2026, 1, 1);
    target.add_site("x.example", "UTC", day).await.unwrap();
    target.close().await;
    let error = refused(&["migrate", "--to", &to]);
    assert!(error.contains("has sites or accounts already"), "{error}");
    // Of another version.
    sqlx::raw_sql("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1")
        .execute(&mut owner)
        .await
        .unwrap();
    let error = refused(&["migrate", "--to", &to]);
    assert!(error.contains("a newer Dayfly has written it"), "{error}");
    // All the while the server was well, and took what came.
    let told = health(&system).await;
    assert_eq!(told["status"], "ok", "{told}");
    // A folder without a database is left without one.
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(dayfly())
        .args(["migrate", "--to", &to, "--data"])
        .arg(empty.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(!empty.path().join("dayfly.sqlite").exists());
}
