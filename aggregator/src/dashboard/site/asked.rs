//! What a request is about, read from its URL.

use axum::http::StatusCode;
use axum::response::Response;

use super::super::{Failure, message};
use super::panels::PANELS;
use super::properties;
use super::segments::held;
use super::state::{DEFAULT_PERIOD, GUESTS_PERIOD, OPS, State, Term};
use super::viewer::Viewer;
use crate::error::Result;
use crate::query::{self, Answer, Dimension, Goals, Metric, Query, Range};
use crate::serve::App;
use crate::site::Site;
use crate::store::{SavedSegment, Snapshot};

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
    /// Those that are seen by whoever asks.
    pub segments: Vec<SavedSegment>,
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
            if state.is_filtered() || !state.search.is_empty() {
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
        let segments = match viewer.role {
            Some(_) => app.store.saved_segments(site.id, viewer.account).await?,
            // Guests neither see nor use any.
            None => Vec::new(),
        };
        if let Some(chosen) = &mut state.segment {
            match held(&segments, chosen.id, &goals) {
                Ok(filter) => chosen.filter = filter,
                Err((status, title, text)) => return message(status, title, text).map(Err),
            }
        }
        Ok(Ok(Self {
            range: Range::days(from, to),
            now: site.minute(now_ms),
            viewer,
            site,
            goals,
            segments,
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
        let chip = |(at, term): (usize, &Term)| Chip {
            text: condition(&term.dimension, term.op, std::slice::from_ref(&term.value)),
            link: self
                .state
                .with(|state| {
                    state.filters.remove(at);
                })
                .url(),
        };
        let chosen = self.state.segment.as_ref();
        let segment = chosen.and_then(|chosen| {
            let found = self.segments.iter().find(|known| known.id == chosen.id)?;
            Some(Chip {
                text: format!("Segment: {}", found.name),
                link: self.state.with(|state| state.segment = None).url(),
            })
        });
        segment.into_iter().chain(terms.map(chip)).collect()
    }
}

/// A condition as a sentence.
pub(super) fn condition(dimension: &Dimension, op: &str, values: &[String]) -> String {
    let words = OPS.iter().find(|(known, _)| *known == op);
    let values: Vec<String> = values.iter().map(|value| shown(dimension, value)).collect();
    format!(
        "{} {} {}",
        called(dimension),
        words.map_or(op, |(_, words)| words),
        values.join(" or ")
    )
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
