//! Adding a site: a domain and a zone, then on to the line for its pages.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::super::account::fields::Fields;
use super::super::{Failure, page};
use super::form::{Form, Words, Wrong, refused};
use super::{Frame, again, back};
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::serve::App;
use crate::site;

#[derive(Template)]
#[template(path = "settings/add_site.html")]
struct AddSitePage {
    frame: Frame,
    form: Form,
    zones: Vec<String>,
}

const FIELDS: [&str; 2] = ["domain", "timezone"];
/// What the store calls them.
pub const WORDS: Words<'static> = &[
    ("domain", "domain", "Domain"),
    ("timezone", "timezone", "Time zone"),
];

fn render(form: Form) -> AddSitePage {
    AddSitePage {
        frame: Frame::of_server("Add a site", ""),
        form,
        zones: site::timezones(),
    }
}

pub async fn show(State(app): State<App>) -> Result<Response, Failure> {
    // Most often the sites of one owner are in one zone.
    let sites = app.store.sites().await?;
    let timezone = sites.last().map_or("UTC", |site| site.timezone_name());
    page(&render(Form::of(&[("timezone", timezone)])))
}

pub async fn add(State(app): State<App>, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&FIELDS)?;
    let added = async {
        let domain = site::domain(form.text("domain"))?;
        let timezone = site::timezone(form.text("timezone").trim())?;
        let timezone = timezone.iana_name().unwrap_or("UTC");
        let today = date_in_utc(app.clock.now_ms());
        if !app.store.add_site(&domain, timezone, today).await? {
            return Err(Error::Refused(format!("domain: {domain} is here already")));
        }
        let gone = || Error::Refused(format!("domain: {domain} was removed meanwhile"));
        app.store.site(&domain).await?.ok_or_else(gone)
    };
    match added.await {
        Ok(site) => Ok(back(&site, "/settings/snippet", "site")),
        Err(error) => {
            let wrong: Wrong = refused(error, WORDS)?;
            again(&render(Form::again(&form, &FIELDS, wrong)))
        }
    }
}
