//! What can be seen of a running server: the private listener, the page and badge for everybody, and
//! `dayfly doctor`.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::Value;

use crate::system::{KEY, Options, SITE, System, dayfly, free_port, root, view};

/// Names of the metrics that a text names: `dayfly_…` and `process_…`.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_one = |word: &&str| word.starts_with("dayfly_") || word.starts_with("process_");
    words.filter(is_one).map(str::to_owned).collect()
}

/// Names that a scrape has, also of those that have no value yet.
fn scraped(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names = BTreeSet::new();
    for line in types {
        let (name, kind) = line.split_once(' ').unwrap();
        names.insert(name.to_owned());
        if kind == "histogram" {
            names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        }
    }
    names
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}"))
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn prometheus_reads_what_is_counted_and_every_name_of_board_and_rules() {
    let metrics_port = free_port();
    let system = System::start_with(Options {
        metrics_port: Some(metrics_port),
        ..Options::default()
    })
    .await;
    let backups = system.data.path().join("backups");
    assert!(!backups.exists());
    let key = system.api_key();
    let answer = system
        .post(view("/"), &[("x-forwarded-for", "192.0.2.77")])
        .await;
    assert_eq!(answer.status(), 202);
    system.until_totals(&key, [1, 1]).await;
    // Somebody without the key of the edge.
    let http = &system.http;
    let foreign = http
        .get(system.dashboard_url("/edge/v1/roster"))
        .send()
        .await;
    assert_eq!(foreign.unwrap().status(), 401);
    let origin = system.dashboard_url("");
    let guess = http
        .post(system.dashboard_url("/login"))
        .header("origin", &origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("mail=eve%40example.com&password=guess-guess-guess");
    assert_eq!(guess.send().await.unwrap().status(), 401);

    let scrape = http.get(format!("http://127.0.0.1:{metrics_port}/metrics"));
    let scrape = scrape.send().await.unwrap();
    assert_eq!(
        scrape.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = scrape.text().await.unwrap();
    assert!(value(&text, "dayfly_batches_total{result=\"applied\"}") >= 1.0);
    assert_eq!(value(&text, "dayfly_batches_total{result=\"gap\"}"), 0.0);
    assert!(value(&text, "dayfly_batch_apply_seconds_count") >= 1.0);
    assert!(value(&text, "dayfly_last_batch_age_seconds") < 60.0);
    assert!(value(&text, "dayfly_edge_heard_age_seconds") < 60.0);
    assert!(value(&text, "dayfly_edge_clock_ahead_seconds").abs() < 3.0);
    assert_eq!(value(&text, "dayfly_edge_dead_letters"), 0.0);
    assert_eq!(value(&text, "dayfly_edge_signatures_refused_total"), 1.0);
    assert_eq!(
        value(&text, "dayfly_logins_refused_total{reason=\"wrong\"}"),
        1.0
    );
    assert!(value(&text, "dayfly_http_request_seconds_count{kind=\"query\"}") >= 1.0);
    assert_eq!(value(&text, "dayfly_database_up"), 1.0);
    assert!(value(&text, "dayfly_database_bytes") > 8_192.0);
    assert_eq!(value(&text, "dayfly_sites"), 1.0);
    assert!(value(&text, "dayfly_data_free_bytes") > 0.0);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6);
    for personal in ["192.0.2", "127.0.0", "eve@", "eve%40", SITE, "Mozilla"] {
        assert!(!text.contains(personal), "{personal} in\n{text}");
    }
    // `/health` is there, too, and nothing else; and the public listener has no metrics.
    let of = |path: &str| {
        http.get(format!("http://127.0.0.1:{metrics_port}{path}"))
            .send()
    };
    assert_eq!(of("/health").await.unwrap().status(), 200);
    assert_eq!(of("/sites").await.unwrap().status(), 404);
    let public = http.get(system.dashboard_url("/metrics")).send().await;
    assert_eq!(public.unwrap().status(), 404);

    let mut there = scraped(&text);
    // Only where backups are made.
    there.insert("dayfly_backup_age_seconds".into());
    for file in ["grafana.json", "alerts.yml", "README.md"] {
        let text = std::fs::read_to_string(root().join("docs/observing").join(file)).unwrap();
        let wanted = named(&text);
        assert!(wanted.len() > 10, "{file}: {wanted:?}");
        let unknown: Vec<&String> = wanted.difference(&there).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
    let board = std::fs::read_to_string(root().join("docs/observing/grafana.json")).unwrap();
    let board: Value = serde_json::from_str(&board).unwrap();
    assert!(board["panels"].as_array().unwrap().len() >= 10);
}

#[test]
fn a_private_listener_that_others_may_reach_must_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let salts = tempfile::tempdir_in("/dev/shm").unwrap();
    let output = Command::new(dayfly())
        .args(["serve", "--port", &free_port().to_string()])
        .args(["--metrics-listen", &format!("0.0.0.0:{}", free_port())])
        .env("DAYFLY_DATA", folder.path())
        .env("DAYFLY_SALTS_DIR", salts.path())
        .env("DAYFLY_EDGE_KEYS", KEY)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        told.contains("metrics-listen: ") && told.contains("--metrics-anywhere"),
        "{told}"
    );
}

#[tokio::test]
async fn everybody_is_told_how_it_goes_and_no_number() {
    let system = System::start().await;
    let get = async |path: &str| {
        let answer = system.http.get(system.dashboard_url(path)).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "public, max-age=30");
        let policy = answer.headers()["cross-origin-resource-policy"].clone();
        (policy, answer.text().await.unwrap())
    };
    let (policy, page) = get("/status").await;
    assert_eq!(policy, "same-origin");
    assert!(page.contains("Everything is working"), "{page}");
    assert!(!page.contains(SITE));
    let (policy, badge) = get("/status.svg").await;
    assert_eq!(policy, "cross-origin");
    assert!(
        badge.starts_with("<svg") && badge.contains(">working<"),
        "{badge}"
    );
    // So many a minute from one network.
    let mut refused = None;
    for _ in 0..130 {
        let answer = system
            .http
            .get(system.dashboard_url("/status.svg"))
            .send()
            .await;
        let answer = answer.unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    assert!(refused.unwrap().headers().contains_key("retry-after"));
}

/// `dayfly doctor --json` with other settings; its exit status, and what it says.
fn doctor(system: &System, settings: &[(&str, &str)]) -> (i32, Value) {
    let output = doctor_output(system, &["--json"], settings);
    let told = String::from_utf8(output.stdout).unwrap();
    let told = serde_json::from_str(&told)
        .unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), told)
}

fn doctor_output(system: &System, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(dayfly());
    command
        .arg("doctor")
        .args(arguments)
        .env("DAYFLY_DATA", system.data.path())
        .env("DAYFLY_SALTS_DIR", system.salts.path())
        .env("DASHBOARD_PORT", system.dashboard_port.to_string())
        .env("DAYFLY_EDGE_URL", system.edge_url(""));
    command.envs(settings.iter().copied());
    command.output().unwrap()
}

fn check<'a>(told: &'a Value, name: &str) -> &'a Value {
    let checks = told["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {told}"))
}

#[tokio::test]
async fn the_doctor_finds_a_running_system_well_and_says_what_is_wrong_with_a_broken_one() {
    let mut system = System::start().await;
    let close = |mode| {
        for folder in [system.data.path(), system.salts.path()] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    close(0o755);
    let (_, told) = doctor(&system, &[]);
    for name in ["data folder", "salts"] {
        assert_eq!(check(&told, name)["level"], "warning", "{told}");
        let todo = check(&told, name)["todo"].as_str().unwrap();
        assert!(todo.starts_with("close it: chmod 700 "), "{todo}");
    }
    close(0o700);
    let answer = system.post(view("/"), &[]).await;
    assert_eq!(answer.status(), 202);
    let key = system.api_key();
    system.until_totals(&key, [1, 1]).await;
    let (status, told) = doctor(&system, &[]);
    assert_eq!((status, &told["problems"]), (0, &Value::from(0)), "{told}");
    for name in [
        "data folder",
        "database",
        "disk",
        "server",
        "edge key",
        "clocks",
        "delivery",
        "edge",
    ] {
        assert_eq!(check(&told, name)["level"], "ok", "{told}");
    }
    assert_eq!(check(&told, "backups")["level"], "warning");
    assert_eq!(check(&told, "mail")["level"], "skipped");
    let text = doctor_output(&system, &[], &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("0 problems"), "{text}");
    assert!(!text.contains(KEY));

    // Each thing that is wrong is named, with what to do.
    let port = free_port();
    let no_smtp = port.to_string();
    let other_key = "another-key-another-key-another-key-";
    let on_disk = root().join("target");
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);
    let cases: &[Case] = &[
        (
            &[("DAYFLY_LISTNE", "x")],
            "settings",
            "warning",
            "DAYFLY_LISTNE",
        ),
        (
            &[("DAYFLY_DASHBOARD_URL", "https://localhost:1")],
            "settings",
            "problem",
            "DAYFLY_TRUST_PROXY",
        ),
        (
            &[("DAYFLY_SALTS_DIR", on_disk.to_str().unwrap())],
            "salts",
            "problem",
            "is on a disk",
        ),
        (
            &[("DAYFLY_EDGE_KEYS", other_key)],
            "edge key",
            "problem",
            "does not know the key",
        ),
        (
            &[("DAYFLY_EDGE_URL", "http://127.0.0.1:1")],
            "edge",
            "problem",
            "no connection",
        ),
        (
            &[("DAYFLY_DATA", "/nonexistent")],
            "data folder",
            "problem",
            "/nonexistent",
        ),
        (
            &[("DAYFLY_DASHBOARD_URL", "https://localhost:1")],
            "outside",
            "problem",
            "no connection",
        ),
        (
            &[
                ("DAYFLY_SMTP_HOST", "127.0.0.1"),
                ("DAYFLY_SMTP_PORT", &no_smtp),
                ("DAYFLY_MAIL_FROM", "stats@example.com"),
                ("DAYFLY_DASHBOARD_URL", "http://127.0.0.1"),
            ],
            "mail",
            "problem",
            "cannot be reached",
        ),
    ];
    for (settings, name, level, says) in cases {
        let (status, told) = doctor(&system, settings);
        let check = check(&told, name);
        assert_eq!(check["level"], *level, "{settings:?}: {told}");
        assert!(check.to_string().contains(says), "{settings:?}: {check}");
        assert!(!check["todo"].as_str().unwrap().is_empty());
        let wanted = if *level == "problem" { 3 } else { 0 };
        assert_eq!(status, wanted, "{settings:?}: {told}");
    }
    // It makes nothing.
    assert!(!std::path::Path::new("/nonexistent").exists());

    // A damaged file.
    system.stop_edge("TERM");
    system.stop_aggregator("TERM");
    let file = system.data.path().join("dayfly.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    let (status, told) = doctor(&system, &[]);
    assert_eq!(status, 3);
    assert_eq!(check(&told, "database")["level"], "problem", "{told}");
    assert_eq!(check(&told, "server")["level"], "problem");
}

#[tokio::test]
async fn the_doctor_tells_an_edge_with_another_key() {
    let mut system = System::aggregator_alone_with(Options {
        edge_key: Some("wrong-key-wrong-key-wrong-key-wrong-"),
        ..Options::default()
    })
    .await;
    system.start_edge_without_waiting();
    system
        .until("the doctor sees the foreign key", async || {
            let (_, told) = doctor(&system, &[]);
            let found = check(&told, "edge key")["found"]
                .as_str()
                .unwrap()
                .to_owned();
            found.contains("with a key that is none of this server's")
        })
        .await;
}
