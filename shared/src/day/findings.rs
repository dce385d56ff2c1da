//! What the fuzz targets found (scripts/fuzz), as plain tests: each made a batch that an aggregator
//! refuses, and since batches are delivered in order, that day object would have delivered no
//! other ever again.

use super::*;
use crate::address::ClientAddress;
use crate::beacon::{Sender, decide};
use crate::call::Entry;
use crate::event::Event;
use crate::rules::Rules;
use crate::settings::{Goal, GoalKind, Settings};
use crate::visit::Visitor;
use crate::visitor::{Salt, VisitorHash};
use jiff::civil::{Date, date};

const DAY: Date = date(2026, 11, 23);
const PAGE_VIEW: &str = r#"{"n":"pageview","u":"https://a.example/x"}"#;

/// Counts these bodies of one visitor, a minute apart, each sealed into a batch of its own.
fn batches(settings: &Settings, bodies: &[&str]) -> Vec<Batch> {
    let rules = Rules::new(settings);
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let sender = Sender::new(address, agent, "DE", false, false);
    let hash = VisitorHash::new(&Salt::from_random([1; 32]), 1, DAY, address, agent);
    let (mut day, mut visitor) = (Day::default(), Visitor::default());
    let mut batches = Vec::new();
    for (minute, body) in (0..).zip(bodies) {
        let event = Event::parse(body.as_bytes()).unwrap();
        let counted = decide(&event, &sender, &rules).unwrap();
        let Entry::Hit(hit) = counted.entry(Some(hash), 60 * minute) else {
            panic!("a hit");
        };
        day.apply(&mut visitor, &hit).unwrap();
        day.take_delta();
        let source = Source {
            site: 1,
            date: DAY,
            shard: 0,
            incarnation: "0".repeat(32),
        };
        let batch = day.seal(source, u64::from(minute) + 1, false, false);
        let read = Batch::decode(&batch.encode().unwrap());
        assert_eq!(read.as_ref(), Ok(&batch), "after {body}");
        batches.push(batch);
    }
    batches
}

#[test]
fn engagement_of_nothing_is_no_count_of_zero() {
    let engagement = r#"{"n":"engagement","u":"https://a.example/x","sd":0,"e":0}"#;
    let batches = batches(&Settings::default(), &[PAGE_VIEW, engagement]);
    let rows = batches[1].rows(crate::cube::Cube::Pages).unwrap();
    let expected = [(Counter::EngagedCount, 1), (Counter::ScrollCount, 1)];
    assert_eq!(rows[0].counters, expected);
}

#[test]
fn a_scroll_goal_reached_again_is_no_empty_row() {
    let kind = GoalKind::Scroll {
        path: "/**".into(),
        percent: 50,
    };
    let settings = Settings {
        goals: vec![Goal { id: 1, kind }],
        ..Settings::default()
    };
    let scrolled = r#"{"n":"engagement","u":"https://a.example/x","sd":60}"#;
    let batches = batches(&settings, &[PAGE_VIEW, scrolled, scrolled]);
    assert_eq!((batches[1].goals.len(), batches[2].goals.len()), (1, 0));
}

#[test]
fn a_page_that_cannot_be_decoded_is_no_longer_than_others() {
    let url = format!("https://a.example/%ff{}", "ü".repeat(900));
    let body = format!(r#"{{"n":"404","u":"{url}"}}"#);
    let view = format!(r#"{{"n":"pageview","u":"{url}"}}"#);
    batches(&Settings::default(), &[&view, &body]);
}
