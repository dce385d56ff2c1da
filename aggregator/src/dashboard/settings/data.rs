//! Counts out of a site and into it.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use jiff::civil::Date;

use super::super::guard::AtSite;
use super::super::{Failure, page};
use super::form::{Form, Wrong, refused};
use super::{Frame, again};
use crate::error::Result as OurResult;
use crate::export::{self, Form as Written};
use crate::serve::App;

const PATH: &str = "/settings/data";
const FIELDS: [&str; 3] = ["from", "to", "format"];
/// Imports that are listed.
const IMPORTS_MAX: u32 = 100;

#[derive(Template)]
#[template(path = "settings/data.html")]
struct DataPage {
    frame: Frame,
    form: Form,
    /// The first and the last day with counts.
    days: Option<(Date, Date)>,
    imports: Vec<ImportLine>,
}

struct ImportLine {
    name: String,
    about: String,
}

async fn render(app: &App, at: &AtSite, form: Form) -> OurResult<DataPage> {
    let today = at.site.today(app.clock.now_ms());
    let oldest = app.store.oldest_day(at.site.id).await?;
    let imports = app.store.imports(at.site.id, IMPORTS_MAX).await?;
    let line = |import: crate::store::PastImport| {
        let on = import.started_on;
        let again = match import.times {
            0 => String::new(),
            n => format!(", after {n} before"),
        };
        let about = match import.done {
            true => format!("imported on {on}{again}"),
            false => format!("begun on {on}{again}, not whole: run the same command again"),
        };
        ImportLine {
            name: import.name,
            about,
        }
    };
    Ok(DataPage {
        frame: Frame::new(at, PATH, ""),
        form,
        days: oldest.map(|oldest| (oldest, today)),
        imports: imports.into_iter().map(line).collect(),
    })
}

pub async fn show(State(app): State<App>, at: AtSite) -> Result<Response, Failure> {
    let form = Form::of(&[("format", "plausible-csv")]);
    page(&render(&app, &at, form).await?)
}

/// `GET …/data/export`: the zip.
pub async fn export(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let text = |field: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(name, _)| name == field);
        found.map_or(String::new(), |(_, value)| value.into_owned())
    };
    let [from, to, format] = FIELDS.map(text);
    let asked = (day("from", &from), day("to", &to), written(&format));
    let wrong = match asked {
        (Ok(from), Ok(to), Ok(form)) => {
            match export::download(&app, at.site.clone(), from, to, form).await {
                Ok(response) => return Ok(response),
                Err(error @ crate::error::Error::Refused(_)) => {
                    refused(error, &[("from", "from", "From")])?
                }
                Err(error) => return Err(error.into()),
            }
        }
        (Err(wrong), ..) | (_, Err(wrong), _) | (.., Err(wrong)) => wrong,
    };
    let form = Form::of(&[("from", &from), ("to", &to), ("format", &format)]).with_wrong(wrong);
    again(&render(&app, &at, form).await?)
}

fn day(field: &'static str, text: &str) -> Result<Option<Date>, Wrong> {
    match text.parse::<Date>() {
        _ if text.is_empty() => Ok(None),
        Ok(date) if text.len() == 10 => Ok(Some(date)),
        _ => {
            let called = if field == "from" { "From" } else { "To" };
            Err(Wrong::of(
                field,
                format!("{called}: a date such as 2026-11-23."),
            ))
        }
    }
}

fn written(word: &str) -> Result<Written, Wrong> {
    if word.is_empty() {
        return Ok(Written::PlausibleCsv);
    }
    let found = Written::ALL.iter().find(|(known, _)| *known == word);
    let says = "What: there are plausible-csv and cubes.";
    found
        .map(|(_, form)| *form)
        .ok_or_else(|| Wrong::of("format", says))
}
