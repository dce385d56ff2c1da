//! How much is sent, and what a page asks again.

mod lists;

use std::collections::HashMap;

use axum::body::to_bytes;
use axum::http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use shared::address::ClientAddress;
use shared::batch::Source;
use shared::call::{Hit, HitKind};
use shared::clock::ManualClock;
use shared::day::Day;
use shared::visit::Visitor;
use shared::visitor::{Salt, VisitorHash};

use super::*;
use crate::accounts::Role;
use crate::country;
use crate::salts::SaltKeeper;
use crate::store::{Account, Login, Place, Store};

/// 2026-11-23T12:00:00Z.
const NOON_MS: i64 = 1_795_435_200_000;
/// Bytes of a page, gzipped.
const PAGE_BYTES_MAX: usize = 60_000;

async fn start(folder: &tempfile::TempDir) -> (App, Site) {
    let store = Store::open(&Place::File(folder.path().join("db")))
        .await
        .unwrap();
    let first = jiff::civil::date(2026, 1, 1);
    assert!(store.add_site("a.example", "UTC", first).await.unwrap());
    let site = store.site("a.example").await.unwrap().unwrap();
    let clock = Arc::new(ManualClock::at(NOON_MS));
    let app = App::new(store, SaltKeeper::default(), Vec::new(), clock, "");
    (app, site)
}

/// A day on which so many visitors each see another page and come another way, from all countries.
async fn count(app: &App, site: &Site, visitors: usize) {
    let date = jiff::civil::date(2026, 11, 23);
    let mut day = Day::default();
    let mut people: HashMap<usize, Visitor> = HashMap::new();
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let countries = country::all();
    for n in 0..visitors {
        // Names as long as long ones are, none like another.
        let word = &hex::encode(Sha256::digest(n.to_string()))[..24];
        let long = format!("/articles/2026/{word}-{word}-{word}");
        let salt = Salt::from_random([1; 32]);
        let hit = Hit {
            visitor: Some(VisitorHash::new(&salt, 1, date, address, &n.to_string())),
            at_s: 36_000,
            kind: HitKind::PageView,
            page: &long,
            host: &format!("{word}.a.example"),
            client: [
                countries[n % countries.len()].0,
                "Desktop",
                word,
                "1",
                word,
                "2",
            ],
            traffic: [word, &long, "Referral", word, word, word, word, word],
            props: vec![(&word[..8], &long)],
            revenue: None,
            goals: Vec::new(),
            steps: Vec::new(),
        };
        let _ = day.apply(people.entry(n).or_default(), &hit);
    }
    for visitor in people.values_mut() {
        day.end_visit(visitor);
    }
    day.take_delta();
    let source = Source {
        site: site.id,
        date,
        shard: 0,
        incarnation: "0".repeat(32),
    };
    let batch = day.seal(source, 1, false, true);
    let applied = app.store.apply_batch(&batch, [1; 32], NOON_MS);
    applied.await.unwrap();
}

/// Somebody who asks.
fn ada() -> Caller {
    let day = jiff::civil::date(2026, 11, 1);
    Caller {
        account: Account {
            id: 1,
            mail: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            is_admin: false,
            password: "!".to_owned(),
            totp_secret: Vec::new(),
            totp_pending: Vec::new(),
            created_on: day,
        },
        login: Login {
            id: 1,
            awaits_code: false,
            created_on: day,
            last_used_on: day,
            expires_ms: i64::MAX,
        },
    }
}

async fn body(response: std::result::Result<Response, Failure>) -> (StatusCode, Vec<u8>) {
    let response = response.unwrap_or_else(IntoResponse::into_response);
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, bytes.to_vec())
}

/// With the longest graph, everything compared, every panel full, and filters that every link repeats.
#[tokio::test]
async fn the_page_of_a_big_site_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let (app, site) = start(&folder).await;
    count(&app, &site, 300).await;
    for query in [
        "from=2026-08-24&to=2026-11-23&compare=previous",
        "from=2024-11-24&to=2026-11-23&compare=year&metric=pageviews",
        "period=30d&filter=contains,event:page,articles&filter=is_not,visit:country,AT&filter=is_not,visit:source,Example",
    ] {
        let at = AtSite {
            site: site.clone(),
            role: Role::Owner,
        };
        let gzip = HeaderMap::from_iter([(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip, deflate"),
        )]);
        let params = RawQuery(Some(query.to_owned()));
        let page = super::site(Shared(app.clone()), ada(), at, params, gzip).await;
        let (status, bytes) = body(page).await;
        assert_eq!(status, StatusCode::OK);
        let mut html = String::new();
        let mut unpacked = flate2::read::GzDecoder::new(bytes.as_slice());
        std::io::Read::read_to_string(&mut unpacked, &mut html).unwrap();
        assert!(html.matches("<svg class=\"bar\"").count() >= 30, "{query}");
        // The map is shown, and nearly all countries are links of it.
        assert!(html.matches("</a>\n").count() > 200 && html.contains("<path class=\"land\""));
        assert!(bytes.len() < PAGE_BYTES_MAX, "{query}: {}", bytes.len());
    }
}

/// What was there before is drawn also where nothing is now; of hours to come nothing is told.
#[tokio::test]
async fn the_graph_compares_with_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let (app, site) = start(&folder).await;
    count(&app, &site, 3).await;
    let ask = async |query: &str| {
        let at = AtSite {
            site: site.clone(),
            role: Role::Viewer,
        };
        let params = RawQuery(Some(query.to_owned()));
        let page = super::site(Shared(app.clone()), ada(), at, params, HeaderMap::new()).await;
        String::from_utf8(body(page).await.1).unwrap()
    };
    let html = ask("from=2026-11-24&to=2026-11-30&compare=previous").await;
    let last = r#"<th scope="row">2026-11-30</th><td data-n="0">0</td><td data-n="3">3</td>"#;
    assert!(html.contains(last), "{html}");
    let html = ask("period=day").await;
    for (row, cell) in [
        (r#"<tr><th scope="row">10:00"#, r#"<td data-n="3">3"#),
        (
            r#"<tr data-partial><th scope="row">12:00"#,
            r#"<td data-n="0">0"#,
        ),
        (r#"<tr><th scope="row">13:00"#, "<td>–"),
    ] {
        assert!(html.contains(&format!("{row}</th>{cell}</td>")), "{row}");
    }
}

#[tokio::test]
async fn a_page_is_told_of_the_first_page_view() {
    let folder = tempfile::tempdir().unwrap();
    let (app, site) = start(&folder).await;
    let ask = async || {
        let at = AtSite {
            site: site.clone(),
            role: Role::Viewer,
        };
        let (status, bytes) = body(live(Shared(app.clone()), at).await).await;
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
    };
    assert_eq!(ask().await, json!({ "now": 0, "counted": false }));
    count(&app, &site, 1).await;
    assert_eq!(ask().await["counted"], true);
}

/// Whatever visitors send, and whatever a goal is called, is text on every list and in every tab.
#[tokio::test]
async fn what_visitors_write_is_text_to_members() {
    let folder = tempfile::tempdir().unwrap();
    let (app, site) = start(&folder).await;
    let kind = shared::settings::GoalKind::Event {
        name: "<script>event".to_owned(),
    };
    let goal = app.store.add_goal(site.id, kind, Some("<script>goal"));
    assert_eq!(goal.await.unwrap().goal.id, 1);
    let mut batch = crate::store::tests::batch(site.id, 1);
    // A country and a goal's number are none that anybody writes; of the rest everything is.
    for text in &mut batch.strings {
        *text = match text.as_str() {
            "DE" => "DE".to_owned(),
            "7" => "1".to_owned(),
            other => format!("/<script>{other}"),
        };
    }
    let goals = batch.strings.iter().position(|text| text == "1").unwrap();
    for row in &mut batch.goals {
        row[1] = goals as u64;
    }
    let applied = app.store.apply_batch(&batch, [1; 32], NOON_MS);
    applied.await.unwrap();
    let at = || AtSite {
        site: site.clone(),
        role: Role::Owner,
    };
    let of = |query: &str| RawQuery(Some(format!("period=all{query}")));
    let mut shown = 0;
    for tab in PANELS.iter().flat_map(|panel| panel.tabs) {
        let panel = PANELS
            .iter()
            .find(|panel| panel.tabs.iter().any(|one| one.key == tab.key));
        let query = format!("&{}={}", panel.unwrap().key, tab.key);
        let page = super::site(
            Shared(app.clone()),
            ada(),
            at(),
            of(&query),
            HeaderMap::new(),
        );
        // The map is no list of its own.
        let list = if tab.is_map { "country" } else { tab.key };
        let path = axum::extract::Path((site.domain.clone(), list.to_owned()));
        let list = all(
            Shared(app.clone()),
            ada(),
            at(),
            path,
            of(""),
            HeaderMap::new(),
        );
        for answer in [page.await, list.await] {
            let (status, bytes) = body(answer).await;
            let html = String::from_utf8(bytes).unwrap();
            assert_eq!(status, StatusCode::OK, "{}: {html}", tab.key);
            let ours = html.matches("<script defer src=\"/assets/").count();
            assert_eq!(html.matches("<script").count(), ours, "{}: {html}", tab.key);
            shown += html.matches("&#60;script&#62;").count();
        }
    }
    assert!(shown > 40, "{shown}");
}
