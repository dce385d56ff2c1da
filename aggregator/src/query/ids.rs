//! Rows by what they have in common, and sums by pairs of that.

use rustc_hash::FxHashMap;

use super::block::Block;

/// Places that a table may have, whatever the part's size.
const PLACES_MIN: usize = 1 << 12;
/// And at most, 8 MiB: every thread has two at a time.
const PLACES_MAX: usize = 1 << 20;

/// Rows by what they have in common, numbered from 0 in the order they come.
pub struct Ids {
    /// For each of the rows, in their order, its number.
    pub ids: Vec<u32>,
    /// For each number a row that has it.
    pub rows: Vec<usize>,
}

impl Ids {
    /// These rows of a block, by columns and by the hour. Without either, all are alike, and were
    /// there none.
    pub fn of(
        block: &Block,
        rows: impl ExactSizeIterator<Item = usize> + Clone,
        columns: &[usize],
        by_hour: bool,
    ) -> Self {
        let mut ids: Option<Self> = None;
        for column in columns.iter().filter_map(|at| block.keys.get(*at)) {
            let Some(values) = column.values() else {
                continue;
            };
            let narrow = column.narrow();
            let of = |row: usize| {
                let place = narrow.places.get(values[row] as usize);
                place.copied().unwrap_or(0)
            };
            ids = Some(Self::and(ids.as_ref(), rows.clone(), narrow.width, of));
        }
        if by_hour {
            let of = |row: usize| block.hour(row) as u32;
            let last = rows.clone().map(of).max().unwrap_or(0);
            ids = Some(Self::and(ids.as_ref(), rows.clone(), last as usize + 1, of));
        }
        ids.unwrap_or_else(|| Self {
            ids: vec![0; rows.len()],
            rows: vec![rows.clone().next().unwrap_or(0)],
        })
    }

    /// Told apart by one thing more, a number below `width` of each row.
    fn and(
        before: Option<&Self>,
        rows: impl ExactSizeIterator<Item = usize>,
        width: usize,
        of: impl Fn(usize) -> u32,
    ) -> Self {
        let mut first = Vec::new();
        let mut ids = Vec::with_capacity(rows.len());
        let pairs = before.map_or(1, |before| before.rows.len());
        let pairs = pairs.checked_mul(width);
        if let Some(pairs) = pairs.filter(|pairs| *pairs <= places(rows.len())) {
            let mut known = vec![u32::MAX; pairs];
            let mut give = |row: usize, one: u32| {
                let id = &mut known[one as usize * width + of(row) as usize];
                if *id == u32::MAX {
                    *id = first.len() as u32;
                    first.push(row);
                }
                ids.push(*id);
            };
            match before {
                None => rows.for_each(|row| give(row, 0)),
                Some(before) => rows.zip(&before.ids).for_each(|(row, one)| give(row, *one)),
            }
        } else {
            let mut known: FxHashMap<u64, u32> = FxHashMap::default();
            let mut last = (u64::MAX, 0);
            for (at, row) in rows.enumerate() {
                let one = before.map_or(0, |before| before.ids[at]);
                let both = u64::from(one) << 32 | u64::from(of(row));
                if last.0 != both {
                    let next = first.len() as u32;
                    let id = *known.entry(both).or_insert(next);
                    if id == next {
                        first.push(row);
                    }
                    last = (both, id);
                }
                ids.push(last.1);
            }
        }
        Self { ids, rows: first }
    }
}

/// How many places a table may have for so many rows: more are dearer to clear than rows to look up.
fn places(rows: usize) -> usize {
    rows.saturating_mul(4).clamp(PLACES_MIN, PLACES_MAX)
}

/// Sums by two numbers.
pub enum Table {
    /// Where there are few: a place for each pair, [`ABSENT`] where there was none.
    Dense(usize, Vec<u64>),
    /// Else by both.
    Sparse(FxHashMap<u64, u64>),
}

/// A pair that no row had. No sum of a part is that large: a part has at most 2^24 rows.
const ABSENT: u64 = u64::MAX;

impl Table {
    /// For numbers below `one` and `other`, and so many rows.
    pub fn new(one: usize, other: usize, rows: usize) -> Self {
        match one.checked_mul(other).filter(|all| *all <= places(rows)) {
            Some(all) => Self::Dense(other, vec![ABSENT; all]),
            None => Self::Sparse(FxHashMap::default()),
        }
    }

    /// Adds to the sums of pairs; 0 makes a pair one that there was.
    pub fn add(&mut self, pairs: impl Iterator<Item = (u32, u32, u64)>) {
        match self {
            Self::Dense(width, sums) => {
                for (one, other, n) in pairs {
                    if let Some(sum) = sums.get_mut(one as usize * *width + other as usize) {
                        *sum = if *sum == ABSENT { n } else { *sum + n };
                    }
                }
            }
            Self::Sparse(sums) => {
                for (one, other, n) in pairs {
                    let pair = u64::from(one) << 32 | u64::from(other);
                    *sums.entry(pair).or_default() += n;
                }
            }
        }
    }

    /// The sum of a pair.
    pub fn get(&self, one: u32, other: u32) -> u64 {
        match self {
            Self::Dense(width, sums) => {
                let sum = sums.get(one as usize * width + other as usize);
                sum.copied().filter(|sum| *sum != ABSENT).unwrap_or(0)
            }
            Self::Sparse(sums) => {
                let key = u64::from(one) << 32 | u64::from(other);
                sums.get(&key).copied().unwrap_or(0)
            }
        }
    }

    /// Gives every pair that there was, with its sum.
    pub fn each(&self, mut take: impl FnMut(u32, u32, u64)) {
        match self {
            Self::Dense(width, sums) => {
                for (place, n) in sums.iter().enumerate().filter(|(_, n)| **n != ABSENT) {
                    take((place / width) as u32, (place % width) as u32, *n);
                }
            }
            Self::Sparse(sums) => {
                for (key, n) in sums {
                    take((key >> 32) as u32, *key as u32, *n);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::block::{Column, Test};
    use super::*;

    /// Rows with columns of so many values each, drawn.
    fn block(rows: usize, widths: &[u64]) -> Block {
        let mut state = 88_172_645_463_325_252_u64;
        let mut draw = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let keys = widths.iter().map(|width| {
            let values = (0..rows).map(|_| draw(*width) as u32).collect();
            // Two values in three have a text of their own.
            let numbers = (0..*width as u32).map(|value| 7 + value * 2 / 3).collect();
            Column::new(Some(Arc::new(values)), Arc::new(numbers))
        });
        Block {
            date: 20_000,
            rows,
            keys: keys.collect(),
            counters: vec![(0..rows as u64).map(|row| row % 3).collect()],
            hours: Some(Arc::new((0..rows as u32).map(|row| row % 25).collect())),
            range: None,
            base: Test::Const(true),
            test: Test::Const(true),
        }
    }

    #[test]
    fn rows_have_one_number_where_all_columns_are_alike() {
        for (rows, widths, by_hour) in [
            (0, &[3_u64][..], false),
            (500, &[], false),
            (500, &[], true),
            (500, &[4], false),
            (500, &[4, 5], true),
            // More pairs than a table may have.
            (3_000, &[2_000, 1_500], false),
            (3_000, &[2_000, 1_500, 3], true),
        ] {
            let block = block(rows, widths);
            let columns: Vec<usize> = (0..widths.len()).collect();
            // All of them, and some.
            for rows in [
                (0..rows).collect::<Vec<usize>>(),
                (0..rows / 3).map(|n| n * 3).collect(),
            ] {
                let ids = Ids::of(&block, rows.iter().copied(), &columns, by_hour);
                let mut known = BTreeMap::new();
                for (at, row) in rows.iter().enumerate() {
                    let keys = block.keys.iter();
                    let mut alike: Vec<u32> = keys.map(|key| key.number(*row)).collect();
                    alike.push(if by_hour { block.hour(*row) as u32 } else { 0 });
                    let next = known.len() as u32;
                    let (id, first) = *known.entry(alike).or_insert((next, *row));
                    assert_eq!(ids.ids[at], id, "row {row} of {widths:?}");
                    assert_eq!(ids.rows[id as usize], first);
                }
                assert_eq!(ids.ids.len(), rows.len());
                let alone = usize::from(widths.is_empty() && !by_hour);
                assert_eq!(ids.rows.len(), known.len().max(alone));
            }
        }
    }

    #[test]
    fn a_table_sums_alike_whether_it_has_places_or_looks_up() {
        for rows in [0, 40_000] {
            let mut table = Table::new(90, 70, rows);
            assert_eq!(matches!(table, Table::Dense(..)), rows > 0);
            table.add((0..5_000_u32).map(|n| (n % 89, n % 31, u64::from(n % 2))));
            table.add([(89, 69, 0)].into_iter());
            let mut sum = 0;
            let mut pairs = 0;
            table.each(|one, other, n| {
                assert_eq!(table.get(one, other), n);
                sum += n;
                pairs += 1;
            });
            assert_eq!((sum, pairs), (2_500, 89 * 31 + 1));
            assert_eq!(table.get(89, 0), 0);
        }
    }

    #[test]
    fn rows_are_kept_by_all_conditions_together() {
        let mut block = block(1_000, &[8, 6]);
        let table = |at: usize, table: &[bool]| {
            let values = block.keys[at].values().unwrap_or_default().to_vec();
            Test::Table(Arc::new(values), table.to_vec())
        };
        let odd = || table(0, &[false, true, false, true, false, true, false, true]);
        let low = || table(1, &[true, true, true]);
        let both = Test::and(vec![odd(), low(), Test::not(Test::or(vec![low(), odd()]))]);
        let either = Test::or(vec![odd(), low()]);
        let one = Test::and(vec![odd(), low()]);
        let column = |at: usize, row: u32| block.keys[at].place(row as usize) as u64;
        let expected = |is: &dyn Fn(u64, u64) -> bool| -> Vec<u32> {
            let rows = 0..1_000;
            rows.filter(|row| is(column(0, *row), column(1, *row)))
                .collect()
        };
        let of_both = expected(&|one, other| one % 2 == 1 && other < 3);
        let of_either = expected(&|one, other| one % 2 == 1 || other < 3);
        block.test = both;
        assert!(block.matching().is_empty());
        block.test = either;
        assert_eq!(block.matching(), of_either);
        block.base = one;
        assert_eq!(block.matching(), of_both);
        assert_eq!(block.base(), of_both);
    }
}
