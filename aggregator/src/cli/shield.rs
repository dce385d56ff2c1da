//! `dayfly shield`: what a site does not count.

use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::store::Shield;
use clap::Subcommand;
use shared::settings::Shields;

use super::with_site;

/// See the module.
#[derive(Subcommand)]
pub enum ShieldCommand {
    /// Add one.
    Add {
        /// The site's host name.
        domain: String,
        /// What is shielded.
        #[arg(value_enum)]
        kind: Shield,
        /// A host (* for any labels), a page (* is anything but a slash, ** anything), a country
        /// such as DE, an address or a network such as 192.0.2.0/24.
        value: String,
    },
    /// Remove one.
    Remove {
        /// The site's host name.
        domain: String,
        /// What is shielded.
        kind: Shield,
        /// As it was added.
        value: String,
    },
    /// List all: kind, value.
    List {
        /// The site's host name.
        domain: String,
    },
}

/// A line for each shield: kind, value.
pub fn lines(shields: &Shields) -> Vec<String> {
    let of = |kind: Shield| {
        let values = kind.list(shields).iter();
        values.map(move |value| format!("{}\t{value}", kind.as_str()))
    };
    Shield::ALL.into_iter().flat_map(of).collect()
}

impl ShieldCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Add {
                domain,
                kind,
                value,
            } => add(data, &domain, kind, &value).await,
            Self::Remove {
                domain,
                kind,
                value,
            } => remove(data, &domain, kind, &value).await,
            Self::List { domain } => {
                with_site(data, &domain, async |store, site| {
                    let settings = store.settings_of(site.id).await?;
                    for line in lines(&settings.shields) {
                        println!("{line}");
                    }
                    Ok(())
                })
                .await
            }
        }
    }
}

async fn add(data: &DataFolder, domain: &str, kind: Shield, value: &str) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let settings = store.add_shield(site.id, kind, value).await?;
        let domain = &site.domain;
        match kind {
            Shield::Host => {
                let hosts = settings.shields.hosts.join(", ");
                println!("{domain} counts only pages on {hosts}");
            }
            _ => println!(
                "{domain} does not count the {} {}",
                kind.as_str(),
                kind.normal(value)
            ),
        }
        Ok(())
    })
    .await
}

async fn remove(data: &DataFolder, domain: &str, kind: Shield, value: &str) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let settings = store.remove_shield(site.id, kind, value).await?;
        let domain = &site.domain;
        let hosts = &settings.shields.hosts;
        match kind {
            Shield::Host if hosts.is_empty() => println!("{domain} counts pages on every host"),
            Shield::Host => println!("{domain} counts only pages on {}", hosts.join(", ")),
            _ => println!(
                "{domain} counts the {} {} again",
                kind.as_str(),
                kind.normal(value)
            ),
        }
        Ok(())
    })
    .await
}
