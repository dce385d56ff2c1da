//! Everything that goes between edge and aggregator, as it went.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One direction of one connection.
type Recorded = Arc<Mutex<Vec<u8>>>;

/// Hands connections on to a port, and records both directions.
#[derive(Clone, Default)]
pub struct Tap {
    sent: Arc<Mutex<Vec<Recorded>>>,
    answered: Arc<Mutex<Vec<Recorded>>>,
}

impl Tap {
    /// Starts one before a port; gives its own.
    pub async fn start(to: u16) -> (Self, u16) {
        let tap = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taps = tap.clone();
        tokio::spawn(async move {
            while let Ok((edge, _)) = listener.accept().await {
                let taps = taps.clone();
                tokio::spawn(async move {
                    // An aggregator that is away refuses; so does this.
                    let Ok(aggregator) = TcpStream::connect(("127.0.0.1", to)).await else {
                        return;
                    };
                    let (edge_out, edge_in) = edge.into_split();
                    let (aggregator_out, aggregator_in) = aggregator.into_split();
                    tokio::join!(
                        record(edge_out, aggregator_in, begin(&taps.sent)),
                        record(aggregator_out, edge_in, begin(&taps.answered)),
                    );
                });
            }
        });
        (tap, port)
    }

    /// What the edge has sent, by connection.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        all(&self.sent)
    }

    /// What the aggregator has answered, by connection.
    pub fn answered(&self) -> Vec<Vec<u8>> {
        all(&self.answered)
    }

    /// The body of every batch that was sent, unpacked: JSON.
    pub fn batches(&self) -> Vec<String> {
        let mut found = Vec::new();
        for connection in self.sent() {
            let mut rest = &connection[..];
            while let Some(end) = memchr::memmem::find(rest, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&rest[..end]).to_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                assert!(!head.contains("transfer-encoding"), "{head}");
                let body = &rest[end + 4..];
                // The last one may have been cut off by a crash.
                let Some(body) = body.get(..length.unwrap_or(0)) else {
                    break;
                };
                if head.starts_with("post /edge/v1/batches ") {
                    let json = super::scan::unpacked(body).swap_remove(0);
                    found.push(String::from_utf8(json).unwrap());
                }
                rest = &rest[end + 4 + body.len()..];
            }
        }
        found
    }
}

fn begin(of: &Mutex<Vec<Recorded>>) -> Recorded {
    let recorded = Recorded::default();
    of.lock().unwrap().push(recorded.clone());
    recorded
}

fn all(of: &Mutex<Vec<Recorded>>) -> Vec<Vec<u8>> {
    let of = of.lock().unwrap();
    of.iter().map(|one| one.lock().unwrap().clone()).collect()
}

async fn record(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    recorded: Recorded,
) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        recorded.lock().unwrap().extend_from_slice(&chunk[..read]);
        if to.write_all(&chunk[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
