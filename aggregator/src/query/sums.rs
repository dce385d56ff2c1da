//! Sums of counters by group.

use rustc_hash::FxHashMap;

use super::block::Block;
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

    /// By one key, in as many places as it has values.
    fn take_one(&mut self, block: &Block, slot: usize) {
        let Some(key) = block.keys.first() else {
            return;
        };
        let width = block.counters.len();
        let mut sums = vec![0_u64; key.numbers().len() * width];
        for row in block.matching() {
            let row = row as usize;
            let at = key.place(row) * width;
            if let Some(sums) = sums.get_mut(at..at + width) {
                for (sum, counts) in sums.iter_mut().zip(&block.counters) {
                    *sum += counts[row];
                }
            }
        }
        let mut group = self.of_date(block.date, 0);
        for (number, counts) in key.numbers().iter().zip(sums.chunks(width)) {
            if counts.iter().any(|n| *n > 0) {
                group[slot] = *number;
                add(&mut self.groups, group, counts);
            }
        }
    }
}

impl Collect for Sums {
    fn take(&mut self, block: &Block) -> Result<()> {
        let by_hour = self.span.is_by_hour() && self.slots.time.is_some();
        if let ([slot], false) = (self.slots.keys.as_slice(), by_hour) {
            self.take_one(block, *slot);
            return too_many(self.groups.len() > GROUPS_MAX);
        }
        let mut counts = vec![0; block.counters.len()];
        for row in block.matching() {
            let row = row as usize;
            for (count, of) in counts.iter_mut().zip(&block.counters) {
                *count = of[row];
            }
            if counts.iter().all(|n| *n == 0) {
                continue;
            }
            let mut group = self.of_date(block.date, if by_hour { block.hour(row) } else { 0 });
            for (slot, key) in self.slots.keys.iter().zip(&block.keys) {
                group[*slot] = key.number(row);
            }
            add(&mut self.groups, group, &counts);
        }
        too_many(self.groups.len() > GROUPS_MAX)
    }
}
