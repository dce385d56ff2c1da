//! Dayfly's collector: a thin Worker over the counting core in `shared`.
//!
//! Routes: `POST /api/event` (`entry.js`, `beacon.rs`), `GET /js/script.js`, `GET /health`,
//! `GET`, `DELETE` and `POST /me`. Durable Objects: `RosterObject` knows the sites and salts,
//! `DayObject` counts a site's day; `FrontObject` (`entry.js`) does in the EU what the Worker does.
//!
//! Architecture invariants: nothing here panics (a panic hangs a Durable Object's request); no
//! address, User-Agent or hash is in any error text, because the platform logs those; nothing but
//! the aggregator is ever fetched.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod aggregator;
mod answer;
mod beacon;
mod day_object;
mod day_store;
mod delivery;
mod gather;
mod me;
mod platform;
mod reports;
mod roster_object;
mod settings;
mod sites;

use worker::{Context, Env, Result, event, web_sys};
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is overwritten: no salt, no key, and nothing of a request lies about in memory
/// that nobody uses any more (I3; `scripts/prove` looks).
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// The tracker, built from edge/tracker.
const SCRIPT: &str = include_str!("../tracker/dist/script.js");

#[event(fetch, respond_with_errors)]
async fn fetch(request: web_sys::Request, env: Env, _ctx: Context) -> Result<web_sys::Response> {
    let url = request.url();
    match (path_of(&url), request.method().as_str()) {
        ("/api/event" | "/js/script.js" | "/health", "OPTIONS") => answer::preflight(),
        ("/api/event", _) => answer::method_not_allowed("POST, OPTIONS"),
        ("/js/script.js", "GET" | "HEAD") => answer::script(SCRIPT),
        ("/health", "GET" | "HEAD") => health(env).await,
        ("/js/script.js" | "/health", _) => answer::method_not_allowed("GET, HEAD, OPTIONS"),
        ("/me", method) => me::answer(&request, method, &env).await,
        #[cfg(feature = "test-clock")]
        ("/test-clock", "POST") => {
            let offset = url.rsplit('=').next().and_then(|text| text.parse().ok());
            platform::test_clock::set(offset.unwrap_or(0));
            answer::json(200, "{}")
        }
        #[cfg(all(feature = "test-clock", target_arch = "wasm32"))]
        ("/test-memory", "GET") => {
            let wasm_bytes = core::arch::wasm32::memory_size(0).saturating_mul(64 * 1024);
            answer::json(200, &format!(r#"{{"wasm_bytes":{wasm_bytes}}}"#))
        }
        _ => answer::not_found(),
    }
}

/// Healthy is: the settings are complete and the roster is known, so that beacons can be counted,
/// and what was counted is taken by the aggregator. An aggregator that is away is no trouble of the
/// edge: it keeps what it has.
async fn health(env: Env) -> Result<web_sys::Response> {
    let problem = match is_ready(&env).await {
        Err(error) => Some(error.to_string()),
        Ok(()) => match sites::delivery(&env).await {
            Err(error) => Some(error.to_string()),
            Ok(sums) => sums.problem(),
        },
    };
    match problem {
        None => answer::json(200, r#"{"status":"ok"}"#),
        Some(reason) => {
            let body = serde_json::json!({ "status": "error", "reason": reason });
            answer::json(503, &body.to_string())
        }
    }
}

async fn is_ready(env: &Env) -> Result<()> {
    settings::settings(env)?;
    sites::known_or_loaded(env).await.map(drop)
}

/// The path of an absolute url, without its query.
fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme
        .find('/')
        .and_then(|at| after_scheme.get(at..))
        .unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or("/")
}
