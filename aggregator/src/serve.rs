//! `dayfly serve`: one listener for the edge, the stats API and the dashboard.
//!
//! Shutdown: on SIGINT or SIGTERM it stops accepting, answers what is under way for at most 5
//! seconds, closes the database and exits.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use shared::address::Network;
use shared::clock::{Clock, UnixMs};
use shared::country::DEFAULT_ATTRIBUTION;
use shared::report::Sums;
use shared::sign::EdgeKey;
use shared::visitor::SiteId;
use tokio::net::TcpListener;

use crate::accounts::Accounts;
use crate::arrival::arrive;
use crate::clock::date_in_utc;
use crate::error::{Error, Result};
use crate::keeping::{NO_SALTS, Trouble};
use crate::mail::Mail;
use crate::moving::{Seen, refuse_changes};
use crate::observe::{Metrics, listener, status};
use crate::reports::EdgeReports;
use crate::salts::SaltKeeper;
use crate::store::Store;
use crate::tls::Tls;
use crate::{api, arrival, chores, connections, dashboard, edge};

/// How long requests under way may take once the server is to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);
/// How long mails under way may take after that.
const MAIL_DRAIN: Duration = Duration::from_secs(2);

/// For how many days counts are kept by the hour, unless told otherwise.
pub const HOURS_KEPT_DAYS: u32 = 60;

/// Backups by the clock.
#[derive(Debug, Clone)]
pub struct Backups {
    /// Where to.
    pub folder: PathBuf,
    /// How often.
    pub every_hours: u32,
    /// How many there may be.
    pub keep: u32,
}

/// What every handler shares.
#[derive(Clone)]
pub struct App {
    /// The counts.
    pub store: Store,
    pub(crate) salts: Arc<SaltKeeper>,
    /// The server that keeps the salts, where it is not this one: its URL, without a slash at the end.
    pub salts_from: Option<Arc<str>>,
    /// What is wrong with the salts. Kept in memory only.
    pub salts_trouble: Arc<Trouble>,
    /// Held from reading the sites to doing with salts what follows from it: an older list of
    /// sites must not destroy the salt that was just issued to a new one.
    pub(crate) salts_turn: Arc<tokio::sync::Mutex<()>>,
    /// The secrets the edge may sign with.
    pub edge_keys: Arc<[EdgeKey]>,
    /// The time.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Where browsers find the edge; shown in the snippet.
    pub edge_url: Arc<str>,
    /// Whom the countries are to be credited to; shown beside them.
    pub country_attribution: Arc<str>,
    /// For so many days counts are kept by the hour; older ones are by the day.
    pub hours_kept_days: u32,
    /// When backups are made, if at all.
    pub backups: Option<Arc<Backups>>,
    /// When a signed request last came; 0 for never. Kept in memory only.
    edge_heard_ms: Arc<AtomicI64>,
    /// How delivery goes at the edge. Kept in memory only.
    pub reports: Arc<EdgeReports>,
    /// What is known of the API's keys. Kept in memory only.
    pub keys: Arc<api::Keys>,
    /// Checks passwords and counts guesses. Kept in memory only.
    pub accounts: Arc<Accounts>,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: Arc<[Network]>,
    /// Mail, where there is.
    pub mail: Option<Arc<Mail>>,
    /// What is counted and measured of the server itself. Kept in memory only.
    pub metrics: Arc<Metrics>,
    /// What everybody is told of how it goes. Kept in memory only.
    pub status: Arc<status::Found>,
    /// Where the data folder is, for its room to be measured.
    pub data_folder: Option<Arc<Path>>,
    /// Whether the database is being moved, or was. Kept in memory only.
    pub moving: Arc<Seen>,
}

/// Listeners beside the first.
#[derive(Default)]
pub struct Beside {
    /// The first one speaks TLS with this.
    pub tls: Option<Arc<Tls>>,
    /// Answers `/metrics`.
    pub metrics: Option<TcpListener>,
    /// Sends browsers to HTTPS.
    pub redirect: Option<TcpListener>,
}

impl App {
    /// An aggregator over a store.
    pub fn new(
        store: Store,
        salts: SaltKeeper,
        edge_keys: Vec<EdgeKey>,
        clock: Arc<dyn Clock + Send + Sync>,
        edge_url: &str,
    ) -> Self {
        Self {
            store,
            salts: Arc::new(salts),
            salts_from: None,
            salts_trouble: Arc::default(),
            salts_turn: Arc::default(),
            moving: Arc::default(),
            edge_keys: edge_keys.into(),
            clock,
            edge_url: edge_url.trim_end_matches('/').into(),
            country_attribution: format!("{DEFAULT_ATTRIBUTION}.").into(),
            hours_kept_days: HOURS_KEPT_DAYS,
            backups: None,
            edge_heard_ms: Arc::default(),
            reports: Arc::default(),
            keys: Arc::default(),
            accounts: Arc::default(),
            trusted_proxies: Arc::default(),
            mail: None,
            metrics: Arc::default(),
            status: Arc::default(),
            data_folder: None,
        }
    }

    /// The same over a data folder.
    #[must_use]
    pub fn with_data_folder(mut self, folder: &Path) -> Self {
        self.data_folder = Some(folder.into());
        self
    }

    /// The same with the salts of another server, by its URL.
    #[must_use]
    pub fn with_salts_from(mut self, url: Option<&str>) -> Self {
        self.salts_from = url.map(|url| url.trim_end_matches('/').into());
        self
    }

    /// The same with backups by the clock.
    #[must_use]
    pub fn with_backups(mut self, backups: Option<Backups>) -> Self {
        self.backups = backups.map(Arc::new);
        self
    }

    /// The same with another number of days for which counts are kept by the hour.
    #[must_use]
    pub fn with_hours_kept_days(mut self, days: u32) -> Self {
        self.hours_kept_days = days;
        self
    }

    /// The same behind proxies whose word is taken for where a request comes from.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: Vec<Network>) -> Self {
        self.trusted_proxies = proxies.into();
        self
    }

    /// The same with mail.
    #[must_use]
    pub fn with_mail(mut self, mail: Option<Mail>) -> Self {
        self.mail = mail.map(Arc::new);
        self
    }

    /// Removes a site and everything counted for it, at once and for ever; its keys, links and
    /// invitations open nothing any more, its salts are destroyed, and the edge drops what it holds
    /// of it when it asks next. False when there is none.
    ///
    /// # Errors
    /// The database or the keeper of the salts failed.
    pub async fn erase_site(&self, site: SiteId) -> Result<bool> {
        let today = date_in_utc(self.clock.now_ms());
        let was_there = self.store.erase_site(site, today).await?;
        self.forget_removed_sites().await?;
        Ok(was_there)
    }

    /// The same with another sentence of whom the countries are from.
    #[must_use]
    pub fn with_country_attribution(mut self, sentence: &str) -> Self {
        self.country_attribution = sentence.into();
        self
    }

    /// Notes that the edge spoke.
    pub fn edge_was_heard(&self) {
        self.edge_heard_ms
            .store(self.clock.now_ms(), Ordering::Relaxed);
    }

    /// When the edge last spoke.
    pub fn edge_heard_ms(&self) -> Option<UnixMs> {
        Some(self.edge_heard_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }
}

/// Every route.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(edge::routes(app.clone()))
        .merge(api::routes(app.clone()))
        .merge(dashboard::routes(app.clone()))
        .route("/health", get(health))
        .fallback(dashboard::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), refuse_changes))
        .layer(middleware::from_fn_with_state(app.clone(), arrive))
        .with_state(app)
}

/// Listens. A port that is taken is an error here, before anything is served.
///
/// # Errors
/// The address cannot be listened on.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|problem| Error::Listen {
            address: address.to_string(),
            problem,
        })
}

/// Serves until a signal to stop.
pub async fn serve(listener: TcpListener, beside: Beside, app: App) {
    let mail = app.mail.clone();
    let Beside {
        tls,
        metrics,
        redirect,
    } = beside;
    let chores = tokio::spawn(chores::run(app.clone()));
    let port = listener.local_addr().map_or(443, |address| address.port());
    let metrics = async {
        if let Some(metrics) = metrics {
            let routes = listener::router(app.clone());
            connections::serve(metrics, None, routes, signal_to_stop(), DRAIN).await;
        }
    };
    let redirect = async {
        if let Some(redirect) = redirect {
            let routes = to_https(port);
            connections::serve(redirect, None, routes, signal_to_stop(), DRAIN).await;
        }
    };
    let certificates = async {
        if let Some(tls) = &tls {
            tls.keep_fresh(signal_to_stop()).await;
        }
    };
    let first = connections::serve(
        listener,
        tls.clone(),
        router(app.clone()),
        signal_to_stop(),
        DRAIN,
    );
    tokio::join!(first, metrics, redirect, certificates);
    chores.abort();
    if let Some(mail) = mail {
        mail.settled(MAIL_DRAIN).await;
    }
    app.leave_salts().await;
    app.store.close().await;
}

/// Sends whatever comes to HTTPS at a port of this machine.
pub(crate) fn to_https(port: u16) -> Router {
    Router::new().fallback(async move |request: Request| {
        let Some(host) = arrival::host(request.headers()) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let (host, rest) = (arrival::without_port(&host), request.uri().path_and_query());
        let port = match port {
            443 => String::new(),
            port => format!(":{port}"),
        };
        let rest = rest.map_or("/", |rest| rest.as_str());
        match HeaderValue::from_str(&format!("https://{host}{port}{rest}")) {
            Ok(place) => {
                (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response()
            }
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        }
    })
}

pub(crate) async fn signal_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Whether the database answers (503 where it does not), and what of the edge's delivery somebody has
/// to look into.
pub async fn health(State(app): State<App>) -> Response {
    match app.store.sites().await {
        Ok(_) => {
            let sums = app.reports.sums(app.clock.now_ms());
            let moving = app.moving.get().map(|standing| standing.text());
            let own = moving.or_else(|| app.salts_trouble.text().map(|_| NO_SALTS));
            let problem = own.map(str::to_owned).or_else(|| sums.problem());
            let body = match problem {
                Some(reason) => json!({ "status": "warning", "reason": reason, "edge": sums }),
                None if sums == Sums::default() => json!({ "status": "ok" }),
                None => json!({ "status": "ok", "edge": sums }),
            };
            Json(body).into_response()
        }
        Err(error) => {
            tracing::error!("health: {error}");
            let body = json!({ "status": "error", "reason": "the database does not answer" });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
