//! A new password by mail, for whoever has forgotten theirs. Whether somebody has an account is not to
//! be learned here: whoever asks is answered before the address is looked up.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::{Failure, message, page};
use super::fields::Fields;
use super::{sentence, too_many_of};
use crate::accounts::{RESET_BY_MAIL_MS, names};
use crate::arrival::Arrival;
use crate::error::Error;
use crate::mail::{Mail, account};
use crate::serve::App;
use crate::store::Link;

#[derive(Template)]
#[template(path = "account/forgot.html")]
struct ForgotPage {
    mail: String,
    problem: String,
}

fn no_mail() -> Result<Response, Failure> {
    let text =
        "This server sends no mail. Whoever runs it can give you a link for a new password: \
        dayfly user reset prints one."
            .to_owned();
    message(StatusCode::NOT_FOUND, "No mail here", text)
}

pub async fn show(State(app): State<App>) -> Result<Response, Failure> {
    if app.mail.is_none() {
        return no_mail();
    }
    page(&ForgotPage {
        mail: String::new(),
        problem: String::new(),
    })
}

pub async fn ask(
    State(app): State<App>,
    arrival: Arrival,
    form: Fields,
) -> Result<Response, Failure> {
    let Some(mail) = app.mail.clone() else {
        return no_mail();
    };
    let form = form.only(&["mail"])?;
    let address = match names::mail(form.text("mail")) {
        Ok(address) => address,
        Err(error) => {
            let typed = form.text("mail");
            let end = typed.floor_char_boundary(names::MAIL_BYTES_MAX);
            let again = page(&ForgotPage {
                mail: typed.get(..end).unwrap_or_default().to_owned(),
                problem: sentence(&error),
            })?;
            return Ok((StatusCode::BAD_REQUEST, again).into_response());
        }
    };
    let now_ms = app.clock.now_ms();
    // Each counts, for whoever has an account and for whoever has none.
    let begun = app
        .accounts
        .resets
        .begin(&address, arrival.network(), now_ms);
    if let Err(too_many) = begun {
        let why = "A new password was asked for too often, for this address or from this network.";
        return too_many_of(why, too_many);
    }
    if let Some(place) = mail.place() {
        tokio::spawn(async move {
            if let Err(error) = send(&app, &mail, &address).await {
                tracing::error!("mail: a new password is not sent: {error}");
            }
            drop(place);
        });
    } else {
        tracing::error!("mail: a new password is not sent: too many mails wait already");
    }
    let text = "If somebody has an account with this address, a mail with a link is on its way to \
        it. The link works once, within an hour. Nothing comes? Look among the spam, or ask whoever \
        runs this server."
        .to_owned();
    message(StatusCode::OK, "Look into your mail", text)
}

/// To whoever has an account of this address.
async fn send(app: &App, mail: &Arc<Mail>, address: &str) -> Result<(), Error> {
    let Some(account) = app.store.account_of(address).await? else {
        return Ok(());
    };
    let now_ms = app.clock.now_ms();
    let link = Link::Reset {
        account: account.id,
    };
    let expires_ms = now_ms.saturating_add(RESET_BY_MAIL_MS);
    let token = app.store.add_link(&link, expires_ms).await?;
    let letter = account::reset(mail, &account.mail, &token)?;
    mail.post_in("a new password", &letter, now_ms).await;
    Ok(())
}
