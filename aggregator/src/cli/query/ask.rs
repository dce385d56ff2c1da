//! Asking: the database, or a server.

use std::time::Duration;

use aggregator::api::{render, v2};
use aggregator::client;
use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use axum::http::Method;
use serde_json::{Map, Value};
use shared::clock::Clock;

use crate::cli::with_site;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the database here answers, as JSON or as CSV.
pub async fn database(
    data: &DataFolder,
    domain: &str,
    body: &Map<String, Value>,
    as_csv: bool,
) -> Result<String> {
    with_site(data, domain, async |store, site| {
        let (query, answer) = v2::find(store, site, body, SystemClock.now_ms()).await?;
        Ok(match as_csv {
            true => String::from_utf8_lossy(&render::csv_bytes(&query, &answer)).into_owned(),
            false => render::json(site, &query, &answer).to_string(),
        })
    })
    .await
}

/// What a server answers, as JSON or as CSV.
pub async fn server(
    server: &str,
    key: &str,
    body: &Map<String, Value>,
    as_csv: bool,
) -> Result<String> {
    let failed = |problem: String| Error::Invalid(format!("server: {server}: {problem}"));
    let format = if as_csv { "csv" } else { "json" };
    let url = format!(
        "{}/api/v2/query?format={format}",
        server.trim_end_matches('/')
    );
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?;
    let answer = client::ask(Method::POST, &url, &headers, body, PATIENCE)
        .await
        .map_err(failed)?;
    let status = answer.status;
    let text = String::from_utf8(answer.body);
    let text = text.map_err(|_| failed("its answer is no text".into()))?;
    if (200..300).contains(&status) {
        return Ok(text);
    }
    let told: Value = serde_json::from_str(&text).unwrap_or_default();
    Err(match told["error"].as_str() {
        Some(error) => Error::Refused(super::table::plain(error)),
        None => failed(format!("answered {status}")),
    })
}
