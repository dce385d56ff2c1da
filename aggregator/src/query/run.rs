//! A [`Query`] to its rows.

use std::collections::HashMap;

use super::plan::Plan;
use super::scan::scan;
use super::{Answer, Dimension, OrderKey, Query, Row, plan};
use crate::error::{Error, Result};
use crate::store::Snapshot;

/// How an empty attribute is shown (COMPAT.md, section 1).
const fn empty(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Source | Dimension::Referrer => "Direct / None",
        Dimension::UtmSource
        | Dimension::UtmMedium
        | Dimension::UtmCampaign
        | Dimension::UtmContent
        | Dimension::UtmTerm => "(not set)",
        _ => "(none)",
    }
}

/// Answers a query from one state of the store, so that the metrics of one answer agree.
///
/// # Errors
/// The database failed.
pub async fn run(snapshot: &mut Snapshot, query: &Query) -> Result<Answer> {
    let mut found: HashMap<Vec<String>, Vec<u64>> = HashMap::new();
    if query.dimensions.is_empty() {
        found.insert(Vec::new(), vec![0; query.metrics.len()]);
    }
    let mut partial = Vec::new();
    for (place, metric) in query.metrics.iter().enumerate() {
        let plan = plan::plan(*metric, &query.dimensions).ok_or_else(|| {
            Error::Invalid("visitors by these dimensions are not counted exactly".into())
        })?;
        if matches!(plan, Plan::Cube(..)) {
            partial.push(place);
        }
        for (key, n) in scan(snapshot, plan, &query.dimensions, query.from, query.to).await? {
            let shown = key.into_iter().zip(&query.dimensions);
            let key: Vec<String> = shown
                .map(|(text, dimension)| match text.is_empty() {
                    true => empty(*dimension).to_owned(),
                    false => text,
                })
                .collect();
            let metrics = found
                .entry(key)
                .or_insert_with(|| vec![0; query.metrics.len()]);
            metrics[place] += n;
        }
    }
    if !partial.is_empty() && !snapshot.has_totals(query.from, query.to).await? {
        partial.clear();
    }
    let mut rows: Vec<Row> = found
        .into_iter()
        .map(|(dimensions, metrics)| Row {
            dimensions,
            metrics,
        })
        .collect();
    rows.sort_unstable_by(|a, b| compare(a, b, &query.order));
    Ok(Answer {
        rows: rows
            .into_iter()
            .skip(query.offset)
            .take(query.limit)
            .collect(),
        partial,
        degraded: snapshot.is_degraded(query.from, query.to).await?,
    })
}

/// By the given order; ties by the dimensions, so that paging is stable.
fn compare(a: &Row, b: &Row, order: &[(OrderKey, bool)]) -> std::cmp::Ordering {
    for (key, descending) in order {
        let ordering = match key {
            OrderKey::Metric(place) => a.metrics[*place].cmp(&b.metrics[*place]),
            OrderKey::Dimension(place) => a.dimensions[*place].cmp(&b.dimensions[*place]),
        };
        let ordering = if *descending {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    a.dimensions.cmp(&b.dimensions)
}
