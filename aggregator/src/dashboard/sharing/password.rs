//! Links that ask for a password. Whoever gives it gets a cookie for this link alone, which ends with
//! the link, or after a day. Guesses are counted as those of accounts are.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::account::cookie;
use super::super::account::fields::Fields;
use super::super::account::{Refused, check, go_to};
use super::super::{Failure, page};
use super::guest::{self, nothing, unlisted};
use crate::arrival::Arrival;
use crate::serve::App;

/// How long a browser need not give the password again, ms.
const LOGIN_MS: i64 = 24 * 3_600_000;

#[derive(Template)]
#[template(path = "sharing/password.html")]
struct PasswordPage {
    /// Where the form is sent.
    base: String,
    problem: &'static str,
}

/// The cookie's name, without its prefix.
pub fn cookie_name(link: i64) -> String {
    format!("dayfly-link-{link:x}")
}

/// The page that asks. It does not tell what the link leads to.
pub fn ask(base: &str, status: StatusCode, problem: &'static str) -> Result<Response, Failure> {
    let base = base.to_owned();
    let answer = (status, page(&PasswordPage { base, problem })?).into_response();
    Ok(unlisted(answer))
}

/// `POST /shared/{token}`: a password.
pub async fn give(
    State(app): State<App>,
    arrival: Arrival,
    Path(token): Path<String>,
    form: Fields,
) -> Result<Response, Failure> {
    let Some(found) = guest::find(&app, &token).await? else {
        return nothing();
    };
    if !found.link.has_password() {
        return Ok(unlisted(go_to(&found.base, None)));
    }
    let form = form.only(&["password"])?;
    // Mail addresses have no space.
    let who = format!("link {}", found.link.id);
    let stored = Some(found.link.password.as_str());
    let checked = check(&app, &arrival, &who, stored, form.text("password")).await;
    let attempt = match checked {
        Ok(attempt) => attempt,
        Err(Refused::Wrong) => {
            return ask(
                &found.base,
                StatusCode::UNAUTHORIZED,
                "The password is wrong.",
            );
        }
        Err(refused) => return refused.answer().map(unlisted),
    };
    // Others may know the password as well: it clears nobody's count of guesses.
    app.accounts.attempts.was_good(attempt);
    let now_ms = app.clock.now_ms();
    let expires_ms = now_ms.saturating_add(LOGIN_MS);
    let begun = app
        .store
        .begin_shared_login(found.link.id, now_ms, expires_ms);
    let token = begun.await?;
    let cookie = cookie::set_named(&cookie_name(found.link.id), &arrival, &token, LOGIN_MS);
    Ok(unlisted(go_to(&found.base, cookie)))
}
