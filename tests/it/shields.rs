//! What is not counted, and that it is said: bots, referrer spam, shields, privacy
//! signals. A drop is told in headers, and its number arrives by reason and day; nothing else does.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::stored::{stored, until_stored};
use crate::system::{Options, SITE, System};

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// Addresses assigned to Germany and to France.
const GERMAN: &str = "217.0.0.1";
const FRENCH: &str = "194.2.0.1";

/// A system that is told addresses by a header, and whose edge is yet to be started.
pub async fn behind_a_proxy() -> System {
    System::aggregator_alone_with(Options {
        client_ip_header: Some("X-Real-IP"),
        ..Options::default()
    })
    .await
}

/// The reasons that an answer tells, and how many sites did not count the event.
pub fn dropped(answer: &Response) -> Option<(&str, &str)> {
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let header = |name| Some(answer.headers().get(name)?.to_str().unwrap());
    let told = (header("x-dayfly-dropped"), header("x-plausible-dropped"));
    match told {
        (Some(reasons), Some(n)) => Some((reasons, n)),
        (None, None) => None,
        _ => panic!("{told:?}"),
    }
}

#[tokio::test]
async fn every_shield_is_told_and_counted_by_its_reason() {
    let mut system = behind_a_proxy().await;
    system.dayfly(&["site", "add", "open.example"]);
    for (kind, value) in [
        ("host", "a.example"),
        ("host", "*.a.example"),
        ("page", "/admin/**"),
        ("page", "/p/*/secret"),
        ("country", "fr"),
        ("network", "203.0.113.0/24"),
        ("network", "2001:db8::/32"),
    ] {
        system.dayfly(&["shield", "add", SITE, kind, value]);
    }
    system.start_edge().await;
    let curl = "raw:curl/8.5.0";
    let spam = "http://www.darodar.com/forum/";
    // User-Agent, address, url, referrer; why it is dropped.
    let cases = [
        (FIREFOX, GERMAN, "https://a.example/", "", None),
        (FIREFOX, GERMAN, "https://www.shop.a.example/p/1", "", None),
        (
            FIREFOX,
            GERMAN,
            "https://a.example/administration",
            "",
            None,
        ),
        (FIREFOX, GERMAN, "https://a.example/p/1/2/secret", "", None),
        (FIREFOX, "203.0.114.1", "https://a.example/", "", None),
        (curl, GERMAN, "https://a.example/", "", Some("bot")),
        ("raw:", GERMAN, "https://a.example/", "", Some("bot")),
        (
            FIREFOX,
            GERMAN,
            "https://a.example/",
            spam,
            Some("spam_referrer"),
        ),
        (
            FIREFOX,
            GERMAN,
            "https://evil.example/",
            "",
            Some("shield_host"),
        ),
        (
            FIREFOX,
            GERMAN,
            "https://evila.example/",
            "",
            Some("shield_host"),
        ),
        (FIREFOX, GERMAN, "app:///x", "", Some("shield_host")),
        (
            FIREFOX,
            GERMAN,
            "https://a.example/admin/x/y?z",
            "",
            Some("shield_page"),
        ),
        (
            FIREFOX,
            GERMAN,
            "https://a.example/%61dmin/x",
            "",
            Some("shield_page"),
        ),
        (
            FIREFOX,
            GERMAN,
            "https://a.example/p/1/secret",
            "",
            Some("shield_page"),
        ),
        (
            FIREFOX,
            FRENCH,
            "https://a.example/",
            "",
            Some("shield_country"),
        ),
        (
            FIREFOX,
            "203.0.113.9",
            "https://a.example/",
            "",
            Some("shield_network"),
        ),
        (
            FIREFOX,
            "::ffff:203.0.113.9",
            "https://a.example/",
            "",
            Some("shield_network"),
        ),
        (
            FIREFOX,
            "2001:db8:1::2",
            "https://a.example/",
            "",
            Some("shield_network"),
        ),
        // What comes first is what is told.
        (
            curl,
            FRENCH,
            "https://evil.example/admin/",
            spam,
            Some("bot"),
        ),
        (
            FIREFOX,
            FRENCH,
            "https://evil.example/admin/",
            "",
            Some("shield_host"),
        ),
    ];
    for (user_agent, address, url, referrer, reason) in cases {
        let body = json!({"n": "pageview", "u": url, "d": SITE, "r": referrer}).to_string();
        let headers = [("user-agent", user_agent), ("X-Real-IP", address)];
        let answer = system.post(body, &headers).await;
        assert_eq!(
            dropped(&answer),
            reason.map(|reason| (reason, "1")),
            "{url} {address}"
        );
        assert_eq!(answer.text().await.unwrap(), "ok");
    }
    // A shield is its site's own.
    let body =
        json!({"n": "pageview", "u": "https://a.example/admin/x", "d": "a.example,open.example"});
    let headers = [("user-agent", FIREFOX), ("X-Real-IP", FRENCH)];
    let answer = system.post(body.to_string(), &headers).await;
    assert_eq!(dropped(&answer), Some(("shield_page", "1")));
    let body = body.to_string().replace("open.example", "unknown.example");
    let answer = system.post(body, &headers).await;
    let (reasons, n) = dropped(&answer).unwrap();
    let mut reasons: Vec<&str> = reasons.split(", ").collect();
    reasons.sort_unstable();
    assert_eq!(
        (reasons.as_slice(), n),
        (&["shield_page", "unknown_site"][..], "2")
    );

    let counts = [
        ("bot", 3),
        ("shield_country", 1),
        ("shield_host", 4),
        ("shield_network", 3),
        ("shield_page", 5),
        ("spam_referrer", 1),
    ];
    let rows = counts.map(|(reason, n)| json!([SITE, reason, n])).to_vec();
    until_stored(&system, "dropped", &["domain", "reason", "n"], rows).await;
    let views = vec![json!([SITE, 5]), json!(["open.example", 1])];
    until_stored(&system, "pages", &["domain", "views"], views).await;
    crate::privacy::assert_absent(system.data.path(), &[b"darodar", b"evil.example"]);
}

#[tokio::test]
async fn a_privacy_signal_means_what_its_site_has_set() {
    let mut system = System::aggregator_alone_with(Options::default()).await;
    let signals = [("gpc", "sec-gpc"), ("dnt", "dnt")];
    let settings = ["page-view", "drop", "count"];
    let site = |signal: &str, setting: &str| format!("{signal}-{setting}.example");
    for (signal, _) in signals {
        for setting in settings {
            let site = site(signal, setting);
            let option = format!("--{signal}");
            system.dayfly(&["site", "add", &site]);
            system.dayfly(&["site", "set", &site, &option, setting]);
        }
    }
    system.start_edge().await;
    let mut pages = Vec::new();
    let mut events = Vec::new();
    let mut drops = Vec::new();
    for (signal, header) in signals {
        for setting in settings {
            let site = site(signal, setting);
            for (name, value) in [
                ("pageview", "1"),
                ("Signup", "1"),
                ("engagement", "1"),
                // Only 1 is a signal.
                ("pageview", "0"),
            ] {
                let body = json!({"n": name, "u": format!("https://{site}/"), "e": 1_000});
                let answer = system.post(body.to_string(), &[(header, value)]).await;
                let counted = match setting {
                    "page-view" => name == "pageview",
                    "drop" => value == "0",
                    _ => true,
                };
                let reason = (!counted).then_some((signal, "1"));
                assert_eq!(dropped(&answer), reason, "{site} {name} {value}");
            }
            let (views, n) = match setting {
                "page-view" => (2, 2),
                "drop" => (1, 3),
                _ => (2, 0),
            };
            pages.push(json!([site, views, 1]));
            if setting == "count" {
                events.push(json!([site, "Signup", 1]));
            } else {
                drops.push(json!([site, signal, n]));
            }
        }
    }
    until_stored(
        &system,
        "pages",
        &["domain", "views", "day_page_visitors"],
        pages,
    )
    .await;
    until_stored(&system, "events", &["domain", "name", "events"], events).await;
    until_stored(&system, "dropped", &["domain", "reason", "n"], drops).await;
}

#[tokio::test]
async fn a_page_view_of_nobody_has_a_page_a_country_and_a_device() {
    let mut system = behind_a_proxy().await;
    system.dayfly(&["goal", "add", SITE, "--page", "/x"]);
    system.dayfly(&["goal", "add", SITE, "--event", "Signup"]);
    system.start_edge().await;
    let headers = [
        ("user-agent", FIREFOX),
        ("X-Real-IP", GERMAN),
        ("sec-gpc", "1"),
    ];
    let body = json!({
        "n": "pageview", "u": "https://a.example/x?utm_source=news&utm_campaign=may&gclid=1", "d": SITE,
        "r": "https://www.google.com/", "p": {"author": "Ada"}, "$": {"currency": "EUR", "amount": 1},
    });
    for _ in 0..2 {
        let answer = system.post(body.to_string(), &headers).await;
        assert_eq!(dropped(&answer), None);
    }
    let event = json!({"n": "Signup", "u": "https://a.example/x"}).to_string();
    let answer = system.post(event, &headers).await;
    assert_eq!(dropped(&answer), Some(("gpc", "1")));

    let columns = [
        "page",
        "host",
        "views",
        "page_visits",
        "day_page_visitors",
        "hour_page_visitors",
        "entry_page",
        "source",
        "referrer",
        "channel",
        "utm_source",
        "utm_campaign",
        "country",
        "device",
        "browser",
        "browser_version",
        "os",
        "os_version",
    ];
    let row = json!([
        "/x", SITE, 2, 0, 0, 0, "", "", "", "", "", "", "DE", "Desktop", "", "", "", ""
    ]);
    until_stored(&system, "pages", &columns, vec![row]).await;
    until_stored(
        &system,
        "minute",
        &["views", "visitors"],
        vec![json!([2, 0])],
    )
    .await;
    until_stored(
        &system,
        "dropped",
        &["reason", "n"],
        vec![json!(["gpc", 1])],
    )
    .await;
    for (table, count) in [
        ("visits", "visits"),
        ("exits", "exits"),
        ("events", "events"),
        ("props", "prop_events"),
        ("revenue", "revenue_events"),
        ("goals", "completions"),
    ] {
        assert_eq!(
            stored(&system, table, &["domain", count]).await,
            Vec::<Value>::new(),
            "{table}"
        );
    }
    // Nothing is held about them either.
    let me = system.http.get(system.edge_url("/me"));
    let me = me.header("user-agent", FIREFOX).header("X-Real-IP", GERMAN);
    let me: Value = me.send().await.unwrap().json().await.unwrap();
    assert_eq!(me, json!({"sites": [{"site": SITE, "held": null}]}));
    crate::privacy::assert_absent(
        system.data.path(),
        &[b"google", b"Google", b"Firefox", b"Ada"],
    );

    // Without the signal the same browser is a visitor.
    let key = system.api_key();
    assert_eq!(system.totals(&key).await, [0, 2]);
    system.post(body.to_string(), &headers[..2]).await;
    system.until_totals(&key, [1, 3]).await;
}
