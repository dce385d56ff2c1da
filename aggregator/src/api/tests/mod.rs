//! The API's routes over a real store, each on both engines: what they refuse, and what they do.

mod document;
mod export;
mod fixture;
mod goals;
mod keys;
mod live;
mod oracle;
mod sharing;
mod sites;
mod v1;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use shared::clock::{Clock, ManualClock};
use tower::ServiceExt;

use crate::clock::date_in_utc;
use crate::salts::SaltKeeper;
use crate::serve::{App, router};
use crate::store::{NewKey, Place, Scope, Store};
use document::every_route;

const DAY_MS: i64 = 24 * 3_600_000;
/// 2026-11-23T12:00:00Z.
const NOON_MS: i64 = 20_780 * DAY_MS + DAY_MS / 2;

/// A server with the sites a.example and b.example.
struct Api {
    app: App,
    router: Router,
    clock: Arc<ManualClock>,
    /// Of all sites, with the scope `sites`.
    key: String,
}

/// What was answered.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn error(&self) -> &str {
        let error = self.body["error"].as_str();
        error.unwrap_or_else(|| panic!("{} {}", self.status, self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Api {
    async fn start(place: &Place) -> Self {
        let store = Store::open(place).await.unwrap();
        for domain in ["a.example", "b.example"] {
            let added = store.add_site(domain, "Europe/Berlin", date(2026, 11, 1));
            assert!(added.await.unwrap());
        }
        let clock = Arc::new(ManualClock::at(NOON_MS));
        let app = App::new(
            store,
            SaltKeeper::default(),
            Vec::new(),
            clock.clone(),
            "http://edge.example",
        );
        let mut api = Self {
            router: router(app.clone()),
            app,
            clock,
            key: String::new(),
        };
        api.key = api.key(NewKey::of(None, Scope::Sites)).await;
        api
    }

    fn today(&self) -> Date {
        date_in_utc(self.clock.now_ms())
    }

    async fn key(&self, new: NewKey<'_>) -> String {
        self.app.store.create_key(&new, self.today()).await.unwrap()
    }

    async fn key_of(&self, domain: &str, scope: Scope) -> String {
        let site = self.app.store.site(domain).await.unwrap().unwrap();
        self.key(NewKey::of(Some(site.id), scope)).await
    }

    /// Sends what is given with a key.
    async fn send(&self, key: &str, method: &str, path: &str, body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// Sends JSON, or nothing where it is null, with the key of all sites.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = match body {
            Value::Null => Body::empty(),
            json => Body::from(json.to_string()),
        };
        self.send(&self.key, method, path, body).await
    }

    /// As [`Api::ask`], and must be answered 200.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.body
    }

    /// As [`Api::ask`], and must be refused: the status, and how its text begins.
    async fn refused(&self, method: &str, path: &str, body: Value, status: u16, begins: &str) {
        let answer = self.ask(method, path, body.clone()).await;
        let told = answer.error();
        assert_eq!(answer.status, status, "{method} {path} {body}: {told}");
        assert!(told.starts_with(begins), "{method} {path} {body}: {told}");
    }
}
