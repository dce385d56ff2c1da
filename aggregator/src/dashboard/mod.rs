//! The dashboard: pages rendered here, without scripts; every state is a URL.
//!
//! Until there are accounts it answers only requests for a loopback host name: whoever can reach
//! the machine's own loopback may read it, nobody else, also not through a proxy or a page that
//! points its own name at 127.0.0.1 (I11, test `dashboard_is_for_loopback_only`).

mod dropped;
mod site;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::error::Error;
use crate::query::{self, Goals, Metric, Query, Range};
use crate::serve::App;
use crate::site::Site;
use view::count;

const CSS: &str = include_str!("../../assets/dayfly.css");
const ICON: &str = include_str!("../../assets/icon.svg");
/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(overview))
        .route("/sites/{domain}", get(site::site))
        .route("/sites/{domain}/list/{list}", get(site::all))
        .route("/assets/dayfly.css", get(|| asset("text/css", CSS)))
        .route("/assets/icon.svg", get(|| asset("image/svg+xml", ICON)))
        .route_layer(middleware::from_fn(loopback_only))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    country_attribution: Arc<str>,
    sites: Vec<SiteLine>,
    edge_heard: bool,
}

struct SiteLine {
    domain: String,
    today: String,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    title: &'static str,
    text: String,
}

async fn overview(State(app): State<App>) -> Result<Response, Failure> {
    let mut sites = Vec::new();
    for site in app.store.sites().await? {
        let today = site.today(app.clock.now_ms());
        let query = total(today, today);
        let snapshot = &mut app.store.snapshot(site.id).await?;
        let answer = query::run(snapshot, &site, &Goals::default(), &query).await?;
        let whole = |place| answer.rows.first().map_or(0, |row| row.whole(place));
        let (visitors, views) = (whole(0), whole(1));
        sites.push(SiteLine {
            domain: site.domain,
            today: format!(
                "{} and {} today",
                count(visitors, "visitor"),
                count(views, "page view")
            ),
        });
    }
    page(&OverviewPage {
        country_attribution: app.country_attribution.clone(),
        sites,
        edge_heard: app.edge_heard_ms().is_some(),
    })
}

fn total(from: jiff::civil::Date, to: jiff::civil::Date) -> Query {
    let metrics = [Metric::Visitors, Metric::Pageviews];
    Query::total(&metrics, Range::days(from, to))
}

/// The answer where no route fits: a page for a browser, JSON for a program.
pub async fn not_found(headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let local = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if local.is_some_and(is_loopback) && accept.is_some_and(|accept| accept.contains("text/html")) {
        let text = "There is nothing at this address.".to_owned();
        return message(StatusCode::NOT_FOUND, "Nothing here", text)
            .unwrap_or_else(IntoResponse::into_response);
    }
    let error = axum::Json(serde_json::json!({ "error": "there is nothing here" }));
    (StatusCode::NOT_FOUND, error).into_response()
}

/// What goes into a site's pages.
fn snippet(app: &App, site: &Site) -> String {
    let local = match site.domain.starts_with("localhost") {
        true => " data-local",
        false => "",
    };
    format!(
        r#"<script defer data-domain="{}"{local} src="{}/js/script.js"></script>"#,
        site.domain, app.edge_url
    )
}

async fn loopback_only(headers: HeaderMap, request: Request, next: Next) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if host.is_some_and(is_loopback) {
        return next.run(request).await;
    }
    let text = "The dashboard has no accounts yet, so it answers only on this machine's own \
        loopback address. From elsewhere, use an SSH tunnel: ssh -L 8000:127.0.0.1:8000 <machine>"
        .to_owned();
    message(StatusCode::FORBIDDEN, "Only on this machine", text)
        .unwrap_or_else(IntoResponse::into_response)
}

/// Whether a Host header names the loopback interface.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

async fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}

fn page(template: &impl Template) -> Result<Response, Failure> {
    let html = template.render().map_err(Failure::Template)?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response())
}

fn message(status: StatusCode, title: &'static str, text: String) -> Result<Response, Failure> {
    Ok((status, page(&MessagePage { title, text })?).into_response())
}

/// Our own failure: logged here, told without detail.
enum Failure {
    Store(Error),
    Template(askama::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Store(error) => tracing::error!("page failed: {error}"),
            Failure::Template(error) => tracing::error!("page failed: {error}"),
        }
        let text = "This page could not be made. The server's log says why.";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}
