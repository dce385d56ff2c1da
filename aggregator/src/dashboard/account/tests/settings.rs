//! One's own account.

use super::*;
use crate::store::tests::engines::on_both_engines;
use crate::store::{Changed, Engine};

on_both_engines!(
    another_password_ends_the_other_logins,
    logins_are_listed_and_ended_by_their_owner,
    an_account_is_deleted_when_it_is_typed,
    the_last_admin_stays,
    ended_logins_are_forgotten_and_there_are_no_more_than_fifty,
);

async fn another_password_ends_the_other_logins(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    let other = web.logged_in("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    let before = browser.cookie.borrow().clone();
    for (current, new, status, says) in [
        (
            PASSWORD,
            "short",
            400,
            "New password: it has at least 10 characters.",
        ),
        (
            "wrong",
            "another good one",
            403,
            "Your password: that is not it.",
        ),
    ] {
        let fields = [("current", current), ("password", new)];
        let answer = browser.post("/account/password", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, says));
    }
    assert!(other.is_in().await);
    let fields = [("current", PASSWORD), ("password", "another good one")];
    let changed = browser.post("/account/password", &fields).await;
    assert_eq!(changed.header("location"), "/account?done=password");
    assert!(!other.is_in().await);
    assert!(browser.is_in().await);
    let after = browser.cookie.replace(before);
    assert!(!browser.is_in().await, "its own token is another one, too");
    *browser.cookie.borrow_mut() = after;
    assert_eq!(other.log_in("ada@example.com", PASSWORD).await.status, 401);
    // Guesses here are counted like those at the log-in.
    let fields = [("current", "wrong"), ("password", "a third good one")];
    for status in [403, 403, 403, 429] {
        assert_eq!(
            browser.post("/account/password", &fields).await.status,
            status
        );
    }
}

async fn logins_are_listed_and_ended_by_their_owner(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    web.account("eve@example.com").await;
    let other = web.logged_in("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    let eve = web.logged_in("eve@example.com").await;
    let page = browser.get("/account").await;
    assert_eq!(page.html.matches("last used today").count(), 2);
    assert_eq!(page.html.matches("<b>This browser</b>").count(), 1);
    let now_ms = web.clock.now_ms();
    let logins = web.app.store.logins(ada, now_ms).await.unwrap();
    for login in &logins {
        let id = login.id.to_string();
        let foreign = eve.post("/account/sessions/end", &[("id", &id)]).await;
        assert_eq!(foreign.status, 404);
    }
    assert!(other.is_in().await && browser.is_in().await);
    for login in &logins {
        let id = login.id.to_string();
        let ended = browser.post("/account/sessions/end", &[("id", &id)]).await;
        assert!(matches!(ended.status.as_u16(), 303 | 401));
        if !browser.is_in().await {
            break;
        }
        assert!(!other.is_in().await);
    }
}

async fn an_account_is_deleted_when_it_is_typed(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let mail = "zaphod.unforgettable@example.com";
    let account = web.role(mail, "a.example", Role::Editor).await;
    let reset = format!("/reset/{}", web.link(&Link::Reset { account }).await);
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    let filters = serde_json::json!([["is", "event:page", [mail]]]);
    let store = &web.app.store;
    let own = store.add_saved_segment(site.id, Some(account), mail, &filters);
    own.await.unwrap();
    let invitation = Link::Invitation {
        mail: mail.to_owned(),
        is_admin: false,
        site: None,
    };
    let invitation = format!("/welcome/{}", web.link(&invitation).await);
    for link in [&reset, &invitation] {
        assert_eq!(web.browser(HTTP).get(link).await.status, 200);
    }
    let browser = web.logged_in(mail).await;
    for (confirm, password, status, says) in [
        ("", PASSWORD, 400, "Confirmation: type your mail address."),
        (
            "admin@example.com",
            PASSWORD,
            400,
            "Confirmation: type your mail address.",
        ),
        (mail, "wrong", 403, "Your password: that is not it."),
    ] {
        let fields = [("confirm", confirm), ("password", password)];
        let answer = browser.post("/account/delete", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, says));
    }
    let typed = mail.to_uppercase();
    let fields = [("confirm", typed.as_str()), ("password", PASSWORD)];
    let gone = browser.post("/account/delete", &fields).await;
    assert_eq!(gone.status, 200);
    assert!(gone.header("set-cookie").contains("Max-Age=0"));
    assert!(!browser.is_in().await);
    for link in [&reset, &invitation] {
        assert_eq!(web.browser(HTTP).get(link).await.status, 404);
    }
    let own = store.saved_segments(site.id, Some(account)).await.unwrap();
    assert!(own.is_empty());
    assert!(web.app.store.people(site.id).await.unwrap().is_empty());
    // I12: from the file, too.
    if let Place::File(file) = &place {
        assert_eq!(web.app.store.engine(), Engine::Sqlite);
        for file in [file.clone(), file.with_extension("sqlite-wal")] {
            let bytes = std::fs::read(&file).unwrap_or_default();
            let found = bytes
                .windows(20)
                .any(|part| part == b"zaphod.unforgettable");
            assert!(!found, "{}", file.display());
        }
    }
}

async fn the_last_admin_stays(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    let eve = web.account("eve@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    let fields = [("confirm", "ada@example.com"), ("password", PASSWORD)];
    let refused = browser.post("/account/delete", &fields).await;
    assert_eq!(refused.status, 409);
    assert!(refused.problem().starts_with("You are the last admin"));
    let store = &web.app.store;
    assert_eq!(
        store.set_admin(ada, false).await.unwrap(),
        Changed::LastAdmin
    );
    assert_eq!(store.set_admin(7, true).await.unwrap(), Changed::Unknown);
    assert_eq!(store.set_admin(eve, true).await.unwrap(), Changed::Done);
    // Two who go at once: one stays.
    let both = tokio::join!(store.remove_account(ada), store.remove_account(eve));
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert!(
        both.contains(&Changed::Done) && both.contains(&Changed::LastAdmin),
        "{both:?}"
    );
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

async fn ended_logins_are_forgotten_and_there_are_no_more_than_fifty(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    let store = &web.app.store;
    let first = web.logged_in("ada@example.com").await;
    for n in 1..=50 {
        let expires_ms = NOON_MS + 40 * DAY_MS + n;
        let begun = store
            .begin_login(ada, false, web.today(), expires_ms, None)
            .await;
        begun.unwrap();
    }
    assert!(!first.is_in().await);
    assert_eq!(store.logins(ada, NOON_MS).await.unwrap().len(), 50);
    web.link(&Link::Reset { account: ada }).await;
    store
        .forget_ended_logins(NOON_MS + 40 * DAY_MS + 20)
        .await
        .unwrap();
    assert_eq!(store.logins(ada, 0).await.unwrap().len(), 30);
}
