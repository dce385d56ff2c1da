//! `EU_ONLY = "strict"` (DESIGN.md, section 7), on workerd with Cloudflare's locations and
//! jurisdictions simulated (cloudflare.js): a location outside the EU passes on what it does not
//! read, and it is counted as if it had come in inside.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::system::{Options, Runtime, SITE, System, agent, view};

/// Tells what `request.cf` is, as under wrangler.
pub const CF_HEADER: &str = "MF-CF-Blob";
const ADDRESS: &str = "CF-Connecting-IP";
const INSIDE: &str = r#"{"colo":"FRA","country":"SE"}"#;
const OUTSIDE: &str = r#"{"colo":"IAD","country":"SE"}"#;

/// workerd's configuration, for a copy in `folder`, with what it lacks of Cloudflare.
pub fn as_on_cloudflare(shipped: &str, folder: &Path) -> String {
    // What a configuration embeds lies beside it.
    let script = crate::system::root().join("tests/it/cloudflare.js");
    std::fs::copy(script, folder.join("cloudflare.js")).unwrap();
    let first = r#"( name = "entry.js","#;
    let bindings = "  bindings = [\n";
    let classes = "  durableObjectNamespaces = [\n";
    let mut text = shipped.to_owned();
    for (from, to) in [
        (
            "http = (), service",
            r#"http = (cfBlobHeader = "MF-CF-Blob"), service"#.to_owned(),
        ),
        (
            first,
            format!(
                "( name = \"cloudflare.js\", esModule = embed \"cloudflare.js\" ),\n    {first}"
            ),
        ),
        (
            bindings,
            format!(
                "{bindings}    ( name = \"FRONT\", durableObjectNamespace = \"FrontObject\" ),\n"
            ),
        ),
        (
            classes,
            format!(
                "{classes}    ( className = \"FrontObject\", uniqueKey = \"front\", enableSql = true ),\n"
            ),
        ),
        (
            r#"( name = "JURISDICTION", text = "none" )"#,
            r#"( name = "JURISDICTION", text = "eu" )"#.to_owned(),
        ),
        (
            r#"( name = "COUNTRY", text = "table" )"#,
            r#"( name = "COUNTRY", text = "platform" )"#.to_owned(),
        ),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, &to);
    }
    text
}

pub fn strict() -> Options {
    Options {
        runtime: Runtime::Cloudflare,
        eu_only: Some("strict"),
        client_ip_header: Some(ADDRESS),
        ..Options::default()
    }
}

/// The front object that has answered; none where the location has done so itself.
fn front(answer: &Response) -> Option<String> {
    let name = answer.headers().get("test-front")?.to_str().unwrap();
    assert!(name.starts_with("front:"), "{name}");
    Some(name.to_owned())
}

/// A page view that comes in at a location.
async fn post(system: &System, cf: &str, headers: &[(&str, &str)]) -> Response {
    let mut all = vec![(CF_HEADER, cf), (ADDRESS, "203.0.113.7")];
    all.extend(headers);
    let answer = system.post(view("/"), &all).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer
}

async fn ask(system: &System, method: Method, path: &str, cf: &str) -> Response {
    let request = system.http.request(method, system.edge_url(path));
    let request = request.header(CF_HEADER, cf).header(ADDRESS, "203.0.113.7");
    let request = request.header("user-agent", agent("somebody"));
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_location_outside_the_eu_passes_on_what_it_does_not_read() {
    let system = System::start_with(strict()).await;
    let key = system.api_key();
    let inside = post(&system, INSIDE, &[]).await;
    assert_eq!(front(&inside), None);
    let outside = post(&system, OUTSIDE, &[]).await;
    assert!(front(&outside).is_some());
    assert_eq!(outside.headers()["access-control-allow-origin"], "*");
    assert_eq!(outside.text().await.unwrap(), "ok");
    // The same person, wherever the request came in, and the country that the platform has named.
    system.until_totals(&key, [1, 2]).await;
    let rows = system.rows(&key, &["visit:country"]).await;
    assert_eq!(rows, [(vec!["SE".into()], [1, 2])]);

    // Near by is not in, and what is not known to be in is out.
    let mut views = 2;
    for cf in [
        r#"{"colo":"LHR","country":"SE"}"#,
        r#"{"colo":"ZRH","country":"SE"}"#,
        r#"{"colo":"OSL","country":"SE"}"#,
        r#"{"colo":"fra","country":"SE"}"#,
        r#"{"colo":"XXX","country":"SE"}"#,
        r#"{"colo":["FRA"],"country":"SE"}"#,
        r#"{"country":"SE"}"#,
        "{}",
    ] {
        assert!(front(&post(&system, cf, &[]).await).is_some(), "{cf}");
        views += 1;
    }
    system.until_totals(&key, [1, views]).await;

    // Front objects take turns, whoever sends, and keep nothing.
    let mut fronts = BTreeSet::new();
    for _ in 0..16 {
        fronts.extend(front(&post(&system, OUTSIDE, &[]).await));
    }
    assert_eq!(fronts.len(), 8, "{fronts:?}");
    system.until_totals(&key, [1, views + 16]).await;
    let mut objects = 0;
    for path in crate::on_disk::files(&system.edge_state().join("front")) {
        let is_object = path.extension().is_some_and(|end| end == "sqlite")
            && path.file_stem().is_some_and(|name| name != "metadata");
        if is_object && let Some((_folder, mut database)) = crate::on_disk::open(&path).await {
            let tables = sqlx::query_scalar("SELECT name FROM sqlite_schema");
            let tables: Vec<String> = tables.fetch_all(&mut database).await.unwrap();
            assert_eq!(tables, Vec::<String>::new(), "{}", path.display());
            objects += 1;
        }
    }
    assert_eq!(objects, 8);
}

#[tokio::test]
async fn what_a_client_says_for_the_worker_is_not_believed() {
    let system = System::start_with(strict()).await;
    let key = system.api_key();
    let claims = [
        ("x-dayfly-country", "KP"),
        ("X-Dayfly-Country", "KP"),
        ("cf-ipcountry", "KP"),
        ("x-forwarded-for", "198.51.100.9"),
        ("x-real-ip", "198.51.100.9"),
    ];
    post(&system, INSIDE, &claims).await;
    post(&system, OUTSIDE, &claims).await;
    system.until_totals(&key, [1, 2]).await;
    // Where the platform names none, a claim is none either: the address says it.
    let german = [("x-dayfly-country", "KP"), (ADDRESS, "217.0.0.1")];
    let nowhere = r#"{"colo":"IAD"}"#;
    let mut all = vec![(CF_HEADER, nowhere), ("user-agent", "another")];
    all.extend(german);
    let answer = system.post(view("/"), &all).await;
    assert!(front(&answer).is_some());
    system.until_totals(&key, [2, 3]).await;
    let mut rows = system.rows(&key, &["visit:country"]).await;
    rows.sort();
    assert_eq!(
        rows,
        [(vec!["DE".into()], [1, 1]), (vec!["SE".into()], [1, 2])]
    );
}

#[tokio::test]
async fn every_route_is_answered_alike_inside_and_outside() {
    let system = System::start_with(strict()).await;
    for (method, path, status, is_passed_on) in [
        (Method::GET, "/js/script.js", 200, false),
        (Method::GET, "/js/script.js?x", 200, false),
        (Method::POST, "/js/script.js", 405, false),
        (Method::OPTIONS, "/api/event", 204, false),
        (Method::OPTIONS, "/me", 405, false),
        (Method::GET, "/js/script.jsx", 404, true),
        (Method::GET, "/api/event", 405, true),
        (Method::GET, "/health", 200, true),
        (Method::GET, "/", 404, true),
        (Method::GET, "/me", 200, true),
    ] {
        let [inside, outside] = [INSIDE, OUTSIDE].map(|cf| ask(&system, method.clone(), path, cf));
        let (inside, outside) = (inside.await, outside.await);
        assert_eq!(inside.status(), status, "{method} {path}");
        assert_eq!(outside.status(), status, "{method} {path}");
        assert_eq!(front(&inside), None, "{method} {path}");
        assert_eq!(front(&outside).is_some(), is_passed_on, "{method} {path}");
        assert_eq!(
            inside.headers().get("content-type"),
            outside.headers().get("content-type")
        );
        assert_eq!(
            inside.bytes().await.unwrap(),
            outside.bytes().await.unwrap()
        );
    }
    // Whoever asks is the same person, too, and may object from anywhere.
    post(&system, INSIDE, &[]).await;
    post(&system, OUTSIDE, &[]).await;
    for cf in [INSIDE, OUTSIDE] {
        let me: Value = ask(&system, Method::GET, "/me", cf)
            .await
            .json()
            .await
            .unwrap();
        let held = &me["sites"][0];
        assert_eq!(
            (&held["site"], &held["held"]["events"]),
            (&json!(SITE), &json!(2))
        );
    }
    let form = system
        .http
        .post(system.edge_url("/me"))
        .header(CF_HEADER, OUTSIDE)
        .header(ADDRESS, "203.0.113.7")
        .header("user-agent", agent("somebody"));
    let foreign = form
        .try_clone()
        .unwrap()
        .header("origin", "https://b.example");
    assert_eq!(
        foreign.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    let own = form
        .header("origin", system.edge_url(""))
        .send()
        .await
        .unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    for cf in [INSIDE, OUTSIDE] {
        let answer = post(&system, cf, &[]).await;
        assert_eq!(answer.headers()["x-dayfly-dropped"], "opted_out");
    }

    // What is refused is refused outside as well; the last for its length, before it goes any further.
    let outside = [(CF_HEADER, OUTSIDE), (ADDRESS, "203.0.113.7")];
    let answer = system.post("{", &outside).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(front(&answer).is_some());
    let answer = system.post(vec![b' '; 70_000], &outside).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(front(&answer), None);
}

#[tokio::test]
async fn what_comes_in_everywhere_at_once_is_counted_once() {
    let mut system = System::start_with(strict()).await;
    let key = system.api_key();
    let shared = Arc::new(system);
    let mut tasks = JoinSet::new();
    for n in 0..400 {
        let system = shared.clone();
        tasks.spawn(async move {
            let address = format!("203.0.113.{}", n % 20);
            let cf = [INSIDE, OUTSIDE][n % 2];
            post(&system, cf, &[(ADDRESS, &*address)]).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    system = Arc::into_inner(shared).unwrap();
    // Acknowledged is counted, whoever has passed it on.
    system.stop_edge("KILL");
    system.start_edge().await;
    system.until_totals(&key, [20, 400]).await;
}

/// Without the setting every location does the work itself, as ever.
#[tokio::test]
async fn without_eu_only_no_location_passes_anything_on() {
    let options = Options {
        eu_only: None,
        ..strict()
    };
    let system = System::start_with(options).await;
    for cf in [INSIDE, OUTSIDE, "{}"] {
        assert_eq!(front(&post(&system, cf, &[]).await), None);
    }
    let key = system.api_key();
    system.until_totals(&key, [1, 3]).await;
}
