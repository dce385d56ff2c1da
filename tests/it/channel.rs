//! `/edge/v1/…`: what the aggregator takes from the edge, and what it refuses.

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::handover::Receiver;
use shared::roster::{IssuedSalt, SealedSalts};
use shared::sign::{HEADER, Signed, parse_keys};
use std::io::Write;

use crate::system::{KEY, SITE, System};

/// Sends a signed request to the aggregator.
pub async fn send(
    system: &System,
    method: Method,
    path: &str,
    body: Vec<u8>,
    skew_ms: i64,
) -> Response {
    let keys = parse_keys(KEY).unwrap();
    let signed = Signed {
        method: method.as_str(),
        path,
        body: &body,
    };
    let header = signed.sign(&keys[0], aggregator::clock::SystemClock.now_ms() + skew_ms);
    let request = system
        .http
        .request(method, system.dashboard_url(path))
        .header(HEADER, header);
    request.body(body).send().await.unwrap()
}

/// The salts, as the edge gets them.
pub async fn salts(system: &System, skew_ms: i64) -> Vec<IssuedSalt> {
    let receiver = Receiver::from_random([7; 32]);
    let path = format!("/edge/v1/salts?to={}", receiver.public().to_wire());
    let answer = send(system, Method::GET, &path, Vec::new(), skew_ms).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let sealed: SealedSalts = answer.json().await.unwrap();
    sealed.open(&receiver).unwrap().salts
}

fn batch(seq: u64, page: &str) -> Value {
    batch_on(seq, page, &today())
}

fn batch_on(seq: u64, page: &str, date: &str) -> Value {
    json!({
        "v": 1,
        "source": {"site": 1, "date": date, "shard": 0, "incarnation": "ab".repeat(16)},
        "seq": seq, "closed": false, "degraded": false, "hits_total": seq,
        "strings": [page, SITE, "DE", ""], "visit_attrs": [[0, 1, 3, 3, 3, 3, 3, 3, 3, 3]], "client_attrs": [[2, 3, 3, 3, 3, 3]],
        "visits": [[9, 0, 0, 0, 1, 64, 1]], "pages": [[9, 0, 1, 0, 0, 6, 1, 67, 1]],
        "exits": [], "events": []
    })
}

fn today() -> String {
    let now = aggregator::clock::SystemClock.now_ms();
    let now = jiff::Timestamp::from_millisecond(now).unwrap();
    now.in_tz("Europe/Berlin").unwrap().date().to_string()
}

/// The body of a request.
pub fn gzip(batch: &Value) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(batch.to_string().as_bytes()).unwrap();
    gzip.finish().unwrap()
}

async fn post(system: &System, batch: &Value) -> (u16, Value) {
    let answer = send(system, Method::POST, "/edge/v1/batches", gzip(batch), 0).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn i11_every_route_wants_a_signature() {
    let system = System::start().await;
    let routes = [
        (Method::GET, "/edge/v1/roster"),
        (Method::GET, "/edge/v1/salts"),
        (Method::POST, "/edge/v1/batches"),
        (Method::POST, "/edge/v1/batches/check"),
        (Method::POST, "/edge/v1/report"),
        (Method::GET, "/edge/v1/reports"),
        (
            Method::GET,
            "/edge/v1/sources/1/2026-11-23/0/abababababababababababababababab",
        ),
    ];
    for (method, path) in routes.clone() {
        let bare = system
            .http
            .request(method.clone(), system.dashboard_url(path));
        assert_eq!(bare.send().await.unwrap().status(), 401, "{path}");
        let skewed = send(&system, method.clone(), path, Vec::new(), 301_000).await;
        assert_eq!(skewed.status(), 401, "{path}");
        // A signature for one path does not open another.
        let keys = parse_keys(KEY).unwrap();
        let other = Signed {
            method: method.as_str(),
            path: "/edge/v1/other",
            body: b"",
        };
        let header = other.sign(&keys[0], aggregator::clock::SystemClock.now_ms());
        let request = system
            .http
            .request(method, system.dashboard_url(path))
            .header(HEADER, header);
        assert_eq!(request.send().await.unwrap().status(), 401, "{path}");
    }
    for (method, path) in routes {
        let large = vec![0; 1024 * 1024 + 1];
        let answer = send(&system, method, path, large, 0).await;
        assert_eq!(answer.status(), 413, "{path}");
    }
}

#[tokio::test]
async fn i7_batches_are_applied_once_in_order() {
    let system = System::start().await;
    let key = system.api_key();
    let gap = post(&system, &batch(2, "/2")).await;
    assert_eq!((gap.0, &gap.1["last"]), (409, &json!(0)));
    assert_eq!(post(&system, &batch(1, "/1")).await.1["status"], "applied");
    assert_eq!(
        post(&system, &batch(1, "/1")).await.1["status"],
        "duplicate"
    );
    let conflict = post(&system, &batch(1, "/other")).await;
    assert_eq!((conflict.0, conflict.1.get("last")), (409, None));
    assert_eq!(post(&system, &batch(2, "/2")).await.1["status"], "applied");
    let gap = post(&system, &batch(9, "/9")).await;
    assert_eq!((gap.0, &gap.1["last"]), (409, &json!(2)));
    assert_eq!(system.totals(&key).await, [2, 2]);
    let log = std::fs::read_to_string(system.log("aggregator")).unwrap();
    assert!(log.contains("another batch of this number was applied before"));
}

#[tokio::test]
async fn a_malformed_batch_is_refused_with_the_reason_and_leaves_nothing() {
    let system = System::start().await;
    let key = system.api_key();
    for (pointer, value, reason) in [
        ("/pages/0/1", json!(9), "pages: "),
        ("/strings/0", json!("a\u{0}"), "strings: "),
        ("/source/incarnation", json!("x"), "source.incarnation: "),
    ] {
        let mut bad = batch(1, "/1");
        *bad.pointer_mut(pointer).unwrap() = value;
        let (status, answer) = post(&system, &bad).await;
        assert_eq!(status, 422);
        assert!(
            answer["error"].as_str().unwrap().starts_with(reason),
            "{answer}"
        );
    }
    // Of another version is not malformed: the answer names those that are taken.
    let mut newer = batch(1, "/1");
    newer["v"] = json!(2);
    newer["more"] = json!(["of", "then"]);
    let (status, answer) = post(&system, &newer).await;
    assert_eq!((status, &answer["takes"]), (415, &json!([1])));
    let error = "v: batches of version 1 are taken here, not of version 2";
    assert_eq!(answer["error"], error);
    let check = "/edge/v1/batches/check";
    let checked = send(&system, Method::POST, check, gzip(&newer), 0).await;
    assert_eq!(checked.status(), 415);
    let plain = send(&system, Method::POST, "/edge/v1/batches", b"{}".to_vec(), 0).await;
    assert_eq!(plain.status(), 422);
    let mut unknown = batch(1, "/1");
    unknown["source"]["site"] = json!(99);
    let (status, answer) = post(&system, &unknown).await;
    assert_eq!(status, 404);
    assert!(answer["error"].as_str().unwrap().contains("no site 99"));
    assert_eq!(system.totals(&key).await, [0, 0]);
    assert_eq!(post(&system, &batch(1, "/1")).await.0, 200);
}

fn full(seq: u64) -> Value {
    full_on(seq, &today())
}

/// A batch of a day with everything an edge tells.
pub fn full_on(seq: u64, date: &str) -> Value {
    let mut batch = batch_on(seq, "/full", date);
    let more = json!({
        "dropped": {"bot": 1_200, "spam_referrer": 2}, "live": {"visitors": 1, "minute": 1},
        "minutes": [[0, 2, 1], [1, 1, 1]],
        "exits": [[9, 0, 0, 0, 12, 1, 70, 1]], "events": [[9, 0, 1, 0, 0, 13, 3, 92, 1]],
        "props": [[9, 0, 1, 2, 0, 0, 14, 3, 93, 1]], "revenue": [[9, 0, 1, 0, 0, 15, 9_990, 16, 1]],
        "goals": [[9, 0, 1, 0, 0, 17, 3, 94, 1]], "funnels": [[9, 0, 1, 0, 0, 100, 1]],
    });
    for (key, value) in more.as_object().unwrap() {
        batch[key] = value.clone();
    }
    batch
}

#[tokio::test]
async fn i7_a_batch_with_everything_is_applied_once_and_a_malformed_one_not_at_all() {
    let system = System::aggregator_alone().await;
    let key = system.api_key();
    let cookie = system.log_in().await;
    let page = async || {
        let url = system.dashboard_url(&format!("/sites/{SITE}"));
        let request = system.http.get(url).header("cookie", &cookie);
        request.send().await.unwrap().text().await.unwrap()
    };
    for (pointer, value) in [
        ("/dropped/bot", json!(0)),
        ("/dropped/bot", json!(-1)),
        ("/dropped", json!({"weather": 1})),
        ("/live/minute", json!(1_500)),
        ("/live", json!({"visitors": 1, "minute": 1, "visitor": "x"})),
        ("/minutes/0/0", json!(1_500)),
        ("/minutes/1/0", json!(0)),
        ("/minutes/0", json!([1, 2])),
        ("/props/0/3", json!(9)),
        ("/props/0/6", json!(15)),
        ("/revenue/0/6", json!(0)),
        ("/goals/0", json!([9, 0, 1, 0, 0])),
        ("/funnels/0/0", json!(25)),
    ] {
        let mut bad = full(1);
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        let (status, answer) = post(&system, &bad).await;
        assert_eq!(status, 422, "{pointer} {value}");
        // Serde names the body, our own checks the field.
        let field = pointer.split('/').nth(1).unwrap();
        let error = answer["error"].as_str().unwrap();
        let named = error.starts_with(field) || error.starts_with("body: ");
        assert!(named, "{pointer} {value}: {error}");
    }
    assert_eq!(system.totals(&key).await, [0, 0]);
    assert!(!page().await.contains("Not counted"));

    assert_eq!(post(&system, &full(1)).await.1["status"], "applied");
    assert_eq!(post(&system, &full(1)).await.1["status"], "duplicate");
    let mut other = full(1);
    other["dropped"]["bot"] = json!(1);
    assert_eq!(post(&system, &other).await.0, 409);
    assert_eq!(system.totals(&key).await, [1, 1]);
    let shown = page().await;
    assert!(shown.contains("Not counted") && shown.contains("Programs (bots)"));
    assert!(shown.contains("<td>1\u{202f}200</td>"), "{shown}");
    assert_eq!(post(&system, &full(2)).await.1["status"], "applied");
    assert!(page().await.contains("<td>2\u{202f}400</td>"));
    assert_eq!(system.totals(&key).await, [2, 2]);
}

#[tokio::test]
async fn i3_salts_are_issued_for_today_and_tomorrow_and_stay_the_same() {
    let system = System::start().await;
    let ask = async || {
        let list = salts(&system, 0).await.into_iter();
        let mut list: Vec<_> = list
            .map(|it| (it.site, it.date.to_string(), it.salt.clone()))
            .collect();
        list.sort();
        list
    };
    let list = ask().await;
    assert!(
        (2..=3).contains(&list.len()),
        "today, tomorrow, and ten minutes of yesterday"
    );
    assert!(list.iter().any(|(_, date, _)| *date == today()));
    assert_eq!(ask().await, list);
    // Neither the folder of the aggregator nor that of the edge holds one.
    system.view("UA", "/").await;
    for (_, _, text) in &list {
        let bytes: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        crate::privacy::assert_absent(system.data.path(), &[text.as_bytes(), &bytes]);
    }
}

#[tokio::test]
async fn i3_salts_are_told_to_nobody_who_brings_no_key_of_their_own() {
    let system = System::aggregator_alone().await;
    // The last is a key that everybody has.
    let asks = [
        "",
        "?to=",
        "?to=abc",
        "?to=zz",
        &format!("?to={}", "0".repeat(64)),
    ];
    for ask in asks {
        let path = format!("/edge/v1/salts{ask}");
        let answer = send(&system, Method::GET, &path, Vec::new(), 0).await;
        assert_eq!(answer.status(), 400, "{path}");
        let answer: Value = answer.json().await.unwrap();
        let said = answer["error"].as_str().unwrap();
        assert!(said.starts_with("to: "), "{said}");
    }
    // What goes over the wire is for one receiver.
    let other = Receiver::from_random([8; 32]).public().to_wire();
    let path = format!("/edge/v1/salts?to={other}");
    let answer = send(&system, Method::GET, &path, Vec::new(), 0).await;
    let text = answer.text().await.unwrap();
    for salt in salts(&system, 0).await {
        assert!(!text.contains(&*salt.salt));
    }
}

#[tokio::test]
async fn what_the_aggregator_has_of_a_source_can_be_asked() {
    let system = System::aggregator_alone().await;
    let ask = async |path: String| {
        let path = format!("/edge/v1/sources/{path}");
        let answer = send(&system, Method::GET, &path, Vec::new(), 0).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let incarnation = "ab".repeat(16);
    let source = format!("1/{}/0/{incarnation}", today());
    assert_eq!(ask(source.clone()).await, (200, json!({ "last": 0 })));
    assert_eq!(post(&system, &batch(1, "/1")).await.0, 200);
    assert_eq!(post(&system, &batch(2, "/2")).await.0, 200);
    assert_eq!(ask(source).await, (200, json!({ "last": 2 })));
    let other = format!("1/{}/0/{}", today(), "cd".repeat(16));
    assert_eq!(ask(other).await, (200, json!({ "last": 0 })));
    let other = format!("99/{}/0/{incarnation}", today());
    assert_eq!(ask(other.clone()).await.0, 404);
    system.dayfly(&["site", "forget", "99"]);
    let (status, answer): (u16, Value) = ask(other).await;
    assert_eq!((status, &answer["removed"]), (410, &json!(true)));
    for (path, starts) in [
        (format!("x/{}/0/{incarnation}", today()), "source.site: "),
        (format!("1/yesterday/0/{incarnation}"), "source.date: "),
        (format!("1/{}/256/{incarnation}", today()), "source.shard: "),
        (format!("1/{}/0/xyz", today()), "source.incarnation: "),
    ] {
        let (status, answer): (u16, Value) = ask(path).await;
        assert_eq!(status, 422);
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with(starts), "{error}");
    }
}

#[tokio::test]
async fn a_batch_that_is_only_checked_counts_nothing() {
    let system = System::aggregator_alone().await;
    let key = system.api_key();
    let check = async |body: Vec<u8>| {
        let path = "/edge/v1/batches/check";
        let answer = send(&system, Method::POST, path, body, 0).await;
        answer.status().as_u16()
    };
    assert_eq!(check(gzip(&batch(7, "/1"))).await, 200);
    assert_eq!(check(b"{}".to_vec()).await, 422);
    assert_eq!(system.totals(&key).await, [0, 0]);
    assert_eq!(post(&system, &batch(1, "/1")).await.0, 200);
}

#[tokio::test]
async fn reports_of_the_edge_are_checked_and_shown_in_health() {
    let system = System::aggregator_alone().await;
    let report = json!({"sources": [{
        "source": {"site": 1, "date": today(), "shard": 0, "incarnation": "ab".repeat(16)},
        "waiting": 3, "dead": 2, "stuck": true, "unknown_site": false, "reason": "strings: why", "hits_total": 9, "acknowledged": 4,
    }], "left_out": 0});
    let tell = async |report: &Value| {
        let body = report.to_string().into_bytes();
        let answer = send(&system, Method::POST, "/edge/v1/report", body, 0).await;
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let health = async || {
        let answer = system.http.get(system.dashboard_url("/health"));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()
    };
    let mut bad = report.clone();
    bad["sources"][0]["reason"] = json!("a\u{0}");
    let (status, answer) = tell(&bad).await;
    assert_eq!(status, 422);
    assert!(answer["error"].as_str().unwrap().starts_with("reason: "));
    assert_eq!(health().await, json!({ "status": "ok" }));

    assert_eq!(tell(&report).await.0, 200);
    assert_eq!(tell(&report).await.0, 200);
    let shown = health().await;
    assert_eq!(shown["status"], "warning");
    let sums = json!({ "sources": 1, "waiting": 3, "dead": 2, "stuck": 1, "unknown_site": 0, "other_version": 0 });
    assert_eq!(shown["edge"], sums);
    let log = std::fs::read_to_string(system.log("aggregator")).unwrap();
    assert_eq!(log.matches("strings: why").count(), 1, "logged once: {log}");

    let mut healed = report;
    for (name, value) in [
        ("dead", json!(0)),
        ("waiting", json!(0)),
        ("stuck", json!(false)),
    ] {
        healed["sources"][0][name] = value;
    }
    assert_eq!(tell(&healed).await.0, 200);
    assert_eq!(health().await, json!({ "status": "ok" }));
}
