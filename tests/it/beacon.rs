//! `POST /api/event` and the edge's other routes: what they answer, what they refuse.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::system::{SITE, System, view};

#[tokio::test]
async fn bad_input_is_refused_by_field_and_nothing_is_written() {
    let system = System::start().await;
    let key = system.api_key();
    let long_url = json!({"n": "pageview", "u": format!("https://{SITE}/{}", "x".repeat(2_000))});
    let cases: &[(String, &str)] = &[
        (String::new(), "request"),
        ("{".into(), "request"),
        ("[]".into(), "request"),
        ("null".into(), "request"),
        (json!({"n": "pageview"}).to_string(), "url"),
        (json!({"n": "pageview", "u": 7}).to_string(), "url"),
        (
            json!({"n": "pageview", "u": "data:text/plain,x"}).to_string(),
            "url",
        ),
        (long_url.to_string(), "url"),
        (json!({"u": format!("https://{SITE}/")}).to_string(), "name"),
        (
            json!({"n": "x".repeat(121), "u": format!("https://{SITE}/")}).to_string(),
            "name",
        ),
        (
            json!({"n": "pageview", "u": format!("https://{SITE}/"), "d": " "}).to_string(),
            "domain",
        ),
        (
            json!({"n": "engagement", "u": format!("https://{SITE}/")}).to_string(),
            "engagement",
        ),
    ];
    for (body, field) in cases {
        let answer = system.post(body.clone(), &[]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["errors"][field][0].is_string(), "{body}: {answer}");
    }
    let large = system.post(vec![b' '; 100_000], &[]).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // A body without a length is read only as far as it may go.
    let answer = chunked(&system, 100_000, "").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let answer = chunked(&system, 1_000, "").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");

    let unknown = json!({"n": "pageview", "u": "https://unknown.example/"}).to_string();
    let answer = system.post(unknown, &[]).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(answer.headers()["x-plausible-dropped"], "1");
    assert_eq!(answer.headers()["x-dayfly-dropped"], "unknown_site");

    let url = system.edge_url("/api/event");
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = system.http.request(method, &url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "POST, OPTIONS");
    }

    // Nothing of all that made a day object; a good page view does.
    let day_objects = system.data.path().join("edge/dayfly-day");
    let is_object = |name: String| name.len() > 64 && name.ends_with(".sqlite");
    let count = || {
        let files = std::fs::read_dir(&day_objects)
            .into_iter()
            .flatten()
            .flatten();
        files
            .filter(|file| is_object(file.file_name().into_string().unwrap()))
            .count()
    };
    assert_eq!(count(), 0);
    assert_eq!(system.totals(&key).await, [0, 0]);
    system.view("UA", "/").await;
    assert!(count() > 0);
    system.until_totals(&key, [1, 1]).await;
}

/// Posts so many spaces in chunks of a thousand, without a content length, with more lines of its
/// head; gives the answer.
pub async fn chunked(system: &System, bytes: usize, more: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = ("127.0.0.1", system.edge_port);
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/event HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{more}\r\n"
    );
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1_000));
    let body = format!("{head}{}0\r\n\r\n", chunk.repeat(bytes / 1_000));
    // The edge may answer and close before it has read everything.
    let _ = socket.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_good_beacon_is_answered_as_plausible_does() {
    let system = System::start().await;
    for content_type in ["text/plain", "application/json", "x/y"] {
        let answer = system
            .post(view("/"), &[("content-type", content_type)])
            .await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(answer.text().await.unwrap(), "ok");
    }
    // One event to several sites, one of them unknown: counted for one, one dropped.
    let body = json!({"n": "pageview", "u": format!("https://{SITE}/"), "d": format!("{SITE},www.{SITE},b.example")});
    let answer = system.post(body.to_string(), &[]).await;
    assert_eq!(answer.headers()["x-plausible-dropped"], "1");
    let key = system.api_key();
    system.until_totals(&key, [1, 4]).await;
}

#[tokio::test]
async fn the_other_routes() {
    let system = System::start().await;
    let get = async |path: &str| system.http.get(system.edge_url(path)).send().await.unwrap();
    let script = get("/js/script.js?x").await;
    assert_eq!(script.status(), StatusCode::OK);
    assert_eq!(
        script.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(script.headers()["x-content-type-options"], "nosniff");
    assert!(script.text().await.unwrap().contains("pageview"));
    assert_eq!(
        get("/health").await.text().await.unwrap(),
        r#"{"status":"ok"}"#
    );
    for path in [
        "/",
        "/api",
        "/api/event/",
        "/hits",
        "/js/",
        "/../x",
        "//js/script.js",
    ] {
        assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let url = system.edge_url("/api/event");
    let preflight = system
        .http
        .request(Method::OPTIONS, &url)
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    let post = system
        .http
        .post(system.edge_url("/health"))
        .send()
        .await
        .unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}
