//! A site's name and zone.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::super::account::fields::Fields;
use super::super::guard::AtSite;
use super::super::{Failure, page};
use super::add_site::WORDS;
use super::form::{Form, refused};
use super::{Frame, again, back, said};
use crate::clock::date_in_utc;
use crate::error::{Error, Result as OurResult};
use crate::serve::App;
use crate::site::{self, Site};
use crate::store::{FORMER_DAYS, SiteChange};

const PATH: &str = "/settings/general";

#[derive(Template)]
#[template(path = "settings/general.html")]
struct GeneralPage {
    frame: Frame,
    form: Form,
    timezone: String,
    /// Empty when the zone is fixed.
    zones: Vec<String>,
    /// The domain before this one, and until when its beacons count.
    former: Option<(String, String)>,
    former_days: i64,
}

async fn render(app: &App, at: &AtSite, form: Form, done: &'static str) -> OurResult<GeneralPage> {
    let today = date_in_utc(app.clock.now_ms());
    let former = app.store.former_domain(at.site.id, today).await?;
    let is_fixed = app.store.is_counted(at.site.id).await?;
    Ok(GeneralPage {
        frame: Frame::new(at, PATH, done),
        form,
        timezone: at.site.timezone_name().to_owned(),
        zones: match is_fixed {
            true => Vec::new(),
            false => site::timezones(),
        },
        former: former.map(|(domain, until)| (domain, until.to_string())),
        former_days: FORMER_DAYS,
    })
}

fn form_of(site: &Site) -> Form {
    let timezone = site.timezone_name();
    Form::of(&[("domain", &site.domain), ("timezone", timezone)])
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let done = said(query.as_deref());
    page(&render(&app, &at, form_of(&at.site), done).await?)
}

pub async fn domain(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["domain"])?;
    let domain = match site::domain(form.text("domain")) {
        Ok(domain) => still_counts_elsewhere(&app, &at, domain).await?,
        Err(wrong) => Err(wrong),
    };
    let change = domain.map(|domain| SiteChange {
        domain: Some(domain),
        ..SiteChange::default()
    });
    save(&app, &at, &form, change, "domain").await
}

/// A domain that another site had until the other day: its beacons are not for an owner of this one
/// to take.
async fn still_counts_elsewhere(
    app: &App,
    at: &AtSite,
    domain: String,
) -> Result<Result<String, Error>, Error> {
    let today = date_in_utc(app.clock.now_ms());
    let former = app.store.former_domains(today).await?;
    let is_others = |(site, former): (&u32, &String)| *site != at.site.id && *former == domain;
    Ok(match former.iter().any(is_others) {
        true => Err(Error::Invalid(format!("domain: {domain} is taken"))),
        false => Ok(domain),
    })
}

pub async fn timezone(
    State(app): State<App>,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["timezone"])?;
    let change = site::timezone(form.text("timezone").trim()).map(|timezone| SiteChange {
        timezone: Some(timezone),
        ..SiteChange::default()
    });
    save(&app, &at, &form, change, "timezone").await
}

async fn save(
    app: &App,
    at: &AtSite,
    sent: &Fields,
    change: Result<SiteChange, Error>,
    field: &'static str,
) -> Result<Response, Failure> {
    let today = date_in_utc(app.clock.now_ms());
    let changed = async {
        let change = change?;
        app.store
            .change_site(at.site.id, &change, today, |_| ())
            .await
    };
    match changed.await {
        Ok(site) => Ok(back(&site, PATH, field)),
        Err(error) => {
            let wrong = refused(error, WORDS)?;
            // The other form shows what holds.
            let form = form_of(&at.site).with(Form::again(sent, &[field], wrong));
            again(&render(app, at, form, "").await?)
        }
    }
}
