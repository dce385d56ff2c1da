//! So many events of one address are too many in a minute, so many of one visitor in a day, and
//! it is said.

use serde_json::json;
use shared::clock::Clock;

use crate::shields::{behind_a_proxy, dropped};
use crate::stored::until_stored;
use crate::system::{SITE, view};

/// Waits until a minute has begun of which enough is left.
pub async fn early_in_a_minute() {
    let past_ms = aggregator::clock::SystemClock.now_ms().rem_euclid(60_000);
    if past_ms > 35_000 {
        let left_ms = u64::try_from(60_050 - past_ms).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(left_ms)).await;
    }
}

#[tokio::test]
async fn an_address_sends_three_hundred_events_in_a_minute_whatever_the_site() {
    let mut system = behind_a_proxy().await;
    system.dayfly(&["site", "add", "b.example"]);
    system.start_edge().await;
    let send = async |address: &str, user_agent: &str, site: &str| {
        let body = json!({"n": "pageview", "u": format!("https://{site}/")}).to_string();
        let headers = [("X-Real-IP", address), ("user-agent", user_agent)];
        let answer = system.post(body, &headers).await;
        dropped(&answer).map(|(reason, n)| format!("{reason} {n}"))
    };
    early_in_a_minute().await;
    for n in 0..300 {
        let site = ["a.example", "b.example"][n % 2];
        let told = send("2001:db8::1", &format!("browser {}", n % 3), site).await;
        assert_eq!(told, None, "{n}");
    }
    let throttled = Some("throttled 1".to_owned());
    assert_eq!(send("2001:db8::1", "browser 0", SITE).await, throttled);
    assert_eq!(
        send("2001:db8::1", "another browser", "b.example").await,
        throttled
    );
    assert_eq!(
        send("2001:db8::ffff:2", "browser 0", SITE).await,
        throttled,
        "the same /64"
    );
    assert_eq!(
        send("2001:db8:0:1::1", "browser 0", SITE).await,
        None,
        "another /64"
    );
    assert_eq!(send("217.0.0.1", "browser 0", SITE).await, None);
    // What is not an event, and what is for no site, is for nobody to tell.
    assert_eq!(
        system
            .post("{", &[("X-Real-IP", "2001:db8::1")])
            .await
            .status(),
        400
    );
    assert_eq!(
        send("2001:db8::1", "browser 0", "unknown.example").await,
        Some("unknown_site 1".to_owned())
    );
    let drops = vec![
        json!([SITE, "throttled", 2]),
        json!(["b.example", "throttled", 1]),
    ];
    until_stored(&system, "dropped", &["domain", "reason", "n"], drops).await;
    let views = vec![json!([SITE, 152]), json!(["b.example", 150])];
    until_stored(&system, "pages", &["domain", "views"], views).await;
}

/// Who comes without an address is not limited by it, and comes to the visitor's limit.
#[tokio::test]
async fn a_visitor_is_counted_a_thousand_times_a_day() {
    let mut system = behind_a_proxy().await;
    system.start_edge().await;
    for n in 1..=1_002 {
        let answer = system.post(view("/"), &[]).await;
        let told = (n > 1_000).then_some(("throttled", "1"));
        assert_eq!(dropped(&answer), told, "{n}");
    }
    let answer = system.post(view("/"), &[("user-agent", "two")]).await;
    assert_eq!(dropped(&answer), None);
    let columns = ["views", "day_page_visitors"];
    until_stored(&system, "pages", &columns, vec![json!([1_001, 2])]).await;
    let rows = vec![json!(["throttled", 2])];
    until_stored(&system, "dropped", &["reason", "n"], rows).await;
}
