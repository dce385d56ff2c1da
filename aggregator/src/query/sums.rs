//! Sums of counters by group.

use rustc_hash::FxHashMap;

use super::block::Block;
use super::ids::Ids;
use super::scan::Collect;
use super::time::Spans;
use super::{GROUPS_MAX, too_many};
use crate::error::Result;

/// A group: for each dimension of the question a number, of a text or of a span of time; 0 where
/// the term is not by it.
pub type Group = [u32; 8];

/// For each group a sum for each counter.
pub type Summed = FxHashMap<Group, Vec<u64>>;

/// Where a term's keys go.
#[derive(Debug, Clone)]
pub struct Slots {
    /// For each key of the located part its place in the group.
    pub keys: Vec<usize>,
    /// The place of the span of time.
    pub time: Option<usize>,
}

/// Tells the span of a date and an hour.
#[derive(Debug, Clone)]
pub struct SpanOf(
    Option<(
        super::dimension::Dimension,
        super::range::Range,
        crate::site::Site,
    )>,
);

impl SpanOf {
    /// Spans of a unit; none where a question is not by time.
    pub fn new(
        unit: Option<&super::dimension::Dimension>,
        range: &super::range::Range,
        site: &crate::site::Site,
    ) -> Self {
        Self(unit.map(|unit| (unit.clone(), *range, site.clone())))
    }

    /// The number of a span.
    pub fn number(&self, date: i64, hour: u64) -> u32 {
        self.0.as_ref().map_or(0, |(unit, range, site)| {
            Spans::new(unit, range, site).number(date, hour)
        })
    }

    /// Whether hours of a day are different spans.
    pub fn is_by_hour(&self) -> bool {
        let unit = self.0.as_ref().map(|(unit, ..)| unit);
        unit == Some(&super::dimension::Dimension::Hour)
    }
}

/// See the module.
pub struct Sums {
    slots: Slots,
    span: SpanOf,
    /// For each group a sum for each counter.
    pub groups: Summed,
}

/// Adds counts to those of a group.
pub fn add(sums: &mut Summed, group: Group, counts: &[u64]) {
    let sums = sums.entry(group);
    let sums = sums.or_insert_with(|| vec![0; counts.len()]);
    for (sum, n) in sums.iter_mut().zip(counts) {
        *sum = sum.saturating_add(*n);
    }
}

impl Sums {
    /// None yet.
    pub fn new(slots: Slots, span: SpanOf) -> Self {
        Self {
            slots,
            span,
            groups: Summed::default(),
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Sums) {
        for (group, counts) in other.groups {
            add(&mut self.groups, group, &counts);
        }
    }

    /// A group without what rows tell.
    fn of_date(&self, date: i64, hour: u64) -> Group {
        let mut group = Group::default();
        if let Some(time) = self.slots.time {
            group[time] = self.span.number(date, hour);
        }
        group
    }
}

/// Sums of counters over rows, by the number that each has: for each number as many as there are
/// counters.
pub fn by_number(counters: &[Vec<u64>], rows: &[u32], ids: &Ids) -> Vec<u64> {
    let width = counters.len();
    let mut sums = vec![0_u64; ids.rows.len() * width];
    for (at, counts) in counters.iter().enumerate() {
        for (row, id) in rows.iter().zip(&ids.ids) {
            sums[*id as usize * width + at] += counts[*row as usize];
        }
    }
    sums
}

impl Collect for Sums {
    fn take(&mut self, block: &Block) -> Result<()> {
        let by_hour = self.span.is_by_hour() && self.slots.time.is_some();
        let keys: Vec<usize> = (0..self.slots.keys.len()).collect();
        let rows = block.matching();
        let ids = rows.iter().map(|row| *row as usize);
        let ids = Ids::of(block, ids, &keys, by_hour);
        let sums = by_number(&block.counters, &rows, &ids);
        for (row, counts) in ids
            .rows
            .iter()
            .zip(sums.chunks(block.counters.len().max(1)))
        {
            if counts.iter().all(|n| *n == 0) {
                continue;
            }
            let hour = if by_hour { block.hour(*row) } else { 0 };
            let mut group = self.of_date(block.date, hour);
            for (slot, key) in self.slots.keys.iter().zip(&block.keys) {
                group[*slot] = key.number(*row);
            }
            add(&mut self.groups, group, counts);
        }
        too_many(self.groups.len() > GROUPS_MAX)
    }
}
