//! The line from the edge to the aggregator, which can be cut.

use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What whoever connects finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The aggregator.
    Open,
    /// Nobody: the connection is closed at once.
    Refuses,
    /// Somebody who reads everything and never answers.
    Hangs,
}

/// See the module.
pub struct Line(watch::Sender<Mode>);

impl Line {
    /// Starts one to a port; gives its own.
    pub async fn start(to: u16) -> (Self, u16) {
        let (sender, receiver) = watch::channel(Mode::Open);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((edge, _)) = listener.accept().await {
                tokio::spawn(connection(edge, to, receiver.clone()));
            }
        });
        (Self(sender), port)
    }

    /// From now on; what is connected is cut off.
    pub fn set(&self, mode: Mode) {
        self.0.send_replace(mode);
    }
}

async fn connection(mut edge: TcpStream, to: u16, mut mode: watch::Receiver<Mode>) {
    let now = *mode.borrow_and_update();
    let served = async {
        match now {
            Mode::Refuses => {}
            Mode::Hangs => {
                let mut buffer = [0; 4096];
                while edge.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
            }
            // An aggregator that is away refuses; so does this.
            Mode::Open => {
                if let Ok(mut aggregator) = TcpStream::connect(("127.0.0.1", to)).await {
                    let _ = copy_bidirectional(&mut edge, &mut aggregator).await;
                }
            }
        }
    };
    tokio::select! {
        () = served => {}
        _ = mode.changed() => {}
    }
}
