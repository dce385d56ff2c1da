//! Saved segments on a site's page: applied by `segment=<number>` in its URL, beside other filters.
//! The page that lists them, where they are saved and changed, takes the state of the site's page in
//! its own URL: what is set there are the present filters.

mod change;
#[cfg(test)]
mod tests;

use askama::Template;
use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::guard::{AtSite, Caller};
use super::super::settings::form::Form;
use super::super::{Failure, page};
use super::asked::{Asked, condition};
use super::state::{Chosen, FILTERS_MAX, OPS, State, Term};
use super::viewer::Viewer;
use crate::accounts::Role;
use crate::query::{Filter, Goals, Leaf, Op, parse_filters};
use crate::serve::App;
use crate::store::{SEGMENT_NAME_CHARS_MAX, SavedSegment};
pub use change::{delete, rename, replace, save};

/// What a segment holds, as it is understood now.
///
/// # Errors
/// What is wrong, for a person: a goal that it names may be gone.
fn understood(segment: &SavedSegment, goals: &Goals) -> Result<Filter, String> {
    match parse_filters(Some(&segment.filters), goals, &[]) {
        Ok(filter) if !filter.leaves().is_empty() => Ok(filter),
        Ok(_) => Err("it holds no filters".to_owned()),
        Err(wrong) => Err(wrong.problem),
    }
}

/// The filters of a segment by its number; or why there are none: status, title and text of a page.
pub(super) fn held(
    seen: &[SavedSegment],
    id: i64,
    goals: &Goals,
) -> Result<Filter, (StatusCode, &'static str, String)> {
    let Some(segment) = seen.iter().find(|known| known.id == id) else {
        let text = "There is no such segment here, or not any more; or it is somebody else’s own.";
        return Err((StatusCode::NOT_FOUND, "No such segment", text.to_owned()));
    };
    understood(segment, goals).map_err(|why| {
        let text = format!(
            "The segment “{}” cannot be used: {why}. It can be changed or deleted on the page of all segments.",
            segment.name
        );
        (StatusCode::BAD_REQUEST, "A segment that cannot be used", text)
    })
}

/// Each of the filters that must hold, in words.
fn conditions(filter: &Filter) -> Vec<String> {
    let all = filter.conjuncts().into_iter();
    let words = all.map(|one| match one {
        Filter::Leaf(leaf) => {
            let op = leaf.op.name(leaf.negated);
            condition(&leaf.dimension, op, &leaf.clauses)
        }
        // None that was saved on a page.
        other => other.to_json().to_string(),
    });
    words.collect()
}

/// A filter as the page's own form would have set it, if it could.
fn term(leaf: &Leaf) -> Option<Term> {
    let name = leaf.op.name(leaf.negated);
    let (op, _) = OPS.iter().find(|(known, _)| *known == name)?;
    let [value] = leaf.clauses.as_slice() else {
        return None;
    };
    // As `Term::to_filter` has it.
    (leaf.case_sensitive == (leaf.op != Op::Contains)).then(|| Term {
        op,
        dimension: leaf.dimension.clone(),
        value: value.clone(),
    })
}

/// The state with a segment's filters one by one in its place, so that each can be taken off.
fn one_by_one(state: &State, filter: &Filter) -> Option<State> {
    let terms = filter.conjuncts().into_iter().map(|one| match one {
        Filter::Leaf(leaf) => term(leaf),
        _ => None,
    });
    let terms: Vec<Term> = terms.collect::<Option<_>>()?;
    let state = state.with(|state| {
        state.segment = None;
        state.filters = terms;
    });
    (state.filters.len() <= FILTERS_MAX).then_some(state)
}

/// The state with a segment in the place of all filters.
fn applied(state: &State, id: i64) -> State {
    state.unfiltered().with(|state| {
        state.segment = Some(Chosen {
            id,
            filter: Filter::all(),
        });
    })
}

/// A state as a form sends it along.
fn sent(state: &State) -> String {
    state.url().trim_start_matches('?').to_owned()
}

/// The menu on a site's page.
pub struct SegmentMenu {
    /// Where segments are saved.
    pub at: String,
    /// Where all of them are changed.
    pub all: String,
    /// Those that can be applied.
    pub lines: Vec<MenuLine>,
    /// Filters are set that can be saved.
    pub may_save: bool,
    /// For all members, too.
    pub may_share: bool,
    /// The state, for the form to send along.
    pub state: String,
    /// Longest name.
    pub name_chars_max: usize,
}

/// A segment in the menu.
pub struct MenuLine {
    /// As it is called.
    pub name: String,
    /// The page with it.
    pub link: String,
    /// It is applied.
    pub chosen: bool,
    /// Nobody else sees it.
    pub is_own: bool,
}

/// The menu, for whoever has an account.
pub(super) fn menu(asked: &Asked) -> Option<SegmentMenu> {
    let (state, base) = (&asked.state, &asked.viewer.base);
    let role = asked.viewer.role?;
    asked.viewer.account?;
    let chosen = state.segment.as_ref().map(|chosen| chosen.id);
    let line = |segment: &SavedSegment| MenuLine {
        name: segment.name.clone(),
        link: state
            .with(|state| state.segment = applied(state, segment.id).segment)
            .url(),
        chosen: chosen == Some(segment.id),
        is_own: segment.owner.is_some(),
    };
    Some(SegmentMenu {
        at: format!("{base}/segments"),
        all: format!("{base}/segments{}", state.url()),
        lines: asked.segments.iter().map(line).collect(),
        may_save: state.is_filtered(),
        may_share: role >= Role::Editor,
        state: sent(state),
        name_chars_max: SEGMENT_NAME_CHARS_MAX,
    })
}

#[derive(Template)]
#[template(path = "segments/page.html")]
struct SegmentsPage {
    domain: String,
    base: String,
    /// The site's page as it was left.
    back: String,
    done: &'static str,
    form: Form,
    /// The filters that are set, in words.
    present: Vec<String>,
    state: String,
    may_share: bool,
    name_chars_max: usize,
    /// Title, segments, whether they are the site's.
    lists: [(&'static str, Vec<SegmentLine>, bool); 2],
}

struct SegmentLine {
    id: i64,
    name: String,
    /// The site's page with it.
    link: String,
    /// The same with its filters one by one.
    opened: Option<String>,
    conditions: Vec<String>,
    /// Why it cannot be used.
    fault: Option<String>,
    may_change: bool,
    /// What is wrong with the form is about it.
    is_wrong: bool,
}

/// Whether somebody may change a segment that they see.
fn may_change(segment: &SavedSegment, viewer: &Viewer) -> bool {
    match segment.owner {
        Some(owner) => viewer.account == Some(owner),
        None => viewer.role >= Some(Role::Editor),
    }
}

fn render(asked: &Asked, form: Form, done: &'static str) -> SegmentsPage {
    let (state, base) = (&asked.state, asked.viewer.base.clone());
    let line = |segment: &SavedSegment| {
        let filter = understood(segment, &asked.goals);
        let known = filter.as_ref().ok();
        let opened = known.and_then(|filter| one_by_one(state, filter));
        SegmentLine {
            id: segment.id,
            name: segment.name.clone(),
            link: format!("{base}{}", applied(state, segment.id).url()),
            opened: opened.map(|state| format!("{base}{}", state.url())),
            conditions: known.map(conditions).unwrap_or_default(),
            fault: filter.as_ref().err().cloned(),
            may_change: may_change(segment, &asked.viewer),
            is_wrong: form.is("id", &segment.id.to_string()),
        }
    };
    let lines = |is_own: bool| {
        let those = asked.segments.iter();
        let those = those.filter(|segment| segment.owner.is_some() == is_own);
        those.map(line).collect()
    };
    SegmentsPage {
        domain: asked.site.domain.clone(),
        back: format!("{base}{}", state.url()),
        done,
        present: conditions(&state.filter()),
        state: sent(state),
        may_share: asked.viewer.role >= Some(Role::Editor),
        name_chars_max: SEGMENT_NAME_CHARS_MAX,
        lists: [
            ("Of the site", lines(false), true),
            ("Your own", lines(true), false),
        ],
        form,
        base,
    }
}

/// What was done, by the word that redirects carry.
const DONE: [(&str, &str); 2] = [
    ("renamed", "The segment has another name."),
    ("deleted", "The segment is deleted."),
];

/// `GET /sites/{domain}/segments`.
pub async fn show(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    RawQuery(params): RawQuery,
) -> Result<Response, Failure> {
    let viewer = Viewer::of(&caller, &at);
    let asked = match Asked::read(&app, at.site, viewer, params.as_deref()).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let pairs = form_urlencoded::parse(params.as_deref().unwrap_or_default().as_bytes());
    let word = pairs.into_iter().find(|(name, _)| name == "done");
    let word = word.map(|(_, word)| word).unwrap_or_default();
    let done = DONE.iter().find(|(known, _)| *known == word);
    page(&render(
        &asked,
        Form::default(),
        done.map_or("", |(_, sentence)| sentence),
    ))
}
