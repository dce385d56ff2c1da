//! The rows of another range beside those of this one.

use rustc_hash::FxHashMap;

use super::super::Compared;
use super::super::metric::{Cell, Metric, Value};
use super::super::range::Range;
use super::super::time::Spans;
use super::{Found, Run};

/// The rows of another range, to be found by those of this one.
pub(super) struct Others {
    /// By the dimensions but time, and the number of the span of time in this range.
    rows: FxHashMap<(Vec<String>, u32), Found>,
    /// What each span of this range is called in the other.
    labels: FxHashMap<u32, String>,
    /// The place of the span of time.
    time: Option<usize>,
}

impl Others {
    pub(super) fn new(run: &Run<'_>, range: &Range, found: Vec<Found>) -> Self {
        let unit = run.unit();
        let mut labels = FxHashMap::default();
        let mut mine_of = FxHashMap::default();
        if let Some((_, unit)) = unit {
            // The n-th span of one range is compared with the n-th of the other.
            let mine = Spans::new(unit, &run.query.range, run.site).all();
            let spans = Spans::new(unit, range, run.site);
            for (mine, other) in mine.into_iter().zip(spans.all()) {
                labels.insert(mine, spans.label(other));
                mine_of.insert(other, mine);
            }
        }
        let time = unit.map(|(slot, _)| slot);
        let mut rows = FxHashMap::default();
        for row in found {
            let span = match time {
                Some(_) => mine_of.get(&row.span).copied(),
                None => Some(0),
            };
            if let Some(span) = span {
                rows.insert((but_time(&row.dimensions, time), span), row);
            }
        }
        Self { rows, labels, time }
    }

    pub(super) fn of(&self, row: &Found) -> Other<'_> {
        let span = if self.time.is_some() { row.span } else { 0 };
        let mut called = row.dimensions.clone();
        if let Some(called) = self.time.and_then(|time| called.get_mut(time)) {
            *called = self.labels.get(&span).cloned().unwrap_or_default();
        }
        let key = (but_time(&row.dimensions, self.time), span);
        (called, self.rows.get(&key))
    }
}

/// What a row is called in another range, and the row.
type Other<'f> = (Vec<String>, Option<&'f Found>);

fn but_time(dimensions: &[String], time: Option<usize>) -> Vec<String> {
    let dimensions = dimensions.iter().enumerate();
    let kept = dimensions.filter(|(slot, _)| Some(*slot) != time);
    kept.map(|(_, text)| text.clone()).collect()
}

pub(super) fn change(metrics: &[Metric], row: &Found, (dimensions, other): Other<'_>) -> Compared {
    let nothing = |metric: &Metric| {
        Cell::exact(match metric {
            Metric::Visitors | Metric::Visits | Metric::Pageviews | Metric::Events => {
                Value::Whole(0)
            }
            _ => Value::None,
        })
    };
    let before: Vec<Cell> = match other {
        Some(other) => other.metrics.clone(),
        None => metrics.iter().map(nothing).collect(),
    };
    let pairs = metrics.iter().zip(&row.metrics).zip(&before);
    let change = pairs.map(|((metric, now), before)| {
        if now.value == Value::None || before.value == Value::None {
            return None;
        }
        let (now, before) = (now.value.number(), before.value.number());
        if metric.is_rate() {
            return Some(((now - before) * 10.0).round() / 10.0);
        }
        match (now == before, before == 0.0) {
            (true, _) => Some(0.0),
            (_, true) => Some(100.0),
            _ => Some(((now - before) / before * 100.0).round()),
        }
    });
    let change = change.collect();
    Compared {
        dimensions,
        metrics: before,
        change,
    }
}
