//! `detail = totals`: what leaves the edge is one-dimensional. Rows of cubes become rows of rollups,
//! by the table of [`crate::rollup`]: a page's views, a country's visitors, and nothing that would
//! say what visitors of a country saw.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::batch::{Batch, BatchError, Row};
use crate::cube::{CUBES, Counters, add};
use crate::marks::prefix;
use crate::rollup::{Dim, Place, parts};

/// Texts by place, each once.
#[derive(Default)]
struct Texts<'a> {
    strings: Vec<String>,
    places: FxHashMap<&'a str, u32>,
}

impl<'a> Texts<'a> {
    fn place(&mut self, text: &'a str) -> u32 {
        let next = self.strings.len() as u32;
        *self.places.entry(text).or_insert_with(|| {
            self.strings.push(text.to_owned());
            next
        })
    }
}

/// Where a row of a rollup counts: hour (of [`Dim::Total`] only) and texts.
type Key = (Dim, u8, [u32; 3]);

impl Batch {
    /// The same counts by one dimension each. Rows of cubes and the attributes they name are gone.
    ///
    /// # Errors
    /// A row is out of bounds: never for a batch that was sealed here.
    pub fn to_totals(&self) -> Result<Self, BatchError> {
        let mut texts = Texts::default();
        let mut sums: BTreeMap<Key, Counters> = BTreeMap::new();
        for cube in CUBES {
            for row in self.rows(cube)? {
                for part in parts(cube) {
                    let kept = row
                        .counters
                        .iter()
                        .filter(|(counter, _)| part.keeps(*counter));
                    let mut kept = kept.peekable();
                    if kept.peek().is_none() {
                        continue;
                    }
                    let mut key = [0; 3];
                    for (slot, place) in key.iter_mut().zip(part.key) {
                        *slot = texts.place(self.text_at(&row, *place));
                    }
                    let hour = if part.dim == Dim::Total { row.hour } else { 0 };
                    let sum = sums.entry((part.dim, hour, key)).or_default();
                    for (counter, n) in kept {
                        add(sum, *counter, *n);
                    }
                }
            }
        }
        let row = |((dim, hour, key), counters): (Key, Counters)| {
            let mut row = vec![u64::from(u8::from(dim)), u64::from(hour)];
            row.extend(key.iter().take(dim.texts()).map(|place| u64::from(*place)));
            for (counter, n) in counters {
                row.extend([u64::from(u8::from(counter)), n]);
            }
            row
        };
        let rollups = sums.into_iter().map(row).collect();
        let strings = texts.strings;
        Ok(Self {
            strings,
            rollups,
            closed: self.closed,
            degraded: self.degraded,
            hits_total: self.hits_total,
            dropped: self.dropped.clone(),
            live: self.live,
            minutes: self.minutes.clone(),
            ..Self::empty(self.source.clone(), self.seq)
        })
    }

    fn text_at(&self, row: &Row, place: Place) -> &str {
        let text = |at: Option<&u32>| {
            let text = at.and_then(|at| self.strings.get(*at as usize));
            text.map_or("", String::as_str)
        };
        let visit = self.visit_attrs.get(row.visit_attrs as usize);
        let client = self.client_attrs.get(row.client_attrs as usize);
        match place {
            Place::Text(at) => text(row.texts.get(at)),
            Place::Prefix(depth) => prefix(text(row.texts.first()), depth),
            Place::Visit(at) => text(visit.and_then(|attrs| attrs.get(at))),
            Place::Client(at) => text(client.and_then(|attrs| attrs.get(at))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cube::COUNTERS;
    use crate::rollup::DIMS;
    use serde_json::json;

    /// Two hours, two pages, two countries; every counter.
    fn cross() -> Batch {
        let mut batch = json!({
            "v": 1,
            "source": {"site": 1, "date": "2026-11-23", "shard": 0, "incarnation": "0".repeat(32)},
            "seq": 1, "closed": false, "degraded": false, "hits_total": 3,
            "strings": ["/a/b", "/", "DE", "FR", "", "Google"],
            "visit_attrs": [[0, 4, 5, 4, 4, 4, 4, 4, 4, 4], vec![4; 10]],
            "client_attrs": [[2, 4, 4, 4, 4, 4], [3, 4, 4, 4, 4, 4]],
            "dropped": {"bot": 2}, "minutes": [[1, 1, 1]],
        });
        for cube in CUBES {
            let row = |n: u64| {
                let mut row = vec![8 + n];
                row.extend((0..cube.texts().len() as u64).map(|at| (at + n) % 2));
                row.extend([n, n]);
                for (counter, ..) in COUNTERS.iter().filter(|(_, of, _)| *of == cube) {
                    row.extend([u64::from(u8::from(*counter)), 1 + n]);
                }
                row
            };
            batch[cube.name()] = json!([row(0), row(1)]);
        }
        let batch: Batch = serde_json::from_value(batch).unwrap();
        Batch::decode(&batch.encode().unwrap()).unwrap()
    }

    #[test]
    fn totals_hold_every_sum_by_one_dimension_and_nothing_else() {
        let totals = cross().to_totals().unwrap();
        let totals = Batch::decode(&totals.encode().unwrap()).unwrap();
        for cube in CUBES {
            assert!(totals.rows(cube).unwrap().is_empty());
        }
        assert!(totals.visit_attrs.is_empty() && totals.client_attrs.is_empty());
        assert_eq!(
            (totals.dropped, totals.minutes),
            (cross().dropped, cross().minutes)
        );
        let batch = cross().to_totals().unwrap();
        let rows = batch.rollup_rows().unwrap();
        for (counter, ..) in COUNTERS {
            for (dim, ..) in DIMS.into_iter().filter(|(dim, ..)| dim.holds(counter)) {
                let of = rows.iter().filter(|row| row.dim == dim);
                let counts = of
                    .flat_map(|row| &row.counters)
                    .filter(|(known, _)| *known == counter);
                assert_eq!(
                    counts.map(|(_, n)| n).sum::<u64>(),
                    3,
                    "{counter:?} by {dim:?}"
                );
            }
        }
        let named = |dim: Dim| {
            let of = rows.iter().filter(|row| row.dim == dim);
            of.map(|row| {
                let texts = row
                    .texts
                    .iter()
                    .map(|place| batch.strings[*place as usize].as_str());
                (row.hour, texts.collect::<Vec<_>>().join(" "))
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(named(Dim::Total), [(8, String::new()), (9, String::new())]);
        assert_eq!(named(Dim::Country).len(), 2);
        assert!(named(Dim::Prefix1).contains(&(0, "/a".to_owned())));
        assert!(named(Dim::Source).contains(&(0, "Google".to_owned())));
    }
}
