//! What the oracle has found, shrunk, as plain tests. (The last two were read out of the code
//! first, and then looked for.)

use shared::settings::Signal;

use crate::questions::ask;
use crate::stream::{Fate, Group, Scenario, Sent, What};
use crate::tables::Shielded;

/// Groups of events at one site in UTC, from the beginning of a day.
fn scenario(groups: Vec<Group>) -> Scenario {
    Scenario {
        zones: [5, 5],
        date: 0,
        start_s: 0,
        shards: [1, 1],
        gpc: Signal::Count,
        dnt: Signal::Count,
        shielded: Shielded::default(),
        groups,
        crash_at_close: false,
    }
}

fn group(gap_s: u32, events: Vec<Sent>) -> Group {
    Group {
        gap_s,
        to_quarter: false,
        events,
        fate: Fate::Fine,
        care: Vec::new(),
    }
}

fn sent(page: usize, what: What) -> Sent {
    Sent {
        after_ms: 0,
        late_ms: 0,
        sender: 0,
        to: 0,
        host: 0,
        page,
        traffic: 0,
        what,
        gpc: false,
        dnt: false,
    }
}

fn view(page: usize) -> Sent {
    let (props, revenue) = (0, 0);
    sent(page, What::View { props, revenue })
}

fn engagement(page: usize, scroll: Option<u32>, engaged_ms: Option<u32>) -> Sent {
    sent(page, What::Engagement { scroll, engaged_ms })
}

#[track_caller]
fn holds(groups: Vec<Group>) {
    if let Err(wrong) = ask(&scenario(groups)) {
        panic!("{wrong}");
    }
}

/// The batch had a count of 0 and was refused by the aggregator, with all that was in it.
#[test]
fn engagement_of_0_milliseconds_or_0_percent_leaves_a_batch_that_can_be_read() {
    for (scroll, engaged_ms) in [
        (Some(0), None),
        (None, Some(0)),
        (Some(0), Some(0)),
        (Some(0), Some(5)),
    ] {
        holds(vec![group(
            0,
            vec![view(1), engagement(1, scroll, engaged_ms)],
        )]);
    }
}

/// The batch had a row that counts nothing and was refused.
#[test]
fn a_scroll_goal_reached_again_leaves_a_batch_that_can_be_read() {
    let again = || group(2, vec![engagement(1, Some(80), None)]);
    let mut first = group(0, vec![view(1), engagement(1, Some(80), None)]);
    first.care.push((crate::stream::Care::Seal, u8::MAX));
    holds(vec![first, again(), again()]);
}

/// Of two events around the full hour the later came first, and the visit was counted active in
/// that hour a second time by the next one.
#[test]
fn a_visit_is_active_once_an_hour_also_when_events_overtake_each_other() {
    let late = Sent {
        late_ms: 2_000,
        ..view(1)
    };
    holds(vec![
        group(3_599, vec![view(0)]),
        group(2, vec![view(1), late, view(2)]),
    ]);
}
