//! The dashboard: pages rendered here, without scripts; every state is a URL.
//! Who is let in to which is in `guard.rs`.

mod account;
mod chart;
mod dropped;
pub mod guard;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::accounts::Role;
use crate::country;
use crate::error::Error;
use crate::query::{self, Dimension, Goals, Metric, Query, Range};
use crate::serve::App;
use crate::site::Site;
use chart::Chart;
use dropped::DroppedLine;
use guard::{AtSite, Caller, Needs, Pages};
use view::{Panel, PanelKind, Period, count, number};

const CSS: &str = include_str!("../../assets/dayfly.css");
const ICON: &str = include_str!("../../assets/icon.svg");
/// The lists of a site's page.
const PANELS: [PanelKind; 8] = [
    PanelKind {
        title: "Pages",
        column: "Page",
        dimension: Dimension::Page,
        label: str::to_owned,
    },
    PanelKind {
        title: "Entry pages",
        column: "First page of the visit",
        dimension: Dimension::EntryPage,
        label: str::to_owned,
    },
    PanelKind {
        title: "Sources",
        column: "Source",
        dimension: Dimension::Source,
        label: str::to_owned,
    },
    PanelKind {
        title: "Channels",
        column: "Channel",
        dimension: Dimension::Channel,
        label: str::to_owned,
    },
    PanelKind {
        title: "Countries",
        column: "Country",
        dimension: Dimension::Country,
        label: country::name,
    },
    PanelKind {
        title: "Devices",
        column: "Device",
        dimension: Dimension::Device,
        label: view::known,
    },
    PanelKind {
        title: "Browsers",
        column: "Browser",
        dimension: Dimension::Browser,
        label: view::known,
    },
    PanelKind {
        title: "Operating systems",
        column: "System",
        dimension: Dimension::Os,
        label: view::known,
    },
];
/// Rows of a panel.
const PANEL_ROWS: usize = 10;

/// Every page, with what it needs.
pub fn pages(app: App) -> Pages {
    let pages = Pages::new(app)
        .get("/", Needs::Account, overview)
        .get("/sites/{domain}", Needs::Site(Role::Viewer), site)
        .get("/assets/dayfly.css", Needs::Nothing, || {
            asset("text/css", CSS)
        })
        .get("/assets/icon.svg", Needs::Nothing, || {
            asset("image/svg+xml", ICON)
        });
    account::add(pages)
}

/// The routes.
pub fn routes(app: App) -> Router<App> {
    pages(app).into_router()
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    country_attribution: Arc<str>,
    sites: Vec<SiteLine>,
    /// Sees every site, and may add some.
    is_admin: bool,
    edge_heard: bool,
}

struct SiteLine {
    domain: String,
    today: String,
}

#[derive(Template)]
#[template(path = "site.html")]
struct SitePage {
    country_attribution: Arc<str>,
    domain: String,
    /// Whether its reader may say who else reads it.
    is_owner: bool,
    timezone: String,
    periods: Vec<Period>,
    from: String,
    to: String,
    several_days: bool,
    visitors: String,
    views: String,
    degraded: bool,
    chart: Option<Chart>,
    panels: Vec<Panel>,
    dropped: Vec<DroppedLine>,
    empty: bool,
    ever_counted: bool,
    edge_heard: bool,
    snippet: String,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    title: &'static str,
    text: String,
}

#[derive(Deserialize)]
struct SiteParams {
    period: Option<String>,
}

async fn overview(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    let mut sites = Vec::new();
    let is_admin = caller.account.is_admin;
    let may_see = match is_admin {
        true => app.store.sites().await?,
        false => {
            let with_roles = app.store.sites_of(caller.account.id).await?;
            with_roles.into_iter().map(|(site, _)| site).collect()
        }
    };
    for site in may_see {
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
        is_admin,
        edge_heard: app.edge_heard_ms().is_some(),
    })
}

async fn site(
    State(app): State<App>,
    at: AtSite,
    params: Result<Params<SiteParams>, QueryRejection>,
) -> Result<Response, Failure> {
    let AtSite { site, role } = at;
    let period = match params {
        Ok(Params(params)) => params.period.unwrap_or_else(|| Period::DEFAULT.to_owned()),
        Err(_) => String::new(),
    };
    let period = period.as_str();
    if Period::name(period).is_none() {
        let text = "There is no such period. Choose one on the site's page.".to_owned();
        return message(StatusCode::BAD_REQUEST, "No such period", text);
    }
    let today = site.today(app.clock.now_ms());
    let oldest = app.store.oldest_day(site.id).await?;
    let (from, to) = view::days(period, today, oldest);
    // One state of the store: the panels agree with each other.
    let snapshot = &mut app.store.snapshot(site.id).await?;

    let goals = Goals::default();
    let answer = query::run(snapshot, &site, &goals, &total(from, to)).await?;
    let whole = |place| answer.rows.first().map_or(0, |row| row.whole(place));
    let (visitors, views) = (whole(0), whole(1));
    let by_day = total(from, to).by(Dimension::Day, view::DAYS_MAX);
    let chart = match from == to {
        true => None,
        false => {
            let days = query::run(snapshot, &site, &goals, &by_day).await?.rows;
            Chart::new(&days, from, to, today)
        }
    };
    let mut panels = Vec::new();
    for kind in PANELS {
        // One more than is shown tells whether there is more.
        let query = total(from, to).by(kind.dimension.clone(), PANEL_ROWS + 1);
        let rows = query::run(snapshot, &site, &goals, &query).await?.rows;
        panels.push(Panel::new(&kind, &rows, PANEL_ROWS));
    }
    let dropped = app.store.dropped(site.id, from, to).await?;
    page(&SitePage {
        country_attribution: app.country_attribution.clone(),
        periods: Period::all(period),
        from: from.to_string(),
        to: to.to_string(),
        several_days: from != to,
        visitors: number(visitors),
        views: number(views),
        degraded: answer.degraded,
        chart,
        panels,
        dropped: dropped::lines(&dropped),
        empty: visitors == 0 && views == 0,
        ever_counted: oldest.is_some(),
        edge_heard: app.edge_heard_ms().is_some(),
        snippet: snippet(&app, &site),
        timezone: site.timezone_name().to_owned(),
        is_owner: role >= Role::Owner,
        domain: site.domain,
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
    if accept.is_some_and(|accept| accept.contains("text/html")) {
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

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// Our own failure: logged here, told without detail.
    Store(Error),
    /// The same.
    Template(askama::Error),
    /// An answer that is made already.
    Answer(Box<Response>),
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
            Failure::Answer(answer) => return *answer,
        }
        let text = "This page could not be made. The server's log says why.";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}
