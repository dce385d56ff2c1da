//! Visitor marks: what makes distinct counts additive.
//!
//! Per visitor the day object remembers which row keys the visitor has touched today
//! ([`Touch`]). A mark set is a projection of a row key; its counter grows by one in the row that
//! is touched when no earlier touch of the same cube has the same projection. Summing the counter
//! over any rows that differ only outside the projection and in C (constant for a visitor) gives
//! distinct visitors, exactly.
//!
//! Adding a set is one line in [`MARKS`] and one in [`crate::cube::COUNTERS`].

use serde::{Deserialize, Serialize};

use crate::cube::{Counter, Cube, RowKey, TEXTS_MAX};
use crate::dict::{Dict, TextId};

/// A part of a row key that a mark set looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The hour.
    Hour,
    /// One of [`RowKey::texts`], by its place.
    Text(usize),
    /// The first segments of the path that is the first of [`RowKey::texts`]; see [`prefix`].
    Prefix(usize),
    /// A visit attribute, by its place in [`crate::attrs::VISIT_ATTRS`].
    Visit(usize),
}

/// One mark set.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// What grows.
    pub counter: Counter,
    /// Which cube's rows it looks at.
    pub cube: Cube,
    /// The projection.
    pub fields: &'static [Field],
}

// Places in VISIT_ATTRS.
const ENTRY_PAGE: Field = Field::Visit(0);
const SOURCE: Field = Field::Visit(2);
const REFERRER: Field = Field::Visit(3);
const CHANNEL: Field = Field::Visit(4);
const UTM_SOURCE: Field = Field::Visit(5);
const UTM_MEDIUM: Field = Field::Visit(6);
const CAMPAIGN: Field = Field::Visit(7);
const UTM_CONTENT: Field = Field::Visit(8);
const UTM_TERM: Field = Field::Visit(9);
// Texts of the cubes, by what they are there.
const PAGE: Field = Field::Text(0);
const HOST: Field = Field::Text(1);
const NAME: Field = Field::Text(0);
const GOAL: Field = Field::Text(0);
const PAGE_OF_EVENT: Field = Field::Text(1);
const KEY: Field = Field::Text(1);
const VALUE: Field = Field::Text(2);
const HOUR: Field = Field::Hour;

/// Every mark set. Per day unless [`Field::Hour`] is among the fields. Of the mark counters only
/// [`Counter::FunnelVisitors`] has none: a visitor comes to each step of a funnel once a day.
#[rustfmt::skip]
pub const MARKS: &[Mark] = &[
    mark(Counter::DayVisitors, Cube::Visits, &[]),
    mark(Counter::HourVisitors, Cube::Visits, &[HOUR]),
    mark(Counter::DayEntryPageVisitors, Cube::Visits, &[ENTRY_PAGE]),
    mark(Counter::DaySourceVisitors, Cube::Visits, &[SOURCE]),
    mark(Counter::HourSourceVisitors, Cube::Visits, &[SOURCE, HOUR]),
    mark(Counter::DayReferrerVisitors, Cube::Visits, &[REFERRER]),
    mark(Counter::DayChannelVisitors, Cube::Visits, &[CHANNEL]),
    mark(Counter::HourChannelVisitors, Cube::Visits, &[CHANNEL, HOUR]),
    mark(Counter::DayUtmSourceVisitors, Cube::Visits, &[UTM_SOURCE]),
    mark(Counter::DayUtmMediumVisitors, Cube::Visits, &[UTM_MEDIUM]),
    mark(Counter::DayUtmCampaignVisitors, Cube::Visits, &[CAMPAIGN]),
    mark(Counter::DayUtmContentVisitors, Cube::Visits, &[UTM_CONTENT]),
    mark(Counter::DayUtmTermVisitors, Cube::Visits, &[UTM_TERM]),
    mark(Counter::DayViewVisitors, Cube::Pages, &[]),
    mark(Counter::DayPageVisitors, Cube::Pages, &[PAGE]),
    mark(Counter::HourPageVisitors, Cube::Pages, &[PAGE, HOUR]),
    mark(Counter::DayHostVisitors, Cube::Pages, &[HOST]),
    mark(Counter::DayPrefix1Visitors, Cube::Pages, &[Field::Prefix(1)]),
    mark(Counter::DayPrefix2Visitors, Cube::Pages, &[Field::Prefix(2)]),
    mark(Counter::DayPrefix3Visitors, Cube::Pages, &[Field::Prefix(3)]),
    mark(Counter::DayPageSourceVisitors, Cube::Pages, &[PAGE, SOURCE]),
    mark(Counter::DayPageChannelVisitors, Cube::Pages, &[PAGE, CHANNEL]),
    mark(Counter::DayHostPageVisitors, Cube::Pages, &[HOST, PAGE]),
    mark(Counter::DayHostSourceVisitors, Cube::Pages, &[HOST, SOURCE]),
    mark(Counter::DayExitPageVisitors, Cube::Exits, &[PAGE]),
    mark(Counter::DayEventVisitors, Cube::Events, &[NAME]),
    mark(Counter::HourEventVisitors, Cube::Events, &[NAME, HOUR]),
    mark(Counter::DayEventPageVisitors, Cube::Events, &[NAME, PAGE_OF_EVENT]),
    mark(Counter::DayEventSourceVisitors, Cube::Events, &[NAME, SOURCE]),
    mark(Counter::DayEventChannelVisitors, Cube::Events, &[NAME, CHANNEL]),
    mark(Counter::DayPropVisitors, Cube::Props, &[NAME, KEY, VALUE]),
    mark(Counter::DayGoalVisitors, Cube::Goals, &[GOAL]),
    mark(Counter::HourGoalVisitors, Cube::Goals, &[GOAL, HOUR]),
    mark(Counter::DayGoalPageVisitors, Cube::Goals, &[GOAL, PAGE_OF_EVENT]),
    mark(Counter::DayGoalSourceVisitors, Cube::Goals, &[GOAL, SOURCE]),
    mark(Counter::DayGoalChannelVisitors, Cube::Goals, &[GOAL, CHANNEL]),
    mark(Counter::DayGoalCampaignVisitors, Cube::Goals, &[GOAL, CAMPAIGN]),
];

const fn mark(counter: Counter, cube: Cube, fields: &'static [Field]) -> Mark {
    Mark {
        counter,
        cube,
        fields,
    }
}

/// The first `depth` segments of a path, or all of it when it has no more: of `/a/b/c` with 2,
/// `/a/b`. A page belongs to its own prefix: `/a` to `/a`.
pub fn prefix(path: &str, depth: usize) -> &str {
    let slash = path.char_indices().filter(|(_, c)| *c == '/').nth(depth);
    slash.and_then(|(at, _)| path.get(..at)).unwrap_or(path)
}

/// A row key a visitor has touched today. C is left out: it is constant for a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    cube: Cube,
    hour: u8,
    texts: [TextId; TEXTS_MAX],
    t: u32,
}

impl From<RowKey> for Touch {
    fn from(key: RowKey) -> Self {
        Self {
            cube: key.cube,
            hour: key.hour,
            texts: key.texts,
            t: key.t,
        }
    }
}

impl Touch {
    /// Its cube, texts and visit attributes, for who wants to show them.
    pub(crate) fn parts(&self) -> (Cube, [TextId; TEXTS_MAX], u32) {
        (self.cube, self.texts, self.t)
    }

    /// Whether two touches of one cube look alike to a mark set.
    fn agrees(&self, other: &Touch, fields: &[Field], dict: &Dict) -> bool {
        fields.iter().all(|field| match field {
            Field::Hour => self.hour == other.hour,
            Field::Text(place) => self.texts.get(*place) == other.texts.get(*place),
            Field::Prefix(depth) => {
                let ([one, ..], [two, ..]) = (self.texts, other.texts);
                let path = |id: TextId| dict.text_of(id).map(|path| prefix(path, *depth));
                one == two || path(one) == path(two)
            }
            Field::Visit(place) => {
                let value =
                    |touch: &Touch| dict.visit_attrs_of(touch.t).and_then(|t| t.get(*place));
                self.t == other.t || value(self) == value(other)
            }
        })
    }
}

/// Counters that have grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grown(u64);

impl Grown {
    /// Which.
    pub fn counters(self) -> impl Iterator<Item = Counter> {
        let bits = (0..u64::BITS).zip(MARKS);
        bits.filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, mark)| mark.counter)
    }
}

/// The counters that grow when a visitor who has made `touches` touches `key`; remembers it.
pub fn touch(touches: &mut Vec<Touch>, key: RowKey, dict: &Dict) -> Grown {
    let new = Touch::from(key);
    if touches.contains(&new) {
        return Grown(0);
    }
    let mut grown = 0;
    for (bit, mark) in (0..u64::BITS).zip(MARKS) {
        let is_first = mark.cube == new.cube
            && !touches
                .iter()
                .any(|old| old.cube == new.cube && old.agrees(&new, mark.fields, dict));
        grown |= u64::from(is_first) << bit;
    }
    touches.push(new);
    Grown(grown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cube::COUNTERS;

    #[test]
    fn every_mark_counts_in_its_own_cube() {
        assert!(MARKS.len() <= 64, "a set of marks is one u64");
        for mark in MARKS {
            assert_eq!(mark.counter.cube(), Some(mark.cube));
            assert!((mark.counter as u8) >= 64, "marks are numbered from 64");
        }
        for (counter, _, name) in COUNTERS {
            let sets = MARKS.iter().filter(|mark| mark.counter == counter).count();
            let is_mark = counter as u8 >= 64 && counter != Counter::FunnelVisitors;
            assert_eq!(sets, usize::from(is_mark), "{name}");
        }
    }

    #[test]
    fn prefixes() {
        let cases = [
            ("/", ["/", "/", "/"]),
            ("/a", ["/a", "/a", "/a"]),
            ("/a/", ["/a", "/a/", "/a/"]),
            ("/a/b/c/d", ["/a", "/a/b", "/a/b/c"]),
            ("(other)", ["(other)", "(other)", "(other)"]),
        ];
        for (path, expected) in cases {
            assert_eq!([1, 2, 3].map(|depth| prefix(path, depth)), expected);
        }
    }
}
