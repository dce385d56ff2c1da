//! The counting cubes: which counters exist, and sums of them keyed by (hour, attributes).
//!
//! What always holds: counters only grow (I9). A counter's number is part of the wire format and
//! of what day objects store: never reuse one.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::dict::{Kind, TextId};

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
    /// Key: hour, event name, property, value, T, C.
    Props,
    /// Key: hour, event name, currency, T, C.
    Revenue,
    /// Key: hour, goal's number, page, T, C.
    Goals,
    /// Key: hour, funnel's number, step from 1, T, C.
    Funnels,
}

/// All cubes, in wire order.
pub const CUBES: [Cube; 8] = [
    Cube::Visits,
    Cube::Pages,
    Cube::Exits,
    Cube::Events,
    Cube::Props,
    Cube::Revenue,
    Cube::Goals,
    Cube::Funnels,
];

/// Most strings a cube's key names.
pub const TEXTS_MAX: usize = 3;

impl Cube {
    /// The strings the key names beside hour, T and C, in the order of [`RowKey::texts`].
    pub const fn texts(self) -> &'static [Kind] {
        match self {
            Cube::Visits => &[],
            Cube::Pages => &[Kind::Page, Kind::Host],
            Cube::Exits => &[Kind::Page],
            Cube::Events => &[Kind::EventName, Kind::Page],
            Cube::Props => &[Kind::EventName, Kind::PropKey, Kind::PropValue],
            Cube::Revenue => &[Kind::EventName, Kind::Currency],
            Cube::Goals => &[Kind::Goal, Kind::Page],
            Cube::Funnels => &[Kind::Funnel, Kind::Step],
        }
    }

    /// Its name: of the rows in a batch, and of the aggregator's table.
    pub const fn name(self) -> &'static str {
        match self {
            Cube::Visits => "visits",
            Cube::Pages => "pages",
            Cube::Exits => "exits",
            Cube::Events => "events",
            Cube::Props => "props",
            Cube::Revenue => "revenue",
            Cube::Goals => "goals",
            Cube::Funnels => "funnels",
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
    /// As many as [`Cube::texts`] names; 0 beyond.
    pub texts: [TextId; TEXTS_MAX],
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
    /// Events that carried the property with the value.
    PropEvents = 14,
    /// Revenue, thousandths of the currency's unit.
    RevenueMilli = 15,
    /// Events that brought revenue.
    RevenueEvents = 16,
    /// Events that completed the goal; of a scroll goal one per visitor, day and page.
    Completions = 17,

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
    /// Mark: visitors of the hour by source.
    HourSourceVisitors = 83,
    /// Mark: visitors of the hour by channel.
    HourChannelVisitors = 84,
    /// Mark: visitors of the day by the first segment of the path.
    DayPrefix1Visitors = 85,
    /// Mark: visitors of the day by the first two segments of the path.
    DayPrefix2Visitors = 86,
    /// Mark: visitors of the day by the first three segments of the path.
    DayPrefix3Visitors = 87,
    /// Mark: visitors of the day by host and page.
    DayHostPageVisitors = 88,
    /// Mark: visitors of the day by host and source.
    DayHostSourceVisitors = 89,
    /// Mark: visitors of the day by event name and page.
    DayEventPageVisitors = 90,
    /// Mark: visitors of the day by event name and source.
    DayEventSourceVisitors = 91,
    /// Mark: visitors of the day by event name and channel.
    DayEventChannelVisitors = 92,
    /// Mark: visitors of the day by event name, property and value.
    DayPropVisitors = 93,
    /// Mark: visitors of the day by goal.
    DayGoalVisitors = 94,
    /// Mark: visitors of the hour by goal.
    HourGoalVisitors = 95,
    /// Mark: visitors of the day by goal and page.
    DayGoalPageVisitors = 96,
    /// Mark: visitors of the day by goal and source.
    DayGoalSourceVisitors = 97,
    /// Mark: visitors of the day by goal and channel.
    DayGoalChannelVisitors = 98,
    /// Mark: visitors of the day by goal and campaign.
    DayGoalCampaignVisitors = 99,
    /// Mark: visitors of the day who came to the step of the funnel, having done the steps before it in order.
    FunnelVisitors = 100,
    /// Mark: visitors of the day who have seen any page.
    DayViewVisitors = 101,
}

/// Every counter, its cube and its name (the aggregator's column).
pub const COUNTERS: [(Counter, Cube, &str); 56] = [
    (Counter::Visits, Cube::Visits, "visits"),
    (Counter::ActiveVisits, Cube::Visits, "active_visits"),
    (Counter::EndedVisits, Cube::Visits, "ended_visits"),
    (Counter::Bounces, Cube::Visits, "bounces"),
    (Counter::DurationS, Cube::Visits, "duration_s"),
    (Counter::EndedViews, Cube::Visits, "ended_views"),
    (Counter::Views, Cube::Pages, "views"),
    (Counter::PageVisits, Cube::Pages, "page_visits"),
    (Counter::EngagedMs, Cube::Pages, "engaged_ms"),
    (Counter::EngagedCount, Cube::Pages, "engaged_count"),
    (Counter::ScrollSum, Cube::Pages, "scroll_sum"),
    (Counter::ScrollCount, Cube::Pages, "scroll_count"),
    (Counter::Exits, Cube::Exits, "exits"),
    (Counter::Events, Cube::Events, "events"),
    (Counter::PropEvents, Cube::Props, "prop_events"),
    (Counter::RevenueMilli, Cube::Revenue, "revenue_milli"),
    (Counter::RevenueEvents, Cube::Revenue, "revenue_events"),
    (Counter::Completions, Cube::Goals, "completions"),
    (Counter::DayVisitors, Cube::Visits, "day_visitors"),
    (Counter::HourVisitors, Cube::Visits, "hour_visitors"),
    (
        Counter::DayEntryPageVisitors,
        Cube::Visits,
        "day_entry_page_visitors",
    ),
    (Counter::DayPageVisitors, Cube::Pages, "day_page_visitors"),
    (Counter::HourPageVisitors, Cube::Pages, "hour_page_visitors"),
    (Counter::DayHostVisitors, Cube::Pages, "day_host_visitors"),
    (
        Counter::DayExitPageVisitors,
        Cube::Exits,
        "day_exit_page_visitors",
    ),
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
    (
        Counter::HourSourceVisitors,
        Cube::Visits,
        "hour_source_visitors",
    ),
    (
        Counter::HourChannelVisitors,
        Cube::Visits,
        "hour_channel_visitors",
    ),
    (
        Counter::DayPrefix1Visitors,
        Cube::Pages,
        "day_prefix1_visitors",
    ),
    (
        Counter::DayPrefix2Visitors,
        Cube::Pages,
        "day_prefix2_visitors",
    ),
    (
        Counter::DayPrefix3Visitors,
        Cube::Pages,
        "day_prefix3_visitors",
    ),
    (
        Counter::DayHostPageVisitors,
        Cube::Pages,
        "day_host_page_visitors",
    ),
    (
        Counter::DayHostSourceVisitors,
        Cube::Pages,
        "day_host_source_visitors",
    ),
    (
        Counter::DayEventPageVisitors,
        Cube::Events,
        "day_event_page_visitors",
    ),
    (
        Counter::DayEventSourceVisitors,
        Cube::Events,
        "day_event_source_visitors",
    ),
    (
        Counter::DayEventChannelVisitors,
        Cube::Events,
        "day_event_channel_visitors",
    ),
    (Counter::DayPropVisitors, Cube::Props, "day_prop_visitors"),
    (Counter::DayGoalVisitors, Cube::Goals, "day_goal_visitors"),
    (Counter::HourGoalVisitors, Cube::Goals, "hour_goal_visitors"),
    (
        Counter::DayGoalPageVisitors,
        Cube::Goals,
        "day_goal_page_visitors",
    ),
    (
        Counter::DayGoalSourceVisitors,
        Cube::Goals,
        "day_goal_source_visitors",
    ),
    (
        Counter::DayGoalChannelVisitors,
        Cube::Goals,
        "day_goal_channel_visitors",
    ),
    (
        Counter::DayGoalCampaignVisitors,
        Cube::Goals,
        "day_goal_campaign_visitors",
    ),
    (Counter::FunnelVisitors, Cube::Funnels, "funnel_visitors"),
    (Counter::DayViewVisitors, Cube::Pages, "day_view_visitors"),
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

    /// Adds a whole row. What counts nothing leaves no trace: a batch with an empty row or a
    /// count of 0 would be refused.
    pub fn add_row(&mut self, key: RowKey, counters: &[(Counter, u64)]) {
        let mut counted = counters.iter().filter(|(_, n)| *n > 0).peekable();
        if counted.peek().is_some() {
            let row = self.0.entry(key).or_default();
            for (counter, n) in counted {
                add(row, *counter, *n);
            }
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

    #[test]
    fn what_counts_nothing_leaves_no_trace() {
        let key = RowKey {
            cube: Cube::Pages,
            hour: 0,
            texts: [0; TEXTS_MAX],
            t: 0,
            c: 0,
        };
        let mut rows = Rows::default();
        rows.add_row(key, &[]);
        rows.add_row(key, &[(Counter::EngagedMs, 0)]);
        assert!(rows.is_empty());
        rows.add_row(key, &[(Counter::EngagedMs, 0), (Counter::EngagedCount, 1)]);
        assert_eq!(
            rows.into_sorted(),
            [(key, vec![(Counter::EngagedCount, 1)])]
        );
    }
}
