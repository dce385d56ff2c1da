//! A zip of daily counts, as Plausible exports them and `dayfly export` writes them: taken as
//! rollups as they are. Nothing can be cross-referenced in them, and no hour is told.
//!
//! A row of several texts is a row of several rollups: one of `sources` is of a source, a
//! referrer, a channel and five campaign values. Rows that fall together, because what kept them
//! apart is not kept here (region, city, host), are summed, visitors too: as the file tells no
//! more, a visitor of two of them counts twice.

mod archive;
mod days;
mod row;
pub mod table;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::events::blocking;
use super::input::Input;
use super::sort::Runs;
use super::{Import, Progress, Summary, refused};
use crate::error::{Error, Result};
use crate::store::Applied;

/// Imports daily counts.
pub async fn import(import: &Import<'_>, input: Input, progress: &Progress) -> Result<Summary> {
    let name = input.name();
    let known = input.sha256();
    let file = input.into_file()?;
    let sha256 = known.ok_or_else(|| Error::Invalid("a zip has a SHA-256".into()))?;
    let started = import.begin(sha256, &name).await?;
    let runs = Runs::new(import.folder.to_owned());
    let latest = started.latest;
    let reading = {
        let progress = progress.clone();
        spawn_blocking(move || {
            let found = archive::read(file, latest, &runs, &progress)?;
            let merge = runs.merged().map_err(|error| error.to_string())?;
            Ok::<_, String>((found, merge))
        })
    };
    let read = reading
        .await
        .map_err(|_| Error::Invalid("import: a thread did not end".into()))?;
    let problem = |problem: String| Error::Invalid(format!("{name}: {problem}"));
    let (found, merge) = read.map_err(problem)?;

    let mut summary = Summary::of_rows(found.rows, found.notes, started.resumed);
    progress.begin("counting", found.records, "counts");
    let site = Arc::new(import.site.clone());
    let (send, mut receive) = mpsc::channel(2);
    let summing = {
        let progress = progress.clone();
        spawn_blocking(move || {
            let take = |rollups| send.blocking_send(rollups).is_ok();
            days::sum(merge, &site, &started.incarnation, &progress, take)
        })
    };
    while let Some(rollups) = receive.recv().await {
        let date = rollups.source.date;
        match import.store.apply_rollups(&rollups).await? {
            applied @ (Applied::Now | Applied::Before) => {
                summary.day(date, rollups.hits_total, applied);
            }
            other => return Err(refused(other, date)),
        }
    }
    blocking(summing.await)?;
    progress.end();
    import.store.finish_import(import.site.id, &sha256).await?;
    Ok(summary)
}
