//! That the streams reach what matters: a generator that no longer does would prove nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use shared::cube::{COUNTERS, Counter};
use shared::drops::Drop;
use shared::jiff::civil::date;

use crate::model;
use crate::run::play;
use crate::stream::scenario;
use crate::sums::{Names, SiteDay};
use crate::tables::ZONES;

/// Cases looked at; always the same ones.
const CASES: usize = 250;

#[test]
fn the_streams_reach_every_counter_reason_and_kind_of_day() {
    let mut runner = TestRunner::deterministic();
    let mut counted: BTreeMap<Counter, u64> = BTreeMap::new();
    let mut reasons: BTreeSet<Drop> = BTreeSet::new();
    let mut hours: BTreeMap<(&str, SiteDay), u8> = BTreeMap::new();
    let mut steps_max = 0;
    for _ in 0..CASES {
        let scenario = scenario().new_tree(&mut runner).unwrap().current();
        let played = play(&scenario);
        let mut names = Names::default();
        let truth = model::truth(&scenario, &played, &mut names);
        let sums = played.aggregator.sums(&mut names);
        for ((counter, cell), n) in &sums.cells {
            *counted.entry(*counter).or_default() += n;
            let zone = ZONES[scenario.zones[cell.day.0]].0;
            let hour = hours.entry((zone, cell.day)).or_default();
            *hour = (*hour).max(cell.hour);
            if *counter == Counter::FunnelVisitors {
                let step: u8 = names.text(cell.texts[1]).parse().unwrap();
                steps_max = steps_max.max(step);
            }
        }
        reasons.extend(truth.dropped.keys().map(|(_, reason)| *reason));
    }
    for (counter, _, name) in COUNTERS {
        assert!(counted.contains_key(&counter), "{name}");
    }
    for (reason, name) in Drop::ALL {
        let elsewhere = matches!(reason, Drop::UnknownSite | Drop::Throttled);
        assert_eq!(reasons.contains(&reason), !elsewhere, "{name}");
    }
    assert_eq!(steps_max, 3, "the last step of a funnel");
    // The last hours of days of 25, 24.5 and 23 hours.
    let last = |zone, date| {
        let days = hours
            .iter()
            .filter(|((of, (_, day)), _)| *of == zone && *day == date);
        days.map(|(_, hour)| *hour).max()
    };
    assert_eq!(last("Europe/Berlin", date(2026, 10, 25)), Some(24));
    assert_eq!(last("Australia/Lord_Howe", date(2026, 4, 5)), Some(24));
    assert_eq!(last("Europe/Berlin", date(2026, 3, 29)), Some(22));
    assert_eq!(last("Asia/Kolkata", date(2026, 12, 31)), Some(23));
}
