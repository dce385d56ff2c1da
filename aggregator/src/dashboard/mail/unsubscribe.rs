//! Switching a mail off by the link in it, without a log-in (RFC 8058). Looking changes nothing: mail
//! programs look at links, too. The form, and a mail program's own button, send a POST.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{Failure, message, page};
use crate::error::Error;
use crate::mail::link;
use crate::serve::App;
use crate::site::Site;
use crate::store::MailOf;

#[derive(Template)]
#[template(path = "mail/unsubscribe.html")]
struct UnsubscribePage {
    token: String,
    domain: String,
    what: &'static str,
    is_off: bool,
}

/// Which mail a token switches off, and of which site. Also where the server sends no mail any more:
/// the links are in mails that it has sent.
async fn found(app: &App, token: &str) -> Result<Option<(MailOf, Site)>, Error> {
    let key = app.store.mail_key().await?;
    let Some(of) = link::read(&key, token) else {
        return Ok(None);
    };
    let sites = app.store.sites().await?.into_iter();
    let site = sites.into_iter().find(|site| site.id == of.0);
    Ok(site.map(|site| (of, site)))
}

fn gone() -> Result<Response, Failure> {
    let text =
        "This link switches nothing off: it is not whole, or its site is gone. What you get is \
        decided on a site's page “Mail”."
            .to_owned();
    message(StatusCode::NOT_FOUND, "No such mail", text)
}

pub async fn show(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Failure> {
    let Some(((.., kind), site)) = found(&app, &token).await? else {
        return gone();
    };
    page(&UnsubscribePage {
        token,
        domain: site.domain,
        what: kind.plural(),
        is_off: false,
    })
}

/// Whatever the request holds is not read: mail programs send what they like.
pub async fn stop(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Failure> {
    let Some((of, site)) = found(&app, &token).await? else {
        return gone();
    };
    app.store.stop_mail(of).await?;
    let (.., kind) = of;
    page(&UnsubscribePage {
        token,
        domain: site.domain,
        what: kind.plural(),
        is_off: true,
    })
}
