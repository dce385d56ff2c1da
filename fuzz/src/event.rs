//! The event parser: whatever it accepts is within bounds, can be decided, sent to a day object,
//! counted and sealed, and the aggregator takes the batch.

use std::sync::LazyLock;

use shared::address::ClientAddress;
use shared::batch::Source;
use shared::beacon::{self, Sender};
use shared::call::{CALL_VERSION, Call, CallBuilder, Entry, Header};
use shared::day::{Day, Delta};
use shared::event::{Event, Kind};
use shared::jiff::civil::{Date, date};
use shared::limits::{
    BATCH_BYTES_MAX, DOMAIN_BYTES_MAX, DOMAINS_MAX, ENGAGED_MS_MAX, EVENT_BODY_BYTES_MAX,
    EVENT_NAME_CHARS_MAX, PROP_KEY_BYTES_MAX, PROP_VALUE_BYTES_MAX, PROPS_MAX, REVENUE_MILLI_MAX,
    URL_BYTES_MAX,
};
use shared::rules::Rules;
use shared::settings::{Funnel, Goal, GoalKind, Settings};
use shared::visit::Visitor;
use shared::visitor::{DayKey, Salt, VisitorHash};

use super::check;

const DAY: Date = date(2026, 11, 23);
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// Rules under which nearly every event does something.
static RULES: LazyLock<[Rules; 2]> = LazyLock::new(|| {
    let goal = |id, kind| Goal { id, kind };
    let path = "/**".to_owned();
    let name = "Signup".to_owned();
    let settings = Settings {
        goals: vec![
            goal(1, GoalKind::Page { path: path.clone() }),
            goal(2, GoalKind::Event { name }),
            goal(3, GoalKind::Scroll { path, percent: 1 }),
        ],
        funnels: vec![Funnel {
            id: 1,
            steps: vec![1, 3, 2],
        }],
        ..Settings::default()
    };
    settings.check().expect("settings");
    let mut unclean = settings.clone();
    unclean.clean_paths = false;
    [Rules::new(&settings), Rules::new(&unclean)]
});

/// Takes the body of a beacon.
pub fn run(data: &[u8]) {
    if data.len() > EVENT_BODY_BYTES_MAX {
        return; // The edge answers 413.
    }
    let event = match Event::parse(data) {
        Ok(event) => event,
        Err(invalid) => {
            let told: serde_json::Value =
                serde_json::from_str(&invalid.to_json()).expect("an answer is JSON");
            assert_eq!(told["errors"][invalid.field][0], invalid.problem);
            return;
        }
    };
    within_bounds(&event);
    counts(&event);
}

fn within_bounds(event: &Event) {
    check::text(&event.url.page, URL_BYTES_MAX);
    check::text(&event.url.host, DOMAIN_BYTES_MAX);
    assert!(!event.url.page.is_empty() && !event.url.host.is_empty());
    assert!((1..=DOMAINS_MAX).contains(&event.domains.len()));
    assert!(event.domains.iter().all(|d| d.len() <= DOMAIN_BYTES_MAX));
    match &event.kind {
        Kind::PageView => {}
        Kind::Engagement {
            scroll_percent,
            engaged_ms,
        } => {
            assert!(scroll_percent.is_some() || engaged_ms.is_some());
            assert!(scroll_percent.is_none_or(|percent| percent <= 100));
            assert!(engaged_ms.is_none_or(|ms| ms <= ENGAGED_MS_MAX));
        }
        Kind::Custom { name, .. } => {
            check::text(name, 4 * EVENT_NAME_CHARS_MAX);
            assert!(!name.trim().is_empty() && name.chars().count() <= EVENT_NAME_CHARS_MAX);
        }
    }
    assert!(event.props.list.len() <= PROPS_MAX);
    for (at, (key, value)) in event.props.list.iter().enumerate() {
        check::text(key, PROP_KEY_BYTES_MAX);
        check::text(value, PROP_VALUE_BYTES_MAX);
        assert!(!key.is_empty() && !value.is_empty());
        let before = event.props.list.iter().take(at);
        assert!(before.into_iter().all(|(known, _)| known != key));
    }
    if let Some(revenue) = &event.revenue {
        assert!(revenue.milli <= REVENUE_MILLI_MAX);
        let currency = revenue.currency.as_bytes();
        assert!(currency.len() == 3 && currency.iter().all(u8::is_ascii_uppercase));
    }
}

/// The whole way from the beacon to the aggregator, several times on one day and sealed in
/// between, as at an edge that delivers every few seconds.
fn counts(event: &Event) {
    let address = ClientAddress::parse("203.0.113.9").expect("an address");
    let salt = Salt::from_random([7; 32]);
    let hash = VisitorHash::new(&salt, 1, DAY, address, USER_AGENT);
    let header = Header {
        version: CALL_VERSION,
        id: [1; 16],
        day_start_ms: 0,
        day_end_ms: 86_400_000,
        key: DayKey::new(&salt, 1, DAY),
        degraded: false,
        detail: shared::settings::Detail::Cross,
    };
    let page_view = br#"{"n":"pageview","u":"https://a.example/x"}"#;
    let page_view = Event::parse(page_view).expect("a page view");

    let mut day = Day::default();
    let mut visitor = Visitor::default();
    let mut accepted = 0;
    let rounds = [
        (9, false),
        (70, false),
        (130, false),
        (7_000, true),
        (90_000, false),
    ];
    for (round, (at_s, gpc)) in rounds.into_iter().enumerate() {
        let sender = Sender::new(address, USER_AGENT, "DE", gpc, false);
        let mut call = CallBuilder::new(&header).expect("a header");
        for (rules, event) in RULES
            .iter()
            .zip([event; 2])
            .chain([(&RULES[0], &page_view)])
        {
            let decided = beacon::decide(event, &sender, rules);
            let entry = match &decided {
                Ok(counted) => counted.entry(Some(hash), at_s),
                Err(reason) => Entry::Dropped(*reason),
            };
            assert!(call.has_room());
            call.push(&entry).expect("an entry");
        }
        let bytes = call.into_bytes();
        let call = Call::decode(&bytes).expect("what was built is read");
        assert_eq!(call.entries.len(), 3);
        for entry in &call.entries {
            let counted = match entry {
                Entry::Hit(hit) if hit.visitor.is_some() => day.apply(&mut visitor, hit),
                Entry::Hit(hit) => day.apply_nobody(hit),
                Entry::Dropped(reason) => Err(*reason),
            };
            match counted {
                Ok(()) => accepted += 1,
                Err(reason) => day.drop(reason),
            }
        }
        assert_eq!(Visitor::decode(&visitor.encode()).as_ref(), Some(&visitor));
        let delta = day.take_delta();
        assert_eq!(Delta::decode(&delta.encode()).as_ref(), Some(&delta));
        let source = Source {
            site: 1,
            date: DAY,
            shard: 0,
            incarnation: "0".repeat(32),
        };
        let batch = day.seal(source, round as u64 + 1, false, true);
        assert!(!day.has_open() && batch.closed);
        assert_eq!(batch.hits_total, accepted);
        let bytes = check::survives_the_wire(&batch);
        assert!(bytes.len() <= BATCH_BYTES_MAX);
    }
}
