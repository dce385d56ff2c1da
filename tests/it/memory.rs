//! What a day object needs in memory. Not part of scripts/test: `scripts/bench memory` runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::system::{Options, System, agent, view};

const VISITORS: u32 = 200_000;
const AT_ONCE: usize = 64;
const MB: f64 = 1_048_576.0;
const MB_MAX: f64 = 64.0;

async fn memory_mb(system: &System) -> f64 {
    let answer = system.http.get(system.edge_url("/test-memory")).send();
    let answer: Value = answer.await.unwrap().json().await.unwrap();
    answer["wasm_bytes"].as_f64().unwrap() / MB
}

/// Everybody has an address of their own, and every tenth page is one of many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; scripts/bench memory"]
async fn a_day_object_with_200_000_visitors_stays_under_64_mb() {
    let options = Options {
        client_ip_header: Some("X-Real-IP"),
        test_clock: true,
        ..Options::default()
    };
    let mut system = System::start_with(options).await;
    system.advance_to(jiff::civil::time(12, 0, 0, 0)).await;
    let at_first = memory_mb(&system).await;
    let began = Instant::now();
    let next = Arc::new(AtomicU32::new(0));
    let mut senders = Vec::new();
    for _ in 0..AT_ONCE {
        let next = next.clone();
        let (http, url) = (system.http.clone(), system.edge_url("/api/event"));
        senders.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= VISITORS {
                    return;
                }
                let address = std::net::Ipv4Addr::from_bits(0x0b00_0000 + n);
                let sent = http
                    .post(&url)
                    .header("X-Real-IP", address.to_string())
                    .header("user-agent", agent(&(n % 50).to_string()))
                    .body(view(&format!(
                        "/{}",
                        if n.is_multiple_of(10) {
                            n % 20_000
                        } else {
                            n % 100
                        }
                    )))
                    .send();
                let answer = sent.await.unwrap();
                assert_eq!(answer.status(), 202);
                assert!(answer.headers().get("x-dayfly-dropped").is_none());
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let counted_s = began.elapsed().as_secs_f64();
    let counted = memory_mb(&system).await;

    // What an object needs that knows of all of them, and ends every visit.
    system.advance(31 * 60_000).await;
    let day = system.today();
    let everybody = i64::from(VISITORS);
    let began = Instant::now();
    loop {
        let now = crate::on_disk::counted(&system, day).await;
        if now[1] == everybody {
            assert_eq!(now, [everybody, everybody, everybody, 1]);
            break;
        }
        assert!(
            began.elapsed().as_secs() < 120,
            "{now:?}\n{}",
            system.logs()
        );
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let ended = memory_mb(&system).await;
    println!(
        "memory: {VISITORS} visitors: {at_first:.1} MB at first, {counted:.1} MB counted \
         ({counted_s:.0} s), {ended:.1} MB when their visits had ended ({:.0} s)",
        began.elapsed().as_secs_f64()
    );
    if let Some(file) = std::env::var_os("MEMORY_RESULT") {
        let found = json!({
            "benchmark": "memory", "visitors": VISITORS, "at_first_mb": at_first,
            "counted_mb": counted, "ended_mb": ended,
        });
        std::fs::write(file, found.to_string()).unwrap();
    }
    assert!(ended <= MB_MAX, "more than {MB_MAX} MB");
}
