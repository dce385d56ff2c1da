//! `dayfly serve`, and where the salts are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::geo;
use aggregator::keeping;
use aggregator::observe::listener;
use aggregator::salts::SaltKeeper;
use aggregator::serve::{self, App, Backups, Beside, HOURS_KEPT_DAYS};
use aggregator::store::{Engine, Store};
use aggregator::tls::Tls;
use axum::http::Uri;
use clap::Args;
use clap::builder::BoolishValueParser;
use shared::address::Network;

use super::mail::MailSettings;
use super::user::{DashboardUrl, first_link};

/// `dayfly serve`.
#[derive(Args)]
pub struct ServeCommand {
    /// The port to listen on.
    #[arg(long, env = "DASHBOARD_PORT", default_value_t = 8000)]
    pub(super) port: u16,
    /// The address to listen on.
    #[arg(long, env = "DAYFLY_LISTEN", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) listen: IpAddr,
    /// The keys the edge signs with, separated by spaces; else those in the data folder's edge.key.
    #[arg(long, env = "DAYFLY_EDGE_KEYS", hide_env_values = true)]
    pub(super) edge_keys: Option<String>,
    /// Where browsers find the edge; shown in the snippet.
    #[arg(long, env = "DAYFLY_EDGE_URL", default_value = "http://127.0.0.1:8787")]
    pub(super) edge_url: String,
    /// For so many days counts are kept by the hour; of older days only the whole site's are.
    #[arg(long, env = "DAYFLY_HOURS_KEPT_DAYS", default_value_t = HOURS_KEPT_DAYS,
          value_parser = clap::value_parser!(u32).range(2..=36_500))]
    hours_kept_days: u32,
    /// A folder for backups; none are made without.
    #[arg(long, env = "DAYFLY_BACKUP_DIR")]
    pub(super) backup_dir: Option<PathBuf>,
    /// How often a backup is made.
    #[arg(long, env = "DAYFLY_BACKUP_EVERY_HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u32).range(1..=8_760))]
    pub(super) backup_every_hours: u32,
    /// How many backups are kept; the oldest go.
    #[arg(long, env = "DAYFLY_BACKUP_KEEP", default_value_t = 7,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    backup_keep: u32,
    #[command(flatten)]
    pub(super) salts: SaltsPlace,
    /// Proxies whose word is taken for whether a request came over HTTPS (X-Forwarded-Proto) and from
    /// whom (X-Forwarded-For): addresses or networks, separated by commas. Nobody's otherwise.
    #[arg(long, env = "DAYFLY_TRUST_PROXY", value_delimiter = ',', value_parser = network,
          value_name = "NETWORK")]
    pub(super) trust_proxy: Vec<Network>,
    #[command(flatten)]
    pub(super) listeners: Listeners,
    #[command(flatten)]
    pub(super) url: DashboardUrl,
    #[command(flatten)]
    pub(super) mail: MailSettings,
    /// Print no link for the first account at the start; `dayfly user first` prints one.
    #[arg(long, env = "DAYFLY_NO_FIRST_LINK", value_parser = BoolishValueParser::new())]
    no_first_link: bool,
    /// The table of countries the edge uses (dayfly geo build): who made it is said in the
    /// dashboard's footer.
    #[arg(long, env = "DAYFLY_GEO_TABLE")]
    pub(super) geo_table: Option<PathBuf>,
}

/// TLS of our own, and what else is listened on.
#[derive(Args)]
pub struct Listeners {
    /// A chain of certificates (PEM), the server's first: it then speaks TLS itself. Read again when
    /// the file changes, and on SIGHUP.
    #[arg(long, env = "DAYFLY_TLS_CERT", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[arg(long, env = "DAYFLY_TLS_KEY", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Where browsers that come over plain HTTP are sent to HTTPS, such as 0.0.0.0:80; with --tls-cert.
    #[arg(long, env = "DAYFLY_REDIRECT_LISTEN", requires = "tls_cert")]
    pub(super) redirect_listen: Option<SocketAddr>,
    /// Where Prometheus reads /metrics, such as 127.0.0.1:9464; nowhere without. Nobody is asked who
    /// they are there.
    #[arg(long, env = "DAYFLY_METRICS_LISTEN")]
    pub(super) metrics_listen: Option<SocketAddr>,
    /// Accept another address than one of this machine's loopback for that.
    #[arg(long, env = "DAYFLY_METRICS_ANYWHERE", value_parser = BoolishValueParser::new())]
    pub(super) metrics_anywhere: bool,
}

impl Listeners {
    /// TLS, where there is a certificate.
    pub fn tls(&self) -> Result<Option<Tls>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Tls::open(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    async fn open(&self) -> Result<Beside> {
        let tls = self.tls()?.map(Arc::new);
        let redirect = match self.redirect_listen {
            Some(address) => Some(serve::listen(address).await?),
            None => None,
        };
        let metrics = match self.metrics_listen {
            Some(address) => Some(listener::listen(address, self.metrics_anywhere).await?),
            None => None,
        };
        Ok(Beside {
            tls,
            metrics,
            redirect,
        })
    }
}

/// No crash leaves the memory of this process on a disk: the running day's salts are in it (I3). And
/// as many connections as the system allows, however many a shell does.
pub(super) fn prepare_process() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let files = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: files.maximum,
        ..files
    };
    for (resource, limit) in [(Resource::Core, none), (Resource::Nofile, all)] {
        if let Err(error) = setrlimit(resource, limit) {
            tracing::warn!("the limit {resource:?} of this process cannot be set: {error}");
        }
    }
}

fn network(text: &str) -> std::result::Result<Network, String> {
    Network::parse(text)
        .ok_or_else(|| "that is no address such as 192.0.2.7 or network such as 10.0.0.0/8".into())
}

/// Where the running day's salts are.
#[derive(Args)]
pub struct SaltsPlace {
    /// A folder in RAM for the running day's salts; else the service manager's runtime folder
    /// or one under /dev/shm.
    #[arg(long, env = "DAYFLY_SALTS_DIR")]
    pub(super) salts_dir: Option<PathBuf>,
    /// Accept a salts folder on a disk. A copy of that disk, a backup for instance, then lets
    /// whoever has it find out which addresses were a day's visitors.
    #[arg(long, env = "DAYFLY_SALTS_ON_DISK", value_parser = BoolishValueParser::new())]
    pub(super) salts_on_disk: bool,
    /// The server that keeps the salts, where several use one Postgres database: its URL, such as
    /// http://10.0.0.1:8000. Edges that ask this server for salts are given that one's; it keeps none itself.
    #[arg(long, env = "DAYFLY_SALTS_FROM", value_parser = server_url, value_name = "URL")]
    pub(super) salts_from: Option<String>,
}

fn server_url(text: &str) -> std::result::Result<String, String> {
    let is_url = text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && matches!(uri.path(), "" | "/")
    });
    match is_url {
        true => Ok(text.to_owned()),
        false => Err("that is no URL of a server, such as http://10.0.0.1:8000".into()),
    }
}

impl SaltsPlace {
    /// The keeper of the salts there; one in memory only where there is no such place.
    pub fn open(self, data: &DataFolder) -> Result<SaltKeeper> {
        if self.salts_from.is_some() {
            return Ok(SaltKeeper::default()); // It keeps none.
        }
        match self.salts_dir.or_else(SaltKeeper::default_folder) {
            Some(folder) => SaltKeeper::open(&folder, data.path(), self.salts_on_disk),
            None => {
                tracing::warn!("no file system in RAM: a restart will change today's salts");
                Ok(SaltKeeper::default())
            }
        }
    }
}

impl ServeCommand {
    /// Serves until it is told to stop.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        prepare_process();
        let edge_keys = data.edge_keys(self.edge_keys.as_deref())?;
        let address = SocketAddr::new(self.listen, self.port);
        let countries = geo::country_attribution(self.geo_table.as_deref())?;
        let mail = self.mail.open(&self.url)?;
        let _lock = data.lock()?;
        data.not_while_it_moves()?;
        let beside = self.listeners.open().await?;
        let listener = serve::listen(address).await?;
        let store = Store::open(data.database()).await?;
        let scheme = if beside.tls.is_some() {
            "https"
        } else {
            "http"
        };
        tracing::info!("listening on {scheme}://{address}");
        let salts_from = self.salts.salts_from.clone();
        let salts = self.salts.open(data)?;
        match &salts_from {
            None => keeping::claim(&store, &salts).await?,
            Some(_) if store.engine() == Engine::Sqlite => {
                return Err(Error::Invalid(
                    "--salts-from (DAYFLY_SALTS_FROM) is for several servers on one Postgres database, which --database names".into(),
                ));
            }
            Some(keeper) => tracing::info!("the salts are kept by {keeper}"),
        }
        let clock = Arc::new(SystemClock);
        let app = App::new(store, salts, edge_keys, clock, &self.edge_url)
            .with_data_folder(data.path())
            .with_salts_from(salts_from.as_deref())
            .with_country_attribution(&countries)
            .with_hours_kept_days(self.hours_kept_days)
            .with_trusted_proxies(self.trust_proxy)
            .with_mail(mail)
            .with_backups(self.backup_dir.map(|folder| Backups {
                folder,
                every_hours: self.backup_every_hours,
                keep: self.backup_keep,
            }));
        if !self.no_first_link
            && let Some(token) = first_link(&app.store).await?
        {
            println!("{}", self.url.first(&token, self.port));
        }
        serve::serve(listener, beside, app).await;
        tracing::info!("stopped");
        Ok(())
    }
}
