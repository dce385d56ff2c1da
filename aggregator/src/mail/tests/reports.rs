//! Reports: once for each period and reader, and what they say.

use super::*;
use crate::store::tests::batch_on;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    a_report_goes_once_to_each_who_wants_it,
    of_servers_that_look_at_once_one_sends,
    only_the_last_period_is_caught_up,
    what_cannot_be_sent_is_tried_for_a_day,
    what_was_being_sent_when_its_server_died_is_not_sent_again,
    whoever_may_not_see_the_site_gets_nothing,
    a_report_says_what_was_counted,
    a_week_without_anything_says_so,
);

const MONDAY: &str = "2026-11-23T02:15:00Z";

async fn a_report_goes_once_to_each_who_wants_it(place: Place) {
    let server = Server::start(&place, "2026-11-23T02:14:59Z").await;
    server.viewer("ada@example.com", only(Kind::Weekly)).await;
    server.viewer("bob@example.com", only(Kind::Monthly)).await;
    let eve = MailWish {
        // Switched on just after eight: hers is the next.
        weekly_ms: Some(ms(MONDAY) + 1),
        ..MailWish::default()
    };
    server.viewer("eve@example.com", eve).await;
    server.viewer("none@example.com", MailWish::default()).await;
    let to = |letters: Vec<Letter>| -> Vec<String> {
        letters.into_iter().map(|letter| letter.to).collect()
    };
    // The week and the month before were due long ago.
    let first = to(server.look().await);
    assert_eq!(first, ["ada@example.com", "bob@example.com"]);
    assert!(server.look().await.is_empty());
    let monday = server.look_at(MONDAY).await;
    let subjects: Vec<&str> = monday.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["a.example: the week from 2026-11-16 to 2026-11-22"]
    );
    assert_eq!(to(monday), ["ada@example.com"]);
    for now in [MONDAY, "2026-11-23T02:16:00Z", "2026-11-29T23:00:00Z"] {
        assert!(server.look_at(now).await.is_empty(), "{now}");
    }
    let next = to(server.look_at("2026-11-30T02:15:00Z").await);
    assert_eq!(next, ["ada@example.com", "eve@example.com"]);
    let month = server.look_at("2026-12-01T02:15:00Z").await;
    assert_eq!(
        month[0].subject,
        "a.example: the month from 2026-11-01 to 2026-11-30"
    );
    assert_eq!(to(month), ["bob@example.com"]);
    // A clock that is put back sends nothing a second time.
    assert!(server.look_at(MONDAY).await.is_empty());
}

async fn of_servers_that_look_at_once_one_sends(place: Place) {
    let one = Server::start(&place, MONDAY).await;
    let other = Server::start(&place, MONDAY).await;
    for n in 0..5 {
        one.viewer(&format!("{n}@example.com"), all()).await;
    }
    let mail = |server: &Server| server.app.mail.clone().unwrap();
    let (first, second) = (mail(&one), mail(&other));
    let looks = tokio::join!(
        schedule::look(&one.app, &first, ms(MONDAY)),
        schedule::look(&other.app, &second, ms(MONDAY)),
        schedule::look(&one.app, &first, ms(MONDAY)),
        schedule::look(&other.app, &second, ms(MONDAY)),
    );
    for look in [looks.0, looks.1, looks.2, looks.3] {
        look.unwrap();
    }
    let mut told: Vec<(String, String)> = [&one, &other]
        .into_iter()
        .flat_map(|server| server.kept.letters())
        .map(|letter| (letter.to, letter.subject))
        .collect();
    told.sort();
    let all = told.len();
    told.dedup();
    assert_eq!(
        (told.len(), all),
        (10, 10),
        "a week and a month for each of five"
    );
}

async fn only_the_last_period_is_caught_up(place: Place) {
    let server = Server::start(&place, MONDAY).await;
    server.viewer("ada@example.com", only(Kind::Weekly)).await;
    assert_eq!(server.look().await.len(), 1);
    // Three Mondays later.
    let letters = server.look_at("2026-12-18T12:00:00Z").await;
    let subjects: Vec<&str> = letters.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["a.example: the week from 2026-12-07 to 2026-12-13"]
    );
}

async fn what_cannot_be_sent_is_tried_for_a_day(place: Place) {
    let server = Server::start(&place, MONDAY).await;
    server.viewer("ada@example.com", only(Kind::Weekly)).await;
    server.kept.refuse(Some(false));
    assert!(server.look().await.is_empty());
    server.kept.refuse(None);
    assert!(
        server.look_at("2026-11-23T02:24:59Z").await.is_empty(),
        "not yet again"
    );
    let sent = server.look_at("2026-11-23T02:25:00Z").await;
    assert_eq!(sent.len(), 1);
    let id = sent[0].id.clone().unwrap();
    assert!(server.look_at("2026-11-23T03:00:00Z").await.is_empty());

    // The next cannot be sent for a day: that is said once, and then it is over.
    server.kept.refuse(Some(true));
    for hours in [0, 7, 14, 21] {
        let now_ms = ms("2026-11-30T02:15:00Z") + hours * 3_600_000;
        server.at(now_ms);
        assert!(server.look().await.is_empty());
    }
    server.kept.refuse(None);
    let day_later = ms("2026-12-01T02:15:00Z");
    let given_up = server.app.store.give_up_mails(day_later).await.unwrap();
    assert_eq!(given_up.len(), 1);
    assert_eq!(
        (given_up[0].kind, given_up[0].may_be_sent),
        (Kind::Weekly, false)
    );
    assert_eq!(given_up[0].domain, "a.example");
    assert!(
        server
            .app
            .store
            .give_up_mails(day_later)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(server.look_at("2026-12-02T00:00:00Z").await.is_empty());
    let next = server.look_at("2026-12-07T02:15:00Z").await;
    assert_eq!(next.len(), 1);
    assert_ne!(next[0].id.clone().unwrap(), id);
}

async fn what_was_being_sent_when_its_server_died_is_not_sent_again(place: Place) {
    let server = Server::start(&place, MONDAY).await;
    let ada = server.viewer("ada@example.com", only(Kind::Weekly)).await;
    let of = (server.site.id, ada, Kind::Weekly);
    let period = crate::clock::day_number(date(2026, 11, 16));
    let store = &server.app.store;
    assert!(store.take_report(of, period, ms(MONDAY)).await.unwrap());
    assert!(server.look().await.is_empty());
    let later = ms(MONDAY) + 11 * 60_000;
    let given_up = store.give_up_mails(later).await.unwrap();
    assert_eq!(given_up.len(), 1);
    assert!(given_up[0].may_be_sent);
    server.at(later);
    assert!(server.look().await.is_empty());
    assert_eq!(server.look_at("2026-11-30T02:15:00Z").await.len(), 1);
}

async fn whoever_may_not_see_the_site_gets_nothing(place: Place) {
    let server = Server::start(&place, MONDAY).await;
    let admin = server.viewer("admin@example.com", only(Kind::Weekly)).await;
    let ada = server.viewer("ada@example.com", only(Kind::Weekly)).await;
    let store = &server.app.store;
    let site = server.site.id;
    // An admin sees it without a role, and keeps what was chosen.
    store.set_role(site, admin, None).await.unwrap();
    store.set_role(site, ada, None).await.unwrap();
    let letters = server.look().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "admin@example.com");
    // Who is let in again has to choose again.
    store.set_role(site, ada, Some(Role::Viewer)).await.unwrap();
    assert_eq!(
        store.mail_wish(site, ada).await.unwrap(),
        MailWish::default()
    );
    assert!(server.look_at("2026-11-24T12:00:00Z").await.is_empty());
}

/// Counts of a day, with these strings for page and source.
async fn count(server: &Server, on: jiff::civil::Date, page: &str, source: &str) {
    let mut batch = batch_on(server.site.id, 1, on);
    batch.strings[0] = page.to_owned();
    batch.strings[1] = source.to_owned();
    batch.visit_attrs[0][2] = 1;
    let applied = server.app.store.apply_batch(&batch, [1; 32], ms(MONDAY));
    applied.await.unwrap();
}

async fn a_report_says_what_was_counted(place: Place) {
    let server = Server::start(&place, MONDAY).await;
    server.viewer("ada@example.com", only(Kind::Weekly)).await;
    let script = "/<script>alert(1)</script>";
    count(&server, date(2026, 11, 17), script, "A & \"B\"").await;
    count(&server, date(2026, 11, 22), "/about", "Other").await;
    count(&server, date(2026, 11, 10), "/before", "Other").await;
    let letter = server.look().await.pop().unwrap();
    for part in [&letter.html, &letter.text] {
        for says in [
            "2026-11-16 to 2026-11-22 (Asia/Kathmandu)",
            "compared with 2026-11-09 to 2026-11-15",
            "Daily visitors, summed",
            "+100%",
            "Tue 2026-11-17",
            "Wed 2026-11-18",
            "Top pages",
            "/about",
            "Germany",
            "https://stats.example/sites/a.example/settings/mail",
            "https://stats.example/unsubscribe/",
        ] {
            assert!(part.contains(says), "{says}\n{part}");
        }
        assert!(!part.contains("/before"), "{part}");
        assert!(!part.contains("ada@example.com"), "{part}");
    }
    assert!(letter.text.contains(script), "{}", letter.text);
    assert!(letter.text.contains("A & \"B\""), "{}", letter.text);
    assert!(letter.text.contains("?from=2026-11-16&to=2026-11-22"));
    assert!(
        letter
            .text
            .contains("Mon 2026-11-16                            0\n"),
        "{}",
        letter.text
    );
    let full = "#".repeat(24);
    assert!(
        letter.text.contains(&format!("Tue 2026-11-17  {full}  ")),
        "{}",
        letter.text
    );
    // What visitors bring is text; nothing is loaded from anywhere, nothing tells that it was read.
    assert!(
        letter
            .html
            .contains("/&#60;script&#62;alert(1)&#60;/script&#62;"),
        "{}",
        letter.html
    );
    for none in [
        "<script", "<img", "<svg", "<link", "<style", "url(", "src=", "http://",
    ] {
        assert!(!letter.html.contains(none), "{none}");
    }
    let urls = letter.html.matches("https://").count();
    assert_eq!(urls, letter.html.matches("https://stats.example/").count());
    assert!(
        letter
            .html
            .contains(r##"<td width="100%" bgcolor="#2457c5""##)
    );
    let off = letter.off.unwrap();
    assert!(letter.text.contains(&off) && off.len() < 200);
    assert!(
        letter.html.len() < 100_000,
        "mail programs cut longer ones off"
    );
}

async fn a_week_without_anything_says_so(place: Place) {
    let server = Server::start(&place, MONDAY).await;
    server.viewer("ada@example.com", all()).await;
    let letters = server.look().await;
    assert_eq!(letters.len(), 2);
    for letter in letters {
        let span = if letter.subject.contains("week") {
            "week"
        } else {
            "month"
        };
        let says = format!("Nothing was counted this {span}.");
        assert!(
            letter.text.contains(&says) && letter.html.contains(&says),
            "{}",
            letter.text
        );
        let days = if span == "week" { 7 } else { 31 };
        let is_bar = |line: &&str| line.contains(" 2026-1") && line.ends_with("  0");
        let bars = letter.text.lines().filter(is_bar).count();
        assert_eq!(bars, days, "{}", letter.text);
    }
}
