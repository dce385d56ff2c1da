//! Many segments to one: rows of one key become one row, its counters the sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use shared::cube::Counter;

use super::build::Interner;
use super::part::{ColumnId, Part};
use super::{CLIENT, HOUR, KEY_COLUMNS, Key, PartId, Segment, TEXTS_AT, VISIT, counter_of};

/// What becomes of the hours of the cubes' rows. Those of [`shared::rollup::Dim::Total`] stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// They stay.
    Kept,
    /// Rows of a day become one, and counters that say something of an hour are left out.
    Folded,
}

/// The sum of segments. Rows that count nothing are left out.
pub fn merge(segments: &[Segment], hours: Hours) -> Segment {
    let mut merged = Segment::default();
    let visits = merge_attrs(segments, PartId::VisitAttrs, &mut merged);
    let clients = merge_attrs(segments, PartId::ClientAttrs, &mut merged);
    for id in PartId::all() {
        let folded = match id {
            PartId::Cube(_) => hours == Hours::Folded,
            PartId::Rollup(_) => false,
            PartId::VisitAttrs | PartId::ClientAttrs => continue,
        };
        let mut strings = Interner::default();
        let mut rows: Vec<(Key, u32, u32)> = Vec::new();
        for (n, segment) in segments.iter().enumerate() {
            let part = segment.part(id);
            let texts: Vec<u32> = part
                .strings
                .iter()
                .map(|text| strings.place_of(text))
                .collect();
            let mut keys = vec![Key::default(); part.rows];
            for (at, column) in KEY_COLUMNS.into_iter().enumerate() {
                let map = match column {
                    HOUR if folded => continue,
                    HOUR => None,
                    VISIT => visits.get(n),
                    CLIENT => clients.get(n),
                    _ => Some(&texts),
                };
                // A column that is left out names place 0, too.
                let is_text = id.text_columns().contains(&column);
                let is_attrs =
                    matches!(id, PartId::Cube(_)) && (column == VISIT || column == CLIENT);
                if column != HOUR && !is_text && !is_attrs {
                    continue;
                }
                let values = part.columns.get(&column);
                for (row, key) in keys.iter_mut().enumerate() {
                    let place = values.map_or(0, |values| values[row]) as usize;
                    key[at] = map.map_or(place as u32, |map| map.get(place).copied().unwrap_or(0));
                }
            }
            let keys = keys.into_iter().zip(0..);
            rows.extend(keys.map(|(key, row)| (key, n as u32, row)));
        }
        if !rows.is_empty() {
            let sources: Vec<&Part> = segments.iter().map(|segment| segment.part(id)).collect();
            merged.set(
                id,
                sum(rows, &sources, &strings, id.text_columns().len(), folded),
            );
        }
    }
    merged
}

/// Sorts rows, sums those of one key.
fn sum(
    mut rows: Vec<(Key, u32, u32)>,
    sources: &[&Part],
    strings: &Interner,
    texts: usize,
    folded: bool,
) -> Part {
    rows.sort_unstable();
    let mut keys: Vec<Key> = Vec::with_capacity(rows.len());
    let mut targets: Vec<u32> = Vec::with_capacity(rows.len());
    for (key, ..) in &rows {
        if keys.last() != Some(key) {
            keys.push(*key);
        }
        targets.push(keys.len() as u32 - 1);
    }
    let mut columns: BTreeMap<ColumnId, Vec<u64>> = BTreeMap::new();
    let counters = sources.iter().flat_map(|part| part.columns.keys().copied());
    let mut counters: Vec<ColumnId> = counters
        .filter(|column| counter_of(*column).is_some_and(|counter| !(folded && is_hourly(counter))))
        .collect();
    counters.sort_unstable();
    counters.dedup();
    for counter in counters {
        let values: Vec<Option<&[u64]>> = sources
            .iter()
            .map(|part| part.columns.get(&counter).map(Vec::as_slice))
            .collect();
        let mut sums = vec![0_u64; keys.len()];
        for ((_, source, row), target) in rows.iter().zip(&targets) {
            if let Some(values) = values[*source as usize] {
                let sum = &mut sums[*target as usize];
                *sum = sum.saturating_add(values[*row as usize]);
            }
        }
        if sums.iter().any(|n| *n > 0) {
            columns.insert(counter, sums);
        }
    }
    let counting: Vec<usize> = (0..keys.len())
        .filter(|row| columns.values().any(|values| values[*row] > 0))
        .collect();
    if counting.len() < keys.len() {
        keys = counting.iter().map(|row| keys[*row]).collect();
        for values in columns.values_mut() {
            *values = counting.iter().map(|row| values[*row]).collect();
        }
    }
    let strings = keep_named(&mut keys, texts, &strings.strings);
    for (at, column) in KEY_COLUMNS.into_iter().enumerate() {
        let values: Vec<u64> = keys.iter().map(|key| key[at].into()).collect();
        if values.iter().any(|n| *n > 0) {
            columns.insert(column, values);
        }
    }
    Part {
        rows: keys.len(),
        strings,
        columns,
    }
}

/// Leaves out the strings that no row names; the others keep their order.
fn keep_named(keys: &mut [Key], texts: usize, strings: &[Arc<str>]) -> Vec<Arc<str>> {
    const UNNAMED: u32 = u32::MAX;
    let slots = TEXTS_AT..TEXTS_AT + texts;
    let mut places = vec![UNNAMED; strings.len()];
    for place in keys.iter().flat_map(|key| &key[slots.clone()]) {
        places[*place as usize] = 0;
    }
    let mut named = Vec::new();
    for (place, text) in places.iter_mut().zip(strings) {
        if *place != UNNAMED {
            *place = named.len() as u32;
            named.push(text.clone());
        }
    }
    for place in keys.iter_mut().flat_map(|key| &mut key[slots.clone()]) {
        *place = places[*place as usize];
    }
    named
}

/// Counters that say something of an hour and nothing of a day.
pub(super) fn is_hourly(counter: Counter) -> bool {
    use shared::marks::{Field, MARKS};
    let mark = MARKS.iter().find(|mark| mark.counter == counter);
    counter == Counter::ActiveVisits || mark.is_some_and(|mark| mark.fields.contains(&Field::Hour))
}

/// Unites the combinations of attributes; gives for each segment the new places of its own.
fn merge_attrs(segments: &[Segment], id: PartId, merged: &mut Segment) -> Vec<Vec<u32>> {
    let columns = id.text_columns();
    let mut strings = Interner::default();
    let mut places: FxHashMap<Vec<u32>, u32> = FxHashMap::default();
    let mut united: Vec<Vec<u64>> = vec![Vec::new(); columns.len()];
    let mut maps = Vec::with_capacity(segments.len());
    for segment in segments {
        let part = segment.part(id);
        let texts: Vec<u32> = part
            .strings
            .iter()
            .map(|text| strings.place_of(text))
            .collect();
        let values: Vec<Option<&Vec<u64>>> = columns
            .clone()
            .map(|column| part.columns.get(&column))
            .collect();
        let mut map = Vec::with_capacity(part.rows);
        for row in 0..part.rows {
            let text = |values: &Option<&Vec<u64>>| {
                let place = values.map_or(0, |values| values[row]) as usize;
                texts.get(place).copied().unwrap_or(0)
            };
            let combination: Vec<u32> = values.iter().map(text).collect();
            let next = places.len() as u32;
            let place = *places.entry(combination).or_insert_with_key(|combination| {
                for (column, text) in united.iter_mut().zip(combination) {
                    column.push((*text).into());
                }
                next
            });
            map.push(place);
        }
        maps.push(map);
    }
    let rows = places.len();
    let columns = columns.zip(united).collect();
    merged.set(
        id,
        Part {
            rows,
            strings: strings.strings,
            columns,
        },
    );
    maps
}
