//! The API for programs (COMPAT.md, sections 2 to 5): errors are `{"error":"…"}`.

pub mod access;
mod body;
mod known;
mod limit;
mod openapi;
mod operation;
mod params;
pub mod render;
mod sites;
#[cfg(test)]
mod tests;
pub mod v1;
pub mod v2;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use serde_json::json;

use crate::error::Error;
use crate::serve::App;
use crate::store::Scope;

pub use access::{Access, Keys, authorise};
pub use body::{BODY_BYTES_MAX, read as read_body};
pub use render::csv;

/// Every route of the API. Each answer to a key says how many requests it has left.
pub fn routes(app: App) -> Router<App> {
    let mut routes = Router::new();
    for operation in operation::all() {
        routes = routes.route(operation.path, operation.route);
    }
    routes
        .layer(middleware::from_fn_with_state(app, access::tell_limit))
        .merge(openapi::routes())
}

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// 400: what is wrong, and where.
    Invalid(String),
    /// 401: no key was sent.
    NoKey,
    /// 401: there is no such key, or not any more.
    WrongKey,
    /// 401: the key's last day is over.
    Expired(jiff::civil::Date),
    /// 401: the key is for something else; this wants one of that scope.
    WrongScope(Scope),
    /// 401: the key may not do this at this site, or there is no such site.
    NoAccess,
    /// 404: what there is not.
    NotFound(String),
    /// 408: the body did not come in time.
    TooSlow,
    /// 413.
    TooLarge,
    /// 429: the key has used up its requests; again in so many seconds.
    OverLimit {
        /// Requests an hour.
        limit: u32,
        /// Until there are new ones.
        retry_after_s: u32,
    },
    /// 429: too many keys that are not known are being looked up; again in a second.
    TooManyGuesses,
    /// 429: more passwords are being hashed than is worked off; again in a second.
    Busy,
    /// 500: logged here, told without detail.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => Self::Invalid(problem),
            Error::Busy => Self::Busy,
            other => Self::Failed(other),
        }
    }
}

impl Refusal {
    fn status_and_text(self) -> (StatusCode, String) {
        let unauthorised = |text: &str| (StatusCode::UNAUTHORIZED, text.to_owned());
        match self {
            Refusal::Invalid(problem) => (StatusCode::BAD_REQUEST, problem),
            Refusal::NoKey => unauthorised(
                "needs `Authorization: Bearer <key>`; make a key with `dayfly key create`",
            ),
            Refusal::WrongKey => {
                unauthorised("there is no such key: it is mistyped, or was revoked")
            }
            Refusal::Expired(last) => {
                unauthorised(&format!("the key has expired: its last day was {last}"))
            }
            Refusal::WrongScope(wanted) => unauthorised(&format!(
                "the key is not for this: make one with `dayfly key create --scope {}`",
                wanted.as_str()
            )),
            Refusal::NoAccess => {
                unauthorised("the key does not open this site, or there is no such site")
            }
            Refusal::NotFound(what) => (StatusCode::NOT_FOUND, what),
            Refusal::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the body did not come within 10 seconds".into(),
            ),
            Refusal::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 64 KiB".into(),
            ),
            Refusal::OverLimit { limit, .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                format!("the key has used up its {limit} requests an hour"),
            ),
            Refusal::TooManyGuesses => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many keys that are not known are tried at once".into(),
            ),
            Refusal::Busy => (StatusCode::TOO_MANY_REQUESTS, Error::Busy.to_string()),
            Refusal::Failed(error) => {
                tracing::error!("API request failed: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "internal error".into())
            }
        }
    }

    /// A header that the status asks for.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Refusal::OverLimit { retry_after_s, .. } => {
                Some((header::RETRY_AFTER, HeaderValue::from(*retry_after_s)))
            }
            Refusal::TooManyGuesses | Refusal::Busy => {
                Some((header::RETRY_AFTER, HeaderValue::from(1)))
            }
            // What is left of the body is not read.
            Refusal::TooSlow | Refusal::TooLarge => {
                Some((header::CONNECTION, HeaderValue::from_static("close")))
            }
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let header = self.header();
        let (status, error) = self.status_and_text();
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        let headers = response.headers_mut();
        headers.extend(header);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The key of `Authorization: Bearer <key>`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
