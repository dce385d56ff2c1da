//! `dayfly audit`: whether everything that was accepted is applied or waits, and what is stored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use aggregator::client;
use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::edge::REPORTS;
use aggregator::error::{Error, Result};
use aggregator::site::Site;
use aggregator::store::{KnownSource, Store, markers_are_kept};
use axum::http::Method;
use clap::Args;
use shared::clock::Clock as _;
use shared::report::Report;
use shared::sign::{EdgeKey, HEADER, Signed};
use shared::visitor::SiteId;

use super::user::port;
use super::{today, with_store};

/// Exit status when something is wrong.
const WRONG: u8 = 3;
/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// `dayfly audit`. Exit status 0: all is well. 3: something is wrong, and said. 1: it could not be
/// found out.
#[derive(Args)]
pub struct AuditCommand {
    /// Where the running server answers: it knows what waits at the edge. Else on this machine, at
    /// DASHBOARD_PORT.
    #[arg(long, env = "DAYFLY_SERVER")]
    server: Option<String>,
    /// Do not ask a server; what waits at the edge is then not known.
    #[arg(long)]
    offline: bool,
    /// The keys the edge signs with, as of dayfly serve: with one of them the server is asked.
    #[arg(long, env = "DAYFLY_EDGE_KEYS", hide_env_values = true)]
    edge_keys: Option<String>,
}

/// What is found, in words.
#[derive(Default)]
struct Findings {
    text: String,
    problems: Vec<String>,
}

impl Findings {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}"); // Writing to a String never fails.
    }
}

impl AuditCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<ExitCode> {
        let reports = match self.offline {
            true => None,
            false => {
                let keys = data.edge_keys(self.edge_keys.as_deref())?;
                let here = || format!("http://127.0.0.1:{}", port());
                Some(ask(&self.server.unwrap_or_else(here), &keys).await?)
            }
        };
        let mut found = Findings::default();
        with_store(data, async |store| {
            audit(store, reports.as_deref(), &mut found).await
        })
        .await?;
        print!("{}", found.text);
        if found.problems.is_empty() {
            println!("\nAll is well.");
            return Ok(ExitCode::SUCCESS);
        }
        println!("\nSomething is wrong:");
        for problem in &found.problems {
            println!("  {problem}");
        }
        Ok(ExitCode::from(WRONG))
    }
}

/// Asks the server what the edge has told it.
async fn ask(server: &str, keys: &[EdgeKey]) -> Result<Vec<(Report, i64)>> {
    let failed = |problem: String| {
        Error::Invalid(format!(
            "the server at {server} cannot be asked what waits at the edge: {problem}; name it with --server, or leave it out with --offline"
        ))
    };
    let key = keys
        .first()
        .ok_or_else(|| failed("there is no edge key".into()))?;
    let signed = Signed {
        method: "GET",
        path: REPORTS,
        body: b"",
    };
    let url = format!("{}{REPORTS}", server.trim_end_matches('/'));
    let signature = signed.sign(key, SystemClock.now_ms());
    let headers = [(HEADER, signature.as_str())];
    let answer = client::ask(Method::GET, &url, &headers, Vec::new(), PATIENCE)
        .await
        .map_err(|problem| failed(format!("it does not answer: {problem}")))?;
    match answer.status {
        200 => serde_json::from_slice(&answer.body)
            .map_err(|_| failed("its answer cannot be read".into())),
        status => Err(failed(format!("it answers {status}"))),
    }
}

async fn audit(
    store: &Store,
    reports: Option<&[(Report, i64)]>,
    found: &mut Findings,
) -> Result<()> {
    let mut strings = 0;
    let sites = store.sites().await?;
    unknown_sites(&sites, reports.unwrap_or_default(), found);
    for site in sites {
        let sources = store.sources(site.id).await?;
        let of_site = reports.map(|reports| {
            let mine = reports
                .iter()
                .filter(|(report, _)| report.source.site == site.id);
            mine.map(|(report, _)| report).collect::<Vec<_>>()
        });
        found.line(&site.domain);
        delivery(&site.domain, &sources, of_site.as_deref(), found);
        let sound = store.soundness(site.id).await?;
        strings += sound.strings;
        found.line(&format!(
            "  stored     {} parts of segments, all read, sums agree",
            sound.parts
        ));
        let named = sound
            .problems
            .into_iter()
            .map(|text| format!("{}: {text}", site.domain));
        found.problems.extend(named);
    }
    let (tables, columns, unknown) = store.schema().await?;
    found.line(&format!(
        "about visitors\n  stored     nothing: {tables} tables with {columns} columns, each of them known to hold counts, settings, markers or accounts; {strings} strings looked at"
    ));
    for column in unknown {
        found.problems.push(format!(
            "the column {column} is none of Dayfly's: what it holds is not known"
        ));
    }
    Ok(())
}

/// What waits at the edge of sites that are not here: it stays there until somebody decides.
fn unknown_sites(sites: &[Site], reports: &[(Report, i64)], found: &mut Findings) {
    let mut waiting: BTreeMap<SiteId, u64> = BTreeMap::new();
    for (report, _) in reports.iter().filter(|(report, _)| report.unknown_site) {
        if sites.iter().all(|site| site.id != report.source.site) {
            *waiting.entry(report.source.site).or_default() += report.waiting;
        }
    }
    for (number, batches) in waiting {
        found.problems.push(format!(
            "the edge holds counts of the site number {number} ({batches} batches wait), which is not in this database: restore a backup that has it, or have the edge drop them with dayfly site forget {number}"
        ));
    }
}

fn delivery(
    domain: &str,
    sources: &[KnownSource],
    reports: Option<&[&Report]>,
    found: &mut Findings,
) {
    let dead: u64 = sources.iter().map(|source| source.set_aside).sum();
    let applied: u64 = sources.iter().map(|source| source.hits_total).sum();
    let applied = applied.saturating_sub(dead);
    let open = sources.iter().filter(|source| !source.closed).count();
    found.line(&format!(
        "  applied    {applied} hits of {} sources, {open} of them not closed",
        sources.len()
    ));
    for source in sources {
        if markers_are_kept(source.date, today()) && source.markers != source.last_seq {
            found.problems.push(format!(
                "{domain}, {}, shard {}: {} batches were applied, but there are {} markers",
                source.date, source.shard, source.last_seq, source.markers
            ));
        }
    }
    let Some(reports) = reports else {
        found.line("  waiting    not known: no server was asked");
        found.line(&format!("  dead       {dead} hits"));
        return;
    };
    let (mut waiting, mut batches, mut letters) = (0, 0, 0);
    for report in reports {
        let of = &report.source;
        let known = sources.iter().find(|source| {
            (source.date, source.shard) == (of.date, of.shard)
                && source.incarnation == of.incarnation
        });
        let (last, hits) = known.map_or((0, 0), |known| (known.last_seq, known.hits_total));
        waiting += report.hits_total.saturating_sub(hits);
        batches += report.waiting;
        letters += report.dead;
        let place = format!("{domain}, {}, shard {}", of.date, of.shard);
        if last < report.acknowledged {
            found.problems.push(format!(
                "{place}: the edge had batch {} acknowledged, this database has them up to {last}; the edge sends what is lacking within the hour",
                report.acknowledged
            ));
        }
        if report.dead > 0 {
            let hits = known.map_or(0, |known| known.set_aside);
            found.problems.push(format!(
                "{place}: {} dead letters with {hits} hits: {}",
                report.dead, report.reason
            ));
        }
        if report.stuck {
            found
                .problems
                .push(format!("{place}: a batch is refused: {}", report.reason));
        }
    }
    found.line(&format!(
        "  waiting    {waiting} hits, {batches} batches at the edge"
    ));
    found.line(&format!(
        "  dead       {dead} hits, {letters} dead letters at the edge"
    ));
    found.line(&format!(
        "  accepted   {} hits = applied + waiting + dead",
        applied + waiting + dead
    ));
}
