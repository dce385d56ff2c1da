//! How far visitors come in a funnel: distinct visitors of each step, exact.
//!
//! A step counts a visitor once a day, when they come to it after the steps before it, in their
//! order (`shared::day`). So sums over rows are visitors, whatever rows a filter picks. A filter is
//! on the visit in which the step was reached, and on the visitor's client: under one on visits, a
//! later step may have more visitors than an earlier one, which they reached in another visit.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use shared::cube::{Counter, Cube};
use shared::rollup::{Dim, Place};
use shared::settings::Funnel;

use super::block::Block;
use super::filter::{Filter, Leaf};
use super::range::Range;
use super::scan::{At, Collect, Cond, Located, scan};
use super::texts::SharedTexts;
use crate::clock::day_number;
use crate::error::{Error, Result};
use crate::segment::PartId;
use crate::store::Snapshot;

/// What is asked of a funnel.
#[derive(Debug)]
pub struct FunnelQuery<'a> {
    /// Of which.
    pub funnel: &'a Funnel,
    /// When.
    pub range: Range,
    /// Of which visitors: on what their visits came with and what their browsers are.
    pub filter: Filter,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Visitors who came to it, of each day, summed over the days.
    pub visitors: u64,
    /// Of those of the first step, percent; `None` where there are none.
    pub from_first: Option<f64>,
    /// Of those of the step before, percent; `None` where there are none, and for the first.
    pub from_previous: Option<f64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FunnelAnswer {
    /// All steps, in their order.
    pub steps: Vec<Step>,
    /// A salt was lost on one of the days: visitors may have been counted again.
    pub degraded: bool,
    /// One of the days has counts by one dimension each only, which the filter does not see.
    pub partial: bool,
}

impl FunnelAnswer {
    /// What is to be known of the numbers, by a word and for a person; the gravest.
    pub const fn warning(&self) -> Option<(&'static str, &'static str)> {
        match (self.partial, self.degraded) {
            (true, _) => Some((
                "partial",
                "some days of this range have counts by one dimension each only (detail totals, or imported); under a filter they are left out",
            )),
            (_, true) => Some((
                "degraded",
                "a salt was lost on a day of this range, or two edges counted it; visitors of that day may be counted twice",
            )),
            _ => None,
        }
    }
}

/// Answers, from one state of the store.
///
/// # Errors
/// The filter is on something that steps do not have, hours are asked for that are not kept
/// ([`Error::Refused`] says which), or the database failed.
pub async fn run(snapshot: &mut Snapshot, query: &FunnelQuery<'_>) -> Result<FunnelAnswer> {
    let range = &query.range;
    let located = locate(query)?;
    let of_cube = matches!(located.part, PartId::Cube(_));
    if of_cube && range.is_partial() {
        has_hours(snapshot, range).await?;
    }
    let texts: SharedTexts = Arc::default();
    let counters = [Counter::FunnelVisitors];
    let found = scan(snapshot, &located, &counters, range, &texts, Steps::default).await?;
    let mut visitors = vec![0_u64; query.funnel.steps.len()];
    {
        let texts = texts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (number, n) in found.into_iter().flat_map(|steps| steps.0) {
            let step = texts.text(number).parse::<usize>().ok();
            let step = step.and_then(|step| visitors.get_mut(step.checked_sub(1)?));
            if let Some(sum) = step {
                *sum = sum.saturating_add(n);
            }
        }
    }
    Ok(FunnelAnswer {
        steps: steps(&visitors),
        degraded: snapshot.is_degraded(range.from, range.to).await?,
        partial: of_cube && snapshot.has_totals(range.from, range.to).await?,
    })
}

/// Where the steps are: in the daily counts, or in the cube where hours or a filter matter.
fn locate(query: &FunnelQuery<'_>) -> Result<Located> {
    let hours = query.range.is_partial();
    let at = |leaf: &Leaf| {
        let place = leaf.dimension.place(Cube::Funnels);
        place.map(At::Place)
    };
    let Some(filter) = Cond::locate(&query.filter, &at) else {
        let leaves = query.filter.leaves();
        let mut names = leaves.iter().filter(|leaf| at(leaf).is_none());
        let name = names.next().map(|leaf| leaf.dimension.name());
        return Err(Error::Refused(format!(
            "filters: a funnel is filtered by what a visit came with and by its client, not by {}",
            name.unwrap_or_default()
        )));
    };
    let is_filtered = !query.filter.leaves().is_empty();
    let part = match is_filtered || hours {
        true => PartId::Cube(Cube::Funnels),
        false => PartId::Rollup(Dim::Funnel),
    };
    Ok(Located {
        part,
        fixed: Some((0, query.funnel.id.to_string())),
        keys: vec![At::Place(Place::Text(1))],
        filter,
        base: None,
        hours,
    })
}

async fn has_hours(snapshot: &mut Snapshot, range: &Range) -> Result<()> {
    for date in [range.from, range.to] {
        if range.cuts(day_number(date))
            && let Some(date) = snapshot.first_folded(date, date).await?
        {
            return Err(Error::Refused(format!(
                "date_range: {date} is kept by the day and not by the hour; ask for whole days"
            )));
        }
    }
    Ok(())
}

fn steps(visitors: &[u64]) -> Vec<Step> {
    let share = |of: u64, per: u64| {
        let percent = of as f64 * 100.0 / per as f64;
        (per > 0).then_some((percent * 100.0).round() / 100.0)
    };
    let first = visitors.first().copied().unwrap_or(0);
    let each = visitors.iter().enumerate();
    let each = each.map(|(at, n)| Step {
        visitors: *n,
        from_first: share(*n, first),
        from_previous: at
            .checked_sub(1)
            .and_then(|before| share(*n, *visitors.get(before)?)),
    });
    each.collect()
}

/// Sums by step, whose text is told by its number.
#[derive(Default)]
struct Steps(FxHashMap<u32, u64>);

impl Collect for Steps {
    fn take(&mut self, block: &Block) -> Result<()> {
        let (Some(key), Some(counts)) = (block.keys.first(), block.counters.first()) else {
            return Ok(());
        };
        for row in block.matching() {
            let row = row as usize;
            let n = counts.get(row).copied().unwrap_or(0);
            let sum = self.0.entry(key.number(row)).or_default();
            *sum = sum.saturating_add(n);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_first_step_and_of_the_one_before() {
        let told = steps(&[8, 4, 3]);
        let shares = told
            .iter()
            .map(|step| (step.from_first, step.from_previous));
        assert_eq!(
            shares.collect::<Vec<_>>(),
            [
                (Some(100.0), None),
                (Some(50.0), Some(50.0)),
                (Some(37.5), Some(75.0))
            ]
        );
        let none = steps(&[0, 0]);
        assert!(none.iter().all(|step| step.from_first.is_none()));
        assert_eq!(steps(&[1, 3])[1].from_first, Some(300.0));
    }
}
