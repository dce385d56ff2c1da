//! Whatever way segments are made and merged, every sum stays, and rollups agree with the cubes.

use proptest::prelude::*;
use serde_json::json;
use shared::batch::Batch;
use shared::cube::{COUNTERS, CUBES, Cube};
use shared::rollup::{DIMS, Dim};

use super::*;

/// A batch of rows that are given as numbers, each taken modulo what there is.
fn batch(rows: &[(u8, u8, Vec<u32>)]) -> Batch {
    let strings: Vec<String> = [
        "",
        "/",
        "/a",
        "/a/b/c/d",
        "a.example",
        "DE",
        "Google",
        "Firefox",
    ]
    .map(str::to_owned)
    .to_vec();
    let count = strings.len() as u32;
    let mut batch = json!({
        "v": 1,
        "source": {"site": 1, "date": "2026-11-23", "shard": 0, "incarnation": "0".repeat(32)},
        "seq": 1, "closed": false, "degraded": false, "hits_total": 3, "strings": strings,
        "visit_attrs": [[0, 1, 2, 3, 4, 5, 6, 7, 0, 1], vec![1; 10], vec![2; 10]],
        "client_attrs": [[0, 1, 2, 3, 4, 5], vec![5; 6], vec![6; 6]],
        "visits": [], "pages": [], "exits": [], "events": [],
    });
    let mut by_cube: BTreeMap<&str, Vec<Vec<u64>>> = BTreeMap::new();
    for (cube, hour, numbers) in rows {
        let cube = CUBES[usize::from(*cube) % CUBES.len()];
        let mut numbers = numbers.iter().copied();
        let mut next = |below: u32| u64::from(numbers.next().unwrap_or(0) % below);
        let mut row = vec![u64::from(hour % 25)];
        row.extend((0..cube.texts().len()).map(|_| next(count)));
        row.extend([next(3), next(3)]);
        for (counter, ..) in COUNTERS.iter().filter(|(_, of, _)| *of == cube) {
            let n = next(3);
            if n > 0 {
                row.extend([u64::from(u8::from(*counter)), n]);
            }
        }
        if row.len() > 3 + cube.texts().len() {
            by_cube.entry(cube.name()).or_default().push(row);
        }
    }
    for (name, rows) in by_cube {
        batch[name] = json!(rows);
    }
    let batch: Batch = serde_json::from_value(batch).unwrap();
    Batch::decode(&batch.encode().unwrap()).unwrap()
}

fn some_rows() -> impl Strategy<Value = Vec<(u8, u8, Vec<u32>)>> {
    prop::collection::vec(
        (
            any::<u8>(),
            any::<u8>(),
            prop::collection::vec(any::<u32>(), 30),
        ),
        0..40,
    )
}

/// Every row of a part, in an order that does not depend on how it was made.
fn told(segment: &Segment, id: PartId) -> Vec<rows::Row> {
    let mut rows: Vec<rows::Row> = segment.told(id).collect();
    rows.sort();
    rows
}

fn all_told(segment: &Segment) -> Vec<Vec<rows::Row>> {
    let parts = PartId::all().filter(|id| !matches!(id, PartId::VisitAttrs | PartId::ClientAttrs));
    parts.map(|id| told(segment, id)).collect()
}

proptest! {
    #[test]
    fn i9_sums_stay_however_segments_are_merged(batches in prop::collection::vec(some_rows(), 1..6)) {
        let batches: Vec<Batch> = batches.iter().map(|rows| batch(rows)).collect();
        let segments: Vec<Segment> =
            batches.iter().map(|batch| Segment::of_batch(batch).unwrap()).collect();
        let at_once = merge(&segments, Hours::Kept);
        for (counter, cube, _) in COUNTERS {
            let wanted: u64 = batches
                .iter()
                .flat_map(|batch| batch.rows(cube).unwrap())
                .flat_map(|row| row.counters)
                .filter(|(known, _)| *known == counter)
                .map(|(_, n)| n)
                .sum();
            prop_assert_eq!(at_once.sum(PartId::Cube(cube), counter), wanted);
            for (dim, ..) in DIMS {
                if dim.holds(counter) {
                    prop_assert_eq!(at_once.sum(PartId::Rollup(dim), counter), wanted, "{:?}", dim);
                }
            }
        }
        // One after the other, through the stored form each time.
        let mut step = Segment::default();
        for segment in segments.into_iter().rev() {
            let merged = merge(&[segment, step], Hours::Kept);
            let bundled = bundle::open(&merged.encode_bundle().unwrap()).unwrap();
            let split = bundle::split(&bundled).unwrap();
            let apart = Segment::decode(merged.encode().unwrap()).unwrap();
            prop_assert_eq!(apart, merged);
            step = Segment::decode(split.into_iter().map(|(id, part)| (id, part.to_vec()))).unwrap();
        }
        prop_assert_eq!(all_told(&step), all_told(&at_once));
        // Nothing that no row names is kept.
        for id in PartId::all().filter(|id| !matches!(id, PartId::VisitAttrs | PartId::ClientAttrs)) {
            let part = at_once.part(id);
            for place in 0..part.strings.len() as u64 {
                let names = |column: ColumnId| match part.columns.get(&column) {
                    Some(values) => values.contains(&place),
                    None => place == 0,
                };
                prop_assert!(id.text_columns().any(names), "{:?}", id);
            }
        }
        // Folded: by the hour no more, but in the rollup of the whole site.
        let folded = merge(std::slice::from_ref(&step), Hours::Folded);
        for cube in CUBES {
            prop_assert!(!folded.part(PartId::Cube(cube)).columns.contains_key(&HOUR));
        }
        prop_assert!(!at_once.has_totals() && !folded.has_totals());
        let total = PartId::Rollup(Dim::Total);
        prop_assert_eq!(told(&folded, total), told(&step, total));
        prop_assert_eq!(folded.sum(PartId::Cube(Cube::Visits), Counter::HourVisitors), 0);
        prop_assert_eq!(
            folded.sum(PartId::Cube(Cube::Pages), Counter::Views),
            step.sum(PartId::Cube(Cube::Pages), Counter::Views)
        );
    }
}

#[test]
fn parts_have_numbers_of_their_own() {
    let numbers: Vec<u8> = PartId::all().map(PartId::number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    for id in PartId::all() {
        assert_eq!(PartId::of(id.number()), Some(id));
    }
    assert_eq!(PartId::of(255), None);
}

#[test]
fn a_row_that_names_what_is_not_there_is_refused() {
    let segment = Segment::of_batch(&batch(&[(1, 3, vec![1; 30])])).unwrap();
    let mut parts = segment.encode().unwrap();
    parts.retain(|(id, _)| *id != PartId::VisitAttrs);
    assert!(Segment::decode(parts).is_err());
}
