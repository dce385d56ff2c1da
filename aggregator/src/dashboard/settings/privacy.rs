//! What is counted of whom, how much of it leaves the edge, and for how long it is kept.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use shared::settings::{Detail, Settings, Signal};

use super::super::account::fields::{Fields, wrong as malformed};
use super::super::guard::AtSite;
use super::super::{Failure, page};
use super::form::{Form, Wrong, refused};
use super::{Frame, again, back, said};
use crate::clock::date_in_utc;
use crate::error::Result as OurResult;
use crate::serve::App;
use crate::store::{KEPT_MONTHS_MAX, SiteChange};

const PATH: &str = "/settings/privacy";
const FIELDS: [&str; 6] = ["gpc", "dnt", "clean_paths", "detail", "months", "deletes"];

#[derive(Template)]
#[template(path = "settings/privacy.html")]
struct PrivacyPage {
    frame: Frame,
    form: Form,
    signals: [(&'static str, &'static str, &'static str); 2],
    months_max: u32,
    /// What was counted before this day would be deleted, and that is to be confirmed.
    deletes_before: Option<Date>,
}

/// Field, title, what the signal is.
const SIGNALS: [(&str, &str, &str); 2] = [
    (
        "gpc",
        "Global Privacy Control",
        "A visitor’s browser says “do not sell or share my data”. In some places the law asks you \
            to heed it.",
    ),
    (
        "dnt",
        "Do Not Track",
        "The older signal, which most browsers have given up.",
    ),
];

fn render(at: &AtSite, form: Form, done: &'static str) -> PrivacyPage {
    PrivacyPage {
        frame: Frame::new(at, PATH, done),
        form,
        signals: SIGNALS,
        months_max: KEPT_MONTHS_MAX,
        deletes_before: None,
    }
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let settings = app.store.settings_of(at.site.id).await?;
    let months = app.store.kept_months(at.site.id).await?.to_string();
    let form = Form::of(&[
        ("gpc", settings.gpc.as_str()),
        ("dnt", settings.dnt.as_str()),
        ("clean_paths", if settings.clean_paths { "on" } else { "" }),
        ("detail", settings.detail.as_str()),
        ("months", &months),
    ]);
    page(&render(&at, form, said(query.as_deref())))
}

/// One of the words that a form's choices have.
fn word<T: Copy>(form: &Fields, field: &str, all: &[(&str, T)]) -> Result<T, Failure> {
    let found = all.iter().find(|(word, _)| *word == form.text(field));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
        malformed(&format!("{field}: there are {}", words.join(", ")))
    })
}

/// The day before which keeping so many months deletes something that is kept now.
async fn deletes_before(app: &App, at: &AtSite, months: u32) -> OurResult<Option<Date>> {
    if months >= app.store.kept_months(at.site.id).await? {
        return Ok(None);
    }
    let today = at.site.today(app.clock.now_ms());
    let first = today.checked_sub(i64::from(months).months()).ok();
    let oldest = app.store.oldest_day(at.site.id).await?;
    Ok(first.filter(|first| oldest.is_some_and(|oldest| oldest < *first)))
}

pub async fn save(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&FIELDS)?;
    let (gpc, dnt): (Signal, Signal) = (
        word(&form, "gpc", &Signal::ALL)?,
        word(&form, "dnt", &Signal::ALL)?,
    );
    let detail = word(&form, "detail", &Detail::ALL)?;
    let clean_paths = form.text("clean_paths") == "on";
    let wrong = |field, says: String| Form::again(&form, &FIELDS, Wrong::of(field, says));
    let Ok(months) = form.text("months").trim().parse() else {
        let says = format!("Months: a whole number from 1 to {KEPT_MONTHS_MAX}.");
        return again(&render(&at, wrong("months", says), ""));
    };
    if form.text("deletes") != "on"
        && let Some(before) = deletes_before(&app, &at, months).await?
    {
        let says = format!("Months: this deletes what was counted before {before}. Confirm it.");
        return again(&PrivacyPage {
            deletes_before: Some(before),
            ..render(&at, wrong("months", says), "")
        });
    }
    let change = SiteChange {
        kept_months: Some(months),
        ..SiteChange::default()
    };
    let edit = |settings: &mut Settings| {
        settings.gpc = gpc;
        settings.dnt = dnt;
        settings.detail = detail;
        settings.clean_paths = clean_paths;
    };
    let today = date_in_utc(app.clock.now_ms());
    match app
        .store
        .change_site(at.site.id, &change, today, edit)
        .await
    {
        Ok(_) => Ok(back(&at.site, PATH, "privacy")),
        Err(error) => {
            let wrong = refused(error, &[("months", "months", "Months")])?;
            again(&render(&at, Form::again(&form, &FIELDS, wrong), ""))
        }
    }
}
