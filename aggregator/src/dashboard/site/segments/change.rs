//! Saving, renaming, replacing and deleting segments. Everybody does so with their own; editors and
//! owners with those of the site.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::super::account::fields::{Fields, wrong as malformed};
use super::super::super::account::go_to;
use super::super::super::guard::{AtSite, Caller};
use super::super::super::settings::form::{Form, Words, Wrong, refused};
use super::super::super::{Failure, message, page};
use super::super::asked::Asked;
use super::super::state::State;
use super::super::viewer::Viewer;
use super::{applied, may_change, render};
use crate::accounts::Role;
use crate::query::{Filter, parse_filters};
use crate::serve::App;
use crate::store::SavedSegment;

/// What a form is about: the state that it brings along.
async fn asked(
    app: &App,
    caller: &Caller,
    at: AtSite,
    form: &Fields,
) -> Result<Result<Asked, Response>, Failure> {
    let viewer = Viewer::of(caller, &at);
    Asked::read(app, at.site, viewer, Some(form.text("state"))).await
}

/// The page again, which says what is wrong.
fn again(asked: &Asked, form: Form) -> Result<Response, Failure> {
    Ok((StatusCode::BAD_REQUEST, page(&render(asked, form, ""))?).into_response())
}

fn not_theirs() -> Result<Response, Failure> {
    let text = "Segments of the site are made and changed by its editors and owners.".to_owned();
    message(StatusCode::FORBIDDEN, "Not with your role", text)
}

/// The present filters as they are stored: each once, in the words of the stats API, and checked.
fn present(asked: &Asked) -> Result<Value, String> {
    let filter = asked.state.filter();
    let mut each: Vec<Filter> = Vec::new();
    for one in filter.conjuncts() {
        if !each.contains(one) {
            each.push(one.clone());
        }
    }
    let list = |each: &[Filter]| Value::Array(each.iter().map(Filter::to_json).collect());
    let checked = parse_filters(Some(&list(&each)), &asked.goals, &[]);
    match checked.map_err(|wrong| wrong.problem)? {
        Filter::And(each) if !each.is_empty() => Ok(list(&each)),
        _ => Err("set some first".to_owned()),
    }
}

/// The site's page with a segment alone.
fn to_applied(asked: &Asked, id: i64) -> Response {
    let place = format!("{}{}", asked.viewer.base, applied(&asked.state, id).url());
    go_to(&place, None)
}

fn to_page(asked: &Asked, state: &State, done: &str) -> Response {
    let url = state.url();
    let and = if url == "?" { "" } else { "&" };
    go_to(
        &format!("{}/segments{url}{and}done={done}", asked.viewer.base),
        None,
    )
}

/// `POST /sites/{domain}/segments`.
pub async fn save(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    const FIELDS: [&str; 2] = ["name", "for"];
    const WORDS: Words<'_> = &[("name", "name", "Name"), ("filters", "", "Filters")];
    let form = form.only(&["state", "name", "for"])?;
    let owner = match form.text("for") {
        "me" => Some(caller.account.id),
        "members" => None,
        _ => return Err(malformed("for: there are me and members")),
    };
    if owner.is_none() && at.role < Role::Editor {
        return not_theirs();
    }
    let asked = match asked(&app, &caller, at, &form).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let filters = match present(&asked) {
        Ok(filters) => filters,
        Err(why) => {
            let wrong = Wrong::of("", format!("Filters: {why}."));
            return again(&asked, Form::again(&form, &FIELDS, wrong));
        }
    };
    let (store, name) = (&app.store, form.text("name"));
    let added = store.add_saved_segment(asked.site.id, owner, name, &filters);
    match added.await {
        Ok(id) => Ok(to_applied(&asked, id)),
        Err(error) => {
            let wrong = refused(error, WORDS)?;
            again(&asked, Form::again(&form, &FIELDS, wrong))
        }
    }
}

/// The segment that a form names by its number, when whoever sends it may change it; or the answer.
async fn named(
    app: &App,
    caller: &Caller,
    at: AtSite,
    form: &Fields,
) -> Result<Result<(Asked, SavedSegment), Response>, Failure> {
    let id = form.number("id")?;
    let asked = match asked(app, caller, at, form).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(Err(response)),
    };
    let found = asked.segments.iter().find(|known| known.id == id).cloned();
    let Some(segment) = found else {
        return no_such().map(Err);
    };
    match may_change(&segment, &asked.viewer) {
        true => Ok(Ok((asked, segment))),
        false => not_theirs().map(Err),
    }
}

fn no_such() -> Result<Response, Failure> {
    let text = "id: there is no such segment, or it was deleted already.".to_owned();
    message(StatusCode::NOT_FOUND, "Not found", text)
}

/// `POST /sites/{domain}/segments/rename`.
pub async fn rename(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["state", "id", "new_name"])?;
    let (asked, segment) = match named(&app, &caller, at, &form).await? {
        Ok(named) => named,
        Err(response) => return Ok(response),
    };
    let (store, name) = (&app.store, form.text("new_name"));
    let renamed = store.rename_saved_segment(asked.site.id, segment.id, name);
    match renamed.await {
        Ok(true) => Ok(to_page(&asked, &asked.state, "renamed")),
        Ok(false) => no_such(),
        Err(error) => {
            let wrong = refused(error, &[("name", "new_name", "Name")])?;
            again(&asked, Form::again(&form, &["id", "new_name"], wrong))
        }
    }
}

/// `POST /sites/{domain}/segments/replace`.
pub async fn replace(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["state", "id"])?;
    let (asked, segment) = match named(&app, &caller, at, &form).await? {
        Ok(named) => named,
        Err(response) => return Ok(response),
    };
    let wrong = match present(&asked) {
        Err(why) => Wrong::of("id", format!("Filters: {why}.")),
        Ok(filters) => {
            let store = &app.store;
            let replaced = store.replace_saved_segment(asked.site.id, segment.id, &filters);
            match replaced.await {
                Ok(true) => return Ok(to_applied(&asked, segment.id)),
                Ok(false) => return no_such(),
                Err(error) => refused(error, &[("filters", "id", "Filters")])?,
            }
        }
    };
    again(&asked, Form::again(&form, &["id"], wrong))
}

/// `POST /sites/{domain}/segments/delete`.
pub async fn delete(
    Shared(app): Shared<App>,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["state", "id"])?;
    let (asked, segment) = match named(&app, &caller, at, &form).await? {
        Ok(named) => named,
        Err(response) => return Ok(response),
    };
    let (store, site) = (&app.store, asked.site.id);
    if !store.remove_saved_segment(site, segment.id).await? {
        return no_such();
    }
    let is_it = |state: &State| {
        let chosen = state.segment.as_ref();
        chosen.is_some_and(|chosen| chosen.id == segment.id)
    };
    let state = match is_it(&asked.state) {
        true => asked.state.with(|state| state.segment = None),
        false => asked.state.clone(),
    };
    Ok(to_page(&asked, &state, "deleted"))
}
