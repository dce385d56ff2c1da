//! `dayfly key`: keys for programs.

use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::store::Scope;
use clap::Subcommand;

use super::{today, with_site, with_store};

/// See the module.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, once.
    Create {
        /// The one site it opens; without this, every site.
        #[arg(long)]
        site: Option<String>,
        /// What it may do.
        #[arg(long, value_enum, default_value = "stats")]
        scope: Scope,
    },
}

impl KeyCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        let Self::Create { site, scope } = self;
        let key = match site {
            None => {
                with_store(data, async |store| {
                    store.create_key(None, scope, today()).await
                })
                .await?
            }
            Some(domain) => {
                with_site(data, &domain, async |store, site| {
                    store.create_key(Some(site), scope, today()).await
                })
                .await?
            }
        };
        println!("{key}");
        Ok(())
    }
}
