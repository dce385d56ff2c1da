//! Logging in and out: cookies, guesses, the second step.

use super::*;
use crate::accounts::totp::{self, code_at};
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    the_cookie_is_what_it_should_be,
    a_login_gets_a_token_of_its_own,
    a_cookie_after_the_logout_opens_nothing,
    a_login_ends_by_itself,
    the_sixth_bad_login_is_refused,
    whoever_is_unknown_is_answered_alike,
    whoever_is_unknown_is_answered_as_slowly,
    the_second_step_is_asked_for,
    a_recovery_code_opens_once,
    guesses_of_codes_are_counted,
);

async fn the_cookie_is_what_it_should_be(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    for (origin, name, end) in [
        (HTTPS, "__Host-dayfly", "; Secure"),
        (HTTP, "dayfly-loopback", ""),
    ] {
        let browser = web.browser(origin);
        let fields = [
            ("mail", " ADA@example.com"),
            ("password", PASSWORD),
            ("next", "/sites/a.example"),
        ];
        let answer = browser.post("/login", &fields).await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), "/sites/a.example");
        assert_eq!(answer.header("cache-control"), "no-store");
        let (pair, rest) = answer.header("set-cookie").split_once(';').unwrap();
        let expected = format!(" Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax{end}");
        assert_eq!(rest, expected);
        let (key, token) = pair.split_once('=').unwrap();
        assert_eq!((key, token.len()), (name, 43));
        assert!(browser.is_in().await);
        // Under the other name, or twice, it is none.
        let pair = pair.to_owned();
        let other = ["__Host-dayfly", "dayfly-loopback"].map(|name| format!("{name}={token}"));
        let other = other.into_iter().find(|other| *other != pair).unwrap();
        for cookie in [other, format!("{pair}; {pair}"), format!("{key}=x; {pair}")] {
            *browser.cookie.borrow_mut() = cookie;
            assert!(!browser.is_in().await);
        }
        *browser.cookie.borrow_mut() = format!("theme=dark; {pair}; x");
        let out = browser.post("/logout", &[]).await;
        let cleared = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{end}");
        assert_eq!(out.header("set-cookie"), cleared);
    }
    let sent_elsewhere = web.browser(HTTP);
    let fields = [
        ("mail", "ada@example.com"),
        ("password", PASSWORD),
        ("next", "//evil.example"),
    ];
    let answer = sent_elsewhere.post("/login", &fields).await;
    assert_eq!(answer.header("location"), "/");
    // Whoever is in needs no log-in page.
    assert_eq!(sent_elsewhere.get("/login").await.header("location"), "/");
}

async fn a_login_gets_a_token_of_its_own(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    web.account("eve@example.com").await;
    // What Eve has planted in Ada's browser, a token of nobody's or her own, is not what Ada gets.
    let eve = web.logged_in("eve@example.com").await;
    let hers = eve.cookie.borrow().clone();
    for planted in [format!("dayfly-loopback={}", "x".repeat(43)), hers] {
        let ada = web.browser(HTTP);
        *ada.cookie.borrow_mut() = planted.clone();
        ada.log_in("ada@example.com", PASSWORD).await;
        assert_ne!(*ada.cookie.borrow(), planted);
        assert!(ada.get("/account").await.html.contains("ada@example.com"));
        let thief = web.browser(HTTP);
        *thief.cookie.borrow_mut() = planted;
        assert!(!thief.is_in().await);
    }
    let again = web.logged_in("ada@example.com").await;
    let first = again.cookie.borrow().clone();
    again.log_in("ada@example.com", PASSWORD).await;
    let second = again.cookie.replace(first);
    assert!(!again.is_in().await, "the one before has ended");
    *again.cookie.borrow_mut() = second;
    assert!(again.is_in().await);
}

async fn a_cookie_after_the_logout_opens_nothing(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    let cookie = browser.cookie.borrow().clone();
    assert_eq!(browser.post("/logout", &[]).await.status, 303);
    *browser.cookie.borrow_mut() = cookie;
    let mut replay = browser.request("GET", "/").body(Body::empty()).unwrap();
    replay.headers_mut().remove("accept");
    assert_eq!(browser.send(replay).await.status, 401);
    assert_eq!(
        browser
            .post("/account/name", &[("name", "Eve")])
            .await
            .status,
        401
    );
}

async fn a_login_ends_by_itself(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    web.clock.advance_ms(29 * DAY_MS);
    assert!(browser.is_in().await);
    let logins = web.app.store.logins(ada, web.clock.now_ms()).await.unwrap();
    assert_eq!(logins[0].created_on, date(2026, 11, 23));
    assert_eq!(logins[0].last_used_on, date(2026, 12, 22));
    web.clock.advance_ms(DAY_MS);
    assert!(!browser.is_in().await);
}

async fn the_sixth_bad_login_is_refused(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    web.account("bob@example.com").await;
    for mail in ["ada@example.com", "nobody@example.com"] {
        let at = |address| Browser {
            address,
            ..web.browser(HTTP)
        };
        for address in ["198.51.100.1", "198.51.101.1", "198.51.102.1"] {
            let browser = at(address);
            let tries = if address.contains(".102.") { 1 } else { 2 };
            for _ in 0..tries {
                assert_eq!(browser.log_in(mail, "wrong").await.status, 401);
            }
        }
        // From anywhere, and with the right password.
        let refused = at("203.0.113.1").log_in(mail, PASSWORD).await;
        assert_eq!(refused.status, 429, "{mail}");
        assert_eq!(refused.header("retry-after"), "901");
        assert!(refused.html.contains("Try again in 16 minutes."));
        // Another account is none of its business, but their network is.
        let browser = at("198.51.100.77");
        assert_eq!(
            browser.log_in("bob@example.com", PASSWORD).await.status,
            303
        );
        web.clock.advance_ms(901_000);
        let after = at("203.0.113.1").log_in(mail, PASSWORD).await;
        assert_eq!(
            after.status.as_u16(),
            if mail.starts_with('a') { 303 } else { 401 }
        );
        web.clock.advance_ms(901_000);
    }
    let browser = web.browser(HTTP);
    for name in 0..5 {
        let mail = format!("{name}@example.com");
        assert_eq!(browser.log_in(&mail, "wrong").await.status, 401);
    }
    let refused = browser.log_in("bob@example.com", PASSWORD).await;
    assert_eq!(refused.status, 429, "the network has had its five");
}

async fn whoever_is_unknown_is_answered_alike(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    let long = format!("{}@example.com", "ä".repeat(4_000));
    for mail in [
        "ada@example.com",
        "nobody@example.com",
        "",
        "no address",
        &long,
    ] {
        let browser = Browser {
            // One each: this is not about how often.
            address: "2001:db8::1",
            ..web.browser(HTTP)
        };
        web.clock.advance_ms(16 * 60_000);
        let answer = browser.log_in(mail, "wrong").await;
        assert_eq!(answer.status, 401, "{mail}");
        assert_eq!(
            answer.problem(),
            "The mail address or the password is wrong."
        );
        assert!(answer.header("set-cookie").is_empty());
        assert!(!answer.html.contains("wrong\""), "no password is sent back");
    }
}

/// A check of a password is what an answer takes its time for: both wait for theirs.
async fn whoever_is_unknown_is_answered_as_slowly(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    let browser = web.browser(HTTP);
    for mail in ["ada@example.com", "eve@example.com"] {
        let passwords = &web.app.accounts.passwords;
        let held = passwords.hold().await;
        let mut answer = std::pin::pin!(browser.log_in(mail, "wrong"));
        tokio::select! {
            answer = &mut answer => panic!("{mail}: {} without a check", answer.status),
            () = passwords.until_one_waits() => {}
        }
        drop(held);
        assert_eq!(answer.await.status, 401, "{mail}");
    }
}

/// Turns the second step on; gives the secret and the recovery codes.
async fn with_totp(browser: &Browser<'_>, account: i64) -> (Vec<u8>, Vec<String>) {
    let web = browser.web;
    let to = browser.post("/account/totp", &[]).await;
    assert_eq!(to.header("location"), "/account/totp");
    let account = web.app.store.account(account).await.unwrap().unwrap();
    let secret = account.totp_pending;
    let page = browser.get("/account/totp").await;
    let shown = totp::show(&secret, &account.mail).unwrap();
    assert!(page.html.contains(&shown.text) && page.html.contains(&shown.path));
    let wrong = browser
        .post("/account/totp/confirm", &[("code", "000000")])
        .await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.problem(),
        "Code: that is not the one your app shows now."
    );
    let code = code_at(&secret, web.clock.now_ms());
    let on = browser
        .post("/account/totp/confirm", &[("code", &code)])
        .await;
    assert_eq!(on.status, 200, "{}", on.html);
    let codes = on.between("<ul class=\"codes\">", "</ul>");
    let codes: Vec<String> = codes
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), totp::RECOVERY_CODES);
    (secret, codes)
}

async fn the_second_step_is_asked_for(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    let other = web.logged_in("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    let (secret, _) = with_totp(&browser, ada).await;
    assert!(browser.is_in().await && !other.is_in().await);
    // The code that turned it on is used up.
    let used = code_at(&secret, web.clock.now_ms());
    let half = web.browser(HTTPS);
    let sent = half.log_in("ada@example.com", PASSWORD).await;
    assert_eq!(sent.header("location"), "/login/code?next=%2F");
    assert!(sent.header("set-cookie").contains("; Max-Age=600; "));
    assert!(!half.is_in().await, "half-way is not in");
    assert_eq!(
        half.post("/account/name", &[("name", "E")]).await.status,
        401
    );
    assert_eq!(half.get("/login/code").await.status, 200);
    let refused = half.post("/login/code", &[("code", &used)]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.problem(), "That code is wrong, or was used before.");
    web.clock.advance_ms(30_000);
    let halfway = half.cookie.borrow().clone();
    let code = code_at(&secret, web.clock.now_ms());
    let fields = [("code", code.as_str()), ("next", "/sites/a.example")];
    let let_in = half.post("/login/code", &fields).await;
    assert_eq!(let_in.header("location"), "/sites/a.example");
    assert!(half.is_in().await);
    let whole = half.cookie.replace(halfway);
    assert_ne!(whole, *half.cookie.borrow(), "rotated again");
    assert_eq!(
        half.post("/login/code", &fields).await.header("location"),
        "/login"
    );
    // A half log-in waits for ten minutes.
    half.log_in("ada@example.com", PASSWORD).await;
    web.clock.advance_ms(10 * 60_000);
    let code = code_at(&secret, web.clock.now_ms());
    let late = half.post("/login/code", &[("code", &code)]).await;
    assert_eq!(late.header("location"), "/login");
    // Off again: with the password only.
    let off = browser
        .post("/account/totp/off", &[("password", "wrong")])
        .await;
    assert_eq!(off.status, 403);
    assert_eq!(off.problem(), "Your password: that is not it.");
    assert_eq!(browser.post("/account/totp", &[]).await.status, 409);
    let off = browser
        .post("/account/totp/off", &[("password", PASSWORD)])
        .await;
    assert_eq!(off.status, 303);
    assert!(web.logged_in("ada@example.com").await.is_in().await);
    assert_eq!(web.app.store.recovery_codes_left(ada).await.unwrap(), 0);
}

async fn a_recovery_code_opens_once(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    let (_, codes) = with_totp(&browser, ada).await;
    let try_code = async |code: &str| {
        let browser = web.browser(HTTP);
        browser.log_in("ada@example.com", PASSWORD).await;
        browser
            .post("/login/code", &[("code", code)])
            .await
            .status
            .as_u16()
    };
    assert_eq!(try_code(&codes[0].to_lowercase()).await, 303);
    assert_eq!(try_code(&codes[0]).await, 401);
    let account = browser.get("/account").await;
    assert!(account.html.contains("9 recovery codes are left."));
    let fields = [("password", PASSWORD)];
    let new = browser.post("/account/totp/recovery", &fields).await;
    assert!(new.status == 200 && new.html.contains("Those of before open nothing"));
    assert!(!new.html.contains(&codes[1]));
    assert_eq!(try_code(&codes[1]).await, 401);
    assert_eq!(web.app.store.recovery_codes_left(ada).await.unwrap(), 10);
}

async fn guesses_of_codes_are_counted(place: Place) {
    let web = Web::start(&place).await;
    let ada = web.account("ada@example.com").await;
    let browser = web.logged_in("ada@example.com").await;
    with_totp(&browser, ada).await;
    web.clock.advance_ms(16 * 60_000);
    // The password in between, which Eve knows, begins no count anew.
    for n in 0..5 {
        let eve = Browser {
            address: ["198.51.100.1", "198.51.101.1", "198.51.102.1"][n % 3],
            ..web.browser(HTTP)
        };
        eve.log_in("ada@example.com", PASSWORD).await;
        assert_eq!(
            eve.post("/login/code", &[("code", "000000")]).await.status,
            401
        );
    }
    let eve = web.browser(HTTP);
    let refused = eve.log_in("ada@example.com", PASSWORD).await;
    assert_eq!(refused.status, 429);
    // Who is in stays in.
    assert!(browser.is_in().await);
}
