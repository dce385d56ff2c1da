//! Properties that are shown: `/api/v1/sites/custom-props`. All properties are counted, whatever is
//! named here; without any name, all are shown.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};

use super::{Call, Named, Refusal, in_path, refused};
use crate::serve::App;

/// `GET /api/v1/sites/custom-props`.
pub async fn list(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let names = app.store.props(site.id).await?;
    let named = |name: &String| json!({ "property": name });
    let props: Vec<Value> = names.iter().map(named).collect();
    Ok(Json(json!({ "custom_properties": props })))
}

/// What [`create`] takes.
pub const FIELDS: [&str; 2] = ["site_id", "property"];

/// `PUT /api/v1/sites/custom-props`.
pub async fn create(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &FIELDS).await?;
    let site = call.site(&app).await?;
    let property = call.params.required("property")?;
    app.store
        .show_prop(site.id, property)
        .await
        .map_err(refused(&[]))?;
    Ok(Json(json!({ "created": true })))
}

/// `DELETE /api/v1/sites/custom-props/{property}`.
pub async fn remove(
    State(app): State<App>,
    property: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let property = in_path("property", property)?;
    match app.store.hide_prop(site.id, &property).await? {
        true => Ok(Json(json!({ "deleted": true }))),
        false => Err(Refusal::NotFound("there is no such property".into())),
    }
}
