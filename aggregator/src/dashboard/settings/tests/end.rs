//! The end of a site (I12).

use axum::body::Body;
use shared::settings::GoalKind;

use super::*;
use crate::store::tests::{batch, number, sqlite, tables_of_sites};
use crate::store::{Applied, Engine, Link, NewKey, NewSharedLink, Scope};

on_both_engines!(i12_a_site_deleted_on_the_web_is_gone_with_all_that_opened_it);

const CANARY: &str = "zaphod-unforgettable-goal";

async fn i12_a_site_deleted_on_the_web_is_gone_with_all_that_opened_it(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let store = &web.app.store;
    let site = id(&web, "a.example").await;
    count_something(&web).await;
    let name = CANARY.to_owned();
    store
        .add_goal(site, GoalKind::Event { name }, None)
        .await
        .unwrap();
    store.show_prop(site, CANARY).await.unwrap();
    let new = NewKey::of(Some(site), Scope::Sites);
    let key = store.create_key(&new, web.today()).await.unwrap();
    let invitation = Link::Invitation {
        mail: "late@example.com".to_owned(),
        is_admin: false,
        site: Some((site, Role::Owner)),
    };
    let invitation = format!("/welcome/{}", web.link(&invitation).await);
    assert_eq!(web.browser(HTTP).get(&invitation).await.status, 200);
    let open = format!("{A}/settings/sharing/public");
    let sent = browser.post(&open, &[("open", "on"), ("k", "5")]).await;
    assert_eq!(sent.status, 303);
    let new = NewSharedLink {
        name: "For Bob",
        password: None,
        k: 5,
        works_until: None,
    };
    let link = store.add_shared_link(site, &new, web.today());
    let shared = format!("/shared/{}", link.await.unwrap().as_str());
    let filters = serde_json::json!([["is", "event:page", [CANARY]]]);
    let saved = store.add_saved_segment(site, None, CANARY, &filters);
    saved.await.unwrap();
    let views = ["/public/a.example", &shared];
    for view in views {
        assert_eq!(web.browser(HTTP).get(view).await.status, 200, "{view}");
    }
    let path = format!("{A}/settings/delete");
    refuses(
        &browser,
        &path,
        &[
            (&[("confirm", "")], "Confirmation: type the site’s domain."),
            (
                &[("confirm", "b.example")],
                "Confirmation: type the site’s domain.",
            ),
            (&[("confirm", "a.example"), ("x", "")], "x: unknown field"),
        ],
    )
    .await;
    let tables = tables_of_sites(store).await;
    let rows = async || {
        let mut rows = 0;
        for table in &tables {
            let text = format!("SELECT count(*) FROM {table} WHERE site_id = {site}");
            rows += number(store, &text).await;
        }
        rows
    };
    assert!(rows().await > 6);
    let other = web.browser(HTTP);
    let gone = browser.post(&path, &[("confirm", " A.example")]).await;
    assert_eq!(gone.status, 200, "{}", gone.html);
    assert!(gone.html.contains("The site is deleted"));
    assert_eq!(rows().await, 0);
    for path in [A, &path] {
        assert_eq!(browser.get(path).await.status, 404);
    }
    assert!(browser.is_in().await, "accounts stay");
    for link in [views[0], views[1], &invitation] {
        assert_eq!(other.get(link).await.status, 404, "{link}");
    }
    web.clock.advance_ms(1_001);
    let request = other
        .request("GET", "/api/v1/sites")
        .header("authorization", format!("Bearer {key}"));
    let refused = other.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, 401);
    // What the edge still sends is refused so that it drops what it holds.
    let late = store.apply_batch(&batch(site, 2), [1; 32], NOON_MS).await;
    assert_eq!(late.unwrap(), Applied::Gone);
    if let Place::File(file) = &place {
        assert_eq!(store.engine(), Engine::Sqlite);
        let bytes = sqlite::files(file.parent().unwrap());
        let found = bytes
            .windows(CANARY.len())
            .any(|part| part == CANARY.as_bytes());
        assert!(!found, "from the file, too");
    }
}
