//! `dayfly export`: a site's counts as CSV files in a zip.

use std::path::PathBuf;

use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::export::{Export, Form};
use clap::Args;
use jiff::civil::Date;
use shared::clock::Clock;

use super::with_site;

/// See the module.
#[derive(Args)]
pub struct ExportCommand {
    /// The site.
    #[arg(long)]
    site: String,
    /// The first local day; without it, the first with anything counted.
    #[arg(long)]
    from: Option<Date>,
    /// The last local day; without it, today.
    #[arg(long)]
    to: Option<Date>,
    /// What is written.
    #[arg(long, value_enum, default_value = "plausible-csv")]
    format: Form,
    /// The zip to make.
    #[arg(long, short)]
    output: PathBuf,
}

impl ExportCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        with_site(data, &self.site, async |store, site| {
            let today = site.today(SystemClock.now_ms());
            let oldest = store.oldest_day(site.id).await?;
            let to = self.to.unwrap_or(today);
            let from = match (self.from, oldest) {
                (Some(from), _) => from,
                (None, Some(oldest)) => oldest.min(to),
                (None, None) => to,
            };
            if from > to {
                return Err(Error::Invalid(format!("from: {from} is after {to}")));
            }
            // Days before anything was counted, or of the future, have no row: none is asked for.
            let days = (from, to);
            let export = Export {
                store,
                site,
                days,
                form: self.format,
                to: self.output.clone(),
            };
            let rows = export.run().await?;
            println!("{rows} rows of {from} to {to} in {}", self.output.display());
            Ok(())
        })
        .await
    }
}
