//! `dayfly site`: sites, and what is decided for a whole site.

use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::site as sites;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use shared::settings::{Detail, Signal};
use shared::visitor::SiteId;

use super::serve::SaltsPlace;
use super::{funnel, goal, shield, today, with_site, with_store};

/// See the module.
#[derive(Subcommand)]
pub enum SiteCommand {
    /// Add a site.
    Add {
        /// Its host name, such as example.com.
        domain: String,
        /// The IANA zone its days are counted in, such as Europe/Berlin.
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// It is no error when the site is there already.
        #[arg(long)]
        if_missing: bool,
    },
    /// List the sites: domain, zone.
    List,
    /// Show everything that is decided for a site.
    Show {
        /// Its host name.
        domain: String,
    },
    /// Decide how a site counts; the edge obeys within a minute.
    Set {
        /// Its host name.
        domain: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Remove a site and everything counted for it, at once and for ever.
    Remove {
        /// Its host name.
        domain: String,
        #[command(flatten)]
        salts: SaltsPlace,
    },
    /// Let edges drop what they hold of a site that this database does not know. They keep it until
    /// then, for the database may be the wrong one.
    Forget {
        /// Its number, as dayfly audit tells it.
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        number: SiteId,
    },
}

/// What `dayfly site set` changes; at least one.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct Changes {
    /// Global Privacy Control: count the page view alone, without visitor and referrer; drop it;
    /// or count it like any other.
    #[arg(long, value_parser = signal())]
    gpc: Option<Signal>,
    /// Do Not Track: the same.
    #[arg(long, value_parser = signal())]
    dnt: Option<Signal>,
    /// Put :email and :id in the place of path segments that look like an e-mail address or an id.
    #[arg(long, value_parser = on_off(), value_name = "on|off")]
    clean_paths: Option<bool>,
    /// Whether counts leave the edge by all attributes together, so that any question can be asked,
    /// or by one dimension each, so that nothing can be cross-referenced.
    #[arg(long, value_parser = detail())]
    detail: Option<Detail>,
    /// How many months counts are kept; older ones are deleted within the hour.
    #[arg(long, value_name = "N")]
    keep_months: Option<u32>,
}

fn signal() -> impl TypedValueParser<Value = Signal> {
    let names = Signal::ALL.map(|(name, _)| name);
    PossibleValuesParser::new(names).try_map(|text| {
        let found = Signal::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, signal)| signal).ok_or("no such value")
    })
}

fn detail() -> impl TypedValueParser<Value = Detail> {
    PossibleValuesParser::new(Detail::ALL.map(|(name, _)| name)).try_map(|text| {
        let found = Detail::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, detail)| detail).ok_or("no such value")
    })
}

fn on_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|text| text == "on")
}

impl SiteCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Add {
                domain,
                timezone,
                if_missing,
            } => add(data, &domain, &timezone, if_missing).await,
            Self::List => {
                let all = with_store(data, async |store| store.sites().await).await?;
                for site in all {
                    println!("{}\t{}", site.domain, site.timezone_name());
                }
                Ok(())
            }
            Self::Show { domain } => show(data, &domain).await,
            Self::Set { domain, changes } => set(data, &domain, changes).await,
            Self::Remove { domain, salts } => remove(data, &domain, salts).await,
            Self::Forget { number } => forget(data, number).await,
        }
    }
}

async fn add(data: &DataFolder, domain: &str, timezone: &str, if_missing: bool) -> Result<()> {
    let domain = sites::domain(domain)?;
    sites::timezone(timezone)?;
    let add =
        async |store: &aggregator::store::Store| store.add_site(&domain, timezone, today()).await;
    match (with_store(data, add).await?, if_missing) {
        (true, _) => println!("added {domain} ({timezone})"),
        (false, true) => println!("{domain} is there already"),
        (false, false) => return Err(Error::Invalid(format!("{domain} is there already"))),
    }
    Ok(())
}

async fn show(data: &DataFolder, domain: &str) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let settings = store.settings_of(site.id).await?;
        println!("domain\t{}", site.domain);
        println!("timezone\t{}", site.timezone_name());
        if let Some(former) = store.former_domains(today()).await?.get(&site.id) {
            println!("former-domain\t{former}");
        }
        println!("gpc\t{}", settings.gpc.as_str());
        println!("dnt\t{}", settings.dnt.as_str());
        println!("clean-paths\t{}", on_or_off(settings.clean_paths));
        println!("detail\t{}", settings.detail.as_str());
        println!("keep-months\t{}", store.kept_months(site.id).await?);
        for line in shield::lines(&settings.shields) {
            println!("shield\t{line}");
        }
        for name in store.props(site.id).await? {
            println!("property\t{name}");
        }
        for named in store.goals(site.id).await? {
            println!("goal\t{}", goal::line(&named));
        }
        for named in store.funnels(site.id).await? {
            println!("funnel\t{}", funnel::line(&named));
        }
        Ok(())
    })
    .await
}

async fn set(data: &DataFolder, domain: &str, changes: Changes) -> Result<()> {
    with_site(data, domain, async |store, site| {
        let change = |settings: &mut shared::settings::Settings| {
            settings.gpc = changes.gpc.unwrap_or(settings.gpc);
            settings.detail = changes.detail.unwrap_or(settings.detail);
            settings.dnt = changes.dnt.unwrap_or(settings.dnt);
            settings.clean_paths = changes.clean_paths.unwrap_or(settings.clean_paths);
            Ok(())
        };
        if let Some(months) = changes.keep_months {
            store.keep_months(site.id, months).await?;
        }
        let settings = store.change_settings(site.id, change).await?;
        println!(
            "{}: gpc {}, dnt {}, clean-paths {}, detail {}, keep-months {}",
            site.domain,
            settings.gpc.as_str(),
            settings.dnt.as_str(),
            on_or_off(settings.clean_paths),
            settings.detail.as_str(),
            store.kept_months(site.id).await?
        );
        Ok(())
    })
    .await
}

async fn forget(data: &DataFolder, number: SiteId) -> Result<()> {
    let done = with_store(data, async |store| store.forget_site(number, today()).await).await?;
    if !done {
        return Err(Error::Invalid(format!(
            "there is a site of the number {number}: remove it by its domain"
        )));
    }
    println!("edges drop what they hold of the site number {number} within the hour");
    Ok(())
}

async fn remove(data: &DataFolder, domain: &str, salts: SaltsPlace) -> Result<()> {
    let domain = sites::domain(domain)?;
    let left = with_store(data, async |store| {
        if !store.remove_site(&domain, today()).await? {
            return Err(Error::Invalid(format!("there is no site {domain}")));
        }
        store.site_ids().await
    })
    .await?;
    println!("removed {domain} and everything counted for it");
    // A server that runs forgets the site's salts within a second; without one it is done here.
    if let Ok(_lock) = data.lock() {
        salts.open(data)?.keep_sites(&left)?;
    }
    Ok(())
}

const fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
