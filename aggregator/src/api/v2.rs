//! `POST /api/v2/query` (COMPAT.md, section 3).

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::clock::UnixMs;

use super::openapi::schemas::named;
use super::operation::{self, Group, Operation, Param};
use super::render::{self, Form};
use super::{Refusal, authorise, read_body};
use crate::error::Error;
use crate::query::{self, Answer, Parsed, Query};
use crate::serve::App;
use crate::site::Site;
use crate::store::{Scope, Store};

/// The operation of this file, for routes and document.
pub fn operations() -> Vec<Operation> {
    let format = Param::of(
        "format",
        "What the answer is told in. The Accept header says it otherwise.",
        json!({ "type": "string", "enum": ["json", "csv"], "default": "json" }),
    );
    let example = json!({
        "site_id": "example.com",
        "metrics": ["visitors", "pageviews"],
        "date_range": "day",
        "dimensions": ["visit:source"],
        "filters": [["is_not", "visit:country", ["US"]]],
        "order_by": [["visitors", "desc"]],
        "include": { "total_rows": true },
        "pagination": { "limit": 10 },
    });
    vec![Operation {
        method: "post",
        path: "/api/v2/query",
        id: "query",
        group: Group::Query,
        summary: "Ask any question",
        about: "Each number is exact, or the answer says `estimated` and gives bounds: `bounds` of a result are in the order of the metrics, `null` where exact. Visitors of several days are the sum of daily visitors. The `query` that is echoed can be posted again.",
        scope: Scope::Stats,
        in_path: Vec::new(),
        in_query: vec![format],
        body: Some(operation::Body {
            schema: named("Query"),
            example,
        }),
        answer: operation::Answer::JsonOrCsv(named("QueryAnswer")),
        route: post(answer),
    }]
}

#[derive(Deserialize)]
struct Options {
    /// `json` or `csv`; the Accept header says it otherwise.
    format: Option<String>,
}

async fn answer(
    State(app): State<App>,
    options: Result<Params<Options>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let access = authorise(&app, &headers, Scope::Stats).await?;
    let Ok(Params(options)) = options else {
        return Err(Refusal::Invalid("format: give it once".into()));
    };
    let form = Form::of(options.format.as_deref(), &headers)?;
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
    let (query, answer) = find(&app.store, &site, &body, app.clock.now_ms()).await?;
    Ok(match form {
        Form::Json => Json(render::json(&site, &query, &answer)).into_response(),
        Form::Csv => render::csv(&query, &answer),
    })
}

/// What a query of this API finds.
///
/// # Errors
/// It is none, or cannot be answered ([`Error::Refused`] says why), or the database failed.
pub async fn find(
    store: &Store,
    site: &Site,
    body: &Map<String, Value>,
    now_ms: UnixMs,
) -> Result<(Query, Answer), Error> {
    let goals = store.named_goals(site.id).await?;
    // Those of the site: what is somebody's own is nobody's key's.
    let segments = store.saved_segments(site.id, None).await?;
    let about = Parsed {
        site,
        goals: &goals,
        segments: &segments,
        now_ms,
        oldest: store.oldest_day(site.id).await?,
    };
    let query =
        query::parse(body, &about).map_err(|invalid| Error::Refused(invalid.to_string()))?;
    let mut snapshot = store.snapshot(site.id).await?;
    let answer = query::run(&mut snapshot, site, &goals, &query).await?;
    Ok((query, answer))
}
