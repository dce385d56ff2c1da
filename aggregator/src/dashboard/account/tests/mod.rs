//! The pages over a real store, each on both engines: what they refuse, and what they do.

mod forgot;
mod guard;
mod links;
mod login;
mod mail;
mod people;
mod settings;

use std::cell::RefCell;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::civil::{Date, date};
use shared::address::{ClientAddress, Network};
use shared::clock::{Clock, ManualClock};
use tower::ServiceExt;

use crate::accounts::Role;
use crate::accounts::password::Password;
use crate::arrival::Peer;
use crate::clock::date_in_utc;
use crate::mail::Mail;
use crate::mail::tests::{Kept, URL};
use crate::salts::SaltKeeper;
use crate::serve::{App, router};
use crate::store::{Link, NewAccount, Place, Store};

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;
/// 2026-11-23T12:00:00Z.
pub(crate) const NOON_MS: i64 = 20_780 * DAY_MS + DAY_MS / 2;
pub(crate) const HTTP: &str = "http://127.0.0.1:8000";
pub(crate) const HTTPS: &str = "https://stats.example";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server with the sites a.example and b.example, behind a proxy at 10.0.0.1.
pub(crate) struct Web {
    pub(crate) app: App,
    router: Router,
    pub(crate) clock: Arc<ManualClock>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The text between two others.
    pub(crate) fn between(&self, begin: &str, end: &str) -> &str {
        let (_, rest) = self
            .html
            .split_once(begin)
            .unwrap_or_else(|| panic!("{}", self.html));
        rest.split_once(end).unwrap().0
    }

    /// The sentence that says what is wrong.
    pub(crate) fn problem(&self) -> &str {
        self.between(r#"role="alert">"#, "</p>")
    }
}

impl Web {
    pub(crate) async fn start(place: &Place) -> Self {
        let store = Store::open(place).await.unwrap();
        for domain in ["a.example", "b.example"] {
            let added = store.add_site(domain, "UTC", date(2026, 11, 1));
            assert!(added.await.unwrap());
        }
        let clock = Arc::new(ManualClock::at(NOON_MS));
        let app = App::new(
            store,
            SaltKeeper::default(),
            Vec::new(),
            clock.clone(),
            "http://edge.example",
        )
        .with_trusted_proxies(vec![Network::parse("10.0.0.1").unwrap()]);
        Self {
            router: router(app.clone()),
            app,
            clock,
        }
    }

    /// The same with mail, which is kept.
    async fn with_mail(place: &Place) -> (Self, Kept) {
        let web = Self::start(place).await;
        let kept = Kept::default();
        let app = web.app.with_mail(Some(Mail::kept(kept.clone(), URL)));
        let web = Self {
            router: router(app.clone()),
            app,
            clock: web.clock,
        };
        (web, kept)
    }

    pub(crate) fn today(&self) -> Date {
        date_in_utc(self.clock.now_ms())
    }

    /// An account with [`PASSWORD`]; the first is an admin.
    pub(crate) async fn account(&self, mail: &str) -> i64 {
        let password = Password::typed(PASSWORD);
        let new = NewAccount {
            mail: mail.to_owned(),
            name: mail.split('@').next().unwrap().to_owned(),
            is_admin: false,
            password: self.app.accounts.passwords.hash(password).await.unwrap(),
        };
        let added = self.app.store.add_account(&new, self.today()).await;
        added.unwrap().unwrap()
    }

    pub(crate) async fn role(&self, mail: &str, domain: &str, role: Role) -> i64 {
        let account = match self.app.store.account_of(mail).await.unwrap() {
            Some(account) => account.id,
            None => self.account(mail).await,
        };
        let site = self.app.store.site(domain).await.unwrap().unwrap();
        let set = self.app.store.set_role(site.id, account, Some(role));
        assert!(set.await.unwrap());
        account
    }

    pub(crate) async fn link(&self, link: &Link) -> String {
        let expires_ms = self.clock.now_ms() + DAY_MS;
        let token = self.app.store.add_link(link, expires_ms).await.unwrap();
        token.as_str().to_owned()
    }

    pub(crate) fn browser(&self, origin: &'static str) -> Browser<'_> {
        Browser {
            web: self,
            origin,
            address: "192.0.2.1",
            cookie: RefCell::default(),
        }
    }

    /// A browser that is logged in.
    pub(crate) async fn logged_in(&self, mail: &str) -> Browser<'_> {
        let browser = self.browser(HTTP);
        let answer = browser.log_in(mail, PASSWORD).await;
        assert_eq!(answer.status, 303, "{mail}: {}", answer.html);
        browser
    }
}

/// A browser at an address, which keeps cookies.
pub(crate) struct Browser<'a> {
    pub(crate) web: &'a Web,
    pub(crate) origin: &'static str,
    pub(crate) address: &'static str,
    /// As it sends it.
    pub(crate) cookie: RefCell<String>,
}

impl Browser<'_> {
    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let (scheme, host) = self.origin.split_once("://").unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("accept", "text/html,*/*")
            .header("cookie", self.cookie.borrow().as_str());
        match scheme {
            "https" => request
                .extension(Peer(ClientAddress::parse("10.0.0.1").unwrap()))
                .header("x-forwarded-proto", "https")
                .header("x-forwarded-for", self.address),
            _ => request.extension(Peer(ClientAddress::parse(self.address).unwrap())),
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.web.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        if let Some(set) = parts.headers.get("set-cookie") {
            let set = set.to_str().unwrap().split(';').next().unwrap();
            *self.cookie.borrow_mut() = set.to_owned();
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            html: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty());
        self.send(request.unwrap()).await
    }

    /// Sends a form as a page of ours does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self
            .request("POST", path)
            .header("origin", self.origin)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.finish())).unwrap())
            .await
    }

    pub(crate) async fn log_in(&self, mail: &str, password: &str) -> Answer {
        self.post("/login", &[("mail", mail), ("password", password)])
            .await
    }

    /// Whether it is logged in, whole.
    pub(crate) async fn is_in(&self) -> bool {
        self.get("/account").await.status == 200
    }
}
