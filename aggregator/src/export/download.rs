//! An export over HTTP, for programs and people.
//!
//! The zip is made in a file without a name, gone with the request, and sent from there: however
//! large it is, little of it is in memory. Two are made at once; whoever comes then waits.

use std::fs::File;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::civil::Date;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::Semaphore;

use super::{Export, Form};
use crate::error::{Error, Result};
use crate::serve::App;
use crate::site::Site;

/// Zips that are made at once.
static MAKING: Semaphore = Semaphore::const_new(2);
/// What is read of the file at once, bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// The zip of the days from `from` (else the first with anything counted) to `to` (else today);
/// none before the first or after today is asked for.
///
/// # Errors
/// `from` is after `to`, the file cannot be written, or the database failed.
pub async fn download(
    app: &App,
    site: Site,
    from: Option<Date>,
    to: Option<Date>,
    form: Form,
) -> Result<Response> {
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Error::Refused(format!("from: {from} is after {to}")));
    }
    let today = site.today(app.clock.now_ms());
    let oldest = app.store.oldest_day(site.id).await?.unwrap_or(today);
    let to = to.unwrap_or(today).min(today);
    let from = from.unwrap_or(oldest).max(oldest).min(to);
    let name = format!("{}-{from}-{to}.zip", site.domain);
    let file = made(app.clone(), site, (from, to), form).await?;
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

/// The zip, made on a thread that may be busy with it.
async fn made(app: App, site: Site, days: (Date, Date), form: Form) -> Result<File> {
    let closed = || Error::Invalid("the export did not end".into());
    let _permit = MAKING.acquire().await.map_err(|_| closed())?;
    let runtime = tokio::runtime::Handle::current();
    let making = tokio::task::spawn_blocking(move || {
        let file = tempfile::tempfile().map_err(failed)?;
        let export = Export {
            store: &app.store,
            site: &site,
            days,
            form,
            to: "export".into(),
        };
        runtime.block_on(export.write_to(file))
    });
    let (file, _) = making.await.map_err(|_| closed())??;
    Ok(file)
}

fn failed(error: std::io::Error) -> Error {
    Error::Invalid(format!("export: {error}"))
}
