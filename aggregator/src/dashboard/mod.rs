//! The dashboard: pages rendered here, which work without scripts; every state is a URL.
//! Who is let in to which is in `guard.rs`.

mod account;
mod dropped;
pub mod guard;
mod mail;
mod overview;
mod settings;
mod sharing;
pub(crate) mod site;
mod status;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use std::io::Write as _;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::accounts::Role;
use crate::assets;
use crate::error::Error;
use crate::serve::App;
use guard::{Needs, Pages};
use site::segments;

/// Every page, with what it needs.
pub fn pages(app: App) -> Pages {
    let viewer = Needs::Site(Role::Viewer);
    let mut pages = Pages::new(app)
        .get("/", Needs::Account, overview::show)
        .get("/sites/{domain}", viewer, site::site)
        .get("/sites/{domain}/list/{list}", viewer, site::all)
        .get("/sites/{domain}/live", viewer, site::live)
        .get("/sites/{domain}/segments", viewer, segments::show)
        .post("/sites/{domain}/segments", viewer, segments::save)
        .post("/sites/{domain}/segments/rename", viewer, segments::rename)
        .post(
            "/sites/{domain}/segments/replace",
            viewer,
            segments::replace,
        )
        .post("/sites/{domain}/segments/delete", viewer, segments::delete)
        .get("/status", Needs::Guest, status::show)
        .get("/status.svg", Needs::Guest, status::badge);
    for asset in &assets::ALL {
        let answer = move |headers: HeaderMap| async move { asset.answer(&headers) };
        pages = pages.get(asset.path, Needs::Nothing, answer);
    }
    mail::add(sharing::add(settings::add(account::add(pages))))
}

/// The routes.
pub fn routes(app: App) -> Router<App> {
    pages(app).into_router()
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    title: &'static str,
    text: String,
}

/// The answer where no route fits: a page for a browser, JSON for a program.
pub async fn not_found(headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        let text = "There is nothing at this address.".to_owned();
        return message(StatusCode::NOT_FOUND, "Nothing here", text)
            .unwrap_or_else(IntoResponse::into_response);
    }
    let error = axum::Json(serde_json::json!({ "error": "there is nothing here" }));
    (StatusCode::NOT_FOUND, error).into_response()
}

fn page(template: &impl Template) -> Result<Response, Failure> {
    let html = template.render().map_err(Failure::Template)?;
    Ok(kept_by_nobody(html))
}

fn kept_by_nobody(html: impl Into<Body>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Html(html.into())).into_response()
}

/// The same, gzipped for whoever takes that. Not for a page that holds a secret: beside text of an
/// attacker's choice the packed length tells of it.
fn packed_page(template: &impl Template, headers: &HeaderMap) -> Result<Response, Failure> {
    let html = template.render().map_err(Failure::Template)?;
    let mut response = match assets::accepts(headers, "gzip") {
        true => {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            // Writing to a Vec never fails.
            let _ = packed.write_all(html.as_bytes());
            let packed = packed.finish().unwrap_or_default();
            let gzip = [(header::CONTENT_ENCODING, "gzip")];
            (gzip, kept_by_nobody(packed)).into_response()
        }
        false => kept_by_nobody(html),
    };
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().insert(header::VARY, vary);
    Ok(response)
}

fn message(status: StatusCode, title: &'static str, text: String) -> Result<Response, Failure> {
    Ok((status, page(&MessagePage { title, text })?).into_response())
}

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// Our own failure: logged here, told without detail.
    Store(Error),
    /// The same.
    Template(askama::Error),
    /// An answer that is made already.
    Answer(Box<Response>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Store(error) => tracing::error!("page failed: {error}"),
            Failure::Template(error) => tracing::error!("page failed: {error}"),
            Failure::Answer(answer) => return *answer,
        }
        let text = "This page could not be made. The server's log says why.";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}
