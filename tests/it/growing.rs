//! Several servers on one Postgres, of which one keeps the salts (I3), and several edges that deliver to
//! one server. That killed servers cost nothing is in replicas.rs.

use std::process::{Command, Stdio};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::handover::Receiver;
use shared::roster::SealedSalts;
use shared::sign::{HEADER, Signed, parse_keys};

use crate::second::Second;
use crate::system::{KEY, Options, Process, SITE, System, agent, free_port, root, view};

const SECOND_KEY: &str = "second-edge-second-edge-second-edge-";

async fn on_postgres() -> System {
    System::aggregator_alone_with(Options {
        postgres: true,
        ..Options::default()
    })
    .await
}

/// What a server gives to an edge that asks for salts, opened and in order; or why it gives none.
async fn salts(system: &System, server: &str) -> Result<Vec<String>, (StatusCode, String)> {
    let receiver = Receiver::from_random([7; 32]);
    let path = format!("/edge/v1/salts?to={}", receiver.public().to_wire());
    let signed = Signed {
        method: "GET",
        path: &path,
        body: b"",
    };
    let now_ms = aggregator::clock::SystemClock.now_ms();
    let signature = signed.sign(&parse_keys(KEY).unwrap()[0], now_ms);
    let request = system.http.get(format!("{server}{path}"));
    let answer = request.header(HEADER, signature).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    if status != StatusCode::OK {
        return Err((status, text));
    }
    let sealed: SealedSalts = serde_json::from_str(&text).unwrap();
    let opened = sealed.open(&receiver).unwrap();
    let told = opened.salts.iter();
    let mut told: Vec<String> = told
        .map(|salt| format!("{} {} {}", salt.site, salt.date, salt.salt))
        .collect();
    // What passes by a server that keeps none is for nobody but the edge.
    assert!(opened.salts.iter().all(|salt| !text.contains(&salt.salt)));
    told.sort();
    Ok(told)
}

async fn health(system: &System, server: &str) -> Value {
    let answer = system.http.get(format!("{server}/health")).send().await;
    answer.unwrap().json().await.unwrap()
}

/// Whether the answer to today's visitors says that some may be there twice.
async fn is_degraded(system: &System, server: &str, key: &str) -> bool {
    let query = json!({ "site_id": SITE, "metrics": ["visitors"], "date_range": "day" });
    let request = system.http.post(format!("{server}/api/v2/query"));
    let answer = request.bearer_auth(key).json(&query).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    answer["meta"]["metric_warnings"]["visitors"]["code"] == "degraded"
}

// Several threads: that the edge has closed a connection is seen while a process is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_of_two_servers_one_keeps_the_salts_and_the_other_hands_them_on() {
    let mut system = on_postgres().await;
    let key = system.api_key();
    let keeper = system.dashboard_url("");
    let second = Second::new(&system);

    // A second keeper is no server.
    let mut refused = second.start_as_keeper(&system);
    assert!(!refused.wait().success());
    let log = std::fs::read_to_string(system.log("second")).unwrap();
    assert!(log.contains("keeps the salts of this database"), "{log}");
    assert!(log.contains("--salts-from"), "{log}");

    let _process = second.start(&system).await;
    let of_keeper = salts(&system, &keeper).await.unwrap();
    assert!((2..=3).contains(&of_keeper.len()));
    assert_eq!(salts(&system, &second.url("")).await.unwrap(), of_keeper);
    assert_eq!(health(&system, &second.url("")).await["status"], "ok");

    // An edge that knows the second only.
    system.delivers_to = Some(second.port);
    system.start_edge().await;
    system.view("a", "/1").await;
    system.until_totals(&key, [1, 1]).await;

    // Without the keeper it goes on, with the salts it has.
    system.stop_aggregator("KILL");
    system.view("a", "/2").await;
    system.view("b", "/2").await;
    let (status, told) = salts(&system, &second.url("")).await.unwrap_err();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.contains("the keeper of the salts"), "{told}");
    let told = health(&system, &second.url("")).await;
    assert_eq!(told["status"], "warning");
    assert!(told["reason"].as_str().unwrap().contains("salts"), "{told}");
    assert!(!told.to_string().contains("127.0.0.1"), "{told}");
    let first_port = std::mem::replace(&mut system.dashboard_port, second.port);
    system.until_totals(&key, [2, 3]).await;
    assert!(!is_degraded(&system, &second.url(""), &key).await);
    system.dashboard_port = first_port;

    // The keeper comes back with what it had in RAM, without waiting.
    system.start_aggregator().await;
    assert_eq!(salts(&system, &second.url("")).await.unwrap(), of_keeper);
    assert_eq!(health(&system, &second.url("")).await["status"], "ok");

    // Told to stop, it can be followed at once, by one with other salts; it is refused then.
    system.stop_aggregator("TERM");
    let third = Second::new(&system);
    let _third = third.start_as_keeper(&system);
    system.until_answers(third.url("/health")).await;
    assert_ne!(salts(&system, &third.url("")).await.unwrap(), of_keeper);
    let refused = Command::new(crate::system::dayfly())
        .arg("serve")
        .env("DAYFLY_DATA", system.data.path())
        .env("DAYFLY_SALTS_DIR", system.salts.path())
        .env("DASHBOARD_PORT", free_port().to_string())
        .env("DAYFLY_DATABASE", system.database.as_ref().unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("--salts-from"),
        "{told}"
    );
    // The edge keeps the first salt of the day, so nobody counts twice.
    system.dashboard_port = second.port;
    system.view("b", "/3").await;
    system.until_totals(&key, [2, 4]).await;
    assert!(!is_degraded(&system, &second.url(""), &key).await);
}

#[tokio::test]
async fn salts_from_wants_several_servers() {
    let system = System::aggregator_alone().await;
    let folder = tempfile::tempdir().unwrap();
    for (from, told) in [
        ("http://127.0.0.1:1", "one Postgres database"),
        ("127.0.0.1:1", "no URL of a server"),
        ("http://127.0.0.1:1/edge/v1/salts", "no URL of a server"),
    ] {
        let refused = Command::new(crate::system::dayfly())
            .args(["serve", "--salts-from", from])
            .env("DAYFLY_DATA", folder.path())
            .env("DAYFLY_EDGE_KEYS", KEY)
            .env("DASHBOARD_PORT", free_port().to_string())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && error.contains(told), "{error}");
    }
    drop(system);
}

#[tokio::test]
async fn who_is_logged_in_at_one_server_is_at_the_other() {
    let system = on_postgres().await;
    let second = Second::new(&system);
    let _process = second.start(&system).await;
    let cookie = system.log_in().await;
    let http = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let page = async |server: &str| {
        let request = http.get(format!("{server}/sites/{SITE}"));
        let answer = request.header("cookie", &cookie).send().await;
        answer.unwrap().status()
    };
    let first = system.dashboard_url("");
    assert_eq!(page(&first).await, StatusCode::OK);
    assert_eq!(page(&second.url("")).await, StatusCode::OK);
    let out = http
        .post(second.url("/logout"))
        .header("cookie", &cookie)
        .header("origin", second.url(""))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("");
    let out = out.send().await.unwrap();
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    assert_ne!(page(&first).await, StatusCode::OK);
    assert_ne!(page(&second.url("")).await, StatusCode::OK);
}

/// A second edge of a system: its own folder and key.
async fn second_edge(system: &System) -> (Process, String) {
    let state = system.data.path().join("edge-2");
    std::fs::create_dir(&state).unwrap();
    let port = free_port();
    let mut command = Command::new(root().join("scripts/edge"));
    command
        .arg(root().join("edge/workerd.capnp"))
        .arg(format!("--socket-addr=http=127.0.0.1:{port}"))
        .arg(format!(
            "--external-addr=aggregator=127.0.0.1:{}",
            system.dashboard_port
        ))
        .arg(format!("--directory-path=state={}", state.display()))
        .env("DAYFLY_EDGE_KEYS", SECOND_KEY)
        .env("FLUSH_MS", "200")
        .stdin(Stdio::null());
    let process = system.logged(&mut command, "edge-2");
    let url = format!("http://127.0.0.1:{port}");
    system.until_answers(format!("{url}/health")).await;
    (process, url)
}

#[tokio::test]
async fn i10_a_visitor_at_two_edges_counts_at_each_and_the_answer_says_so() {
    let mut system = System::aggregator_alone().await;
    let keys = format!("{KEY} {SECOND_KEY}");
    std::fs::write(system.data.path().join("edge.key"), keys).unwrap();
    system.stop_aggregator("TERM");
    system.start_aggregator().await;
    system.start_edge().await;
    let key = system.api_key();
    let (_second, second) = second_edge(&system).await;
    let seen_there = async |visitor: &str, page: &str| {
        let request = system.http.post(format!("{second}/api/event"));
        let request = request.header("user-agent", agent(visitor));
        let answer = request.body(view(page)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    };
    system.view("a", "/1").await;
    system.view("a", "/2").await;
    system.until_totals(&key, [1, 2]).await;
    let here = system.dashboard_url("");
    assert!(!is_degraded(&system, &here, &key).await);
    // Another one there: both are counted, but that they are two is nothing that two edges know.
    seen_there("b", "/1").await;
    system.until_totals(&key, [2, 3]).await;
    assert!(is_degraded(&system, &here, &key).await);
    // The one who was here: page views stay exact, visitors do not.
    seen_there("a", "/2").await;
    system.until_totals(&key, [3, 4]).await;
    assert!(is_degraded(&system, &here, &key).await);
    let told = system.dayfly(&["audit"]);
    assert!(told.contains("All is well."), "{told}");
    assert!(told.contains("4 hits of 2 sources"), "{told}");
}
