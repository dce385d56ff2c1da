//! Connections of the server, HTTP/1.1, over TLS where it has a certificate (`tls.rs`): each may wait
//! for a bounded time, with a bounded head.
//!
//! | a head | answer |
//! |---|---|
//! | over TLS that is not agreed on within 10 s | the connection is closed |
//! | that is not whole 60 s after the connection was made or the last answer given | the connection is closed |
//! | larger than 32 KiB, or with more than 100 headers | 431 |

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use shared::address::ClientAddress;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::arrival::{Encrypted, Peer};
use crate::tls::Tls;

/// How long a head may take, and a connection be idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(60);
/// How long the handshake of TLS may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// Largest head, bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Most headers.
const HEADERS_MAX: usize = 100;
/// How long to wait when no connection can be taken, as when there are no file descriptors left.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Serves until `stop`; then takes no new connection, and gives what is under way `drain` to end.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, peer),
                Err(error) => {
                    // One that was broken off before it was taken concerns nobody else.
                    if !is_of_one_connection(&error) {
                        tracing::error!("no connection can be taken: {error}");
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                    continue;
                }
            },
        };
        // An address that is none of ours to keep: it has no Debug, and goes with the request.
        let peer = ClientAddress::parse(&peer.ip().to_string()).unwrap_or(ClientAddress::UNKNOWN);
        let (router, watcher) = (router.clone(), open.watcher());
        let acceptor = tls.as_ref().map(|tls| tls.acceptor());
        tokio::spawn(async move {
            let Some(acceptor) = acceptor else {
                return answer(stream, peer, false, router, watcher).await;
            };
            let handshake = acceptor.accept(stream);
            // Who cannot agree on TLS with us has to look at their own side.
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_PATIENCE, handshake).await {
                answer(stream, peer, true, router, watcher).await;
            }
        });
    }
    drop(listener);
    // What takes longer is cut off.
    let _ = tokio::time::timeout(drain, open.shutdown()).await;
}

/// Answers what comes on one connection, until it ends.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: ClientAddress,
    is_encrypted: bool,
    router: Router,
    watcher: Watcher,
) {
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        if is_encrypted {
            request.extensions_mut().insert(Encrypted);
        }
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // How a client ends its connection is its own affair.
    let _ = watcher.watch(connection).await;
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// A server; its address and what stops it.
    async fn server() -> (
        std::net::SocketAddr,
        tokio::sync::oneshot::Sender<()>,
        tokio::task::JoinHandle<()>,
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let slow = async || {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow"
        };
        let router = Router::new()
            .route("/", get(async || "ok"))
            .route("/slow", get(slow))
            .route("/stuck", get(std::future::pending::<&str>));
        let stopped = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(
            listener,
            None,
            router,
            stopped,
            Duration::from_secs(2),
        ));
        (address, stop, served)
    }

    async fn ask(address: std::net::SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A broken connection ends an answer, too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn get_of(path: &str, headers: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
    }

    #[tokio::test]
    async fn heads_are_bounded() {
        let (address, _stop, _) = server().await;
        let ok = ask(address, &get_of("/", &"A: b\r\n".repeat(90))).await;
        assert!(ok.starts_with("HTTP/1.1 200") && ok.ends_with("ok"), "{ok}");
        for headers in [
            format!("A: {}\r\n", "b".repeat(40 * 1024)),
            "A: b\r\n".repeat(120),
        ] {
            let refused = ask(address, &get_of("/", &headers)).await;
            assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
        }
    }

    #[tokio::test]
    async fn what_is_under_way_is_answered_and_what_is_stuck_is_cut_off() {
        let (address, stop, served) = server().await;
        let slow = tokio::spawn(async move { ask(address, &get_of("/slow", "")).await });
        let stuck = tokio::spawn(async move { ask(address, &get_of("/stuck", "")).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.send(()).unwrap();
        assert!(slow.await.unwrap().ends_with("slow"));
        assert!(TcpStream::connect(address).await.is_err());
        served.await.unwrap();
        stuck.abort();
    }
}
