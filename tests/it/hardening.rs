//! Whoever does not keep to HTTP, or takes all the time in the world, hinders nobody else (I11).

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::system::{System, agent, view};

/// An answer while others do their worst.
const PROMPT: Duration = Duration::from_secs(3);
const IDLE: usize = 10_000;

/// Both sides answer promptly, and as the processes they were.
async fn both_answer(system: &System, processes: &[u32]) {
    let begin = Instant::now();
    let answer = system.post(view("/still"), &[]).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    for url in [
        system.edge_url("/health"),
        system.dashboard_url("/health"),
        system.dashboard_url("/login"),
    ] {
        let answer = system.http.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
    }
    assert!(begin.elapsed() < PROMPT, "{:?}", begin.elapsed());
    assert_eq!(system.process_ids(), processes, "one has died");
}

async fn connect(port: u16, says: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // Whoever is refused in mid-sentence may not get to its end.
    let _ = stream.write_all(says).await;
    stream
}

/// What is answered until the connection is closed, or for so long.
async fn answer(mut stream: TcpStream, patience: Duration) -> (String, bool) {
    let mut bytes = Vec::new();
    let closed = timeout(patience, stream.read_to_end(&mut bytes)).await;
    (String::from_utf8_lossy(&bytes).into_owned(), closed.is_ok())
}

#[tokio::test]
async fn i11_ten_thousand_idle_connections_keep_nobody_out() {
    let files = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: files.maximum,
        ..files
    };
    setrlimit(Resource::Nofile, all).unwrap();
    let enough = files.maximum.is_none_or(|most| most > IDLE as u64 + 1_000);
    assert!(
        enough,
        "this machine allows {:?} files: ulimit -Hn",
        files.maximum
    );
    let system = System::start().await;
    let processes = system.process_ids();
    for port in [system.edge_port, system.dashboard_port] {
        let mut idle = Vec::with_capacity(IDLE);
        for n in 0..IDLE {
            // Some have said something.
            let says: &[u8] = if n % 2 == 0 {
                b""
            } else {
                b"GET / HTTP/1.1\r\nHost: x"
            };
            idle.push(connect(port, says).await);
        }
        both_answer(&system, &processes).await;
        drop(idle);
        both_answer(&system, &processes).await;
    }
}

#[tokio::test]
async fn i11_slow_bodies_hold_nobody_up_and_are_ended() {
    let system = System::start().await;
    let processes = system.process_ids();
    let key = system.api_key();
    // Of keys that the server does not know yet it looks up a bounded number at once.
    system.totals(&key).await;
    let now_s = system.now_ms() / 1_000;
    let signature = format!(
        "{}: v1 t={now_s} m={}\r\n",
        shared::sign::HEADER,
        "0".repeat(64)
    );
    let bearer = format!("Authorization: Bearer {key}\r\n");
    let browser = format!("User-Agent: {}\r\n", agent("slow"));
    let form = format!(
        "Origin: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        system.dashboard_url("")
    );
    let mut slow = Vec::new();
    for (port, path, headers) in [
        (system.edge_port, "/api/event", &browser),
        (system.dashboard_port, "/edge/v1/batches", &signature),
        (system.dashboard_port, "/api/v2/query", &bearer),
        (system.dashboard_port, "/login", &form),
    ] {
        for _ in 0..200 {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: 1000\r\n\r\n{{"
            );
            slow.push((path, connect(port, head.as_bytes()).await));
        }
    }
    both_answer(&system, &processes).await;
    // The aggregator waits for none of them for ever. (workerd does; what is in front of it, or
    // Cloudflare, ends them: SECURITY.md.)
    for (path, stream) in slow {
        if path != "/api/event" {
            let (answer, _) = answer(stream, Duration::from_secs(30)).await;
            assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        }
    }
    both_answer(&system, &processes).await;
    // Without a signature of now nothing is waited for at all.
    let old = signature.replace(&now_s.to_string(), "1700000000");
    for headers in ["", &old] {
        let head = format!(
            "POST /edge/v1/batches HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 1000\r\n\r\n{{"
        );
        let stream = connect(system.dashboard_port, head.as_bytes()).await;
        let (answer, _) = answer(stream, PROMPT).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}

#[tokio::test]
async fn i11_what_is_no_http_is_refused_and_the_next_request_answered() {
    let system = System::start().await;
    let processes = system.process_ids();
    let event = view("/smuggled");
    let length = event.len();
    let post = format!(
        "POST /api/event HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {}\r\n",
        agent("x")
    );
    let with = |headers: &str, body: &str| format!("{post}{headers}\r\n{body}").into_bytes();
    let lone = |text: &str| text.as_bytes().to_vec();
    let malformed = [
        lone("\r\n\r\n\r\n\r\nnonsense\r\n\r\n"),
        lone("GET\r\n\r\n"),
        lone("GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
        lone("GET / HTTP/1.1\r\nHost x\r\n\r\n"),
        lone("GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n"),
        lone("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        lone("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        // A TLS client's first words.
        [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 600]].concat(),
        vec![0xff; 4_096],
        with("Content-Length: -1\r\n", &event),
        with("Content-Length: 1x\r\n", &event),
        with("Content-Length: 99999999999999999999\r\n", &event),
        with(
            &format!("Content-Length: {length}\r\nContent-Length: 1\r\n"),
            &event,
        ),
        with("Transfer-Encoding: chunked\r\n", "zz\r\n"),
        with("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{"),
        with("Transfer-Encoding: nonsense\r\n", &event),
        with(
            &format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            "zz\r\n",
        ),
        // Huge heads: one header, many headers, a long path.
        with(&format!("X: {}\r\n", "x".repeat(1024 * 1024)), ""),
        with(&"X: y\r\n".repeat(100_000), ""),
        lone(&format!(
            "GET /{} HTTP/1.1\r\nHost: x\r\n\r\n",
            "x".repeat(1024 * 1024)
        )),
    ];
    for port in [system.edge_port, system.dashboard_port] {
        for (n, bytes) in malformed.iter().enumerate() {
            let stream = connect(port, bytes).await;
            let (answer, _) = answer(stream, Duration::from_millis(500)).await;
            let status = answer
                .strip_prefix("HTTP/1.1 ")
                .and_then(|rest| rest.get(..1));
            // Refused, or nothing yet: never taken.
            assert!(
                matches!(status, None | Some("4" | "5")),
                "{port} {n}: {answer}"
            );
        }
        both_answer(&system, &processes).await;
    }
}

#[tokio::test]
async fn i3_no_crash_leaves_memory_on_a_disk() {
    let system = System::start().await;
    for process in system.process_ids() {
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = core.unwrap().split_ascii_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"], "{limits}");
    }
}
