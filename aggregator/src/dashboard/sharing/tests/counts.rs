//! A site with some days of counts, made by the counting core, and what happened there.

use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use shared::address::ClientAddress;
use shared::batch::Source;
use shared::call::{Hit, HitKind};
use shared::day::Day;
use shared::settings::GoalKind;
use shared::visit::Visitor;
use shared::visitor::{Salt, VisitorHash};

use super::super::super::account::tests::Web;
use crate::site::Site;

/// The first of the days that are over; today is the last.
pub const FIRST: Date = date(2026, 11, 15);
/// How many visitors each day has. The last is today (2026-11-23).
pub const VISITORS: [usize; 9] = [3, 0, 12, 30, 7, 25, 5, 40, 60];

pub const PAGES: [&str; 6] = [
    "/",
    "/blog",
    "/<script>alert(1)</script>",
    "/pricing",
    "/about",
    "/rare",
];
const SOURCES: [&str; 5] = ["", "Google", "<script>x</script>", "Bing", "rare.example"];
const COUNTRIES: [&str; 5] = ["DE", "FR", "AT", "CH", "LI"];
const BROWSERS: [&str; 4] = ["Firefox", "Chrome", "Safari", "Lynx"];
/// Names of events that are goals, each of them done by whoever did those before it.
pub const GOALS: [&str; 3] = ["Cart", "Order", "Review"];

/// Something that somebody did.
#[derive(Debug, Clone)]
pub struct Did {
    pub on: Date,
    pub who: usize,
    pub page: &'static str,
    pub source: &'static str,
    pub country: &'static str,
    pub device: &'static str,
    pub browser: &'static str,
    pub goal: Option<&'static str>,
    pub hour: u32,
}

/// Small numbers that look like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// The first more often than the last.
    fn of(&mut self, all: &[&'static str]) -> &'static str {
        let at = self.below(all.len()).min(self.below(all.len()));
        all[at]
    }
}

pub fn what_happened() -> Vec<Did> {
    let mut chance = Chance(7);
    let mut all = Vec::new();
    for (day, visitors) in (0_i64..).zip(VISITORS) {
        let on = FIRST.checked_add(day.days()).unwrap();
        for who in 0..visitors {
            let (country, browser) = (chance.of(&COUNTRIES), chance.of(&BROWSERS));
            let device = ["Desktop", "Mobile"][chance.below(2)];
            let (source, hour) = (chance.of(&SOURCES), chance.below(23) as u32);
            let mut did = |page, goal| {
                all.push(Did {
                    on,
                    who,
                    page,
                    source,
                    country,
                    device,
                    browser,
                    goal,
                    hour,
                });
            };
            for _ in 0..=chance.below(3) {
                did(chance.of(&PAGES), None);
            }
            // Fewer and fewer come further.
            for goal in GOALS.into_iter().take(chance.below(4)) {
                did("/pricing", Some(goal));
            }
        }
    }
    all
}

/// Counts what happened at a site; goals of each event, and one that is a page.
pub async fn fill(web: &Web, domain: &str) -> Site {
    let store = &web.app.store;
    let site = store.site(domain).await.unwrap().unwrap();
    for name in GOALS {
        let kind = GoalKind::Event { name: name.into() };
        store.find_or_add_goal(site.id, kind, None).await.unwrap();
    }
    let path = "/pricing".into();
    let page = GoalKind::Page { path };
    store.find_or_add_goal(site.id, page, None).await.unwrap();
    store.add_funnel(site.id, "Buy", vec![1, 2]).await.unwrap();
    let all = what_happened();
    for (day, _) in (0_i64..).zip(VISITORS) {
        let on = FIRST.checked_add(day.days()).unwrap();
        let did: Vec<&Did> = all.iter().filter(|did| did.on == on).collect();
        // By two day objects: a day of several segments.
        for shard in [0, 1] {
            let is_of = |did: &&&Did| did.who % 2 == usize::from(shard);
            let some: Vec<&Did> = did.iter().filter(is_of).copied().collect();
            count(web, &site, on, shard, &some, true).await;
        }
    }
    site
}

/// Counts some of a day, as one day object of it.
pub async fn count(web: &Web, site: &Site, on: Date, shard: u16, did: &[&Did], closed: bool) {
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let salt = Salt::from_random([1; 32]);
    let mut day = Day::default();
    let mut people: HashMap<usize, Visitor> = HashMap::new();
    for (n, did) in did.iter().enumerate() {
        let goal = did
            .goal
            .and_then(|goal| GOALS.iter().position(|known| *known == goal));
        let at = n as u32 % 600;
        let hit = Hit {
            visitor: Some(VisitorHash::new(
                &salt,
                1,
                on,
                address,
                &did.who.to_string(),
            )),
            at_s: did.hour * 3_600 + at,
            kind: match did.goal {
                None => HitKind::PageView,
                Some(name) => HitKind::Custom {
                    name,
                    interactive: true,
                },
            },
            page: did.page,
            host: "a.example",
            client: [did.country, did.device, did.browser, "1", "Linux", ""],
            traffic: [did.source, "", "Direct", "", "", "", "", ""],
            props: Vec::new(),
            revenue: None,
            goals: match goal {
                Some(goal) => vec![goal as u32 + 1],
                None if did.page == "/pricing" => vec![4],
                None => vec![],
            },
            steps: Vec::new(),
        };
        let _ = day.apply(people.entry(did.who).or_default(), &hit);
    }
    for visitor in people.values_mut() {
        day.end_visit(visitor);
    }
    day.take_delta();
    let source = Source {
        site: site.id,
        date: on,
        shard,
        incarnation: "0".repeat(32),
    };
    let batch = day.seal(source, 1, false, closed);
    let sha = [crate::clock::day_number(on) as u8; 32];
    let now_ms = shared::clock::Clock::now_ms(&*web.clock);
    web.app
        .store
        .apply_batch(&batch, sha, now_ms)
        .await
        .unwrap();
}
