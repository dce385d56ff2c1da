//! Links that show a site's numbers without an account: `/api/v1/sites/shared-links`. What opens one is
//! in its address, of which only a hash is stored: it is told when the link is made, and never again.

use axum::Json;
use axum::extract::{Request, State};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Call, Named, Refusal, in_path, origin, refused};
use crate::accounts::password::Password;
use crate::api::params::invalid;
use crate::clock::date_in_utc;
use crate::query::threshold::{K_DEFAULT, K_MAX, K_MIN};
use crate::serve::App;
use crate::store::{NewSharedLink, SharedLink};

/// What [`find_or_create`] takes.
pub const FIELDS: [&str; 5] = ["site_id", "name", "password", "works_until", "k"];

fn told(link: &SharedLink) -> Value {
    json!({
        "id": link.id.to_string(),
        "name": link.name,
        "k": link.k,
        "has_password": link.has_password(),
        "works_until": link.works_until,
        "last_used_on": link.last_used_on,
    })
}

/// `GET /api/v1/sites/shared-links`.
pub async fn list(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let links = app.store.shared_links(site.id).await?;
    let links: Vec<Value> = links.iter().map(told).collect();
    Ok(Json(json!({ "shared_links": links })))
}

/// `PUT /api/v1/sites/shared-links`: the link of that name as it is, or a new one.
pub async fn find_or_create(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let origin = origin(&request);
    let call = Call::take(&app, request, &FIELDS).await?;
    let site = call.site(&app).await?;
    let params = &call.params;
    let name = params.required("name")?.trim();
    let k = params.number("k", K_MIN..=K_MAX)?.unwrap_or(K_DEFAULT);
    let works_until = match params.text("works_until")? {
        None => None,
        Some(text) => {
            let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
            let date = date.ok_or_else(|| invalid("works_until", "a date such as 2030-12-31"))?;
            Some(date)
        }
    };
    let password = params.text("password")?.filter(|text| !text.is_empty());
    let words = [("until: ", "works_until: ")];
    let find = async |link: &str| {
        let links = app.store.shared_links(site.id).await?;
        Ok::<_, Refusal>(links.into_iter().find(|known| known.name == link))
    };
    let mut url = Value::Null;
    if find(name).await?.is_none() {
        let hash = match password {
            None => None,
            Some(typed) => {
                let chosen = Password::chosen(typed, name).map_err(refused(&[]))?;
                Some(app.accounts.passwords.hash(chosen).await?)
            }
        };
        let new = NewSharedLink {
            name,
            password: hash.as_deref(),
            k,
            works_until,
        };
        let today = date_in_utc(app.clock.now_ms());
        let added = app.store.add_shared_link(site.id, &new, today).await;
        let token = added.map_err(refused(&words))?;
        url = json!(format!("{origin}/shared/{}", token.as_str()));
    }
    let link = find(name).await?;
    let link = link.ok_or_else(|| Refusal::NotFound("the link was revoked just now".into()))?;
    let mut told = told(&link);
    told["url"] = url;
    told["domain"] = json!(site.domain);
    Ok(Json(told))
}

/// `DELETE /api/v1/sites/shared-links/{id}`, by number or by name.
pub async fn remove(
    State(app): State<App>,
    id: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let id = in_path("id", id)?;
    let links = app.store.shared_links(site.id).await?;
    let link = links
        .iter()
        .find(|link| link.id.to_string() == id || link.name == id);
    let gone = || Refusal::NotFound("there is no such link".into());
    let link = link.ok_or_else(gone)?;
    match app.store.revoke_shared_link(site.id, link.id).await? {
        true => Ok(Json(json!({ "deleted": "true" }))),
        false => Err(gone()),
    }
}
