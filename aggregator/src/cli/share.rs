//! `dayfly share`: who may see a site's numbers without an account.

use aggregator::accounts::password::{Password, Passwords};
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::query::threshold::{K_DEFAULT, K_MAX, K_MIN};
use aggregator::store::NewSharedLink;
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::user::{DashboardUrl, OnOff, port, typed_password};
use super::{today, with_site};

/// See the module.
#[derive(Subcommand)]
pub enum ShareCommand {
    /// Make a link that shows the numbers, and print it: it is shown only now.
    Add(Add),
    /// List the links: name, fewest visitors, password or not, made on, works until, last opened on.
    List {
        /// The site's host name.
        domain: String,
    },
    /// Revoke a link: it opens nothing any more.
    Revoke {
        /// The site's host name.
        domain: String,
        /// Its name.
        name: String,
    },
    /// Let everybody see the numbers, at /public/DOMAIN, or nobody.
    Public {
        /// The site's host name.
        domain: String,
        /// Everybody or nobody.
        open: OnOff,
        #[command(flatten)]
        k: Fewest,
    },
}

/// A link to be made.
#[derive(Args)]
pub struct Add {
    /// The site's host name.
    domain: String,
    /// What you know it by.
    name: String,
    #[command(flatten)]
    k: Fewest,
    /// The last day it works, in UTC; else until it is revoked.
    #[arg(long)]
    until: Option<Date>,
    /// Ask for the password that standard input holds.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    url: DashboardUrl,
}

/// Of whom is told.
#[derive(Args)]
pub struct Fewest {
    /// Nothing is told of fewer visitors than this; with 1 everything is.
    #[arg(long, default_value_t = K_DEFAULT,
        value_parser = clap::value_parser!(u32).range(i64::from(K_MIN)..=i64::from(K_MAX)))]
    k: u32,
}

impl ShareCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Add(add) => add.run(data).await,
            Self::List { domain } => list(data, &domain).await,
            Self::Revoke { domain, name } => {
                with_site(data, &domain, async |store, site| {
                    let links = store.shared_links(site.id).await?;
                    let link = links.iter().find(|link| link.name == name);
                    let gone = || Error::Invalid(format!("there is no link {name:?}"));
                    let link = link.ok_or_else(gone)?;
                    match store.revoke_shared_link(site.id, link.id).await? {
                        true => println!("revoked {name}"),
                        false => return Err(gone()),
                    }
                    Ok(())
                })
                .await
            }
            Self::Public { domain, open, k } => {
                with_site(data, &domain, async |store, site| {
                    let k = (open == OnOff::On).then_some(k.k);
                    store.set_public(site.id, k).await?;
                    match k {
                        Some(k) => println!(
                            "everybody may see {} at /public/{}; nothing is told of fewer than {k} visitors",
                            site.domain, site.domain
                        ),
                        None => println!("nobody may see {} without an account or a link", site.domain),
                    }
                    Ok(())
                })
                .await
            }
        }
    }
}

impl Add {
    async fn run(self, data: &DataFolder) -> Result<()> {
        let password = match self.password_stdin {
            true => {
                let chosen = Password::chosen(&typed_password()?, &self.name)?;
                Some(Passwords::default().hash(chosen).await?)
            }
            false => None,
        };
        with_site(data, &self.domain, async |store, site| {
            let new = NewSharedLink {
                name: &self.name,
                password: password.as_deref(),
                k: self.k.k,
                works_until: self.until,
            };
            let token = store.add_shared_link(site.id, &new, today()).await?;
            println!("{}", self.url.link("shared", &token, port()));
            Ok(())
        })
        .await
    }
}

async fn list(data: &DataFolder, domain: &str) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let date = |date: Option<Date>| date.map_or("-".into(), |date| date.to_string());
        if let Some(k) = store.public_k(site.id).await? {
            println!("everybody\t{k}\t-\t-\t-\t-");
        }
        for link in store.shared_links(site.id).await? {
            let password = if link.has_password() { "password" } else { "-" };
            println!(
                "{}\t{}\t{password}\t{}\t{}\t{}",
                link.name,
                link.k,
                link.created_on,
                date(link.works_until),
                date(link.last_used_on)
            );
        }
        Ok(())
    })
    .await
}
