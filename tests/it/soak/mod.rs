//! `scripts/bench soak`: an hour of everything at once, and then whether all of it was counted once and
//! memory stayed flat. Not part of `cargo test`.
//!
//! | quarter | beside beacons and questions |
//! |---|---|
//! | first | in its first half both sides are stopped and killed, three times each; then caches fill |
//! | second | nothing: memory is compared with this |
//! | third | nobody answers the edge for a third of it, then somebody takes its batches and never answers |
//! | fourth | nothing: memory may be 110 % of the second quarter's |
//! | after | both sides stopped and killed once more, then no more beacons; what was answered is compared with what is counted |
//!
//! One of the two sites ends its day within the hour, whenever that begins. Both have a month of days from
//! before, so that a week and a month are as much to read before that midnight as after it.

mod beacons;
mod history;
pub mod line;
mod memory;
mod questions;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

use crate::load::ADDRESS;
use crate::system::{Options, System, root};
use beacons::{Beacons, Site};
use line::{Line, Mode};
use memory::Memory;
use questions::Questions;
use watch::{Side, Watch};

/// The last quarter's memory over the second's, at most.
const GROWTH_MAX: f64 = 1.10;
const MINUTES: u64 = 60;
/// After a restart nothing else happens for so long.
const BREATH: Duration = Duration::from_secs(10);
/// How long what waits at the edge may take to arrive at the end.
const DRAIN: Duration = Duration::from_secs(120);

/// A restart: of whom, and by which signal.
const RESTARTS: [(Side, &str); 6] = [
    (Side::Edge, "TERM"),
    (Side::Aggregator, "TERM"),
    (Side::Edge, "KILL"),
    (Side::Aggregator, "KILL"),
    (Side::Edge, "KILL"),
    (Side::Aggregator, "KILL"),
];

/// A zone of whole hours in which it will be `hour` at the next full hour.
fn zone(hour: i64) -> (String, TimeZone) {
    let utc = i64::from(Timestamp::now().to_zoned(TimeZone::UTC).hour()) + 1;
    // From -11 to 12: all of them exist.
    let east = (hour - utc + 11).rem_euclid(24) - 11;
    // Names of this kind count westwards.
    let name = format!("Etc/GMT{:+}", -east);
    let offset = Offset::from_hours(i8::try_from(east).unwrap()).unwrap();
    (name, offset.to_time_zone())
}

async fn restart(system: &mut System, watch: &Watch, memory: &Memory, side: Side, signal: &str) {
    println!("soak: {:>5} s: {side:?} gets {signal}", watch.seconds());
    let restart = watch.restart(side);
    match side {
        Side::Edge => {
            system.stop_edge(signal);
            system.start_edge().await;
        }
        Side::Aggregator => {
            system.stop_aggregator(signal);
            system.start_aggregator().await;
        }
    }
    restart.done();
    memory.watch(system);
}

/// Sleeps until so much of the time has passed.
async fn until(watch: &Watch, whole: Duration, share: f64) {
    let at = watch.began + whole.mul_f64(share);
    tokio::time::sleep_until(at.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes an hour; scripts/bench soak"]
async fn soak() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(MINUTES, |n| n.parse().unwrap());
    let whole = Duration::from_secs(minutes * 60);
    let mut system = System::aggregator_alone_with(Options {
        client_ip_header: Some(ADDRESS),
        postgres: std::env::var("SOAK_DATABASE").is_ok_and(|database| database == "postgres"),
        ..Options::default()
    })
    .await;
    // In the first it is eight in the morning, in the second it is soon midnight.
    let sites = [("steady.example", zone(8)), ("midnight.example", zone(0))];
    let sites = sites.map(|(name, (zone, time_zone))| {
        system.dayfly(&["site", "add", name, "--timezone", &zone]);
        system.dayfly(&["goal", "add", name, "--event", "Signup"]);
        system.dayfly(&["goal", "add", name, "--page", "/blog/*", "--scroll", "50"]);
        system.dayfly(&["funnel", "add", name, "--name", "Join", "2", "1"]);
        let site = Site { name, time_zone };
        history::import(&system, &site);
        site
    });
    let (line, port) = Line::start(system.dashboard_port).await;
    system.delivers_to = Some(port);
    system.start_edge().await;
    let key = system.api_key();
    let cookie = system.log_in().await;

    let watch = Arc::new(Watch::default());
    let memory = Memory::start(&system, watch.clone());
    let beacons = Beacons::start(&system, &watch, &sites);
    let questions = Questions::start(&system, &watch, &sites, &key, &cookie);
    println!("soak: {minutes} minutes");

    let spread = 0.125 / (RESTARTS.len() as f64 + 1.0);
    for (n, (side, signal)) in (1..).zip(RESTARTS) {
        until(&watch, whole, spread * f64::from(n)).await;
        restart(&mut system, &watch, &memory, side, signal).await;
    }
    until(&watch, whole, 0.52).await;
    for (mode, share) in [
        (Mode::Refuses, 0.60),
        (Mode::Hangs, 0.62),
        (Mode::Open, 1.0),
    ] {
        println!(
            "soak: {:>5} s: to the edge, the aggregator {mode:?}",
            watch.seconds()
        );
        line.set(mode);
        until(&watch, whole, share).await;
    }
    for (side, signal) in &RESTARTS[..4] {
        restart(&mut system, &watch, &memory, *side, signal).await;
        tokio::time::sleep(BREATH).await;
    }
    let sent = beacons.stop().await;
    let asked = questions.stop().await;
    println!("soak: {:>5} s: no more beacons", watch.seconds());

    let mut problems = watch.problems();
    let counted = counted(&system, &key, &sites, &sent, &mut problems).await;
    let server = system.dashboard_url("");
    let audit = system.dayfly_output(&["audit", "--server", &server]);
    let told = String::from_utf8_lossy(&audit.stdout);
    if !audit.status.success() || !told.contains("All is well.") {
        problems.push(format!("dayfly audit: {told}"));
    }
    let panicked = system.logs().matches("panicked").count();
    if panicked > 0 {
        problems.push(format!("{panicked} panics in the logs"));
    }
    let memory = memory.report(whole);
    for (name, of) in memory.as_object().unwrap() {
        let growth = of["growth"].as_f64().unwrap();
        if growth > GROWTH_MAX {
            problems.push(format!(
                "the memory of {name} grew to {growth:.2} times itself"
            ));
        }
    }
    let report = json!({
        "benchmark": "soak", "minutes": minutes,
        "database": if system.database.is_some() { "Postgres" } else { "SQLite" },
        "beacons": sent.report(), "questions": asked.report(), "counted": counted,
        "memory": memory, "failed_in_restarts": watch.failed_in_restarts(),
        "restarts": RESTARTS.len() + 4, "problems": problems,
    });
    let text = serde_json::to_string_pretty(&report).unwrap();
    println!("{text}");
    if let Some(file) = std::env::var_os("SOAK_RESULT") {
        std::fs::write(file, text + "\n").unwrap();
    }
    // What is printed is committed with the results: logs hold the link to the first account.
    let log = root().join("tests/artifacts/soak.log");
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    std::fs::write(log, system.logs()).unwrap();
    assert!(
        problems.is_empty(),
        "{problems:#?}\nlogs are in tests/artifacts/soak.log"
    );
}

/// Compares what was answered with what is counted, site by site, once it no longer changes.
async fn counted(
    system: &System,
    key: &str,
    sites: &[Site; 2],
    sent: &beacons::Sent,
    problems: &mut Vec<String>,
) -> Value {
    let mut report = Vec::new();
    for site in sites {
        let expected = sent.of(site.name);
        let from = Instant::now();
        let mut found = totals(system, key, site).await;
        while (0..4).any(|n| found[n] < expected[n].at_least) && from.elapsed() < DRAIN {
            tokio::time::sleep(Duration::from_secs(1)).await;
            found = totals(system, key, site).await;
        }
        // What came with the last batch is still to come for some of them.
        tokio::time::sleep(BREATH).await;
        let found = totals(system, key, site).await;
        for (found, expected) in found.iter().zip(&expected) {
            let is_right = (expected.at_least..=expected.at_most).contains(found);
            if !is_right {
                problems.push(format!(
                    "{}: {} counted, expected {expected:?}",
                    site.name, found
                ));
            }
            report.push(json!({
                "site": site.name, "what": expected.what, "counted": found,
                "at_least": expected.at_least, "at_most": expected.at_most,
            }));
        }
    }
    Value::Array(report)
}

/// Page views, events named Signup, purchases, and visitors by day.
async fn totals(system: &System, key: &str, site: &Site) -> [u64; 4] {
    let today = site.today();
    let range = json!([site.first().to_string(), today.to_string()]);
    let ask = async |metric: &str, name: Option<&str>, range: Value| {
        let mut query = json!({"site_id": site.name, "metrics": [metric], "date_range": range});
        if let Some(name) = name {
            query["filters"] = json!([["is", "event:name", [name]]]);
        }
        let (status, answer) = system.api(key, &query).await;
        assert_eq!(status, 200, "{answer}");
        answer["results"][0]["metrics"][0].as_u64().unwrap_or(0)
    };
    let mut visitors = 0;
    let mut day = site.first();
    while day <= today {
        visitors += ask("visitors", None, json!([day.to_string(), day.to_string()])).await;
        day = day.tomorrow().unwrap();
    }
    [
        ask("pageviews", None, range.clone()).await,
        ask("events", Some("Signup"), range.clone()).await,
        ask("events", Some("Purchase"), range).await,
        visitors,
    ]
}

/// The date in a zone.
fn date(time_zone: &TimeZone) -> Date {
    Timestamp::now().to_zoned(time_zone.clone()).date()
}
