//! Processes that die: nothing acknowledged is lost, nothing is counted twice (I6, I7, I8).

use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::load::{self, Load};
use crate::system::{Options, SITE, System, agent, view};

/// Either process ends within this time of being told to stop.
const STOP: Duration = Duration::from_secs(10);

#[tokio::test]
async fn i8_page_views_sent_while_the_aggregator_is_dead_are_counted_later() {
    let mut system = System::start().await;
    let key = system.api_key();
    system.view("a", "/before").await;
    system.until_totals(&key, [1, 1]).await;
    system.stop_aggregator("KILL");
    for n in 0..50 {
        system.view(["a", "b"][n % 2], &format!("/{n}")).await;
    }
    system.start_aggregator().await;
    system.until_totals(&key, [2, 51]).await;
}

#[tokio::test]
async fn i6_an_edge_killed_right_after_its_answer_has_lost_nothing() {
    let mut system = System::start().await;
    let key = system.api_key();
    for round in 1..=5 {
        for n in 0..20 {
            system.view("a", &format!("/{round}/{n}")).await;
        }
        system.stop_edge(if round % 2 == 0 { "TERM" } else { "KILL" });
        system.start_edge().await;
    }
    system.until_totals(&key, [1, 100]).await;
}

/// Sends a page view and is gone after so long, without having read the answer.
async fn leave(port: u16, page: &str, address: &str, after: Duration) {
    let body = view(page);
    let post = format!(
        "POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {}\r\n{}: {address}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        agent(page),
        load::ADDRESS,
        body.len()
    );
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(post.as_bytes()).await.unwrap();
    tokio::time::sleep(after).await;
    socket.set_zero_linger().unwrap();
}

/// Beacons that arrive together are one call, which one of them leads; each waits for its end. Clients
/// that have gone meanwhile, whichever of them led, leave nobody waiting.
#[tokio::test]
async fn i6_clients_that_leave_keep_nobody_waiting() {
    const ROUNDS: u32 = 200;
    const LEAVERS: u32 = 8;
    let system = System::start_with(Options {
        client_ip_header: Some(load::ADDRESS),
        ..Options::default()
    })
    .await;
    let key = system.api_key();
    let port = system.edge_port;
    let load = Load::start(&system, Duration::from_millis(5));
    for round in 0..ROUNDS {
        let leavers: Vec<_> = (0..LEAVERS)
            .map(|leaver| {
                tokio::spawn(async move {
                    let page = format!("/left/{leaver}/{round}");
                    let address = format!("10.2.{leaver}.{round}");
                    // Before its call, in the midst of it, after its end.
                    let after = Duration::from_millis(u64::from((leaver + round) % 8));
                    leave(port, &page, &address, after).await;
                })
            })
            .collect();
        // How quick it is depends on the machine; who was forgotten is never answered.
        system.view("stays", &format!("/stays/{round}")).await;
        for leaver in leavers {
            leaver.await.unwrap();
        }
    }
    let acknowledged = load.stop().await;
    println!("{} came meanwhile", acknowledged.len());
    assert!(!acknowledged.is_empty());
    system
        .until("everything is delivered", async || {
            let rows = system.rows(&key, &["event:page"]).await;
            let counted = |page: &String| rows.iter().any(|(pages, _)| pages[0] == *page);
            let stayed = (0..ROUNDS).map(|round| format!("/stays/{round}"));
            stayed
                .chain(acknowledged.clone())
                .all(|page| counted(&page))
        })
        .await;
    for (page, [_, views]) in system.rows(&key, &["event:page"]).await {
        assert_eq!(views, 1, "{page:?}");
    }
}

/// Either side is ended so many times under load, and started again.
async fn end_either_side_under_load(postgres: bool, signals: &[&str], times: u32) {
    let mut system = System::start_with(Options {
        client_ip_header: Some(load::ADDRESS),
        postgres,
        ..Options::default()
    })
    .await;
    let key = system.api_key();
    // A day object knows 20,000 pages apart.
    let load = Load::start(&system, Duration::from_millis(5));
    let mut moment = std::collections::hash_map::RandomState::new().hash_one(0);
    for _ in 0..times {
        for signal in signals {
            for is_edge in [false, true] {
                moment = moment.wrapping_mul(6_364_136_223_846_793_005) | 1;
                tokio::time::sleep(Duration::from_millis(moment >> 32 & 511)).await;
                let begin = Instant::now();
                if is_edge {
                    system.stop_edge(signal);
                    assert!(begin.elapsed() < STOP, "{:?}", begin.elapsed());
                    system.start_edge().await;
                } else {
                    system.stop_aggregator(signal);
                    assert!(begin.elapsed() < STOP, "{:?}", begin.elapsed());
                    system.start_aggregator().await;
                }
            }
        }
    }
    let acknowledged = load.stop().await;
    assert!(acknowledged.len() > 200, "only {}", acknowledged.len());
    load::each_counts_once(&system, &key, &acknowledged).await;
}

#[tokio::test]
async fn i6_i7_kill_either_side_under_load_and_every_acknowledged_view_counts_once() {
    end_either_side_under_load(false, &["KILL"], 20).await;
}

#[tokio::test]
async fn i6_i7_the_same_on_postgres() {
    end_either_side_under_load(true, &["KILL"], 20).await;
}

#[tokio::test]
async fn i6_i7_told_to_stop_either_side_ends_in_time_and_loses_nothing() {
    end_either_side_under_load(false, &["TERM"], 5).await;
}

#[tokio::test]
async fn i6_i7_told_to_stop_the_same_on_postgres() {
    end_either_side_under_load(true, &["TERM"], 5).await;
}

/// Connections that nothing comes through any more: one that never said anything, one that stopped
/// in the midst of its request's head, one in the midst of its body.
async fn held(port: u16, path: &str) -> Vec<TcpStream> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {SITE}\r\nUser-Agent: {}\r\nContent-Length: 1000\r\n",
        agent("held")
    );
    let mut held = Vec::new();
    for said in [String::new(), head.clone(), format!("{head}\r\n{{\"n\":")] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        held.push(stream);
    }
    held
}

#[tokio::test]
async fn i6_told_to_stop_either_side_ends_in_time_whoever_holds_a_connection() {
    let mut system = System::start().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    let connections = held(system.edge_port, "/api/event").await;
    system.view("a", "/2").await;
    let begin = Instant::now();
    system.stop_edge("TERM");
    assert!(begin.elapsed() < STOP, "the edge: {:?}", begin.elapsed());
    drop(connections);
    system.start_edge().await;
    system.view("a", "/3").await;

    let connections = held(system.dashboard_port, "/edge/v1/batches").await;
    system.view("a", "/4").await;
    let begin = Instant::now();
    system.stop_aggregator("TERM");
    assert!(
        begin.elapsed() < STOP,
        "the aggregator: {:?}",
        begin.elapsed()
    );
    drop(connections);
    system.start_aggregator().await;
    system.until_totals(&key, [1, 4]).await;
}

#[tokio::test]
async fn i3_both_sides_restarted_on_the_same_day_still_know_a_visitor() {
    let mut system = System::start().await;
    let key = system.api_key();
    for signal in ["KILL", "TERM"] {
        system.view("a", "/").await;
        system.stop_aggregator(signal);
        system.stop_edge(signal);
        system.start_aggregator().await;
        system.start_edge().await;
    }
    system.view("a", "/").await;
    system.until_totals(&key, [1, 3]).await;
}

#[tokio::test]
async fn without_the_aggregator_an_edge_that_restarts_still_accepts() {
    let mut system = System::start().await;
    let key = system.api_key();
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;
    system.stop_aggregator("KILL");
    system.stop_edge("KILL");
    system.start_edge().await;
    // Memory and aggregator are both gone: an emergency salt. Page views stay exact; the API says
    // that visitors may be counted twice.
    system.view("a", "/2").await;
    system.start_aggregator().await;
    system.until_totals(&key, [2, 2]).await;
    let query = serde_json::json!({"site_id": crate::system::SITE, "metrics": ["visitors"], "date_range": "day"});
    let (_, answer) = system.api(&key, &query).await;
    assert_eq!(
        answer["meta"]["metric_warnings"]["visitors"]["code"],
        "degraded"
    );
}

#[tokio::test]
async fn i11_an_edge_with_another_key_gets_nothing() {
    let options = Options {
        edge_key: Some("another-key-another-key-another-key-"),
        ..Options::default()
    };
    let system = System::start_with(options).await;
    let health = async || {
        let answer = system.http.get(system.edge_url("/health")).send().await;
        answer.is_ok_and(|answer| answer.status() == 503)
    };
    system
        .until("the edge says that it knows no sites", health)
        .await;
    assert_eq!(system.post(view("/"), &[]).await.status(), 503);
}
