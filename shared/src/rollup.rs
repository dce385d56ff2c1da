//! Rollups: the counts of a day by one dimension each, made of the rows of the cubes.
//!
//! A rollup answers what needs no filter, in the time of its distinct values. It holds, of every
//! cube that says something about the dimension, the counters that can be summed: plain counts,
//! and the marks of the very set that the dimension is. Only [`Dim::Total`] keeps the hours.
//!
//! Under `detail = totals` the edge sends rollups in the place of rows of cubes, made by the same
//! table: nothing that could be cross-referenced leaves it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::cube::{COUNTERS, Counter, Cube};
use crate::marks::{Field, MARKS};

/// A dimension. The discriminant is its number on the wire and in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum Dim {
    /// The whole site, by hour.
    Total = 0,
    /// Page.
    Page = 1,
    /// Host.
    Host = 2,
    /// Page a visit began with.
    EntryPage = 3,
    /// Host a visit began with.
    EntryHost = 4,
    /// Page a visit ended with.
    ExitPage = 5,
    /// Source.
    Source = 6,
    /// Referrer.
    Referrer = 7,
    /// Channel.
    Channel = 8,
    /// `utm_source`.
    UtmSource = 9,
    /// `utm_medium`.
    UtmMedium = 10,
    /// `utm_campaign`.
    UtmCampaign = 11,
    /// `utm_content`.
    UtmContent = 12,
    /// `utm_term`.
    UtmTerm = 13,
    /// Country.
    Country = 14,
    /// Kind of device.
    Device = 15,
    /// Browser.
    Browser = 16,
    /// Browser and its version.
    BrowserVersion = 17,
    /// Operating system.
    Os = 18,
    /// Operating system and its version.
    OsVersion = 19,
    /// Event name.
    Event = 20,
    /// Event name, property, value.
    Prop = 21,
    /// Event name, currency.
    Revenue = 22,
    /// Goal's number.
    Goal = 23,
    /// Funnel's number, step.
    Funnel = 24,
    /// First segment of the path.
    Prefix1 = 25,
    /// First two segments of the path.
    Prefix2 = 26,
    /// First three segments of the path.
    Prefix3 = 27,
}

/// Where a text of a rollup's key stands in a row of a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One of the row's texts.
    Text(usize),
    /// The first segments ([`crate::marks::prefix`]) of the path that is the row's first text.
    Prefix(usize),
    /// A visit attribute, by its place in [`crate::attrs::VISIT_ATTRS`].
    Visit(usize),
    /// A client attribute, by its place in [`crate::attrs::CLIENT_ATTRS`].
    Client(usize),
}
use Place::{Client, Prefix, Text, Visit};

/// What one cube gives to one rollup.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The rollup.
    pub dim: Dim,
    /// The cube.
    pub cube: Cube,
    /// The texts of the key.
    pub key: &'static [Place],
}

/// What a visit came with and what its browser is, by which all that a visit does is told.
const BY_VISIT: [(Dim, &[Place]); 16] = [
    (Dim::EntryPage, &[Visit(0)]),
    (Dim::EntryHost, &[Visit(1)]),
    (Dim::Source, &[Visit(2)]),
    (Dim::Referrer, &[Visit(3)]),
    (Dim::Channel, &[Visit(4)]),
    (Dim::UtmSource, &[Visit(5)]),
    (Dim::UtmMedium, &[Visit(6)]),
    (Dim::UtmCampaign, &[Visit(7)]),
    (Dim::UtmContent, &[Visit(8)]),
    (Dim::UtmTerm, &[Visit(9)]),
    (Dim::Country, &[Client(0)]),
    (Dim::Device, &[Client(1)]),
    (Dim::Browser, &[Client(2)]),
    (Dim::BrowserVersion, &[Client(2), Client(3)]),
    (Dim::Os, &[Client(4)]),
    (Dim::OsVersion, &[Client(4), Client(5)]),
];

const OF_PAGES: [(Dim, &[Place]); 6] = [
    (Dim::Total, &[]),
    (Dim::Page, &[Text(0)]),
    (Dim::Host, &[Text(1)]),
    (Dim::Prefix1, &[Prefix(1)]),
    (Dim::Prefix2, &[Prefix(2)]),
    (Dim::Prefix3, &[Prefix(3)]),
];

/// Everything a row of a cube counts in.
pub fn parts(cube: Cube) -> impl Iterator<Item = Part> {
    let (own, by_visit): (&'static [(Dim, &'static [Place])], bool) = match cube {
        Cube::Visits => (&[(Dim::Total, &[])], true),
        Cube::Pages => (&OF_PAGES, true),
        Cube::Exits => (&[(Dim::ExitPage, &[Text(0)])], false),
        Cube::Events => (&[(Dim::Total, &[]), (Dim::Event, &[Text(0)])], true),
        Cube::Props => (&[(Dim::Prop, &[Text(0), Text(1), Text(2)])], false),
        Cube::Revenue => (&[(Dim::Revenue, &[Text(0), Text(1)])], false),
        Cube::Goals => (&[(Dim::Goal, &[Text(0)])], false),
        Cube::Funnels => (&[(Dim::Funnel, &[Text(0), Text(1)])], false),
    };
    let by_visit = BY_VISIT.iter().filter(move |_| by_visit);
    own.iter().chain(by_visit).map(move |(dim, key)| Part {
        dim: *dim,
        cube,
        key,
    })
}

impl Part {
    /// Whether sums of the counter under this key say what its name says. Those of plain counts
    /// do; those of a mark when it looks at the key and nothing else but what is constant for a
    /// visitor.
    pub fn keeps(&self, counter: Counter) -> bool {
        if counter.cube() != Some(self.cube) {
            return false;
        }
        let Some(mark) = MARKS.iter().find(|mark| mark.counter == counter) else {
            return match counter {
                Counter::FunnelVisitors => self.dim == Dim::Funnel,
                // Of every hour; their sum is nothing.
                Counter::ActiveVisits => self.dim == Dim::Total,
                _ => true,
            };
        };
        let is_hourly = mark.fields.contains(&Field::Hour);
        let fields = mark.fields.iter().filter(|field| **field != Field::Hour);
        let key = self.key.iter().filter(|place| !matches!(place, Client(_)));
        let is_same = fields.map(Place::of).eq(key.map(|place| Some(*place)));
        is_same && (!is_hourly || self.dim == Dim::Total)
    }
}

impl Place {
    fn of(field: &Field) -> Option<Self> {
        match field {
            Field::Hour => None,
            Field::Text(place) => Some(Text(*place)),
            Field::Prefix(depth) => Some(Prefix(*depth)),
            Field::Visit(place) => Some(Visit(*place)),
        }
    }
}

/// Every dimension with its name and how many texts its key has.
pub const DIMS: [(Dim, &str, usize); 28] = [
    (Dim::Total, "total", 0),
    (Dim::Page, "page", 1),
    (Dim::Host, "host", 1),
    (Dim::EntryPage, "entry_page", 1),
    (Dim::EntryHost, "entry_host", 1),
    (Dim::ExitPage, "exit_page", 1),
    (Dim::Source, "source", 1),
    (Dim::Referrer, "referrer", 1),
    (Dim::Channel, "channel", 1),
    (Dim::UtmSource, "utm_source", 1),
    (Dim::UtmMedium, "utm_medium", 1),
    (Dim::UtmCampaign, "utm_campaign", 1),
    (Dim::UtmContent, "utm_content", 1),
    (Dim::UtmTerm, "utm_term", 1),
    (Dim::Country, "country", 1),
    (Dim::Device, "device", 1),
    (Dim::Browser, "browser", 1),
    (Dim::BrowserVersion, "browser_version", 2),
    (Dim::Os, "os", 1),
    (Dim::OsVersion, "os_version", 2),
    (Dim::Event, "event", 1),
    (Dim::Prop, "prop", 3),
    (Dim::Revenue, "revenue", 2),
    (Dim::Goal, "goal", 1),
    (Dim::Funnel, "funnel", 2),
    (Dim::Prefix1, "prefix1", 1),
    (Dim::Prefix2, "prefix2", 1),
    (Dim::Prefix3, "prefix3", 1),
];

impl Dim {
    /// Its published name.
    pub fn name(self) -> &'static str {
        let found = DIMS.iter().find(|(dim, ..)| *dim == self);
        found.map_or("", |(_, name, _)| name)
    }

    /// How many texts its key has.
    pub fn texts(self) -> usize {
        let found = DIMS.iter().find(|(dim, ..)| *dim == self);
        found.map_or(0, |(_, _, texts)| *texts)
    }

    /// Whether a row of it may hold the counter.
    pub fn holds(self, counter: Counter) -> bool {
        /// For every dimension a bit for each counter.
        static HELD: LazyLock<Vec<u128>> = LazyLock::new(|| {
            let held = |dim: Dim| {
                let counters = COUNTERS.iter().filter(|(counter, cube, _)| {
                    parts(*cube).any(|part| part.dim == dim && part.keeps(*counter))
                });
                counters.fold(0, |bits, (counter, ..)| bits | 1 << (*counter as u8))
            };
            DIMS.iter().map(|(dim, ..)| held(*dim)).collect()
        });
        let bits = HELD.get(self as usize).copied().unwrap_or(0);
        bits >> (counter as u8) & 1 == 1
    }

    /// Every counter a row of it may hold.
    pub fn counters(self) -> impl Iterator<Item = Counter> {
        let all = COUNTERS.iter().map(|(counter, ..)| *counter);
        all.filter(move |counter| self.holds(*counter))
    }
}

impl TryFrom<u8> for Dim {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        let found = DIMS.iter().find(|(dim, ..)| *dim as u8 == number);
        found.map(|(dim, ..)| *dim).ok_or("unknown dimension")
    }
}

impl From<Dim> for u8 {
    fn from(dim: Dim) -> u8 {
        dim as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cube::CUBES;

    fn kept(dim: Dim) -> Vec<&'static str> {
        let name = |counter: Counter| COUNTERS.iter().find(|(c, ..)| *c == counter).unwrap().2;
        dim.counters().map(name).collect()
    }

    #[test]
    fn every_dimension_has_one_number_and_keys_of_one_length() {
        for (dim, _, texts) in DIMS {
            assert_eq!(Dim::try_from(dim as u8), Ok(dim));
            assert_eq!(DIMS[dim as usize].0, dim);
            let parts = || {
                CUBES
                    .into_iter()
                    .flat_map(parts)
                    .filter(|part| part.dim == dim)
            };
            assert!(parts().next().is_some(), "{dim:?}");
            assert!(parts().all(|part| part.key.len() == texts), "{dim:?}");
        }
        assert!(Dim::try_from(28).is_err());
    }

    #[test]
    fn marks_are_kept_where_their_sum_is_distinct_visitors() {
        let source = kept(Dim::Source);
        assert!(source.contains(&"day_source_visitors") && source.contains(&"views"));
        assert!(!source.contains(&"day_visitors") && !source.contains(&"hour_source_visitors"));
        assert!(kept(Dim::Country).contains(&"day_visitors"));
        assert!(kept(Dim::BrowserVersion).contains(&"day_visitors"));
        assert!(!kept(Dim::Country).contains(&"hour_visitors"));
        assert!(kept(Dim::Total).contains(&"hour_visitors"));
        assert!(kept(Dim::Page).contains(&"day_page_visitors"));
        assert!(!kept(Dim::Page).contains(&"day_host_page_visitors"));
        assert!(kept(Dim::Prefix2).contains(&"day_prefix2_visitors"));
        assert_eq!(kept(Dim::ExitPage), ["exits", "day_exit_page_visitors"]);
        assert_eq!(kept(Dim::Prop), ["prop_events", "day_prop_visitors"]);
        assert_eq!(kept(Dim::Funnel), ["funnel_visitors"]);
        assert_eq!(kept(Dim::Goal), ["completions", "day_goal_visitors"]);
    }
}
