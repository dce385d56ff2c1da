//! The channel to the edge: `/edge/v1/…`. Every request is signed; the signature is checked over
//! the raw bytes before anything of them is parsed.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{self, DefaultBodyLimit, Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::batch::{Batch, BatchError, Source};
use shared::handover::PublicKey;
use shared::limits::BATCH_BYTES_MAX;
use shared::report::{Report, Sums, Told};
use shared::roster::{self, Roster, Salts, SealedSalts};
use shared::sign::{HEADER, Signed, sha256, time_of};
use shared::visitor::SiteId;
use shared::wire;
use zeroize::Zeroizing;

use crate::clock::{Stopwatch, date_in_utc};
use crate::error::Error;
use crate::keeping::{HANDED_ON, SALTS};
use crate::observe::metrics;
use crate::serve::App;
use crate::shards::Shards;
use crate::store::{Applied, LastOf};

/// Asked by `dayfly audit`, not by an edge.
pub const REPORTS: &str = "/edge/v1/reports";
/// Asked by `dayfly doctor`.
pub const STATE: &str = "/edge/v1/state";

/// What `dayfly doctor` is told of the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The server's version.
    pub version: String,
    /// Its clock, unix seconds.
    pub now_s: i64,
    /// For how long it runs, seconds.
    pub runs_s: u64,
    /// How long ago the edge last spoke, seconds.
    pub heard_s: Option<i64>,
    /// By how much the edge's clock was ahead then, seconds.
    pub ahead_s: i64,
    /// How long ago a signature was last refused, seconds, and by how much its clock was ahead.
    pub refused: Option<(i64, i64)>,
    /// How long ago a batch was last applied, seconds.
    pub batch_s: Option<i64>,
    /// What the edge's reports say together.
    pub sums: Sums,
    /// Whether this server keeps the salts.
    #[serde(default)]
    pub keeps_salts: bool,
    /// What is wrong with the salts, if anything is.
    #[serde(default)]
    pub salts_trouble: Option<String>,
}

/// The routes, all of them signed.
pub fn routes(app: App) -> Router<App> {
    Router::new()
        .route("/edge/v1/roster", get(roster))
        .route(SALTS, get(salts))
        .route("/edge/v1/batches", post(batches))
        .route("/edge/v1/batches/check", post(check))
        .route("/edge/v1/report", post(report))
        .route(REPORTS, get(reports))
        .route(STATE, get(state))
        .route(
            "/edge/v1/sources/{site}/{date}/{shard}/{incarnation}",
            get(last_of_source),
        )
        .layer(DefaultBodyLimit::max(BATCH_BYTES_MAX))
        .route_layer(middleware::from_fn_with_state(app, signed))
}

/// How long a body may take: as long as an edge waits for the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets a request through when its signature is right; 401 otherwise, 413 for a large body, 408 for a
/// slow one. Nothing is read for whoever shows no signature of now.
async fn signed(
    extract::State(app): extract::State<App>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let header = parts
        .headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok());
    let now_ms = app.clock.now_ms();
    let ahead_s = header
        .and_then(time_of)
        .map_or(0, |at_s| at_s.saturating_sub(now_ms.div_euclid(1_000)));
    let Some(header) = header.filter(|header| Signed::may_verify(header, now_ms)) else {
        app.metrics.signature_refused(ahead_s, now_ms);
        return not_signed();
    };
    let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, BATCH_BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            return refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 1 MiB",
            );
        }
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let claim = Signed {
        method: parts.method.as_str(),
        path,
        body: &bytes,
    };
    if !claim.verify(header, &app.edge_keys, now_ms) {
        app.metrics.signature_refused(ahead_s, now_ms);
        return not_signed();
    }
    if path != REPORTS && path != STATE {
        app.edge_was_heard();
        app.metrics.signature_taken(ahead_s);
    }
    next.run(Request::from_parts(parts, Body::from(bytes)))
        .await
}

fn not_signed() -> Response {
    refusal(
        StatusCode::UNAUTHORIZED,
        "not signed with a key of this aggregator, or the clocks are more than 300 s apart",
    )
}

async fn roster(extract::State(app): extract::State<App>) -> Result<Json<Roster>, Failure> {
    let now_ms = app.clock.now_ms();
    let sites = app.store.sites().await?;
    let mut settings = app.store.settings().await?;
    let shards = app.store.shards(&sites, now_ms).await?;
    let mut former = app.store.former_domains(date_in_utc(now_ms)).await?;
    let one = Shards::default();
    let told = sites.iter().filter_map(|site| {
        // A site that was removed since is not told with settings it never had.
        let settings = settings.remove(&site.id)?;
        let shards = shards.get(&site.id).unwrap_or(&one);
        Some(roster::Site {
            former: former.remove(&site.id),
            ..site.to_roster(now_ms, settings, shards)
        })
    });
    Ok(Json(Roster {
        sites: told.collect(),
        wire: taken(),
    }))
}

/// What the salts are asked with.
#[derive(Deserialize)]
struct SaltsFor {
    /// The public key they are sealed for.
    to: Option<String>,
}

/// The salts leave this process only for whoever has drawn a key for them (I3): what the network's
/// buffers keep of the answer opens for nobody once that key is forgotten. So does what the server that
/// keeps them gives to another, which hands it on.
async fn salts(
    extract::State(app): extract::State<App>,
    extract::Query(query): extract::Query<SaltsFor>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(to) = query.to.as_deref().and_then(PublicKey::from_wire) else {
        return Ok(bad_key());
    };
    let sealed = match &app.salts_from {
        None => {
            let salts = Salts {
                salts: app.issue_salts().await?,
            };
            let mut random = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *random).map_err(|_| Error::Random)?;
            SealedSalts::new(&salts, to, &random)
        }
        Some(_) if headers.contains_key(HANDED_ON) => {
            let problem = "this server is no keeper of the salts, though another has them from it";
            return Err(Error::NoSalts(problem.into()).into());
        }
        Some(keeper) => Some(app.salts_of(keeper, to).await?),
    };
    let Some(sealed) = sealed else {
        return Ok(bad_key());
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(sealed)).into_response())
}

fn bad_key() -> Response {
    refusal(
        StatusCode::BAD_REQUEST,
        "to: the public key that the salts are sealed for, 64 hex digits",
    )
}

async fn batches(
    extract::State(app): extract::State<App>,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let watch = Stopwatch::start();
    let became = |became| {
        let now_ms = app.clock.now_ms();
        app.metrics
            .batch(became, bytes.len(), watch.elapsed(), now_ms);
    };
    let batch = match readable(&bytes) {
        Ok(batch) => batch,
        Err(problem @ BatchError::Version { .. }) => {
            became(metrics::Batch::OtherVersion);
            return Ok(unreadable(&problem));
        }
        Err(problem) => {
            became(metrics::Batch::Malformed);
            return Ok(unreadable(&problem));
        }
    };
    let applied = app
        .store
        .apply_batch(&batch, sha256(&bytes), app.clock.now_ms())
        .await;
    became(match &applied {
        Ok(Applied::Now) => metrics::Batch::Applied,
        Ok(Applied::Before) => metrics::Batch::Duplicate,
        Ok(Applied::Gap { .. }) => metrics::Batch::Gap,
        Ok(Applied::Conflict) => metrics::Batch::Conflict,
        Ok(Applied::Gone) => metrics::Batch::Removed,
        Ok(Applied::UnknownSite) => metrics::Batch::UnknownSite,
        Err(_) => metrics::Batch::Failed,
    });
    Ok(match applied? {
        Applied::Now => Json(json!({ "status": "applied" })).into_response(),
        Applied::Before => Json(json!({ "status": "duplicate" })).into_response(),
        Applied::Gap { last } => {
            let body = json!({ "error": "batches before this one are missing", "last": last });
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
        Applied::Conflict => {
            let source = &batch.source;
            tracing::error!(
                site = source.site, date = %source.date, shard = source.shard, seq = batch.seq,
                "another batch of this number was applied before; this one is kept at the edge"
            );
            refusal(
                StatusCode::CONFLICT,
                "another batch of this number was applied",
            )
        }
        Applied::Gone => removed(),
        Applied::UnknownSite => unknown(batch.source.site),
    })
}

/// Reads a batch, or tells why it cannot be taken. What is wrong with a batch does not change: the
/// edge puts it aside. What is of another version is not wrong: the edge waits.
fn readable(bytes: &[u8]) -> Result<Batch, BatchError> {
    #[cfg(feature = "test-clock")]
    if let Some(result) = crate::test_version::read(bytes) {
        return result;
    }
    Batch::decode(bytes)
}

/// Versions of batches that are taken.
fn taken() -> Vec<u8> {
    #[cfg(feature = "test-clock")]
    if let Some(taken) = crate::test_version::taken() {
        return taken;
    }
    wire::taken()
}

/// Whether a batch would be taken; nothing is.
async fn check(bytes: Bytes) -> Response {
    match readable(&bytes) {
        Ok(_) => Json(json!({ "status": "readable" })).into_response(),
        Err(problem) => unreadable(&problem),
    }
}

/// The number of the last batch of a source that was applied.
async fn last_of_source(
    extract::State(app): extract::State<App>,
    Path((site, date, shard, incarnation)): Path<(String, String, String, String)>,
) -> Result<Response, Failure> {
    let source = match Source::from_path([&site, &date, &shard, &incarnation]) {
        Ok(source) => source,
        Err(error) => return Ok(malformed(&error.to_string())),
    };
    Ok(match app.store.last_of_source(&source).await? {
        LastOf::Batch(last) => Json(json!({ "last": last })).into_response(),
        LastOf::Gone => removed(),
        LastOf::UnknownSite => unknown(source.site),
    })
}

/// How delivery goes at the edge.
async fn report(extract::State(app): extract::State<App>, bytes: Bytes) -> Response {
    match Told::decode(&bytes) {
        Ok(told) => {
            app.reports.take(told, app.clock.now_ms());
            Json(json!({ "status": "ok" })).into_response()
        }
        Err(error) => malformed(&error.to_string()),
    }
}

/// For `dayfly audit`: every report that is not too old, and how many seconds ago it came.
async fn reports(extract::State(app): extract::State<App>) -> Json<Vec<(Report, i64)>> {
    let now_ms = app.clock.now_ms();
    let all = app.reports.all(now_ms).into_iter();
    let aged = all.map(|(report, heard_ms)| (report, (now_ms - heard_ms) / 1_000));
    Json(aged.collect())
}

/// For `dayfly doctor`: what the server knows of the channel.
async fn state(extract::State(app): extract::State<App>) -> Json<State> {
    let now_ms = app.clock.now_ms();
    let ago_s = |at_ms: i64| now_ms.saturating_sub(at_ms).max(0) / 1_000;
    let metrics = &app.metrics;
    Json(State {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now_s: now_ms.div_euclid(1_000),
        runs_s: metrics.started.elapsed().as_secs(),
        heard_s: app.edge_heard_ms().map(ago_s),
        ahead_s: metrics.edge_ahead_s(),
        refused: metrics
            .refused()
            .map(|(at_ms, ahead_s)| (ago_s(at_ms), ahead_s)),
        batch_s: metrics.last_batch_ms().map(ago_s),
        sums: app.reports.sums(now_ms),
        keeps_salts: app.salts_from.is_none(),
        salts_trouble: app.salts_trouble.text(),
    })
}

/// The edge drops what it holds of the site (I12).
fn removed() -> Response {
    let body = json!({ "error": "the site was removed", "removed": true });
    (StatusCode::GONE, Json(body)).into_response()
}

/// The edge keeps what it has, and says so in its health.
fn unknown(site: SiteId) -> Response {
    let error = format!("this database has no site {site}, and none was removed from it");
    refusal(StatusCode::NOT_FOUND, &error)
}

/// Of another version: the edge keeps it in its place until this server is upgraded. Anything else:
/// it would be refused for ever.
fn unreadable(problem: &BatchError) -> Response {
    match problem {
        BatchError::Version { .. } => {
            let body = json!({ "error": problem.to_string(), "takes": taken() });
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, Json(body)).into_response()
        }
        _ => malformed(&problem.to_string()),
    }
}

fn malformed(problem: &str) -> Response {
    refusal(StatusCode::UNPROCESSABLE_ENTITY, problem)
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// Our own failure: logged here, told without detail; the edge keeps what it has.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // Told in /health, and logged where it was found.
        if let Error::NoSalts(problem) = &self.0 {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, problem);
        }
        tracing::error!("edge request failed: {}", self.0);
        if matches!(self.0, Error::Moved(_)) {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "the database was moved");
        }
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }
}
