//! All of a panel: with search and pages, and as comma-separated values.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::guard::{AtSite, Caller};
use super::super::{Failure, message, packed_page};
use super::Reader;
use super::asked::{Asked, Chip, dates};
use super::numbers;
use super::panels::{self, Of, PanelKind, Tab};
use super::properties;
use super::viewer::Viewer;
use crate::error::{Error, Result};
use crate::query::{Answer, Cell, Dimension, Filter, Include, Leaf, Metric, Op, Query, Value};
use crate::serve::App;
use crate::site::Site;
use crate::store::Snapshot;

/// Rows of a page of a list.
const LIST_ROWS: usize = 100;
/// Rows of a list as comma-separated values.
const CSV_ROWS: usize = 10_000;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    country_attribution: Arc<str>,
    domain: String,
    reader: Reader,
    title: String,
    column: String,
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

/// `GET /sites/{domain}/list/{list}`: all of a panel, with search and pages; with `.csv` behind
/// its name as comma-separated values.
pub async fn all(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    Path((_, name)): Path<(String, String)>,
    RawQuery(params): RawQuery,
    headers: HeaderMap,
) -> std::result::Result<Response, Failure> {
    let (viewer, site) = (Viewer::of(&caller, &at), at.site);
    show_all(&app, site, viewer, &name, params.as_deref(), &headers).await
}

/// All of a panel, for whoever looks.
pub async fn show_all(
    app: &App,
    site: Site,
    viewer: Viewer,
    name: &str,
    params: Option<&str>,
    headers: &HeaderMap,
) -> std::result::Result<Response, Failure> {
    let (key, is_csv) = match name.strip_suffix(".csv") {
        Some(key) => (key, true),
        None => (name, false),
    };
    let of_all = panels::tab_of(key, &viewer);
    if of_all.is_none() && key != properties::LIST {
        return no_such_list();
    }
    let asked = match Asked::read(app, site, viewer, params).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let property = property(app, &asked).await?;
    let (title, tab) = match (of_all, &property) {
        (Some((kind, tab)), _) => (title(&kind, &tab), tab),
        (None, Some(property)) => (format!("Property {property}"), properties::tab(property)),
        (None, None) => return no_such_list(),
    };
    let snapshot = &mut app.store.snapshot(asked.site.id).await?;
    let (query, answer) = whole_list(&asked, snapshot, &tab, is_csv).await?;
    if is_csv && let Some(answer) = &answer {
        return Ok(crate::api::csv(&query, answer));
    }
    let page = list_page(app, &asked, (title, key, &tab), &query, answer);
    packed_page(&page, headers)
}

fn no_such_list() -> std::result::Result<Response, Failure> {
    let text = "There is no such list. Choose one on the site's page.".to_owned();
    message(StatusCode::NOT_FOUND, "No such list", text)
}

fn title(kind: &PanelKind, tab: &Tab) -> String {
    match kind.tabs.iter().filter(|tab| !tab.is_map).count() {
        1 => tab.name.to_owned(),
        _ => format!("{}: {}", kind.title, tab.name.to_lowercase()),
    }
}

/// The property that is chosen, if its values are shown to this viewer.
async fn property(app: &App, asked: &Asked) -> Result<Option<String>> {
    let chosen = asked.state.tabs.get(properties::PANEL);
    let Some(key) = chosen.filter(|_| asked.viewer.threshold.is_none()) else {
        return Ok(None);
    };
    let name = format!("event:props:{key}");
    let shown = app.store.props(asked.site.id).await?;
    let is_told = Dimension::parse(&name).is_ok() && properties::is_shown(key, &shown);
    Ok(is_told.then(|| key.clone()))
}

/// All that can be told of a list's lines: the question with the most metrics that is answered.
async fn whole_list(
    asked: &Asked,
    snapshot: &mut Snapshot,
    tab: &Tab<'_>,
    is_csv: bool,
) -> Result<(Query, Option<Answer>)> {
    let state = &asked.state;
    let (limit, offset) = match is_csv {
        true => (CSV_ROWS, 0),
        false => (LIST_ROWS, (state.page - 1) * LIST_ROWS),
    };
    let mut least = vec![Metric::Visitors];
    least.extend(tab.beside(state, &asked.viewer).first());
    let sets: [&[Metric]; 6] = [
        &[
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::BounceRate,
            Metric::VisitDuration,
        ],
        &[
            Metric::Visitors,
            Metric::Events,
            Metric::ConversionRate,
            Metric::TotalRevenue,
            Metric::AverageRevenue,
        ],
        &[Metric::Visitors, Metric::Events, Metric::ConversionRate],
        match tab.of {
            // Of what is searched for it would be a share of that.
            Of::Property(_) if state.search.trim().is_empty() => {
                &[Metric::Visitors, Metric::Events, Metric::Percentage]
            }
            _ => &least,
        },
        &least,
        &[Metric::Visitors],
    ];
    let mut filter = state.filter();
    if !state.search.trim().is_empty() {
        let clauses = vec![state.search.trim().to_owned()];
        let leaf = Leaf::new(tab.dimension(), (Op::Contains, false), clauses, false);
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
            ..asked.query(metrics).by(tab.dimension(), limit)
        };
        match asked.run(snapshot, &last).await {
            // Revenue that never was is not told,.
            Ok(answer) if is_without_revenue(&last, &answer) => {}
            Ok(answer) => return Ok((last, Some(answer))),
            Err(Error::Refused(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok((last, None))
}

fn is_without_revenue(query: &Query, answer: &Answer) -> bool {
    let place = query
        .metrics
        .iter()
        .position(|metric| *metric == Metric::TotalRevenue);
    place.is_some_and(|place| {
        let mut cells = answer.rows.iter().filter_map(|row| row.metrics.get(place));
        cells.all(|cell| cell.value == Value::None)
    })
}

fn list_page(
    app: &App,
    asked: &Asked,
    (title, key, tab): (String, &str, &Tab),
    query: &Query,
    answer: Option<Answer>,
) -> ListPage {
    let (state, domain, base) = (&asked.state, &asked.site.domain, &asked.viewer.base);
    let several = asked.range.from != asked.range.to;
    let refused = answer.is_none().then(|| {
        "These filters and this list are counted apart: both at once would need to know what each visitor did, which is not kept.".to_owned()
    });
    let total = answer.as_ref().map_or(0, |answer| answer.total_rows);
    let dimension = tab.dimension();
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
    ListPage {
        country_attribution: app.country_attribution.clone(),
        title,
        column: tab.column.to_owned(),
        back: format!("{base}{}", state.with(|state| state.search.clear()).url()),
        csv: format!("{base}/list/{key}.csv{}", state.url()),
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
    }
}
