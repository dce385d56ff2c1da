//! Reading segments: the sum of one counter by dimensions.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rustc_hash::FxHashMap;
use shared::rollup::Place;

use super::Dimension;
use super::plan::{Plan, place_of, texts_of};
use crate::clock::date_of;
use crate::error::{Error, Result};
use crate::segment::part::{ColumnId, PartReader};
use crate::segment::{CLIENT, PartId, TEXT, VISIT, counter_column};
use crate::store::Snapshot;

/// Texts of all segments by number.
#[derive(Default)]
struct Texts {
    strings: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

impl Texts {
    fn number(&mut self, text: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(text.as_ref()) {
            return *number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(text.clone());
        self.numbers.insert(text.clone(), number);
        number
    }
}

/// One dimension of the rows of one part: the column it depends on, and the text of each value.
struct Resolved {
    column: Option<ColumnId>,
    values: Vec<u64>,
    numbers: Vec<u32>,
}

impl Resolved {
    fn number(&self, row: usize) -> u32 {
        let place = self.values.get(row).copied().unwrap_or(0);
        self.numbers.get(place as usize).copied().unwrap_or(0)
    }
}

/// For every combination of the dimensions' values that has any, the sum.
///
/// # Errors
/// The database failed.
pub(super) async fn scan(
    snapshot: &mut Snapshot,
    plan: Plan,
    dimensions: &[Dimension],
    from: Date,
    to: Date,
) -> Result<Vec<(Vec<String>, u64)>> {
    let (part, counter) = match plan {
        Plan::Rollup(dim, counter) => (PartId::Rollup(dim), counter),
        Plan::Cube(cube, counter) => (PartId::Cube(cube), counter),
    };
    let places: Vec<Option<Place>> = dimensions
        .iter()
        .map(|dimension| match plan {
            Plan::Rollup(dim, _) => {
                let at = texts_of(dim).iter().position(|known| known == dimension);
                at.map(Place::Text)
            }
            Plan::Cube(..) => place_of(*dimension),
        })
        .collect();
    let mut texts = Texts::default();
    let attrs = attrs(snapshot, &places, from, to, &mut texts).await?;
    let mut sums: FxHashMap<Vec<u32>, u64> = FxHashMap::default();
    snapshot
        .parts(&[part], from, to, |date, no, id, bytes| {
            let reader = PartReader::new(bytes)?;
            let counts = reader.column(counter_column(counter), false)?;
            let day = date_of(date).ok_or_else(|| Error::Invalid("a stored date".into()))?;
            let day = texts.number(&Arc::from(day.to_string()));
            let mut strings: Option<Vec<u32>> = None;
            let mut resolved = Vec::with_capacity(places.len());
            for place in &places {
                let (column, numbers) = match place {
                    None => (None, vec![day]),
                    Some(Place::Visit(at)) => {
                        (Some(VISIT), attrs.of(PartId::VisitAttrs, date, no, *at))
                    }
                    Some(Place::Client(at)) => {
                        (Some(CLIENT), attrs.of(PartId::ClientAttrs, date, no, *at))
                    }
                    Some(Place::Text(at) | Place::Prefix(at)) => {
                        if strings.is_none() {
                            let all = reader.strings()?;
                            strings = Some(all.iter().map(|text| texts.number(text)).collect());
                        }
                        let numbers = strings.clone().unwrap_or_default();
                        (Some(TEXT + *at as ColumnId), numbers)
                    }
                };
                let values = match column {
                    Some(column) => reader.column(column, id.by_difference()(column))?,
                    None => Vec::new(),
                };
                resolved.push(Resolved {
                    column,
                    values,
                    numbers,
                });
            }
            debug_assert!(
                resolved
                    .iter()
                    .all(|one| one.column.is_some() || one.numbers == [day])
            );
            for (row, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                let key: Vec<u32> = resolved.iter().map(|one| one.number(row)).collect();
                *sums.entry(key).or_default() += n;
            }
            Ok(())
        })
        .await?;
    let text = |number: u32| texts.strings[number as usize].to_string();
    let shown = sums
        .into_iter()
        .map(|(key, n)| (key.into_iter().map(text).collect(), n));
    Ok(shown.collect())
}

/// What combinations of attributes stand for, by part, date, segment and place of the attribute.
#[derive(Default)]
struct Attrs(HashMap<(PartId, i64, i64, usize), Vec<u32>>);

impl Attrs {
    fn of(&self, part: PartId, date: i64, no: i64, at: usize) -> Vec<u32> {
        let found = self.0.get(&(part, date, no, at));
        found.cloned().unwrap_or_default()
    }
}

async fn attrs(
    snapshot: &mut Snapshot,
    places: &[Option<Place>],
    from: Date,
    to: Date,
    texts: &mut Texts,
) -> Result<Attrs> {
    let wanted: Vec<(PartId, usize)> = places
        .iter()
        .filter_map(|place| match place {
            Some(Place::Visit(at)) => Some((PartId::VisitAttrs, *at)),
            Some(Place::Client(at)) => Some((PartId::ClientAttrs, *at)),
            _ => None,
        })
        .collect();
    let mut kinds: Vec<PartId> = wanted.iter().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut attrs = Attrs::default();
    if kinds.is_empty() {
        return Ok(attrs);
    }
    snapshot
        .parts(&kinds, from, to, |date, no, id, bytes| {
            let reader = PartReader::new(bytes)?;
            let strings = reader.strings()?;
            let numbers: Vec<u32> = strings.iter().map(|text| texts.number(text)).collect();
            for (_, at) in wanted.iter().filter(|(kind, _)| *kind == id) {
                let values = reader.column(*at as ColumnId, false)?;
                let number = |place: &u64| numbers.get(*place as usize).copied().unwrap_or(0);
                let values = values.iter().map(number).collect();
                attrs.0.insert((id, date, no, *at), values);
            }
            Ok(())
        })
        .await?;
    Ok(attrs)
}
