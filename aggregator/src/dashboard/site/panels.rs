//! The lists of a site's page: what they list, and their lines.

use super::super::view;
use super::numbers;
use super::state::State;
use super::viewer::Viewer;
use crate::country;
use crate::error::{Error, Result};
use crate::query::{Dimension, Metric, Query, Value, threshold};

/// A list.
pub struct Tab {
    /// Its value in the URL.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The heading of the first column.
    pub column: &'static str,
    /// What is listed.
    pub dimension: fn() -> Dimension,
    /// What is told beside visitors.
    pub second: Metric,
    /// How a value is shown.
    pub label: fn(&str) -> String,
}

/// Lists of which one is shown.
pub struct PanelKind {
    /// Its value in the URL.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// At least one.
    pub tabs: &'static [Tab],
}

const fn tab(
    key: &'static str,
    name: &'static str,
    column: &'static str,
    dimension: fn() -> Dimension,
) -> Tab {
    Tab {
        key,
        name,
        column,
        dimension,
        second: Metric::Pageviews,
        label: known,
    }
}

fn known(value: &str) -> String {
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

const fn campaigns(key: &'static str, name: &'static str, dimension: fn() -> Dimension) -> Tab {
    Tab {
        label: campaign,
        ..tab(key, name, name, dimension)
    }
}

/// All of them.
pub const PANELS: [PanelKind; 6] = [
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
                second: Metric::Visits,
                ..tab("entry", "Entry", "First page of the visit", || {
                    Dimension::EntryPage
                })
            },
            Tab {
                label: path,
                second: Metric::Visits,
                ..tab("exit", "Exit", "Last page of the visit", || {
                    Dimension::ExitPage
                })
            },
            tab("host", "Hosts", "Host", || Dimension::Hostname),
        ],
    },
    PanelKind {
        key: "countries",
        title: "Countries",
        tabs: &[Tab {
            label: country::name,
            ..tab("country", "Countries", "Country", || Dimension::Country)
        }],
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
                second: Metric::ConversionRate,
                ..tab("goal", "Goals", "Goal", || Dimension::Goal)
            },
            Tab {
                second: Metric::Events,
                ..tab("event", "Events", "Event", || Dimension::EventName)
            },
        ],
    },
];

impl PanelKind {
    /// Its lists that a viewer is told.
    fn told(&self, viewer: &Viewer) -> impl Iterator<Item = &'static Tab> {
        let all = viewer.threshold.is_none();
        let is_told = move |tab: &&Tab| all || threshold::list(&(tab.dimension)()).is_some();
        self.tabs.iter().filter(is_told)
    }

    /// The tab that a page shows; `None` where its viewer is told none.
    pub fn tab(&self, state: &State, viewer: &Viewer) -> Option<&'static Tab> {
        let wanted = state.tabs.get(self.key);
        let found = self
            .told(viewer)
            .find(|tab| wanted.is_some_and(|key| key == tab.key));
        found.or_else(|| self.told(viewer).next())
    }
}

/// The tab of a list's key, if its viewer is told that list.
pub fn tab_of(key: &str, viewer: &Viewer) -> Option<(&'static PanelKind, &'static Tab)> {
    let mut all = PANELS
        .iter()
        .flat_map(|panel| panel.told(viewer).map(move |tab| (panel, tab)));
    all.find(|(_, tab)| tab.key == key)
}

/// A list as it is shown.
pub struct Panel {
    /// Its value in the URL.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its lists: name, link, whether it is shown.
    pub tabs: Vec<(&'static str, String, bool)>,
    /// The heading of the first column.
    pub column: &'static str,
    /// The heading of the last column.
    pub second: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where all of them are, when there are more.
    pub more: Option<String>,
    /// Why there are none.
    pub refused: Option<String>,
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
    /// The second number.
    pub second: String,
}

impl Tab {
    /// What is told beside visitors: under a goal, how often it was completed. The same in the place
    /// of a rate under a threshold, for that would be of fewer days than all.
    pub fn second(&self, state: &State, viewer: &Viewer) -> Metric {
        let mut terms = state.filters.iter();
        match self.second {
            Metric::ConversionRate if viewer.threshold.is_some() => Metric::Events,
            Metric::Pageviews if terms.any(|term| term.dimension == Dimension::Goal) => {
                Metric::Events
            }
            other => other,
        }
    }
}

/// What a list asks.
pub fn query(of: &Query, tab: &Tab, state: &State, viewer: &Viewer, rows: usize) -> Query {
    Query {
        metrics: vec![Metric::Visitors, tab.second(state, viewer)],
        compare: None,
        ..of.clone()
    }
    .by((tab.dimension)(), rows)
}

/// A list of rows, or why there are none.
///
/// # Errors
/// The database failed.
pub fn panel(
    kind: &PanelKind,
    tab: &Tab,
    state: &State,
    viewer: &Viewer,
    answer: Result<crate::query::Answer>,
    most: usize,
) -> Result<Panel> {
    let second = tab.second(state, viewer);
    let (rows, refused) = match answer {
        Ok(answer) => (answer.rows, None),
        Err(Error::Refused(why)) => {
            let why = why.strip_prefix("visitors: ").unwrap_or(&why);
            (Vec::new(), Some(why.to_owned()))
        }
        Err(other) => return Err(other),
    };
    let tabs = kind.told(viewer).map(|one| {
        let link = state.with(|state| {
            state.tabs.insert(kind.key.to_owned(), one.key.to_owned());
        });
        (one.name, link.url(), one.key == tab.key)
    });
    let dimension = (tab.dimension)();
    let number = |cell: &crate::query::Cell| cell.value.number().max(0.0) as u64;
    let longest = rows
        .iter()
        .map(|row| row.metrics.first().map_or(0, number))
        .max();
    let longest = longest.unwrap_or(0).max(1);
    let line = |row: &crate::query::Row| {
        let value = row.dimensions.first().map_or("", String::as_str);
        let visitors = row.metrics.first();
        Line {
            label: (tab.label)(value),
            link: (viewer.threshold.is_none()).then(|| state.and("is", &dimension, value).url()),
            width: visitors.map_or(0, number) * 100 / longest,
            visitors: visitors
                .map_or_else(String::new, |cell| numbers::cell(Metric::Visitors, cell)),
            bounds: visitors.and_then(|cell| numbers::bounds(Metric::Visitors, cell)),
            second: row
                .metrics
                .get(1)
                .map_or_else(String::new, |cell| match cell.value {
                    Value::None => "–".to_owned(),
                    _ => numbers::cell(second, cell),
                }),
        }
    };
    let list = format!(
        "{}/list/{}{}",
        viewer.base,
        tab.key,
        state.with(|state| state.search.clear()).url()
    );
    Ok(Panel {
        key: kind.key,
        title: kind.title,
        tabs: tabs.collect(),
        column: tab.column,
        second: match second {
            Metric::Pageviews => "Views",
            Metric::ConversionRate => "Rate",
            other => numbers::name(other, false),
        },
        more: (rows.len() > most).then_some(list),
        lines: rows.iter().take(most).map(line).collect(),
        refused,
    })
}

/// Thin space between thousands; re-exported for templates.
pub fn count(n: usize) -> String {
    view::number(n as u64)
}
