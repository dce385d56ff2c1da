//! Page views that come all the time, each of a page and from an address of its own: so each must be
//! counted once that was acknowledged, and those whose answer was lost at most once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::system::{System, agent, view};

/// The header an edge under this load must take addresses from: one alone would be throttled.
pub const ADDRESS: &str = "X-Forwarded-For";
/// How many senders there are.
const SENDERS: usize = 8;

/// See the module.
pub struct Load {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Begins. Each sender waits so long after an answer: a day has room for some thousand pages.
    pub fn start(system: &System, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicU64::new(0));
        let senders = (0..SENDERS).map(|_| {
            let (stop, next) = (stop.clone(), next.clone());
            let (http, url) = (system.http.clone(), system.edge_url("/api/event"));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let page = format!("/{n}");
                    let address = format!("10.1.{}.{}", n / 250 % 250, n % 250);
                    let sent = http
                        .post(&url)
                        .header("user-agent", agent(&page))
                        .header(ADDRESS, address)
                        .body(view(&page))
                        .send()
                        .await;
                    match sent {
                        Ok(answer) if answer.status() == 202 => {
                            acknowledged.push(page);
                            if !pause.is_zero() {
                                tokio::time::sleep(pause).await;
                            }
                        }
                        Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                        Err(error) => {
                            assert!(!error.is_timeout(), "{page} was not answered");
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
                acknowledged
            })
        });
        let senders = senders.collect();
        Self { stop, senders }
    }

    /// Ends; gives the pages that were acknowledged.
    pub async fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for sender in self.senders {
            acknowledged.extend(sender.await.unwrap());
        }
        acknowledged
    }
}

/// Waits until everything is delivered, and looks whether each page is counted once.
pub async fn each_counts_once(system: &System, key: &str, acknowledged: &[String]) {
    let counted = async || {
        let rows = system.rows(key, &["event:page"]).await;
        rows.len() >= acknowledged.len()
    };
    system.until("everything is delivered", counted).await;
    let rows = system.rows(key, &["event:page"]).await;
    for (page, [visitors, views]) in &rows {
        assert_eq!((*visitors, *views), (1, 1), "{page:?}");
    }
    for page in acknowledged {
        assert!(
            rows.iter().any(|(pages, _)| pages[0] == *page),
            "{page} was lost"
        );
    }
}
