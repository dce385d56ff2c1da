//! `dayfly funnel`: goals of a site in order.

use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::store::NamedFunnel;
use clap::Subcommand;

use super::with_site;

/// See the module.
#[derive(Subcommand)]
pub enum FunnelCommand {
    /// Add a funnel; it counts from now on.
    Add {
        /// The site's host name.
        domain: String,
        /// The name it is shown under.
        #[arg(long)]
        name: String,
        /// Numbers of goals of the site, first step to last.
        #[arg(required = true)]
        steps: Vec<u32>,
    },
    /// List the funnels: number, its goals in order, name.
    List {
        /// The site's host name.
        domain: String,
    },
    /// Remove a funnel; what it has counted stays.
    Remove {
        /// The site's host name.
        domain: String,
        /// Its number.
        id: u32,
    },
}

/// A funnel in a line: number, goals, name.
pub fn line(named: &NamedFunnel) -> String {
    let steps: Vec<String> = named.funnel.steps.iter().map(u32::to_string).collect();
    let steps = steps.join(" > ");
    format!("{}\t{steps}\t{}", named.funnel.id, named.name)
}

impl FunnelCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Add {
                domain,
                name,
                steps,
            } => {
                with_site(data, &domain, async |store, site| {
                    let added = store.add_funnel(site.id, &name, steps).await?;
                    println!("{}", line(&added));
                    Ok(())
                })
                .await
            }
            Self::List { domain } => {
                with_site(data, &domain, async |store, site| {
                    for funnel in store.funnels(site.id).await? {
                        println!("{}", line(&funnel));
                    }
                    Ok(())
                })
                .await
            }
            Self::Remove { domain, id } => {
                with_site(data, &domain, async |store, site| {
                    store.remove_funnel(site.id, id).await?;
                    println!("removed funnel {id} of {}", site.domain);
                    Ok(())
                })
                .await
            }
        }
    }
}
