//! Questions of every kind, of programs and of people who look at pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::beacons::{Site, quantiles};
use super::watch::{Side, Watch};
use crate::system::System;

/// Between two questions of one asker.
const PAUSE: Duration = Duration::from_millis(500);
const ASKERS: usize = 2;

/// See the module.
pub struct Questions {
    stop: Arc<AtomicBool>,
    askers: Vec<JoinHandle<Vec<u32>>>,
}

/// Those that were answered.
pub struct Asked(Vec<u32>);

impl Asked {
    pub fn report(&self) -> Value {
        json!({"answered": self.0.len(), "ms": quantiles(&self.0)})
    }
}

impl Questions {
    pub fn start(
        system: &System,
        watch: &Arc<Watch>,
        sites: &[Site; 2],
        key: &str,
        cookie: &str,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let askers = (0..ASKERS).map(|first| {
            let asker = Asker {
                watch: watch.clone(),
                http: system.http.clone(),
                server: system.dashboard_url(""),
                sites: sites.clone().map(|site| site.name),
                key: key.to_owned(),
                cookie: cookie.to_owned(),
            };
            tokio::spawn(asker.run(first, stop.clone()))
        });
        let askers = askers.collect();
        Self { stop, askers }
    }

    pub async fn stop(self) -> Asked {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for asker in self.askers {
            all.extend(asker.await.unwrap());
        }
        all.sort_unstable();
        Asked(all)
    }
}

struct Asker {
    watch: Arc<Watch>,
    http: Client,
    server: String,
    sites: [&'static str; 2],
    key: String,
    cookie: String,
}

impl Asker {
    /// Asks one question after the other, from the first-th on; gives how long answers took, µs.
    async fn run(self, first: usize, stop: Arc<AtomicBool>) -> Vec<u32> {
        let mut micros = Vec::new();
        for n in first.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            let (name, request) = self.question(n);
            let (state, began) = (self.watch.state(Side::Aggregator), Instant::now());
            let failed = |what: String| self.watch.failed(Side::Aggregator, state, &what);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => {
                    failed(format!("{name} was not answered: {error:?}"));
                    continue;
                }
            };
            let status = answer.status();
            match answer.bytes().await {
                Ok(body) if status == 200 && !body.is_empty() => {
                    micros.push(u32::try_from(began.elapsed().as_micros()).unwrap());
                }
                Ok(_) => failed(format!("{name} was answered {status}")),
                Err(error) => failed(format!("{name} was cut off: {error:?}")),
            }
        }
        micros
    }

    fn question(&self, n: usize) -> (&'static str, RequestBuilder) {
        let site = self.sites[n / 10 % 2];
        let v2 = |dimensions: Value, filters: Value| {
            let query = json!({
                "site_id": site, "metrics": ["visitors", "pageviews", "bounce_rate"],
                "date_range": "7d", "dimensions": dimensions, "filters": filters,
            });
            let url = format!("{}/api/v2/query", self.server);
            self.http.post(url).bearer_auth(&self.key).json(&query)
        };
        let v1 = |path: &str| {
            let url = format!("{}/api/v1/stats/{path}", self.server);
            self.http.get(url).bearer_auth(&self.key)
        };
        let page = |path: &str| {
            let url = format!("{}{path}", self.server);
            self.http
                .get(url)
                .header("cookie", &self.cookie)
                .header("accept", "text/html")
        };
        let google = json!([["is", "visit:source", ["Google"]]]);
        match n % 10 {
            0 => ("a total", v2(json!([]), json!([]))),
            1 => ("a list of pages", v2(json!(["event:page"]), json!([]))),
            2 => ("days of one source", v2(json!(["time:day"]), google)),
            3 => (
                "a list of browsers",
                v2(json!(["visit:browser"]), json!([])),
            ),
            4 => (
                "v1's total",
                v1(&format!("aggregate?site_id={site}&period=day")),
            ),
            5 => (
                "v1's visitors now",
                v1(&format!("realtime/visitors?site_id={site}")),
            ),
            6 => ("the page of all sites", page("/")),
            7 => ("the page of a site", page(&format!("/sites/{site}"))),
            8 => (
                "the page of a site's month",
                page(&format!("/sites/{site}?period=30d")),
            ),
            _ => ("the public status", page("/status")),
        }
    }
}
