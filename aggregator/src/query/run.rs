//! A [`Query`] to SQL and its rows.

use std::collections::HashMap;

use shared::visitor::SiteId;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};

use super::{Answer, Dimension, OrderKey, Query, Row, plan};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};

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

/// Answers a query.
///
/// # Errors
/// The database failed.
pub async fn run(pool: &SqlitePool, site: SiteId, query: &Query) -> Result<Answer> {
    let (from, to) = (day_number(query.from), day_number(query.to));
    // All statements read one state of the database, so that metrics of one answer agree.
    let mut tx = pool.begin().await?;
    let mut found: HashMap<Vec<String>, Vec<u64>> = HashMap::new();
    if query.dimensions.is_empty() {
        found.insert(Vec::new(), vec![0; query.metrics.len()]);
    }
    for (place, metric) in query.metrics.iter().enumerate() {
        let column = plan::column(*metric, &query.dimensions).ok_or_else(|| {
            Error::Invalid("visitors by these dimensions are not counted exactly".into())
        })?;
        let sql = statement(column, &query.dimensions);
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(site)
            .bind(from)
            .bind(to)
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            let n: i64 = row.try_get(0)?;
            let mut key = Vec::with_capacity(query.dimensions.len());
            for (column, dimension) in query.dimensions.iter().enumerate() {
                key.push(match dimension {
                    Dimension::Day => {
                        let day: i64 = row.try_get(column + 1)?;
                        date_of(day)
                            .map(|date| date.to_string())
                            .unwrap_or_default()
                    }
                    _ => match row.try_get::<String, _>(column + 1)? {
                        text if text.is_empty() => empty(*dimension).to_owned(),
                        text => text,
                    },
                });
            }
            let metrics = found
                .entry(key)
                .or_insert_with(|| vec![0; query.metrics.len()]);
            metrics[place] = u64::try_from(n).unwrap_or(0);
        }
    }
    let degraded: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM source WHERE site_id = ? AND date BETWEEN ? AND ? AND degraded = 1",
    )
    .bind(site)
    .bind(from)
    .bind(to)
    .fetch_one(&mut *tx)
    .await?;
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
        degraded: degraded > 0,
    })
}

/// `?1` the site, `?2` and `?3` the first and last day; column 0 is the sum, then the dimensions.
fn statement((table, counter): (&str, &str), dimensions: &[Dimension]) -> String {
    let mut columns = String::new();
    let mut joins = String::new();
    let mut groups: Vec<String> = Vec::new();
    for dimension in dimensions {
        match dimension {
            Dimension::Day => {
                columns += ", c.date";
                groups.push("c.date".into());
            }
            Dimension::Page => {
                columns += ", page.value";
                joins += " JOIN text AS page ON page.id = c.page";
                groups.push("page.value".into());
            }
            // The columns of visit_attrs and client_attrs have the dimensions' names.
            _ => {
                let name = dimension.name().trim_start_matches("visit:");
                let attrs = if dimension.is_free() {
                    "client_attrs"
                } else {
                    "visit_attrs"
                };
                if !joins.contains(attrs) {
                    joins += &format!(" JOIN {attrs} ON {attrs}.id = c.{attrs}");
                }
                joins += &format!(" JOIN text AS {name} ON {name}.id = {attrs}.{name}");
                columns += &format!(", {name}.value");
                groups.push(format!("{name}.value"));
            }
        }
    }
    let group = match groups.is_empty() {
        true => String::new(),
        false => format!(" GROUP BY {}", groups.join(", ")),
    };
    // A row without any of the metric is left out; the one row of a total never is.
    let having = if groups.is_empty() {
        ""
    } else {
        " HAVING n > 0"
    };
    format!(
        "SELECT coalesce(sum(c.{counter}), 0) AS n{columns} FROM {table} AS c{joins}
         WHERE c.site_id = ?1 AND c.date BETWEEN ?2 AND ?3{group}{having}"
    )
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
