//! Goals: `/api/v1/sites/goals`. Beside `event` and `page` there is `scroll`: so far on a page.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};
use shared::settings::GoalKind;
use shared::visitor::SiteId;

use super::{Call, Named, Refusal, in_path, page, refused};
use crate::api::params::{Params, invalid};
use crate::serve::App;
use crate::store::NamedGoal;

/// See [`TYPES`].
#[derive(Clone, Copy)]
pub enum Type {
    /// An event of a name.
    Event,
    /// A view of a page.
    Page,
    /// Scrolling so far on a page.
    Scroll,
}

/// What completes a goal, as `goal_type` names it.
pub const TYPES: [(&str, Type); 3] = [
    ("event", Type::Event),
    ("page", Type::Page),
    ("scroll", Type::Scroll),
];

/// The store's words for what the API calls otherwise.
const WORDS: [(&str, &str); 1] = [("name: ", "display_name: ")];

fn told(named: &NamedGoal) -> Value {
    let (goal_type, event_name, page_path, percent) = match &named.goal.kind {
        GoalKind::Event { name } => ("event", Some(name), None, None),
        GoalKind::Page { path } => ("page", None, Some(path), None),
        GoalKind::Scroll { path, percent } => ("scroll", None, Some(path), Some(percent)),
    };
    let mut goal = json!({
        "id": named.goal.id.to_string(),
        "goal_type": goal_type,
        "display_name": named.name,
        "event_name": event_name,
        "page_path": page_path,
    });
    if let Some(percent) = percent {
        goal["scroll_threshold"] = json!(percent);
    }
    goal
}

/// What [`find_or_create`] takes.
pub const FIELDS: [&str; 6] = [
    "site_id",
    "goal_type",
    "event_name",
    "page_path",
    "scroll_threshold",
    "display_name",
];

/// `GET /api/v1/sites/goals`.
pub async fn list(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &page::OF_SITE).await?;
    let site = call.site(&app).await?;
    let wanted = page::wanted(&call.params, |text| text.parse().ok())?;
    let goals = app.store.goals(site.id).await?;
    let (goals, meta) = page::of_list(goals, &wanted, |named| named.goal.id);
    let goals: Vec<Value> = goals.iter().map(told).collect();
    Ok(Json(json!({ "goals": goals, "meta": meta })))
}

/// What completes the goal. What belongs to another type is refused.
fn kind(params: &Params) -> Result<GoalKind, Refusal> {
    params.required("goal_type")?;
    let wanted = params.word("goal_type", &TYPES)?.unwrap_or(Type::Event);
    let fields: &[&str] = match wanted {
        Type::Event => &["event_name"],
        Type::Page => &["page_path"],
        Type::Scroll => &["page_path", "scroll_threshold"],
    };
    let all = ["event_name", "page_path", "scroll_threshold"];
    let mut foreign = all.iter().filter(|field| !fields.contains(field));
    if let Some(field) = foreign.find(|field| params.get(field).is_some()) {
        return Err(invalid(field, "is not of this goal_type"));
    }
    let path = |params: &Params| Ok::<_, Refusal>(params.required("page_path")?.trim().to_owned());
    let kind = match wanted {
        Type::Event => GoalKind::Event {
            name: params.required("event_name")?.trim().to_owned(),
        },
        Type::Page => GoalKind::Page {
            path: path(params)?,
        },
        Type::Scroll => GoalKind::Scroll {
            percent: params
                .number("scroll_threshold", 1..=100)?
                .and_then(|percent| u8::try_from(percent).ok())
                .ok_or_else(|| invalid("scroll_threshold", "is required"))?,
            path: path(params)?,
        },
    };
    let field = fields.first().unwrap_or(&"goal_type");
    kind.check()
        .map_err(|wrong| invalid(field, wrong.problem))?;
    Ok(kind)
}

/// `PUT /api/v1/sites/goals`: the goal that is there already, under whatever name, or a new one.
pub async fn find_or_create(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &FIELDS).await?;
    let site = call.site(&app).await?;
    let kind = kind(&call.params)?;
    let name = call.params.text("display_name")?;
    let goal = app
        .store
        .find_or_add_goal(site.id, kind, name)
        .await
        .map_err(refused(&WORDS))?;
    let mut told = told(&goal);
    told["domain"] = json!(site.domain);
    Ok(Json(told))
}

/// `PUT /api/v1/sites/goals/{id}`, Dayfly's own: another name for the goal.
pub async fn rename(
    State(app): State<App>,
    id: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id", "display_name"]).await?;
    let site = call.site(&app).await?;
    let name = call.params.required("display_name")?;
    let goal = find(&app, site.id, id).await?;
    let renamed = app.store.rename_goal(site.id, goal.goal.id, name);
    let mut told = told(&renamed.await.map_err(refused(&WORDS))?);
    told["domain"] = json!(site.domain);
    Ok(Json(told))
}

/// The goal that a path names by its number.
async fn find(app: &App, site: SiteId, id: Named) -> Result<NamedGoal, Refusal> {
    let id = in_path("goal_id", id)?;
    let goals = app.store.goals(site).await?.into_iter();
    let mut goals = goals.filter(|named| named.goal.id.to_string() == id);
    let goal = goals.next();
    goal.ok_or_else(|| Refusal::NotFound("there is no such goal".into()))
}

/// `DELETE /api/v1/sites/goals/{id}`.
pub async fn remove(
    State(app): State<App>,
    id: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let goal = find(&app, site.id, id).await?;
    app.store
        .remove_goal(site.id, goal.goal.id)
        .await
        .map_err(refused(&[("goal ", "goal_id: goal ")]))?;
    Ok(Json(json!({ "deleted": "true" })))
}
