//! What `scripts/bench store` runs: a synthetic site-year through the real counting core into the
//! real store, and how fast batches go in.
//!
//!     site_year <database: a file, or a postgres:// URL> <page views of the year>
//!
//! With BATCHES naming a folder, the large batches of the first part are written there too, to be
//! posted by bench/store/ingest.mjs. With EVENTS naming a file, the page views and custom events of
//! the year are written there as comma-separated values, for bench/query to ask another database the
//! same questions. Writes one line of JSON. Always the same year: the random source has a fixed seed.
//!
//! The site: 500 pages by a Zipf-like law, 2.5 page views a visit, a week and a day that people
//! have, 45 % of visits without a source, 40 sources, 200 referrers, 20 campaigns on 8 % of visits,
//! 60 countries, 120 combinations of browser, system and their versions that change every month;
//! nine of ten page views are followed by an engagement event, two of a hundred by a custom event
//! with a property.

#![allow(clippy::disallowed_methods)] // It measures time.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use aggregator::segment::Hours;
use aggregator::store::{Applied, Place, Store};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use shared::batch::{Batch, Source};
use shared::call::{Hit, HitKind};
use shared::cube::CUBES;
use shared::day::Day;
use shared::visit::Visitor;
use shared::visitor::SiteId;

/// As `dayfly` has it.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const EVENTS: [&str; 5] = ["Signup", "Download", "Search", "Play", "Share"];
const FIRST: Date = date(2025, 11, 1);
const DAYS: u64 = 365;
const VIEWS_PER_VISIT: f64 = 2.5;
/// Hits between two batches.
const HITS_PER_BATCH: usize = 500;
/// Days that are kept by the hour.
const HOURLY_DAYS: i64 = 60;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// 0 to n - 1, each about 1 / (its number + 1) as often as 0.
    fn zipf(&mut self, n: usize) -> usize {
        (((n as f64 + 1.0).powf(self.share()) - 1.0) as usize).min(n - 1)
    }
}

struct Site {
    pages: Vec<String>,
    sources: Vec<String>,
    referrers: Vec<String>,
    campaigns: Vec<String>,
    countries: Vec<String>,
    versions: Vec<String>,
}

impl Site {
    fn new() -> Self {
        let words = [
            "blog", "docs", "guide", "news", "product", "help", "pricing", "stories",
        ];
        let list = |n: usize, text: &dyn Fn(usize) -> String| (0..n).map(text).collect();
        Self {
            pages: list(500, &|n| match n {
                0 => "/".into(),
                _ => format!("/{}/{}-{n}", words[n % 8], words[n * 3 % 8]),
            }),
            sources: list(40, &|n| match n {
                0 => "Google".into(),
                1 => "Bing".into(),
                _ => format!("site-{n}.example"),
            }),
            referrers: list(200, &|n| format!("site-{}.example/posts/{n}", n % 40)),
            campaigns: list(20, &|n| format!("campaign-{n}")),
            countries: list(60, &|n| {
                let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
                format!("{}{}", letter(n), letter(n / 26 + n * 7))
            }),
            versions: list(200, &|n| n.to_string()),
        }
    }
}

/// One hit of the day in the making; texts by place.
struct Planned {
    at_s: u32,
    visitor: usize,
    visit: usize,
    page: usize,
    kind: u8,
    number: u32,
}

/// What a visitor is and came with.
struct Who {
    country: usize,
    agent: usize,
    traffic: usize,
}

fn day_of(
    number: SiteId,
    site: &Site,
    random: &mut Random,
    at: u64,
    views: u64,
    mut raw: Option<&mut dyn Write>,
    mut take: impl FnMut(Batch),
) {
    let day = FIRST.saturating_add((at as i64).days());
    let source = Source {
        site: number,
        date: day,
        shard: 0,
        incarnation: format!("{at:032x}"),
    };
    let mut who: Vec<Who> = Vec::new();
    let mut plan: Vec<Planned> = Vec::new();
    let visits = (views as f64 / VIEWS_PER_VISIT) as u64;
    for visit in 0..visits as usize {
        // One of seven visits is somebody's second.
        let visitor = match !who.is_empty() && random.share() < 0.14 {
            true => random.below(who.len()),
            false => {
                who.push(Who {
                    country: random.zipf(60),
                    agent: random.zipf(120),
                    traffic: random.next() as usize,
                });
                who.len() - 1
            }
        };
        // Between seven and eleven in the evening, mostly.
        let hour = (random.share() + random.share() + random.share()) / 3.0 * 24.0;
        let mut at_s = (hour * 3_600.0) as u32;
        let mut page = random.zipf(500);
        loop {
            let engaged = 2 + (random.share() * random.share() * 240.0) as u32;
            let last = at_s + engaged;
            let mut push = |at_s: u32, kind, number| {
                plan.push(Planned {
                    at_s: at_s.min(86_399),
                    visitor,
                    visit,
                    page,
                    kind,
                    number,
                });
            };
            push(at_s, 0, 0);
            if random.share() < 0.02 {
                push(at_s + 1, 2, random.below(5) as u32);
            }
            if random.share() < 0.9 {
                push(last, 1, engaged * 1_000 + random.below(1_000) as u32);
            }
            if random.share() < 1.0 / VIEWS_PER_VISIT {
                break;
            }
            at_s = last;
            page = random.zipf(500);
        }
    }
    plan.sort_by_key(|hit| hit.at_s);
    let mut visitors: Vec<Visitor> = who.iter().map(|_| Visitor::default()).collect();
    let mut counting = Day::default();
    let mut seq = 0;
    let month = at / 30 % 12;
    for (n, hit) in plan.iter().enumerate() {
        let Who {
            country,
            agent,
            traffic,
        } = &who[hit.visitor];
        let (share, of) = (traffic % 100, traffic / 100);
        let mut came = [""; 8];
        if share >= 45 {
            let source = (of % 997) * (of % 991) % 40 * (share % 3) / 2;
            came[0] = &site.sources[source.min(39)];
            came[2] = if source < 2 {
                "Organic Search"
            } else {
                "Referral"
            };
            if source >= 2 {
                came[1] = &site.referrers[(source + 40 * (of % 5)) % 200];
            }
            if share >= 92 {
                came[2] = "Email";
                (came[3], came[4], came[5]) = ("newsletter", "email", &site.campaigns[of % 20]);
            }
        }
        let version = 120 + month as usize + agent % 7;
        let client = [
            site.countries[*country].as_str(),
            ["Desktop", "Mobile", "Tablet"][agent % 3],
            ["Chrome", "Safari", "Firefox", "Edge", "Samsung Browser"][agent % 5],
            &site.versions[version],
            ["Windows", "iOS", "Android", "macOS"][agent % 4],
            &site.versions[10 + agent % 6],
        ];
        if let Some(raw) = raw.as_mut().filter(|_| hit.kind != 1) {
            let [country, device, browser, browser_version, os, os_version] = client;
            let [
                source,
                referrer,
                channel,
                utm_source,
                utm_medium,
                utm_campaign,
                ..,
            ] = came;
            let name = match hit.kind {
                0 => "pageview",
                _ => EVENTS[hit.number as usize],
            };
            let (visitor, visit, at_s) = (hit.visitor, hit.visit, hit.at_s);
            let page = &site.pages[hit.page];
            // A disk that is full shows when the other database reads it.
            let _ = writeln!(
                raw,
                "{day},{at_s},{visitor},{visit},{name},{page},{source},{referrer},{channel},{utm_source},{utm_medium},{utm_campaign},{country},{device},{browser},{browser_version},{os},{os_version}"
            );
        }
        let scroll = Some(20 + (hit.number % 81) as u8);
        let event = Hit {
            visitor: None,
            at_s: hit.at_s,
            kind: match hit.kind {
                0 => HitKind::PageView,
                1 => HitKind::Engagement {
                    scroll_percent: scroll,
                    engaged_ms: Some(hit.number),
                },
                _ => HitKind::Custom {
                    name: EVENTS[hit.number as usize],
                    interactive: true,
                },
            },
            page: &site.pages[hit.page],
            host: "www.example.com",
            client,
            traffic: came,
            props: match hit.kind {
                2 => vec![("plan", ["free", "pro", "team"][hit.page % 3])],
                _ => Vec::new(),
            },
            revenue: None,
            goals: Vec::new(),
            steps: Vec::new(),
        };
        // An engagement may find its visit over; that is the rule, and no fault.
        let _ = counting.apply(&mut visitors[hit.visitor], &event);
        let is_last = n + 1 == plan.len();
        if is_last {
            for visitor in &mut visitors {
                counting.end_visit(visitor);
            }
        }
        if is_last || (n + 1) % HITS_PER_BATCH == 0 {
            drop(counting.take_delta());
            while counting.has_open() {
                seq += 1;
                let mut batch = counting.seal(source.clone(), seq, false, is_last);
                batch.minutes.clear();
                batch.live = None;
                take(batch);
            }
        }
    }
}

/// CPU time of this process so far, seconds.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|n| n.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// Most memory it ever had, MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1_024.0
}

fn rows(batch: &Batch) -> usize {
    let rows = CUBES
        .iter()
        .map(|cube| batch.rows(*cube).map_or(0, |rows| rows.len()));
    rows.sum()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(database), Some(views)) = (args.next(), args.next()) else {
        return Err("site_year <file or URL> <page views>".into());
    };
    let views: u64 = views.parse()?;
    let place = match database.starts_with("postgres://") {
        true => Place::Url(database),
        false => Place::File(PathBuf::from(database)),
    };
    let store = Store::open(&place).await?;
    store.add_site("example.com", "UTC", FIRST).await?;
    let added = store.site("example.com").await?;
    let number = added.ok_or("the site is not there")?.id;
    let site = Site::new();
    let mut random = Random(1);

    // A day in few, large batches: how fast rows go in. What an HTTP request costs is left out,
    // reading the body is not.
    let mut large: Vec<Vec<u8>> = Vec::new();
    let mut rows_in = 0;
    {
        let mut counting: Vec<Batch> = Vec::new();
        for at in 0..4 {
            day_of(
                number,
                &site,
                &mut random,
                4_000 + at,
                60_000,
                None,
                |batch| counting.push(batch),
            );
        }
        // What was sealed in small batches, as an edge sends it that was without its aggregator.
        for batch in joined(counting) {
            rows_in += rows(&batch);
            let body = batch.encode()?;
            if let Some(folder) = std::env::var_os("BATCHES") {
                let (source, seq) = (&batch.source, batch.seq);
                let name = format!(
                    "{}{:06}-{seq:06}",
                    source.date.year(),
                    source.date.day_of_year()
                );
                std::fs::write(PathBuf::from(folder).join(name), &body)?;
            }
            large.push(body);
        }
    }
    let (begin, cpu) = (Instant::now(), cpu_s());
    for (n, body) in large.iter().enumerate() {
        let batch = Batch::decode(body)?;
        let applied = store.apply_batch(&batch, [n as u8; 32], 0).await?;
        assert_eq!(applied, Applied::Now);
    }
    let rows_per_s = rows_in as f64 / begin.elapsed().as_secs_f64();
    let cpu_us_per_row = (cpu_s() - cpu) * 1e6 / rows_in as f64;
    let ingest_peak_mb = peak_mb();

    // The year.
    let mut raw = match std::env::var_os("EVENTS") {
        Some(file) => Some(BufWriter::new(std::fs::File::create(file)?)),
        None => None,
    };
    let (begin, mut batches, mut year_rows) = (Instant::now(), 0_u64, 0_usize);
    for at in 0..DAYS {
        let weekday = [1.1, 1.2, 1.2, 1.15, 1.0, 0.65, 0.7][(at % 7) as usize];
        let mut ready = Vec::new();
        let today = (views as f64 / DAYS as f64 * weekday) as u64;
        let raw = raw.as_mut().map(|raw| raw as &mut dyn Write);
        day_of(number, &site, &mut random, at, today, raw, |batch| {
            ready.push(batch)
        });
        for batch in ready {
            batches += 1;
            year_rows += rows(&batch);
            store.apply_batch(&batch, [1; 32], 0).await?;
        }
    }
    let applied_s = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let end = FIRST.saturating_add((DAYS as i64).days());
    let fold_until = end.saturating_sub(HOURLY_DAYS.days());
    for day in store.days_to_merge(number, end, fold_until).await? {
        let hours = if day < fold_until {
            Hours::Folded
        } else {
            Hours::Kept
        };
        store.merge_day(number, day, hours).await?;
    }
    store
        .forget_markers(number, end.saturating_add(30.days()))
        .await?;
    store.give_back().await?;
    let tidied_s = begin.elapsed().as_secs_f64();
    let counted = store.bytes_by_part(number, FIRST, end).await?;
    store.close().await;
    println!(
        "{{\"rows_per_s\":{rows_per_s:.0},\"cpu_us_per_row\":{cpu_us_per_row:.2},\"ingest_peak_mb\":{ingest_peak_mb:.0},\
         \"large_batches\":{},\"large_rows\":{rows_in},\"batches\":{batches},\"rows\":{year_rows},\
         \"applied_s\":{applied_s:.1},\"tidied_s\":{tidied_s:.1},\"views\":{},\"bytes\":{},\"rollup_bytes\":{},\"peak_mb\":{:.0}}}",
        large.len(),
        counted.views,
        counted.cubes + counted.rollups,
        counted.rollups,
        peak_mb()
    );
    Ok(())
}

/// Small batches to ones as large as may be.
fn joined(batches: Vec<Batch>) -> Vec<Batch> {
    let mut all: Vec<Batch> = Vec::new();
    for batch in batches {
        match all.last_mut() {
            Some(last) if last.source == batch.source && rows(last) + rows(&batch) < 18_000 => {
                append(last, batch);
            }
            _ => {
                let seq = match all.last() {
                    Some(last) if last.source == batch.source => last.seq + 1,
                    _ => 1,
                };
                all.push(Batch { seq, ..batch });
            }
        }
    }
    all
}

/// Adds the rows of one batch to another of the same source.
fn append(to: &mut Batch, from: Batch) {
    let strings = to.strings.len() as u64;
    let (visits, clients) = (to.visit_attrs.len() as u64, to.client_attrs.len() as u64);
    to.strings.extend(from.strings);
    to.visit_attrs.extend(
        from.visit_attrs
            .iter()
            .map(|t| t.map(|place| place + strings as u32)),
    );
    to.client_attrs.extend(
        from.client_attrs
            .iter()
            .map(|c| c.map(|place| place + strings as u32)),
    );
    let shifted = |rows: Vec<Vec<u64>>, texts: usize| {
        rows.into_iter().map(move |mut row| {
            for place in &mut row[1..=texts] {
                *place += strings;
            }
            row[texts + 1] += visits;
            row[texts + 2] += clients;
            row
        })
    };
    to.visits.extend(shifted(from.visits, 0));
    to.pages.extend(shifted(from.pages, 2));
    to.exits.extend(shifted(from.exits, 1));
    to.events.extend(shifted(from.events, 2));
    to.props.extend(shifted(from.props, 3));
    to.hits_total = from.hits_total;
    to.closed = from.closed;
}
