//! Settings of the edge that change what an answer means, or that it must refuse to work with.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stored::{stored, until_stored};
use crate::system::{Options, Runtime, System, view};

/// Waits until the edge says what is wrong with it; gives what it says.
async fn reason(system: &System) -> String {
    let mut reason = String::new();
    let told = async || {
        let Ok(answer) = system.http.get(system.edge_url("/health")).send().await else {
            return false;
        };
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let answer: Value = answer.json().await.unwrap();
        reason = answer["reason"].as_str().unwrap().to_owned();
        true
    };
    system.until("the edge answers", told).await;
    reason
}

/// The edge takes no event, and makes no day object of one.
async fn assert_counts_nothing(system: &System) {
    for _ in 0..3 {
        let answer = system.post(view("/"), &[]).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["errors"]["request"][0].is_string(), "{answer}");
    }
    let me = system
        .http
        .get(system.edge_url("/me"))
        .send()
        .await
        .unwrap();
    assert!(me.status().is_server_error(), "{}", me.status());
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    for table in ["pages", "dropped"] {
        let count = ["views", "n"][usize::from(table == "dropped")];
        assert_eq!(
            stored(system, table, &["domain", count]).await,
            Vec::<Value>::new()
        );
    }
    let objects = system.data.path().join("edge/dayfly-day");
    let files = std::fs::read_dir(objects).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let objects: Vec<String> = names.filter(|name| !name.starts_with("metadata")).collect();
    assert_eq!(objects, Vec::<String>::new());
}

#[tokio::test]
async fn a_fast_acknowledgement_is_one_of_an_event_that_arrives() {
    let options = Options {
        ack: Some("fast"),
        ..Options::default()
    };
    let system = System::start_with(options).await;
    let key = system.api_key();
    for n in 0..50 {
        system.view(&format!("browser {}", n % 5), "/").await;
    }
    system.until_totals(&key, [5, 50]).await;
    // What only the day object knows is counted, but can no longer be told.
    let body = json!({"n": "engagement", "u": "https://a.example/", "e": 1}).to_string();
    let answer = system.post(body, &[("user-agent", "nobody yet")]).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(answer.headers().get("x-dayfly-dropped"), None);
    let rows = vec![json!(["engagement_without_visit", 1])];
    until_stored(&system, "dropped", &["reason", "n"], rows).await;
    // What the edge decides itself is told as ever.
    let bot = system
        .post(view("/"), &[("user-agent", "raw:curl/8.5.0")])
        .await;
    assert_eq!(bot.headers()["x-dayfly-dropped"], "bot");
    assert_eq!(
        system.post("{", &[]).await.status(),
        StatusCode::BAD_REQUEST
    );
    system.view("browser 0", "/").await;
    system.until_totals(&key, [5, 51]).await;
}

#[tokio::test]
async fn another_acknowledgement_is_none() {
    let mut system = System::aggregator_alone_with(Options {
        ack: Some("soon"),
        ..Options::default()
    })
    .await;
    system.start_edge_without_waiting();
    let reason = reason(&system).await;
    assert!(reason.contains("ACK is neither"), "{reason}");
    assert_counts_nothing(&system).await;
}

/// Strict or not at all; and where no jurisdiction is to be had, there is nothing to pass on to.
#[tokio::test]
async fn eu_only_is_strict_and_for_cloudflare() {
    for (runtime, value, says) in [
        (Runtime::Cloudflare, "yes", "EU_ONLY is not \"strict\""),
        (Runtime::Workerd, "no", "EU_ONLY is not \"strict\""),
        (
            Runtime::Workerd,
            "strict",
            "which needs JURISDICTION = \"eu\"",
        ),
    ] {
        let mut system = System::aggregator_alone_with(Options {
            runtime,
            eu_only: Some(value),
            ..Options::default()
        })
        .await;
        system.start_edge_without_waiting();
        let reason = reason(&system).await;
        assert!(reason.contains(says), "{reason}");
        assert_counts_nothing(&system).await;
    }
}

/// workerd binds no object to a place; an edge that is to have them in one must not count there.
#[tokio::test]
async fn where_the_jurisdiction_is_not_to_be_had_nothing_is_counted() {
    let mut system = System::aggregator_alone_with(Options {
        jurisdiction: Some("eu"),
        ..Options::default()
    })
    .await;
    system.start_edge_without_waiting();
    let reason = reason(&system).await;
    assert!(reason.to_lowercase().contains("jurisdiction"), "{reason}");
    assert_counts_nothing(&system).await;
}

#[tokio::test]
async fn a_jurisdiction_must_be_named() {
    let mut system = System::aggregator_alone_with(Options {
        jurisdiction: Some(" "),
        ..Options::default()
    })
    .await;
    system.start_edge_without_waiting();
    let reason = reason(&system).await;
    assert!(reason.contains("JURISDICTION is not set"), "{reason}");
    assert_counts_nothing(&system).await;
}

#[tokio::test]
async fn i11_an_edge_without_a_key_counts_nothing() {
    for (key, says) in [("", "EDGE_KEYS"), ("short", "EDGE_KEYS")] {
        let mut system = System::aggregator_alone_with(Options {
            edge_key: Some(key),
            ..Options::default()
        })
        .await;
        system.start_edge_without_waiting();
        let reason = reason(&system).await;
        assert!(reason.contains(says), "{reason}");
        assert!(!reason.contains("short\n"), "a secret is not repeated");
        assert_counts_nothing(&system).await;
    }
}
