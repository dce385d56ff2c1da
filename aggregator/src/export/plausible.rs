//! The published set of daily counts. A row joins what rollups keep apart (source, referrer,
//! campaign; host and page; event and link): each is written by its first dimension, the others
//! are left empty. `cubes` has them all.

use std::collections::BTreeMap;

use jiff::civil::Date;
use shared::cube::Counter;
use shared::rollup::Dim;

use super::Tables;
use crate::error::Result;
use crate::import::table::{TABLES, Table, counters, is_count};
use crate::segment::rows::Row;
use crate::segment::{PartId, Segment};
use crate::store::Snapshot;

pub(super) async fn write(snapshot: &mut Snapshot, tables: &mut Tables<'_>) -> Result<()> {
    for (table, name, columns) in TABLES {
        let header = [&["date"], columns].concat();
        tables.begin("imported", name, &header)?;
        let part = PartId::Rollup(table.written_from().0);
        for date in tables.days() {
            let segment = snapshot.some(&[part], date, date).await?;
            tables.add(&rows(table, date, &segment))?;
        }
    }
    Ok(())
}

/// The rows of a day, sorted.
fn rows(table: Table, date: Date, segment: &Segment) -> Vec<Vec<String>> {
    let (dim, texts) = table.written_from();
    let mut sums: BTreeMap<Vec<std::sync::Arc<str>>, BTreeMap<Counter, u64>> = BTreeMap::new();
    for Row {
        texts, counters, ..
    } in segment.told(PartId::Rollup(dim))
    {
        let sum = sums.entry(texts).or_default();
        for (counter, n) in counters {
            *sum.entry(counter).or_default() += n;
        }
    }
    let mut rows = Vec::with_capacity(sums.len());
    for (key, sum) in sums {
        let mut row = vec![date.to_string()];
        let mut is_empty = true;
        for column in table.columns() {
            row.push(match texts.iter().position(|text| text == column) {
                Some(place) => key.get(place).map_or_else(String::new, ToString::to_string),
                None if !is_count(column) => String::new(),
                None => {
                    let n = count(dim, column, &sum);
                    is_empty &= n == 0;
                    n.to_string()
                }
            });
        }
        if !is_empty {
            rows.push(row);
        }
    }
    rows
}

fn count(dim: Dim, column: &str, sum: &BTreeMap<Counter, u64>) -> u64 {
    // Who reads exit pages by visits is told how many ended there.
    let column = match (dim, column) {
        (Dim::ExitPage, "visits") => "exits",
        (_, column) => column,
    };
    let counters = counters(dim, column);
    let first = counters.first();
    first.map_or(0, |(counter, of)| {
        sum.get(counter).copied().unwrap_or(0) / of
    })
}
