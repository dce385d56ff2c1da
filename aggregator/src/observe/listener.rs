//! The private listener: `/metrics` and `/health` for whoever runs the server, on an address of its
//! own. It asks nobody who they are, so it listens on loopback unless told otherwise.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::scrape::scrape;
use super::text::CONTENT_TYPE;
use crate::error::{Error, Result};
use crate::serve::{self, App};

/// Listens. On another address than a loopback one only where that is accepted.
///
/// # Errors
/// The address is none of loopback, or cannot be listened on.
pub async fn listen(address: SocketAddr, anywhere: bool) -> Result<TcpListener> {
    if !address.ip().is_loopback() && !anywhere {
        return Err(Error::Invalid(format!(
            "metrics-listen: {address} can be reached from elsewhere, and nobody is asked who they \
             are there; take 127.0.0.1, or accept that with --metrics-anywhere where a firewall or \
             a private network keeps others out"
        )));
    }
    serve::listen(address).await
}

/// The routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(serve::health))
        .with_state(app)
}

async fn metrics(State(app): State<App>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, CONTENT_TYPE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, scrape(&app).await).into_response()
}
