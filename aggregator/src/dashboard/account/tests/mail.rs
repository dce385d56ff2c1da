//! What somebody is told of a site, the links that switch it off, and invitations by mail.

use super::*;
use crate::mail::{Kind, link};
use crate::store::MailWish;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    everybody_chooses_for_themselves,
    what_is_chosen_is_checked,
    without_mail_the_page_says_so,
    a_link_in_a_mail_switches_it_off_without_a_login,
    an_invitation_goes_by_mail_too,
);

const PATH: &str = "/sites/a.example/settings/mail";
const NUMBERS: [(&str, &str); 3] = [
    ("spike_visitors", "20"),
    ("drop_visitors", "3"),
    ("drop_hours", "8"),
];

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    NUMBERS.iter().chain(more).copied().collect()
}

async fn everybody_chooses_for_themselves(place: Place) {
    let (web, _) = Web::with_mail(&place).await;
    web.account("admin@example.com").await;
    let eve = web.role("eve@example.com", "a.example", Role::Viewer).await;
    let bob = web.role("bob@example.com", "a.example", Role::Owner).await;
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    let browser = web.logged_in("eve@example.com").await;
    let page = browser.get(PATH).await;
    assert!(
        page.html.contains("eve@example.com") && !page.html.contains("checked"),
        "{}",
        page.html
    );
    let saved = browser
        .post(PATH, &with(&[("weekly", "on"), ("drop", "on")]))
        .await;
    assert_eq!(
        saved.header("location"),
        "/sites/a.example/settings/mail?done=saved"
    );
    let page = browser.get(saved.header("location")).await;
    assert!(page.html.contains("Saved."));
    assert_eq!(page.html.matches(" checked").count(), 2, "{}", page.html);
    let wish = async |account| web.app.store.mail_wish(site.id, account).await.unwrap();
    let first = wish(eve).await;
    let expected = MailWish {
        weekly_ms: Some(NOON_MS),
        drop_ms: Some(NOON_MS),
        spike_visitors: 20,
        drop_visitors: 3,
        drop_hours: 8,
        ..MailWish::default()
    };
    assert_eq!(first, expected);
    assert_eq!(wish(bob).await, MailWish::default(), "it is hers alone");
    // What stays on is on since then.
    web.clock.advance_ms(DAY_MS);
    browser
        .post(PATH, &with(&[("weekly", "on"), ("monthly", "on")]))
        .await;
    let second = wish(eve).await;
    assert_eq!(second.weekly_ms, Some(NOON_MS));
    assert_eq!(
        (second.monthly_ms, second.drop_ms),
        (Some(NOON_MS + DAY_MS), None)
    );
    let account = browser.get("/account").await;
    assert!(
        account.html.contains(&format!(r#"href="{PATH}""#)),
        "{}",
        account.html
    );
}

async fn what_is_chosen_is_checked(place: Place) {
    let (web, _) = Web::with_mail(&place).await;
    web.account("admin@example.com").await;
    let browser = web.logged_in("admin@example.com").await;
    for (fields, says) in [
        (vec![], "spike_visitors: it is lacking"),
        (with(&[("weekly", "yes")]), "weekly: it is on, or not there"),
        (with(&[("daily", "on")]), "daily: unknown field"),
        (
            vec![
                ("spike_visitors", "0"),
                ("drop_visitors", "1"),
                ("drop_hours", "1"),
            ],
            "Many visitors: a whole number from 1 to 10000000.",
        ),
        (
            vec![
                ("spike_visitors", "1"),
                ("drop_visitors", "-1"),
                ("drop_hours", "1"),
            ],
            "Few visitors: a whole number",
        ),
        (
            vec![
                ("spike_visitors", "1"),
                ("drop_visitors", "1"),
                ("drop_hours", "25"),
            ],
            "Hours: a whole number from 1 to 24.",
        ),
        (
            vec![
                ("spike_visitors", "\"><script>"),
                ("drop_visitors", "1"),
                ("drop_hours", "2"),
            ],
            "Many visitors: ",
        ),
    ] {
        let answer = browser.post(PATH, &fields).await;
        assert_eq!(answer.status, 400, "{says}");
        assert!(answer.html.contains(says), "{says}: {}", answer.html);
        assert!(!answer.html.contains("<script"));
    }
}

async fn without_mail_the_page_says_so(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let browser = web.logged_in("admin@example.com").await;
    let page = browser.get(PATH).await;
    assert!(
        page.html.contains("This server has no mail configured"),
        "{}",
        page.html
    );
    assert!(!page.html.contains("<form"));
    assert_eq!(
        browser.post(PATH, &with(&[("weekly", "on")])).await.status,
        409
    );
    assert!(
        !browser
            .get("/sites/a.example/people")
            .await
            .html
            .contains("by mail")
    );
}

async fn a_link_in_a_mail_switches_it_off_without_a_login(place: Place) {
    let (web, _) = Web::with_mail(&place).await;
    web.account("admin@example.com").await;
    let eve = web.role("eve@example.com", "a.example", Role::Viewer).await;
    let store = &web.app.store;
    let site = store.site("a.example").await.unwrap().unwrap().id;
    let wish = MailWish {
        weekly_ms: Some(1),
        monthly_ms: Some(1),
        spike_ms: Some(1),
        drop_ms: Some(1),
        ..MailWish::default()
    };
    store.set_mail_wish(site, eve, &wish).await.unwrap();
    let key = store.mail_key().await.unwrap();
    assert_eq!(key, store.mail_key().await.unwrap(), "it stays");
    let path = link::path(&key, (site, eve, Kind::Weekly));
    let stranger = web.browser(HTTPS);
    // Looking changes nothing.
    let page = stranger.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("weekly reports") && page.html.contains("a.example"));
    assert!(!page.html.contains("eve@example.com"));
    assert_eq!(store.mail_wish(site, eve).await.unwrap(), wish);
    // A token that we did not make, of another account for instance, does nothing.
    let other = link::path(b"guessed", (site, eve, Kind::Weekly));
    for path in [other.as_str(), "/unsubscribe/x", &format!("{path}A")] {
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
        assert_eq!(stranger.post(path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(store.mail_wish(site, eve).await.unwrap(), wish);
    // A mail program's button: from nowhere, without a cookie, as RFC 8058 says. Again is no harm.
    for content_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let request = stranger
            .request("POST", &path)
            .header("content-type", content_type)
            .body(Body::from("List-Unsubscribe=One-Click"));
        let answer = stranger.send(request.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.html);
        assert!(answer.html.contains("You get no more weekly reports"));
        assert!(answer.header("set-cookie").is_empty());
        let left = MailWish {
            weekly_ms: None,
            ..wish
        };
        assert_eq!(
            store.mail_wish(site, eve).await.unwrap(),
            left,
            "and nothing else"
        );
    }
    for kind in [Kind::Monthly, Kind::Spike, Kind::Drop] {
        let path = link::path(&key, (site, eve, kind));
        assert_eq!(stranger.post(&path, &[]).await.status, 200);
    }
    let none = MailWish::default();
    assert_eq!(store.mail_wish(site, eve).await.unwrap(), none);
    // Of a site that is gone there is nothing to switch off.
    store.remove_site("a.example", web.today()).await.unwrap();
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(stranger.post(&path, &[]).await.status, 404);
}

async fn an_invitation_goes_by_mail_too(place: Place) {
    let (web, kept) = Web::with_mail(&place).await;
    web.account("admin@example.com").await;
    let browser = web.logged_in("admin@example.com").await;
    let people = "/sites/a.example/people";
    assert!(
        browser
            .get(people)
            .await
            .html
            .contains("Also send the link by mail")
    );
    let invite = "/sites/a.example/people/invite";
    let fields = [
        ("mail", "Eve@example.com"),
        ("role", "viewer"),
        ("send", "on"),
    ];
    let made = browser.post(invite, &fields).await;
    assert!(
        made.html.contains("It is on its way by mail, too."),
        "{}",
        made.html
    );
    let letter = kept.letter().await;
    assert_eq!(letter.to, "eve@example.com");
    assert_eq!(
        letter.subject,
        "You are invited to the statistics of a.example"
    );
    let link = made.between("<code>", "</code>").to_owned();
    assert!(
        link.starts_with(URL) && letter.text.contains(&link),
        "{link}"
    );
    let path = link.strip_prefix(URL).unwrap();
    assert_eq!(web.browser(HTTPS).get(path).await.status, 200);
    // Not unless it is wanted.
    let silent = browser.post(invite, &fields[..2]).await;
    assert!(
        silent.html.contains("The invitation is made") && !silent.html.contains("by mail, too")
    );
    assert!(kept.letters().is_empty());
    // Nobody's mailbox is filled with them.
    for _ in 0..2 {
        browser.post(invite, &fields).await;
        kept.letter().await;
    }
    let often = browser.post(invite, &fields).await;
    assert!(
        often.html.contains("Too many were sent by mail"),
        "{}",
        often.html
    );
    assert!(kept.letters().is_empty());
}
