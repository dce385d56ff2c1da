//! `GET /api/v1/stats/timeseries`: the numbers of each day or month, also of those without any.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Map, Value, json};

use super::super::params::invalid;
use super::super::render;
use super::{Asked, Refusal, TIMESERIES, bounds};
use crate::query::{Dimension, Include, LIMIT_MAX, Query, Row};
use crate::serve::App;

/// What a point may be of; `date` is the older name of `day`.
pub const INTERVALS: [(&str, Dimension); 3] = [
    ("day", Dimension::Day),
    ("month", Dimension::Month),
    ("date", Dimension::Day),
];

/// See the module.
pub async fn answer(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let asked = Asked::take(app, request, &TIMESERIES).await?;
    let unit = unit(&asked)?;
    let total = asked.total()?;
    if unit == Dimension::Day && total.range.day_count() > LIMIT_MAX as i64 {
        let problem = format!("more than {LIMIT_MAX} days; ask for interval=month");
        return Err(invalid("date", problem));
    }
    let query = Query {
        include: Include {
            time_labels: true,
            ..Include::default()
        },
        ..total.by(unit, LIMIT_MAX as usize)
    };
    let answer = asked.run(&query).await?;
    let mut rows = answer.rows.iter().peekable();
    let mut results = Vec::with_capacity(answer.time_labels.len());
    for label in &answer.time_labels {
        let row = rows.next_if(|row| row.dimensions.first() == Some(label));
        results.push(point(&query, label, row));
    }
    let mut meta = render::meta(&query, &answer);
    if let Some(meta) = meta.as_object_mut() {
        meta.remove("time_labels"); // They are the points' dates.
    }
    Ok(Json(json!({ "results": results, "meta": meta })))
}

/// By months where there are many; by days else.
fn unit(asked: &Asked) -> Result<Dimension, Refusal> {
    if let Some(name) = asked.params.text("interval")? {
        let found = INTERVALS.iter().find(|(known, _)| *known == name);
        let found = found.map(|(_, unit)| unit.clone());
        return found.ok_or_else(|| invalid("interval", "must be day or month"));
    }
    Ok(match asked.period()? {
        "6mo" | "12mo" | "year" => Dimension::Month,
        _ => Dimension::Day,
    })
}

/// One point: its date and a value for each metric; where nothing was counted counts are 0 and
/// rates `null`.
fn point(query: &Query, label: &str, row: Option<&Row>) -> Value {
    let mut told = Map::new();
    told.insert("date".into(), json!(label));
    let mut estimated = Map::new();
    for (place, metric) in query.metrics.iter().enumerate() {
        let cell = row.and_then(|row| row.metrics.get(place));
        let value = match cell {
            Some(cell) => cell.value.to_json(),
            None if metric.is_count() => json!(0),
            None => Value::Null,
        };
        told.insert(metric.name().into(), value);
        if let Some(pair) = cell.and_then(|cell| cell.bounds) {
            estimated.insert(metric.name().into(), bounds(pair));
        }
    }
    if !estimated.is_empty() {
        told.insert("bounds".into(), Value::Object(estimated));
    }
    Value::Object(told)
}
