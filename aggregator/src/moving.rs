//! What the running server does while `dayfly migrate` moves its database, and after: it answers
//! questions, and takes nothing. An edge is told 503 and keeps its batches; a person is told why.
//!
//! This is for manners. That nothing is taken is seen to by the database: the move holds its write
//! lock, and leaves triggers behind (`store/moving.rs`).

use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::data::DataFolder;
use crate::error::Result;
use crate::serve::App;
use crate::store::{MoveState, Moved};

/// What is asked by POST, and changes nothing.
const QUESTIONS: [&str; 3] = ["/api/v2/query", "/edge/v1/batches/check", "/edge/v1/report"];
/// When to come again, seconds.
const RETRY_S: &str = "30";

/// How a database stands that is being moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is being copied.
    Moving,
    /// It is in another place.
    Gone(String),
}

impl Standing {
    /// What everybody is told: not where to.
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Moving => "the database is being moved; nothing is taken until that is done",
            Self::Gone(_) => {
                "the database was moved, and nothing is taken until the server is restarted with the new one; its log says where that is"
            }
        }
    }
}

/// What was found last. Kept in memory only.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Option<Standing>>);

impl Seen {
    /// What was found last; `None`: the database is this server's.
    pub fn get(&self) -> Option<Standing> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, found: Option<Standing>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != found {
            match &found {
                Some(Standing::Gone(place)) => tracing::warn!(
                    "the database was moved to {place}: restart the server with it (DAYFLY_DATABASE); edges keep their counts until then"
                ),
                Some(standing) => tracing::warn!("{}", standing.text()),
                None => tracing::info!("the database takes what comes again"),
            }
            *seen = found;
        }
    }
}

impl App {
    /// Looks whether the database is being moved, or was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look_whether_it_moves(&self) -> Result<()> {
        let is_moving = self
            .data_folder
            .as_deref()
            .is_some_and(DataFolder::is_moving);
        let found = match (self.store.moved().await?, is_moving) {
            (
                Some(Moved {
                    state: MoveState::Gone,
                    place,
                    ..
                }),
                _,
            ) => Some(Standing::Gone(place)),
            (_, true) => Some(Standing::Moving),
            _ => None,
        };
        self.moving.set(found);
        Ok(())
    }
}

/// Refuses what would change anything while the database is being moved, and after.
pub async fn refuse_changes(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_question = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) || QUESTIONS.contains(&request.uri().path());
    if is_question {
        return next.run(request).await;
    }
    match app.moving.get() {
        None => next.run(request).await,
        Some(standing) => not_now(&standing),
    }
}

/// 503, with why and when to come again.
fn not_now(standing: &Standing) -> Response {
    let body = json!({ "error": standing.text() });
    let headers = [(header::RETRY_AFTER, RETRY_S)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}
