//! The counting cubes: which counters exist, and sums of them keyed by (hour, attributes).
//!
//! What always holds: counters only grow (I9). A counter's number is part of the wire format and
//! of what day objects store: never reuse one.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::dict::TextId;

/// A cube: rows with the same shape of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cube {
    /// Key: hour, T, C.
    Visits,
    /// Key: hour, page, host, T, C.
    Pages,
    /// Key: hour, exit page, T, C.
    Exits,
    /// Key: hour, event name, page, T, C.
    Events,
}

/// All cubes, in wire order.
pub const CUBES: [Cube; 4] = [Cube::Visits, Cube::Pages, Cube::Exits, Cube::Events];

impl Cube {
    /// How many strings the key names beside hour, T and C: [`RowKey::a`], then [`RowKey::b`].
    pub const fn texts(self) -> usize {
        match self {
            Cube::Visits => 0,
            Cube::Exits => 1,
            Cube::Pages | Cube::Events => 2,
        }
    }
}

/// Where a count belongs. `hour` counts from the start of the local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowKey {
    /// The cube.
    pub cube: Cube,
    /// Hour of the local day, 0 to 24 (a day that sets its clocks back has 25).
    pub hour: u8,
    /// Page, exit page or event name; 0 where the cube has none.
    pub a: TextId,
    /// Host, or the page of an event; 0 where the cube has none.
    pub b: TextId,
    /// Visit attributes.
    pub t: u32,
    /// Client attributes.
    pub c: u32,
}

/// A counter. The discriminant is its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum Counter {
    /// Visits that began.
    Visits = 0,
    /// Visits with an event in this hour.
    ActiveVisits = 1,
    /// Visits that are over; this and the next three count in the hour the visit began.
    EndedVisits = 2,
    /// Ended visits with one page view and no interactive custom event.
    Bounces = 3,
    /// From the first to the last event of ended visits, seconds.
    DurationS = 4,
    /// Page views of ended visits.
    EndedViews = 5,
    /// Page views.
    Views = 6,
    /// Visits that saw the page.
    PageVisits = 7,
    /// Time the page was visible and in use, milliseconds.
    EngagedMs = 8,
    /// Engagement events that brought a time.
    EngagedCount = 9,
    /// Sum of the scroll depths that engagement events brought, percent.
    ScrollSum = 10,
    /// Engagement events that brought a scroll depth.
    ScrollCount = 11,
    /// Visits that ended on the page.
    Exits = 12,
    /// Custom events.
    Events = 13,

    /// Mark: visitors of the day.
    DayVisitors = 64,
    /// Mark: visitors of the hour.
    HourVisitors = 65,
    /// Mark: visitors of the day by entry page.
    DayEntryPageVisitors = 66,
    /// Mark: visitors of the day by page.
    DayPageVisitors = 67,
    /// Mark: visitors of the hour by page.
    HourPageVisitors = 68,
    /// Mark: visitors of the day by host.
    DayHostVisitors = 69,
    /// Mark: visitors of the day by exit page.
    DayExitPageVisitors = 70,
    /// Mark: visitors of the day by event name.
    DayEventVisitors = 71,
    /// Mark: visitors of the hour by event name.
    HourEventVisitors = 72,
    /// Mark: visitors of the day by source.
    DaySourceVisitors = 73,
    /// Mark: visitors of the day by referrer.
    DayReferrerVisitors = 74,
    /// Mark: visitors of the day by channel.
    DayChannelVisitors = 75,
    /// Mark: visitors of the day by `utm_source`.
    DayUtmSourceVisitors = 76,
    /// Mark: visitors of the day by `utm_medium`.
    DayUtmMediumVisitors = 77,
    /// Mark: visitors of the day by `utm_campaign`.
    DayUtmCampaignVisitors = 78,
    /// Mark: visitors of the day by `utm_content`.
    DayUtmContentVisitors = 79,
    /// Mark: visitors of the day by `utm_term`.
    DayUtmTermVisitors = 80,
    /// Mark: visitors of the day by page and source.
    DayPageSourceVisitors = 81,
    /// Mark: visitors of the day by page and channel.
    DayPageChannelVisitors = 82,
}

/// Every counter, its cube and its name (the aggregator's column).
pub const COUNTERS: [(Counter, Cube, &str); 33] = [
    (Counter::Visits, Cube::Visits, "visits"),
    (Counter::ActiveVisits, Cube::Visits, "active_visits"),
    (Counter::EndedVisits, Cube::Visits, "ended_visits"),
    (Counter::Bounces, Cube::Visits, "bounces"),
    (Counter::DurationS, Cube::Visits, "duration_s"),
    (Counter::EndedViews, Cube::Visits, "ended_views"),
    (Counter::DayVisitors, Cube::Visits, "day_visitors"),
    (Counter::HourVisitors, Cube::Visits, "hour_visitors"),
    (
        Counter::DayEntryPageVisitors,
        Cube::Visits,
        "day_entry_page_visitors",
    ),
    (Counter::Views, Cube::Pages, "views"),
    (Counter::PageVisits, Cube::Pages, "page_visits"),
    (Counter::EngagedMs, Cube::Pages, "engaged_ms"),
    (Counter::EngagedCount, Cube::Pages, "engaged_count"),
    (Counter::ScrollSum, Cube::Pages, "scroll_sum"),
    (Counter::ScrollCount, Cube::Pages, "scroll_count"),
    (Counter::DayPageVisitors, Cube::Pages, "day_page_visitors"),
    (Counter::HourPageVisitors, Cube::Pages, "hour_page_visitors"),
    (Counter::DayHostVisitors, Cube::Pages, "day_host_visitors"),
    (Counter::Exits, Cube::Exits, "exits"),
    (
        Counter::DayExitPageVisitors,
        Cube::Exits,
        "day_exit_page_visitors",
    ),
    (Counter::Events, Cube::Events, "events"),
    (
        Counter::DayEventVisitors,
        Cube::Events,
        "day_event_visitors",
    ),
    (
        Counter::HourEventVisitors,
        Cube::Events,
        "hour_event_visitors",
    ),
    (
        Counter::DaySourceVisitors,
        Cube::Visits,
        "day_source_visitors",
    ),
    (
        Counter::DayReferrerVisitors,
        Cube::Visits,
        "day_referrer_visitors",
    ),
    (
        Counter::DayChannelVisitors,
        Cube::Visits,
        "day_channel_visitors",
    ),
    (
        Counter::DayUtmSourceVisitors,
        Cube::Visits,
        "day_utm_source_visitors",
    ),
    (
        Counter::DayUtmMediumVisitors,
        Cube::Visits,
        "day_utm_medium_visitors",
    ),
    (
        Counter::DayUtmCampaignVisitors,
        Cube::Visits,
        "day_utm_campaign_visitors",
    ),
    (
        Counter::DayUtmContentVisitors,
        Cube::Visits,
        "day_utm_content_visitors",
    ),
    (
        Counter::DayUtmTermVisitors,
        Cube::Visits,
        "day_utm_term_visitors",
    ),
    (
        Counter::DayPageSourceVisitors,
        Cube::Pages,
        "day_page_source_visitors",
    ),
    (
        Counter::DayPageChannelVisitors,
        Cube::Pages,
        "day_page_channel_visitors",
    ),
];

impl TryFrom<u8> for Counter {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        COUNTERS
            .iter()
            .map(|(counter, _, _)| *counter)
            .find(|counter| *counter as u8 == number)
            .ok_or("unknown counter")
    }
}

impl From<Counter> for u8 {
    fn from(counter: Counter) -> u8 {
        counter as u8
    }
}

impl Counter {
    /// The cube the counter belongs to.
    pub fn cube(self) -> Option<Cube> {
        COUNTERS
            .iter()
            .find(|(counter, _, _)| *counter == self)
            .map(|(_, cube, _)| *cube)
    }
}

/// The counters of one row; few of them are not zero.
pub type Counters = Vec<(Counter, u64)>;

/// Adds to one counter of a row.
pub fn add(counters: &mut Counters, counter: Counter, n: u64) {
    match counters.iter_mut().find(|(known, _)| *known == counter) {
        Some((_, value)) => *value = value.saturating_add(n),
        None => counters.push((counter, n)),
    }
}

/// Sums by key.
#[derive(Debug, Default, Clone)]
pub struct Rows(FxHashMap<RowKey, Counters>);

impl Rows {
    /// Adds to one counter of one row.
    pub fn add(&mut self, key: RowKey, counter: Counter, n: u64) {
        if n > 0 {
            add(self.0.entry(key).or_default(), counter, n);
        }
    }

    /// Adds a whole row.
    pub fn add_row(&mut self, key: RowKey, counters: &[(Counter, u64)]) {
        let row = self.0.entry(key).or_default();
        for (counter, n) in counters {
            add(row, *counter, *n);
        }
    }

    /// Whether the row is there.
    pub fn contains(&self, key: &RowKey) -> bool {
        self.0.contains_key(key)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows in the order of their keys, so that the same counts are always the same bytes.
    pub fn into_sorted(self) -> Vec<(RowKey, Counters)> {
        let mut rows: Vec<_> = self.0.into_iter().collect();
        for (_, counters) in &mut rows {
            counters.sort_unstable_by_key(|(counter, _)| *counter);
        }
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_one_number_and_one_name() {
        for (counter, cube, name) in COUNTERS {
            assert_eq!(Counter::try_from(counter as u8), Ok(counter));
            assert_eq!(counter.cube(), Some(cube));
            assert_eq!(COUNTERS.iter().filter(|(_, _, n)| *n == name).count(), 1);
        }
        assert!(Counter::try_from(255).is_err());
    }
}
