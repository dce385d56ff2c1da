//! How many distinct visitors (or visits) there are where no mark tells it: no fewer and no more.
//!
//! Let a question ask, of one day and one group, for whoever has touched a row that it matches. A
//! *class* is a set of rows that look alike to one mark; the mark's sum over all rows of a class is
//! exactly how many visitors have touched it.
//!
//! - The mark's sum over the rows of one class that match counts visitors who are asked for, each
//!   once: a lower bound.
//! - Whoever is asked for has touched a class with a matching row: the sum over all rows of such
//!   classes is an upper bound.
//! - So is the number of what they did there: visits, page views, events.
//!
//! Where a class has matching rows only and is the only one, the bounds meet, and the number is
//! exact. In between, visitors are taken to be spread as if by chance: of `v` who were there that
//! day, `n` touches reach about `v (1 - exp(-n / v))`.
//!
//! What is constant for a visitor (for a visit: what it came with) restricts all of this alike.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use shared::cube::Counter;
use shared::rollup::Place;

use super::block::Block;
use super::ids::{Ids, Table};
use super::metric::Estimate;
use super::range::Range;
use super::scan::Collect;
use super::sums::{Group, Slots, SpanOf, Summed, add, by_number};
use super::{GROUPS_MAX, too_many};
use crate::error::Result;

/// Rows that look alike to a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The mark.
    pub counter: Counter,
    /// What it looks at.
    pub places: Vec<Place>,
    /// And whether at the hour.
    pub hour: bool,
}

/// What is to be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct {
    /// Marks to do it by.
    pub classes: Vec<Class>,
    /// What there are no fewer of on a whole day.
    pub activity: Counter,
    /// And in some hours of it.
    pub activity_of_hours: Counter,
    /// Slots of what is constant for whoever is told apart.
    pub free: Vec<usize>,
}

/// A class of rows: which mark, what it sees, the hour.
type ClassKey = (u8, [u32; 3], u8);

/// What one mark tells of a group.
#[derive(Debug, Default, Clone, Copy)]
struct Touched {
    /// No fewer.
    lower: u64,
    /// No more.
    upper: u64,
}

impl Touched {
    /// A class more: how many have touched rows of it that match, and any row.
    fn add(&mut self, matched: u64, all: u64) {
        self.lower = self.lower.max(matched);
        self.upper += all;
    }
}

/// The rows of a block that are looked at.
struct Rows {
    /// All of them, and for each of them the number of what is constant.
    base: Vec<u32>,
    constants: Ids,
    /// Those that match, and for each of them its place among all of them and the number of its group.
    matching: Vec<u32>,
    places: Vec<usize>,
    groups: Ids,
}

impl Rows {
    /// Of a block, with the keys that groups are made of, and those that are constant.
    fn of(
        block: &Block,
        matching: Vec<u32>,
        keys: &[usize],
        by_hour: bool,
        free: &[usize],
    ) -> Self {
        let base = block.base();
        let mut place = 0;
        let places = matching.iter().map(|row| {
            while base.get(place).is_some_and(|other| other < row) {
                place += 1;
            }
            place
        });
        Self {
            places: places.collect(),
            constants: Ids::of(block, rows(&base), free, false),
            groups: Ids::of(block, rows(&matching), keys, by_hour),
            base,
            matching,
        }
    }
}

fn rows(of: &[u32]) -> impl ExactSizeIterator<Item = usize> + Clone {
    of.iter().map(|row| *row as usize)
}

/// What is known of one day that came in several segments.
#[derive(Default)]
struct Day {
    /// By what is constant and class: how many have touched it.
    all: FxHashMap<(Group, ClassKey), u64>,
    /// By group and class: how many at least have matched.
    matched: FxHashMap<(Group, ClassKey), u64>,
    activity: FxHashMap<Group, u64>,
}

/// See the module.
pub struct Distincts {
    what: Arc<Distinct>,
    slots: Slots,
    /// For each class the places of what it looks at in [`Block::keys`].
    columns: Vec<Vec<usize>>,
    span: SpanOf,
    range: Range,
    /// How many segments each date has.
    segments: Arc<FxHashMap<i64, u32>>,
    days: FxHashMap<i64, Day>,
    /// By group.
    pub groups: FxHashMap<Group, Estimate>,
    /// By group: what was wanted beside, of the rows that match.
    pub sums: Summed,
}

impl Distincts {
    /// None yet. `columns`: for each class the places of what it looks at in [`Block::keys`].
    pub fn new(
        what: Arc<Distinct>,
        slots: Slots,
        columns: Vec<Vec<usize>>,
        span: SpanOf,
        range: Range,
        segments: Arc<FxHashMap<i64, u32>>,
    ) -> Self {
        Self {
            what,
            slots,
            columns,
            span,
            range,
            segments,
            days: FxHashMap::default(),
            groups: FxHashMap::default(),
            sums: Summed::default(),
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Distincts) {
        for (group, counts) in other.sums {
            add(&mut self.sums, group, &counts);
        }
        for (group, estimate) in other.groups {
            let sum = self.groups.entry(group).or_default();
            *sum = sum.plus(estimate);
        }
        for (date, day) in other.days {
            let mine = self.days.entry(date).or_default();
            for (key, n) in day.all {
                *mine.all.entry(key).or_default() += n;
            }
            for (key, n) in day.matched {
                *mine.matched.entry(key).or_default() += n;
            }
            for (key, n) in day.activity {
                *mine.activity.entry(key).or_default() += n;
            }
        }
    }

    /// Ends the days that came in several segments.
    pub fn end(&mut self) {
        for (date, day) in std::mem::take(&mut self.days) {
            self.reduce(date, &day);
        }
    }

    fn reduce(&mut self, date: i64, day: &Day) {
        let marks = self.what.classes.len();
        let mut found: FxHashMap<Group, Vec<Option<Touched>>> = FxHashMap::default();
        for ((group, class), n) in &day.matched {
            let by_mark = found.entry(*group).or_insert_with(|| vec![None; marks]);
            let all = day.all.get(&(self.constant(group), *class));
            if let Some(touched) = by_mark.get_mut(usize::from(class.0)) {
                touched
                    .get_or_insert_default()
                    .add(*n, all.copied().unwrap_or(0));
            }
        }
        for (group, by_mark) in found {
            let activity = day.activity.get(&group).copied().unwrap_or(0);
            self.add(date, group, &by_mark, activity);
        }
    }

    /// Adds a group of a day: what each mark tells of it, and what they did.
    fn add(&mut self, date: i64, group: Group, by_mark: &[Option<Touched>], activity: u64) {
        let lower = by_mark.iter().flatten().map(|one| one.lower).max();
        let upper = by_mark.iter().flatten().map(|one| one.upper).min();
        let upper = upper.unwrap_or(activity).min(activity);
        let lower = lower.unwrap_or(0).min(upper);
        // A mark that looks at nothing tells how many there were at all.
        let mut classes = self.what.classes.iter();
        let nothing = classes.position(|class| class.places.is_empty());
        let there = nothing.and_then(|mark| by_mark.get(mark).copied().flatten());
        let others = by_mark.iter().enumerate();
        let others = others.filter(|(mark, _)| Some(*mark) != nothing);
        let touches = others
            .filter_map(|(_, one)| one.as_ref())
            .map(|one| one.upper);
        let touches = touches.min().unwrap_or(activity).min(activity);
        let value = there.map_or(upper, |there| spread(touches, there.upper));
        let mut key = group;
        if let Some(time) = self.slots.time.filter(|_| !self.span.is_by_hour()) {
            key[time] = self.span.number(date, 0);
        }
        let sum = self.groups.entry(key).or_default();
        *sum = sum.plus(Estimate {
            lower,
            value: value.clamp(lower, upper),
            upper,
        });
    }

    /// What of a group is constant for whoever is told apart.
    fn constant(&self, group: &Group) -> Group {
        let mut constant = Group::default();
        for slot in &self.what.free {
            constant[*slot] = group[*slot];
        }
        constant
    }
}

/// How many of `there` are reached by so many touches, if by chance.
pub fn spread(touches: u64, there: u64) -> u64 {
    if there == 0 {
        return 0;
    }
    let (touches, there) = (touches as f64, there as f64);
    (there * (1.0 - (-touches / there).exp())).round() as u64
}

impl Distincts {
    /// The group of a row.
    fn group(&self, block: &Block, row: usize, by_hour: bool) -> Group {
        let mut group = Group::default();
        for (slot, key) in self.slots.keys.iter().zip(&block.keys) {
            group[*slot] = key.number(row);
        }
        if let Some(time) = self.slots.time.filter(|_| by_hour) {
            group[time] = self.span.number(block.date, block.hour(row));
        }
        group
    }

    /// Adds up what is wanted beside, which stands from `first` on in [`Block::counters`].
    fn take_sums(&mut self, block: &Block, seen: &Rows, first: usize) {
        let counters = block.counters.get(first..).unwrap_or_default();
        if counters.is_empty() {
            return;
        }
        let groups = &seen.groups;
        let sums = by_number(counters, &seen.matching, groups);
        let by_hour = self.span.is_by_hour() && self.slots.time.is_some();
        for (row, counts) in groups.rows.iter().zip(sums.chunks(counters.len())) {
            if counts.iter().all(|n| *n == 0) {
                continue;
            }
            let mut group = self.group(block, *row, by_hour);
            if let Some(time) = self.slots.time.filter(|_| !by_hour) {
                group[time] = self.span.number(block.date, 0);
            }
            add(&mut self.sums, group, counts);
        }
    }

    /// What a mark says: classes, by group and class how many matched, by what is constant and class
    /// how many there were.
    fn touches(&self, block: &Block, mark: usize, hour: bool, seen: &Rows) -> (Ids, Table, Table) {
        let columns = self.columns.get(mark).map_or(&[][..], Vec::as_slice);
        let classes = Ids::of(block, rows(&seen.base), columns, hour);
        let counts = &block.counters[mark];
        let width = classes.rows.len();
        let mut matched = Table::new(seen.groups.rows.len(), width, seen.base.len());
        let matching = seen.matching.iter().zip(&seen.places);
        let matching = matching.zip(&seen.groups.ids);
        matched.add(
            matching
                .map(|((row, place), group)| (*group, classes.ids[*place], counts[*row as usize])),
        );
        let mut all = Table::new(seen.constants.rows.len(), width, seen.base.len());
        let base = seen.base.iter().map(|row| counts[*row as usize]);
        let base = base.zip(seen.constants.ids.iter().zip(&classes.ids));
        let counted = base.filter(|(n, _)| *n > 0);
        all.add(counted.map(|(n, (constant, class))| (*constant, *class, n)));
        (classes, matched, all)
    }

    /// The class of a row, as one mark sees it.
    fn class(&self, block: &Block, mark: usize, row: usize) -> ClassKey {
        let mut seen = [0; 3];
        let columns = self.columns.get(mark).map_or(&[][..], Vec::as_slice);
        for (to, column) in seen.iter_mut().zip(columns) {
            *to = block.keys.get(*column).map_or(0, |key| key.number(row));
        }
        let hour = self.what.classes.get(mark).is_some_and(|class| class.hour);
        let hour = if hour { block.hour(row) as u8 } else { 0 };
        (mark as u8, seen, hour)
    }
}

impl Collect for Distincts {
    fn take(&mut self, block: &Block) -> Result<()> {
        let by_hour = self.span.is_by_hour() && self.slots.time.is_some();
        let of_hours = by_hour || self.range.cuts(block.date);
        // A day that is asked for as a whole may have lost its hours.
        let count = self.what.classes.len();
        let activity = if of_hours { count + 1 } else { count };
        let keys: Vec<usize> = (0..self.slots.keys.len()).collect();
        let slots = keys.iter().copied().zip(&self.slots.keys);
        let free = slots.filter(|(_, slot)| self.what.free.contains(slot));
        let free: Vec<usize> = free.map(|(key, _)| key).collect();
        let matching = block.matching();
        let is_alone = !self.needs_all(block.date);
        if is_alone && matching.is_empty() {
            return Ok(());
        }
        let seen = Rows::of(block, matching, &keys, by_hour, &free);
        self.take_sums(block, &seen, count + 2);
        let (groups, constants) = (&seen.groups, &seen.constants);
        let counts = &block.counters[activity..=activity];
        let active = by_number(counts, &seen.matching, groups);
        // All rows of a group have one constant.
        let mut constant_of = vec![0; groups.rows.len()];
        for (place, group) in seen.places.iter().zip(&groups.ids) {
            constant_of[*group as usize] = constants.ids[*place];
        }
        let mut touched: Vec<Option<Touched>> = vec![None; groups.rows.len() * count];
        let mut day = self.days.remove(&block.date).unwrap_or_default();
        for (mark, class) in self.what.classes.iter().enumerate() {
            if class.hour && !of_hours {
                continue;
            }
            let (classes, matched, all) = self.touches(block, mark, class.hour, &seen);
            if is_alone {
                matched.each(|group, class, n| {
                    let group = group as usize;
                    let all = all.get(constant_of[group], class);
                    touched[group * count + mark]
                        .get_or_insert_default()
                        .add(n, all);
                });
                continue;
            }
            // Other segments of the day may match where this one does not.
            matched.each(|group, class, n| {
                let key = self.class(block, mark, classes.rows[class as usize]);
                let group = self.group(block, groups.rows[group as usize], by_hour);
                *day.matched.entry((group, key)).or_default() += n;
            });
            all.each(|constant, class, n| {
                let row = constants.rows[constant as usize];
                let key = self.class(block, mark, classes.rows[class as usize]);
                let constant = self.constant(&self.group(block, row, by_hour));
                *day.all.entry((constant, key)).or_default() += n;
            });
        }
        for (at, (row, activity)) in groups.rows.iter().zip(active).enumerate() {
            let touched = &touched[at * count..][..count];
            if is_alone && touched.iter().any(Option::is_some) {
                let group = self.group(block, *row, by_hour);
                self.add(block.date, group, touched, activity);
            } else if !is_alone && activity > 0 {
                let group = self.group(block, *row, by_hour);
                *day.activity.entry(group).or_default() += activity;
            }
        }
        if !is_alone {
            self.days.insert(block.date, day);
        }
        let most = self.groups.len().max(self.sums.len()).max(self.days.len());
        too_many(most > GROUPS_MAX)
    }

    /// Others of the day may hold what is asked for.
    fn needs_all(&self, date: i64) -> bool {
        self.segments.get(&date) != Some(&1)
    }
}
