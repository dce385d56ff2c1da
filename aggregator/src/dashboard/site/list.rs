//! All of a panel: with search and pages, and as comma-separated values.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::guard::AtSite;
use super::super::{Failure, message, packed_page};
use super::Reader;
use super::asked::{Asked, Chip, dates};
use super::numbers;
use super::panels::{self, PanelKind, Tab};
use super::viewer::Viewer;
use crate::error::{Error, Result};
use crate::query::{Answer, Cell, Filter, Include, Leaf, Metric, Op, Query};
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

/// `GET /sites/{domain}/list/{list}`: all of a panel, with search and pages; with `.csv` behind
/// its name as comma-separated values.
pub async fn all(
    Shared(app): Shared<App>,
    AtSite { site, role }: AtSite,
    Path((_, name)): Path<(String, String)>,
    RawQuery(params): RawQuery,
    headers: HeaderMap,
) -> std::result::Result<Response, Failure> {
    let viewer = Viewer::member(&site, role);
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
    let page = list_page(app, &asked, (kind, tab), &query, answer);
    packed_page(&page, headers)
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
) -> ListPage {
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
    ListPage {
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
    }
}
