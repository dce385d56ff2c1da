//! `dayfly import`: counts what happened before.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::import::{Format, Import, Progress};
use clap::Args;

use super::with_site;

/// The exit status when lines were skipped that cannot be read.
const SKIPPED: u8 = 2;

/// See the module.
#[derive(Args)]
pub struct ImportCommand {
    /// The site it is of.
    #[arg(long)]
    site: String,
    /// How the file is written; found out when not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Count a file once more that was imported already.
    #[arg(long)]
    again: bool,
    /// The file, also as gzip; - is standard input (then an import that is broken off must be given
    /// all of it again).
    file: PathBuf,
}

impl ImportCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<ExitCode> {
        let summary = with_site(data, &self.site, async |store, site| {
            let import = Import {
                store,
                site,
                folder: data.path(),
                file: self.file,
                format: self.format,
                again: self.again,
            };
            let progress = Progress::stderr(std::io::stderr().is_terminal());
            let summary = import.run(&progress).await?;
            if let Some((first, _)) = summary.range() {
                let months = store.kept_months(site.id).await?;
                if aggregator::import::is_forgotten(site, first, months) {
                    eprintln!(
                        "dayfly: {} keeps {months} months: what is older is deleted within the hour",
                        site.domain
                    );
                }
            }
            Ok(summary)
        })
        .await?;
        eprint!("{}", summary.complaints());
        print!("{}", summary.told());
        Ok(match summary.bad() {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::from(SKIPPED),
        })
    }
}
