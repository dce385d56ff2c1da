//! Sorted counts to the rollups of one day after the other.

use std::io;
use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use shared::cube::Counter;
use shared::rollup::Dim;

use super::super::merge::Merge;
use super::super::{Progress, source};
use super::row::Count;
use crate::clock::date_of;
use crate::segment::{PartId, RollupRow, Segment};
use crate::site::Site;
use crate::store::Rollups;

/// Rows of one day that are held in memory.
const DAY_ROWS_MAX: usize = 2_000_000;

/// Gives the rollups of each day to `take`, until it says no more.
///
/// # Errors
/// The disk failed, or a day has more rows than are held.
pub fn sum(
    mut merge: Merge,
    site: &Site,
    incarnation: &str,
    progress: &Progress,
    take: impl Fn(Rollups) -> bool,
) -> io::Result<()> {
    let unreadable = || io::Error::other("what was sorted cannot be read back");
    while let Some(first) = merge.key() {
        let date = date_of(first.day).ok_or_else(unreadable)?;
        let mut rows = Vec::new();
        while merge.key().is_some_and(|key| key.day == first.day) {
            let count: Count = postcard::from_bytes(merge.record()).map_err(|_| unreadable())?;
            rows.push(RollupRow {
                hour: 0,
                dim: count.dim,
                texts: count
                    .texts
                    .iter()
                    .map(|text| Arc::from(text.as_ref()))
                    .collect(),
                counters: count.counters,
            });
            if rows.len() > DAY_ROWS_MAX {
                return Err(io::Error::other(format!(
                    "{date} has more than 2,000,000 rows"
                )));
            }
            merge.advance()?;
        }
        progress.add(rows.len() as u64);
        let rollups = rollups(site, date, incarnation, rows)?;
        if !take(rollups) {
            return Ok(());
        }
    }
    Ok(())
}

fn rollups(
    site: &Site,
    date: Date,
    incarnation: &str,
    rows: Vec<RollupRow>,
) -> io::Result<Rollups> {
    let segment = Segment::of_rollups(rows).map_err(io::Error::other)?;
    let mut hasher = Sha256::new();
    for (id, bytes) in segment.encode().map_err(io::Error::other)? {
        hasher.update([id.number()]);
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    }
    Ok(Rollups {
        source: source(site, date, incarnation),
        hits_total: segment.sum(PartId::Rollup(Dim::Total), Counter::Views),
        sha256: hasher.finalize().into(),
        segment,
    })
}
