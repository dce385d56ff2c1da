//! What a request is about, read from its URL.

use axum::http::StatusCode;
use axum::response::Response;

use super::super::{Failure, message};
use super::panels::PANELS;
use super::properties;
use super::state::{DEFAULT_PERIOD, GUESTS_PERIOD, OPS, State, Term};
use super::viewer::Viewer;
use crate::error::Result;
use crate::query::{self, Answer, Dimension, Goals, Metric, Query, Range};
use crate::serve::App;
use crate::site::Site;
use crate::store::Snapshot;

/// A filter that is set.
pub(super) struct Chip {
    pub text: String,
    /// The page without it.
    pub link: String,
}

/// What a request is about.
pub(super) struct Asked {
    pub viewer: Viewer,
    pub site: Site,
    pub goals: Goals,
    pub state: State,
    pub range: Range,
    pub today: jiff::civil::Date,
    /// The time there: `2026-11-26 09:31`.
    pub now: String,
    pub oldest: Option<jiff::civil::Date>,
}

impl Asked {
    /// Reads the state, or gives the page that says what is wrong.
    pub(super) async fn read(
        app: &App,
        site: Site,
        viewer: Viewer,
        query: Option<&str>,
    ) -> std::result::Result<std::result::Result<Self, Response>, Failure> {
        let names = PANELS.iter().map(|panel| panel.key);
        let names: Vec<&str> = names.chain([properties::PANEL]).collect();
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
        let now_ms = app.clock.now_ms();
        let today = site.today(now_ms);
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
            now: site.minute(now_ms),
            viewer,
            site,
            goals,
            state,
            today,
            oldest,
        }))
    }

    /// The question that all of the page's are made of.
    pub(super) fn query(&self, metrics: &[Metric]) -> Query {
        Query {
            filter: self.state.filter(),
            threshold: self.viewer.threshold,
            ..Query::total(metrics, self.range)
        }
    }

    pub(super) async fn run(&self, snapshot: &mut Snapshot, query: &Query) -> Result<Answer> {
        query::run(snapshot, &self.site, &self.goals, query).await
    }

    pub(super) fn chips(&self) -> Vec<Chip> {
        let terms = self.state.filters.iter().enumerate();
        let chip = |(at, term): (usize, &Term)| {
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
pub(super) fn called(dimension: &Dimension) -> String {
    let all = PANELS.iter().flat_map(|panel| panel.tabs.iter());
    match dimension {
        Dimension::Prop(key) => format!("Property {key}"),
        one => {
            let found = all.into_iter().find(|tab| tab.dimension() == *one);
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

/// The days of a range, for people.
pub(super) fn dates(range: &Range) -> String {
    match range.from == range.to {
        true => range.from.to_string(),
        false => format!("{} to {}", range.from, range.to),
    }
}
