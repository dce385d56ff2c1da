//! The query engine: a typed [`Query`] in, an [`Answer`] out. No HTTP in it.
//!
//! `parse.rs` reads the API's JSON, `plan.rs` says which parts of the store have to be summed and
//! how, `scan.rs` reads them, `run.rs` makes the answer. What is told is exact for what its name
//! says, or comes with its bounds (I10); what would need identities is refused with the reason.

mod block;
pub mod dimension;
mod distinct;
pub mod filter;
mod folded;
pub mod funnel;
mod goals;
mod ids;
pub mod metric;
mod parse;
mod plan;
pub mod props;
mod range;
mod run;
mod scan;
mod sums;
#[cfg(test)]
pub(crate) mod tests;
mod texts;
pub mod threshold;
mod time;

pub use dimension::Dimension;
pub use filter::{Filter, Leaf, Op};
pub use goals::Goals;
pub use metric::{Cell, Metric, Value};
pub use parse::{Invalid, LIMIT_MAX, Parsed, parse, parse_filters};
pub use range::{Range, parse_range};
pub use run::run;
pub use threshold::Threshold;

use crate::error::{Error, Result};

/// Most groups that a question may make.
const GROUPS_MAX: usize = 500_000;

fn too_many(is: bool) -> Result<()> {
    match is {
        false => Ok(()),
        true => Err(Error::Refused(format!(
            "dimensions: this makes more than {GROUPS_MAX} rows; filter, or ask for fewer dimensions or days"
        ))),
    }
}

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// A place in [`Query::metrics`].
    Metric(usize),
    /// A place in [`Query::dimensions`].
    Dimension(usize),
}

/// What is told beside the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Include {
    /// What each span of time is called, also the empty ones.
    pub time_labels: bool,
    /// How many rows there are on all pages.
    pub total_rows: bool,
    /// How it was answered.
    pub plan: bool,
}

/// A checked query; dates are local to the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is counted; not empty, no doubles.
    pub metrics: Vec<Metric>,
    /// When.
    pub range: Range,
    /// By what; no doubles, at most one span of time.
    pub dimensions: Vec<Dimension>,
    /// Of what.
    pub filter: Filter,
    /// In which order; true is descending.
    pub order: Vec<(OrderKey, bool)>,
    /// Most rows.
    pub limit: usize,
    /// Rows left out before the first.
    pub offset: usize,
    /// What it is compared with.
    pub compare: Option<Range>,
    /// What else is told.
    pub include: Include,
    /// Of whom nothing is told, on a view that anybody may open.
    pub threshold: Option<Threshold>,
}

impl Query {
    /// All of a range, in one row.
    pub fn total(metrics: &[Metric], range: Range) -> Self {
        Self {
            metrics: metrics.to_vec(),
            range,
            dimensions: Vec::new(),
            filter: Filter::all(),
            order: Vec::new(),
            limit: 1,
            offset: 0,
            compare: None,
            include: Include::default(),
            threshold: None,
        }
    }

    /// The same by a dimension: spans of time in their order, others by the metrics.
    pub fn by(self, dimension: Dimension, limit: usize) -> Self {
        let order = match dimension.is_time() {
            true => vec![(OrderKey::Dimension(0), false)],
            false => (0..self.metrics.len())
                .map(|place| (OrderKey::Metric(place), true))
                .collect(),
        };
        Self {
            dimensions: vec![dimension],
            order,
            limit,
            ..self
        }
    }
}

/// One row: a value per dimension, a number per metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In the order of [`Query::dimensions`].
    pub dimensions: Vec<String>,
    /// In the order of [`Query::metrics`].
    pub metrics: Vec<Cell>,
    /// What it is compared with, if anything is.
    pub compared: Option<Compared>,
}

impl Row {
    /// A whole number of it; 0 where there is none.
    pub fn whole(&self, place: usize) -> u64 {
        match self.metrics.get(place).map(|cell| &cell.value) {
            Some(Value::Whole(n)) => *n,
            _ => 0,
        }
    }
}

/// The same row of another range.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What it is called there.
    pub dimensions: Vec<String>,
    /// In the order of [`Query::metrics`].
    pub metrics: Vec<Cell>,
    /// Percent, or points where the metric is a rate; `None` where there is nothing to compare.
    pub change: Vec<Option<f64>>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The rows, ordered and paged. Without dimensions there is exactly one.
    pub rows: Vec<Row>,
    /// How many rows there are on all pages.
    pub total_rows: usize,
    /// A salt was lost on one of the days: visitors may have been counted again.
    pub degraded: bool,
    /// Metrics that leave out what one of the days has by one dimension each only: places in
    /// [`Query::metrics`].
    pub partial: Vec<usize>,
    /// Metrics that are estimates in some row: places in [`Query::metrics`].
    pub estimated: Vec<usize>,
    /// What each span of time is called, where that was asked for.
    pub time_labels: Vec<String>,
    /// How it was answered, where that was asked for: a line for each thing that was summed.
    pub plan: Vec<String>,
}
