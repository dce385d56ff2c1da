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

use crate::cube::{Counter, Cube, RowKey};
use crate::dict::{Dict, TextId};

/// A part of a row key that a mark set looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The hour.
    Hour,
    /// [`RowKey::a`]: page, exit page or event name.
    A,
    /// [`RowKey::b`]: host, or the page of an event.
    B,
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

/// Every mark set. Per day unless [`Field::Hour`] is among the fields.
pub const MARKS: &[Mark] = &[
    mark(Counter::DayVisitors, Cube::Visits, &[]),
    mark(Counter::HourVisitors, Cube::Visits, &[Field::Hour]),
    mark(
        Counter::DayEntryPageVisitors,
        Cube::Visits,
        &[Field::Visit(0)],
    ),
    mark(Counter::DayPageVisitors, Cube::Pages, &[Field::A]),
    mark(
        Counter::HourPageVisitors,
        Cube::Pages,
        &[Field::A, Field::Hour],
    ),
    mark(Counter::DayHostVisitors, Cube::Pages, &[Field::B]),
    mark(Counter::DayExitPageVisitors, Cube::Exits, &[Field::A]),
    mark(Counter::DayEventVisitors, Cube::Events, &[Field::A]),
    mark(
        Counter::HourEventVisitors,
        Cube::Events,
        &[Field::A, Field::Hour],
    ),
    mark(Counter::DaySourceVisitors, Cube::Visits, &[Field::Visit(2)]),
    mark(
        Counter::DayReferrerVisitors,
        Cube::Visits,
        &[Field::Visit(3)],
    ),
    mark(
        Counter::DayChannelVisitors,
        Cube::Visits,
        &[Field::Visit(4)],
    ),
    mark(
        Counter::DayUtmSourceVisitors,
        Cube::Visits,
        &[Field::Visit(5)],
    ),
    mark(
        Counter::DayUtmMediumVisitors,
        Cube::Visits,
        &[Field::Visit(6)],
    ),
    mark(
        Counter::DayUtmCampaignVisitors,
        Cube::Visits,
        &[Field::Visit(7)],
    ),
    mark(
        Counter::DayUtmContentVisitors,
        Cube::Visits,
        &[Field::Visit(8)],
    ),
    mark(
        Counter::DayUtmTermVisitors,
        Cube::Visits,
        &[Field::Visit(9)],
    ),
    mark(
        Counter::DayPageSourceVisitors,
        Cube::Pages,
        &[Field::A, Field::Visit(2)],
    ),
    mark(
        Counter::DayPageChannelVisitors,
        Cube::Pages,
        &[Field::A, Field::Visit(4)],
    ),
];

const fn mark(counter: Counter, cube: Cube, fields: &'static [Field]) -> Mark {
    Mark {
        counter,
        cube,
        fields,
    }
}

/// A row key a visitor has touched today. C is left out: it is constant for a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    cube: Cube,
    hour: u8,
    a: TextId,
    b: TextId,
    t: u32,
}

impl From<RowKey> for Touch {
    fn from(key: RowKey) -> Self {
        Self {
            cube: key.cube,
            hour: key.hour,
            a: key.a,
            b: key.b,
            t: key.t,
        }
    }
}

impl Touch {
    /// Whether two touches of one cube look alike to a mark set.
    fn agrees(&self, other: &Touch, fields: &[Field], dict: &Dict) -> bool {
        fields.iter().all(|field| match field {
            Field::Hour => self.hour == other.hour,
            Field::A => self.a == other.a,
            Field::B => self.b == other.b,
            Field::Visit(place) => {
                let value =
                    |touch: &Touch| dict.visit_attrs_of(touch.t).and_then(|t| t.get(*place));
                self.t == other.t || value(self) == value(other)
            }
        })
    }
}

/// The counters that grow when a visitor who has made `touches` touches `key`; remembers it.
pub fn touch(touches: &mut Vec<Touch>, key: RowKey, dict: &Dict) -> Vec<Counter> {
    let new = Touch::from(key);
    if touches.contains(&new) {
        return Vec::new();
    }
    let grown = MARKS
        .iter()
        .filter(|mark| mark.cube == key.cube)
        .filter(|mark| {
            !touches
                .iter()
                .any(|old| old.cube == new.cube && old.agrees(&new, mark.fields, dict))
        })
        .map(|mark| mark.counter)
        .collect();
    touches.push(new);
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_counts_in_its_own_cube() {
        for mark in MARKS {
            assert_eq!(mark.counter.cube(), Some(mark.cube));
            assert!((mark.counter as u8) >= 64, "marks are numbered from 64");
        }
    }
}
