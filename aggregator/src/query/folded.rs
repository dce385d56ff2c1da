//! Sums of counters by group, under a threshold: the cells of a day are folded before they are added
//! to those of other days ([`super::threshold`] says how).
//!
//! Past days are one segment each as a rule, and are folded as they are read. A day of several is kept
//! until all of it is there.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::block::Block;
use super::scan::Collect;
use super::sums::{Group, Slots, SpanOf};
use super::threshold::{DayTotals, List, ListCell, shown, told_goals};
use super::{GROUPS_MAX, too_many};
use crate::error::Result;

/// Most hours of a day.
const HOURS: usize = 25;

/// What cells are by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Nothing: a day is one cell.
    Day,
    /// The hour. Hours that are not shown are left out.
    Hour,
    /// The first key of what is read.
    List(List),
}

/// What is folded, and how.
#[derive(Debug)]
pub struct Rule {
    /// See [`super::Threshold::k`].
    pub k: u64,
    /// By date, the days that are told.
    pub days: FxHashMap<i64, DayTotals>,
    /// By date, of how many segments it is.
    pub segments: FxHashMap<i64, u32>,
    /// What cells are by.
    pub by: By,
    /// The place of what counts visitors among the counters.
    pub visitors: usize,
    /// The number of the text that folded cells become.
    pub rest: u32,
    /// The numbers of the texts of goals that may be told.
    pub goals: FxHashSet<u32>,
}

/// The cells of a day: for each key its counters.
type Cells = FxHashMap<u32, Vec<u64>>;

/// See the module.
pub struct Folded {
    rule: Arc<Rule>,
    slots: Slots,
    span: SpanOf,
    waiting: FxHashMap<i64, Cells>,
    /// For each group a sum for each counter.
    pub groups: FxHashMap<Group, Vec<u64>>,
}

impl Folded {
    /// None yet.
    pub fn new(rule: Arc<Rule>, slots: Slots, span: SpanOf) -> Self {
        Self {
            rule,
            slots,
            span,
            waiting: FxHashMap::default(),
            groups: FxHashMap::default(),
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        for (group, counts) in other.groups {
            add(self.groups.entry(group).or_default(), &counts);
        }
        for (date, cells) in other.waiting {
            let mine = self.waiting.entry(date).or_default();
            for (key, counts) in cells {
                add(mine.entry(key).or_default(), &counts);
            }
        }
    }

    /// Folds the days that came in several segments.
    pub fn end(&mut self) {
        for (date, cells) in std::mem::take(&mut self.waiting) {
            let cells = cells.iter().map(|(key, counts)| (*key, counts.as_slice()));
            self.fold(date, &cells.collect::<Vec<_>>());
        }
    }

    fn fold(&mut self, date: i64, cells: &[(u32, &[u64])]) {
        let Some(day) = self.rule.days.get(&date) else {
            return;
        };
        let visitors = |counts: &[u64]| counts.get(self.rule.visitors).copied().unwrap_or(0);
        let list = |is_kept: &dyn Fn(u32) -> bool| {
            let cells = cells.iter().filter(|(key, _)| is_kept(*key));
            let cells = cells.map(|(key, counts)| ListCell {
                key: *key,
                visitors: visitors(counts),
                is_rest: self.rule.by != By::Hour && *key == self.rule.rest,
            });
            cells.collect::<Vec<ListCell>>()
        };
        let k = self.rule.k;
        let told = match self.rule.by {
            By::Day => None,
            By::Hour => Some(shown(&list(&|_| true), day.visitors, day.visitors, k)),
            By::List(List::Goals) => {
                let goals = list(&|key| self.rule.goals.contains(&key));
                Some(told_goals(&goals, day.visitors, k))
            }
            By::List(kind) => Some(shown(&list(&|_| true), day.visitors, day.base(kind), k)),
        };
        let (by_hour, has_rest) = match self.rule.by {
            By::Day => (false, false),
            By::Hour => (true, false),
            By::List(kind) => (false, kind != List::Goals),
        };
        for (key, counts) in cells.iter().copied() {
            let is_told = told.as_ref().is_none_or(|told| told.contains(&key));
            if !is_told && !has_rest {
                continue;
            }
            let mut group = Group::default();
            if let Some(time) = self.slots.time {
                let hour = if by_hour { u64::from(key) } else { 0 };
                group[time] = self.span.number(date, hour);
            }
            if let (Some(slot), By::List(_)) = (self.slots.keys.first(), &self.rule.by) {
                group[*slot] = if is_told { key } else { self.rule.rest };
            }
            add(self.groups.entry(group).or_default(), counts);
        }
    }
}

fn add(sums: &mut Vec<u64>, counts: &[u64]) {
    sums.resize(counts.len().max(sums.len()), 0);
    for (sum, n) in sums.iter_mut().zip(counts) {
        *sum = sum.saturating_add(*n);
    }
}

impl Collect for Folded {
    fn take(&mut self, block: &Block) -> Result<()> {
        if !self.rule.days.contains_key(&block.date) {
            return Ok(());
        }
        let width = block.counters.len();
        // By the place of the key among those of the part. A cell without any of these counts is one,
        // too: which ones are asked for must not decide what is folded.
        let key = block.keys.first();
        let places = match (&self.rule.by, key) {
            (By::List(_), Some(key)) => key.numbers().len(),
            (By::Hour, _) => HOURS,
            _ => 1,
        };
        let mut sums = vec![0_u64; places * width];
        let mut is_there = vec![false; places];
        for row in block.matching() {
            let row = row as usize;
            let place = match (&self.rule.by, key) {
                (By::List(_), Some(key)) => key.place(row),
                (By::Hour, _) => (block.hour(row) as usize).min(HOURS - 1),
                _ => 0,
            };
            let at = place * width;
            if let (Some(sums), Some(there)) =
                (sums.get_mut(at..at + width), is_there.get_mut(place))
            {
                *there = true;
                for (sum, counts) in sums.iter_mut().zip(&block.counters) {
                    *sum = sum.saturating_add(counts.get(row).copied().unwrap_or(0));
                }
            }
        }
        let key_of = |place: usize| match (&self.rule.by, key) {
            (By::List(_), Some(key)) => key.numbers().get(place).copied().unwrap_or(0),
            _ => place as u32,
        };
        let there = is_there.iter().enumerate().filter(|(_, there)| **there);
        let cells = there.filter_map(|(place, _)| {
            let at = place * width;
            Some((key_of(place), sums.get(at..at + width)?))
        });
        let cells: Vec<(u32, &[u64])> = cells.collect();
        if self.rule.segments.get(&block.date) == Some(&1) {
            self.fold(block.date, &cells);
        } else {
            let mine = self.waiting.entry(block.date).or_default();
            for (key, counts) in cells {
                add(mine.entry(key).or_default(), counts);
            }
        }
        let waiting: usize = self.waiting.values().map(FxHashMap::len).sum();
        too_many(self.groups.len() + waiting > GROUPS_MAX)
    }
}

/// The totals of days.
#[derive(Default)]
pub struct Totals(pub FxHashMap<i64, DayTotals>);

impl Totals {
    /// The counters that are read, in this order.
    pub const COUNTERS: [shared::cube::Counter; 4] = [
        shared::cube::Counter::DayVisitors,
        shared::cube::Counter::DayViewVisitors,
        shared::cube::Counter::Views,
        shared::cube::Counter::EndedViews,
    ];

    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        for (date, day) in other.0 {
            let mine = self.0.entry(date).or_default();
            mine.visitors += day.visitors;
            mine.viewers += day.viewers;
            mine.views += day.views;
            mine.ended_views += day.ended_views;
        }
    }
}

impl Collect for Totals {
    fn take(&mut self, block: &Block) -> Result<()> {
        let sum = |at: usize| {
            block
                .counters
                .get(at)
                .map_or(0, |counts| counts.iter().sum())
        };
        let day = DayTotals {
            visitors: sum(0),
            viewers: sum(1),
            views: sum(2),
            ended_views: sum(3),
        };
        self.merge(Self(FxHashMap::from_iter([(block.date, day)])));
        Ok(())
    }
}
