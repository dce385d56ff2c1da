//! Rollups of the rows of cubes, by the table of [`shared::rollup`]; and those that came without
//! cubes.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use shared::cube::{CUBES, Counters};
use shared::marks::prefix;
use shared::rollup::{Dim, Place, parts};

use super::build::Interner;
use super::part::{ColumnId, Part};
use super::{
    CLIENT, HOUR, HOUR_AT, Hours, KEY_COLUMNS, Key, PartId, Segment, SegmentError, TEXT, TEXTS_AT,
    VISIT, counter_column, counter_of, merge,
};

/// A rollup in the making.
#[derive(Default)]
struct Rollup {
    strings: Interner,
    rows: FxHashMap<Key, usize>,
    keys: Vec<Key>,
    columns: BTreeMap<ColumnId, Vec<u64>>,
}

impl Rollup {
    fn row(&mut self, key: Key) -> usize {
        *self.rows.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.keys.len() - 1
        })
    }

    fn into_part(mut self) -> Part {
        let rows = self.keys.len();
        for values in self.columns.values_mut() {
            values.resize(rows, 0);
        }
        for (at, column) in KEY_COLUMNS.into_iter().enumerate() {
            let values: Vec<u64> = self.keys.iter().map(|key| key[at].into()).collect();
            if values.iter().any(|n| *n > 0) {
                self.columns.insert(column, values);
            }
        }
        Part {
            rows,
            strings: self.strings.strings,
            columns: self.columns,
        }
    }
}

/// One text of a rollup's key: the column of the row it depends on, and what each of its values
/// stands for.
struct Resolved<'a> {
    values: Option<&'a [u64]>,
    texts: Vec<u32>,
}

impl Resolved<'_> {
    fn text(&self, row: usize) -> u32 {
        let place = self.values.map_or(0, |values| values[row]);
        self.texts.get(place as usize).copied().unwrap_or_default()
    }
}

fn resolve<'a>(
    segment: &'a Segment,
    part: &'a Part,
    place: Place,
    strings: &mut Interner,
) -> Resolved<'a> {
    let column = |column: ColumnId| part.columns.get(&column).map(Vec::as_slice);
    let mut attrs = |id: PartId, at: usize| {
        let attrs = segment.part(id);
        let values = attrs.columns.get(&(at as ColumnId));
        let text = |row: usize| {
            let place = values.map_or(0, |values| values[row]);
            attrs.strings.get(place as usize)
        };
        (0..attrs.rows)
            .map(|row| text(row).map_or(0, |text| strings.place_of(text)))
            .collect::<Vec<u32>>()
    };
    let (values, texts) = match place {
        Place::Visit(at) => (column(VISIT), attrs(PartId::VisitAttrs, at)),
        Place::Client(at) => (column(CLIENT), attrs(PartId::ClientAttrs, at)),
        // Strings that no row names in this place are interned for nothing, and merged away.
        Place::Text(at) => {
            let texts = part.strings.iter().map(|text| strings.place_of(text));
            (column(TEXT + at as u8), texts.collect())
        }
        Place::Prefix(depth) => {
            let texts = part
                .strings
                .iter()
                .map(|text| strings.place(prefix(text, depth)));
            (column(TEXT), texts.collect())
        }
    };
    Resolved { values, texts }
}

/// Makes the rollups of a segment whose cubes are there.
pub(super) fn derive(segment: &mut Segment) {
    let mut rollups: BTreeMap<Dim, Rollup> = BTreeMap::new();
    for cube in CUBES {
        let part = segment.part(PartId::Cube(cube));
        if part.rows == 0 {
            continue;
        }
        let hours = part.columns.get(&HOUR);
        for of in parts(cube) {
            let rollup = rollups.entry(of.dim).or_default();
            let texts: Vec<Resolved> = of
                .key
                .iter()
                .map(|place| resolve(segment, part, *place, &mut rollup.strings))
                .collect();
            let rows: Vec<usize> = (0..part.rows)
                .map(|row| {
                    let mut key = Key::default();
                    for (slot, text) in key[TEXTS_AT..HOUR_AT].iter_mut().zip(&texts) {
                        *slot = text.text(row);
                    }
                    if of.dim == Dim::Total {
                        key[HOUR_AT] = hours.map_or(0, |hours| hours[row] as u32);
                    }
                    rollup.row(key)
                })
                .collect();
            for (column, values) in &part.columns {
                if !counter_of(*column).is_some_and(|counter| of.keeps(counter)) {
                    continue;
                }
                let sums = rollup.columns.entry(*column).or_default();
                sums.resize(rollup.keys.len(), 0);
                for (row, n) in rows.iter().zip(values) {
                    sums[*row] += n;
                }
            }
        }
    }
    for (dim, rollup) in rollups {
        segment.set(PartId::Rollup(dim), rollup.into_part());
    }
}

/// A row of a rollup that came without cubes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupRow {
    /// The rollup.
    pub dim: Dim,
    /// Hour of the local day; 0 but for [`Dim::Total`].
    pub hour: u8,
    /// As many texts as [`Dim::texts`] says.
    pub texts: Vec<Arc<str>>,
    /// Counters that [`Dim::holds`].
    pub counters: Counters,
}

impl Segment {
    /// A segment of rollups alone: counts that came without anything to cross-reference. Rows of
    /// one key are summed.
    ///
    /// # Errors
    /// A row has another number of texts than its dimension, or a counter that it does not hold.
    pub fn of_rollups(rows: impl IntoIterator<Item = RollupRow>) -> Result<Self, SegmentError> {
        let mut rollups: BTreeMap<Dim, Rollup> = BTreeMap::new();
        for row in rows {
            if row.texts.len() != row.dim.texts() {
                return Err(SegmentError("a rollup has another number of texts"));
            }
            let rollup = rollups.entry(row.dim).or_default();
            let mut key = Key::default();
            for (slot, text) in key[TEXTS_AT..HOUR_AT].iter_mut().zip(&row.texts) {
                *slot = rollup.strings.place_of(text);
            }
            key[HOUR_AT] = row.hour.into();
            let place = rollup.row(key);
            for (counter, n) in row.counters {
                if !row.dim.holds(counter) {
                    return Err(SegmentError("a rollup does not hold this counter"));
                }
                let sums = rollup.columns.entry(counter_column(counter)).or_default();
                sums.resize(rollup.keys.len().max(sums.len()), 0);
                if let Some(sum) = sums.get_mut(place) {
                    *sum = sum.saturating_add(n);
                }
            }
        }
        let mut segment = Self::default();
        for (dim, rollup) in rollups {
            segment.set(PartId::Rollup(dim), rollup.into_part());
        }
        // Sorts the rows.
        Ok(merge(&[segment], Hours::Kept))
    }
}
