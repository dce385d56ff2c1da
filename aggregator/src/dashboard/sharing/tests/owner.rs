//! The owner's page.

use super::*;

on_both_engines!(
    links_are_made_shown_once_and_revoked,
    the_view_for_everybody_is_opened_and_closed,
);

const AT: &str = "/sites/a.example/settings/sharing";

async fn links_are_made_shown_once_and_revoked(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    web.role("owner@example.com", "a.example", Role::Owner)
        .await;
    let owner = web.logged_in("owner@example.com").await;
    let path = format!("{AT}/links");
    let (name, k) = (("name", "For <b>Bob</b>"), ("k", "7"));
    for (fields, problem) in [
        (
            vec![("name", " "), k],
            "Name: a name has 1 to 120 characters.",
        ),
        (
            vec![name],
            "Fewest visitors: it is a number from 1 to 1000.",
        ),
        (vec![name, ("k", "0")], "Fewest visitors: it is 1 to 1000."),
        (
            vec![name, ("k", "1001")],
            "Fewest visitors: it is 1 to 1000.",
        ),
        (
            vec![name, k, ("until", "tomorrow")],
            "Last day: that is no date such as 2030-12-31.",
        ),
        (
            vec![name, k, ("until", "2026-11-22")],
            "Last day: the day is over already.",
        ),
        (
            vec![name, k, ("password", "short")],
            "Password: it has at least 10 characters.",
        ),
    ] {
        let refused = owner.post(&path, &fields).await;
        assert_eq!(refused.status, 400, "{problem}");
        assert_eq!(refused.problem(), problem);
    }
    let made = owner
        .post(
            &path,
            &[name, k, ("password", SECRET), ("until", "2026-12-31")],
        )
        .await;
    assert_eq!(made.status, 200);
    let url = made.between("<code id=\"made\">", "</code>").to_owned();
    let link = url.strip_prefix(HTTP).unwrap();
    assert!(made.html.contains("it cannot be part of another page"));
    let again = owner.post(&path, &[name, k]).await;
    assert!(again.problem().contains("already"), "{}", again.problem());
    // Shown once, and nowhere stored.
    let page = owner.get(AT).await;
    let token = link.strip_prefix("/shared/").unwrap();
    assert!(!page.html.contains(token));
    assert!(
        page.html.contains("For &#60;b&#62;Bob&#60;/b&#62;"),
        "{}",
        page.html
    );
    for what in [
        "fewer than 7 visitors",
        "works until 2026-12-31",
        "never opened",
        "password",
    ] {
        assert!(page.html.contains(what), "{what}");
    }
    let guest = web.browser(HTTP);
    assert_eq!(guest.post(link, &[("password", SECRET)]).await.status, 303);
    assert!(guest.get(link).await.html.contains("fewer than 7 visitors"));
    assert!(
        owner
            .get(AT)
            .await
            .html
            .contains("last opened on 2026-11-23")
    );
    // Not those of another site.
    let id = page.between("name=\"id\" value=\"", "\"").to_owned();
    web.role("owner@example.com", "b.example", Role::Owner)
        .await;
    let elsewhere = owner
        .post("/sites/b.example/settings/sharing/revoke", &[("id", &id)])
        .await;
    assert_eq!(elsewhere.status, 404);
    assert_eq!(guest.get(link).await.status, 200);
    let revoke = format!("{AT}/revoke");
    assert_eq!(owner.post(&revoke, &[("id", &id)]).await.status, 303);
    is_nothing(&guest, link).await;
    assert_eq!(owner.post(&revoke, &[("id", &id)]).await.status, 404);
    // Without a password it may be part of another page.
    let made = owner.post(&path, &[("name", "Open"), ("k", "5")]).await;
    assert!(made.html.contains("&#60;iframe src="), "{}", made.html);
    // So many and no more.
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    for n in 1..crate::store::SHARED_LINKS_MAX {
        let new = NewSharedLink {
            name: &n.to_string(),
            password: None,
            k: 5,
            works_until: None,
        };
        let added = web.app.store.add_shared_link(site.id, &new, web.today());
        added.await.unwrap();
    }
    let refused = owner.post(&path, &[("name", "More"), ("k", "5")]).await;
    assert!(refused.problem().contains("100 links already"));
}

async fn the_view_for_everybody_is_opened_and_closed(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    for role in Role::ALL {
        let mail = format!("{}@example.com", role.as_str());
        web.role(&mail, "a.example", role).await;
    }
    let path = format!("{AT}/public");
    let guest = web.browser(HTTP);
    let editor = web.logged_in("editor@example.com").await;
    let open = [("open", "on"), ("k", "6")];
    assert_eq!(editor.post(&path, &open).await.status, 403);
    is_nothing(&guest, "/public/a.example").await;
    let owner = web.logged_in("owner@example.com").await;
    for (fields, status) in [
        (vec![("open", "on"), ("k", "0")], 400),
        (vec![("open", "on"), ("k", "-1")], 400),
        (vec![("open", "yes"), ("k", "5")], 400),
        (vec![("open", "on"), ("k", "5"), ("x", "")], 400),
    ] {
        assert_eq!(
            owner.post(&path, &fields).await.status,
            status,
            "{fields:?}"
        );
    }
    is_nothing(&guest, "/public/a.example").await;
    assert_eq!(owner.post(&path, &open).await.status, 303);
    let page = guest.get("/public/a.example").await;
    assert!(page.html.contains("fewer than 6 visitors"));
    let settings = owner.get(AT).await;
    assert!(
        settings
            .html
            .contains(&format!("{HTTP}/public/a.example?embed=true"))
    );
    assert_eq!(owner.post(&path, &[("k", "6")]).await.status, 303);
    is_nothing(&guest, "/public/a.example").await;
}
