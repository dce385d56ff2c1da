//! From a beacon to an answer: who is a visitor, where from, which page.

use serde_json::json;

use crate::system::{Options, SITE, System, view};

#[tokio::test]
async fn two_browsers_are_two_visitors_and_a_reload_is_not_a_third() {
    let system = System::start().await;
    let key = system.api_key();
    system.view("Firefox", "/").await;
    system.view("Chrome", "/").await;
    system.view("Chrome", "/").await;
    system.view("Chrome", "/caf%C3%A9?secret=1#x").await;
    system.until_totals(&key, [2, 4]).await;
    let rows = system.rows(&key, &["event:page"]).await;
    assert_eq!(
        rows,
        [(vec!["/".into()], [2, 3]), (vec!["/café".into()], [1, 1])]
    );
    let today = jiff_today();
    let rows = system.rows(&key, &["time:day"]).await;
    assert_eq!(rows, [(vec![today.clone()], [2, 4])]);
    let rows = system
        .rows(&key, &["time:day", "event:page", "visit:country"])
        .await;
    let none = "(none)".to_owned();
    assert_eq!(rows[0], (vec![today, "/".into(), none], [2, 3]));
}

/// Today in the test site's zone.
fn jiff_today() -> String {
    use shared::clock::Clock;
    let now = jiff::Timestamp::from_millisecond(aggregator::clock::SystemClock.now_ms()).unwrap();
    now.in_tz("Europe/Berlin").unwrap().date().to_string()
}

#[tokio::test]
async fn countries_come_from_the_header_that_was_named() {
    let options = Options {
        client_ip_header: Some("X-Real-IP"),
        ..Options::default()
    };
    let system = System::start_with(options).await;
    let key = system.api_key();
    for (address, times) in [
        ("217.0.0.1", 2),
        ("217.0.0.2", 1),
        ("194.2.0.1", 1),
        ("nonsense", 1),
    ] {
        for _ in 0..times {
            system
                .post(
                    view("/"),
                    &[("X-Real-IP", address), ("CF-Connecting-IP", "8.8.8.8")],
                )
                .await;
        }
    }
    // A proxy that appends leaves what the client claimed before its own entry.
    system
        .post(view("/"), &[("X-Real-IP", "8.8.8.8, 194.2.0.1")])
        .await;
    system.until_totals(&key, [4, 6]).await;
    let rows = system.rows(&key, &["visit:country"]).await;
    let row = |country: &str, metrics| (vec![country.to_owned()], metrics);
    assert_eq!(
        rows,
        [row("DE", [2, 3]), row("(none)", [1, 1]), row("FR", [1, 2])]
    );
}

#[tokio::test]
async fn a_browser_is_named_and_a_visitor_keeps_it() {
    let system = System::start().await;
    let key = system.api_key();
    let firefox =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
    let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
    system.view(firefox, "/").await;
    system.view(firefox, "/a").await;
    system.view(iphone, "/").await;
    system.until_totals(&key, [2, 3]).await;
    let dimensions = [
        "visit:browser",
        "visit:browser_version",
        "visit:os",
        "visit:os_version",
        "visit:device",
    ];
    let rows = system.rows(&key, &dimensions).await;
    let row = |texts: [&str; 5], metrics| (texts.map(str::to_owned).to_vec(), metrics);
    assert_eq!(
        rows,
        [
            row(["Firefox", "143", "Windows", "10+", "Desktop"], [1, 2]),
            row(["Safari", "17", "iOS", "17.5", "Mobile"], [1, 1]),
        ]
    );
    let rows = system.rows(&key, &["event:page", "visit:device"]).await;
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn sources_channels_and_campaigns_and_no_query_or_address_with_them() {
    let system = System::start().await;
    let key = system.api_key();
    let send = async |user_agent: &str, path: &str, referrer: &str, gpc: &str| {
        let url = format!("https://{SITE}{path}");
        let body = json!({"n": "pageview", "u": url, "d": SITE, "r": referrer}).to_string();
        let answer = system
            .post(body, &[("user-agent", user_agent), ("sec-gpc", gpc)])
            .await;
        assert_eq!(answer.status(), 202);
    };
    send("a", "/", "https://www.google.com/search?q=whisper", "0").await;
    send("a", "/next", &format!("https://{SITE}/"), "0").await;
    send(
        "b",
        "/?utm_source=newsletter&utm_medium=email&utm_campaign=May&token=whisper",
        "",
        "0",
    )
    .await;
    send(
        "c",
        "/u/ada@example.com/123456789",
        "https://chatgpt.com/",
        "0",
    )
    .await;
    send("d", "/", "https://news.ycombinator.com/item?id=1", "1").await;
    system.until_totals(&key, [3, 5]).await;
    let rows = async |dimension: &str| {
        let mut rows = system.rows(&key, &[dimension]).await;
        rows.sort();
        rows.into_iter()
            .map(|(mut texts, n)| (texts.remove(0), n))
            .collect::<Vec<_>>()
    };
    let row = |text: &str, n: [u64; 2]| (text.to_owned(), n);
    let sources = [
        row("ChatGPT", [1, 1]),
        row("Direct / None", [0, 1]),
        row("Google", [1, 2]),
        row("newsletter", [1, 1]),
    ];
    assert_eq!(rows("visit:source").await, sources);
    let channels = [
        row("(none)", [0, 1]),
        row("AI Assistants", [1, 1]),
        row("Email", [1, 1]),
        row("Organic Search", [1, 2]),
    ];
    assert_eq!(rows("visit:channel").await, channels);
    let campaigns = [row("(not set)", [2, 4]), row("May", [1, 1])];
    assert_eq!(rows("visit:utm_campaign").await, campaigns);
    let pages = [
        row("/", [2, 3]),
        row("/next", [1, 1]),
        row("/u/:email/:id", [1, 1]),
    ];
    assert_eq!(rows("event:page").await, pages);
    let referrers = rows("visit:referrer").await;
    assert!(
        referrers.iter().all(|(text, _)| !text.contains('?')),
        "{referrers:?}"
    );
    let both = system.rows(&key, &["event:page", "visit:source"]).await;
    assert!(both.contains(&(vec!["/next".into(), "Google".into()], [1, 1])));
    crate::privacy::assert_absent(
        system.data.path(),
        &[b"whisper", b"ada@example.com", b"123456789", b"ycombinator"],
    );
}

#[tokio::test]
async fn no_header_is_believed_unless_it_was_named() {
    let system = System::start().await;
    let key = system.api_key();
    for header in [
        "CF-Connecting-IP",
        "X-Forwarded-For",
        "X-Real-IP",
        "Forwarded",
        "True-Client-IP",
    ] {
        system
            .post(view("/"), &[(header, "217.0.0.1"), ("user-agent", "one")])
            .await;
    }
    system.until_totals(&key, [1, 5]).await;
    let rows = system.rows(&key, &["visit:country"]).await;
    assert_eq!(rows, [(vec!["(none)".into()], [1, 5])]);
}

#[tokio::test]
async fn a_site_added_while_it_runs_counts_within_seconds_and_a_removed_one_is_gone() {
    let system = System::start().await;
    let key = system.api_key();
    system.dayfly(&["site", "add", "new.example"]);
    let body = json!({"n": "pageview", "u": "https://new.example/"}).to_string();
    let counted = async || {
        let answer = system.post(body.clone(), &[]).await;
        answer.headers().get("x-dayfly-dropped").is_none()
    };
    system.until("the new site is known", counted).await;
    let query = json!({"site_id": "new.example", "metrics": ["pageviews"], "date_range": "day"});
    let seen = async || system.api(&key, &query).await.1["results"][0]["metrics"] == json!([1]);
    system.until("the new site counts", seen).await;

    system.dayfly(&["site", "remove", "new.example"]);
    let (status, _) = system.api(&key, &query).await;
    assert_eq!(status, 401);
    let removed = System::dayfly_output(&system, &["site", "remove", "new.example"]);
    assert!(!removed.status.success());
    // The edge still knows it for up to a minute; its day object is told that the site is gone.
    system.post(body, &[]).await;
    system.view("UA", "/").await;
    system.until_totals(&key, [1, 1]).await;
    assert_eq!(
        system.dayfly(&["site", "list"]),
        format!("{SITE}\tEurope/Berlin\n")
    );
}

#[tokio::test]
async fn custom_events_make_a_visitor_and_engagement_needs_a_visit() {
    let system = System::start().await;
    let key = system.api_key();
    let event =
        |name: &str| json!({"n": name, "u": format!("https://{SITE}/"), "e": 5_000}).to_string();
    let dropped = system.post(event("engagement"), &[]).await;
    assert_eq!(dropped.status(), 202);
    assert_eq!(
        dropped.headers()["x-dayfly-dropped"],
        "engagement_without_visit"
    );
    let counted = system.post(event("Signup"), &[]).await;
    assert!(counted.headers().get("x-dayfly-dropped").is_none());
    let counted = system.post(event("engagement"), &[]).await;
    assert!(counted.headers().get("x-dayfly-dropped").is_none());
    system.until_totals(&key, [1, 0]).await;
}
