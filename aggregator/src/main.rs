//! The command line of `dayfly`.

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::geo::{self, cli::GeoCommand};
use aggregator::salts::SaltKeeper;
use aggregator::serve::{self, App};
use aggregator::site;
use aggregator::store::{Scope, Store};
use clap::{Parser, Subcommand};
use shared::clock::Clock;
use shared::sign::EdgeKey;

/// Dayfly's aggregator: web analytics that can prove it forgets.
#[derive(Parser)]
#[command(name = "dayfly", version, about)]
struct Cli {
    /// The folder that everything is kept in.
    #[arg(long, env = "DAYFLY_DATA", default_value = "data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: the edge's channel, the stats API, the dashboard.
    Serve {
        /// The port to listen on.
        #[arg(long, env = "DASHBOARD_PORT", default_value_t = 8000)]
        port: u16,
        /// The address to listen on.
        #[arg(long, env = "DAYFLY_LISTEN", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
        listen: IpAddr,
        /// The keys the edge signs with, separated by spaces; else those in the data folder's edge.key.
        #[arg(long, env = "DAYFLY_EDGE_KEYS", hide_env_values = true)]
        edge_keys: Option<String>,
        /// Where browsers find the edge; shown in the snippet.
        #[arg(long, env = "DAYFLY_EDGE_URL", default_value = "http://127.0.0.1:8787")]
        edge_url: String,
        /// A folder in RAM for the running day's salts; else the service manager's runtime folder
        /// or one under /dev/shm.
        #[arg(long, env = "DAYFLY_SALTS_DIR")]
        salts_dir: Option<PathBuf>,
        /// The table of countries the edge uses (dayfly geo build): who made it is said in the
        /// dashboard's footer.
        #[arg(long, env = "DAYFLY_GEO_TABLE")]
        geo_table: Option<PathBuf>,
    },
    /// Add, list and remove sites, also while the server runs.
    Site {
        #[command(subcommand)]
        command: SiteCommand,
    },
    /// Make keys for programs, also while the server runs.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Make a table of countries for the edge, and ask one.
    Geo {
        #[command(subcommand)]
        command: GeoCommand,
    },
}

#[derive(Subcommand)]
enum SiteCommand {
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
    /// Remove a site and everything counted for it, at once and for ever.
    Remove {
        /// Its host name.
        domain: String,
    },
}

impl SiteCommand {
    /// Refuses what cannot be, before a database is made.
    fn check(&self) -> Result<()> {
        match self {
            Self::Add {
                domain, timezone, ..
            } => {
                site::domain(domain)?;
                site::timezone(timezone)?;
            }
            Self::Remove { domain } => {
                site::domain(domain)?;
            }
            Self::List => {}
        }
        Ok(())
    }
}

#[derive(Subcommand)]
enum KeyCommand {
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

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DAYFLY_LOG");
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter.unwrap_or_else(|_| "info".into()))
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dayfly: error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    if let Command::Geo { command } = cli.command {
        return command.run(); // It needs no data folder.
    }
    let data = DataFolder::open(&cli.data)?;
    match cli.command {
        Command::Serve {
            port,
            listen,
            edge_keys,
            edge_url,
            salts_dir,
            geo_table,
        } => {
            let countries = geo::country_attribution(geo_table.as_deref())?;
            let keys = data.edge_keys(edge_keys.as_deref())?;
            let address = SocketAddr::new(listen, port);
            serve(&data, address, keys, &edge_url, salts_dir, &countries).await
        }
        Command::Site { command } => {
            command.check()?;
            let store = Store::open(&data.database()).await?;
            let result = site(&store, command).await;
            store.close().await;
            result
        }
        Command::Key { command } => {
            let store = Store::open(&data.database()).await?;
            let result = key(&store, command).await;
            store.close().await;
            result
        }
        Command::Geo { command } => command.run(),
    }
}

async fn serve(
    data: &DataFolder,
    address: SocketAddr,
    edge_keys: Vec<EdgeKey>,
    edge_url: &str,
    salts_dir: Option<PathBuf>,
    countries: &str,
) -> Result<()> {
    let _lock = data.lock()?;
    let listener = serve::listen(address).await?;
    let store = Store::open(&data.database()).await?;
    tracing::info!("listening on http://{address}");
    let salts = match salts_dir.or_else(SaltKeeper::default_folder) {
        Some(folder) => SaltKeeper::open(&folder, data.path())?,
        None => {
            tracing::warn!("no file system in RAM: a restart will change today's salts");
            SaltKeeper::default()
        }
    };
    let app = App::new(store, salts, edge_keys, Arc::new(SystemClock), edge_url)
        .with_country_attribution(countries);
    serve::serve(listener, app).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn site(store: &Store, command: SiteCommand) -> Result<()> {
    match command {
        SiteCommand::Add {
            domain,
            timezone,
            if_missing,
        } => {
            let domain = site::domain(&domain)?;
            let added = store.add_site(&domain, &timezone, today()).await?;
            match (added, if_missing) {
                (true, _) => println!("added {domain} ({timezone})"),
                (false, true) => println!("{domain} is there already"),
                (false, false) => {
                    return Err(Error::Invalid(format!("{domain} is there already")));
                }
            }
        }
        SiteCommand::List => {
            for site in store.sites().await? {
                println!("{}\t{}", site.domain, site.timezone_name());
            }
        }
        SiteCommand::Remove { domain } => {
            let domain = site::domain(&domain)?;
            if !store.remove_site(&domain).await? {
                return Err(Error::Invalid(format!("there is no site {domain}")));
            }
            println!("removed {domain} and everything counted for it");
        }
    }
    Ok(())
}

async fn key(store: &Store, command: KeyCommand) -> Result<()> {
    let KeyCommand::Create { site, scope } = command;
    let site = match site {
        None => None,
        Some(domain) => {
            let domain = site::domain(&domain)?;
            let found = store.site(&domain).await?;
            let missing = || Error::Invalid(format!("there is no site {domain}"));
            Some(found.ok_or_else(missing)?)
        }
    };
    println!("{}", store.create_key(site.as_ref(), scope, today()).await?);
    Ok(())
}

fn today() -> jiff::civil::Date {
    let now = jiff::Timestamp::from_millisecond(SystemClock.now_ms());
    let now = now.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}
