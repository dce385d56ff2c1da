//! `POST /api/v2/query` (COMPAT.md, section 3).

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::{Refusal, authorise, read_body};
use crate::query::{self, Metric, OrderKey, Query};
use crate::serve::App;
use crate::store::Scope;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/api/v2/query", post(answer))
}

async fn answer(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let access = authorise(&app, &headers, Scope::Stats).await?;
    let bytes = read_body(body).await?;
    let body: Map<String, Value> = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::Invalid(format!("the body is not a JSON object: {error}")))?;
    let Some(domain) = body.get("site_id").and_then(Value::as_str) else {
        return Err(Refusal::Invalid("site_id: name the site's domain".into()));
    };
    // Whether a site exists is told only to who may read it.
    let site = app.store.site(domain).await?;
    let site = site
        .filter(|site| access.reads(site.id))
        .ok_or(Refusal::NoAccess)?;
    let Some(range) = body.get("date_range") else {
        return Err(Refusal::Invalid("date_range: is required".into()));
    };
    let oldest = app.store.oldest_day(site.id).await?;
    let range = query::parse_range(range, site.today(app.clock.now_ms()), oldest)
        .map_err(|problem| Refusal::Invalid(format!("date_range: {problem}")))?;
    let query =
        query::parse(&body, range).map_err(|invalid| Refusal::Invalid(invalid.to_string()))?;
    let answer = query::run(&mut app.store.snapshot(site.id).await?, &query).await?;

    let results: Vec<Value> = answer
        .rows
        .iter()
        .map(|row| json!({ "dimensions": row.dimensions, "metrics": row.metrics }))
        .collect();
    let mut meta = Map::new();
    let counts_visitors = query.metrics.contains(&Metric::Visitors);
    if counts_visitors && query.from != query.to {
        meta.insert("visitors".into(), json!("sum of daily visitors"));
    }
    let mut warnings = Map::new();
    if counts_visitors && answer.degraded {
        let warning =
            "a salt was lost on a day of this range; visitors of that day may be counted twice";
        warnings.insert(
            "visitors".into(),
            json!({ "code": "degraded", "warning": warning }),
        );
    }
    // What is lacking is worse than what may be there twice.
    for metric in answer
        .partial
        .iter()
        .filter_map(|at| query.metrics.get(*at))
    {
        let warning = "some days of this range have counts by one dimension each only (detail totals, or imported); by several at once they are left out";
        warnings.insert(
            metric.name().into(),
            json!({ "code": "partial", "warning": warning }),
        );
    }
    if !warnings.is_empty() {
        meta.insert("metric_warnings".into(), Value::Object(warnings));
    }
    let query = echo(domain, &query);
    Ok(Json(
        json!({ "results": results, "meta": meta, "query": query }),
    ))
}

/// The query as it was understood; posted again it gives the same.
fn echo(domain: &str, query: &Query) -> Value {
    let metrics: Vec<&str> = query.metrics.iter().map(|metric| metric.name()).collect();
    let dimensions: Vec<&str> = query.dimensions.iter().map(|d| d.name()).collect();
    let order: Vec<Value> = query
        .order
        .iter()
        .map(|(key, descending)| {
            let name = match key {
                OrderKey::Metric(place) => metrics[*place],
                OrderKey::Dimension(place) => dimensions[*place],
            };
            json!([name, if *descending { "desc" } else { "asc" }])
        })
        .collect();
    json!({
        "site_id": domain,
        "metrics": metrics,
        "date_range": [query.from, query.to],
        "dimensions": dimensions,
        "filters": [],
        "order_by": order,
        "include": {},
        "pagination": { "limit": query.limit, "offset": query.offset },
    })
}
