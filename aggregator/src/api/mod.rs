//! The stats API (COMPAT.md, sections 2 and 3): errors are `{"error":"…"}`.

mod render;
pub mod v2;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// 400: what is wrong, and where.
    Invalid(String),
    /// 401: no key, a wrong one, or no access to the site.
    NoAccess,
    /// 413.
    TooLarge,
    /// 500: logged here, told without detail.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => Self::Invalid(problem),
            other => Self::Failed(other),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Refusal::Invalid(problem) => (StatusCode::BAD_REQUEST, problem),
            Refusal::NoAccess => (
                StatusCode::UNAUTHORIZED,
                "needs `Authorization: Bearer <key>` with a key that may read this site; make one with `dayfly key create`".into(),
            ),
            Refusal::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 64 KiB".into(),
            ),
            Refusal::Failed(error) => {
                tracing::error!("API request failed: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "internal error".into())
            }
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}

/// The key of `Authorization: Bearer <key>`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
