//! One's own account: name, password, second step, log-ins, and its end.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::guard::{Caller, CameWith};
use super::super::{Failure, message, page};
use super::fields::Fields;
use super::{Refused, check, cookie, go_to, login, sentence};
use crate::accounts::password::{PASSWORD_CHARS_MIN, Password};
use crate::accounts::{LOGIN_MS, names};
use crate::arrival::Arrival;
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::serve::App;
use crate::store::Changed;

#[derive(Template)]
#[template(path = "account/settings.html")]
struct SettingsPage {
    mail: String,
    name: String,
    is_admin: bool,
    has_totp: bool,
    recovery_left: u64,
    logins: Vec<LoginLine>,
    /// Of these mail can be had.
    sites: Vec<String>,
    /// The section where something is wrong, and what.
    problem_at: &'static str,
    problem: String,
    done: &'static str,
    password_chars_min: usize,
}

struct LoginLine {
    id: i64,
    created_on: String,
    last_used: String,
    is_this: bool,
}

impl SettingsPage {
    /// What is wrong in a section; empty for nothing.
    fn problem_of(&self, section: &str) -> &str {
        match self.problem_at == section {
            true => &self.problem,
            false => "",
        }
    }
}

#[derive(Deserialize)]
pub struct Params {
    #[serde(default)]
    done: String,
}

/// What was done, as it is said on the page.
fn said(done: &str) -> &'static str {
    match done {
        "name" => "Your name is changed.",
        "password" => "Your password is changed; every other browser is logged out.",
        "ended" => "That browser is logged out.",
        "totp-off" => "The second step is off.",
        _ => "",
    }
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let done = params.map_or("", |Query(params)| said(&params.done));
    render(&app, &caller, "", String::new(), done).await
}

async fn render(
    app: &App,
    caller: &Caller,
    problem_at: &'static str,
    problem: String,
    done: &'static str,
) -> Result<Response, Failure> {
    let account = &caller.account;
    let now_ms = app.clock.now_ms();
    let today = date_in_utc(now_ms);
    let logins = app.store.logins(account.id, now_ms).await?;
    let line = |login: crate::store::Login| LoginLine {
        id: login.id,
        created_on: login.created_on.to_string(),
        last_used: match login.last_used_on == today {
            true => "today".to_owned(),
            false => format!("on {}", login.last_used_on),
        },
        is_this: login.id == caller.login.id,
    };
    let sites = match account.is_admin {
        true => app.store.sites().await?,
        false => {
            let with_roles = app.store.sites_of(account.id).await?.into_iter();
            with_roles.map(|(site, _)| site).collect()
        }
    };
    page(&SettingsPage {
        sites: sites.into_iter().map(|site| site.domain).collect(),
        mail: account.mail.clone(),
        name: account.name.clone(),
        is_admin: account.is_admin,
        has_totp: account.has_totp(),
        recovery_left: app.store.recovery_codes_left(account.id).await?,
        logins: logins.into_iter().map(line).collect(),
        problem_at,
        problem,
        done,
        password_chars_min: PASSWORD_CHARS_MIN,
    })
}

/// The page again, with what is wrong in a section.
pub async fn again(
    app: &App,
    caller: &Caller,
    section: &'static str,
    status: StatusCode,
    problem: &str,
) -> Result<Response, Failure> {
    let again = render(app, caller, section, problem.to_owned(), "").await?;
    Ok((status, again).into_response())
}

/// Whether the caller's own password was typed; else the answer.
pub async fn confirmed(
    app: &App,
    arrival: &Arrival,
    caller: &Caller,
    section: &'static str,
    typed: &str,
) -> Result<Option<Response>, Failure> {
    let account = &caller.account;
    let stored = Some(account.password.as_str());
    match check(app, arrival, &account.mail, stored, typed).await {
        Ok(attempt) => {
            app.accounts.attempts.was_good(attempt);
            Ok(None)
        }
        Err(Refused::Wrong) => {
            let problem = "Your password: that is not it.";
            let status = StatusCode::FORBIDDEN;
            again(app, caller, section, status, problem).await.map(Some)
        }
        Err(refused) => refused.answer().map(Some),
    }
}

pub async fn name(
    State(app): State<App>,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["name"])?;
    match names::name(form.text("name")) {
        Ok(name) => {
            app.store.rename_account(caller.account.id, &name).await?;
            Ok(go_to("/account?done=name", None))
        }
        Err(error) => {
            let status = StatusCode::BAD_REQUEST;
            again(&app, &caller, "name", status, &sentence(&error)).await
        }
    }
}

pub async fn password(
    State(app): State<App>,
    arrival: Arrival,
    came_with: CameWith,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["current", "password"])?;
    let section = "password";
    let chosen = match Password::chosen(form.text("password"), &caller.account.mail) {
        Ok(chosen) => chosen,
        Err(error) => {
            let problem = format!("New {}", sentence(&error).replacen('P', "p", 1));
            return again(&app, &caller, section, StatusCode::BAD_REQUEST, &problem).await;
        }
    };
    let current = form.text("current");
    if let Some(refused) = confirmed(&app, &arrival, &caller, section, current).await? {
        return Ok(refused);
    }
    let hash = match app.accounts.passwords.hash(chosen).await {
        Ok(hash) => hash,
        Err(Error::Busy) => return super::busy(),
        Err(error) => return Err(error.into()),
    };
    let id = caller.account.id;
    // This browser's log-in goes on under another token.
    app.store
        .set_password(id, &hash, Some(caller.login.id))
        .await?;
    let token = login::begin(&app, id, false, came_with.token).await?;
    let cookie = cookie::set(&arrival, &token, LOGIN_MS);
    Ok(go_to("/account?done=password", cookie))
}

pub async fn end_login(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["id"])?;
    let id = form.number("id")?;
    if !app.store.end_login(caller.account.id, id).await? {
        let text = "id: you have no such log-in, or it has ended already.".to_owned();
        return message(StatusCode::NOT_FOUND, "No such log-in", text);
    }
    Ok(match id == caller.login.id {
        true => go_to("/login", cookie::clear(&arrival)),
        false => go_to("/account?done=ended", None),
    })
}

pub async fn delete(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["confirm", "password"])?;
    let section = "delete";
    if form.text("confirm").trim().to_lowercase() != caller.account.mail {
        let problem = "Confirmation: type your mail address.";
        return again(&app, &caller, section, StatusCode::BAD_REQUEST, problem).await;
    }
    let typed = form.text("password");
    if let Some(refused) = confirmed(&app, &arrival, &caller, section, typed).await? {
        return Ok(refused);
    }
    match app.store.remove_account(caller.account.id).await? {
        Changed::Done | Changed::Unknown => {
            let cleared = cookie::clear(&arrival);
            let text = "Your account is deleted, and every browser of yours is logged out.";
            let page = message(StatusCode::OK, "Goodbye", text.to_owned())?;
            let cookie = cleared.map(|cookie| [(axum::http::header::SET_COOKIE, cookie)]);
            Ok((cookie, page).into_response())
        }
        Changed::LastAdmin => {
            let problem = "You are the last admin: somebody must be left who can let others in. \
                Make another one first: dayfly user role.";
            again(&app, &caller, section, StatusCode::CONFLICT, problem).await
        }
    }
}
