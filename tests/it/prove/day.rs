//! The scripted day.

use std::time::{Duration, Instant};

use jiff::civil::time;
use shared::address::ClientAddress;

use super::canary::{CONTROL, Canaries, PACKED};
use super::midnight::{self, OTHER_SITE};
use super::scan::{Scanner, Seen};
use super::table::{Outcome, Promise, Table};
use super::tap::Tap;
use super::{columns, everything, wire};
use crate::needles::encoded;
use crate::system::{KEY, Options, PATIENCE, SITE, System};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Page views of one round of the canaries, and visitors.
const VIEWS: u64 = 12;
const VISITORS: u64 = 4;
/// How either side is ended, in turn.
const ENDS: [&str; 3] = ["TERM", "KILL", "ABRT"];

/// See the name.
pub const CANARY: Promise = Promise {
    name: "prove_nothing_that_tells_who_it_was_is_kept",
    promise: "No address, User-Agent, cookie, query of a page or referrer, mail address or token of a \
              path is kept or sent on, whatever happens to the processes.",
    tried: "Visitors with unique ones; both sides stopped (SIGTERM), killed (kill -9) and \
            crashed (SIGABRT, as a panic or an allocator does) in turn, then every byte of every file, database value, log, answer of \
            /health and of the wire between edge and aggregator is searched: as it is, hex, base64, \
            UTF-16, packed, and hashed without the salt (MD5, SHA-1, SHA-256, SHA-512, HMAC under \
            every lasting key). The page they saw must be found, or the search has no eyes.",
};

/// See the name.
pub const COPIES: Promise = Promise {
    name: "prove_nothing_that_tells_who_it_was_is_in_a_copy",
    promise: "Nor is it in a backup, an export or an audit.",
    tried: "The same search in dayfly backup, dayfly export of each form and dayfly audit.",
};

/// See the name.
pub const SECRETS: Promise = Promise {
    name: "prove_no_secret_is_in_a_log",
    promise: "Keys, passwords and what opens a log-in are in no log, backup or export, and hashed in \
              the database.",
    tried: "The edge key, an API key, a password, the cookie of a log-in and the link for the first \
            account, in logs at level debug, the database, the wire and copies; only edge.key may hold \
            the edge key.",
};

/// See the name.
pub const COUNTED: Promise = Promise {
    name: "prove_all_that_was_acknowledged_counts_once",
    promise: "All of this loses and doubles nothing: what was acknowledged counts once.",
    tried: "Page views and visitors of the day, against what was sent before and after each end of a \
            process; dayfly audit.",
};

/// See the name.
pub const ERASED: Promise = Promise {
    name: "prove_what_is_over_or_removed_is_gone_from_the_files",
    promise: "What is older than a site keeps, and all of a site that is removed, is gone, from the \
              files as well.",
    tried: "By the clock: keep-months 1, then 70 days and what it takes more; and dayfly site remove. Then the same search \
            for the site's pages (on Postgres after its VACUUM, and not in its write-ahead log, which \
            it recycles when it wants).",
};

/// Plays the day on an engine.
pub async fn day(table: &mut Table, on: &'static str, postgres: bool) {
    let mut system = System::aggregator_alone_with(Options {
        client_ip_header: Some("X-Real-IP"),
        test_clock: true,
        postgres,
        log: Some("debug"),
        ..Options::default()
    })
    .await;
    let (tap, port) = Tap::start(system.dashboard_port).await;
    system.delivers_to = Some(port);
    system.dayfly(&["site", "add", OTHER_SITE, "--timezone", "Europe/Berlin"]);
    everything::execute(&system, &shards(&system)).await;
    system.start_edge().await;
    system.advance_to(time(12, 0, 0, 0)).await;
    let key = system.api_key();
    let cookie = system.log_in().await;
    let date = system.today();
    let canaries = Canaries::new();
    let scanner = Scanner::new(canaries.needles(&date.to_string()));
    let secrets = secrets(&system, &key, &cookie);

    // The day, with an end of either process in each of the ways.
    let mut seen = Seen::default();
    let mut views = 0;
    for end in ENDS {
        canaries.visit(&system).await;
        views += VIEWS;
        seen.add(everything::look(&system, &tap, &scanner).await);
        system.stop_edge(end);
        seen.add(everything::look(&system, &tap, &scanner).await);
        system.stop_aggregator(end);
        seen.add(everything::look(&system, &tap, &scanner).await);
        system.start_aggregator().await;
        system.start_edge().await;
    }
    canaries.visit(&system).await;
    views += VIEWS;
    let outcome = counted(&system, &key, [VISITORS, views]).await;
    table.add(&COUNTED, on, outcome);
    seen.add(everything::look(&system, &tap, &scanner).await);
    table.add(&CANARY, on, nothing_but_the_control(&seen));
    let copies = everything::look_at_copies(&system, &scanner);
    table.add(&COPIES, on, nothing_but_the_control(&copies));
    let outcome = no_secret(&system, &tap, secrets).await;
    table.add(&SECRETS, on, outcome);
    let allowed = |attribute: &str| allowed(attribute, &canaries);
    table.add(&wire::WIRE, on, wire::check(&tap.batches(), allowed));
    table.add(&columns::COLUMNS, on, columns::check(&system).await);
    midnight::pass(table, on, &mut system, &canaries).await;
    let outcome = erased(&mut system, &canaries).await;
    table.add(&ERASED, on, outcome);
}

/// Nothing was found but what must be.
fn nothing_but_the_control(seen: &Seen) -> Outcome {
    let names = seen.names();
    // Four bytes are somewhere by chance; those of three visitors at once are not.
    let packed = PACKED.iter().filter(|name| names.contains(*name)).count();
    let others = names
        .iter()
        .filter(|name| **name != CONTROL && !PACKED.contains(name));
    match (names.contains(CONTROL), others.count(), packed) {
        (false, ..) => {
            Err("the page that was counted was not found: the search has no eyes".into())
        }
        (true, 0, 0 | 1) => Ok(format!(
            "0 finds in {} files, values and recordings, {}; the page that is counted was found",
            seen.things,
            seen.size()
        )),
        _ => Err(seen.found()),
    }
}

/// What was sent is counted, and the audit agrees.
async fn counted(system: &System, key: &str, totals: [u64; 2]) -> Outcome {
    system.until_totals(key, totals).await;
    let audit = system.dayfly(&["audit", "--server", &system.dashboard_url("")]);
    match audit.contains("All is well.") {
        true => Ok(format!(
            "{} page views of {} visitors, each once, after {} ends of either process; the audit is clean",
            totals[1],
            totals[0],
            ENDS.len()
        )),
        false => Err(audit),
    }
}

/// What nobody may read in a log: name, bytes, and whether `edge.key` may hold it.
fn secrets(system: &System, key: &str, cookie: &str) -> Vec<(String, Vec<u8>)> {
    let link = system.dayfly(&["user", "reset", "admin@example.com"]);
    let token = link.trim().rsplit('/').next().unwrap();
    assert!(token.len() >= 32, "{link}");
    let secrets = [
        ("the edge key", KEY),
        ("an API key", key),
        ("a password", "correct horse battery"),
        ("a log-in's cookie", cookie.split_once('=').unwrap().1),
        ("a one-time link", token),
    ];
    let named = secrets.into_iter().flat_map(|(name, secret)| {
        let forms = encoded(secret.as_bytes()).into_iter();
        forms.map(move |form| (name.to_owned(), form))
    });
    named.collect()
}

async fn no_secret(system: &System, tap: &Tap, secrets: Vec<(String, Vec<u8>)>) -> Outcome {
    let scanner = Scanner::new(secrets);
    let mut seen = everything::look(system, tap, &scanner).await;
    seen.add(everything::look_at_copies(system, &scanner));
    let of_edge = ("the edge key".to_owned(), "edge.key".to_owned());
    match (seen.finds.remove(&of_edge).is_some(), seen.finds.is_empty()) {
        (true, true) => Ok(format!(
            "0 finds in {}; the edge key is in edge.key alone",
            seen.size()
        )),
        (false, _) => Err("the edge key was not found in edge.key: the search has no eyes".into()),
        (true, false) => Err(seen.found()),
    }
}

/// The values that the canaries' visits can give to an attribute.
fn allowed(attribute: &str, canaries: &Canaries) -> Vec<String> {
    let country = |address: &String| {
        let address = ClientAddress::parse(address).unwrap();
        shared::country::of_address(address, None).to_owned()
    };
    let values: Vec<String> = match attribute {
        "Page" => vec![
            canaries.control.clone(),
            "/people/:email/orders".into(),
            "/reset/:id".into(),
        ],
        "Host" => vec![SITE.into()],
        "Source" => vec!["news".into(), "search.example".into()],
        "Referrer" => vec!["search.example/find".into()],
        "Channel" => vec!["Referral".into(), "Unassigned".into()],
        "UtmSource" => vec!["news".into()],
        "Country" => canaries.addresses().iter().map(country).collect(),
        "Device" => vec!["Desktop".into()],
        "Browser" => vec!["Firefox".into()],
        "BrowserVersion" => vec!["128".into()],
        "Os" => vec!["Linux".into()],
        _ => Vec::new(),
    };
    values.into_iter().chain([String::new()]).collect()
}

/// Makes days of several shards of the other site's, from today on, as a busy day before would have.
fn shards(system: &System) -> String {
    let since = jiff::civil::date(1970, 1, 1).until(system.today()).unwrap();
    let (site, day, shards) = (2, since.get_days(), midnight::SHARDS);
    format!("INSERT INTO shards (site_id, date, shards) VALUES ({site}, {day}, {shards})")
}

/// A site that is removed, and retention by the clock.
async fn erased(system: &mut System, canaries: &Canaries) -> Outcome {
    let scanner_of =
        |page: &str| Scanner::new(vec![(CONTROL.to_owned(), page.as_bytes().to_vec())]);
    let scanner = scanner_of(&canaries.control);
    let removed = scanner_of(&canaries.elsewhere);
    for scanner in [&scanner, &removed] {
        if everything::look_at_files(system, scanner)
            .await
            .finds
            .is_empty()
        {
            return Err("it was not found before: the search has no eyes".into());
        }
    }
    system.dayfly(&["site", "remove", OTHER_SITE]);
    // The edge hears of it within the hour.
    gone(system, &removed, HOUR_MS, "a page of the removed site").await?;
    system.dayfly(&["site", "set", SITE, "--keep-months", "1"]);
    system.advance(70 * DAY_MS).await;
    // What the edge has delivered it keeps for two days more.
    let seen = gone(system, &scanner, DAY_MS, "the page of two months ago").await?;
    Ok(format!(
        "a page of the removed site, and one of two months ago, in 0 of {} files and values, {}",
        seen.things,
        seen.size()
    ))
}

/// Lets time pass, so much at a time, until nothing is found any more.
async fn gone(
    system: &mut System,
    scanner: &Scanner,
    step_ms: i64,
    what: &str,
) -> Result<Seen, String> {
    let until = Instant::now() + PATIENCE;
    loop {
        system.advance(step_ms).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        everything::vacuum(system).await;
        let seen = everything::look_at_stored(system, scanner).await;
        if seen.finds.is_empty() {
            return Ok(seen);
        }
        if Instant::now() > until {
            let left = system.day_files().await.into_iter().map(|day| {
                let (name, waiting) = (day.path.file_name().map(ToOwned::to_owned), day.waiting);
                format!("{name:?}, empty {}, waiting {waiting:?}", day.is_empty)
            });
            let left: Vec<String> = left.collect();
            return Err(format!("{what}: {}; day objects: {left:?}", seen.found()));
        }
    }
}
