//! The rows of one part of one segment, and which of them a filter lets through.

use std::cell::OnceCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::range::Range;

/// One column that a row's values are looked up in, and what each value stands for.
pub struct Column {
    values: Option<Arc<Vec<u32>>>,
    numbers: Arc<Vec<u32>>,
    narrow: OnceCell<Narrow>,
}

/// The texts of a column, numbered from 0.
pub(super) struct Narrow {
    /// For each value the number of its text.
    pub places: Vec<u32>,
    /// How many texts there are.
    pub width: usize,
}

impl Column {
    /// Of values, which are places in `numbers`; without values all rows have the first.
    pub(super) fn new(values: Option<Arc<Vec<u32>>>, numbers: Arc<Vec<u32>>) -> Self {
        Self {
            values,
            numbers,
            narrow: OnceCell::new(),
        }
    }

    /// The values of all rows; `None` where all have the first.
    pub(super) fn values(&self) -> Option<&[u32]> {
        self.values.as_ref().map(|values| values.as_slice())
    }

    /// Its texts, numbered from 0: several values may stand for one.
    pub(super) fn narrow(&self) -> &Narrow {
        self.narrow.get_or_init(|| {
            // Few values, many rows: each value is looked up once.
            let mut known: FxHashMap<u32, u32> = FxHashMap::default();
            let places = self.numbers.iter().map(|number| {
                let next = known.len() as u32;
                *known.entry(*number).or_insert(next)
            });
            Narrow {
                places: places.collect(),
                width: known.len().max(1),
            }
        })
    }

    /// The row's text, by number.
    pub fn number(&self, row: usize) -> u32 {
        self.numbers.get(self.place(row)).copied().unwrap_or(0)
    }

    /// The row's value, a place in [`Column::numbers`].
    pub fn place(&self, row: usize) -> usize {
        match &self.values {
            Some(values) => values.get(row).copied().unwrap_or(0) as usize,
            None => 0,
        }
    }

    /// The texts of all values.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }
}

/// A condition for the rows of one part.
pub(super) enum Test {
    /// For all of them, or for none.
    Const(bool),
    /// By the value of a column: for each what it says.
    Table(Arc<Vec<u32>>, Vec<bool>),
    /// All of them.
    And(Vec<Test>),
    /// Any of them.
    Or(Vec<Test>),
    /// Not it.
    Not(Box<Test>),
}

impl Test {
    fn holds(&self, row: usize) -> bool {
        match self {
            Self::Const(holds) => *holds,
            Self::Table(values, table) => is_true(table, values.get(row)),
            Self::And(all) => all.iter().all(|one| one.holds(row)),
            Self::Or(all) => all.iter().any(|one| one.holds(row)),
            Self::Not(one) => !one.holds(row),
        }
    }

    /// The rows of so many that it holds for, in their order. Column by column: what the first
    /// leaves over is all that the others look at.
    fn rows(&self, count: usize) -> Vec<u32> {
        let all = 0..count as u32;
        match self {
            Self::Const(false) => Vec::new(),
            Self::Const(true) => all.collect(),
            // Which rows are kept cannot be foretold: each is written, and the next one over it.
            Self::Table(values, table) => {
                let mut rows = vec![0; values.len()];
                let mut kept = 0;
                for (value, row) in values.iter().zip(all) {
                    rows[kept] = row;
                    kept += usize::from(is_true(table, Some(value)));
                }
                rows.truncate(kept);
                rows
            }
            Self::And(tests) => {
                let mut tests = tests.iter();
                let first = tests.next();
                let mut rows = first.map_or_else(|| all.collect(), |one| one.rows(count));
                tests.for_each(|one| one.keep(&mut rows));
                rows
            }
            Self::Or(_) | Self::Not(_) => all.filter(|row| self.holds(*row as usize)).collect(),
        }
    }

    /// Keeps the rows that it holds for.
    fn keep(&self, rows: &mut Vec<u32>) {
        if !matches!(self, Self::Const(true)) {
            rows.retain(|row| self.holds(*row as usize));
        }
    }

    pub(super) fn and(all: Vec<Test>) -> Self {
        let mut kept = Vec::with_capacity(all.len());
        for one in all {
            match one {
                Self::Const(true) => {}
                Self::Const(false) => return Self::Const(false),
                Self::And(more) => kept.extend(more),
                other => kept.push(other),
            }
        }
        if kept.is_empty() {
            return Self::Const(true);
        }
        Self::And(kept)
    }

    pub(super) fn or(all: Vec<Test>) -> Self {
        let mut kept = Vec::with_capacity(all.len());
        for one in all {
            match one {
                Self::Const(false) => {}
                Self::Const(true) => return Self::Const(true),
                other => kept.push(other),
            }
        }
        match kept.is_empty() {
            true => Self::Const(false),
            false => Self::Or(kept),
        }
    }

    pub(super) fn not(one: Test) -> Self {
        match one {
            Self::Const(holds) => Self::Const(!holds),
            other => Self::Not(Box::new(other)),
        }
    }
}

fn is_true(table: &[bool], value: Option<&u32>) -> bool {
    let place = value.copied().unwrap_or(0) as usize;
    table.get(place).copied().unwrap_or(false)
}

/// The rows of one part of one segment.
pub struct Block {
    /// The date, as it is stored.
    pub date: i64,
    /// How many rows there are.
    pub rows: usize,
    /// As [`super::scan::Located::keys`].
    pub keys: Vec<Column>,
    /// As the counters that were asked for.
    pub counters: Vec<Vec<u64>>,
    pub(super) hours: Option<Arc<Vec<u32>>>,
    pub(super) range: Option<Range>,
    pub(super) base: Test,
    pub(super) test: Test,
}

impl Block {
    /// The rows of the range that the filter lets through, in their order.
    pub fn matching(&self) -> Vec<u32> {
        let mut rows = self.test.rows(self.rows);
        self.base.keep(&mut rows);
        if let Some(range) = &self.range {
            rows.retain(|row| range.contains(self.date, self.hour(*row as usize)));
        }
        rows
    }

    /// The rows that are to be looked at at all, of any hour.
    pub fn base(&self) -> Vec<u32> {
        self.base.rows(self.rows)
    }

    /// The hour of a row; 0 where hours do not matter.
    pub fn hour(&self, row: usize) -> u64 {
        let hours = self.hours.as_ref();
        let hour = hours.and_then(|hours| hours.get(row).copied());
        u64::from(hour.unwrap_or(0))
    }
}
