//! Makes the files of a release, from what runs: `scripts/pin <release>`, once, when it is made.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use aggregator::accounts::Role;
use aggregator::store::{MailWish, NewSharedLink};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::civil::date;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, checksums, day};
use crate::channel::{full_on, gzip, send};
use crate::on_disk::{contents, counted};
use crate::stored::{look, views};
use crate::system::{Options, SITE, System};

/// Days with something counted, as `dayfly query` takes them, and the last of them.
const DAYS: &str = "2026-11-18,2026-11-20";
const LAST_DAY: &str = "2026-11-20";

/// Events of three days: visits of several pages, campaigns, goals, properties, revenue.
fn events() -> String {
    let mut lines = String::new();
    let mut add = |event: Value| {
        lines.push_str(&event.to_string());
        lines.push('\n');
    };
    for day in 18..=20 {
        for n in 0..12u32 {
            let at = |minute: u32| format!("2026-11-{day}T{:02}:{minute:02}:00Z", 8 + n % 9);
            let (who, country) = (format!("v{n}"), ["DE", "FR", "JP"][n as usize % 3]);
            let url = format!("https://{SITE}/{}?utm_source=letter{}", n % 4, n % 2);
            let referrer = format!("https://search{}.example/", n % 2);
            let common = json!({ "visitor": who, "country": country, "browser": "Firefox" });
            let with = |mut event: Value| {
                for (name, value) in common.as_object().unwrap() {
                    event[name] = value.clone();
                }
                event
            };
            add(with(
                json!({ "name": "pageview", "url": url, "referrer": referrer, "time": at(0) }),
            ));
            if n % 2 == 0 {
                let next = format!("https://{SITE}/blog/{}", n % 3);
                add(with(
                    json!({ "name": "pageview", "url": next, "time": at(n % 5 + 1) }),
                ));
            }
            if n % 3 == 0 {
                let plan = if n % 2 == 0 { "small" } else { "large" };
                let props = json!({ "plan": plan });
                let revenue = json!({ "currency": "EUR", "amount": "19.99" });
                add(with(
                    json!({ "name": "Signup", "url": url, "time": at(9), "props": props, "revenue": revenue }),
                ));
            }
        }
    }
    lines
}

/// Questions whose answers a later release must give, too.
fn questions() -> Vec<Value> {
    let query = |metrics: &[&str], dimensions: &[&str], filters: Value| {
        json!({ "path": "/api/v2/query", "body": {
            "site_id": SITE, "date_range": DAYS.split(',').collect::<Vec<_>>(),
            "metrics": metrics, "dimensions": dimensions, "filters": filters,
        }})
    };
    let visits = [
        "visitors",
        "visits",
        "pageviews",
        "events",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
    ];
    let mut all = vec![query(&visits, &[], json!([]))];
    for dimension in [
        "time:day",
        "time:hour",
        "event:page",
        "event:name",
        "event:props:plan",
        "visit:entry_page",
        "visit:exit_page",
        "visit:source",
        "visit:referrer",
        "visit:channel",
        "visit:utm_source",
        "visit:country",
        "visit:browser",
        "visit:os",
        "visit:device",
    ] {
        let metrics = ["visitors", "events"];
        let metrics = match dimension {
            "visit:entry_page" | "visit:exit_page" => &metrics[..1],
            _ => &metrics,
        };
        all.push(query(metrics, &[dimension], json!([])));
    }
    all.push(query(
        &["visitors", "pageviews"],
        &["event:page", "visit:source"],
        json!([["is", "visit:country", ["DE"]]]),
    ));
    all.push(query(&["visitors", "events"], &["event:goal"], json!([])));
    for path in [
        format!("/api/v1/stats/funnel?site_id={SITE}&funnel=Buy&period=custom&date={DAYS}"),
        format!("/api/v1/sites/goals?site_id={SITE}"),
        format!("/api/v1/sites/shared-links?site_id={SITE}"),
        format!("/api/v1/sites/guests?site_id={SITE}"),
        format!("/api/v1/sites/{SITE}"),
        "/api/v1/sites".to_owned(),
    ] {
        all.push(json!({ "path": path, "body": null }));
    }
    all
}

/// Puts something into every table; gives a key that opens everything.
async fn fill(system: &System, batch: &[u8]) -> String {
    let dayfly = |words: &[&str]| system.dayfly(words);
    dayfly(&[
        "site",
        "set",
        SITE,
        "--keep-months",
        "1200",
        "--gpc",
        "drop",
    ]);
    dayfly(&["site", "add", "b.example", "--timezone", "Asia/Kathmandu"]);
    dayfly(&["site", "add", "gone.example"]);
    dayfly(&["site", "remove", "gone.example"]);
    dayfly(&["shield", "add", SITE, "page", "/admin/**"]);
    dayfly(&["shield", "add", SITE, "network", "192.0.2.0/24"]);
    dayfly(&["goal", "add", SITE, "--page", "/blog/**", "--name", "Reads"]);
    dayfly(&["goal", "add", SITE, "--event", "Signup"]);
    dayfly(&["goal", "add", SITE, "--page", "/0", "--scroll", "75"]);
    dayfly(&["funnel", "add", SITE, "--name", "Buy", "1", "2"]);
    let added = ["user", "add", "ada@example.com", "--password-stdin"];
    let added = system.dayfly_told(&added, "correct horse battery");
    assert!(added.status.success());
    look(system, async |store| {
        let site = store.site(SITE).await.unwrap().unwrap().id;
        let ada = store.account_of("ada@example.com").await.unwrap().unwrap();
        let role = Some(Role::Editor);
        store.set_role(site, ada.id, role).await.unwrap();
        let wish = MailWish {
            weekly_ms: Some(1),
            ..MailWish::default()
        };
        store.set_mail_wish(site, ada.id, &wish).await.unwrap();
        store.mail_key().await.unwrap();
        store.set_public(site, Some(5)).await.unwrap();
        let link = NewSharedLink {
            name: "Agency",
            password: None,
            k: 7,
            works_until: None,
        };
        let on = date(2026, 11, 20);
        store.add_shared_link(site, &link, on).await.unwrap();
        let filters = json!([["is", "event:page", ["/0"]]]);
        let owner = Some(ada.id);
        let saved = store.add_saved_segment(site, owner, "Start", &filters);
        saved.await.unwrap();
    })
    .await;
    let key = dayfly(&[
        "key",
        "create",
        "--scope",
        "sites",
        "--hourly-limit",
        "1000000",
    ]);
    let file = system.data.path().join("events.jsonl");
    std::fs::write(&file, events()).unwrap();
    dayfly(&["import", "--site", SITE, file.to_str().unwrap()]);
    let answer = send(system, Method::POST, "/edge/v1/batches", batch.to_vec(), 0).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "applied");
    key.trim().to_owned()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A Postgres database as SQL, without what only psql knows.
fn dump(url: &str) -> String {
    let folders = std::fs::read_dir("/usr/lib/postgresql");
    let folders = folders.into_iter().flatten().flatten();
    let found = folders.map(|entry| entry.path().join("bin/pg_dump"));
    let found = found.filter(|path| path.exists()).max();
    let program = found.unwrap_or_else(|| PathBuf::from("pg_dump"));
    // What sqlx adds to a URL is for sqlx.
    let url = url.split('?').next().unwrap();
    let output = Command::new(program)
        .args(["--inserts", "--no-owner", "--no-privileges", url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('\\'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The edge's folder: some of what it counted is delivered, some waits for the aggregator.
async fn edge(to: &Path) -> (String, Value) {
    let mut system = System::start().await;
    let key = system.api_key();
    for n in 0..4 {
        system.view(&format!("visitor {n}"), &format!("/{n}")).await;
    }
    system.until_totals(&key, [4, 4]).await;
    system.stop_aggregator("TERM");
    for n in 2..8 {
        system.view(&format!("visitor {n}"), "/later").await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    system.view("visitor 8", "/last").await;
    system.stop_edge("TERM");
    let folder = system.data.path().join("edge");
    for (path, bytes) in contents(&folder) {
        // What SQLite keeps in shared memory it makes anew.
        if path.to_string_lossy().ends_with("-shm") {
            continue;
        }
        let to = to.join(path.strip_prefix(&folder).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
    // Page views, visits, visitors.
    (system.today().to_string(), json!([11, 9, 9]))
}

#[tokio::test]
#[ignore = "scripts/pin makes the files of a release, once"]
async fn pin() {
    let folder = std::env::var_os("DAYFLY_PIN").expect("scripts/pin <release>");
    let folder = PathBuf::from(folder);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let batch = gzip(&full_on(1, LAST_DAY));
    write("batch.json.gz", &batch);
    write("migrations.sha256", checksums().as_bytes());
    let in_mid_day = day::in_mid_day();
    write("day.json", in_mid_day.to_string().as_bytes());

    let mut expected = json!({
        "days": DAYS,
        "batch_date": LAST_DAY,
        "day": day::ended(&in_mid_day, true),
        "day_without_salt": day::ended(&in_mid_day, false),
    });
    for postgres in [true, false] {
        let mut system = System::aggregator_alone_with(Options {
            postgres,
            ..Options::default()
        })
        .await;
        let key = fill(&system, &batch).await;
        let mut asked = questions();
        for question in &mut asked {
            question["answer"] = ask(&system, &key, question).await;
        }
        let data = system.data.path().to_owned();
        let path = |name: &str| data.join(name).display().to_string();
        if postgres {
            system.stop_aggregator("TERM");
            let text = dump(system.database.as_ref().unwrap());
            write("postgres.sql.gz", &packed(text.as_bytes()));
            expected["postgres"] = json!({ "api_key": key, "asked": asked });
            continue;
        }
        let roster = send(&system, Method::GET, "/edge/v1/roster", Vec::new(), 0).await;
        write("roster.json", &roster.bytes().await.unwrap());
        system.dayfly(&["backup", &path("all.backup")]);
        write("all.backup", &std::fs::read(path("all.backup")).unwrap());
        system.dayfly(&["export", "--site", SITE, "-o", &path("export.zip")]);
        write("export.zip", &std::fs::read(path("export.zip")).unwrap());
        system.stop_aggregator("TERM");
        let file = std::fs::read(path("dayfly.sqlite")).unwrap();
        write("sqlite.db.gz", &packed(&file));
        expected["sqlite"] = json!({ "api_key": key, "asked": asked });
    }

    let mut system = System::aggregator_alone().await;
    let answer = send(&system, Method::POST, "/edge/v1/batches", batch, 0).await;
    assert_eq!(answer.status(), 200);
    let day = LAST_DAY.parse().unwrap();
    let [visits, ended, visitors, _] = counted(&system, day).await;
    expected["batch"] = json!([views(&system, day).await, visits, ended, visitors]);
    system.stop_aggregator("TERM");

    let system = System::aggregator_alone().await;
    expected["exported"] = super::database::exported(&system, &folder.join("export.zip"), DAYS);

    let (date, counted) = edge(&folder.join("edge")).await;
    expected["edge_date"] = json!(date);
    expected["edge"] = counted;
    let text = serde_json::to_string_pretty(&expected).unwrap();
    write("expected.json", format!("{text}\n").as_bytes());
}
