//! What guests see, and who of them is let in.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::account::cookie;
use super::super::site::viewer::Viewer;
use super::super::site::{show, show_all};
use super::super::{Failure, message};
use super::password;
use crate::accounts::token::TokenHash;
use crate::arrival::{Arrival, Embeddable};
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::serve::App;
use crate::site::{self, Site};
use crate::store::SharedLink;

/// A link and where it leads.
pub struct Found {
    /// Where it is.
    pub base: String,
    /// The site.
    pub site: Site,
    /// The link.
    pub link: SharedLink,
}

/// What is the same for whatever does not open, so that nothing can be told from it.
pub fn nothing() -> Result<Response, Failure> {
    let text = "This view is not open, or not any more. Ask whoever sent you here for a new link.";
    let answer = message(StatusCode::NOT_FOUND, "Nothing here", text.to_owned())?;
    Ok(unlisted(answer))
}

/// The same answer, which no search engine is to list.
pub fn unlisted(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let name = HeaderName::from_static("x-robots-tag");
    headers.insert(name, HeaderValue::from_static("noindex, nofollow"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The link of a token, while it works.
pub async fn find(app: &App, token: &str) -> Result<Option<Found>, Error> {
    let Some(hash) = TokenHash::of(token) else {
        return Ok(None);
    };
    let today = date_in_utc(app.clock.now_ms());
    let found = app.store.shared_link(hash, today).await?;
    Ok(found.map(|(site, link)| Found {
        base: format!("/shared/{token}"),
        site,
        link,
    }))
}

/// Whether a browser may see what a link shows: it has given its password, where there is one.
async fn is_in(
    app: &App,
    found: &Found,
    arrival: &Arrival,
    headers: &HeaderMap,
) -> Result<bool, Error> {
    let (link, now_ms) = (&found.link, app.clock.now_ms());
    if link.has_password() {
        let name = password::cookie_name(link.id);
        let Some(token) = cookie::token_named(&name, headers, arrival) else {
            return Ok(false);
        };
        if !app.store.has_shared_login(link.id, token, now_ms).await? {
            return Ok(false);
        }
    }
    let today = date_in_utc(now_ms);
    if link.last_used_on.is_none_or(|last| last < today)
        && let Err(error) = app.store.note_shared_link_used(link.id, today).await
    {
        // Nothing that is asked for hangs on it.
        tracing::error!("that a shared link was used could not be noted: {error}");
    }
    Ok(true)
}

fn viewer_of(app: &App, found: &Found) -> Viewer {
    let viewer = Viewer::guest(
        &found.site,
        found.base.clone(),
        found.link.k,
        app.clock.now_ms(),
    );
    Viewer {
        // A page within another site's is sent no cookie.
        may_embed: !found.link.has_password(),
        ..viewer
    }
}

/// The site of a link and who looks at it; or the answer that is given instead, with the status
/// `closed` where a password is lacking.
async fn opened(
    app: &App,
    token: &str,
    arrival: &Arrival,
    headers: &HeaderMap,
    closed: StatusCode,
) -> Result<Result<(Site, Viewer), Response>, Failure> {
    let Some(found) = find(app, token).await? else {
        return nothing().map(Err);
    };
    if !is_in(app, &found, arrival, headers).await? {
        return password::ask(&found.base, closed, "").map(Err);
    }
    let viewer = viewer_of(app, &found);
    Ok(Ok((found.site, viewer)))
}

/// The answer, which may be part of another site's page where that is asked for.
fn framed(mut answer: Response, may_embed: bool, params: Option<&str>) -> Response {
    let mut pairs = form_urlencoded::parse(params.unwrap_or_default().as_bytes());
    if may_embed && pairs.any(|(key, value)| key == "embed" && value == "true") {
        answer.extensions_mut().insert(Embeddable);
    }
    answer
}

/// `GET /shared/{token}`.
pub async fn shared(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    Path(token): Path<String>,
    RawQuery(params): RawQuery,
) -> Result<Response, Failure> {
    let closed = StatusCode::OK;
    let (site, viewer) = match opened(&app, &token, &arrival, &headers, closed).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let may_embed = viewer.may_embed;
    let answer = show(&app, site, viewer, params.as_deref(), &unpacked()).await?;
    Ok(framed(unlisted(answer), may_embed, params.as_deref()))
}

/// `GET /shared/{token}/list/{list}`.
pub async fn shared_list(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    Path((token, list)): Path<(String, String)>,
    RawQuery(params): RawQuery,
) -> Result<Response, Failure> {
    let closed = StatusCode::UNAUTHORIZED;
    let (site, viewer) = match opened(&app, &token, &arrival, &headers, closed).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let may_embed = viewer.may_embed;
    let answer = show_all(&app, site, viewer, &list, params.as_deref(), &unpacked()).await?;
    Ok(framed(unlisted(answer), may_embed, params.as_deref()))
}

/// A page by a link holds the link's token, so it is not packed.
fn unpacked() -> HeaderMap {
    HeaderMap::new()
}

/// A site that everybody may see, for whoever looks.
async fn everybodys(app: &App, domain: &str) -> Result<Option<(Site, Viewer)>, Error> {
    let Ok(name) = site::domain(domain) else {
        return Ok(None);
    };
    let Some(site) = app.store.site(&name).await? else {
        return Ok(None);
    };
    let k = app.store.public_k(site.id).await?;
    Ok(k.map(|k| {
        let base = format!("/public/{}", site.domain);
        let viewer = Viewer::guest(&site, base, k, app.clock.now_ms());
        (site, viewer)
    }))
}

/// `GET /public/{domain}`.
pub async fn public(
    State(app): State<App>,
    Path(domain): Path<String>,
    RawQuery(params): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some((site, viewer)) = everybodys(&app, &domain).await? else {
        return nothing();
    };
    let answer = show(&app, site, viewer, params.as_deref(), &headers).await?;
    Ok(framed(answer, true, params.as_deref()))
}

/// `GET /public/{domain}/list/{list}`.
pub async fn public_list(
    State(app): State<App>,
    Path((domain, list)): Path<(String, String)>,
    RawQuery(params): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some((site, viewer)) = everybodys(&app, &domain).await? else {
        return nothing();
    };
    let answer = show_all(&app, site, viewer, &list, params.as_deref(), &headers).await?;
    Ok(framed(answer, true, params.as_deref()))
}
