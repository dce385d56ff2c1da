//! `POST /api/v2/query` (COMPAT.md, section 3).

use axum::Router;
use axum::body::Body;
use axum::extract::{Query as Params, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::render::{self, Form};
use super::{Refusal, authorise, read_body};
use crate::query::{self, Parsed};
use crate::serve::App;
use crate::store::Scope;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/api/v2/query", post(answer))
}

#[derive(Deserialize)]
struct Options {
    /// `json` or `csv`; the Accept header says it otherwise.
    format: Option<String>,
}

async fn answer(
    State(app): State<App>,
    Params(options): Params<Options>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let access = authorise(&app, &headers, Scope::Stats).await?;
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
    let goals = app.store.named_goals(site.id).await?;
    let about = Parsed {
        site: &site,
        goals: &goals,
        now_ms: app.clock.now_ms(),
        oldest: app.store.oldest_day(site.id).await?,
    };
    let query =
        query::parse(&body, &about).map_err(|invalid| Refusal::Invalid(invalid.to_string()))?;
    let mut snapshot = app.store.snapshot(site.id).await?;
    let answer = query::run(&mut snapshot, &site, &goals, &query).await?;
    Ok(match form {
        Form::Json => render::json(&site, &query, &answer),
        Form::Csv => render::csv(&query, &answer),
    })
}
