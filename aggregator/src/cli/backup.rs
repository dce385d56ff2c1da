//! `dayfly backup` and `dayfly restore`.

use std::path::PathBuf;

use aggregator::backup;
use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::store::Place;
use clap::Args;
use jiff::Timestamp;
use shared::clock::Clock as _;

use super::with_store;

/// `dayfly backup`.
#[derive(Args)]
pub struct BackupCommand {
    /// The file to write, or a folder: then the file is named after the time.
    to: PathBuf,
    /// In a folder: delete the oldest backups beyond so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    keep: Option<u32>,
}

impl BackupCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        let now_ms = SystemClock.now_ms();
        let (path, made) = with_store(data, async |store| match self.to.is_dir() {
            true => {
                let keep = self.keep.map_or(usize::MAX, |keep| keep as usize);
                backup::make_scheduled(store, &self.to, keep, now_ms).await
            }
            false => {
                let made = backup::make(store, &self.to, now_ms).await?;
                Ok((self.to.clone(), made))
            }
        })
        .await?;
        println!(
            "wrote {} and read it again: {} rows, {} bytes",
            path.display(),
            made.rows,
            made.bytes
        );
        Ok(())
    }
}

/// `dayfly restore`.
#[derive(Args)]
pub struct RestoreCommand {
    /// A file that dayfly backup wrote, on whatever engine.
    from: PathBuf,
    /// Delete what the database holds. Without it the database must have no site.
    #[arg(long)]
    replace: bool,
    /// Only read the file, and say whether it is whole.
    #[arg(long, conflicts_with = "replace")]
    check: bool,
}

impl RestoreCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        if self.check {
            let rows = backup::verify(&self.from)?;
            println!("{} is whole: {rows} rows", self.from.display());
            return Ok(());
        }
        // A server that runs would go on with what it has in memory. Those on other machines, with
        // one Postgres, are not known here.
        let _lock = data.lock()?;
        let taken = with_store(data, async |store| {
            backup::restore(store, &self.from, self.replace).await
        })
        .await?;
        let made = Timestamp::from_millisecond(taken.made_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        println!(
            "restored {} sites, {} rows, as of {}",
            taken.restored.sites,
            taken.restored.rows,
            made.strftime("%Y-%m-%d %H:%M:%S UTC")
        );
        println!(
            "start dayfly serve: within an hour the edge sends again what it delivered since, for 48 hours back"
        );
        for site in &taken.restored.came_back {
            println!(
                "{} was removed on {}, after this backup was made, and is here again: to remove it for good, dayfly site remove {}",
                site.domain, site.erased_on, site.domain
            );
        }
        if matches!(data.database(), Place::Url(_)) {
            println!("other servers on this database must be started anew");
        }
        Ok(())
    }
}
