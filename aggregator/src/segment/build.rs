//! A segment of a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use shared::batch::{Batch, BatchError};
use shared::cube::CUBES;

use super::part::{ColumnId, Part};
use super::{
    CLIENT, HOUR, Hours, PartId, RollupRow, Segment, TEXT, VISIT, counter_column, merge, rollups,
};

/// Strings by place, each once.
#[derive(Default)]
pub(super) struct Interner {
    pub(super) strings: Vec<Arc<str>>,
    places: FxHashMap<Arc<str>, u32>,
}

impl Interner {
    /// The place of a string.
    pub(super) fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.insert(Arc::from(text))
    }

    /// The place of a string that is shared as it is.
    pub(super) fn place_of(&mut self, text: &Arc<str>) -> u32 {
        match self.places.get(text.as_ref()) {
            Some(place) => *place,
            None => self.insert(text.clone()),
        }
    }

    fn insert(&mut self, text: Arc<str>) -> u32 {
        let place = self.strings.len() as u32;
        self.strings.push(text.clone());
        self.places.insert(text, place);
        place
    }
}

impl Segment {
    /// The segment of a batch that [`Batch::decode`] has accepted.
    ///
    /// # Errors
    /// A row of it is out of bounds.
    pub fn of_batch(batch: &Batch) -> Result<Self, BatchError> {
        let strings: Vec<Arc<str>> = batch
            .strings
            .iter()
            .map(|text| text.as_str().into())
            .collect();
        let mut segment = Self::default();
        segment.set(PartId::VisitAttrs, attrs(&strings, &batch.visit_attrs));
        segment.set(PartId::ClientAttrs, attrs(&strings, &batch.client_attrs));
        for cube in CUBES {
            let rows = batch.rows(cube)?;
            let mut interner = Interner::default();
            let mut columns: BTreeMap<ColumnId, Vec<u64>> = BTreeMap::new();
            let count = rows.len();
            let mut set = |column: ColumnId, row: usize, n: u64| {
                columns.entry(column).or_insert_with(|| vec![0; count])[row] = n;
            };
            for (n, row) in rows.iter().enumerate() {
                set(HOUR, n, row.hour.into());
                for (column, place) in (TEXT..).zip(&row.texts) {
                    let text = strings.get(*place as usize);
                    set(
                        column,
                        n,
                        text.map_or(0, |text| interner.place_of(text)).into(),
                    );
                }
                set(VISIT, n, row.visit_attrs.into());
                set(CLIENT, n, row.client_attrs.into());
                for (counter, value) in &row.counters {
                    set(counter_column(*counter), n, *value);
                }
            }
            let part = Part {
                rows: count,
                strings: interner.strings,
                columns,
            };
            segment.set(PartId::Cube(cube), part);
        }
        rollups::derive(&mut segment);
        let text = |place: &u32| strings.get(*place as usize).cloned().unwrap_or_default();
        let totals = batch.rollup_rows()?.into_iter().map(|row| RollupRow {
            dim: row.dim,
            hour: row.hour,
            texts: row.texts.iter().map(text).collect(),
            counters: row.counters,
        });
        let totals = Self::of_rollups(totals).unwrap_or_default(); // Its rows were checked.
        // Sorts the rows, and sums those that have one key.
        Ok(merge(&[segment, totals], Hours::Kept))
    }
}

/// Combinations of attributes as a part.
fn attrs<const N: usize>(strings: &[Arc<str>], combinations: &[[u32; N]]) -> Part {
    let mut interner = Interner::default();
    let mut columns: BTreeMap<ColumnId, Vec<u64>> = BTreeMap::new();
    for combination in combinations {
        for (column, place) in (0..).zip(combination) {
            let text = strings.get(*place as usize);
            let place = text.map_or(0, |text| interner.place_of(text));
            columns.entry(column).or_default().push(place.into());
        }
    }
    Part {
        rows: combinations.len(),
        strings: interner.strings,
        columns,
    }
}
