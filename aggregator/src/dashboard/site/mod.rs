//! A site's page and its lists.

mod funnels;
mod graph;
pub(crate) mod numbers;
pub(crate) mod panels;
mod state;
pub mod viewer;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::dropped::{self, DroppedLine};
use super::guard::AtSite;
use super::settings::{self, snippet};
use super::{Failure, message, page};
use crate::error::{Error, Result};
use crate::query::{
    self, Answer, Cell, Dimension, Filter, Goals, Include, Leaf, Metric, Op, Query, Range,
};
use crate::serve::App;
use crate::site::Site;
use crate::store::Snapshot;
use funnels::FunnelPanel;
use graph::{Graph, Point};
use panels::{PANELS, Panel, PanelKind, Tab};
use state::{COMPARE, Compare, DEFAULT_PERIOD, GUESTS_PERIOD, OPS, PERIODS, State};
use viewer::Viewer;

/// Rows of a panel.
const PANEL_ROWS: usize = 10;
/// Rows of a page of a list.
const LIST_ROWS: usize = 100;
/// Rows of a list as comma-separated values.
const CSV_ROWS: usize = 10_000;

/// A choice: its name, where it leads, whether it is chosen.
pub struct Choice {
    name: String,
    link: String,
    chosen: bool,
}

/// A filter that is set.
struct Chip {
    text: String,
    /// The page without it.
    link: String,
}

/// A number at the head of the page.
struct Headline {
    key: &'static str,
    name: &'static str,
    value: String,
    bounds: Option<String>,
    /// The change and whether it is for the better; what it was.
    change: Option<(String, &'static str, String)>,
    /// Shows it in the graph.
    link: String,
    chosen: bool,
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

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    country_attribution: Arc<str>,
    domain: String,
    reader: Reader,
    title: String,
    column: &'static str,
    back: String,
    csv: String,
    chips: Vec<Chip>,
    range: String,
    search: String,
    pairs: Vec<(String, String)>,
    columns: Vec<&'static str>,
    rows: Vec<ListRow>,
    total: String,
    before: Option<String>,
    after: Option<String>,
    refused: Option<String>,
}

struct ListRow {
    label: String,
    /// Where it is filtered by, if it can be.
    link: Option<String>,
    cells: Vec<(String, Option<String>)>,
}

/// What a request is about.
struct Asked {
    viewer: Viewer,
    site: Site,
    goals: Goals,
    state: State,
    range: Range,
    today: jiff::civil::Date,
    oldest: Option<jiff::civil::Date>,
}

impl Asked {
    /// Reads the state, or gives the page that says what is wrong.
    async fn read(
        app: &App,
        site: Site,
        viewer: Viewer,
        query: Option<&str>,
    ) -> std::result::Result<std::result::Result<Self, Response>, Failure> {
        let names: Vec<&str> = PANELS.iter().map(|panel| panel.key).collect();
        let mut state = match State::parse(query.unwrap_or_default(), &names) {
            Ok(state) => state,
            Err(problem) => {
                let title = match problem.contains("period") {
                    true => "No such period",
                    false => "No such view",
                };
                return message(StatusCode::BAD_REQUEST, title, problem.to_owned()).map(Err);
            }
        };
        let today = site.today(app.clock.now_ms());
        let mut last = today;
        if let Some(k) = viewer.k() {
            if !state.filters.is_empty() || !state.search.is_empty() {
                let text = format!(
                    "There are no filters here: this view tells nothing of fewer than {k} visitors, and filters could single them out."
                );
                return message(StatusCode::BAD_REQUEST, "No filters here", text).map(Err);
            }
            // Days that are over.
            last = today.yesterday().unwrap_or(today);
            if state.period == DEFAULT_PERIOD {
                GUESTS_PERIOD.clone_into(&mut state.period);
            }
        }
        if !viewer.may_embed {
            (state.embed, state.theme) = (false, None);
        }
        let oldest = app.store.oldest_day(site.id).await?;
        let (from, to) = state.days(today, last, oldest);
        let goals = app.store.named_goals(site.id).await?;
        Ok(Ok(Self {
            range: Range::days(from, to),
            viewer,
            site,
            goals,
            state,
            today,
            oldest,
        }))
    }

    /// The question that all of the page's are made of.
    fn query(&self, metrics: &[Metric]) -> Query {
        Query {
            filter: self.state.filter(),
            threshold: self.viewer.threshold,
            ..Query::total(metrics, self.range)
        }
    }

    async fn run(&self, snapshot: &mut Snapshot, query: &Query) -> Result<Answer> {
        query::run(snapshot, &self.site, &self.goals, query).await
    }

    fn chips(&self) -> Vec<Chip> {
        let terms = self.state.filters.iter().enumerate();
        let chip = |(at, term): (usize, &state::Term)| {
            let op = OPS.iter().find(|(known, _)| *known == term.op);
            Chip {
                text: format!(
                    "{} {} {}",
                    called(&term.dimension),
                    op.map_or("", |(_, words)| words),
                    shown(&term.dimension, &term.value)
                ),
                link: self
                    .state
                    .with(|state| {
                        state.filters.remove(at);
                    })
                    .url(),
            }
        };
        terms.map(chip).collect()
    }
}

/// What a dimension is called in a sentence.
fn called(dimension: &Dimension) -> String {
    let all = PANELS.iter().flat_map(|panel| panel.tabs.iter());
    match dimension {
        Dimension::Prop(key) => format!("Property {key}"),
        one => {
            let found = all.into_iter().find(|tab| (tab.dimension)() == *one);
            found.map_or_else(|| one.short_name(), |tab| tab.column.to_owned())
        }
    }
}

fn shown(dimension: &Dimension, value: &str) -> String {
    match dimension {
        Dimension::Country => crate::country::name(value),
        _ => value.to_owned(),
    }
}

/// `GET /sites/{domain}`.
pub async fn site(
    Shared(app): Shared<App>,
    AtSite { site, role }: AtSite,
    RawQuery(params): RawQuery,
) -> std::result::Result<Response, Failure> {
    let viewer = Viewer::member(&site, role);
    show(&app, site, viewer, params.as_deref()).await
}

/// A site's page, for whoever looks.
pub async fn show(
    app: &App,
    site: Site,
    viewer: Viewer,
    params: Option<&str>,
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
    let mut panels = Vec::with_capacity(PANELS.len());
    for kind in &PANELS {
        let Some(tab) = kind.tab(state, &asked.viewer) else {
            continue;
        };
        let answer = list(&asked, snapshot, tab, PANEL_ROWS + 1).await;
        let panel = panels::panel(kind, tab, state, &asked.viewer, answer, PANEL_ROWS)?;
        panels.push(panel);
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
    let dropped = match state.filters.is_empty() && asked.viewer.role.is_some() {
        true => dropped::lines(&dropped),
        // They are not told by anything.
        false => Vec::new(),
    };
    let compared = state.compared(&range);
    page(&SitePage {
        country_attribution: app.country_attribution.clone(),
        periods: periods(state, &asked.viewer),
        compares: compares(state),
        compared: compared.map(|range| dates(&range)),
        from: range.from.to_string(),
        to: range.to.to_string(),
        several_days: range.from != range.to,
        is_custom: state.period == "custom",
        chips: asked.chips(),
        cleared: state.with(|state| state.filters.clear()).url(),
        dimensions: dimensions(),
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
        dropped,
        empty,
        ever_counted: asked.oldest.is_some(),
        edge_heard: app.edge_heard_ms().is_some(),
        snippet: snippet::line(app, &asked.site, &snippet::Options::default()),
        reader: Reader::of(&asked),
        timezone: asked.site.timezone_name().to_owned(),
        domain: asked.site.domain.clone(),
    })
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
    let choice = |(key, name): (&str, &str)| Choice {
        name: name.to_owned(),
        link: state.with(|state| key.clone_into(&mut state.period)).url(),
        chosen: state.period == key,
    };
    // Under a threshold today is told when it is over.
    let is_told = |key: &str| viewer.threshold.is_none() || key != DEFAULT_PERIOD;
    let told = PERIODS.into_iter().filter(|(key, _)| is_told(key));
    told.map(choice).collect()
}

fn compares(state: &State) -> Vec<Choice> {
    let choice = |(_, name, compare): (&str, &str, Compare)| Choice {
        name: name.to_owned(),
        link: state.with(|state| state.compare = Some(compare)).url(),
        chosen: state.compare() == compare,
    };
    COMPARE.into_iter().map(choice).collect()
}

/// What the form filters by: name in the API, name for people.
fn dimensions() -> Vec<(String, String)> {
    let tabs = PANELS.iter().flat_map(|panel| panel.tabs.iter());
    let named = tabs.map(|tab| {
        let dimension = (tab.dimension)();
        (dimension.name().into_owned(), called(&dimension))
    });
    named.collect()
}

fn dates(range: &Range) -> String {
    match range.from == range.to {
        true => range.from.to_string(),
        false => format!("{} to {}", range.from, range.to),
    }
}

struct Heads {
    headlines: Vec<Headline>,
    degraded: bool,
    partial: bool,
    empty: bool,
}

/// The numbers at the head: which there are depends on what is filtered.
async fn heads(asked: &Asked, snapshot: &mut Snapshot) -> Result<Heads> {
    let state = &asked.state;
    let has = |dimension: &Dimension| {
        state
            .filters
            .iter()
            .any(|term| term.dimension == *dimension)
    };
    let metrics: &[Metric] = if has(&Dimension::Goal) {
        &[
            Metric::Visitors,
            Metric::Events,
            Metric::ConversionRate,
            Metric::TotalRevenue,
            Metric::AverageRevenue,
        ]
    } else if has(&Dimension::Page) {
        &[
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::BounceRate,
            Metric::TimeOnPage,
            Metric::ScrollDepth,
        ]
    } else {
        &[
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::ViewsPerVisit,
            Metric::BounceRate,
            Metric::VisitDuration,
        ]
    };
    let query = Query {
        compare: state.compared(&asked.range),
        ..asked.query(metrics)
    };
    let mut answers: Vec<(Metric, Option<Answer>, usize)> = Vec::new();
    match asked.run(snapshot, &query).await {
        Ok(answer) => {
            let all = metrics.iter().enumerate();
            answers.extend(all.map(|(at, metric)| (*metric, Some(answer.clone()), at)));
        }
        Err(Error::Refused(_)) => {
            // Each that can be told is.
            for metric in metrics {
                let query = Query {
                    metrics: vec![*metric],
                    ..query.clone()
                };
                match asked.run(snapshot, &query).await {
                    Ok(answer) => answers.push((*metric, Some(answer), 0)),
                    Err(Error::Refused(_)) => answers.push((*metric, None, 0)),
                    Err(other) => return Err(other),
                }
            }
        }
        Err(other) => return Err(other),
    }
    let several = asked.range.from != asked.range.to;
    let is_of_money =
        |metric: &Metric| matches!(metric, Metric::TotalRevenue | Metric::AverageRevenue);
    let shown = |(metric, answer, at): &(Metric, Option<Answer>, usize)| {
        let row = answer.as_ref().and_then(|answer| answer.rows.first());
        let cell = row.and_then(|row| row.metrics.get(*at));
        // Revenue that never was is not told.
        let is_told = cell.is_some_and(|cell| cell.value != query::Value::None);
        if is_of_money(metric) && !is_told {
            return None;
        }
        let compared = row.and_then(|row| row.compared.as_ref());
        let change = compared.and_then(|compared| {
            let (change, kind) = numbers::change(*metric, compared.change.get(*at).copied()??);
            let before = numbers::cell(*metric, compared.metrics.get(*at)?);
            Some((change, kind, before))
        });
        let chosen = state.metric.unwrap_or(Metric::Visitors) == *metric;
        Some(Headline {
            key: metric.name(),
            name: numbers::name(*metric, several),
            value: cell.map_or_else(|| "–".to_owned(), |cell| numbers::cell(*metric, cell)),
            bounds: cell.and_then(|cell| numbers::bounds(*metric, cell)),
            change,
            link: state.with(|state| state.metric = Some(*metric)).url(),
            chosen,
        })
    };
    let first = |metric: Metric| {
        let found = answers.iter().find(|(known, ..)| *known == metric);
        let row = found.and_then(|(_, answer, at)| {
            let row = answer.as_ref()?.rows.first()?;
            Some(row.metrics.get(*at)?.value.number() > 0.0)
        });
        row.unwrap_or(false)
    };
    let counted = [Metric::Visitors, Metric::Pageviews, Metric::Events].map(first);
    let answered = || answers.iter().filter_map(|(_, answer, _)| answer.as_ref());
    Ok(Heads {
        headlines: answers.iter().filter_map(shown).collect(),
        degraded: answered().any(|answer| answer.degraded),
        partial: answered().any(|answer| !answer.partial.is_empty()),
        empty: counted == [false; 3],
    })
}

/// The graph, or why there is none.
async fn graph(asked: &Asked, snapshot: &mut Snapshot) -> Result<(Option<Graph>, Option<String>)> {
    let metric = asked.state.metric.unwrap_or(Metric::Visitors);
    let (dimension, unit) = graph::unit(&asked.range);
    let query = Query {
        compare: asked.state.compared(&asked.range),
        include: Include {
            time_labels: true,
            ..Include::default()
        },
        ..asked
            .query(&[metric])
            .by(dimension, query::LIMIT_MAX as usize)
    };
    let answer = match asked.run(snapshot, &query).await {
        Ok(answer) => answer,
        Err(Error::Refused(why)) => return Ok((None, Some(why))),
        Err(other) => return Err(other),
    };
    // Empty spans have no row.
    let mut rows = answer.rows.into_iter().peekable();
    let last = asked.range.to >= asked.today;
    let spans = answer.time_labels.len();
    // What is not told is not nothing.
    let nothing = || match asked.viewer.threshold {
        None => Cell::exact(query::Value::Whole(0)),
        Some(_) => Cell::exact(query::Value::None),
    };
    let points = answer
        .time_labels
        .into_iter()
        .enumerate()
        .map(|(at, label)| {
            let row = rows.next_if(|row| row.dimensions.first() == Some(&label));
            let before = row.as_ref().and_then(|row| row.compared.as_ref());
            let before = before.and_then(|compared| compared.metrics.first().cloned());
            Point {
                cell: row
                    .and_then(|row| row.metrics.into_iter().next())
                    .unwrap_or_else(nothing),
                before: query.compare.map(|_| before.unwrap_or_else(nothing)),
                partial: last && at + 1 == spans && unit != "hour",
                label: match unit {
                    // The date is told above.
                    "hour" => label.get(11..16).unwrap_or(&label).to_owned(),
                    _ => label,
                },
            }
        });
    Ok((Graph::new(metric, unit, points.collect()), None))
}

/// A list; without its second number where that cannot be told.
async fn list(asked: &Asked, snapshot: &mut Snapshot, tab: &Tab, rows: usize) -> Result<Answer> {
    let of = asked.query(&[Metric::Visitors]);
    let query = panels::query(&of, tab, &asked.state, &asked.viewer, rows);
    match asked.run(snapshot, &query).await {
        Err(Error::Refused(_)) => {
            let only = Query {
                metrics: vec![Metric::Visitors],
                ..asked.query(&[Metric::Visitors]).by((tab.dimension)(), rows)
            };
            asked.run(snapshot, &only).await
        }
        answer => answer,
    }
}

/// `GET /sites/{domain}/list/{list}`: all of a panel, with search and pages; with `.csv` behind
/// its name as comma-separated values.
pub async fn all(
    Shared(app): Shared<App>,
    AtSite { site, role }: AtSite,
    Path((_, name)): Path<(String, String)>,
    RawQuery(params): RawQuery,
) -> std::result::Result<Response, Failure> {
    let viewer = Viewer::member(&site, role);
    show_all(&app, site, viewer, &name, params.as_deref()).await
}

/// All of a panel, for whoever looks.
pub async fn show_all(
    app: &App,
    site: Site,
    viewer: Viewer,
    name: &str,
    params: Option<&str>,
) -> std::result::Result<Response, Failure> {
    let (key, is_csv) = match name.strip_suffix(".csv") {
        Some(key) => (key, true),
        None => (name, false),
    };
    let Some((kind, tab)) = panels::tab_of(key, &viewer) else {
        let text = "There is no such list. Choose one on the site's page.".to_owned();
        return message(StatusCode::NOT_FOUND, "No such list", text);
    };
    let asked = match Asked::read(app, site, viewer, params).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let snapshot = &mut app.store.snapshot(asked.site.id).await?;
    let (query, answer) = whole_list(&asked, snapshot, tab, is_csv).await?;
    if is_csv && let Some(answer) = &answer {
        return Ok(crate::api::csv(&query, answer));
    }
    list_page(app, &asked, (kind, tab), &query, answer)
}

/// All that can be told of a list's lines: the question with the most metrics that is answered.
async fn whole_list(
    asked: &Asked,
    snapshot: &mut Snapshot,
    tab: &Tab,
    is_csv: bool,
) -> Result<(Query, Option<Answer>)> {
    let state = &asked.state;
    let (limit, offset) = match is_csv {
        true => (CSV_ROWS, 0),
        false => (LIST_ROWS, (state.page - 1) * LIST_ROWS),
    };
    let sets: [&[Metric]; 4] = [
        &[
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::BounceRate,
            Metric::VisitDuration,
        ],
        &[Metric::Visitors, Metric::Events, Metric::ConversionRate],
        &[Metric::Visitors, tab.second(state, &asked.viewer)],
        &[Metric::Visitors],
    ];
    let mut filter = state.filter();
    if !state.search.trim().is_empty() {
        let clauses = vec![state.search.trim().to_owned()];
        let leaf = Leaf::new((tab.dimension)(), (Op::Contains, false), clauses, false);
        if let Ok(leaf) = leaf {
            filter = filter.and(Filter::Leaf(leaf));
        }
    }
    let mut last = asked.query(&[Metric::Visitors]);
    for metrics in sets {
        last = Query {
            filter: filter.clone(),
            offset,
            include: Include {
                total_rows: true,
                ..Include::default()
            },
            ..asked.query(metrics).by((tab.dimension)(), limit)
        };
        match asked.run(snapshot, &last).await {
            Ok(answer) => return Ok((last, Some(answer))),
            Err(Error::Refused(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok((last, None))
}

fn list_page(
    app: &App,
    asked: &Asked,
    (kind, tab): (&PanelKind, &Tab),
    query: &Query,
    answer: Option<Answer>,
) -> std::result::Result<Response, Failure> {
    let (state, domain, base) = (&asked.state, &asked.site.domain, &asked.viewer.base);
    let several = asked.range.from != asked.range.to;
    let refused = answer.is_none().then(|| {
        "These filters and this list are counted apart: both at once would need to know what each visitor did, which is not kept.".to_owned()
    });
    let total = answer.as_ref().map_or(0, |answer| answer.total_rows);
    let dimension = (tab.dimension)();
    let rows = answer.into_iter().flat_map(|answer| answer.rows);
    let rows = rows.map(|row| {
        let value = row.dimensions.first().map_or("", String::as_str);
        let cells = query.metrics.iter().zip(&row.metrics);
        let told = |(metric, cell): (&Metric, &Cell)| {
            (numbers::cell(*metric, cell), numbers::bounds(*metric, cell))
        };
        ListRow {
            label: (tab.label)(value),
            link: asked
                .viewer
                .threshold
                .is_none()
                .then(|| format!("{base}{}", state.and("is", &dimension, value).url())),
            cells: cells.map(told).collect(),
        }
    });
    let page_link = |page: usize| {
        let mut state = state.clone();
        state.page = page;
        state.url()
    };
    let is_more = state.page * LIST_ROWS < total;
    page(&ListPage {
        country_attribution: app.country_attribution.clone(),
        title: match kind.tabs {
            [_] => kind.title.to_owned(),
            _ => format!("{}: {}", kind.title, tab.name.to_lowercase()),
        },
        column: tab.column,
        back: format!("{base}{}", state.with(|state| state.search.clear()).url()),
        csv: format!("{base}/list/{}.csv{}", tab.key, state.url()),
        reader: Reader::of(asked),
        chips: asked.chips(),
        range: dates(&asked.range),
        search: state.search.clone(),
        pairs: state.with(|state| state.search.clear()).pairs(),
        columns: query
            .metrics
            .iter()
            .map(|metric| numbers::name(*metric, several))
            .collect(),
        rows: rows.collect(),
        total: panels::count(total),
        before: (state.page > 1).then(|| page_link(state.page - 1)),
        after: is_more.then(|| page_link(state.page + 1)),
        refused,
        domain: domain.clone(),
    })
}
