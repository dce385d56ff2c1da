//! `dayfly key`: keys for programs.

use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::store::{HOURLY_LIMIT, NewKey, Scope};
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{today, with_site, with_store};

/// See the module.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, once.
    Create(Create),
    /// List the keys: beginning, scope, site, requests an hour, made on, last day, last used on,
    /// name.
    List,
    /// Revoke a key: a running server refuses it within a second.
    Revoke {
        /// The key's beginning, as the list shows it.
        prefix: String,
    },
}

/// `dayfly key create`.
#[derive(Args)]
pub struct Create {
    /// The one site it opens; without this, every site.
    #[arg(long)]
    site: Option<String>,
    /// What it may do: read the stats, or manage sites and read.
    #[arg(long, value_enum, default_value = "stats")]
    scope: Scope,
    /// What you call it, for the list.
    #[arg(long, default_value = "")]
    name: String,
    /// The last day it works, in UTC, such as 2027-12-31; without this, until it is revoked.
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// Requests it may make in an hour.
    #[arg(long, value_name = "N", default_value_t = HOURLY_LIMIT)]
    hourly_limit: u32,
}

impl KeyCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Create(command) => command.run(data).await,
            Self::List => list(data).await,
            Self::Revoke { prefix } => {
                with_store(data, async |store| {
                    if !store.revoke_key(&prefix).await? {
                        return Err(Error::Invalid(
                            "there is no key that dayfly key list shows so".into(),
                        ));
                    }
                    println!("revoked {prefix}");
                    Ok(())
                })
                .await
            }
        }
    }
}

impl Create {
    async fn run(self, data: &DataFolder) -> Result<()> {
        let new = NewKey {
            site: None,
            scope: self.scope,
            name: &self.name,
            hourly_limit: self.hourly_limit,
            works_until: self.until,
        };
        let key = match self.site.as_deref() {
            None => with_store(data, async |store| store.create_key(&new, today()).await).await?,
            Some(domain) => {
                with_site(data, domain, async |store, site| {
                    let site = Some(site.id);
                    store.create_key(&NewKey { site, ..new }, today()).await
                })
                .await?
            }
        };
        println!("{key}");
        Ok(())
    }
}

async fn list(data: &DataFolder) -> Result<()> {
    let (keys, sites) = with_store(data, async |store| {
        Ok((store.keys().await?, store.sites().await?))
    })
    .await?;
    let date = |date: Option<Date>| date.map_or("-".into(), |date| date.to_string());
    for key in keys {
        let site = sites.iter().find(|site| Some(site.id) == key.site);
        println!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            key.prefix,
            key.scope.as_str(),
            site.map_or("all sites", |site| site.domain.as_str()),
            key.hourly_limit,
            key.created_on,
            date(key.works_until),
            date(key.last_used_on),
            key.name
        );
    }
    Ok(())
}
