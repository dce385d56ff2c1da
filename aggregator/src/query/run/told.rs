//! What of a range is told under a threshold, and its sums with what is of few visitors folded.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use shared::cube::Counter;
use shared::limits::OTHER;
use shared::rollup::Dim;

use super::super::dimension::Dimension;
use super::super::folded::{By, Folded, Rule, Totals};
use super::super::plan::Term;
use super::super::range::Range;
use super::super::scan::{Cond, Located, scan};
use super::super::sums::{Slots, SpanOf};
use super::super::threshold::{self, DayTotals, List};
use super::{Run, Summed};
use crate::clock::day_number;
use crate::error::{Error, Result};
use crate::segment::PartId;

/// What is known of a range that is told under a threshold.
pub(super) struct Told {
    /// Nothing of fewer visitors than this.
    k: u64,
    /// By date, the days that are told.
    days: FxHashMap<i64, DayTotals>,
    /// By date, of how many segments it is.
    segments: FxHashMap<i64, u32>,
}

impl Run<'_> {
    /// The days of a range that are told, where there is a threshold.
    pub(super) async fn told(&mut self, range: &Range) -> Result<Option<Told>> {
        let Some(threshold) = self.query.threshold else {
            return Ok(None);
        };
        let located = Located {
            part: PartId::Rollup(Dim::Total),
            fixed: None,
            keys: Vec::new(),
            filter: Cond::And(Vec::new()),
            base: None,
            hours: false,
        };
        let (counters, texts) = (Totals::COUNTERS, self.texts.clone());
        let found = scan(
            self.snapshot,
            &located,
            &counters,
            range,
            &texts,
            Totals::default,
        );
        let mut totals = Totals::default();
        for one in found.await? {
            totals.merge(one);
        }
        let unsettled = self
            .snapshot
            .unsettled(range.from, range.to, threshold.today);
        let unsettled = unsettled.await?;
        let (k, today) = (u64::from(threshold.k), day_number(threshold.today));
        let mut days = totals.0;
        days.retain(|date, day| *date < today && !unsettled.contains(date) && day.is_told(k));
        let segments = self.snapshot.segments(range.from, range.to).await?;
        Ok(Some(Told {
            k,
            days,
            segments: segments.into_iter().collect(),
        }))
    }

    /// The same as [`Run::summed`], of days that are told, with what is of few visitors folded.
    pub(super) async fn folded(
        &mut self,
        told: &Told,
        term: &Term,
        mut counters: Vec<Counter>,
        slots: Slots,
        span: &SpanOf,
        range: &Range,
    ) -> Result<Summed> {
        let mut located = term.located.clone();
        let (by, mark) = match self.query.dimensions.first() {
            Some(one) if !one.is_time() => {
                let list = threshold::list(one).filter(|_| !located.keys.is_empty());
                let (list, dim) = list.ok_or_else(unplanned)?;
                (By::List(list), threshold::mark(dim))
            }
            Some(Dimension::Hour) => {
                located.hours = true;
                (By::Hour, Counter::HourVisitors)
            }
            _ => (By::Day, Counter::DayVisitors),
        };
        // What decides what is folded is read with what is asked for.
        let visitors = counters.iter().position(|counter| *counter == mark);
        let visitors = visitors.unwrap_or_else(|| {
            counters.push(mark);
            counters.len() - 1
        });
        let rule = {
            let mut texts = self.lock();
            let of_event = |named: &&crate::store::NamedGoal| {
                matches!(named.goal.kind, shared::settings::GoalKind::Event { .. })
            };
            let goals = self.goals.all().iter().filter(of_event);
            let goals = goals.map(|named| texts.number(&named.goal.id.to_string()));
            Arc::new(Rule {
                k: told.k,
                days: told.days.clone(),
                segments: told.segments.clone(),
                by,
                visitors,
                goals: goals.collect(),
                rest: texts.number(OTHER),
            })
        };
        let collector = || Folded::new(Arc::clone(&rule), slots.clone(), span.clone());
        let texts = self.texts.clone();
        let found = scan(self.snapshot, &located, &counters, range, &texts, collector).await?;
        let mut all = collector();
        for one in found {
            all.merge(one);
        }
        all.end();
        Ok(all.groups)
    }

    /// Whether a row is what was folded of a list in whose cells a visitor may be twice.
    pub(super) fn is_of_unknown_visitors(&self, dimensions: &[String]) -> bool {
        let (Some(_), [dimension], [text]) = (
            self.query.threshold,
            self.query.dimensions.as_slice(),
            dimensions,
        ) else {
            return false;
        };
        let list = threshold::list(dimension);
        text == OTHER
            && list.is_some_and(|(list, _)| matches!(list, List::Overlapping | List::Pages))
    }
}

fn unplanned() -> Error {
    Error::Invalid("a question under a threshold was not checked".into())
}
