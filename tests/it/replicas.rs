//! Several `dayfly serve` on one Postgres (I6, I7), behind what stands before them in production: one
//! place that hands each request to one of them. One of them keeps the salts, and is killed like the other.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use serde_json::json;
use shared::sign::HEADER;

use crate::load::{self, Load};
use crate::second::Second;
use crate::system::{Options, SITE, System, signal};

/// When the next batch has come at the latest: an edge that was refused tries again within a minute.
const NEXT_BATCH: Duration = Duration::from_secs(90);
/// The keeper of the salts is the first.
const KEEPER: usize = 0;
const REPLICAS: usize = 2;
/// Milliseconds after a batch was handed on at which whoever has it is killed.
const MOMENTS_MS: [u64; 8] = [0, 1, 2, 4, 8, 15, 25, 40];

/// Hands requests on, in turn.
struct Balancer {
    http: Client,
    ports: [u16; REPLICAS],
    turn: AtomicUsize,
    /// Batches that each has applied.
    applied: [AtomicU32; REPLICAS],
    /// Whom to kill so long after the next batch was handed to it.
    kill: Mutex<Option<(usize, u32, Duration)>>,
}

impl Balancer {
    /// Starts one; gives its port.
    async fn start(ports: [u16; REPLICAS]) -> (Arc<Self>, u16) {
        let balancer = Arc::new(Self {
            http: Client::builder()
                .timeout(Duration::from_secs(5))
                .build()
                .unwrap(),
            ports,
            turn: AtomicUsize::new(0),
            applied: Default::default(),
            kill: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(hand_on).with_state(balancer.clone());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        (balancer, port)
    }

    /// Kills `replica` in the midst of the next batch it is given.
    fn kill_in_a_batch(&self, replica: usize, process: u32, after_ms: u64) {
        let after = Duration::from_millis(after_ms);
        *self.kill.lock().unwrap() = Some((replica, process, after));
    }

    async fn send(
        &self,
        to: usize,
        parts: &axum::http::request::Parts,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), reqwest::Error> {
        let url = format!("http://127.0.0.1:{}{}", self.ports[to], parts.uri);
        let signature = parts.headers.get(HEADER).cloned();
        let mut request = self.http.request(parts.method.clone(), url).body(body);
        if let Some(signature) = signature {
            request = request.header(HEADER, signature);
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.bytes().await?))
    }
}

/// To each in turn, whatever it is, and to the other when nobody listens there. An answer that was lost
/// is a 502: nobody knows whether the batch was taken.
async fn hand_on(State(balancer): State<Arc<Balancer>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path();
    let is_batch = path == "/edge/v1/batches";
    let first = balancer.turn.fetch_add(1, Ordering::Relaxed) % REPLICAS;
    for to in (first..first + REPLICAS).map(|to| to % REPLICAS) {
        let to_kill = balancer
            .kill
            .lock()
            .unwrap()
            .take_if(|(replica, ..)| is_batch && *replica == to);
        if let Some((_, process, after)) = to_kill {
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                signal(process, "KILL");
            });
        }
        match balancer.send(to, &parts, body.clone()).await {
            Ok((status, body)) => {
                if is_batch && status == StatusCode::OK {
                    balancer.applied[to].fetch_add(1, Ordering::Relaxed);
                }
                return (status, body).into_response();
            }
            Err(error) if error.is_connect() => {}
            Err(_) => break,
        }
    }
    StatusCode::BAD_GATEWAY.into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_i7_two_servers_on_one_postgres_of_which_one_is_killed_count_once() {
    let mut system = System::aggregator_alone_with(Options {
        client_ip_header: Some(load::ADDRESS),
        postgres: true,
        ..Options::default()
    })
    .await;
    let key = system.api_key();
    let second = Second::new(&system);
    let mut process = second.start(&system).await;
    let (balancer, port) = Balancer::start([system.dashboard_port, second.port]).await;
    system.delivers_to = Some(port);
    system.start_edge().await;

    let load = Load::start(&system, Duration::from_millis(100));
    for after_ms in MOMENTS_MS {
        for replica in 0..REPLICAS {
            if replica == KEEPER {
                let mut keeper = system.aggregator.take().unwrap();
                balancer.kill_in_a_batch(replica, keeper.id(), after_ms);
                keeper.wait_within(NEXT_BATCH);
                system.start_aggregator().await;
            } else {
                balancer.kill_in_a_batch(replica, process.id(), after_ms);
                process.wait_within(NEXT_BATCH);
                process = second.start(&system).await;
            }
        }
    }
    // On a slow machine there were few batches beside those in which one was killed.
    let has_applied = |replica: &AtomicU32| replica.load(Ordering::Relaxed) >= 5;
    let all = async {
        while !balancer.applied.iter().all(has_applied) {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let in_time = tokio::time::timeout(2 * NEXT_BATCH, all).await;
    in_time.expect("each applies batches");
    let acknowledged = load.stop().await;
    assert!(acknowledged.len() > 200, "only {}", acknowledged.len());
    let applied = [0, 1].map(|replica| balancer.applied[replica].load(Ordering::Relaxed));
    println!(
        "{} page views, batches by server {applied:?}, {} killed",
        acknowledged.len(),
        MOMENTS_MS.len() * REPLICAS
    );
    load::each_counts_once(&system, &key, &acknowledged).await;

    // Whichever is asked; and no salt was drawn by the edge for want of the keeper's.
    let query = json!({
        "site_id": SITE, "metrics": ["visitors", "pageviews"], "date_range": "day",
        "dimensions": ["event:page"],
    });
    let (_, of_keeper) = system.api(&key, &query).await;
    let of_second = system.http.post(second.url("/api/v2/query"));
    let of_second = of_second.bearer_auth(&key).json(&query).send().await;
    let of_second: serde_json::Value = of_second.unwrap().json().await.unwrap();
    assert_eq!(of_keeper, of_second);
    assert!(!of_keeper.to_string().contains("degraded"), "{of_keeper}");
    let told = system.dayfly(&["audit", "--offline"]);
    assert!(told.contains("All is well."), "{told}");
}
