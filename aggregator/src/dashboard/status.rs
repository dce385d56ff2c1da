//! `/status` and `/status.svg`: how it goes, for everybody who counts with this server.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{Failure, page};
use crate::arrival::ForAnyPage;
use crate::observe::status::{self, Level, Status};
use crate::serve::App;

/// What a cache may tell of it.
const MAY_BE_KEPT: &str = "public, max-age=30";

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    status: Status,
}

impl StatusPage {
    fn heading(&self) -> &'static str {
        match self.status.level() {
            Level::Working => "Everything is working",
            Level::Delayed => "Numbers are delayed",
            Level::Down => "Something is down",
        }
    }
}

/// The page.
pub async fn show(State(app): State<App>) -> Result<Response, Failure> {
    let status = status::status(&app).await;
    let page = page(&StatusPage { status })?;
    Ok(([(header::CACHE_CONTROL, MAY_BE_KEPT)], page).into_response())
}

/// The badge, for any page to show.
pub async fn badge(State(app): State<App>) -> Response {
    let level = status::status(&app).await.level();
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, MAY_BE_KEPT),
    ];
    let mut response = (headers, svg(level)).into_response();
    response.extensions_mut().insert(ForAnyPage);
    response
}

/// Two boxes of fixed width, so that nothing has to be measured.
fn svg(level: Level) -> String {
    let word = level.word();
    let colour = match level {
        Level::Working => "#1d7a4a",
        Level::Delayed => "#8a5a00",
        Level::Down => "#b3362f",
    };
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="132" height="20" role="img" aria-label="analytics: {word}"><title>analytics: {word}</title><rect width="132" height="20" rx="3" fill="#3b4353"/><path d="M66 0h63a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H66z" fill="{colour}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"><text x="33" y="14">analytics</text><text x="99" y="14">{word}</text></g></svg>"##
    )
}
