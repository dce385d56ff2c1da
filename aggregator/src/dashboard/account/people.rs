//! The people of a site: who may look, as what; inviting them by a link, which is shown once.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::guard::{AtSite, Caller};
use super::super::settings::{Frame, base};
use super::super::{Failure, message, page};
use super::fields::{Fields, wrong};
use super::{go_to, sentence};
use crate::accounts::token::PlainToken;
use crate::accounts::{INVITATION_MS, Role, names};
use crate::arrival::Arrival;
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::mail::account;
use crate::serve::App;
use crate::store::Link;

const PATH: &str = "/people";

#[derive(Template)]
#[template(path = "account/people.html")]
struct PeoplePage {
    frame: Frame,
    people: Vec<PersonLine>,
    invitations: Vec<InvitationLine>,
    roles: [&'static str; 3],
    /// An invitation that was just made.
    made: Option<Made>,
    /// Invitations can be sent by mail.
    has_mail: bool,
    mail: String,
    problem: String,
}

/// An invitation that was just made.
struct Made {
    mail: String,
    link: String,
    /// What came of sending it by mail, where that was wanted.
    sent: Option<&'static str>,
}

struct PersonLine {
    account: i64,
    mail: String,
    name: String,
    role: &'static str,
    is_you: bool,
}

struct InvitationLine {
    id: i64,
    mail: String,
    role: &'static str,
    until: String,
}

async fn render(app: &App, caller: &Caller, at: &AtSite) -> Result<PeoplePage, Error> {
    let people = app.store.people(at.site.id).await?;
    let invitations = app
        .store
        .invitations(at.site.id, app.clock.now_ms())
        .await?;
    Ok(PeoplePage {
        frame: Frame::new(at, PATH, ""),
        people: people
            .into_iter()
            .map(|person| PersonLine {
                is_you: person.account == caller.account.id,
                account: person.account,
                mail: person.mail,
                name: person.name,
                role: person.role.as_str(),
            })
            .collect(),
        invitations: invitations
            .into_iter()
            .map(|invitation| InvitationLine {
                id: invitation.id,
                mail: invitation.mail,
                role: invitation.role.as_str(),
                until: date_in_utc(invitation.expires_ms).to_string(),
            })
            .collect(),
        roles: Role::ALL.map(Role::as_str),
        made: None,
        has_mail: app.mail.is_some(),
        mail: String::new(),
        problem: String::new(),
    })
}

fn place(at: &AtSite) -> String {
    format!("{}{PATH}", base(&at.site))
}

pub async fn show(State(app): State<App>, caller: Caller, at: AtSite) -> Result<Response, Failure> {
    page(&render(&app, &caller, &at).await?)
}

fn role_of(form: &Fields) -> Result<Role, Failure> {
    Role::parse(form.text("role")).ok_or_else(|| wrong("role: there are owner, editor and viewer"))
}

pub async fn invite(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["mail", "role", "send"])?;
    let role = role_of(&form)?;
    let made = async {
        let mail = names::mail(form.text("mail"))?;
        if let Some(account) = app.store.account_of(&mail).await?
            && let Some(has) = app.store.role(at.site.id, account.id).await?
        {
            let has = has.as_str();
            return Err(Error::Refused(format!(
                "mail: they are here already, as {has}"
            )));
        }
        let link = Link::Invitation {
            mail: mail.clone(),
            is_admin: false,
            site: Some((at.site.id, role)),
        };
        let expires_ms = app.clock.now_ms().saturating_add(INVITATION_MS);
        let token = app.store.add_link(&link, expires_ms).await?;
        let origin = arrival.origin().unwrap_or_default();
        let sent = match form.text("send") {
            "on" => Some(send(&app, &arrival, &at, (&mail, role), &token)),
            _ => None,
        };
        let link = match &app.mail {
            Some(by_mail) => by_mail.link(&format!("/welcome/{}", token.as_str())),
            None => format!("{origin}/welcome/{}", token.as_str()),
        };
        Ok(Made { mail, link, sent })
    };
    match made.await {
        Ok(made) => page(&PeoplePage {
            made: Some(made),
            ..render(&app, &caller, &at).await?
        }),
        Err(error @ (Error::Invalid(_) | Error::Refused(_))) => {
            let again = page(&PeoplePage {
                mail: form.text("mail").to_owned(),
                problem: sentence(&error),
                ..render(&app, &caller, &at).await?
            })?;
            Ok((StatusCode::BAD_REQUEST, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Sends an invitation by mail; says what came of it.
fn send(
    app: &App,
    arrival: &Arrival,
    at: &AtSite,
    (to, role): (&str, Role),
    token: &PlainToken,
) -> &'static str {
    const NOT_SENT: &str = "It could not be sent by mail; hand the link on yourself.";
    let Some(mail) = &app.mail else {
        return NOT_SENT;
    };
    let now_ms = app.clock.now_ms();
    let begun = app
        .accounts
        .invitations
        .begin(to, arrival.network(), now_ms);
    if begun.is_err() {
        return "Too many were sent by mail in the last minutes; hand the link on yourself.";
    }
    let domain = &at.site.domain;
    let letter = account::invitation(mail, to, domain, role.as_str(), token);
    match letter.map(|letter| mail.post("an invitation", letter, now_ms)) {
        Ok(true) => "It is on its way by mail, too.",
        Ok(false) => NOT_SENT,
        Err(error) => {
            tracing::error!("mail: an invitation: {error}");
            NOT_SENT
        }
    }
}

pub async fn withdraw(
    State(app): State<App>,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["id"])?;
    match app.store.withdraw(at.site.id, form.number("id")?).await? {
        true => Ok(go_to(&place(&at), None)),
        false => nobody("id: there is no such invitation, or it was used."),
    }
}

fn nobody(text: &str) -> Result<Response, Failure> {
    message(StatusCode::NOT_FOUND, "Not found", text.to_owned())
}

pub async fn role(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["account", "role"])?;
    let (account, role) = (form.number("account")?, role_of(&form)?);
    // Who is not here is invited, not put here.
    if app.store.role(at.site.id, account).await?.is_none() {
        return nobody("account: nobody of that number has a role here.");
    }
    app.store.set_role(at.site.id, account, Some(role)).await?;
    Ok(go_to(&place(&at), None))
}

pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["account"])?;
    let account = form.number("account")?;
    if !app.store.set_role(at.site.id, account, None).await? {
        return nobody("account: nobody of that number has a role here.");
    }
    let is_out = account == caller.account.id && !caller.account.is_admin;
    let next = if is_out { "/".to_owned() } else { place(&at) };
    Ok(go_to(&next, None))
}
