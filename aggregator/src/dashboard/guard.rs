//! Who is let in to which page.
//!
//! Every page is put into [`Pages`] with what it needs, and there is no other way to mount one. What
//! is asked, in this order:
//!
//! | | otherwise |
//! |---|---|
//! | what changes anything: `Origin` is ours, `Sec-Fetch-Site` (where sent) is `same-origin`, the body is a form | 403 |
//! | a log-in, whole and not ended | a browser that wants a page: 303 to `/login?next=…`; else 401 |
//! | for a site: a role there | 404, as for a site that there is not |
//! | that role or more; for the server: being an admin | 403 |
//!
//! Before any of it a network gets so many pages a minute, then 429.
//!
//! A [`Needs::Guest`] page needs no log-in; its handler says what is open. What needs a
//! [`Needs::Signature`] is asked none of it: the signed token in its path is what lets somebody in, from
//! wherever it comes, as mail programs do (RFC 8058). It opens that one thing. Of both a network gets
//! fewer a minute.
//!
//! A handler then takes [`Caller`], and [`AtSite`] on a page of a site.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use shared::clock::UnixMs;

use super::account::cookie;
use super::{Failure, message};
use crate::accounts::Role;
use crate::accounts::attempts::Attempts;
use crate::accounts::token::TokenHash;
use crate::arrival::Arrival;
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::serve::App;
use crate::site::{self, Site};
use crate::store::{Account, Login};

/// What a page needs of whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is for those who are not logged in.
    Nothing,
    /// No account; so many of these in a minute from one network.
    Guest,
    /// The same, with a signed token in the path, which the handler checks; from wherever it comes.
    Signature,
    /// A log-in.
    Account,
    /// A log-in of an admin.
    Admin,
    /// A role at the site that the path's `{domain}` names.
    Site(Role),
}

/// A page that there is.
#[derive(Debug, Clone)]
pub struct Page {
    /// GET or POST.
    pub method: Method,
    /// As the router has it.
    pub path: &'static str,
    /// Of whoever asks for it.
    pub needs: Needs,
}

/// Pages, each behind its guard.
pub struct Pages {
    app: App,
    router: Router<App>,
    list: Vec<Page>,
}

impl Pages {
    /// None yet.
    pub fn new(app: App) -> Self {
        Self {
            app,
            router: Router::new(),
            list: Vec::new(),
        }
    }

    /// Adds a page that shows something and changes nothing.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::GET, path, needs, get(handler))
    }

    /// Adds what a form is sent to.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::POST, path, needs, post(handler))
    }

    fn add(
        mut self,
        method: Method,
        path: &'static str,
        needs: Needs,
        route: axum::routing::MethodRouter<App>,
    ) -> Self {
        let guard = Guard {
            app: self.app.clone(),
            needs,
        };
        let guarded = route.layer(middleware::from_fn_with_state(guard, let_in));
        self.router = self.router.route(path, guarded);
        self.list.push(Page {
            method,
            path,
            needs,
        });
        self
    }

    /// The routes.
    pub fn into_router(self) -> Router<App> {
        self.router
    }

    /// Every page that was added; tests walk them.
    pub fn list(&self) -> &[Page] {
        &self.list
    }
}

#[derive(Clone)]
struct Guard {
    app: App,
    needs: Needs,
}

/// Who asks; on every page that needs a log-in.
#[derive(Clone)]
pub struct Caller {
    /// Their account.
    pub account: Account,
    /// The log-in of their browser.
    pub login: Login,
}

/// The site of a page, and what its caller may do there (an admin everything).
#[derive(Clone)]
pub struct AtSite {
    /// The site.
    pub site: Site,
    /// At least what the page needs.
    pub role: Role,
}

/// What a browser came with: the token of its cookie, and the log-in that it opens, which may still
/// await its code.
#[derive(Clone, Default)]
pub struct CameWith {
    /// As it was sent; nothing need be known of it.
    pub token: Option<TokenHash>,
    /// Whose it is.
    pub login: Option<(Login, Account)>,
}

impl CameWith {
    /// Who is logged in.
    pub fn caller(&self) -> Option<Caller> {
        let (login, account) = self
            .login
            .as_ref()
            .filter(|(login, _)| !login.awaits_code)?;
        Some(Caller {
            account: account.clone(),
            login: login.clone(),
        })
    }
}

macro_rules! from_guard {
    ($($type:ty),*) => {$(
        impl<S: Sync> FromRequestParts<S> for $type {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
                parts.extensions.get::<Self>().cloned().ok_or_else(|| {
                    Error::Invalid("a page's guard does not give what the page takes".into()).into()
                })
            }
        }
    )*};
}
from_guard!(Caller, AtSite, CameWith, Arrival);

async fn let_in(
    State(guard): State<Guard>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(arrival) = request.extensions().get::<Arrival>().cloned() else {
        return Err(Error::Invalid("a page outside of arrival::arrive".into()).into());
    };
    let accounts = &guard.app.accounts;
    let limit = match guard.needs {
        Needs::Guest | Needs::Signature => &accounts.guests,
        _ => &accounts.pages,
    };
    if let Some(refused) = too_many(limit, &arrival, guard.app.clock.now_ms())? {
        return Ok(refused);
    }
    if guard.needs == Needs::Signature {
        return Ok(next.run(request).await);
    }
    let changes = !request.method().is_safe();
    if changes && let Some(why) = is_foreign(request.headers(), &arrival) {
        return message(StatusCode::FORBIDDEN, "Not from here", why.to_owned());
    }
    if guard.needs == Needs::Guest {
        return Ok(next.run(request).await);
    }
    let came_with = came_with(&guard.app, request.headers(), &arrival).await?;
    let caller = came_with.caller();
    request.extensions_mut().insert(came_with);
    if guard.needs == Needs::Nothing {
        return Ok(next.run(request).await);
    }
    let Some(caller) = caller else {
        return Ok(log_in_first(&request));
    };
    if guard.needs == Needs::Admin && !caller.account.is_admin {
        let text = "This is for the admins of this server.".to_owned();
        return message(StatusCode::FORBIDDEN, "Not with your account", text);
    }
    if let Needs::Site(needed) = guard.needs {
        let params: HashMap<&str, &str> = params.iter().collect();
        let domain = params.get("domain").copied().unwrap_or_default();
        let Some(at) = at_site(&guard.app, &caller, domain).await? else {
            let text = "There is no such site, or you have no role there.".to_owned();
            return message(StatusCode::NOT_FOUND, "No such site", text);
        };
        if at.role < needed {
            let text = format!(
                "This is for the role “{}”; yours at {} is “{}”.",
                needed.as_str(),
                at.site.domain,
                at.role.as_str()
            );
            return message(StatusCode::FORBIDDEN, "Not with your role", text);
        }
        request.extensions_mut().insert(at);
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Counts a request of a network, which is not to keep the server busy; the answer where it has sent
/// too many in a minute.
fn too_many(
    limit: &Attempts,
    arrival: &Arrival,
    now_ms: UnixMs,
) -> Result<Option<Response>, Failure> {
    let network = arrival.network();
    let Err(too_many) = limit.begin(&network.to_string(), network, now_ms) else {
        return Ok(None);
    };
    let text = "From your network there came too many requests. Try again in a minute.".to_owned();
    let answer = message(StatusCode::TOO_MANY_REQUESTS, "Just a moment", text)?;
    let retry_after = HeaderValue::from(too_many.retry_after_s);
    Ok(Some(
        ([(header::RETRY_AFTER, retry_after)], answer).into_response(),
    ))
}

/// Why a request that changes something is not from a page of ours.
fn is_foreign(headers: &HeaderMap, arrival: &Arrival) -> Option<&'static str> {
    let origin = headers.get(header::ORIGIN);
    let is_ours = match (origin, arrival.origin()) {
        (Some(origin), Some(ours)) => origin.as_bytes() == ours.as_bytes(),
        _ => false,
    };
    if !is_ours {
        return Some("The request came from another page than one of this server's.");
    }
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site.as_bytes() != b"same-origin") {
        return Some("The browser says that another site made it send this.");
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.map(|value| value.split(';').next().unwrap_or_default().trim());
    match essence.is_some_and(|it| it.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        true => None,
        false => Some("Content-Type: only forms are taken here."),
    }
}

async fn came_with(app: &App, headers: &HeaderMap, arrival: &Arrival) -> Result<CameWith, Error> {
    let Some(token) = cookie::token(headers, arrival) else {
        return Ok(CameWith::default());
    };
    let now_ms = app.clock.now_ms();
    let login = app.store.login(token, now_ms).await?;
    if let Some((login, _)) = &login {
        let today = date_in_utc(now_ms);
        if login.last_used_on < today
            && let Err(error) = app.store.note_login_used(login.id, today).await
        {
            // Nothing that is asked for hangs on it.
            tracing::error!("that a log-in was used could not be noted: {error}");
        }
    }
    Ok(CameWith {
        token: Some(token),
        login,
    })
}

/// A site by its domain, if there is one where the caller may do anything.
async fn at_site(app: &App, caller: &Caller, domain: &str) -> Result<Option<AtSite>, Error> {
    let Ok(name) = site::domain(domain) else {
        return Ok(None);
    };
    let Some(site) = app.store.site(&name).await? else {
        return Ok(None);
    };
    let role = match caller.account.is_admin {
        true => Some(Role::Owner),
        false => app.store.role(site.id, caller.account.id).await?,
    };
    Ok(role.map(|role| AtSite { site, role }))
}

fn log_in_first(request: &Request) -> Response {
    let accept = request.headers().get(header::ACCEPT);
    let wants_page = accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if request.method().is_safe() && wants_page {
        let path = request.uri().path_and_query();
        let next = path.map_or("/", |path| path.as_str());
        let mut query = form_urlencoded::Serializer::new(String::new());
        if next != "/" {
            query.append_pair("next", next);
        }
        let query = query.finish();
        let to = match query.is_empty() {
            true => "/login".to_owned(),
            false => format!("/login?{query}"),
        };
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (no_store, Redirect::to(&to)).into_response();
    }
    let text = "You are not logged in, or not any more. Log in at /login and try again.";
    message(StatusCode::UNAUTHORIZED, "Not logged in", text.to_owned())
        .unwrap_or_else(IntoResponse::into_response)
}
