//! `GET /api/v1/sites/{domain}/export`: everything that was counted, as a zip (COMPAT.md, section 6).

use axum::extract::{Request, State};
use axum::response::Response;
use jiff::civil::Date;

use super::{Call, Named, Refusal, in_path};
use crate::api::params::{Params, invalid};
use crate::export::{Form, download};
use crate::serve::App;
use crate::store::Scope;

/// What the route takes.
pub const FIELDS: [&str; 3] = ["from", "to", "format"];

/// See the module.
pub async fn answer(
    State(app): State<App>,
    name: Named,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::take_for(Scope::Stats, &app, request, &FIELDS).await?;
    let domain = in_path("domain", name)?;
    let site = call.access.site(&app, "domain", &domain).await?;
    let form = call.params.word("format", &Form::ALL)?;
    let (from, to) = (day(&call.params, "from")?, day(&call.params, "to")?);
    let form = form.unwrap_or(Form::PlausibleCsv);
    Ok(download(&app, site, from, to, form).await?)
}

fn day(params: &Params, field: &str) -> Result<Option<Date>, Refusal> {
    match params.text(field)? {
        None => Ok(None),
        Some(text) => match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => Ok(Some(date)),
            _ => Err(invalid(field, "must be a date such as 2026-11-23")),
        },
    }
}
