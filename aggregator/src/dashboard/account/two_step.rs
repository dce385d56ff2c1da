//! The second step of a log-in: turning it on and off, and its recovery codes.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::guard::Caller;
use super::super::{Failure, page};
use super::fields::Fields;
use super::settings::{again, confirmed};
use super::{go_to, too_many_tries};
use crate::accounts::totp::{self, Shown};
use crate::arrival::Arrival;
use crate::error::Error;
use crate::serve::App;

#[derive(Template)]
#[template(path = "account/totp.html")]
struct TotpPage {
    shown: Shown,
    problem: &'static str,
}

#[derive(Template)]
#[template(path = "account/recovery.html")]
struct RecoveryPage {
    codes: Vec<String>,
    /// The second step was turned on just now.
    is_new: bool,
}

const SECTION: &str = "totp";
const IS_ON: &str = "The second step is on already.";

/// Draws a secret and shows it.
pub async fn offer(
    State(app): State<App>,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    form.only(&[])?;
    if caller.account.has_totp() {
        return again(&app, &caller, SECTION, StatusCode::CONFLICT, IS_ON).await;
    }
    app.store
        .offer_totp(caller.account.id, &totp::new_secret()?)
        .await?;
    Ok(go_to("/account/totp", None))
}

pub async fn show(caller: Caller) -> Result<Response, Failure> {
    if caller.account.totp_pending.is_empty() {
        return Ok(go_to("/account", None));
    }
    page(&TotpPage::of(&caller, "")?)
}

impl TotpPage {
    fn of(caller: &Caller, problem: &'static str) -> Result<Self, Error> {
        let account = &caller.account;
        Ok(Self {
            shown: totp::show(&account.totp_pending, &account.mail)?,
            problem,
        })
    }
}

/// Turns it on, once a code shows that the app has the secret.
pub async fn confirm(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["code"])?;
    let account = &caller.account;
    if account.totp_pending.is_empty() {
        return Ok(go_to("/account", None));
    }
    let now_ms = app.clock.now_ms();
    let attempts = &app.accounts.attempts;
    let attempt = match attempts.begin(&account.mail, arrival.network(), now_ms) {
        Ok(attempt) => attempt,
        Err(too_many) => return too_many_tries(too_many),
    };
    let Some(step) = totp::step_of(&account.totp_pending, form.text("code"), now_ms) else {
        let wrong = "Code: that is not the one your app shows now.";
        let again = page(&TotpPage::of(&caller, wrong)?)?;
        return Ok((StatusCode::BAD_REQUEST, again).into_response());
    };
    attempts.was_good(attempt);
    let codes = totp::new_recovery_codes()?;
    let secret = &account.totp_pending;
    let begun = app
        .store
        .begin_totp(account.id, secret, step, &hashes(&codes), caller.login.id)
        .await?;
    match begun {
        true => page(&RecoveryPage {
            codes,
            is_new: true,
        }),
        false => Ok(go_to("/account/totp", None)),
    }
}

fn hashes(codes: &[String]) -> Vec<Vec<u8>> {
    let hash = |code: &String| totp::recovery_hash(code);
    codes.iter().filter_map(hash).collect()
}

pub async fn off(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["password"])?;
    let typed = form.text("password");
    if let Some(refused) = confirmed(&app, &arrival, &caller, SECTION, typed).await? {
        return Ok(refused);
    }
    app.store.end_totp(caller.account.id).await?;
    Ok(go_to("/account?done=totp-off", None))
}

/// Other recovery codes in the place of those there are.
pub async fn recovery(
    State(app): State<App>,
    arrival: Arrival,
    caller: Caller,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["password"])?;
    if !caller.account.has_totp() {
        let problem = "The second step is off: it has no recovery codes.";
        return again(&app, &caller, SECTION, StatusCode::CONFLICT, problem).await;
    }
    let typed = form.text("password");
    if let Some(refused) = confirmed(&app, &arrival, &caller, SECTION, typed).await? {
        return Ok(refused);
    }
    let codes = totp::new_recovery_codes()?;
    app.store
        .set_recovery_codes(caller.account.id, &hashes(&codes))
        .await?;
    page(&RecoveryPage {
        codes,
        is_new: false,
    })
}
