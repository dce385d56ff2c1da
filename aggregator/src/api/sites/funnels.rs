//! Funnels, Dayfly's own: `/api/v1/sites/funnels`, in the manner of goals.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};
use shared::limits::{FUNNEL_STEPS_MAX, FUNNEL_STEPS_MIN};

use super::{Call, Named, Refusal, in_path, page, refused};
use crate::api::params::{Params, invalid, whole};
use crate::serve::App;
use crate::store::NamedFunnel;

fn told(named: &NamedFunnel) -> Value {
    let steps = named.funnel.steps.iter().map(u32::to_string);
    json!({
        "id": named.funnel.id.to_string(),
        "name": named.name,
        "steps": steps.collect::<Vec<_>>(),
    })
}

/// What [`find_or_create`] takes.
pub const FIELDS: [&str; 3] = ["site_id", "name", "steps"];

/// `GET /api/v1/sites/funnels`.
pub async fn list(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &page::OF_SITE).await?;
    let site = call.site(&app).await?;
    let wanted = page::wanted(&call.params, |text| text.parse().ok())?;
    let funnels = app.store.funnels(site.id).await?;
    let (funnels, meta) = page::of_list(funnels, &wanted, |named| named.funnel.id);
    let funnels: Vec<Value> = funnels.iter().map(told).collect();
    Ok(Json(json!({ "funnels": funnels, "meta": meta })))
}

/// Numbers of goals, first step to last: a list, or a text with commas.
fn steps(params: &Params) -> Result<Vec<u32>, Refusal> {
    let wrong = || {
        invalid(
            "steps",
            format!(
                "{FUNNEL_STEPS_MIN} to {FUNNEL_STEPS_MAX} numbers of goals, in a list or with commas"
            ),
        )
    };
    let given = params.get("steps");
    let given = given.ok_or_else(|| invalid("steps", "is required"))?;
    let numbers: Option<Vec<u32>> = match given {
        Value::Array(list) => list.iter().map(whole).collect(),
        Value::String(text) => text.split(',').map(|n| n.trim().parse().ok()).collect(),
        _ => None,
    };
    numbers
        .filter(|all| (FUNNEL_STEPS_MIN..=FUNNEL_STEPS_MAX).contains(&all.len()))
        .ok_or_else(wrong)
}

/// `PUT /api/v1/sites/funnels`: the funnel of that name and those steps, or a new one.
pub async fn find_or_create(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &FIELDS).await?;
    let site = call.site(&app).await?;
    let name = call.params.required("name")?;
    let steps = steps(&call.params)?;
    let words = [("funnels: a step", "steps: a step")];
    let funnel = app
        .store
        .find_or_add_funnel(site.id, name, steps)
        .await
        .map_err(refused(&words))?;
    let mut told = told(&funnel);
    told["domain"] = json!(site.domain);
    Ok(Json(told))
}

/// `DELETE /api/v1/sites/funnels/{id}`.
pub async fn remove(
    State(app): State<App>,
    id: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let id = in_path("funnel_id", id)?;
    let funnels = app.store.funnels(site.id).await?;
    let mut ids = funnels.iter().map(|named| named.funnel.id);
    let Some(id) = ids.find(|known| known.to_string() == id) else {
        return Err(Refusal::NotFound("there is no such funnel".into()));
    };
    app.store
        .remove_funnel(site.id, id)
        .await
        .map_err(refused(&[]))?;
    Ok(Json(json!({ "deleted": "true" })))
}
