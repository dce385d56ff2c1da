//! Beacons of every kind from a fixed crowd, and what of them must be counted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::watch::{Side, Watch};
use crate::load::ADDRESS;
use crate::system::{System, agent};

/// Beacons a second.
const RATE: u32 = 200;
const SENDERS: u32 = 16;
/// Who comes back again and again, some hundred times each, below a day's limit. Everybody looks at the
/// same few pages every time, so that after the first quarter nothing is new, and memory has no reason to grow.
pub const VISITORS: u64 = 4_000;
const PAGES: u64 = 400;
pub const PAGES_EACH: u64 = 4;

/// A site, and where its days begin.
#[derive(Clone)]
pub struct Site {
    pub name: &'static str,
    pub time_zone: TimeZone,
}

impl Site {
    /// The day it began to be counted: the two of them begin within the same hour.
    pub fn first(&self) -> Date {
        self.today().yesterday().unwrap()
    }

    pub fn today(&self) -> Date {
        super::date(&self.time_zone)
    }
}

/// What a beacon is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    View,
    Signup,
    Purchase,
    Engagement,
    /// A view of somebody whose browser asks for privacy: counted without anybody.
    PrivateView,
    Bot,
    Unknown,
    Malformed,
}

/// Of a hundred beacons.
const MIX: [(Kind, u64); 8] = [
    (Kind::View, 66),
    (Kind::Engagement, 14),
    (Kind::Signup, 8),
    (Kind::Purchase, 5),
    (Kind::PrivateView, 3),
    (Kind::Bot, 2),
    (Kind::Unknown, 1),
    (Kind::Malformed, 1),
];

/// What one sender has sent.
#[derive(Default)]
struct Ledger {
    /// By site and kind: acknowledged, and without an answer.
    sent: BTreeMap<(&'static str, Kind), [u64; 2]>,
    /// Site, day before and after, visitor: with a beacon that was acknowledged, or not.
    visitors: [BTreeSet<(&'static str, Date, u64)>; 2],
    /// Beacons that were sent around a midnight, so that their day is not known.
    unsure: BTreeSet<(&'static str, Date, u64)>,
    micros: Vec<u32>,
}

/// What must be counted of a site.
#[derive(Debug)]
pub struct Expected {
    pub what: &'static str,
    pub at_least: u64,
    pub at_most: u64,
}

/// See the module.
pub struct Beacons {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Ledger>>,
}

impl Beacons {
    pub fn start(system: &System, watch: &Arc<Watch>, sites: &[Site; 2]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let senders = (0..SENDERS).map(|n| {
            let sender = Sender {
                watch: watch.clone(),
                sites: sites.clone(),
                http: system.http.clone(),
                url: system.edge_url("/api/event"),
                state: 0x9E37_79B9_7F4A_7C15 ^ u64::from(n + 1),
                ledger: Ledger::default(),
            };
            tokio::spawn(sender.run(stop.clone()))
        });
        let senders = senders.collect();
        Self { stop, senders }
    }

    pub async fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Ledger::default();
        for sender in self.senders {
            let ledger = sender.await.unwrap();
            for (of, n) in ledger.sent {
                let sum = all.sent.entry(of).or_default();
                *sum = [sum[0] + n[0], sum[1] + n[1]];
            }
            for (all, of) in all.visitors.iter_mut().zip(ledger.visitors) {
                all.extend(of);
            }
            all.unsure.extend(ledger.unsure);
            all.micros.extend(ledger.micros);
        }
        all.micros.sort_unstable();
        Sent(all)
    }
}

struct Sender {
    watch: Arc<Watch>,
    sites: [Site; 2],
    http: Client,
    url: String,
    /// Of its random numbers.
    state: u64,
    ledger: Ledger,
}

impl Sender {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Ledger {
        let mut tick = tokio::time::interval(Duration::from_secs(1) * SENDERS / RATE);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) {
            tick.tick().await;
            self.one().await;
        }
        self.ledger
    }

    /// xorshift64: the crowd is the same in every run.
    fn random(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    fn kind(&mut self) -> Kind {
        let mut at = self.random(MIX.iter().map(|(_, share)| share).sum());
        for (kind, share) in MIX {
            if at < share {
                return kind;
            }
            at -= share;
        }
        unreachable!()
    }

    async fn one(&mut self) {
        let (kind, visitor, nth) = (self.kind(), self.random(VISITORS), self.random(PAGES_EACH));
        let page = page(visitor, nth);
        let place = usize::from(self.random(4) == 0);
        let site = self.sites[place].clone();
        let user_agent = match kind {
            Kind::Bot => {
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".into()
            }
            _ => user_agent(visitor),
        };
        let mut request = self
            .http
            .post(&self.url)
            .header("user-agent", user_agent)
            .header(ADDRESS, address(visitor).to_string())
            .timeout(Duration::from_secs(20))
            .body(body(kind, site.name, page).to_string());
        if kind == Kind::PrivateView {
            request = request.header("sec-gpc", "1");
        }
        let (state, before, began) = (self.watch.state(Side::Edge), site.today(), Instant::now());
        let answer = request.send().await;
        let micros = began.elapsed().as_micros();
        let after = site.today();
        let expected = match kind {
            Kind::Malformed => 400,
            _ => 202,
        };
        let place = match answer {
            Ok(answer) if answer.status() == expected => {
                self.ledger.micros.push(u32::try_from(micros).unwrap());
                let dropped = answer.headers().get("x-dayfly-dropped");
                let dropped = dropped.map(|why| why.to_str().unwrap().to_owned());
                let may = match kind {
                    Kind::Bot => Some("bot"),
                    Kind::Unknown => Some("unknown_site"),
                    // Nobody's visit, or one that has ended.
                    Kind::Engagement => dropped.as_ref().map(|_| "engagement_without_visit"),
                    _ => None,
                };
                if dropped.as_deref() != may {
                    let what = format!("{kind:?} was dropped: {dropped:?}");
                    self.watch.failed(Side::Edge, state, &what);
                    return;
                }
                0
            }
            Ok(answer) => {
                let what = format!("{kind:?} was answered {}", answer.status());
                self.watch.failed(Side::Edge, state, &what);
                1
            }
            Err(error) => {
                let what = format!("{kind:?} was not answered: {error:?}");
                self.watch.failed(Side::Edge, state, &what);
                1
            }
        };
        self.ledger.sent.entry((site.name, kind)).or_default()[place] += 1;
        // An engagement that counts is of a visit that has been counted.
        if matches!(kind, Kind::View | Kind::Signup | Kind::Purchase) {
            match before == after {
                true => self.ledger.visitors[place].insert((site.name, before, visitor)),
                false => {
                    self.ledger.unsure.insert((site.name, before, visitor));
                    self.ledger.unsure.insert((site.name, after, visitor))
                }
            };
        }
    }
}

/// The page that a visitor looks at as the nth of theirs.
pub fn page(visitor: u64, nth: u64) -> u64 {
    (visitor * 7 + nth) % PAGES
}

pub fn user_agent(visitor: u64) -> String {
    agent(&(visitor % 40).to_string())
}

pub fn address(visitor: u64) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0b00_0000 + u32::try_from(visitor).unwrap() * 7)
}

pub fn body(kind: Kind, site: &str, page: u64) -> Value {
    let section = ["blog", "docs", "shop", "about"][usize::try_from(page % 4).unwrap()];
    let site = if kind == Kind::Unknown {
        "nobody.example"
    } else {
        site
    };
    let url = format!("https://{site}/{section}/{page}");
    match kind {
        Kind::View | Kind::PrivateView | Kind::Bot | Kind::Unknown => {
            let referrer = [
                "",
                "https://www.google.com/",
                "https://news.ycombinator.com/",
            ];
            let referrer = referrer[usize::try_from(page % 3).unwrap()];
            json!({"n": "pageview", "u": url, "d": site, "r": referrer})
        }
        Kind::Signup => {
            json!({"n": "Signup", "u": url, "d": site, "p": {"plan": format!("plan {}", page % 5)}})
        }
        Kind::Purchase => {
            let amount = format!("{}.{:02}", page % 50 + 1, page % 100);
            json!({"n": "Purchase", "u": url, "d": site, "$": {"currency": "EUR", "amount": amount}})
        }
        Kind::Engagement => {
            json!({"n": "engagement", "u": url, "d": site, "sd": page % 101, "e": 3_000})
        }
        Kind::Malformed => json!({"n": "pageview", "u": 7, "d": site}),
    }
}

/// Everything that was sent.
pub struct Sent(Ledger);

impl Sent {
    /// What of it a site must have counted: page views, signups, purchases, visitors by day.
    pub fn of(&self, site: &'static str) -> [Expected; 4] {
        let kinds = |what, kinds: &[Kind]| {
            let mut expected = Expected {
                what,
                at_least: 0,
                at_most: 0,
            };
            for kind in kinds {
                let [acknowledged, unsure] =
                    self.0.sent.get(&(site, *kind)).copied().unwrap_or_default();
                expected.at_least += acknowledged;
                expected.at_most += acknowledged + unsure;
            }
            expected
        };
        let [sure, unsure] = &self.0.visitors;
        let of_site = |(of, _, _): &&(&str, Date, u64)| *of == site;
        let all = sure.iter().chain(unsure).chain(&self.0.unsure);
        let all: BTreeSet<_> = all.filter(of_site).collect();
        [
            kinds("pageviews", &[Kind::View, Kind::PrivateView]),
            kinds("signups", &[Kind::Signup]),
            kinds("purchases", &[Kind::Purchase]),
            Expected {
                what: "visitors of days",
                at_least: sure.iter().filter(of_site).count() as u64,
                at_most: all.len() as u64,
            },
        ]
    }

    pub fn report(&self) -> Value {
        let sums = self
            .0
            .sent
            .values()
            .fold([0, 0], |sum, n| [sum[0] + n[0], sum[1] + n[1]]);
        json!({"answered": sums[0], "unanswered": sums[1], "ms": quantiles(&self.0.micros)})
    }
}

/// Median, 99th percentile and longest of sorted microseconds, in ms.
pub fn quantiles(micros: &[u32]) -> Value {
    let at = |share: f64| {
        let place = ((micros.len() as f64 * share) as usize).min(micros.len() - 1);
        (f64::from(micros[place]) / 10.0).round() / 100.0
    };
    json!({"p50": at(0.5), "p99": at(0.99), "most": at(1.0)})
}
