//! One-time links: used once, by one, in time.

use super::*;
use crate::store::Changed;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    the_first_link_makes_an_admin_once,
    a_link_opens_nothing_when_it_is_used_or_over_or_for_something_else,
    what_is_wrong_uses_nothing_up,
    two_who_use_a_link_at_once_are_one,
    a_reset_ends_every_login,
);

const ADA: [(&str, &str); 3] = [
    ("mail", "Ada@example.com"),
    ("name", "Ada"),
    ("password", PASSWORD),
];

async fn the_first_link_makes_an_admin_once(place: Place) {
    let web = Web::start(&place).await;
    let (first, second) = (web.link(&Link::First).await, web.link(&Link::First).await);
    let browser = web.browser(HTTPS);
    assert!(
        browser
            .get("/login")
            .await
            .html
            .contains("There is no account yet.")
    );
    let path = format!("/welcome/{first}");
    // Looking uses nothing up.
    for _ in 0..2 {
        let page = browser.get(&path).await;
        assert!(page.status == 200 && page.html.contains("Make the first account"));
    }
    let made = browser.post(&path, &ADA).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, "/"));
    assert!(browser.is_in().await);
    let ada = web
        .app
        .store
        .account_of("ada@example.com")
        .await
        .unwrap()
        .unwrap();
    assert!(ada.is_admin && ada.name == "Ada" && ada.password.starts_with("$2b$"));
    for token in [&first, &second] {
        let path = format!("/welcome/{token}");
        assert_eq!(browser.get(&path).await.status, 404);
        assert_eq!(browser.post(&path, &ADA).await.status, 404);
    }
    assert_eq!(web.app.store.accounts().await.unwrap().len(), 1);
    // Nor does one that is made when there is an account.
    let late = format!("/welcome/{}", web.link(&Link::First).await);
    assert_eq!(browser.get(&late).await.status, 404);
    assert_eq!(browser.post(&late, &ADA).await.status, 404);
}

async fn a_link_opens_nothing_when_it_is_used_or_over_or_for_something_else(place: Place) {
    let web = Web::start(&place).await;
    let account = web.account("ada@example.com").await;
    let invitation = Link::Invitation {
        mail: "bob@example.com".to_owned(),
        is_admin: false,
        site: None,
    };
    let bob = [("name", "Bob"), ("password", PASSWORD)];
    let browser = web.browser(HTTP);
    let old = web.link(&invitation).await;
    let expired = web.link(&invitation).await;
    let path = format!("/welcome/{expired}");
    assert_eq!(
        browser.get(&format!("/welcome/{old}")).await.status,
        404,
        "the later one counts"
    );
    web.clock.advance_ms(DAY_MS - 1);
    assert_eq!(browser.get(&path).await.status, 200);
    web.clock.advance_ms(1);
    assert_eq!(browser.get(&path).await.status, 404);
    assert_eq!(browser.post(&path, &bob).await.status, 404);
    let reset = web.link(&Link::Reset { account }).await;
    let invited = web.link(&invitation).await;
    let bobs = bob.as_slice();
    let password = &bobs[1..];
    for (path, fields) in [
        (format!("/welcome/{reset}"), bobs),
        (format!("/reset/{invited}"), password),
        ("/welcome/x".to_owned(), bobs),
        (format!("/welcome/{}", "x".repeat(43)), bobs),
        (format!("/reset/{}", "x".repeat(43)), password),
    ] {
        assert_eq!(browser.get(&path).await.status, 404, "{path}");
        assert_eq!(browser.post(&path, fields).await.status, 404, "{path}");
    }
    let ada = web.logged_in("ada@example.com").await;
    let accepted = ada.post(&format!("/welcome/{reset}/accept"), &[]).await;
    assert_eq!(accepted.status, 404);
    // Neither was used up by any of it.
    assert_eq!(browser.get(&format!("/reset/{reset}")).await.status, 200);
    assert_eq!(
        browser
            .post(&format!("/welcome/{invited}"), &bob)
            .await
            .status,
        303
    );
}

async fn what_is_wrong_uses_nothing_up(place: Place) {
    let web = Web::start(&place).await;
    let path = format!("/welcome/{}", web.link(&Link::First).await);
    let browser = web.browser(HTTP);
    for (at, value, says) in [
        (
            0,
            "ada",
            "Mail address: that is not an address such as ada@example.com.",
        ),
        (1, " ", "Name: a name has 1 to 80 characters."),
        (2, "short", "Password: it has at least 10 characters."),
        (
            2,
            "ada@example.com",
            "Password: everybody guesses that one first.",
        ),
    ] {
        let mut fields = ADA;
        fields[at].1 = value;
        let answer = browser.post(&path, &fields).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, says));
        assert!(!answer.html.contains(PASSWORD), "no password is sent back");
    }
    assert_eq!(browser.post(&path, &ADA).await.status, 303);
}

async fn two_who_use_a_link_at_once_are_one(place: Place) {
    let web = Web::start(&place).await;
    let (one, two) = (web.link(&Link::First).await, web.link(&Link::First).await);
    let browsers = [0, 1, 2, 3].map(|_| web.browser(HTTP));
    let mails = [
        "a@example.com",
        "b@example.com",
        "c@example.com",
        "d@example.com",
    ];
    let join = async |n: usize, token: &str| {
        let fields = [("mail", mails[n]), ("name", "X"), ("password", PASSWORD)];
        let path = format!("/welcome/{token}");
        browsers[n].post(&path, &fields).await.status.as_u16()
    };
    let answers = tokio::join!(join(0, &one), join(1, &one), join(2, &two), join(3, &two));
    let mut answers = [answers.0, answers.1, answers.2, answers.3];
    answers.sort_unstable();
    assert_eq!(answers, [303, 404, 404, 404]);
    assert_eq!(web.app.store.accounts().await.unwrap().len(), 1);
}

async fn a_reset_ends_every_login(place: Place) {
    let web = Web::start(&place).await;
    let account = web.account("ada@example.com").await;
    let thief = web.logged_in("ada@example.com").await;
    let path = format!("/reset/{}", web.link(&Link::Reset { account }).await);
    let browser = web.browser(HTTP);
    assert!(browser.get(&path).await.html.contains("ada@example.com"));
    let short = browser.post(&path, &[("password", "short")]).await;
    assert_eq!(
        (short.status.as_u16(), short.problem()),
        (400, "Password: it has at least 10 characters.")
    );
    let done = browser
        .post(&path, &[("password", "another good one")])
        .await;
    assert_eq!(done.header("location"), "/login?done=reset");
    assert!(!browser.is_in().await, "a link alone lets nobody in");
    assert!(!thief.is_in().await);
    assert_eq!(
        browser.post(&path, &[("password", PASSWORD)]).await.status,
        404
    );
    assert_eq!(
        browser.log_in("ada@example.com", PASSWORD).await.status,
        401
    );
    assert_eq!(
        browser
            .log_in("ada@example.com", "another good one")
            .await
            .status,
        303
    );
    // Links of an account that is gone are gone.
    web.account("eve@example.com").await;
    let eve = web
        .app
        .store
        .account_of("eve@example.com")
        .await
        .unwrap()
        .unwrap();
    let path = format!(
        "/reset/{}",
        web.link(&Link::Reset { account: eve.id }).await
    );
    assert_eq!(
        web.app.store.remove_account(eve.id).await.unwrap(),
        Changed::Done
    );
    assert_eq!(browser.get(&path).await.status, 404);
}
