//! What a site's visitors are wanted to do.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use shared::limits::{EVENT_NAME_CHARS_MAX, GOALS_MAX, PATTERN_BYTES_MAX};
use shared::settings::GoalKind;

use super::super::account::fields::{Fields, wrong as malformed};
use super::super::guard::AtSite;
use super::super::{Failure, page};
use super::form::{Form, Wrong, refused};
use super::{Frame, again, back, not_there, said};
use crate::error::Result as OurResult;
use crate::serve::App;
use crate::store::{NamedFunnel, NamedGoal};

const PATH: &str = "/settings/goals";
const FIELDS: [&str; 5] = ["kind", "event", "page", "percent", "name"];

#[derive(Template)]
#[template(path = "settings/goals.html")]
struct GoalsPage {
    frame: Frame,
    form: Form,
    goals: Vec<GoalLine>,
    is_full: bool,
    goals_max: usize,
    event_chars_max: usize,
    pattern_bytes_max: usize,
}

struct GoalLine {
    id: u32,
    name: String,
    what: String,
    /// Funnels that it is a step of; empty when it can be removed.
    funnels: String,
}

/// What completes a goal, in words.
pub fn what(kind: &GoalKind) -> String {
    match kind {
        GoalKind::Event { name } => format!("event {name}"),
        GoalKind::Page { path } => format!("view of {path}"),
        GoalKind::Scroll { path, percent } => format!("{percent} % of {path} scrolled"),
    }
}

fn line(named: NamedGoal, funnels: &[NamedFunnel]) -> GoalLine {
    let id = named.goal.id;
    let users = funnels.iter().filter(|it| it.funnel.steps.contains(&id));
    let users: Vec<&str> = users.map(|it| it.name.as_str()).collect();
    GoalLine {
        id,
        what: what(&named.goal.kind),
        name: named.name,
        funnels: users.join(", "),
    }
}

async fn render(app: &App, at: &AtSite, form: Form, done: &'static str) -> OurResult<GoalsPage> {
    let funnels = app.store.funnels(at.site.id).await?;
    let goals = app.store.goals(at.site.id).await?;
    Ok(GoalsPage {
        frame: Frame::new(at, PATH, done),
        form,
        is_full: goals.len() >= GOALS_MAX,
        goals: goals.into_iter().map(|goal| line(goal, &funnels)).collect(),
        goals_max: GOALS_MAX,
        event_chars_max: EVENT_NAME_CHARS_MAX,
        pattern_bytes_max: PATTERN_BYTES_MAX,
    })
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let form = Form::of(&[("kind", "event")]);
    page(&render(&app, &at, form, said(query.as_deref())).await?)
}

/// The kind that was chosen, and the field that says the most of it.
fn chosen(form: &Fields) -> Result<(Result<GoalKind, Wrong>, &'static str), Failure> {
    let text = |field| form.text(field).trim().to_owned();
    Ok(match form.text("kind") {
        "event" => (
            Ok(GoalKind::Event {
                name: text("event"),
            }),
            "event",
        ),
        "page" => (Ok(GoalKind::Page { path: text("page") }), "page"),
        "scroll" => {
            let percent = text("percent").parse().ok();
            let percent = percent.filter(|percent| (1..=100).contains(percent));
            let scroll = percent.map(|percent| GoalKind::Scroll {
                path: text("page"),
                percent,
            });
            let says = "How far: a whole number from 1 to 100.";
            (scroll.ok_or_else(|| Wrong::of("percent", says)), "page")
        }
        _ => return Err(malformed("kind: there are event, page and scroll")),
    })
}

pub async fn add(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&FIELDS)?;
    let (kind, field) = chosen(&form)?;
    let called = if field == "event" { "Event" } else { "Page" };
    let name = Some(form.text("name").trim()).filter(|name| !name.is_empty());
    let wrong = match kind {
        Err(wrong) => wrong,
        Ok(kind) => match app.store.add_goal(at.site.id, kind, name).await {
            Ok(_) => return Ok(back(&at.site, PATH, "goal")),
            Err(error) => refused(error, &[("goals", field, called), ("name", "name", "Name")])?,
        },
    };
    let form = Form::again(&form, &FIELDS, wrong);
    again(&render(&app, &at, form, "").await?)
}

pub async fn rename(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    const FIELDS: [&str; 2] = ["id", "new_name"];
    let form = form.only(&FIELDS)?;
    let id = form.number("id")?;
    let goals = app.store.goals(at.site.id).await?;
    let Some(goal) = goals.iter().find(|it| i64::from(it.goal.id) == id) else {
        return not_there("id: there is no such goal, or it was removed already.");
    };
    let (store, name) = (&app.store, form.text("new_name"));
    match store.rename_goal(at.site.id, goal.goal.id, name).await {
        Ok(_) => Ok(back(&at.site, PATH, "goal-renamed")),
        Err(error) => {
            let wrong = refused(error, &[("name", "new_name", "Name")])?;
            // That of a goal to be added is chosen as ever.
            let form = Form::of(&[("kind", "event")]).with(Form::again(&form, &FIELDS, wrong));
            again(&render(&app, &at, form, "").await?)
        }
    }
}

pub async fn remove(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["id"])?;
    let id = form.number("id")?;
    let goals = app.store.goals(at.site.id).await?;
    let Some(goal) = goals.iter().find(|it| i64::from(it.goal.id) == id) else {
        return not_there("id: there is no such goal, or it was removed already.");
    };
    match app.store.remove_goal(at.site.id, goal.goal.id).await {
        Ok(()) => Ok(back(&at.site, PATH, "goal-gone")),
        Err(error) => {
            let wrong = refused(error, &[])?;
            let form = Form::again(&form, &[], wrong);
            again(&render(&app, &at, form, "").await?)
        }
    }
}
