//! The lists of a site's page: what they list, and their lines.

use super::super::view;
use super::asked::Asked;
use super::map::{WorldMap, world};
use super::numbers;
use super::state::State;
use super::viewer::Viewer;
use crate::country;
use crate::error::{Error, Result};
use crate::query::{Answer, Cell, Dimension, Metric, Row, Value, threshold};

/// Lines of a panel.
const LINES: usize = 10;
/// Lines below the map.
const MAP_LINES: usize = 5;
/// Countries of a map: more than there are.
const MAP_ROWS: usize = 500;
/// More lists than this are chosen from a menu.
const TABS_MAX: usize = 5;

/// A list.
#[derive(Clone, Copy)]
pub struct Tab<'a> {
    /// Its value in the URL.
    pub key: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The heading of the first column.
    pub column: &'a str,
    /// What is listed.
    pub of: Of<'a>,
    /// What is told beside visitors, if it can be.
    pub beside: &'static [Metric],
    /// How a value is shown.
    pub label: fn(&str) -> String,
    /// A map is drawn of it, above its first lines.
    pub is_map: bool,
}

/// What is listed.
#[derive(Clone, Copy)]
pub enum Of<'a> {
    /// A dimension that every site has.
    Every(fn() -> Dimension),
    /// The values of a property.
    Property(&'a str),
}

/// Lists of which one is shown.
#[derive(Clone, Copy)]
pub struct PanelKind<'a> {
    /// Its value in the URL.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// At least one.
    pub tabs: &'a [Tab<'a>],
}

const fn tab(
    key: &'static str,
    name: &'static str,
    column: &'static str,
    dimension: fn() -> Dimension,
) -> Tab<'static> {
    Tab {
        key,
        name,
        column,
        of: Of::Every(dimension),
        beside: &[Metric::Pageviews],
        label: known,
        is_map: false,
    }
}

/// What a value is called where nothing else is said.
pub fn known(value: &str) -> String {
    match value {
        "(none)" | "(not set)" => "Unknown".to_owned(),
        known => known.to_owned(),
    }
}

fn path(value: &str) -> String {
    match value {
        "(none)" => "None (began with an event)".to_owned(),
        known => known.to_owned(),
    }
}

fn campaign(value: &str) -> String {
    match value {
        "(not set)" => "None".to_owned(),
        known => known.to_owned(),
    }
}

const fn campaigns(
    key: &'static str,
    name: &'static str,
    dimension: fn() -> Dimension,
) -> Tab<'static> {
    Tab {
        label: campaign,
        ..tab(key, name, name, dimension)
    }
}

/// Those that every site has.
pub const PANELS: [PanelKind<'static>; 6] = [
    PanelKind {
        key: "sources",
        title: "Sources",
        tabs: &[
            tab("source", "Sources", "Source", || Dimension::Source),
            tab("channel", "Channels", "Channel", || Dimension::Channel),
            tab("referrer", "Referrers", "Referrer", || Dimension::Referrer),
        ],
    },
    PanelKind {
        key: "pages",
        title: "Pages",
        tabs: &[
            Tab {
                label: path,
                ..tab("page", "Top", "Page", || Dimension::Page)
            },
            Tab {
                label: path,
                beside: &[Metric::Visits],
                ..tab("entry", "Entry", "First page of the visit", || {
                    Dimension::EntryPage
                })
            },
            Tab {
                label: path,
                beside: &[Metric::Visits],
                ..tab("exit", "Exit", "Last page of the visit", || {
                    Dimension::ExitPage
                })
            },
            tab("host", "Hosts", "Host", || Dimension::Hostname),
        ],
    },
    PanelKind {
        key: "countries",
        title: "Locations",
        tabs: &[
            Tab {
                label: country::name,
                is_map: true,
                ..tab("map", "Map", "Country", || Dimension::Country)
            },
            Tab {
                label: country::name,
                ..tab("country", "Countries", "Country", || Dimension::Country)
            },
        ],
    },
    PanelKind {
        key: "devices",
        title: "Devices",
        tabs: &[
            tab("device", "Kinds", "Device", || Dimension::Device),
            tab("browser", "Browsers", "Browser", || Dimension::Browser),
            tab("version", "Versions", "Browser's version", || {
                Dimension::BrowserVersion
            }),
            tab("os", "Systems", "System", || Dimension::Os),
            tab("os_version", "System versions", "System's version", || {
                Dimension::OsVersion
            }),
        ],
    },
    PanelKind {
        key: "campaigns",
        title: "Campaigns",
        tabs: &[
            campaigns("campaign", "Campaign", || Dimension::UtmCampaign),
            campaigns("utm_source", "Source", || Dimension::UtmSource),
            campaigns("medium", "Medium", || Dimension::UtmMedium),
            campaigns("content", "Content", || Dimension::UtmContent),
            campaigns("term", "Term", || Dimension::UtmTerm),
        ],
    },
    PanelKind {
        key: "events",
        title: "Goals and events",
        tabs: &[
            Tab {
                beside: &[Metric::ConversionRate, Metric::TotalRevenue],
                ..tab("goal", "Goals", "Goal", || Dimension::Goal)
            },
            Tab {
                beside: &[Metric::Events],
                ..tab("event", "Events", "Event", || Dimension::EventName)
            },
        ],
    },
];

impl<'a> PanelKind<'a> {
    /// Its lists that a viewer is told.
    fn told(self, viewer: &Viewer) -> impl Iterator<Item = &'a Tab<'a>> + use<'a> {
        let all = viewer.threshold.is_none();
        let is_told = move |tab: &&Tab| all || threshold::list(&tab.dimension()).is_some();
        self.tabs.iter().filter(is_told)
    }

    /// The tab that a page shows; `None` where its viewer is told none.
    pub fn tab(&self, state: &State, viewer: &Viewer) -> Option<&'a Tab<'a>> {
        let wanted = state.tabs.get(self.key);
        let found = self
            .told(viewer)
            .find(|tab| wanted.is_some_and(|key| key == tab.key));
        found.or_else(|| self.told(viewer).next())
    }
}

/// The tab of a list's key, if its viewer is told that list. A map is no list.
pub fn tab_of(key: &str, viewer: &Viewer) -> Option<(PanelKind<'static>, Tab<'static>)> {
    let mut all = PANELS
        .into_iter()
        .flat_map(|panel| panel.told(viewer).map(move |tab| (panel, *tab)));
    all.find(|(_, tab)| tab.key == key && !tab.is_map)
}

/// A list as it is shown.
pub struct Panel {
    /// Its value in the URL.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its lists.
    pub tabs: Tabs,
    /// The map of its lines.
    pub map: Option<WorldMap>,
    /// The heading of the first column.
    pub column: String,
    /// The headings of those behind visitors.
    pub beside: Vec<&'static str>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where all of them are, when there are more.
    pub more: Option<String>,
    /// Why there are none.
    pub refused: Option<String>,
}

/// How the lists of a panel are chosen from.
pub enum Tabs {
    /// There is but one.
    None,
    /// By links: name, where it leads, whether it is shown.
    Links(Vec<(String, String, bool)>),
    /// From a menu: name and whether it is shown; the rest of the state, which its form sends along.
    Menu(Vec<(String, bool)>, Vec<(String, String)>),
}

/// A line of a list.
pub struct Line {
    /// What it is.
    pub label: String,
    /// Where it is filtered by, if it can be.
    pub link: Option<String>,
    /// Share of the longest line, 0 to 100.
    pub width: u64,
    /// Visitors.
    pub visitors: String,
    /// Between what they lie, where they are estimated.
    pub bounds: Option<String>,
    /// The numbers behind them, and what is to be said of each.
    pub beside: Vec<(String, Option<String>)>,
}

impl Tab<'_> {
    /// What is listed.
    pub fn dimension(&self) -> Dimension {
        match self.of {
            Of::Every(dimension) => dimension(),
            Of::Property(key) => Dimension::Prop(key.to_owned()),
        }
    }

    /// How many rows are asked for.
    pub fn rows(&self) -> usize {
        match self.is_map {
            true => MAP_ROWS,
            false => LINES + 1,
        }
    }

    /// What is told beside visitors: under a goal, how often it was completed, and of a property how
    /// many of all did. How often, too, in the place of a rate under a threshold, for that would be
    /// of fewer days than all; and no revenue, which is not folded.
    pub fn beside(&self, state: &State, viewer: &Viewer) -> Vec<Metric> {
        let of_goal = state.is_filtered_by(&Dimension::Goal);
        let shown = self.beside.iter().filter_map(|metric| match metric {
            Metric::TotalRevenue if viewer.threshold.is_some() => None,
            Metric::ConversionRate if viewer.threshold.is_some() => Some(Metric::Events),
            Metric::Pageviews if of_goal => Some(Metric::Events),
            Metric::Percentage if of_goal => Some(Metric::ConversionRate),
            other => Some(*other),
        });
        shown.collect()
    }
}

/// What a column is called, in few letters.
pub fn heading(metric: Metric) -> &'static str {
    match metric {
        Metric::Pageviews => "Views",
        Metric::ConversionRate => "Rate",
        other => numbers::name(other, false),
    }
}

fn tabs(kind: &PanelKind, shown: &Tab, asked: &Asked) -> Tabs {
    let state = &asked.state;
    let told: Vec<&Tab> = kind.told(&asked.viewer).collect();
    match told.len() {
        ..=1 => Tabs::None,
        2..=TABS_MAX => {
            let link = |one: &&Tab| {
                let state = state.with(|state| {
                    state.tabs.insert(kind.key.to_owned(), one.key.to_owned());
                });
                (one.name.to_owned(), state.url(), one.key == shown.key)
            };
            Tabs::Links(told.iter().map(link).collect())
        }
        _ => {
            let rest = state.with(|state| {
                state.tabs.remove(kind.key);
            });
            let choice = |one: &&Tab| (one.name.to_owned(), one.key == shown.key);
            Tabs::Menu(told.iter().map(choice).collect(), rest.pairs())
        }
    }
}

/// The metrics of an answer that tell something: revenue that never was does not.
fn told_metrics(metrics: &[Metric], rows: &[Row]) -> Vec<(usize, Metric)> {
    let is_told = |(at, metric): &(usize, Metric)| {
        let mut cells = rows.iter().filter_map(|row| row.metrics.get(*at));
        *metric != Metric::TotalRevenue || cells.any(|cell| cell.value != Value::None)
    };
    let beside = metrics.iter().copied().enumerate().skip(1);
    beside.filter(is_told).collect()
}

/// A list of rows with the metrics that were asked of it, or why there are none.
///
/// # Errors
/// The database failed.
pub(super) fn panel(
    kind: &PanelKind,
    tab: &Tab,
    asked: &Asked,
    (metrics, answer): (Vec<Metric>, Result<Answer>),
) -> Result<Panel> {
    let (state, viewer) = (&asked.state, &asked.viewer);
    let (rows, refused) = match answer {
        Ok(answer) => (answer.rows, None),
        Err(Error::Refused(why)) => {
            let why = why.strip_prefix("visitors: ").unwrap_or(&why);
            (Vec::new(), Some(why.to_owned()))
        }
        Err(other) => return Err(other),
    };
    let dimension = tab.dimension();
    let link = |value: &str| {
        let filtered = || state.and("is", &dimension, value).url();
        viewer.threshold.is_none().then(filtered)
    };
    let number = |cell: &Cell| cell.value.number().max(0.0) as u64;
    let longest = rows
        .iter()
        .map(|row| row.metrics.first().map_or(0, number))
        .max();
    let longest = longest.unwrap_or(0).max(1);
    let beside = told_metrics(&metrics, &rows);
    let line = |row: &Row| {
        let value = row.dimensions.first().map_or("", String::as_str);
        let visitors = row.metrics.first();
        let told = |(at, metric): &(usize, Metric)| {
            let cell = row.metrics.get(*at);
            let told = cell.map(|cell| numbers::short(*metric, cell));
            told.unwrap_or_default()
        };
        Line {
            label: (tab.label)(value),
            link: link(value),
            width: visitors.map_or(0, number) * 100 / longest,
            visitors: visitors
                .map_or_else(String::new, |cell| numbers::cell(Metric::Visitors, cell)),
            bounds: visitors.and_then(|cell| numbers::bounds(Metric::Visitors, cell)),
            beside: beside.iter().map(told).collect(),
        }
    };
    let most = if tab.is_map { MAP_LINES } else { LINES };
    Ok(Panel {
        key: kind.key,
        title: kind.title,
        tabs: tabs(kind, tab, asked),
        map: (tab.is_map && !rows.is_empty()).then(|| world(&rows, link)),
        column: tab.column.to_owned(),
        beside: beside.iter().map(|(_, metric)| heading(*metric)).collect(),
        more: (rows.len() > most).then(|| list_link(kind, tab, asked)),
        lines: rows.iter().take(most).map(line).collect(),
        refused,
    })
}

/// Where all of a list is. Which property it is of stands in the state, for a key may be any text.
fn list_link(kind: &PanelKind, tab: &Tab, asked: &Asked) -> String {
    let key = match (tab.of, tab.is_map) {
        (Of::Property(_), _) => super::properties::LIST,
        (_, true) => "country",
        _ => tab.key,
    };
    let state = asked.state.with(|state| {
        state.search.clear();
        if let Of::Property(key) = tab.of {
            state.tabs.insert(kind.key.to_owned(), key.to_owned());
        }
    });
    format!("{}/list/{key}{}", asked.viewer.base, state.url())
}

/// Thin space between thousands; re-exported for templates.
pub fn count(n: usize) -> String {
    view::number(n as u64)
}
