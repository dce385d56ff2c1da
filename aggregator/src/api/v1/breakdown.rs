//! `GET /api/v1/stats/breakdown`: the numbers by one property.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Map, Value, json};

use super::super::params::invalid;
use super::super::render;
use super::{Asked, BREAKDOWN, Refusal, bounds};
use crate::query::{Dimension, Metric, OrderKey, Query};
use crate::serve::App;

/// Rows of a page, unless told otherwise.
pub const LIMIT: u32 = 100;
/// Most rows of a page.
pub const LIMIT_MAX: u32 = 1_000;
/// The last page: behind every row that a question may make.
pub const PAGE_MAX: u32 = 1_000_000;
/// The key of a row's bounds.
const BOUNDS: &str = "bounds";

/// See the module.
pub async fn answer(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let asked = Asked::take(app, request, &BREAKDOWN).await?;
    let params = &asked.params;
    let dimension = Dimension::parse(params.required("property")?)
        .map_err(|problem| invalid("property", problem))?;
    if dimension.is_time() {
        return Err(invalid("property", "time is asked for by timeseries"));
    }
    let limit = params.number("limit", 1..=LIMIT_MAX)?.unwrap_or(LIMIT) as usize;
    let page = params.number("page", 1..=PAGE_MAX)?.unwrap_or(1) as usize;
    let key = key(&dimension);
    let query = Query {
        dimensions: vec![dimension],
        order: vec![(OrderKey::Metric(0), true)],
        limit,
        offset: (page - 1) * limit,
        ..asked.total()?
    };
    let answer = asked.run(&query).await?;
    let results = answer.rows.iter().map(|row| {
        let mut told = Map::new();
        told.insert(key.clone(), json!(row.dimensions.first()));
        let mut estimated = Map::new();
        for (metric, cell) in query.metrics.iter().zip(&row.metrics) {
            told.insert(metric.name().into(), cell.value.to_json());
            if let Some(pair) = cell.bounds {
                estimated.insert(metric.name().into(), bounds(pair));
            }
        }
        if !estimated.is_empty() {
            told.insert(BOUNDS.into(), Value::Object(estimated));
        }
        Value::Object(told)
    });
    let results: Vec<Value> = results.collect();
    let meta = render::meta(&query, &answer);
    Ok(Json(json!({ "results": results, "meta": meta })))
}

/// What a row calls its value: the property without its prefix, unless that is the name of a number
/// beside it.
fn key(dimension: &Dimension) -> String {
    let short = match dimension {
        Dimension::Prop(key) => key.clone(),
        other => other.short_name(),
    };
    match short == BOUNDS || Metric::parse(&short).is_ok() {
        true => dimension.name().into_owned(),
        false => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_stands_in_the_place_of_a_number() {
        let of = |name: &str| key(&Dimension::parse(name).unwrap());
        assert_eq!(of("visit:source"), "source");
        assert_eq!(of("event:props:plan"), "plan");
        assert_eq!(of("event:props:a:b"), "a:b");
        assert_eq!(of("event:props:visitors"), "event:props:visitors");
        assert_eq!(of("event:props:bounds"), "event:props:bounds");
    }
}
