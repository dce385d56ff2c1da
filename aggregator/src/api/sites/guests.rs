//! Guests: people with a role at one site who do not own it, `/api/v1/sites/guests`. Somebody new is
//! invited; the invitation's link is told when it is made, to be sent to them.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};

use super::{Call, Named, Refusal, in_path, origin, refused};
use crate::accounts::{INVITATION_MS, Role, names};
use crate::serve::App;
use crate::site::Site;
use crate::store::Link;

/// What [`invite`] takes.
pub const FIELDS: [&str; 3] = ["site_id", "email", "role"];
/// What a guest may be.
pub const ROLES: [(&str, Role); 2] = [("viewer", Role::Viewer), ("editor", Role::Editor)];

/// The store's words for what the API calls otherwise.
const WORDS: [(&str, &str); 1] = [("mail: ", "email: ")];

/// Somebody with a role, or invited to one.
struct Guest {
    mail: String,
    role: Role,
    /// The number of the invitation, or of the account.
    is: Is,
}

#[derive(Clone, Copy)]
enum Is {
    Invited(i64),
    Here(i64),
}

fn told(guest: &Guest) -> Value {
    let status = match guest.is {
        Is::Invited(_) => "invited",
        Is::Here(_) => "accepted",
    };
    json!({ "email": guest.mail, "role": guest.role.as_str(), "status": status })
}

/// By address. Owners are no guests.
async fn guests(app: &App, site: &Site) -> Result<Vec<Guest>, Refusal> {
    let people = app.store.people(site.id).await?.into_iter();
    let here = people.map(|person| Guest {
        is: Is::Here(person.account),
        mail: person.mail,
        role: person.role,
    });
    let open = app.store.invitations(site.id, app.clock.now_ms()).await?;
    let invited = open.into_iter().map(|invitation| Guest {
        is: Is::Invited(invitation.id),
        mail: invitation.mail,
        role: invitation.role,
    });
    let all = here.chain(invited).filter(|guest| guest.role < Role::Owner);
    let mut all: Vec<Guest> = all.collect();
    all.sort_by(|one, other| one.mail.cmp(&other.mail));
    Ok(all)
}

/// `GET /api/v1/sites/guests`.
pub async fn list(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let guests = guests(&app, &site).await?;
    let guests: Vec<Value> = guests.iter().map(told).collect();
    Ok(Json(json!({ "guests": guests })))
}

/// `PUT /api/v1/sites/guests`: whoever is here or invited already, as they are; else an invitation.
pub async fn invite(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let origin = origin(&request);
    let call = Call::take(&app, request, &FIELDS).await?;
    let site = call.site(&app).await?;
    let mail = names::mail(call.params.required("email")?).map_err(refused(&WORDS))?;
    call.params.required("role")?;
    let role = call.params.word("role", &ROLES)?.unwrap_or(Role::Viewer);
    if let Some(account) = app.store.account_of(&mail).await?
        && app.store.role(site.id, account.id).await? == Some(Role::Owner)
    {
        return Err(crate::api::params::invalid(
            "email",
            "they own the site, and are no guest",
        ));
    }
    let known = guests(&app, &site).await?;
    let mut url = Value::Null;
    let guest = match known.into_iter().find(|guest| guest.mail == mail) {
        Some(guest) => told(&guest),
        None => {
            let link = Link::Invitation {
                mail: mail.clone(),
                is_admin: false,
                site: Some((site.id, role)),
            };
            let expires_ms = app.clock.now_ms().saturating_add(INVITATION_MS);
            let token = app.store.add_link(&link, expires_ms).await?;
            url = json!(format!("{origin}/welcome/{}", token.as_str()));
            json!({ "email": mail, "role": role.as_str(), "status": "invited" })
        }
    };
    let mut guest = guest;
    guest["url"] = url;
    guest["domain"] = json!(site.domain);
    Ok(Json(guest))
}

/// `DELETE /api/v1/sites/guests/{email}`: takes the role, or withdraws the invitation.
pub async fn remove(
    State(app): State<App>,
    email: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &["site_id"]).await?;
    let site = call.site(&app).await?;
    let mail = in_path("email", email)?.trim().to_lowercase();
    let gone = || Refusal::NotFound("there is no such guest".into());
    let mut removed = false;
    for guest in guests(&app, &site).await? {
        if guest.mail == mail {
            removed |= match guest.is {
                Is::Here(account) => app.store.set_role(site.id, account, None).await?,
                Is::Invited(id) => app.store.withdraw(site.id, id).await?,
            };
        }
    }
    match removed {
        true => Ok(Json(json!({ "deleted": "true" }))),
        false => Err(gone()),
    }
}
