//! Segments: how counts are stored. A segment holds the counts of one site and local day that came
//! with one batch, or with many that were merged. Counts are additive, so a day is the sum of its
//! segments, in whatever order they came.
//!
//! A segment is immutable and consists of *parts*, each stored as one value that can be read by
//! itself ([`part`]): the rows of a cube, the combinations of visit and of client attributes they
//! name, and the [rollups](shared::rollup) of every dimension. Every part brings its own strings, so
//! nothing is left behind when a day is deleted.
//!
//! What always holds: the rollups of a segment hold everything its cubes hold; what came under
//! `detail = totals` or was imported is in the rollups alone.

mod build;
pub mod bundle;
mod merge;
pub mod part;
mod rollups;
pub mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use shared::attrs::{CLIENT_ATTRS_LEN, VISIT_ATTRS_LEN};
use shared::cube::{COUNTERS, CUBES, Counter, Cube};
use shared::rollup::{DIMS, Dim};

pub use merge::{Hours, merge};
use part::{ColumnId, Part};
pub use rollups::RollupRow;

/// What is stored is not a segment of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored segment cannot be read: {0}")]
pub struct SegmentError(pub(crate) &'static str);

/// Which part of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartId {
    /// Rows of a cube.
    Cube(Cube),
    /// Combinations of visit attributes, a row each.
    VisitAttrs,
    /// Combinations of client attributes, a row each.
    ClientAttrs,
    /// Rows of a rollup.
    Rollup(Dim),
}

const VISIT_ATTRS_PART: u8 = 8;
const CLIENT_ATTRS_PART: u8 = 9;
const ROLLUPS: u8 = 16;

impl PartId {
    /// All there are.
    pub fn all() -> impl Iterator<Item = PartId> {
        let cubes = CUBES.into_iter().map(PartId::Cube);
        let attrs = [PartId::VisitAttrs, PartId::ClientAttrs];
        let rollups = DIMS.into_iter().map(|(dim, ..)| PartId::Rollup(dim));
        cubes.chain(attrs).chain(rollups)
    }

    /// Its number in the store.
    pub fn number(self) -> u8 {
        match self {
            PartId::Cube(cube) => cube as u8,
            PartId::VisitAttrs => VISIT_ATTRS_PART,
            PartId::ClientAttrs => CLIENT_ATTRS_PART,
            PartId::Rollup(dim) => ROLLUPS + dim as u8,
        }
    }

    /// The part of a number.
    pub fn of(number: u8) -> Option<Self> {
        Self::all().find(|part| part.number() == number)
    }

    /// Columns of texts: their values are places in the part's strings.
    pub fn text_columns(self) -> std::ops::Range<ColumnId> {
        match self {
            PartId::Cube(cube) => TEXT..TEXT + cube.texts().len() as u8,
            PartId::VisitAttrs => 0..VISIT_ATTRS_LEN as u8,
            PartId::ClientAttrs => 0..CLIENT_ATTRS_LEN as u8,
            PartId::Rollup(dim) => TEXT..TEXT + dim.texts() as u8,
        }
    }

    /// Columns stored as differences: those that rows are sorted by first.
    pub fn by_difference(self) -> impl Fn(ColumnId) -> bool {
        move |id| match self {
            PartId::Cube(_) => id == VISIT || id == CLIENT,
            PartId::Rollup(_) => id == TEXT,
            PartId::VisitAttrs | PartId::ClientAttrs => false,
        }
    }
}

/// Column of the hour of the local day.
pub const HOUR: ColumnId = 0;
/// First column of texts.
pub const TEXT: ColumnId = 1;
/// Column of places in [`PartId::VisitAttrs`].
pub const VISIT: ColumnId = 4;
/// Column of places in [`PartId::ClientAttrs`].
pub const CLIENT: ColumnId = 5;
const COUNTERS_FROM: ColumnId = 16;

/// Column of a counter.
pub const fn counter_column(counter: Counter) -> ColumnId {
    COUNTERS_FROM + counter as u8
}

/// The counter of a column, if it is one.
fn counter_of(column: ColumnId) -> Option<Counter> {
    Counter::try_from(column.checked_sub(COUNTERS_FROM)?).ok()
}

/// The key of a row, in the order rows are sorted by; see [`KEY_COLUMNS`].
type Key = [u32; 6];
const KEY_COLUMNS: [ColumnId; 6] = [VISIT, CLIENT, TEXT, TEXT + 1, TEXT + 2, HOUR];
/// Where the texts of a key begin, and its hour.
const TEXTS_AT: usize = 2;
const HOUR_AT: usize = 5;

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Segment {
    parts: BTreeMap<PartId, Part>,
}

impl Segment {
    /// A part; empty when it is not there.
    pub fn part(&self, id: PartId) -> &Part {
        static EMPTY: Part = Part {
            rows: 0,
            strings: Vec::new(),
            columns: BTreeMap::new(),
        };
        self.parts.get(&id).unwrap_or(&EMPTY)
    }

    /// Rows of cubes and rollups: what merging it costs.
    pub fn rows(&self) -> usize {
        self.parts.values().map(|part| part.rows).sum()
    }

    /// Whether it counts nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The sum of a counter of a part.
    pub fn sum(&self, part: PartId, counter: Counter) -> u64 {
        let column = self.part(part).columns.get(&counter_column(counter));
        column.map_or(0, |values| values.iter().sum())
    }

    /// Whether its rollups hold counts that its cubes do not: they came by one dimension each.
    pub fn has_totals(&self) -> bool {
        COUNTERS.iter().any(|(counter, cube, _)| {
            // Folded cubes tell nothing of hours.
            let mut dims = DIMS.iter().map(|(dim, ..)| *dim);
            let dim = dims.find(|dim| dim.holds(*counter) && !merge::is_hourly(*counter));
            dim.is_some_and(|dim| {
                self.sum(PartId::Rollup(dim), *counter) > self.sum(PartId::Cube(*cube), *counter)
            })
        })
    }

    /// The parts that hold anything, as they are stored.
    ///
    /// # Errors
    /// Memory is the only bound.
    pub fn encode(&self) -> Result<Vec<(PartId, Vec<u8>)>, SegmentError> {
        self.encode_parts(true)
    }

    /// The parts that hold anything, as one value; for small segments.
    ///
    /// # Errors
    /// Memory is the only bound.
    pub fn encode_bundle(&self) -> Result<Vec<u8>, SegmentError> {
        bundle::join(&self.encode_parts(false)?)
    }

    fn encode_parts(&self, packed: bool) -> Result<Vec<(PartId, Vec<u8>)>, SegmentError> {
        let encode = |(id, part): (&PartId, &Part)| {
            let bytes = part.encode(id.by_difference(), packed)?;
            Ok((*id, bytes))
        };
        self.parts.iter().map(encode).collect()
    }

    /// A segment of stored parts.
    ///
    /// # Errors
    /// The bytes are not of parts, or a part names what is not there.
    pub fn decode(
        parts: impl IntoIterator<Item = (PartId, Vec<u8>)>,
    ) -> Result<Self, SegmentError> {
        let mut segment = Self::default();
        for (id, bytes) in parts {
            let part = Part::decode(&bytes, id.by_difference())?;
            segment.parts.insert(id, part);
        }
        segment.check()?;
        Ok(segment)
    }

    /// Places that are named must be there.
    fn check(&self) -> Result<(), SegmentError> {
        let within = |part: &Part, column: ColumnId, count: usize| {
            let values = part.columns.get(&column).map(Vec::as_slice);
            let largest = values.unwrap_or(&[0]).iter().max().copied();
            part.rows == 0 || largest.is_none_or(|place| place < count as u64)
        };
        for (id, part) in &self.parts {
            let mut texts = id.text_columns();
            let mut is_sound = texts.all(|column| within(part, column, part.strings.len()));
            if matches!(id, PartId::Cube(_)) {
                is_sound &= within(part, VISIT, self.part(PartId::VisitAttrs).rows)
                    && within(part, CLIENT, self.part(PartId::ClientAttrs).rows);
            }
            if !is_sound {
                return Err(SegmentError("a row names a place that is not there"));
            }
        }
        Ok(())
    }

    /// Puts a part in, unless it has no rows.
    fn set(&mut self, id: PartId, part: Part) {
        if part.rows > 0 {
            self.parts.insert(id, part);
        }
    }
}
