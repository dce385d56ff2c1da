//! `dayfly shield`: what a site does not count.

use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use clap::{Subcommand, ValueEnum};
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
        kind: Kind,
        /// A host (* for any labels), a page (* is anything but a slash, ** anything), a country
        /// such as DE, an address or a network such as 192.0.2.0/24.
        value: String,
    },
    /// Remove one.
    Remove {
        /// The site's host name.
        domain: String,
        /// What is shielded.
        kind: Kind,
        /// As it was added.
        value: String,
    },
    /// List all: kind, value.
    List {
        /// The site's host name.
        domain: String,
    },
}

/// What a shield looks at.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The only hosts that are counted; without any, every host is.
    Host,
    /// Pages that are not counted.
    Page,
    /// Countries that are not counted.
    Country,
    /// Addresses that are not counted.
    Network,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Host, Kind::Page, Kind::Country, Kind::Network];

    const fn as_str(self) -> &'static str {
        match self {
            Kind::Host => "host",
            Kind::Page => "page",
            Kind::Country => "country",
            Kind::Network => "network",
        }
    }

    const fn list(self, shields: &Shields) -> &Vec<String> {
        match self {
            Kind::Host => &shields.hosts,
            Kind::Page => &shields.pages,
            Kind::Country => &shields.countries,
            Kind::Network => &shields.networks,
        }
    }

    const fn list_mut(self, shields: &mut Shields) -> &mut Vec<String> {
        match self {
            Kind::Host => &mut shields.hosts,
            Kind::Page => &mut shields.pages,
            Kind::Country => &mut shields.countries,
            Kind::Network => &mut shields.networks,
        }
    }

    /// The value in the form in which it is compared.
    fn normal(self, value: &str) -> String {
        match self {
            Kind::Host => shared::page_url::host_name(value.trim()),
            Kind::Country => value.trim().to_ascii_uppercase(),
            Kind::Network => value.trim().to_ascii_lowercase(),
            Kind::Page => value.trim().to_owned(),
        }
    }
}

/// A line for each shield: kind, value.
pub fn lines(shields: &Shields) -> Vec<String> {
    let of = |kind: Kind| {
        let values = kind.list(shields).iter();
        values.map(move |value| format!("{}\t{value}", kind.as_str()))
    };
    Kind::ALL.into_iter().flat_map(of).collect()
}

impl ShieldCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Add {
                domain,
                kind,
                value,
            } => add(data, &domain, kind, &kind.normal(&value)).await,
            Self::Remove {
                domain,
                kind,
                value,
            } => remove(data, &domain, kind, &kind.normal(&value)).await,
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

async fn add(data: &DataFolder, domain: &str, kind: Kind, value: &str) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let change = |settings: &mut shared::settings::Settings| {
            let list = kind.list_mut(&mut settings.shields);
            if list.iter().any(|known| known == value) {
                let kind = kind.as_str();
                return Err(Error::Invalid(format!(
                    "the {kind} {value} is shielded already"
                )));
            }
            list.push(value.to_owned());
            Ok(())
        };
        let settings = store.change_settings(site.id, change).await?;
        let domain = &site.domain;
        match kind {
            Kind::Host => {
                let hosts = settings.shields.hosts.join(", ");
                println!("{domain} counts only pages on {hosts}");
            }
            _ => println!("{domain} does not count the {} {value}", kind.as_str()),
        }
        Ok(())
    })
    .await
}

async fn remove(data: &DataFolder, domain: &str, kind: Kind, value: &str) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let change = |settings: &mut shared::settings::Settings| {
            let list = kind.list_mut(&mut settings.shields);
            let before = list.len();
            list.retain(|known| known != value);
            if list.len() == before {
                let kind = kind.as_str();
                return Err(Error::Invalid(format!(
                    "there is no shield for the {kind} {value}"
                )));
            }
            Ok(())
        };
        let settings = store.change_settings(site.id, change).await?;
        let domain = &site.domain;
        let hosts = &settings.shields.hosts;
        match kind {
            Kind::Host if hosts.is_empty() => println!("{domain} counts pages on every host"),
            Kind::Host => println!("{domain} counts only pages on {}", hosts.join(", ")),
            _ => println!("{domain} counts the {} {value} again", kind.as_str()),
        }
        Ok(())
    })
    .await
}
