//! Goals of a site in order.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use shared::limits::{FUNNEL_STEPS_MAX, FUNNEL_STEPS_MIN, FUNNELS_MAX};

use super::super::account::fields::{Fields, wrong as malformed};
use super::super::guard::AtSite;
use super::super::{Failure, page};
use super::form::{Form, Wrong, refused};
use super::{Frame, again, back, not_there, said};
use crate::error::Result as OurResult;
use crate::serve::App;
use crate::store::{NamedFunnel, NamedGoal};

const PATH: &str = "/settings/funnels";
/// The fields of the steps, first to last.
pub const STEPS: [&str; FUNNEL_STEPS_MAX] = [
    "step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8",
];
const FIELDS: [&str; 1 + FUNNEL_STEPS_MAX] = [
    "name", "step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8",
];

#[derive(Template)]
#[template(path = "settings/funnels.html")]
struct FunnelsPage {
    frame: Frame,
    form: Form,
    funnels: Vec<FunnelLine>,
    /// Number and name.
    goals: Vec<(String, String)>,
    steps: [&'static str; FUNNEL_STEPS_MAX],
    steps_min: usize,
    is_full: bool,
    funnels_max: usize,
}

struct FunnelLine {
    id: u32,
    name: String,
    /// Names of its goals.
    steps: Vec<String>,
}

fn line(named: NamedFunnel, goals: &[NamedGoal]) -> FunnelLine {
    let name = |step: &u32| {
        let goal = goals.iter().find(|it| it.goal.id == *step);
        goal.map_or_else(|| step.to_string(), |it| it.name.clone())
    };
    FunnelLine {
        id: named.funnel.id,
        steps: named.funnel.steps.iter().map(name).collect(),
        name: named.name,
    }
}

async fn render(app: &App, at: &AtSite, form: Form, done: &'static str) -> OurResult<FunnelsPage> {
    let goals = app.store.goals(at.site.id).await?;
    let funnels = app.store.funnels(at.site.id).await?;
    Ok(FunnelsPage {
        frame: Frame::new(at, PATH, done),
        form,
        is_full: funnels.len() >= FUNNELS_MAX,
        funnels: funnels.into_iter().map(|it| line(it, &goals)).collect(),
        goals: goals
            .into_iter()
            .map(|it| (it.goal.id.to_string(), it.name))
            .collect(),
        steps: STEPS,
        steps_min: FUNNEL_STEPS_MIN,
        funnels_max: FUNNELS_MAX,
    })
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let done = said(query.as_deref());
    page(&render(&app, &at, Form::default(), done).await?)
}

/// The numbers of the steps, those left out left out.
fn steps(form: &Fields) -> Result<Vec<u32>, Failure> {
    let given = STEPS.iter().map(|field| (field, form.text(field)));
    let given = given.filter(|(_, text)| !text.is_empty());
    let number = |(field, text): (&&str, &str)| {
        let number = text.parse();
        number.map_err(|_| malformed(&format!("{field}: that is no number of a goal")))
    };
    given.map(number).collect()
}

pub async fn add(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&FIELDS)?;
    let steps = steps(&form)?;
    let added = app.store.add_funnel(at.site.id, form.text("name"), steps);
    let wrong: Wrong = match added.await {
        Ok(_) => return Ok(back(&at.site, PATH, "funnel")),
        Err(error) => refused(
            error,
            &[("funnels", "steps", "Steps"), ("name", "name", "Name")],
        )?,
    };
    let form = Form::again(&form, &FIELDS, wrong);
    again(&render(&app, &at, form, "").await?)
}

pub async fn remove(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["id"])?;
    let id = form.number("id")?;
    let funnels = app.store.funnels(at.site.id).await?;
    let Some(funnel) = funnels.iter().find(|it| i64::from(it.funnel.id) == id) else {
        return not_there("id: there is no such funnel, or it was removed already.");
    };
    app.store
        .remove_funnel(at.site.id, funnel.funnel.id)
        .await?;
    Ok(back(&at.site, PATH, "funnel-gone"))
}
