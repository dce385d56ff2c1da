//! A site with two days of counts, made by the counting core: what tests and the examples of the
//! document ask about.

use std::collections::HashMap;

use shared::address::ClientAddress;
use shared::batch::Source;
use shared::call::{Hit, HitKind, Revenue};
use shared::day::Day;
use shared::settings::GoalKind;
use shared::visit::Visitor;
use shared::visitor::{Salt, VisitorHash};

use super::*;
use crate::site::Site;

/// The site.
pub const DOMAIN: &str = "example.com";

/// Day of November, minute of the day, who, page; the event's name, or none for a page view.
type Event = (
    i8,
    u32,
    &'static str,
    &'static str,
    Option<&'static str>,
    Came,
);
/// What the visit came with: source, channel, campaign.
type Came = [&'static str; 3];

const DIRECT: Came = ["", "Direct", ""];
const GOOGLE: Came = ["Google", "Organic Search", ""];
const NEWS: Came = ["news.example", "Referral", "spring"];

const fn at(hour: u32, minute: u32) -> u32 {
    hour * 60 + minute
}

/// Dora comes to the first step from Google, and in another visit to the second.
const EVENTS: [Event; 12] = [
    (22, at(9, 0), "ben", "/", None, DIRECT),
    (22, at(9, 5), "ben", "/pricing", None, DIRECT),
    (23, at(8, 0), "dora", "/pricing", None, GOOGLE),
    (23, at(9, 0), "anna", "/", None, GOOGLE),
    (23, at(9, 1), "anna", "/pricing", None, GOOGLE),
    (23, at(9, 3), "anna", "/pricing", Some("Signup"), GOOGLE),
    (23, at(10, 0), "ben", "/blog/hello", None, NEWS),
    (23, at(10, 2), "ben", "/pricing", None, NEWS),
    (23, at(11, 0), "dora", "/pricing", Some("Signup"), DIRECT),
    (23, at(12, 40), "cleo", "/", None, DIRECT),
    (23, at(12, 57), "cleo", "/pricing", None, DIRECT),
    (23, at(12, 58), "ben", "/blog/hello", None, DIRECT),
];

fn client(who: &str) -> [&'static str; 6] {
    match who {
        "anna" => ["DE", "Desktop", "Firefox", "140", "Linux", ""],
        "cleo" => ["DE", "Desktop", "Chrome", "128", "Windows", "11"],
        _ => ["FR", "Mobile", "Chrome", "128", "Android", "15"],
    }
}

/// Adds the site, with the goals Signup (1) and "Visit /pricing" (2), the funnels Buy (1), from 2 to
/// 1, and Back (2), and what happened.
pub async fn fill(api: &Api) -> Site {
    let store = &api.app.store;
    let added = store.add_site(DOMAIN, "Europe/Berlin", date(2026, 11, 1));
    assert!(added.await.unwrap());
    let site = store.site(DOMAIN).await.unwrap().unwrap();
    let event = GoalKind::Event {
        name: "Signup".into(),
    };
    let page = GoalKind::Page {
        path: "/pricing".into(),
    };
    for kind in [event, page] {
        store.find_or_add_goal(site.id, kind, None).await.unwrap();
    }
    for (name, steps) in [("Buy", vec![2, 1]), ("Back", vec![1, 2])] {
        store.add_funnel(site.id, name, steps).await.unwrap();
    }
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    for on in [22, 23] {
        let on_date = date(2026, 11, on);
        let mut day = Day::default();
        let mut people: HashMap<&str, Visitor> = HashMap::new();
        for (_, minute, who, path, name, [source, channel, campaign]) in
            EVENTS.iter().filter(|event| event.0 == on)
        {
            let salt = Salt::from_random([1; 32]);
            let is_pricing = *path == "/pricing" && name.is_none();
            let (goals, steps) = match (name, is_pricing) {
                (Some(_), _) => (vec![1], vec![(1, 2), (2, 1)]),
                (None, true) => (vec![2], vec![(1, 1), (2, 2)]),
                (None, false) => (vec![], vec![]),
            };
            let hit = Hit {
                visitor: Some(VisitorHash::new(&salt, 1, on_date, address, who)),
                at_s: minute * 60,
                kind: match name {
                    None => HitKind::PageView,
                    Some(name) => HitKind::Custom {
                        name,
                        interactive: true,
                    },
                },
                page: path,
                host: DOMAIN,
                client: client(who),
                traffic: [source, "", channel, "", "", campaign, "", ""],
                props: name.map(|_| ("plan", "large")).into_iter().collect(),
                revenue: name.map(|_| Revenue {
                    currency: "EUR",
                    milli: 49_000,
                }),
                goals,
                steps,
            };
            let _ = day.apply(people.entry(who).or_default(), &hit);
        }
        for visitor in people.values_mut() {
            day.end_visit(visitor);
        }
        day.take_delta();
        let source = Source {
            site: site.id,
            date: on_date,
            shard: 0,
            incarnation: "0".repeat(32),
        };
        let batch = day.seal(source, 1, false, true);
        let now_ms = api.app.clock.now_ms();
        store
            .apply_batch(&batch, [on as u8; 32], now_ms)
            .await
            .unwrap();
    }
    site
}
