//! Logging in: the password, then, where the account wants it, a code; and logging out.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::guard::{Caller, CameWith};
use super::super::{Failure, page};
use super::fields::Fields;
use super::{Refused, check, cookie, go_to, safe_next, too_many_tries};
use crate::accounts::attempts::Attempt;
use crate::accounts::names::MAIL_BYTES_MAX;
use crate::accounts::token::TokenHash;
use crate::accounts::{HALF_LOGIN_MS, LOGIN_MS, totp};
use crate::arrival::Arrival;
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::serve::App;
use crate::store::Account;

#[derive(Template)]
#[template(path = "account/login.html")]
struct LoginPage {
    mail: String,
    next: String,
    problem: &'static str,
    /// A new password was just set.
    was_reset: bool,
    /// There is no account yet.
    is_new: bool,
    /// A new password can be had by mail.
    has_mail: bool,
}

#[derive(Template)]
#[template(path = "account/code.html")]
struct CodePage {
    next: String,
    problem: &'static str,
}

#[derive(Deserialize, Default)]
pub struct Params {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

type Asked = Result<Query<Params>, axum::extract::rejection::QueryRejection>;

fn params(asked: Asked) -> Params {
    // What cannot be read says nothing.
    asked.map_or_else(|_| Params::default(), |Query(params)| params)
}

pub async fn show(
    State(app): State<App>,
    came_with: CameWith,
    asked: Asked,
) -> Result<Response, Failure> {
    let params = params(asked);
    let next = safe_next(&params.next).to_owned();
    if came_with.caller().is_some() {
        return Ok(go_to(&next, None));
    }
    page(&LoginPage {
        mail: String::new(),
        next,
        problem: "",
        was_reset: params.done == "reset",
        is_new: !app.store.has_accounts().await?,
        has_mail: app.mail.is_some(),
    })
}

pub async fn password(
    State(app): State<App>,
    arrival: Arrival,
    came_with: CameWith,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["mail", "password", "next"])?;
    let next = safe_next(form.text("next"));
    // Whatever was typed is looked up: what nobody can have costs the same as what somebody has.
    let typed = form.text("mail").trim();
    let end = typed.floor_char_boundary(MAIL_BYTES_MAX);
    let mail = typed.get(..end).unwrap_or_default().to_lowercase();
    let account = app.store.account_of(&mail).await?;
    let stored = account.as_ref().map(|account| account.password.as_str());
    let checked = check(&app, &arrival, &mail, stored, form.text("password")).await;
    let (attempt, account) = match (checked, account) {
        (Ok(attempt), Some(account)) => (attempt, account),
        (Err(Refused::Wrong), _) | (Ok(_), None) => {
            let again = page(&LoginPage {
                mail,
                next: next.to_owned(),
                problem: "The mail address or the password is wrong.",
                was_reset: false,
                is_new: false,
                has_mail: app.mail.is_some(),
            })?;
            return Ok((StatusCode::UNAUTHORIZED, again).into_response());
        }
        (Err(refused), _) => return refused.answer(),
    };
    let old = came_with.token;
    if !account.has_totp() {
        return log_in(&app, &arrival, attempt, &account, old, next).await;
    }
    // Half-way: whoever has the password alone clears no count of guesses.
    app.accounts.attempts.was_good(attempt);
    let token = begin(&app, account.id, true, old).await?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    let place = format!("/login/code?{}", query.finish());
    Ok(go_to(&place, cookie::set(&arrival, &token, HALF_LOGIN_MS)))
}

pub async fn show_code(came_with: CameWith, asked: Asked) -> Result<Response, Failure> {
    let params = params(asked);
    let next = safe_next(&params.next).to_owned();
    match &came_with.login {
        Some((login, _)) if login.awaits_code => page(&CodePage { next, problem: "" }),
        Some(_) => Ok(go_to(&next, None)),
        None => Ok(go_to("/login", None)),
    }
}

pub async fn code(
    State(app): State<App>,
    arrival: Arrival,
    came_with: CameWith,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["code", "next"])?;
    let next = safe_next(form.text("next"));
    let Some((login, account)) = &came_with.login else {
        return Ok(go_to("/login", None));
    };
    if !login.awaits_code {
        return Ok(go_to(next, None));
    }
    let attempts = &app.accounts.attempts;
    let began = attempts.begin(&account.mail, arrival.network(), app.clock.now_ms());
    let attempt = match began {
        Ok(attempt) => attempt,
        Err(too_many) => return too_many_tries(too_many),
    };
    if !is_right_code(&app, account, form.text("code")).await? {
        let again = page(&CodePage {
            next: next.to_owned(),
            problem: "That code is wrong, or was used before.",
        })?;
        return Ok((StatusCode::UNAUTHORIZED, again).into_response());
    }
    log_in(&app, &arrival, attempt, account, came_with.token, next).await
}

/// Whether it is a code of the app, or a recovery code; uses either up.
async fn is_right_code(app: &App, account: &Account, code: &str) -> Result<bool, Error> {
    if let Some(step) = totp::step_of(&account.totp_secret, code, app.clock.now_ms()) {
        return app.store.take_step(account.id, step).await;
    }
    match totp::recovery_hash(code) {
        Some(hash) => app.store.take_recovery_code(account.id, hash).await,
        None => Ok(false),
    }
}

pub async fn out(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    form.only(&[])?;
    app.store
        .end_login(caller.account.id, caller.login.id)
        .await?;
    Ok(go_to("/login", cookie::clear(&arrival)))
}

async fn log_in(
    app: &App,
    arrival: &Arrival,
    attempt: Attempt,
    account: &Account,
    old: Option<TokenHash>,
    next: &str,
) -> Result<Response, Failure> {
    app.accounts.attempts.was_proof(attempt);
    let token = begin(app, account.id, false, old).await?;
    Ok(go_to(next, cookie::set(arrival, &token, LOGIN_MS)))
}

/// Begins a log-in, whole or half, in the place of what the browser came with.
pub async fn begin(
    app: &App,
    account: i64,
    awaits_code: bool,
    old: Option<TokenHash>,
) -> Result<crate::accounts::token::PlainToken, Error> {
    let now_ms = app.clock.now_ms();
    let lasts_ms = if awaits_code { HALF_LOGIN_MS } else { LOGIN_MS };
    let expires_ms = now_ms.saturating_add(lasts_ms);
    let on = date_in_utc(now_ms);
    app.store
        .begin_login(account, awaits_code, on, expires_ms, old)
        .await
}
