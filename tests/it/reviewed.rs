//! What a review of `/me` and of shields found, kept as tests.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::shields::behind_a_proxy;
use crate::system::{SITE, System, agent, view};

async fn me(system: &System, user_agent: &str) -> Value {
    let request = system.http.get(system.edge_url("/me"));
    let request = request.header("user-agent", agent(user_agent));
    request.send().await.unwrap().json().await.unwrap()
}

/// Browsers would send `Origin: null` with a form of a page whose referrer policy is `no-referrer`. Where
/// they send no `Sec-Fetch-Site` (plain http, older Safari) the page's own button is a 403.
#[tokio::test]
async fn the_page_lets_its_form_say_where_it_is_from() {
    let system = System::start().await;
    let page = system
        .http
        .get(system.edge_url("/me"))
        .send()
        .await
        .unwrap();
    assert_ne!(page.headers()["referrer-policy"], "no-referrer");
}

/// A proxy that ends TLS makes the url that the edge sees another than the page's: same host, but
/// http. The same browsers as above are refused there.
#[tokio::test]
async fn the_form_works_behind_a_proxy_that_ends_tls() {
    let system = System::start().await;
    let form = system.http.post(system.edge_url("/me"));
    let form = form.header("host", "stats.example");
    let form = form.header("origin", "https://stats.example");
    assert_eq!(form.send().await.unwrap().status(), StatusCode::OK);
}

/// Held in a visitor's row besides pages, names and client: where visits came from, the page of an
/// event, properties, goals, steps of funnels, when the visit began and the minute last seen.
#[tokio::test]
async fn everything_that_is_held_is_shown() {
    let mut system = System::start().await;
    system.dayfly(&["goal", "add", SITE, "--event", "Signup"]);
    system.stop_edge("TERM");
    system.start_edge().await;
    let body = json!({
        "n": "Signup", "u": "https://a.example/page-of-event?utm_campaign=of-campaign", "d": SITE,
        "r": "https://news.ycombinator.com/item", "p": {"of-key": "of-value"},
    });
    system.post(body.to_string(), &[]).await;
    let shown = me(&system, "somebody").await.to_string();
    let held = [
        "Signup",
        "page-of-event",
        "of-campaign",
        "ycombinator",
        "of-key",
        "of-value",
    ];
    let missing: Vec<&str> = held
        .into_iter()
        .filter(|text| !shown.contains(text))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "{shown}");
}

/// Where no address is to be had (a proxy that does not send the header that was named), everybody
/// with one User-Agent is one visitor: `/me` shows them each other's pages, and one of them has
/// all of them ignored.
#[tokio::test]
async fn who_has_no_address_is_shown_nothing() {
    let mut system = behind_a_proxy().await;
    system.start_edge().await;
    system.view("one browser", "/of-somebody").await;
    let shown = me(&system, "one browser").await.to_string();
    assert!(!shown.contains("/of-somebody"), "{shown}");
    let forget = system.http.delete(system.edge_url("/me"));
    let forget = forget.header("user-agent", agent("one browser"));
    assert!(forget.send().await.unwrap().status().is_client_error());
    system.view("one browser", "/of-somebody-else").await;
}

/// Also where it is cleaned before it is counted.
#[tokio::test]
async fn a_path_is_shielded_as_it_is_written() {
    let mut system = behind_a_proxy().await;
    system.dayfly(&["shield", "add", SITE, "page", "/orders/123456789"]);
    system.start_edge().await;
    let answer = system.post(view("/orders/123456789"), &[]).await;
    assert_eq!(
        answer.headers().get("x-dayfly-dropped").unwrap(),
        "shield_page"
    );
}
