//! Shared links and guests.

use super::*;
use crate::accounts::Role;
use crate::store::NewAccount;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    shared_links_are_found_or_made_listed_and_revoked,
    guests_are_invited_listed_and_removed,
    what_is_wrong_is_named_by_its_field,
);

const LINKS: &str = "/api/v1/sites/shared-links";
const GUESTS: &str = "/api/v1/sites/guests";

async fn shared_links_are_found_or_made_listed_and_revoked(place: Place) {
    let api = Api::start(&place).await;
    let wanted = json!({
        "site_id": "a.example", "name": "Agency", "k": 7, "password": "open sesame, please",
        "works_until": "2026-12-31",
    });
    let made = api.done("PUT", LINKS, wanted.clone()).await;
    let url = made["url"].as_str().unwrap();
    let token = url.strip_prefix("/shared/").unwrap();
    assert_eq!(token.len(), 43);
    let known = json!({
        "id": made["id"], "name": "Agency", "k": 7, "has_password": true,
        "works_until": "2026-12-31", "last_used_on": null,
    });
    // Found as it is; its address is not known any more.
    let found = api
        .done(
            "PUT",
            LINKS,
            json!({"site_id": "a.example", "name": "Agency"}),
        )
        .await;
    let mut expected = known.clone();
    expected["url"] = Value::Null;
    expected["domain"] = json!("a.example");
    assert_eq!(found, expected);
    let of = |site: &str| format!("{LINKS}?site_id={site}");
    let listed = api.done("GET", &of("a.example"), Value::Null).await;
    assert_eq!(listed, json!({ "shared_links": [known] }));
    let none = api.done("GET", &of("b.example"), Value::Null).await;
    assert_eq!(none, json!({ "shared_links": [] }));
    // What opens it is in no other answer, and is not its hash.
    assert!(!listed.to_string().contains(token));
    let other = json!({"site_id": "a.example", "name": "Board"});
    let board = api.done("PUT", LINKS, other).await;
    assert_eq!(
        (&board["k"], &board["has_password"]),
        (&json!(5), &json!(false))
    );
    let path = |id: &str, site: &str| format!("{LINKS}/{id}?site_id={site}");
    let id = made["id"].as_str().unwrap();
    let gone = "there is no such link";
    api.refused("DELETE", &path(id, "b.example"), Value::Null, 404, gone)
        .await;
    let deleted = json!({ "deleted": "true" });
    assert_eq!(
        api.done("DELETE", &path(id, "a.example"), Value::Null)
            .await,
        deleted
    );
    api.refused("DELETE", &path(id, "a.example"), Value::Null, 404, gone)
        .await;
    let by_name = path("Board", "a.example");
    assert_eq!(api.done("DELETE", &by_name, Value::Null).await, deleted);
    // The name is free again, for another address.
    let again = api.done("PUT", LINKS, wanted).await;
    assert_ne!(again["url"], made["url"]);
    let site = api.app.store.site("a.example").await.unwrap().unwrap();
    assert_eq!(api.app.store.shared_links(site.id).await.unwrap().len(), 1);
}

async fn guests_are_invited_listed_and_removed(place: Place) {
    let api = Api::start(&place).await;
    let store = &api.app.store;
    let site = store.site("a.example").await.unwrap().unwrap();
    for (mail, role) in [
        ("owner@example.com", Role::Owner),
        ("ed@example.com", Role::Editor),
    ] {
        let new = NewAccount {
            mail: mail.to_owned(),
            name: "X".to_owned(),
            is_admin: false,
            password: "!".to_owned(),
        };
        let account = store.add_account(&new, api.today()).await.unwrap().unwrap();
        store.set_role(site.id, account, Some(role)).await.unwrap();
    }
    let ben = json!({"site_id": "a.example", "email": " Ben@Example.com ", "role": "viewer"});
    let invited = api.done("PUT", GUESTS, ben.clone()).await;
    let url = invited["url"].as_str().unwrap();
    assert!(url.starts_with("/welcome/"), "{url}");
    assert_eq!(
        (&invited["email"], &invited["status"]),
        (&json!("ben@example.com"), &json!("invited"))
    );
    // Invited already: the link that was made goes on working.
    let again = api.done("PUT", GUESTS, ben).await;
    assert_eq!(
        (&again["url"], &again["status"]),
        (&Value::Null, &json!("invited"))
    );
    let token = crate::accounts::token::TokenHash::of(&url["/welcome/".len()..]).unwrap();
    assert!(
        store
            .link(token, api.clock.now_ms())
            .await
            .unwrap()
            .is_some()
    );
    let ed = json!({"site_id": "a.example", "email": "ed@example.com", "role": "viewer"});
    let known = api.done("PUT", GUESTS, ed).await;
    assert_eq!(
        (&known["role"], &known["status"]),
        (&json!("editor"), &json!("accepted"))
    );
    let of_a = format!("{GUESTS}?site_id=a.example");
    let list = async || api.done("GET", &of_a, Value::Null).await["guests"].clone();
    let guest = |email: &str, role: &str, status: &str| json!({"email": email, "role": role, "status": status});
    let both = [
        guest("ben@example.com", "viewer", "invited"),
        guest("ed@example.com", "editor", "accepted"),
    ];
    assert_eq!(list().await, json!(both));
    let path = |mail: &str, site: &str| format!("{GUESTS}/{mail}?site_id={site}");
    let gone = "there is no such guest";
    for (mail, site) in [
        ("owner@example.com", "a.example"),
        ("ed@example.com", "b.example"),
        ("x", "a.example"),
    ] {
        api.refused("DELETE", &path(mail, site), Value::Null, 404, gone)
            .await;
    }
    for mail in ["ben@example.com", "ed@example.com"] {
        let deleted = api
            .done("DELETE", &path(mail, "a.example"), Value::Null)
            .await;
        assert_eq!(deleted, json!({ "deleted": "true" }));
    }
    assert_eq!(list().await, json!([]));
    assert!(
        store
            .link(token, api.clock.now_ms())
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(store.people(site.id).await.unwrap().len(), 1, "the owner");
}

async fn what_is_wrong_is_named_by_its_field(place: Place) {
    let api = Api::start(&place).await;
    let a = |mut body: Value| {
        body["site_id"] = json!("a.example");
        body
    };
    for (body, begins) in [
        (json!({}), "name: "),
        (json!({"name": " "}), "name: "),
        (json!({"name": "x".repeat(121)}), "name: "),
        (json!({"name": "x", "k": 0}), "k: "),
        (json!({"name": "x", "k": 1_001}), "k: "),
        (json!({"name": "x", "k": "few"}), "k: "),
        (json!({"name": "x", "works_until": "soon"}), "works_until: "),
        (
            json!({"name": "x", "works_until": "2026-11-22"}),
            "works_until: ",
        ),
        (json!({"name": "x", "password": "short"}), "password: "),
        (json!({"name": "x", "secret": 1}), "secret: "),
    ] {
        api.refused("PUT", LINKS, a(body), 400, begins).await;
    }
    for (body, begins) in [
        (json!({"role": "viewer"}), "email: "),
        (json!({"email": "ben", "role": "viewer"}), "email: "),
        (json!({"email": "ben@example.com"}), "role: "),
        (
            json!({"email": "ben@example.com", "role": "owner"}),
            "role: ",
        ),
    ] {
        api.refused("PUT", GUESTS, a(body), 400, begins).await;
    }
    let nothing = api
        .done("GET", &format!("{LINKS}?site_id=a.example"), Value::Null)
        .await;
    assert_eq!(nothing, json!({ "shared_links": [] }));
}
