//! A site's page and its lists.

mod asked;
mod funnels;
mod graph;
mod heads;
mod list;
mod map;
pub(crate) mod numbers;
pub(crate) mod panels;
mod properties;
pub(super) mod segments;
mod state;
#[cfg(test)]
mod tests;
pub mod viewer;

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::dropped::{self, DroppedLine};
use super::guard::{AtSite, Caller};
use super::settings::{self, snippet};
use super::{Failure, packed_page};
use crate::error::{Error, Result};
use crate::query::{Answer, Metric};
use crate::serve::App;
use crate::site::Site;
use crate::store::Snapshot;
use asked::{Asked, Chip, called, dates};
use funnels::FunnelPanel;
use graph::{Graph, graph};
use heads::{Headline, Heads, heads};
pub use list::{all, show_all};
use map::Shape;
use panels::{PANELS, Panel, Tab, Tabs};
use segments::SegmentMenu;
use state::{COMPARE, Compare, DEFAULT_PERIOD, OPS, PERIODS, State};
use viewer::Viewer;

/// A choice: its name, where it leads, whether it is chosen, the key that chooses it.
pub struct Choice {
    name: String,
    link: String,
    chosen: bool,
    key: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "site.html")]
struct SitePage {
    country_attribution: Arc<str>,
    domain: String,
    /// What its reader has of an account.
    reader: Reader,
    timezone: String,
    periods: Vec<Choice>,
    compares: Vec<Choice>,
    compared: Option<String>,
    from: String,
    to: String,
    several_days: bool,
    is_custom: bool,
    chips: Vec<Chip>,
    cleared: String,
    /// Saved ones; guests have none.
    segments: Option<SegmentMenu>,
    dimensions: Vec<(String, String)>,
    ops: [(&'static str, &'static str); 3],
    /// The state, for forms to send along.
    pairs: Vec<(String, String)>,
    /// The same but for the dates.
    pairs_but_dates: Vec<(String, String)>,
    headlines: Vec<Headline>,
    degraded: bool,
    partial: bool,
    graph: Option<Graph>,
    graph_refused: Option<String>,
    panels: Vec<Panel>,
    funnels: Vec<FunnelPanel>,
    /// Who is there now.
    live: String,
    /// Where a script asks that again.
    live_at: String,
    /// Whether the period is not over yet.
    lasts: bool,
    dropped: Vec<DroppedLine>,
    empty: bool,
    ever_counted: bool,
    edge_heard: bool,
    snippet: String,
}

/// What a page's reader may do and is told.
struct Reader {
    /// Has an account.
    is_member: bool,
    /// Where its reader may decide something; empty when nowhere.
    settings: String,
    /// Nothing is told of fewer visitors than this; then there are no filters either.
    k: Option<u32>,
    /// The page is part of another one.
    embed: bool,
    /// Light or dark, whatever the browser prefers.
    theme: &'static str,
}

impl Reader {
    fn of(asked: &Asked) -> Self {
        let viewer = &asked.viewer;
        Self {
            is_member: viewer.role.is_some(),
            settings: viewer
                .role
                .and_then(|role| settings::first(&asked.site, role))
                .unwrap_or_default(),
            k: viewer.k(),
            embed: asked.state.embed,
            theme: asked.state.theme.unwrap_or_default(),
        }
    }
}

/// `GET /sites/{domain}`.
pub async fn site(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    RawQuery(params): RawQuery,
    headers: HeaderMap,
) -> std::result::Result<Response, Failure> {
    let (viewer, site) = (Viewer::of(&caller, &at), at.site);
    show(&app, site, viewer, params.as_deref(), &headers).await
}

/// A site's page, for whoever looks.
pub async fn show(
    app: &App,
    site: Site,
    viewer: Viewer,
    params: Option<&str>,
    headers: &HeaderMap,
) -> std::result::Result<Response, Failure> {
    let asked = match Asked::read(app, site, viewer, params).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let (state, range) = (&asked.state, asked.range);
    // One state of the store: the panels agree with each other.
    let snapshot = &mut app.store.snapshot(asked.site.id).await?;
    let Heads {
        headlines,
        degraded,
        partial,
        empty,
    } = heads(&asked, snapshot).await?;
    let (graph, graph_refused) = graph(&asked, snapshot).await?;
    let keys = match empty {
        true => Vec::new(),
        false => properties::keys(app, &asked, snapshot).await?,
    };
    let of_keys: Vec<Tab> = keys.iter().map(|key| properties::tab(key)).collect();
    let mut panels = Vec::with_capacity(PANELS.len() + 1);
    for kind in PANELS.iter().chain([&properties::kind(&of_keys)]) {
        let Some(tab) = kind.tab(state, &asked.viewer) else {
            continue;
        };
        let answer = list(&asked, snapshot, tab).await;
        panels.push(panels::panel(kind, tab, &asked, answer)?);
    }
    drop_empty(&mut panels, &asked);
    let funnels = match asked.viewer.threshold {
        None => app.store.funnels(asked.site.id).await?,
        Some(_) => Vec::new(),
    };
    let funnels = funnels::panels(&asked, snapshot, &funnels).await?;
    let live = app.store.live(&asked.site, app.clock.now_ms()).await?;
    let dropped = app
        .store
        .dropped(asked.site.id, range.from, range.to)
        .await?;
    let dropped = match !state.is_filtered() && asked.viewer.role.is_some() {
        true => dropped::lines(&dropped),
        // They are not told by anything.
        false => Vec::new(),
    };
    let compared = state.compared(&range);
    let shown = SitePage {
        country_attribution: app.country_attribution.clone(),
        periods: periods(state, &asked.viewer),
        compares: compares(state),
        compared: compared.map(|range| dates(&range)),
        from: range.from.to_string(),
        to: range.to.to_string(),
        several_days: range.from != range.to,
        is_custom: state.period == "custom",
        chips: asked.chips(),
        cleared: state.unfiltered().url(),
        segments: segments::menu(&asked),
        dimensions: dimensions(&of_keys),
        ops: OPS,
        pairs: state.pairs(),
        pairs_but_dates: but_dates(state),
        headlines,
        // Such days are not told under a threshold.
        degraded: degraded && asked.viewer.threshold.is_none(),
        partial,
        graph,
        graph_refused,
        panels,
        funnels,
        live: asked.viewer.live(live.visitors),
        // Guests are told it once.
        live_at: match asked.viewer.role {
            Some(_) => format!("{}/live", asked.viewer.base),
            None => String::new(),
        },
        lasts: range.to >= asked.today,
        dropped,
        empty,
        ever_counted: asked.oldest.is_some(),
        edge_heard: app.edge_heard_ms().is_some(),
        snippet: snippet::line(app, &asked.site, &snippet::Options::default()),
        reader: Reader::of(&asked),
        timezone: asked.site.timezone_name().to_owned(),
        domain: asked.site.domain.clone(),
    };
    packed_page(&shown, headers)
}

/// `GET /sites/{domain}/live`: what a page that is looked at asks again and again.
pub async fn live(
    Shared(app): Shared<App>,
    AtSite { site, .. }: AtSite,
) -> std::result::Result<Response, Failure> {
    let live = app.store.live(&site, app.clock.now_ms()).await?;
    let counted = app.store.oldest_day(site.id).await?.is_some();
    let body = Json(json!({ "now": live.visitors, "counted": counted }));
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, body).into_response())
}

/// Campaigns that nobody ran and events that never came take no room.
fn drop_empty(panels: &mut Vec<Panel>, asked: &Asked) {
    panels.retain(|panel| {
        let only_none = panel.lines.iter().all(|line| line.label == "None");
        let chosen = asked.state.tabs.contains_key(panel.key);
        match panel.key {
            "campaigns" => chosen || !only_none || panel.refused.is_some(),
            "events" => chosen || !asked.goals.all().is_empty() || !panel.lines.is_empty(),
            _ => true,
        }
    });
}

fn but_dates(state: &State) -> Vec<(String, String)> {
    let pairs = state
        .with(|state| state.period = "day".to_owned())
        .pairs()
        .into_iter();
    pairs
        .filter(|(key, _)| key != "from" && key != "to")
        .collect()
}

fn periods(state: &State, viewer: &Viewer) -> Vec<Choice> {
    let choice = |(period, name, key): (&str, &str, &'static str)| Choice {
        name: name.to_owned(),
        link: state
            .with(|state| period.clone_into(&mut state.period))
            .url(),
        chosen: state.period == period,
        key: Some(key),
    };
    // Under a threshold today is told when it is over.
    let is_told = |key: &str| viewer.threshold.is_none() || key != DEFAULT_PERIOD;
    let told = PERIODS.into_iter().filter(|(key, ..)| is_told(key));
    told.map(choice).collect()
}

fn compares(state: &State) -> Vec<Choice> {
    // One key compares, and ends comparing.
    let by_key = match state.compare() {
        Compare::Off => Compare::Previous,
        _ => Compare::Off,
    };
    let choice = |(_, name, compare): (&str, &str, Compare)| Choice {
        name: name.to_owned(),
        link: state.with(|state| state.compare = Some(compare)).url(),
        chosen: state.compare() == compare,
        key: (compare == by_key).then_some("X"),
    };
    COMPARE.into_iter().map(choice).collect()
}

/// What the form filters by, beside the properties of a range: name in the API, name for people.
fn dimensions(properties: &[Tab]) -> Vec<(String, String)> {
    let tabs = PANELS.iter().flat_map(|panel| panel.tabs.iter());
    let tabs = tabs.filter(|tab| !tab.is_map).chain(properties);
    let named = tabs.map(|tab| {
        let dimension = tab.dimension();
        (dimension.name().into_owned(), called(&dimension))
    });
    named.collect()
}

/// A list with its metrics: all that can be told of it, but visitors at least.
async fn list(
    asked: &Asked,
    snapshot: &mut Snapshot,
    tab: &Tab<'_>,
) -> (Vec<Metric>, Result<Answer>) {
    let mut metrics = vec![Metric::Visitors];
    metrics.extend(tab.beside(&asked.state, &asked.viewer));
    loop {
        let query = asked.query(&metrics).by(tab.dimension(), tab.rows());
        match asked.run(snapshot, &query).await {
            Err(Error::Refused(_)) if metrics.len() > 1 => metrics.truncate(metrics.len() - 1),
            answer => return (metrics, answer),
        }
    }
}
