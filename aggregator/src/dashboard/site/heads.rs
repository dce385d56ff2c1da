//! The numbers at the head of a site's page.

use super::asked::Asked;
use super::numbers;
use crate::error::{Error, Result};
use crate::query::{self, Answer, Dimension, Metric, Query};
use crate::store::Snapshot;

/// A number at the head of the page.
pub(super) struct Headline {
    /// Of the element that shows it.
    pub key: &'static str,
    pub name: &'static str,
    pub value: String,
    pub bounds: Option<String>,
    /// The change and whether it is for the better; what it was.
    pub change: Option<(String, &'static str, String)>,
    /// Shows it in the graph.
    pub link: String,
    pub chosen: bool,
}

/// All of them, and what is to be said about the whole page.
pub(super) struct Heads {
    pub headlines: Vec<Headline>,
    pub degraded: bool,
    pub partial: bool,
    pub empty: bool,
}

/// The numbers at the head: which there are depends on what is filtered.
pub(super) async fn heads(asked: &Asked, snapshot: &mut Snapshot) -> Result<Heads> {
    let state = &asked.state;
    let has = |dimension: &Dimension| state.is_filtered_by(dimension);
    let metrics: &[Metric] = if has(&Dimension::Goal) {
        &[
            Metric::Visitors,
            Metric::Events,
            Metric::ConversionRate,
            Metric::TotalRevenue,
            Metric::AverageRevenue,
        ]
    } else if has(&Dimension::Page) {
        &[
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::BounceRate,
            Metric::TimeOnPage,
            Metric::ScrollDepth,
        ]
    } else {
        &[
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::ViewsPerVisit,
            Metric::BounceRate,
            Metric::VisitDuration,
        ]
    };
    let query = Query {
        compare: state.compared(&asked.range),
        ..asked.query(metrics)
    };
    let mut answers: Vec<(Metric, Option<Answer>, usize)> = Vec::new();
    match asked.run(snapshot, &query).await {
        Ok(answer) => {
            let all = metrics.iter().enumerate();
            answers.extend(all.map(|(at, metric)| (*metric, Some(answer.clone()), at)));
        }
        Err(Error::Refused(_)) => {
            // Each that can be told is.
            for metric in metrics {
                let query = Query {
                    metrics: vec![*metric],
                    ..query.clone()
                };
                match asked.run(snapshot, &query).await {
                    Ok(answer) => answers.push((*metric, Some(answer), 0)),
                    Err(Error::Refused(_)) => answers.push((*metric, None, 0)),
                    Err(other) => return Err(other),
                }
            }
        }
        Err(other) => return Err(other),
    }
    let several = asked.range.from != asked.range.to;
    let is_of_money =
        |metric: &Metric| matches!(metric, Metric::TotalRevenue | Metric::AverageRevenue);
    let shown = |(metric, answer, at): &(Metric, Option<Answer>, usize)| {
        let row = answer.as_ref().and_then(|answer| answer.rows.first());
        let cell = row.and_then(|row| row.metrics.get(*at));
        // Revenue that never was is not told.
        let is_told = cell.is_some_and(|cell| cell.value != query::Value::None);
        if is_of_money(metric) && !is_told {
            return None;
        }
        let compared = row.and_then(|row| row.compared.as_ref());
        let change = compared.and_then(|compared| {
            let (change, kind) = numbers::change(*metric, compared.change.get(*at).copied()??);
            let before = numbers::cell(*metric, compared.metrics.get(*at)?);
            Some((change, kind, before))
        });
        let chosen = state.metric.unwrap_or(Metric::Visitors) == *metric;
        Some(Headline {
            // A panel is called "events" already.
            key: match metric {
                Metric::Events => "event-count",
                other => other.name(),
            },
            name: numbers::name(*metric, several),
            value: cell.map_or_else(|| "–".to_owned(), |cell| numbers::cell(*metric, cell)),
            bounds: cell.and_then(|cell| numbers::bounds(*metric, cell)),
            change,
            link: state.with(|state| state.metric = Some(*metric)).url(),
            chosen,
        })
    };
    let first = |metric: Metric| {
        let found = answers.iter().find(|(known, ..)| *known == metric);
        let row = found.and_then(|(_, answer, at)| {
            let row = answer.as_ref()?.rows.first()?;
            Some(row.metrics.get(*at)?.value.number() > 0.0)
        });
        row.unwrap_or(false)
    };
    let counted = [Metric::Visitors, Metric::Pageviews, Metric::Events].map(first);
    let answered = || answers.iter().filter_map(|(_, answer, _)| answer.as_ref());
    Ok(Heads {
        headlines: answers.iter().filter_map(shown).collect(),
        degraded: answered().any(|answer| answer.degraded),
        partial: answered().any(|answer| !answer.partial.is_empty()),
        empty: counted == [false; 3],
    })
}
