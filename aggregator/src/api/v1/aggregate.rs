//! `GET /api/v1/stats/aggregate`: the numbers of a period, and how they changed.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Map, Value, json};

use super::super::params::invalid;
use super::super::render;
use super::{AGGREGATE, Asked, Refusal, bounds};
use crate::serve::App;

/// See the module.
pub async fn answer(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let asked = Asked::take(app, request, &AGGREGATE).await?;
    let mut query = asked.total()?;
    if let Some(mode) = asked.params.text("compare")? {
        if mode != "previous_period" {
            return Err(invalid("compare", "must be previous_period"));
        }
        let before = query.range.previous();
        query.compare = Some(before.map_err(|problem| invalid("date", problem))?);
    }
    let answer = asked.run(&query).await?;
    let mut results = Map::new();
    for row in &answer.rows {
        for (place, (metric, cell)) in query.metrics.iter().zip(&row.metrics).enumerate() {
            let mut told = json!({ "value": cell.value.to_json() });
            if let Some(pair) = cell.bounds {
                told["bounds"] = bounds(pair);
            }
            if let Some(compared) = &row.compared {
                told["change"] = json!(compared.change.get(place));
                // The change is of an estimate, then.
                if let Some(before) = compared.metrics.get(place)
                    && let Some(pair) = before.bounds
                {
                    told["before"] =
                        json!({ "value": before.value.to_json(), "bounds": bounds(pair) });
                }
            }
            results.insert(metric.name().to_owned(), told);
        }
    }
    let meta = render::meta(&query, &answer);
    Ok(Json(json!({ "results": results, "meta": meta })))
}
