//! `dayfly front`: HTTPS before edge and aggregator of one machine, for who wants no proxy. A process
//! of its own, so that page views get through whatever happens to the aggregator.
//!
//! It knows nothing of what it hands on but the name a request is for, and keeps and logs nothing of
//! it (I1). Whom a request comes from it says in headers of its own; what a client sends under these
//! names is dropped. The edge is given whole, small requests only: it would wait for ever for the rest
//! of one. One that cannot be handed on because nobody listens, as while the edge is restarted, waits
//! some seconds for somebody to.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use shared::address::ClientAddress;
use shared::limits::EVENT_BODY_BYTES_MAX;
use tokio::net::TcpListener;

use crate::arrival::{self, Peer};
use crate::connections;
use crate::serve::{DRAIN, signal_to_stop, to_https};
use crate::tls::Tls;

/// How long a request for the edge may take to come.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may take to begin: exports of years take their time.
const ANSWER_PATIENCE: Duration = Duration::from_secs(120);
/// How long it is tried to reach whom a request is for.
const REACH_PATIENCE: Duration = Duration::from_secs(8);
const REACH_AGAIN: Duration = Duration::from_millis(50);
/// A connection that was not used for so long is not used again: the other side may be closing it.
const IDLE: Duration = Duration::from_secs(2);

/// The edge is told by this header from where a beacon came (`CLIENT_IP_HEADER` of its settings).
pub const EDGE_HEADER: HeaderName = HeaderName::from_static("x-real-ip");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What only this front may say.
const OURS: [HeaderName; 6] = [
    EDGE_HEADER,
    FORWARDED_FOR,
    FORWARDED_PROTO,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("cf-connecting-ip"),
];
/// Headers that concern one connection (RFC 9110, 7.6.1).
const OF_A_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A name that browsers ask for, and where requests for it go: `count.example.com=127.0.0.1:8787`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    name: String,
    address: SocketAddr,
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not like count.example.com=127.0.0.1:8787");
        let (name, address) = text.split_once('=').ok_or_else(wrong)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        if name.is_empty() || name.len() > 253 || !name.bytes().all(allowed) {
            return Err(wrong());
        }
        Ok(Self {
            name: name.to_ascii_lowercase(),
            address: address.parse().map_err(|_| wrong())?,
        })
    }
}

/// See the module.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    edge: Upstream,
    dashboard: Option<Upstream>,
    client: Client<HttpConnector, Body>,
}

/// To whom a request goes.
enum To<'a> {
    Edge(&'a Upstream),
    Dashboard(&'a Upstream),
}

impl Front {
    /// Before an edge, and before the dashboard and the API where that has a name, too.
    pub fn new(edge: Upstream, dashboard: Option<Upstream>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self(Arc::new(Inner {
            edge,
            dashboard,
            client,
        }))
    }

    /// Serves until it is told to stop; what comes to `redirect` is sent to HTTPS.
    pub async fn serve(self, listener: TcpListener, tls: Arc<Tls>, redirect: Option<TcpListener>) {
        let port = listener.local_addr().map_or(443, |address| address.port());
        let redirect = async {
            if let Some(redirect) = redirect {
                let routes = to_https(port);
                connections::serve(redirect, None, routes, signal_to_stop(), DRAIN).await;
            }
        };
        let (routes, stop) = (self.router(), signal_to_stop());
        let served = connections::serve(listener, Some(tls.clone()), routes, stop, DRAIN);
        tokio::join!(served, redirect, tls.keep_fresh(signal_to_stop()));
    }

    fn router(self) -> Router {
        Router::new().fallback(hand_on).with_state(self)
    }

    fn find(&self, headers: &HeaderMap) -> Option<To<'_>> {
        let host = arrival::host(headers)?;
        let name = arrival::without_port(&host);
        let inner = &self.0;
        if name == inner.edge.name {
            return Some(To::Edge(&inner.edge));
        }
        let dashboard = inner.dashboard.as_ref();
        dashboard.filter(|it| it.name == name).map(To::Dashboard)
    }

    /// Sends a request whose body is `body`, and again while nobody is there to take it.
    async fn send(&self, head: &Request<()>, body: Sent) -> Result<Response, StatusCode> {
        let until = tokio::time::Instant::now() + REACH_PATIENCE;
        let (mut body, whole) = match body {
            Sent::Whole(bytes) => (Some(Body::from(bytes.clone())), Some(bytes)),
            Sent::AsItComes(body) => (Some(body), None),
        };
        loop {
            let mut request = Request::new(body.take().unwrap_or_default());
            *request.method_mut() = head.method().clone();
            *request.uri_mut() = head.uri().clone();
            *request.headers_mut() = head.headers().clone();
            match self.0.client.request(request).await {
                Ok(answer) => return Ok(answer.map(Body::new)),
                Err(error) if error.is_connect() && tokio::time::Instant::now() < until => {
                    let Some(whole) = &whole else {
                        return Err(StatusCode::BAD_GATEWAY);
                    };
                    body = Some(Body::from(whole.clone()));
                    tokio::time::sleep(REACH_AGAIN).await;
                }
                Err(_) => return Err(StatusCode::BAD_GATEWAY),
            }
        }
    }
}

/// A body on its way.
enum Sent {
    Whole(Bytes),
    AsItComes(Body),
}

async fn hand_on(State(front): State<Front>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(ClientAddress::UNKNOWN, |peer| peer.0);
    let Some(to) = front.find(request.headers()) else {
        return refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "nothing here has this name",
        );
    };
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    keep_end_to_end(&mut headers);
    for name in OURS {
        headers.remove(name);
    }
    let Some(from) = from(peer) else {
        return refusal(StatusCode::BAD_REQUEST, "no address");
    };
    let (upstream, body) = match to {
        To::Edge(upstream) => {
            headers.insert(EDGE_HEADER, from);
            match whole(body).await {
                Ok(bytes) => (upstream, Sent::Whole(bytes)),
                Err((status, why)) => return refusal(status, why),
            }
        }
        // The edge of this machine reaches this without the front.
        To::Dashboard(_) if parts.uri.path().starts_with("/edge/v1/") => {
            return refusal(StatusCode::NOT_FOUND, "not found");
        }
        To::Dashboard(upstream) => {
            headers.insert(FORWARDED_FOR, from);
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
            (upstream, Sent::AsItComes(body))
        }
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("http://{}{path}", upstream.address).parse::<Uri>() else {
        return refusal(StatusCode::BAD_REQUEST, "the path cannot be read");
    };
    let mut head = Request::new(());
    *head.method_mut() = parts.method;
    *head.uri_mut() = uri;
    *head.headers_mut() = headers;
    match tokio::time::timeout(ANSWER_PATIENCE, front.send(&head, body)).await {
        Ok(Ok(mut answer)) => {
            keep_end_to_end(answer.headers_mut());
            answer
        }
        Ok(Err(status)) => refusal(status, "what this name stands for does not answer"),
        Err(_) => refusal(
            StatusCode::GATEWAY_TIMEOUT,
            "what this name stands for does not answer in time",
        ),
    }
}

/// The address as a header's value. Whoever prints that sees only that it is there.
fn from(peer: ClientAddress) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&peer.to_hand_on()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A beacon, or the body of nothing.
async fn whole(body: Body) -> Result<Bytes, (StatusCode, &'static str)> {
    let read = to_bytes(body, EVENT_BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_PATIENCE, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Or it broke off, and nobody reads this.
        Ok(Err(_)) => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 64 KiB",
        )),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// Drops what concerns one connection, and what that names.
fn keep_end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(OF_A_CONNECTION) {
        headers.remove(name);
    }
}

fn refusal(status: StatusCode, error: &'static str) -> Response {
    let body = axum::Json(serde_json::json!({ "error": error }));
    // A page of another site must be able to read that, too, as it does the edge's answers.
    let any = HeaderValue::from_static("*");
    (status, [(header::ACCESS_CONTROL_ALLOW_ORIGIN, any)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_name_and_an_address() {
        let good: Upstream = "Count.example.com=127.0.0.1:8787".parse().unwrap();
        assert_eq!(good.name, "count.example.com");
        assert_eq!(good.address, "127.0.0.1:8787".parse().unwrap());
        assert!("count.example.com=[::1]:8787".parse::<Upstream>().is_ok());
        for bad in [
            "",
            "=127.0.0.1:8787",
            "count.example.com",
            "count.example.com=127.0.0.1",
            "count.example.com=localhost:8787",
            "a b=127.0.0.1:1",
            "https://count.example.com=127.0.0.1:1",
        ] {
            assert!(bad.parse::<Upstream>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_concerns_a_connection_is_not_handed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("content-type", "text/plain"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        keep_end_to_end(&mut headers);
        assert_eq!(headers.len(), 1);
        assert!(headers.contains_key("content-type"));
    }

    #[test]
    fn an_address_is_printed_by_nobody() {
        let address = ClientAddress::parse("203.0.113.77").unwrap();
        let value = from(address).unwrap();
        assert_eq!(value.as_bytes(), b"203.0.113.77");
        assert!(!format!("{value:?}").contains("203"));
    }
}
