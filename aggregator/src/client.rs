//! One request to a server, of ours or in front of ours, over HTTP or HTTPS: for `dayfly audit`,
//! `query --server` and `doctor`. It follows no redirect, and trusts the system's certificates (or
//! those that `SSL_CERT_FILE` names).

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The version of TLS it came over.
    pub tls: Option<ProtocolVersion>,
}

impl Answer {
    /// A header's value, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Asks, and waits for the whole answer.
///
/// # Errors
/// Why there is none, in words.
pub async fn ask(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
    patience: Duration,
) -> Result<Answer, String> {
    let asked = ask_at_leisure(method, url, headers, body);
    match tokio::time::timeout(patience, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} seconds", patience.as_secs())),
    }
}

async fn ask_at_leisure(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(|_| "that is no URL".to_owned())?;
    let is_https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("the URL begins neither with https:// nor with http://".into()),
    };
    let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
        return Err("the URL names no host".into());
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(header::HOST, authority.as_str());
    for (name, value) in headers {
        let value =
            HeaderValue::from_str(value).map_err(|_| format!("{name}: not for a header"))?;
        request = request.header(*name, value);
    }
    let request = request.body(Body::from(body));
    let request = request.map_err(|problem| problem.to_string())?;

    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let stream = TcpStream::connect((host, port));
    let stream = stream
        .await
        .map_err(|problem| format!("no connection: {problem}"))?;
    if !is_https {
        return exchange(stream, request, None).await;
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "no name for TLS".to_owned())?;
    let connected = connector()?.connect(name, stream).await;
    let stream = connected.map_err(|problem| format!("no TLS: {problem}"))?;
    let version = stream.get_ref().1.protocol_version();
    exchange(stream, request, version).await
}

fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let _ = roots.add(certificate); // One that cannot be used vouches for nobody.
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
    tls: Option<ProtocolVersion>,
) -> Result<Answer, String> {
    let broken = |problem: hyper::Error| format!("the connection broke off: {problem}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let connection = tokio::spawn(connection);
    let answered = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_BYTES_MAX).await;
        let body = body.map_err(|problem| format!("the answer broke off: {problem}"))?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_vec(),
            tls,
        })
    };
    let answered = answered.await;
    connection.abort();
    answered
}
