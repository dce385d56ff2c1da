//! `GET /api/v1/sites/{domain}/export`: everything that was counted, as a zip (COMPAT.md, section 6).
//!
//! The zip is made in a file without a name, gone with the request, and sent from there: however
//! large it is, little of it is in memory. Two are made at once; whoever comes then waits.

use std::fs::File;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::civil::Date;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::Semaphore;

use super::{Call, Named, Refusal, in_path};
use crate::api::params::{Params, invalid};
use crate::error::Error;
use crate::export::{Export, Form};
use crate::serve::App;
use crate::site::Site;
use crate::store::Scope;

/// What the route takes.
pub const FIELDS: [&str; 3] = ["from", "to", "format"];
/// Zips that are made at once.
static MAKING: Semaphore = Semaphore::const_new(2);
/// What is read of the file at once, bytes.
const PIECE_BYTES: usize = 64 * 1024;

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
    let days = days(&app, &site, &call.params).await?;
    let name = format!("{}-{}-{}.zip", site.domain, days.0, days.1);
    let file = made(app, site, days, form.unwrap_or(Form::PlausibleCsv)).await?;
    let mut file = tokio::fs::File::from_std(file);
    let bytes = file.seek(std::io::SeekFrom::End(0)).await.map_err(failed)?;
    file.rewind().await.map_err(failed)?;
    let pieces = stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE_BYTES];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((piece, file)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// First and last day, none before anything was counted or after today.
async fn days(app: &App, site: &Site, params: &Params) -> Result<(Date, Date), Refusal> {
    let day = |field: &str| match params.text(field)? {
        None => Ok(None),
        Some(text) => match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => Ok(Some(date)),
            _ => Err(invalid(field, "must be a date such as 2026-11-23")),
        },
    };
    let (from, to) = (day("from")?, day("to")?);
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(invalid("from", format!("{from} is after {to}")));
    }
    let today = site.today(app.clock.now_ms());
    let oldest = app.store.oldest_day(site.id).await?.unwrap_or(today);
    let to = to.unwrap_or(today).min(today);
    let from = from.unwrap_or(oldest).max(oldest);
    Ok((from.min(to), to))
}

/// The zip, made on a thread that may be busy with it.
async fn made(app: App, site: Site, days: (Date, Date), form: Form) -> Result<File, Refusal> {
    let _permit = MAKING.acquire().await.map_err(|_| closed())?;
    let runtime = tokio::runtime::Handle::current();
    let making = tokio::task::spawn_blocking(move || {
        let file =
            tempfile::tempfile().map_err(|error| Error::Invalid(format!("export: {error}")))?;
        let export = Export {
            store: &app.store,
            site: &site,
            days,
            form,
            to: "export".into(),
        };
        runtime.block_on(export.write_to(file))
    });
    let (file, _) = making
        .await
        .map_err(|_| closed())?
        .map_err(Refusal::Failed)?;
    Ok(file)
}

fn closed() -> Refusal {
    Refusal::Failed(Error::Invalid("the export did not end".into()))
}

fn failed(error: std::io::Error) -> Refusal {
    Refusal::Failed(Error::Invalid(format!("export: {error}")))
}
