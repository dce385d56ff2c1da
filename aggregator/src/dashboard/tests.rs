//! Who may read the pages, and what each of them says.

use super::*;
use crate::salts::SaltKeeper;
use crate::store::{Place, Store};

#[tokio::test]
async fn pages_with_countries_say_whose_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Place::File(folder.path().join("db")))
        .await
        .unwrap();
    let day = jiff::civil::date(2026, 5, 6);
    store.add_site("a.example", "UTC", day).await.unwrap();
    let clock = Arc::new(shared::clock::ManualClock::at(1_778_041_950_000));
    let app = App::new(store, SaltKeeper::default(), Vec::new(), clock, "");
    for (app, sentence) in [
        (app.clone(), "AFRINIC, APNIC, ARIN, LACNIC, RIPE NCC"),
        (
            app.with_country_attribution("Countries by Somebody, CC BY."),
            "<p>Countries by Somebody, CC BY.</p>",
        ),
    ] {
        let overview = overview(State(app.clone())).await;
        let name = axum::extract::Path("a.example".to_owned());
        let params = axum::extract::RawQuery(None);
        let site = site::site(State(app), name, params).await;
        for page in [overview, site] {
            let body = page.unwrap_or_else(IntoResponse::into_response).into_body();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let html = String::from_utf8(bytes.to_vec()).unwrap();
            assert_eq!(html.matches(sentence).count(), 1, "{html}");
        }
    }
}

#[test]
fn dashboard_is_for_loopback_only() {
    for host in [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:8000",
        "127.1.2.3",
        "[::1]:8000",
        "[::1]",
    ] {
        assert!(is_loopback(host), "{host}");
    }
    for host in [
        "",
        "stats.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "10.0.0.1",
        "[2001:db8::1]:80",
        "[",
        "0.0.0.0",
    ] {
        assert!(!is_loopback(host), "{host}");
    }
}
