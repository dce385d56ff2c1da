//! A new password by mail: the same for whoever has an account and whoever has none.

use std::time::Duration;

use super::*;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    a_new_password_is_had_by_mail_once,
    whoever_has_no_account_is_answered_alike,
    who_asks_too_often_is_told_when_to_come_again,
    without_mail_nothing_is_offered,
    what_cannot_be_sent_is_told_to_nobody,
);

/// The path of the one link in a mail.
fn path(letter: &crate::mail::Letter) -> String {
    let at = letter
        .text
        .find(URL)
        .unwrap_or_else(|| panic!("{}", letter.text));
    let rest = &letter.text[at + URL.len()..];
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn a_new_password_is_had_by_mail_once(place: Place) {
    let (web, kept) = Web::with_mail(&place).await;
    web.account("ada@example.com").await;
    let elsewhere = web.logged_in("ada@example.com").await;
    // The Host header has no say in where the link leads.
    let browser = web.browser("https://evil.example");
    let login = browser.get("/login").await;
    assert!(
        login.html.contains(r#"<a href="/forgot">"#),
        "{}",
        login.html
    );
    assert_eq!(browser.get("/forgot").await.status, 200);
    let asked = browser
        .post("/forgot", &[("mail", " ADA@example.com ")])
        .await;
    assert_eq!(asked.status, 200);
    assert!(asked.html.contains("a mail with a link is on its way"));
    let letter = kept.letter().await;
    assert_eq!(letter.to, "ada@example.com");
    assert_eq!(letter.subject, "A new password for Dayfly");
    assert!(!letter.html.contains("evil") && !letter.text.contains("evil"));
    let path = path(&letter);
    assert!(
        letter.html.contains(&format!(r#"href="{URL}{path}""#)),
        "{}",
        letter.html
    );
    // Looking uses nothing up; asking again ends the link before.
    assert_eq!(browser.get(&path).await.status, 200);
    browser
        .post("/forgot", &[("mail", "ada@example.com")])
        .await;
    let second = self::path(&kept.letter().await);
    assert_ne!(path, second);
    assert_eq!(browser.get(&path).await.status, 404);
    let new = "another horse battery";
    let set = browser.post(&second, &[("password", new)]).await;
    assert_eq!(
        (set.status.as_u16(), set.header("location")),
        (303, "/login?done=reset")
    );
    assert_eq!(
        browser.post(&second, &[("password", new)]).await.status,
        404,
        "once only"
    );
    assert!(!elsewhere.is_in().await, "every log-in has ended");
    assert_eq!(browser.log_in("ada@example.com", new).await.status, 303);
    // An hour later it opens nothing.
    browser
        .post("/forgot", &[("mail", "ada@example.com")])
        .await;
    let late = self::path(&kept.letter().await);
    web.clock.advance_ms(3_600_000 - 1);
    assert_eq!(browser.get(&late).await.status, 200);
    web.clock.advance_ms(1);
    assert_eq!(browser.get(&late).await.status, 404);
}

async fn whoever_has_no_account_is_answered_alike(place: Place) {
    let (web, kept) = Web::with_mail(&place).await;
    web.account("ada@example.com").await;
    let ask = async |mail: &str| web.browser(HTTP).post("/forgot", &[("mail", mail)]).await;
    let alike = |yes: &Answer, no: &Answer| {
        assert_eq!((yes.status, no.status), (StatusCode::OK, StatusCode::OK));
        assert_eq!(yes.html, no.html);
        let names: Vec<_> = yes.headers.keys().collect();
        assert_eq!(names, no.headers.keys().collect::<Vec<_>>());
    };
    alike(
        &ask("ada@example.com").await,
        &ask("nobody@example.com").await,
    );
    kept.letter().await;
    assert!(kept.letters().is_empty(), "nobody is sent nothing");
    // Nor does how long it takes tell anything: no answer waits for the look at who has an account.
    let held = web.app.store.hold_connections().await;
    let soon = |asked| tokio::time::timeout(Duration::from_secs(4), asked);
    alike(
        &soon(ask("ada@example.com")).await.unwrap(),
        &soon(ask("nobody@example.com")).await.unwrap(),
    );
    assert!(kept.letters().is_empty(), "nobody can be looked up");
    drop(held);
    kept.letter().await;
}

async fn who_asks_too_often_is_told_when_to_come_again(place: Place) {
    let (web, _kept) = Web::with_mail(&place).await;
    web.account("ada@example.com").await;
    for mail in ["ada@example.com", "nobody@example.com"] {
        let at = |n: u32| {
            const NETWORKS: [&str; 6] = [
                "198.51.100.1",
                "198.51.101.1",
                "198.51.102.1",
                "198.51.103.1",
                "198.51.104.1",
                "198.51.105.1",
            ];
            Browser {
                address: NETWORKS[n as usize],
                ..web.browser(HTTP)
            }
        };
        for n in 0..5 {
            let asked = at(n).post("/forgot", &[("mail", mail)]).await;
            assert_eq!(asked.status, 200, "{mail} {n}");
        }
        let refused = at(5).post("/forgot", &[("mail", mail)]).await;
        assert_eq!(refused.status, 429, "{mail}");
        assert_eq!(refused.header("retry-after"), "901");
        assert!(
            refused.html.contains("asked for too often"),
            "{}",
            refused.html
        );
        // It is no way to keep somebody from logging in.
        let login = at(5).log_in(mail, "wrong").await;
        assert_eq!(login.status, 401);
        web.clock.advance_ms(901_000);
        assert_eq!(at(5).post("/forgot", &[("mail", mail)]).await.status, 200);
        web.clock.advance_ms(901_000);
    }
    let browser = web.browser(HTTP);
    for n in 0..5 {
        let mail = format!("{n}@example.com");
        assert_eq!(
            browser.post("/forgot", &[("mail", &mail)]).await.status,
            200
        );
    }
    let refused = browser.post("/forgot", &[("mail", "x@example.com")]).await;
    assert_eq!(refused.status, 429, "the network has had its five");
    for (fields, says) in [
        (
            vec![("mail", "no address")],
            "Mail address: that is not an address",
        ),
        (
            vec![("mail", "a@b.example\r\nBcc: x@y.example")],
            "Mail address: that is not",
        ),
        (vec![], "Mail address: that is not an address"),
        (
            vec![("mail", "a@b.example"), ("to", "x")],
            "to: unknown field",
        ),
    ] {
        let answer = web.browser(HTTP).post("/forgot", &fields).await;
        assert_eq!(answer.status, 400);
        assert!(answer.html.contains(says), "{}", answer.html);
    }
}

async fn without_mail_nothing_is_offered(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    let browser = web.browser(HTTP);
    assert!(!browser.get("/login").await.html.contains("/forgot"));
    assert_eq!(browser.get("/forgot").await.status, 404);
    let asked = browser
        .post("/forgot", &[("mail", "ada@example.com")])
        .await;
    assert_eq!(asked.status, 404);
    assert!(asked.html.contains("dayfly user reset"));
}

async fn what_cannot_be_sent_is_told_to_nobody(place: Place) {
    let (web, kept) = Web::with_mail(&place).await;
    web.account("ada@example.com").await;
    kept.refuse(Some(false));
    let asked = web
        .browser(HTTP)
        .post("/forgot", &[("mail", "ada@example.com")])
        .await;
    assert_eq!(asked.status, 200);
    // It is tried again by itself.
    kept.refuse(None);
    assert_eq!(kept.letter().await.to, "ada@example.com");
}
