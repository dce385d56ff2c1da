//! How a request came: over HTTPS or not, to which host, from which network; and what every answer
//! says about that in its headers.
//!
//! That a request came over HTTPS is known where this server speaks TLS itself (`tls.rs`), and
//! believed when a proxy says so whose address is among the trusted ones (`--trust-proxy`); so is whom
//! it came from. Of anybody else these headers are ignored. What comes over plain HTTP for another host than loopback is sent
//! to HTTPS, but for the edge's signed channel and `/health`.

use std::net::IpAddr;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::address::{ClientAddress, Network};

use crate::clock::Stopwatch;
use crate::serve::App;

/// A year: how long a browser is to remember that there is HTTPS.
const HSTS: &str = "max-age=31536000";
/// What pages may do: run our own script, which asks us only. They load nothing from elsewhere, and
/// nothing that is written into a page is run or styles it.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
    style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Whether a page may ask for any of a browser's powers: none.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// The other end of a connection; `connections.rs` puts it beside each request.
#[derive(Clone, Copy)]
pub struct Peer(pub ClientAddress);

/// Beside a request that came over TLS of our own.
#[derive(Clone, Copy)]
pub struct Encrypted;

/// Put beside an answer: other sites' pages may show it, as an image.
#[derive(Clone, Copy)]
pub struct ForAnyPage;

/// Put beside an answer: it may be part of another site's page.
#[derive(Clone, Copy)]
pub struct Embeddable;

/// See the module. It has no `Debug`: the network is nobody else's business.
#[derive(Clone)]
pub struct Arrival {
    is_https: bool,
    /// As the browser wrote it, in lower case, with the port.
    host: Option<String>,
    network: IpAddr,
}

impl Arrival {
    fn of(headers: &HeaderMap, peer: ClientAddress, trusted: &[Network]) -> Self {
        let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
        let mut arrival = Self {
            is_https: false,
            host: host(headers),
            network: peer.truncated(),
        };
        if !is_trusted(peer) {
            return arrival;
        }
        // Each proxy adds to the end, so what is last was said by the one we trust.
        let proto = last(headers, "x-forwarded-proto").next();
        arrival.is_https = proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        let client = last(headers, "x-forwarded-for")
            .map_while(ClientAddress::parse)
            .find(|address| !is_trusted(*address));
        if let Some(client) = client {
            arrival.network = client.truncated();
        }
        arrival
    }

    /// Whether nobody on the way could read it.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The origin that a page of ours has in this browser.
    pub fn origin(&self) -> Option<String> {
        let scheme = if self.is_https { "https" } else { "http" };
        self.host.as_ref().map(|host| format!("{scheme}://{host}"))
    }

    /// IPv4 /24 or IPv6 /48, for counting guesses. Never to be written anywhere.
    pub(crate) fn network(&self) -> IpAddr {
        self.network
    }
}

/// The values of a header that lists, from the last.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let values = lines.into_iter().rev();
    values.flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// What the Host header names, when it is a host.
pub(crate) fn host(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::HOST)?.to_str().ok()?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let is_one = !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed);
    is_one.then(|| text.to_ascii_lowercase())
}

/// A host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.starts_with('[') {
        true => host.split_inclusive(']').next().unwrap_or(host),
        false => host.split(':').next().unwrap_or(host),
    }
}

/// Whether a Host header names the loopback interface.
pub fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Puts an [`Arrival`] beside every request, sends what must not be plain to HTTPS, and gives every
/// answer its headers.
pub async fn arrive(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(ClientAddress::UNKNOWN, |peer| peer.0);
    let mut arrival = Arrival::of(request.headers(), peer, &app.trusted_proxies);
    arrival.is_https |= request.extensions().get::<Encrypted>().is_some();
    let is_https = arrival.is_https;
    let watch = Stopwatch::start();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = match to_https(&request, &arrival) {
        Some(location) => {
            let headers = [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (StatusCode::PERMANENT_REDIRECT, headers).into_response()
        }
        None => {
            request.extensions_mut().insert(arrival);
            next.run(request).await
        }
    };
    let route = route.as_ref().map(MatchedPath::as_str);
    app.metrics
        .answered(&method, route, response.status(), watch.elapsed());
    let embeddable = response.extensions().get::<Embeddable>().is_some();
    let for_any_page = response.extensions().get::<ForAnyPage>().is_some();
    tell(response.headers_mut(), is_https);
    if for_any_page {
        let name = HeaderName::from_static("cross-origin-resource-policy");
        let policy = HeaderValue::from_static("cross-origin");
        response.headers_mut().insert(name, policy);
    }
    if embeddable {
        let headers = response.headers_mut();
        let policy = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *");
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            headers.remove(header::X_FRAME_OPTIONS);
        }
    }
    response
}

/// Where a plain request is sent. Without a Host header there is no browser to protect, and no page
/// that lets anybody in.
fn to_https(request: &Request, arrival: &Arrival) -> Option<HeaderValue> {
    let path = request.uri().path();
    let host = arrival.host.as_deref()?;
    if arrival.is_https || is_loopback(host) || path.starts_with("/edge/v1/") || path == "/health" {
        return None;
    }
    let rest = request
        .uri()
        .path_and_query()
        .map_or("/", |rest| rest.as_str());
    HeaderValue::from_str(&format!("https://{}{rest}", without_port(host))).ok()
}

fn tell(headers: &mut HeaderMap, is_https: bool) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        let hsts = HeaderValue::from_static(HSTS);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(peer: &str, headers: &[(&'static str, &'static str)]) -> Arrival {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let trusted = ["10.0.0.0/8", "::1"].map(|text| Network::parse(text).unwrap());
        Arrival::of(&map, ClientAddress::parse(peer).unwrap(), &trusted)
    }

    #[test]
    fn what_is_forwarded_is_believed_of_trusted_proxies_only() {
        const FORGED: [(&str, &str); 3] = [
            ("host", "Stats.example:8443"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "192.0.2.7"),
        ];
        let stranger = arrival("203.0.113.9", &FORGED);
        assert_eq!(stranger.origin().unwrap(), "http://stats.example:8443");
        assert_eq!(stranger.network().to_string(), "203.0.113.0");
        let proxy = arrival("10.1.2.3", &FORGED);
        assert_eq!(proxy.origin().unwrap(), "https://stats.example:8443");
        assert_eq!(proxy.network().to_string(), "192.0.2.0");
        // Of several values the last was added by whom we trust; trusted ones before it are passed.
        let lists = [
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-for", "192.0.2.7, 198.51.100.4"),
            ("x-forwarded-for", "2001:db8:1:2::3, 10.0.0.9"),
        ];
        let chain = arrival("::1", &lists);
        assert!(!chain.is_https());
        assert_eq!(chain.network().to_string(), "2001:db8:1::");
        let broken = arrival("::1", &[("x-forwarded-for", "192.0.2.7, unknown")]);
        assert_eq!(broken.network().to_string(), "::");
    }

    #[test]
    fn hosts() {
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:8000",
            "127.1.2.3",
            "[::1]:8000",
            "[::1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "stats.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "[2001:db8::1]:80",
            "[",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
        assert_eq!(without_port("[::1]:80"), "[::1]");
        for (text, is_one) in [
            ("a.example", true),
            ("a b", false),
            ("a/b", false),
            ("u@a", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(text))]);
            assert_eq!(host(&headers).is_some(), is_one, "{text}");
        }
    }
}
