//! Random events, and the batches that the counting core makes of them.

use std::collections::HashMap;

use shared::address::ClientAddress;
use shared::batch::{Batch, Source};
use shared::call::{Hit, HitKind, Revenue};
use shared::day::Day;
use shared::settings::{Goal, GoalKind};
use shared::visit::Visitor;
use shared::visitor::{Salt, SiteId, VisitorHash};

use super::{Chance, DAYS, FROM};
use crate::store::NamedGoal;

pub const PAGES: [&str; 6] = ["/", "/a", "/b", "/blog/x", "/blog/y", "/blog"];
pub const HOSTS: [&str; 2] = ["a.example", "b.example"];
pub const SOURCES: [&str; 3] = ["", "Google", "Bing"];
pub const CHANNELS: [&str; 3] = ["Direct", "Organic Search", "Paid Search"];
pub const CAMPAIGNS: [&str; 3] = ["", "spring", "=autumn"];
pub const COUNTRIES: [&str; 3] = ["DE", "FR", ""];
pub const DEVICES: [&str; 2] = ["Desktop", "Mobile"];
pub const BROWSERS: [[&str; 2]; 3] = [["Firefox", "128"], ["Firefox", "140"], ["Chrome", "128"]];
pub const NAMES: [&str; 3] = ["Signup", "Buy", "Search"];
pub const KEYS: [&str; 2] = ["plan", "size"];
pub const VALUES: [&str; 3] = ["small", "large", ""];

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    View,
    Custom {
        name: &'static str,
        interactive: bool,
    },
    Engaged {
        percent: u8,
        ms: u32,
    },
}

/// An event.
#[derive(Debug, Clone)]
pub struct Event {
    pub day: usize,
    pub at_s: u32,
    /// Nobody under a privacy signal.
    pub who: Option<usize>,
    pub what: What,
    pub page: &'static str,
    pub host: &'static str,
    /// Source, channel, campaign.
    pub traffic: [&'static str; 3],
    /// Country, device, browser, its version.
    pub client: [&'static str; 4],
    pub props: Vec<(&'static str, &'static str)>,
    /// Currency, thousandths.
    pub revenue: Option<(&'static str, u64)>,
}

impl Event {
    /// Numbers of the goals it completes.
    pub fn goals(&self) -> Vec<u32> {
        match &self.what {
            What::View if self.page.starts_with("/blog/") => vec![3],
            What::View if self.page == "/b" => vec![2],
            What::Custom { name: "Signup", .. } => vec![1],
            What::Custom { name: "Buy", .. } => vec![4],
            _ => Vec::new(),
        }
    }
}

/// The goals of [`Event::goals`].
pub fn goals() -> Vec<NamedGoal> {
    let event = |name: &str| GoalKind::Event { name: name.into() };
    let page = |path: &str| GoalKind::Page { path: path.into() };
    let goal = |(id, kind, name): (u32, GoalKind, &str)| NamedGoal {
        goal: Goal { id, kind },
        name: name.into(),
    };
    [
        (1, event("Signup"), "Signed up"),
        (2, page("/b"), "Visit /b"),
        (3, page("/blog/**"), "Read"),
        (4, event("Buy"), "Bought"),
    ]
    .map(goal)
    .to_vec()
}

/// Events in the order they came.
pub struct Stream(pub Vec<Event>);

impl Stream {
    pub fn draw(chance: &mut Chance, count: usize) -> Self {
        let people = 1 + chance.below(12);
        let clients: Vec<[&str; 4]> = (0..people)
            .map(|_| {
                let [browser, version] = BROWSERS[chance.below(3)];
                let (country, device) = (COUNTRIES[chance.below(3)], DEVICES[chance.below(2)]);
                [country, device, browser, version]
            })
            .collect();
        // Visits hang together: most of what somebody does follows soon on what they did.
        let mut events = Vec::with_capacity(count);
        let mut last: HashMap<(usize, usize), u32> = HashMap::new();
        for _ in 0..count {
            let (day, who) = (chance.below(DAYS), chance.below(people));
            let hours = if day == 2 { 25 } else { 24 };
            let again = last
                .get(&(day, who))
                .filter(|_| !chance.once_in(4))
                .copied();
            let at_s = match again {
                Some(last) => (last + chance.below(1_900) as u32).min(hours * 3_600 - 1),
                None => chance.below(hours as usize * 3_600) as u32,
            };
            let known = last.entry((day, who)).or_default();
            *known = at_s.max(*known);
            let what = match chance.below(6) {
                0 => What::Engaged {
                    percent: chance.below(101) as u8,
                    ms: chance.below(60_000) as u32,
                },
                1 | 2 => What::Custom {
                    name: NAMES[chance.below(3)],
                    interactive: chance.once_in(2),
                },
                _ => What::View,
            };
            let is_nobody = what == What::View && chance.once_in(12);
            let is_event = matches!(what, What::Custom { .. });
            let has_props =
                !matches!(what, What::Engaged { .. }) && chance.once_in(3) && !is_nobody;
            let count = if has_props { 1 + chance.below(2) } else { 0 };
            let props = KEYS.into_iter().take(count);
            let props: Vec<_> = props.map(|key| (key, VALUES[chance.below(3)])).collect();
            let revenue = is_event && chance.once_in(2);
            events.push(Event {
                day,
                at_s,
                who: (!is_nobody).then_some(who),
                what,
                page: PAGES[chance.below(6)],
                host: HOSTS[chance.below(4) / 3],
                traffic: [
                    SOURCES[chance.below(3)],
                    CHANNELS[chance.below(3)],
                    CAMPAIGNS[chance.below(3)],
                ],
                client: clients[who],
                props,
                revenue: revenue.then(|| {
                    let currency = if chance.once_in(5) { "USD" } else { "EUR" };
                    (currency, chance.below(100_000) as u64)
                }),
            });
        }
        events.sort_by_key(|event| (event.day, event.at_s));
        Self(events)
    }

    /// Counted by the core, in one batch after the other.
    pub fn batches(&self, chance: &mut Chance, site: SiteId) -> Vec<Batch> {
        let mut batches = Vec::new();
        let address = ClientAddress::parse("203.0.113.9").unwrap();
        for day_no in 0..DAYS {
            let date = FROM
                .checked_add(jiff::Span::new().days(day_no as i64))
                .unwrap();
            let mut day = Day::default();
            let mut people: HashMap<usize, Visitor> = HashMap::new();
            let mut seq = 0;
            let mut seal = |day: &mut Day, last: bool| {
                day.take_delta();
                if day.has_open() {
                    seq += 1;
                    let source = Source {
                        site,
                        date,
                        shard: 0,
                        incarnation: "0".repeat(32),
                    };
                    batches.push(day.seal(source, seq, false, last));
                }
            };
            for event in self.0.iter().filter(|event| event.day == day_no) {
                let [source, channel, campaign] = event.traffic;
                let [country, device, browser, version] = event.client;
                let hash = |who: usize| {
                    VisitorHash::new(
                        &Salt::from_random([1; 32]),
                        1,
                        date,
                        address,
                        &who.to_string(),
                    )
                };
                let revenue = event
                    .revenue
                    .map(|(currency, milli)| Revenue { currency, milli });
                let hit = Hit {
                    visitor: event.who.map(hash),
                    at_s: event.at_s,
                    kind: match &event.what {
                        What::View => HitKind::PageView,
                        What::Custom { name, interactive } => HitKind::Custom {
                            name,
                            interactive: *interactive,
                        },
                        What::Engaged { percent, ms } => HitKind::Engagement {
                            scroll_percent: Some(*percent),
                            engaged_ms: Some(*ms),
                        },
                    },
                    page: event.page,
                    host: event.host,
                    client: [country, device, browser, version, "", ""],
                    traffic: [source, "", channel, "", "", campaign, "", ""],
                    props: event.props.clone(),
                    revenue,
                    goals: if event.who.is_some() {
                        event.goals()
                    } else {
                        Vec::new()
                    },
                    steps: Vec::new(),
                };
                // Dropped: engagement without a visit.
                let _ = match event.who {
                    None => day.apply_nobody(&hit),
                    Some(who) => day.apply(people.entry(who).or_default(), &hit),
                };
                if chance.once_in(15) {
                    seal(&mut day, false);
                }
            }
            for visitor in people.values_mut() {
                day.end_visit(visitor);
            }
            seal(&mut day, true);
        }
        batches
    }
}
