//! The Sites API on the whole system: what is made over it counts at the edge, and keys open as the
//! command line says.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::events::count;
use crate::stored::until_stored;
use crate::system::{Options, SITE, System};

/// How long the server waits for a body: what is refused before is refused sooner.
const BODY_WAIT: Duration = Duration::from_secs(10);

async fn ask(system: &System, key: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = system
        .http
        .request(
            method,
            system.dashboard_url(&format!("/api/v1/sites{path}")),
        )
        .bearer_auth(key);
    let answer = match body {
        Value::Null => request.send().await.unwrap(),
        json => request.json(&json).send().await.unwrap(),
    };
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_site_and_a_goal_made_over_the_api_count_at_the_edge_and_a_changed_domain_does() {
    let mut system = System::aggregator_alone_with(Options::default()).await;
    let key = system.dayfly(&["key", "create", "--scope", "sites"]);
    let key = key.trim().to_owned();
    let made = ask(
        &system,
        &key,
        Method::POST,
        "",
        json!({"domain": "b.example"}),
    )
    .await;
    assert_eq!(made.0, 200, "{}", made.1);
    let goal = json!({"site_id": "b.example", "goal_type": "event", "event_name": "Signup"});
    let (status, goal) = ask(&system, &key, Method::PUT, "/goals", goal).await;
    assert_eq!((status, &goal["id"]), (200, &json!("1")));
    system.start_edge().await;
    let event =
        |name: &str, domain: &str| json!({"n": name, "u": "https://b.example/", "d": domain});
    count(&system, "visitor", event("pageview", "b.example")).await;
    count(&system, "visitor", event("Signup", "b.example")).await;
    let columns = ["domain", "goal", "completions", "day_goal_visitors"];
    until_stored(
        &system,
        "goals",
        &columns,
        vec![json!(["b.example", "1", 1, 1])],
    )
    .await;

    let to = json!({"domain": "c.example"});
    let (status, changed) = ask(&system, &key, Method::PUT, "/b.example", to).await;
    assert_eq!((status, &changed["domain"]), (200, &json!("c.example")));
    // What an edge does not know it asks for anew.
    let body = event("Signup", "c.example").to_string();
    let is_known = async || {
        let answer = system.post(body.clone(), &[("user-agent", "new")]).await;
        answer.headers().get("x-dayfly-dropped").is_none()
    };
    system.until("the new domain counts", is_known).await;
    // The former one still counts; named by both, a site counts once.
    count(&system, "old", event("Signup", "b.example")).await;
    count(&system, "both", event("Signup", "b.example,c.example")).await;
    until_stored(
        &system,
        "goals",
        &columns,
        vec![json!(["c.example", "1", 4, 4])],
    )
    .await;
    let held = system
        .http
        .get(system.edge_url("/me?site=b.example,c.example"));
    let held: Value = held.send().await.unwrap().json().await.unwrap();
    assert_eq!(held.to_string().matches("c.example").count(), 1, "{held}");

    let (status, removed) = ask(&system, &key, Method::DELETE, "/c.example", Value::Null).await;
    assert_eq!((status, removed), (200, json!({"deleted": "true"})));
    assert_eq!(
        system.dayfly(&["site", "list"]),
        format!("{SITE}\tEurope/Berlin\n")
    );
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked_on_the_command_line() {
    let system = System::aggregator_alone().await;
    let key = system.dayfly(&[
        "key",
        "create",
        "--site",
        SITE,
        "--scope",
        "sites",
        "--name",
        "Shop's script",
        "--until",
        "2999-12-31",
        "--hourly-limit",
        "2",
    ]);
    let key = key.trim();
    let today = aggregator::clock::date_in_utc(shared::clock::Clock::now_ms(
        &aggregator::clock::SystemClock,
    ));
    let line = |used: &str| {
        let shown = &key[..11];
        format!("{shown}\tsites\t{SITE}\t2\t{today}\t2999-12-31\t{used}\tShop's script\n")
    };
    assert_eq!(system.dayfly(&["key", "list"]), line("-"));
    let path = format!("/{SITE}");
    for status in [200, 200, 429] {
        let (answered, _) = ask(&system, key, Method::GET, &path, Value::Null).await;
        assert_eq!(answered, status);
    }
    assert_eq!(system.dayfly(&["key", "list"]), line(&today.to_string()));
    let other = system.dayfly(&["key", "create"]);
    assert_eq!(
        system.dayfly(&["key", "revoke", &key[..11]]),
        format!("revoked {}\n", &key[..11])
    );
    let is_refused = async || ask(&system, key, Method::GET, &path, Value::Null).await.0 == 401;
    system.until("the key is refused", is_refused).await;
    let line = format!("{}\tstats\tall sites\t600\t{today}\t-\t-\t\n", &other[..11]);
    assert_eq!(system.dayfly(&["key", "list"]), line);
    for (arguments, error) in [
        (&["key", "revoke", &key[..11]][..], "there is no key"),
        (
            &["key", "create", "--hourly-limit", "0"],
            "hourly limit: a key has 1 to 1000000",
        ),
        (
            &["key", "create", "--until", "2020-01-01"],
            "until: the day is over already",
        ),
        (
            &["key", "create", "--until", "tomorrow"],
            "invalid value 'tomorrow'",
        ),
        (
            &["key", "create", "--scope", "all"],
            "possible values: stats, sites",
        ),
        (
            &["key", "create", "--name", "a\nb"],
            "name: a control character",
        ),
    ] {
        let output = system.dayfly_output(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(error), "{told}");
    }
}

/// Sends a head and what there is of its body; gives the answer, and how long it took.
async fn answer(system: &System, head: &str, body: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", system.dashboard_port))
        .await
        .unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    // A broken connection ends an answer, too.
    let _ = stream.read_to_end(&mut answer).await;
    (String::from_utf8(answer).unwrap(), began.elapsed())
}

#[tokio::test]
async fn a_large_body_is_refused_at_once_and_a_slow_one_in_ten_seconds() {
    let system = System::aggregator_alone().await;
    let key = system.dayfly(&["key", "create", "--scope", "sites"]);
    let head = |route: &str, more: &str| {
        let key = key.trim();
        format!(
            "{route} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{more}\r\n\r\n"
        )
    };
    let query = "POST /api/v2/query";
    let goals = "PUT /api/v1/sites/goals";
    for route in [query, goals] {
        let large = head(route, "Content-Length: 10000000000");
        let (told, took) = answer(&system, &large, b"{").await;
        assert!(told.starts_with("HTTP/1.1 413"), "{told}");
        assert!(
            told.contains("{\"error\":\"the body is larger than 64 KiB\"}"),
            "{told}"
        );
        assert!(took < BODY_WAIT, "{took:?}");
        // One that does not say how long it is, and does not end.
        let chunk = format!("11000\r\n{}\r\n", "x".repeat(0x11000));
        let endless = head(route, "Transfer-Encoding: chunked");
        let (told, took) = answer(&system, &endless, chunk.as_bytes()).await;
        assert!(told.starts_with("HTTP/1.1 413"), "{told}");
        assert!(took < BODY_WAIT, "{took:?}");
        // Whoever has no key is not read from.
        let wrong = large.replace("Bearer ", "Bearer x");
        let (told, took) = answer(&system, &wrong, b"").await;
        assert!(told.starts_with("HTTP/1.1 401"), "{told}");
        assert!(took < BODY_WAIT, "{took:?}");
    }
    let slow = |route: &str| {
        let head = head(route, "Content-Length: 100");
        let system = &system;
        async move { answer(system, &head, b"{\"site_id\":").await }
    };
    let (query, goals) = tokio::join!(slow(query), slow(goals));
    for (told, took) in [query, goals] {
        assert!(told.starts_with("HTTP/1.1 408"), "{told}");
        assert!(
            told.contains("{\"error\":\"the body did not come within 10 seconds\"}"),
            "{told}"
        );
        let seconds = took.as_secs_f64();
        assert!((9.9..20.0).contains(&seconds), "{seconds}");
    }
    // A head that is too large.
    let (told, _) = answer(
        &system,
        &head("GET /health", &format!("A: {}", "x".repeat(40_000))),
        b"",
    )
    .await;
    assert!(told.starts_with("HTTP/1.1 431"), "{told}");
    let answer = system
        .http
        .get(system.dashboard_url("/health"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
