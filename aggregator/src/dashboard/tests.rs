//! What the pages say.

use std::sync::Arc;

use axum::extract::State;

use super::guard::{AtSite, Caller};
use super::*;
use crate::salts::SaltKeeper;
use crate::store::{Login, NewAccount, Place, Store};

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
        let caller = admin(&app).await;
        let overview = overview::show(State(app.clone()), caller.clone()).await;
        let at = AtSite {
            site: app.store.site("a.example").await.unwrap().unwrap(),
            role: Role::Viewer,
        };
        let params = axum::extract::RawQuery(None);
        let site = site::site(State(app), caller, at, params, HeaderMap::new()).await;
        for page in [overview, site] {
            let body = page.unwrap_or_else(IntoResponse::into_response).into_body();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let html = String::from_utf8(bytes.to_vec()).unwrap();
            assert_eq!(html.matches(sentence).count(), 1, "{html}");
        }
    }
}

/// Somebody who sees every site.
async fn admin(app: &App) -> Caller {
    let new = NewAccount {
        mail: "ada@example.com".to_owned(),
        name: "Ada".to_owned(),
        is_admin: true,
        password: "!".to_owned(),
    };
    let day = jiff::civil::date(2026, 5, 6);
    app.store.add_account(&new, day).await.unwrap();
    let account = app.store.account_of(&new.mail).await.unwrap().unwrap();
    let login = Login {
        id: 1,
        awaits_code: false,
        created_on: day,
        last_used_on: day,
        expires_ms: i64::MAX,
    };
    Caller { account, login }
}
