//! The people of a site.

use super::*;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    an_invitation_makes_an_account_with_a_role,
    whoever_has_an_account_accepts_with_it,
    roles_are_changed_taken_and_left,
    what_an_invitation_refuses,
);

const PEOPLE: &str = "/sites/a.example/people";

/// Invites somebody to a.example; gives the path of the link.
async fn invited(owner: &Browser<'_>, mail: &str, role: &str) -> String {
    let fields = [("mail", mail), ("role", role)];
    let made = owner.post(&format!("{PEOPLE}/invite"), &fields).await;
    assert_eq!(made.status, 200, "{}", made.html);
    let link = made.between("<code>", "</code>");
    let token = link.strip_prefix(&format!("{HTTP}/welcome/")).unwrap();
    // Shown once.
    let again = owner.get(PEOPLE).await;
    assert!(!again.html.contains(token));
    assert!(again.html.contains(&mail.to_lowercase()));
    format!("/welcome/{token}")
}

async fn an_invitation_makes_an_account_with_a_role(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    web.role("owner@example.com", "a.example", Role::Owner)
        .await;
    let owner = web.logged_in("owner@example.com").await;
    let path = invited(&owner, "New@example.com", "editor").await;
    let new = web.browser(HTTP);
    let page = new.get(&path).await;
    assert!(
        page.html.contains("<b>a.example, as an editor</b>"),
        "{}",
        page.html
    );
    // The address is the invitation's, whatever is sent.
    let fields = [
        ("mail", "other@example.com"),
        ("name", "New"),
        ("password", PASSWORD),
    ];
    assert_eq!(new.post(&path, &fields).await.status, 303);
    let account = web
        .app
        .store
        .account_of("new@example.com")
        .await
        .unwrap()
        .unwrap();
    assert!(!account.is_admin);
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    let role = web.app.store.role(site.id, account.id).await.unwrap();
    assert_eq!(role, Some(Role::Editor));
    assert_eq!(new.get("/sites/a.example").await.status, 200);
    assert_eq!(new.get("/sites/b.example").await.status, 404);
    assert_eq!(new.get(PEOPLE).await.status, 403);
    assert_eq!(new.post(&path, &fields).await.status, 404, "once");
    assert!(owner.get(PEOPLE).await.html.contains("<b>New</b>"));
}

async fn whoever_has_an_account_accepts_with_it(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let eve = web.account("eve@example.com").await;
    let owner = web.logged_in("admin@example.com").await;
    let path = invited(&owner, "eve@example.com", "owner").await;
    let browser = web.browser(HTTP);
    let page = browser.get(&path).await;
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    assert!(
        page.html.contains(&format!("/login?next={next}")),
        "{}",
        page.html
    );
    // Not with another account of the same address.
    let fields = [("name", "Eve"), ("password", PASSWORD)];
    let taken = browser.post(&path, &fields).await;
    assert_eq!(taken.status, 409);
    assert!(taken.problem().contains("somebody has an account"));
    assert_eq!(
        browser.post(&format!("{path}/accept"), &[]).await.status,
        401
    );
    let browser = web.logged_in("eve@example.com").await;
    assert!(
        browser
            .get(&path)
            .await
            .html
            .contains("Accept as eve@example.com")
    );
    assert_eq!(
        browser.post(&format!("{path}/accept"), &[]).await.status,
        303
    );
    assert_eq!(browser.get(PEOPLE).await.status, 200);
    assert_eq!(
        browser.post(&format!("{path}/accept"), &[]).await.status,
        404
    );
    // A lesser role takes nothing away.
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    let less = Link::Invitation {
        mail: "eve@example.com".to_owned(),
        is_admin: true,
        site: Some((site.id, Role::Viewer)),
    };
    let path = format!("/welcome/{}/accept", web.link(&less).await);
    assert_eq!(browser.post(&path, &[]).await.status, 303);
    let role = web.app.store.role(site.id, eve).await.unwrap();
    assert_eq!(role, Some(Role::Owner));
    assert_eq!(
        browser.get("/sites/b.example").await.status,
        200,
        "an admin now"
    );
}

async fn roles_are_changed_taken_and_left(place: Place) {
    let web = Web::start(&place).await;
    let admin = web.account("admin@example.com").await.to_string();
    let owner_id = web
        .role("owner@example.com", "a.example", Role::Owner)
        .await
        .to_string();
    let eve_id = web
        .role("eve@example.com", "a.example", Role::Viewer)
        .await
        .to_string();
    let other = web
        .role("bob@example.com", "b.example", Role::Owner)
        .await
        .to_string();
    let owner = web.logged_in("owner@example.com").await;
    let eve = web.logged_in("eve@example.com").await;
    let role = format!("{PEOPLE}/role");
    let change = async |account: &str, to: &str| {
        let fields = [("account", account), ("role", to)];
        owner.post(&role, &fields).await.status.as_u16()
    };
    assert_eq!(change(&eve_id, "owner").await, 303);
    assert_eq!(eve.get(PEOPLE).await.status, 200, "at once");
    assert_eq!(change(&eve_id, "viewer").await, 303);
    assert_eq!(eve.get(PEOPLE).await.status, 403);
    // Nobody is put here who was not invited.
    for account in [other.as_str(), admin.as_str(), "77"] {
        assert_eq!(change(account, "viewer").await, 404);
    }
    for (account, to) in [
        (eve_id.as_str(), "admin"),
        (eve_id.as_str(), ""),
        ("x", "viewer"),
    ] {
        assert_eq!(change(account, to).await, 400);
    }
    let remove = format!("{PEOPLE}/remove");
    assert_eq!(
        owner.post(&remove, &[("account", &other)]).await.status,
        404
    );
    assert_eq!(
        owner.post(&remove, &[("account", &eve_id)]).await.status,
        303
    );
    assert_eq!(eve.get("/sites/a.example").await.status, 404);
    assert!(eve.is_in().await, "the account stays");
    let left = owner.post(&remove, &[("account", &owner_id)]).await;
    assert_eq!((left.status.as_u16(), left.header("location")), (303, "/"));
    assert_eq!(owner.get(PEOPLE).await.status, 404);
}

async fn what_an_invitation_refuses(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    web.role("eve@example.com", "a.example", Role::Viewer).await;
    web.role("bob@example.com", "b.example", Role::Owner).await;
    let owner = web.logged_in("admin@example.com").await;
    let invite = format!("{PEOPLE}/invite");
    for (mail, role, says) in [
        ("eve", "viewer", "Mail address: that is not an address"),
        (
            "eve@example.com",
            "owner",
            "Mail address: they are here already, as viewer",
        ),
        (
            "new@example.com",
            "admin",
            "role: there are owner, editor and viewer",
        ),
    ] {
        let answer = owner.post(&invite, &[("mail", mail), ("role", role)]).await;
        assert_eq!(answer.status, 400, "{mail} {role}");
        assert!(answer.html.contains(says), "{}", answer.html);
    }
    let path = invited(&owner, "new@example.com", "viewer").await;
    // Withdrawn by an owner of this site only.
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    let open = web.app.store.invitations(site.id, NOON_MS).await.unwrap();
    let id = open[0].id.to_string();
    let bob = web.logged_in("bob@example.com").await;
    let foreign = bob
        .post("/sites/b.example/people/withdraw", &[("id", &id)])
        .await;
    assert_eq!(foreign.status, 404);
    assert_eq!(owner.get(&path).await.status, 200);
    let withdraw = format!("{PEOPLE}/withdraw");
    assert_eq!(owner.post(&withdraw, &[("id", &id)]).await.status, 303);
    assert_eq!(owner.post(&withdraw, &[("id", &id)]).await.status, 404);
    assert_eq!(web.browser(HTTP).get(&path).await.status, 404);
    for n in 0..100 {
        let link = Link::Invitation {
            mail: format!("{n}@example.com"),
            is_admin: false,
            site: Some((site.id, Role::Viewer)),
        };
        web.link(&link).await;
    }
    let fields = [("mail", "101@example.com"), ("role", "viewer")];
    let full = owner.post(&invite, &fields).await;
    assert_eq!(full.status, 400);
    assert!(full.problem().contains("100 invitations are open already"));
}
