//! `/metrics`: what was counted, and what is looked up when it is asked for.

use std::path::Path;

use shared::clock::UnixMs;

use super::metrics::{Batch, Code, Kind, Login};
use super::text::Text;
use crate::serve::App;

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

/// The text that Prometheus reads.
pub async fn scrape(app: &App) -> String {
    let mut text = Text::default();
    let (metrics, now_ms) = (&app.metrics, app.clock.now_ms());
    text.begin(
        "dayfly_build_info",
        GAUGE,
        "1, under the version of this server.",
    );
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.value("dayfly_build_info", &version, 1);
    text.one(
        "dayfly_uptime_seconds",
        GAUGE,
        "For how long this process runs.",
        metrics.started.elapsed().as_secs(),
    );
    ingest(&mut text, app);
    delivery(&mut text, app, now_ms);
    requests(&mut text, app);
    store(&mut text, app, now_ms).await;
    process(&mut text);
    text.finish()
}

fn ingest(text: &mut Text, app: &App) {
    let metrics = &app.metrics;
    let name = "dayfly_batches_total";
    text.begin(
        name,
        COUNTER,
        "Batches of the edge, by what became of them.",
    );
    for became in Batch::ALL {
        let labels = [("result", became.label())];
        text.value(name, &labels, metrics.batches(*became));
    }
    text.one(
        "dayfly_batch_bytes_total",
        COUNTER,
        "Bytes of batches as they came, packed.",
        metrics
            .batch_bytes
            .load(std::sync::atomic::Ordering::Relaxed),
    );
    let name = "dayfly_batch_apply_seconds";
    text.begin(name, "histogram", "How long it took to apply a batch.");
    text.histogram(name, &[], &metrics.apply);
    text.one(
        "dayfly_edge_signatures_refused_total",
        COUNTER,
        "Requests to the edge's channel that were not signed with a key of this server, or by a clock that is off.",
        metrics.signatures_refused(),
    );
}

fn delivery(text: &mut Text, app: &App, now_ms: UnixMs) {
    let ages = [
        (
            "dayfly_edge_heard_age_seconds",
            "How long ago the edge last spoke; it does so every minute. Absent until it has.",
            app.edge_heard_ms(),
        ),
        (
            "dayfly_last_batch_age_seconds",
            "How long ago this process last applied a batch. Absent until it has.",
            app.metrics.last_batch_ms(),
        ),
    ];
    for (name, help, at_ms) in ages {
        text.begin(name, GAUGE, help);
        if let Some(at_ms) = at_ms {
            text.value(name, &[], seconds_since(at_ms, now_ms));
        }
    }
    text.one(
        "dayfly_edge_clock_ahead_seconds",
        GAUGE,
        "By how much the edge's clock was ahead of this server's when it last spoke; 300 either way are too many.",
        app.metrics.edge_ahead_s(),
    );
    text.one(
        "dayfly_salts_kept_here",
        GAUGE,
        "1 on the server that keeps the salts, 0 on those that have them from it.",
        u8::from(app.salts_from.is_none()),
    );
    text.one(
        "dayfly_salts_trouble",
        GAUGE,
        "1 while this server has no salts to give: edges go on with those they have, of today and tomorrow.",
        u8::from(app.salts_trouble.text().is_some()),
    );
    text.one(
        "dayfly_database_moved",
        GAUGE,
        "1 while the database is being moved, and after, until the server is restarted with the new one.",
        u8::from(app.moving.get().is_some()),
    );
    let sums = app.reports.sums(now_ms);
    for (name, help, value) in [
        (
            "dayfly_edge_sources",
            "Day objects of the edge with something to tell.",
            sums.sources,
        ),
        (
            "dayfly_edge_batches_waiting",
            "Batches that wait at the edge.",
            sums.waiting,
        ),
        (
            "dayfly_edge_dead_letters",
            "Batches that this server could not read, kept at the edge.",
            sums.dead,
        ),
        (
            "dayfly_edge_sources_stuck",
            "Day objects whose first batch is refused.",
            sums.stuck,
        ),
        (
            "dayfly_edge_sources_unknown",
            "Those of them whose site the database does not know.",
            sums.unknown_site,
        ),
        (
            "dayfly_edge_sources_other_version",
            "Those of them whose batches are of a version that this server does not take.",
            sums.other_version,
        ),
    ] {
        text.one(name, GAUGE, help, value);
    }
}

fn requests(text: &mut Text, app: &App) {
    let metrics = &app.metrics;
    let name = "dayfly_http_request_seconds";
    text.begin(name, "histogram", "How long it took until an answer began, by what was asked for; kind=query are questions to the stats APIs, kind=page pages with numbers.");
    for kind in Kind::ALL {
        if let Some(histogram) = metrics.requests(*kind) {
            text.histogram(name, &[("kind", kind.label())], histogram);
        }
    }
    let name = "dayfly_http_responses_total";
    text.begin(
        name,
        COUNTER,
        "Answers, by what was asked for and by status.",
    );
    for kind in Kind::ALL {
        for code in Code::ALL {
            let labels = [("kind", kind.label()), ("code", code.label())];
            text.value(name, &labels, metrics.answers(*kind, *code));
        }
    }
    let name = "dayfly_logins_refused_total";
    text.begin(
        name,
        COUNTER,
        "Log-ins that were refused: passwords, codes, passwords of shared links.",
    );
    for why in Login::ALL {
        text.value(
            name,
            &[("reason", why.label())],
            metrics.logins_refused(*why),
        );
    }
}

async fn store(text: &mut Text, app: &App, now_ms: UnixMs) {
    let (size, sites) = tokio::join!(app.store.size_bytes(), app.store.site_ids());
    let is_up = size.is_ok() && sites.is_ok();
    text.one(
        "dayfly_database_up",
        GAUGE,
        "1 while the database answers.",
        u8::from(is_up),
    );
    if let (Ok(bytes), Ok(sites)) = (size, sites) {
        text.one(
            "dayfly_database_bytes",
            GAUGE,
            "Bytes of the database.",
            bytes,
        );
        text.one("dayfly_sites", GAUGE, "Sites.", sites.len());
    }
    if let Some((free, all)) = app.data_folder.as_deref().and_then(room) {
        let help = "Bytes that are free where the data folder is.";
        text.one("dayfly_data_free_bytes", GAUGE, help, free);
        let help = "Bytes that there are where the data folder is.";
        text.one("dayfly_data_size_bytes", GAUGE, help, all);
    }
    if let Some(backups) = &app.backups {
        let name = "dayfly_backup_age_seconds";
        text.begin(
            name,
            GAUGE,
            "How old the newest backup by the clock is. Absent until there is one.",
        );
        if let Some(at_ms) = crate::backup::newest_ms(&backups.folder) {
            text.value(name, &[], seconds_since(at_ms, now_ms));
        }
    }
}

/// Free bytes and all bytes of a folder's file system, for whoever is not root.
pub fn room(folder: &Path) -> Option<(u64, u64)> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some((
        about.f_bavail.saturating_mul(about.f_frsize),
        about.f_blocks.saturating_mul(about.f_frsize),
    ))
}

/// Under the names that client libraries of Prometheus use.
fn process(text: &mut Text) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        let rest = line.strip_prefix("VmRSS:")?;
        rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    });
    if let Some(kilobytes) = kilobytes {
        let help = "Bytes of RAM that this process uses.";
        text.one(
            "process_resident_memory_bytes",
            GAUGE,
            help,
            kilobytes * 1_024,
        );
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let help = "Files and connections that this process has open.";
        text.one("process_open_fds", GAUGE, help, open.count());
    }
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // What follows the name, which may hold anything: the 12th and 13th are ticks of CPU.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    if let (Some(user), Some(system)) = (ticks(11), ticks(12)) {
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let help = "Seconds of CPU that this process has used.";
        let seconds = (user + system) as f64 / per_second as f64;
        text.one("process_cpu_seconds_total", COUNTER, help, seconds);
    }
}

fn seconds_since(at_ms: UnixMs, now_ms: UnixMs) -> i64 {
    now_ms.saturating_sub(at_ms).max(0) / 1_000
}
