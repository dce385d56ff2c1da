//! Who may do what: the keys of the API.
//!
//! Every route calls [`authorise`] before it does anything else. A request counts against its key's
//! hourly limit whatever becomes of it; a wrong key counts against nobody's (`known.rs` says what
//! it costs).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use shared::visitor::SiteId;

use super::known::KnownKeys;
use super::limit::{Left, Limits};
use super::{Refusal, bearer};
use crate::clock::{date_in_utc, day_number};
use crate::serve::App;
use crate::site::{self, Site};
use crate::store::{Key, KeyHash, Scope};

/// What a server knows of keys, in memory only.
#[derive(Debug, Default)]
pub struct Keys {
    known: Arc<KnownKeys>,
    limits: Limits,
}

/// What a request's key opens.
#[derive(Debug, Clone)]
pub struct Access(Arc<Key>);

impl Access {
    /// Whether it opens a site.
    pub fn reads(&self, site: SiteId) -> bool {
        self.0.site.is_none_or(|only| only == site)
    }

    /// The one site it opens; `None`: all.
    pub fn only_site(&self) -> Option<SiteId> {
        self.0.site
    }

    /// The site that a field names by its domain. Whether there is one is told only to who may read
    /// all of them.
    ///
    /// # Errors
    /// The field holds no domain, the key does not open the site, there is none, or the database
    /// failed.
    pub async fn site(&self, app: &App, field: &str, domain: &str) -> Result<Site, Refusal> {
        let name = site::domain(domain).map_err(|_| {
            Refusal::Invalid(format!(
                "{field}: that is not a host name such as example.com"
            ))
        })?;
        match app.store.site(&name).await? {
            Some(site) if self.reads(site.id) => Ok(site),
            None if self.only_site().is_none() => {
                Err(Refusal::NotFound(format!("there is no site {name}")))
            }
            _ => Err(Refusal::NoAccess),
        }
    }
}

/// Lets a request through whose key is for this, and counts it.
///
/// # Errors
/// 401: no key, a wrong one, one that has expired, was revoked, or is for something else. 429: the
/// key has used up its hour, or too many wrong keys are tried. 500: the database failed.
pub async fn authorise(app: &App, headers: &HeaderMap, scope: Scope) -> Result<Access, Refusal> {
    let text = bearer(headers).ok_or(Refusal::NoKey)?;
    let hash = KeyHash::of(text).ok_or(Refusal::WrongKey)?;
    let found = app.keys.known.find(app, hash).await?;
    let key = found.ok_or(Refusal::WrongKey)?;
    let now_ms = app.clock.now_ms();
    let today = date_in_utc(now_ms);
    if let Some(last) = key.works_until.filter(|last| *last < today) {
        return Err(Refusal::Expired(last));
    }
    let limits = &app.keys.limits;
    let taken = limits.take(key.id, key.hourly_limit, now_ms, day_number(today));
    if !taken.allowed {
        return Err(Refusal::OverLimit {
            limit: taken.left.limit,
            retry_after_s: taken.left.reset_s,
        });
    }
    if taken.first_of_day
        && key.last_used_on != Some(today)
        && let Err(error) = app.store.note_key_used(key.id, today).await
    {
        // Nothing that is asked for hangs on it.
        tracing::error!("that a key was used could not be noted: {error}");
    }
    if !key.scope.covers(scope) {
        return Err(Refusal::WrongScope(scope));
    }
    Ok(Access(key))
}

/// Says with each answer what the request's key has left.
pub(super) async fn tell_limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let hash = bearer(request.headers()).and_then(KeyHash::of);
    let mut response = next.run(request).await;
    if let Some(key) = hash.and_then(|hash| app.keys.known.glance(hash)) {
        let now_ms = app.clock.now_ms();
        let left = app.keys.limits.left(key.id, key.hourly_limit, now_ms);
        tell(response.headers_mut(), left);
    }
    response
}

fn tell(headers: &mut HeaderMap, left: Left) {
    headers.insert("x-ratelimit-limit", HeaderValue::from(left.limit));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(left.remaining));
    headers.insert("x-ratelimit-reset", HeaderValue::from(left.reset_s));
}
