//! Events of a file to batches in the store.

use std::num::NonZero;
use std::sync::Arc;

use shared::rules::Rules;
use shared::visitor::Salt;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use zeroize::Zeroize;

use super::count::{Sealed, count};
use super::format::Format;
use super::input::Input;
use super::read::Reading;
use super::sort::Runs;
use super::{Import, Progress, Summary, now_ms, refused};
use crate::error::{Error, Result};
use crate::store::Applied;

/// Batches that wait for the database.
const BATCHES_WAITING: usize = 4;

/// Imports events.
pub async fn import(
    import: &Import<'_>,
    input: Input,
    format: Format,
    progress: &Progress,
) -> Result<Summary> {
    let name = input.name();
    let known = input.sha256();
    let mut started = match known {
        Some(sha256) => Some(import.begin(sha256, &name).await?),
        None => None,
    };
    let today = import.site.today(now_ms());
    let (settings, latest) = match &started {
        Some(started) => (started.settings.clone(), started.latest),
        None => (
            import.store.settings_of(import.site.id).await?,
            today.tomorrow().unwrap_or(today),
        ),
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(8);

    progress.begin("reading", input.bytes().unwrap_or(0), "B");
    let site = Arc::new(import.site.clone());
    let runs = Runs::new(import.folder.to_owned());
    let content = input.content(progress)?;
    let salt = salt()?;
    let reading = {
        let site = site.clone();
        spawn_blocking(move || {
            let mut content = content;
            let rules = Rules::new(&settings);
            let reading = Reading {
                format,
                site: &site,
                rules: &rules,
                salt,
                latest,
                threads,
            };
            let found = reading.read(&mut content.reader, &runs)?;
            Ok::<_, std::io::Error>((found, content.sha256(), runs.merged()?))
        })
    };
    let (found, sha256, merge) = blocking(reading.await)?;
    progress.end();
    let started = match (started.take(), sha256) {
        (Some(started), _) => started,
        (None, Some(sha256)) => import.begin(sha256, &name).await?,
        (None, None) => return Err(Error::Invalid("what was read has no SHA-256".into())),
    };
    let mut summary = Summary::new(found, started.resumed);
    progress.begin("counting", summary.events(), "events");
    let (send, mut receive) = mpsc::channel::<Sealed>(BATCHES_WAITING);
    let counting = {
        let (progress, incarnation) = (progress.clone(), started.incarnation.clone());
        spawn_blocking(move || {
            let take = |sealed| send.blocking_send(sealed).is_ok();
            count(merge, &site, &incarnation, threads, &progress, take)
        })
    };
    while let Some(Sealed { batch, sha256 }) = receive.recv().await {
        let applied = import.store.apply_batch(&batch, sha256, now_ms()).await?;
        match applied {
            Applied::Now | Applied::Before => summary.batch(&batch, applied),
            other => return Err(refused(other, batch.source.date)),
        }
    }
    blocking(counting.await)?;
    progress.end();
    import
        .store
        .finish_import(import.site.id, &started.sha256)
        .await?;
    Ok(summary)
}

/// A salt that only this process has, for as long as it reads.
fn salt() -> Result<Salt> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    let salt = Salt::from_random(bytes);
    bytes.zeroize();
    Ok(salt)
}

/// What a thread of its own has come to.
pub fn blocking<T>(
    result: std::result::Result<std::io::Result<T>, tokio::task::JoinError>,
) -> Result<T> {
    match result {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Error::Invalid(format!("import: {error}"))),
        Err(_) => Err(Error::Invalid(
            "import: a thread did not end as it should".into(),
        )),
    }
}
