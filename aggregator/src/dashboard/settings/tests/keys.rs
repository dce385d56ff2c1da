//! Keys: whose they are, and what they open.

use axum::body::Body;

use super::*;

on_both_engines!(
    a_key_of_a_site_opens_that_site_alone,
    what_is_wrong_with_a_key_is_named_by_its_field,
    keys_to_every_site_are_for_admins,
);

const KEYS: &str = "/sites/a.example/settings/keys";

/// Makes a key; gives it.
async fn made(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.post(path, fields).await;
    assert_eq!(answer.status, 200, "{}", answer.html);
    let key = answer
        .between("<pre tabindex=\"0\"><code>", "</code>")
        .to_owned();
    assert!(key.starts_with("dayfly_"), "{key}");
    // Shown once.
    assert!(!browser.get(path).await.html.contains(&key));
    key
}

/// What the API answers to a key.
async fn asked(web: &Web, key: &str, method: &str, path: &str) -> u16 {
    // Keys are known again within a second.
    web.clock.advance_ms(1_001);
    let browser = web.browser(HTTP);
    let request = browser
        .request(method, path)
        .header("authorization", format!("Bearer {key}"));
    browser
        .send(request.body(Body::empty()).unwrap())
        .await
        .status
        .as_u16()
}

async fn a_key_of_a_site_opens_that_site_alone(place: Place) {
    let web = owned(&place).await;
    web.role("bob@example.com", "b.example", Role::Owner).await;
    let browser = owner(&web).await;
    let fields = [
        ("name", "Report"),
        ("scope", "sites"),
        ("until", "2026-12-31"),
        ("limit", "50"),
    ];
    let key = made(&browser, KEYS, &fields).await;
    let page = browser.get(KEYS).await;
    assert!(
        page.html
            .contains("never used, made on 2026-11-23, until 2026-12-31, 50 requests an hour"),
        "{}",
        page.html
    );
    assert!(page.html.contains("<b>Report</b>"));
    assert_eq!(
        asked(&web, &key, "GET", "/api/v1/sites/a.example").await,
        200
    );
    assert_eq!(
        asked(&web, &key, "GET", "/api/v1/sites/b.example").await,
        401
    );
    assert_eq!(
        asked(&web, &key, "DELETE", "/api/v1/sites/b.example").await,
        401
    );
    assert!(browser.get(KEYS).await.html.contains("last used today"));
    // Neither seen nor revoked from another site's page.
    let bob = web.logged_in("bob@example.com").await;
    let theirs = "/sites/b.example/settings/keys";
    let prefix = &key[..11];
    assert!(!bob.get(theirs).await.html.contains(prefix));
    let revoke = [("prefix", prefix)];
    assert_eq!(
        bob.post(&format!("{theirs}/revoke"), &revoke).await.status,
        404
    );
    assert_eq!(
        bob.post(&format!("{KEYS}/revoke"), &revoke).await.status,
        404
    );
    assert_eq!(
        asked(&web, &key, "GET", "/api/v1/sites/a.example").await,
        200
    );
    let shown = done(&browser, &format!("{KEYS}/revoke"), &revoke).await;
    assert!(shown.html.contains("The key is revoked"));
    assert_eq!(
        asked(&web, &key, "GET", "/api/v1/sites/a.example").await,
        401
    );
    let again = browser.post(&format!("{KEYS}/revoke"), &revoke).await;
    assert_eq!(again.status, 404);
    // One that reads does not manage.
    let key = made(&browser, KEYS, &[("scope", "stats"), ("limit", "600")]).await;
    assert_eq!(
        asked(&web, &key, "GET", "/api/v1/sites/a.example/export").await,
        200
    );
    assert_eq!(
        asked(&web, &key, "DELETE", "/api/v1/sites/a.example").await,
        401
    );
}

async fn what_is_wrong_with_a_key_is_named_by_its_field(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let long = "x".repeat(121);
    refuses(
        &browser,
        KEYS,
        &[
            (
                &[("scope", "all"), ("limit", "5")],
                "scope: there are stats and sites",
            ),
            (
                &[("scope", "stats"), ("limit", "0")],
                "Requests an hour: a key has 1 to 1000000",
            ),
            (
                &[("scope", "stats"), ("limit", "1000001")],
                "Requests an hour: a key has 1 to 1000000",
            ),
            (
                &[("scope", "stats"), ("limit", "few")],
                "Requests an hour: a whole number",
            ),
            (
                &[("scope", "stats"), ("limit", "")],
                "Requests an hour: a whole number",
            ),
            (
                &[("scope", "stats"), ("limit", "5"), ("until", "2026-11-22")],
                "Last day: the day is over already.",
            ),
            (
                &[("scope", "stats"), ("limit", "5"), ("until", "soon")],
                "Last day: a date such as",
            ),
            (
                &[("scope", "stats"), ("limit", "5"), ("name", &long)],
                "Name: a name has 1 to 120 characters.",
            ),
            (
                &[("scope", "stats"), ("limit", "5"), ("site", "b.example")],
                "site: unknown field",
            ),
        ],
    )
    .await;
    let site = id(&web, "a.example").await;
    assert!(web.app.store.keys_of(Some(site)).await.unwrap().is_empty());
    for _ in 0..100 {
        let new = crate::store::NewKey::of(Some(site), crate::store::Scope::Stats);
        web.app.store.create_key(&new, web.today()).await.unwrap();
    }
    let full = browser
        .post(KEYS, &[("scope", "stats"), ("limit", "5")])
        .await;
    assert_eq!(
        (full.status.as_u16(), full.problem()),
        (400, "There are 100 keys already: revoke some first.")
    );
}

async fn keys_to_every_site_are_for_admins(place: Place) {
    let web = owned(&place).await;
    let admin = web.logged_in("admin@example.com").await;
    let key = made(&admin, "/keys", &[("scope", "stats"), ("limit", "600")]).await;
    for domain in ["a.example", "b.example"] {
        let path = format!("/api/v1/sites/{domain}/export");
        assert_eq!(asked(&web, &key, "GET", &path).await, 200);
    }
    // An owner neither sees nor ends it.
    let browser = owner(&web).await;
    let revoke = [("prefix", &key[..11])];
    assert!(!browser.get(KEYS).await.html.contains(&key[..11]));
    assert_eq!(
        browser
            .post(&format!("{KEYS}/revoke"), &revoke)
            .await
            .status,
        404
    );
    assert_eq!(browser.post("/keys/revoke", &revoke).await.status, 403);
    assert_eq!(browser.get("/keys").await.status, 403);
    let shown = done(&admin, "/keys/revoke", &revoke).await;
    assert!(shown.html.contains("The key is revoked"));
    assert_eq!(asked(&web, &key, "GET", "/api/v1/sites").await, 401);
}
