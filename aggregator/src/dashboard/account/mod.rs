//! Pages about accounts: logging in, being let in for the first time, one's own settings, and the
//! people of a site. All work without scripts.

pub mod cookie;
pub mod fields;
mod forgot;
mod login;
mod people;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod two_step;
mod welcome;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::guard::{Needs, Pages};
use super::{Failure, message};
use crate::accounts::Role;
use crate::accounts::attempts::{Attempt, TooMany};
use crate::accounts::password::Password;
use crate::arrival::Arrival;
use crate::error::Error;
use crate::serve::App;

/// Adds the pages.
pub fn add(pages: Pages) -> Pages {
    let site = Needs::Site(Role::Owner);
    let pages = pages
        .get("/login", Needs::Nothing, login::show)
        .post("/login", Needs::Nothing, login::password)
        .get("/login/code", Needs::Nothing, login::show_code)
        .post("/login/code", Needs::Nothing, login::code)
        .post("/logout", Needs::Account, login::out)
        .get("/forgot", Needs::Nothing, forgot::show)
        .post("/forgot", Needs::Nothing, forgot::ask)
        .get("/welcome/{token}", Needs::Nothing, welcome::show)
        .post("/welcome/{token}", Needs::Nothing, welcome::join)
        .post("/welcome/{token}/accept", Needs::Account, welcome::accept)
        .get("/reset/{token}", Needs::Nothing, welcome::show_reset)
        .post("/reset/{token}", Needs::Nothing, welcome::reset)
        .get("/account", Needs::Account, settings::show)
        .post("/account/name", Needs::Account, settings::name)
        .post("/account/password", Needs::Account, settings::password)
        .post("/account/sessions/end", Needs::Account, settings::end_login)
        .post("/account/delete", Needs::Account, settings::delete)
        .post("/account/totp", Needs::Account, two_step::offer)
        .get("/account/totp", Needs::Account, two_step::show)
        .post("/account/totp/confirm", Needs::Account, two_step::confirm)
        .post("/account/totp/off", Needs::Account, two_step::off)
        .post("/account/totp/recovery", Needs::Account, two_step::recovery);
    pages
        .get("/sites/{domain}/people", site, people::show)
        .post("/sites/{domain}/people/invite", site, people::invite)
        .post("/sites/{domain}/people/withdraw", site, people::withdraw)
        .post("/sites/{domain}/people/role", site, people::role)
        .post("/sites/{domain}/people/remove", site, people::remove)
}

/// Why a password is not taken.
pub enum Refused {
    /// It is not the one.
    Wrong,
    /// There were too many wrong ones.
    TooMany(TooMany),
    /// See [`Error::Busy`].
    Busy,
    /// Our own failure.
    Failed(Failure),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Busy => Self::Busy,
            error => Self::Failed(error.into()),
        }
    }
}

impl Refused {
    /// The answer, but where the password is wrong: that is for the page to say.
    pub fn answer(self) -> Result<Response, Failure> {
        match self {
            Self::Wrong => message(
                StatusCode::UNAUTHORIZED,
                "Wrong password",
                "The password is wrong.".to_owned(),
            ),
            Self::TooMany(too_many) => too_many_tries(too_many),
            Self::Busy => busy(),
            Self::Failed(failure) => Err(failure),
        }
    }
}

/// Looks at a password for an address, whether somebody has it (then with what is stored) or not.
/// Every look counts as bad until [`crate::accounts::attempts::Attempts`] is told otherwise.
pub async fn check(
    app: &App,
    arrival: &Arrival,
    mail: &str,
    stored: Option<&str>,
    typed: &str,
) -> Result<Attempt, Refused> {
    let attempts = &app.accounts.attempts;
    let attempt = attempts
        .begin(mail, arrival.network(), app.clock.now_ms())
        .map_err(Refused::TooMany)?;
    let typed = Password::typed(typed);
    match app.accounts.passwords.is_right(typed, stored).await {
        Ok(true) => Ok(attempt),
        Ok(false) => Err(Refused::Wrong),
        Err(error) => {
            // Nothing was looked at.
            attempts.was_good(attempt);
            Err(error.into())
        }
    }
}

fn too_many_tries(too_many: TooMany) -> Result<Response, Failure> {
    let why = "There were too many wrong tries for this account, or from this network.";
    too_many_of(why, too_many)
}

/// 429, why, and when again.
fn too_many_of(why: &str, too_many: TooMany) -> Result<Response, Failure> {
    let minutes = too_many.retry_after_s.div_ceil(60);
    let plural = if minutes == 1 { "" } else { "s" };
    let text = format!("{why} Try again in {minutes} minute{plural}.");
    let page = message(StatusCode::TOO_MANY_REQUESTS, "Too many tries", text)?;
    let retry_after = HeaderValue::from(too_many.retry_after_s);
    Ok(([(header::RETRY_AFTER, retry_after)], page).into_response())
}

pub fn busy() -> Result<Response, Failure> {
    let text = "Too many log in at once. Try again in a few seconds.".to_owned();
    let page = message(StatusCode::SERVICE_UNAVAILABLE, "Just a moment", text)?;
    Ok(([(header::RETRY_AFTER, HeaderValue::from(5))], page).into_response())
}

/// 303, kept by nobody, with a cookie where there is one to set.
pub fn go_to(place: &str, cookie: Option<HeaderValue>) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut response = (no_store, Redirect::to(place)).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What the fault of an input is, said as a sentence: `mail: that is …` becomes `Mail address: that
/// is …`.
pub fn sentence(error: &Error) -> String {
    let text = error.to_string();
    match text.split_once(": ") {
        Some(("mail", rest)) => format!("Mail address: {rest}."),
        Some(("name", rest)) => format!("Name: {rest}."),
        Some(("password", rest)) => format!("Password: {rest}."),
        Some(("until", rest)) => format!("Last day: {rest}."),
        Some(("k", rest)) => format!("Fewest visitors: {rest}."),
        _ => format!("{text}."),
    }
}

/// A path of this server that a browser may be sent to; anything else is the overview.
fn safe_next(next: &str) -> &str {
    let is_safe = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 1_000
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_safe { next } else { "/" }
}
