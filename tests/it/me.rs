//! `/me`: what is held about whoever asks, that it is theirs alone, and that it can be deleted
//! (DESIGN.md, section 9).

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::floods::early_in_a_minute;
use crate::stored::until_stored;
use crate::system::{Options, SITE, System, agent, view};

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

fn ask(system: &System, method: Method, query: &str, user_agent: &str) -> RequestBuilder {
    let url = system.edge_url(&format!("/me{query}"));
    let request = system.http.request(method, url);
    request.header("user-agent", agent(user_agent))
}

/// Sends it; whatever the answer, nobody else may read or keep it.
async fn answer(request: RequestBuilder) -> Response {
    let answer = request.send().await.unwrap();
    for (name, value) in answer.headers() {
        let name = name.as_str();
        assert!(!name.starts_with("access-control-"), "{name}: {value:?}");
        assert_ne!(name, "set-cookie");
    }
    let headers = answer.headers();
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    answer
}

async fn json_of(request: RequestBuilder) -> Value {
    let answer = answer(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    answer.json().await.unwrap()
}

/// What the one site of the test holds.
async fn held(system: &System, user_agent: &str) -> Value {
    let mut answer = json_of(ask(system, Method::GET, "", user_agent)).await;
    assert_eq!(answer["sites"].as_array().unwrap().len(), 1);
    assert_eq!(answer["sites"][0]["site"], SITE);
    answer["sites"][0]["held"].take()
}

async fn page_of(system: &System, user_agent: &str) -> String {
    let request = ask(system, Method::GET, "", user_agent).header("accept", HTML);
    let answer = answer(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let content_type = &answer.headers()["content-type"];
    assert_eq!(content_type, "text/html; charset=utf-8");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn whoever_asks_is_shown_what_is_held_about_them_and_no_one_else() {
    let system = System::start().await;
    assert_eq!(held(&system, FIREFOX).await, json!(null));
    assert!(page_of(&system, FIREFOX).await.contains("<p>Nothing.</p>"));

    system.view(FIREFOX, "/a").await;
    system
        .view(FIREFOX, "/%3Cscript%3Ealert(1)%3C/script%3E")
        .await;
    let event = json!({"n": "Sign<up>", "u": "https://a.example/b"}).to_string();
    system.post(event, &[("user-agent", FIREFOX)]).await;
    system.view("somebody else", "/theirs").await;
    let mine = json!({
        "events": 3, "pages": ["/a", "/<script>alert(1)</script>", "/b"], "event_names": ["Sign<up>"],
        "client": {
            "country": "", "device": "Desktop", "browser": "Firefox", "browser_version": "143",
            "os": "Windows", "os_version": "10+",
        },
        "visit_going_on": true, "ignored_today": false,
    });
    let mut shown = held(&system, FIREFOX).await;
    assert_eq!(
        held(&system, FIREFOX).await,
        shown,
        "asking changes nothing"
    );
    let more = shown.as_object_mut().unwrap().remove("more").unwrap();
    assert_eq!(more["channel"], json!(["Direct"]));
    assert_eq!(more["entry_page"], json!(["/a"]));
    assert_eq!(shown, mine);
    let theirs = held(&system, "somebody else").await;
    assert_eq!(theirs["pages"], json!(["/theirs"]));
    assert_eq!(held(&system, "a third").await, json!(null));

    let page = page_of(&system, FIREFOX).await;
    for text in [
        "<h2>a.example</h2>",
        "3 events, in a visit that is going on",
        "<code>/a</code>",
        "<code>/&lt;script&gt;alert(1)&lt;/script&gt;</code>",
        "<code>Sign&lt;up&gt;</code>",
        "<code>browser: Firefox</code>",
        "<form method=\"post\">",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    assert!(
        !page.contains("/theirs") && !page.contains("<script"),
        "{page}"
    );

    let head = answer(ask(&system, Method::HEAD, "", FIREFOX)).await;
    assert_eq!(head.status(), StatusCode::OK);
    for (query, sites) in [
        ("?site=a.example", 1),
        ("?site=www.A.example,unknown.example", 1),
        ("?site=unknown.example", 0),
        ("?other=1", 1),
    ] {
        let answer = json_of(ask(&system, Method::GET, query, FIREFOX)).await;
        assert_eq!(answer["sites"].as_array().unwrap().len(), sites, "{query}");
    }
}

#[tokio::test]
async fn an_address_is_part_of_who_asks() {
    let options = Options {
        client_ip_header: Some("X-Real-IP"),
        ..Options::default()
    };
    let system = System::start_with(options).await;
    let headers = [("X-Real-IP", "217.0.0.1"), ("user-agent", FIREFOX)];
    system.post(view("/mine"), &headers).await;
    let from = async |address: &str| {
        let request = ask(&system, Method::GET, "", FIREFOX).header("X-Real-IP", address);
        json_of(request).await["sites"][0]["held"].take()
    };
    let mine = from("217.0.0.1").await;
    assert_eq!(
        (&mine["events"], &mine["client"]["country"]),
        (&json!(1), &json!("DE"))
    );
    assert_eq!(
        from("9.9.9.9, 217.0.0.1").await,
        mine,
        "the last entry is the proxy's own"
    );
    assert_eq!(from("217.0.0.2").await, json!(null));
    assert_eq!(
        from("217.0.0.1, 9.9.9.9").await,
        json!(null),
        "a claim of the client's"
    );
    let other = [
        ("CF-Connecting-IP", "217.0.0.1"),
        ("X-Forwarded-For", "217.0.0.1"),
    ];
    let request = ask(&system, Method::GET, "", FIREFOX);
    let request = other.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    // Without the header that was named there is no address, and nobody to show anything of.
    assert_eq!(answer(request).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_its_owner_is_ignored_for_the_day() {
    let mut system = System::start().await;
    let key = system.api_key();
    system.view(FIREFOX, "/a").await;
    system.view(FIREFOX, "/b").await;
    system.view("somebody else", "/a").await;
    system.until_totals(&key, [2, 3]).await;

    let told = json_of(ask(&system, Method::DELETE, "", FIREFOX)).await;
    let gone = held(&system, FIREFOX).await;
    assert_eq!(
        told["sites"][0]["held"], gone,
        "the answer shows what is left"
    );
    let left = json!({
        "events": 0, "pages": [], "event_names": [], "client": {},
        "visit_going_on": false, "ignored_today": true, "more": {},
    });
    assert_eq!(gone, left);
    let page = page_of(&system, FIREFOX).await;
    assert!(
        page.contains("you are not counted for the rest of the day"),
        "{page}"
    );
    assert!(
        !page.contains("Firefox") && !page.contains("<code>"),
        "{page}"
    );
    // Again is no more.
    json_of(ask(&system, Method::DELETE, "", FIREFOX)).await;

    let refused = async |name: &str, user_agent: &str| {
        let body = json!({"n": name, "u": "https://a.example/c", "e": 1_000}).to_string();
        let answer = system.post(body, &[("user-agent", user_agent)]).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let headers = answer.headers();
        assert_eq!(headers["x-dayfly-dropped"], "opted_out", "{name}");
        assert_eq!(headers["x-plausible-dropped"], "1");
    };
    for name in ["pageview", "Signup", "engagement"] {
        refused(name, FIREFOX).await;
    }
    // Whoever was never counted may ask for it too.
    json_of(ask(&system, Method::DELETE, "", "never here")).await;
    refused("pageview", "never here").await;
    assert_eq!(held(&system, FIREFOX).await, left);
    // Everybody else is counted, and what was counted stays.
    system.view("somebody else", "/c").await;
    assert_eq!(held(&system, "somebody else").await["events"], 2);
    let rows = vec![json!(["opted_out", 4])];
    until_stored(&system, "dropped", &["reason", "n"], rows).await;
    system.until_totals(&key, [2, 4]).await;

    // It is remembered by more than memory.
    system.stop_edge("KILL");
    system.start_edge().await;
    assert_eq!(held(&system, FIREFOX).await, left);
    let body = view("/d");
    let answer = system.post(body, &[("user-agent", FIREFOX)]).await;
    assert_eq!(answer.headers()["x-dayfly-dropped"], "opted_out");
    system.view("somebody else", "/d").await;
    system.until_totals(&key, [2, 5]).await;
}

#[tokio::test]
async fn one_site_may_be_told_to_forget_and_another_not() {
    let mut system = System::aggregator_alone_with(Options::default()).await;
    system.dayfly(&["site", "add", "b.example"]);
    system.start_edge().await;
    let body = json!({"n": "pageview", "u": "https://a.example/", "d": "a.example,b.example"});
    let send = async || {
        let answer = system
            .post(body.to_string(), &[("user-agent", FIREFOX)])
            .await;
        let header = |name| Some(answer.headers().get(name)?.to_str().unwrap().to_owned());
        (header("x-plausible-dropped"), header("x-dayfly-dropped"))
    };
    assert_eq!(send().await, (None, None));
    json_of(ask(&system, Method::DELETE, "?site=a.example", FIREFOX)).await;
    let told = send().await;
    assert_eq!(told, (Some("1".to_owned()), Some("opted_out".to_owned())));
    let both = json_of(ask(&system, Method::GET, "", FIREFOX)).await;
    let sites = &both["sites"];
    assert_eq!(
        (&sites[0]["site"], &sites[1]["site"]),
        (&json!(SITE), &json!("b.example"))
    );
    assert_eq!(sites[0]["held"]["ignored_today"], true);
    assert_eq!(sites[1]["held"]["events"], 2);
    json_of(ask(&system, Method::DELETE, "", FIREFOX)).await;
    assert_eq!(send().await.0, Some("2".to_owned()));
    let rows = vec![json!([SITE, 2]), json!(["b.example", 1])];
    until_stored(&system, "dropped", &["domain", "n"], rows).await;
}

#[tokio::test]
async fn only_the_page_itself_may_send_its_form() {
    let system = System::start().await;
    system.view(FIREFOX, "/a").await;
    let before = held(&system, FIREFOX).await;
    let origin = system.edge_url("");
    let longer = format!("{origin}0");
    for method in [Method::POST, Method::DELETE] {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", &longer)],
            &[("origin", "http://127.0.0.1")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", &origin)],
        ] {
            let request = ask(&system, method.clone(), "", FIREFOX).header("accept", HTML);
            let request = headers
                .iter()
                .fold(request, |r, (name, value)| r.header(*name, *value));
            let answer = answer(request).await;
            assert_eq!(
                answer.status(),
                StatusCode::FORBIDDEN,
                "{method} {headers:?}"
            );
        }
    }
    for method in [Method::OPTIONS, Method::PUT, Method::PATCH] {
        let request = ask(&system, method, "", FIREFOX).header("origin", "https://evil.example");
        let request = request.header("access-control-request-method", "DELETE");
        let answer = answer(request).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "GET, HEAD, DELETE, POST");
    }
    assert_eq!(
        held(&system, FIREFOX).await,
        before,
        "nothing of all that did anything"
    );
    system.view(FIREFOX, "/b").await;

    for (user_agent, headers) in [
        (
            FIREFOX,
            &[
                ("origin", origin.as_str()),
                ("sec-fetch-site", "same-origin"),
            ][..],
        ),
        ("older browser", &[("origin", origin.as_str())]),
        ("typed in", &[("sec-fetch-site", "none")]),
        ("program", &[]),
    ] {
        let form = ask(&system, Method::POST, "?site=a.example", user_agent).header("accept", HTML);
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        let form = headers
            .iter()
            .fold(form, |r, (name, value)| r.header(*name, *value));
        let answer = answer(form).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let page = answer.text().await.unwrap();
        assert!(
            page.contains("not counted for the rest of the day"),
            "{page}"
        );
        assert_eq!(held(&system, user_agent).await["ignored_today"], true);
    }
}

#[tokio::test]
async fn so_many_sites_and_so_many_questions() {
    let mut system = System::aggregator_alone_with(Options::default()).await;
    let site = |n: usize| format!("s{n}.example");
    for n in 2..=20 {
        system.dayfly(&["site", "add", &site(n)]);
    }
    system.start_edge().await;
    early_in_a_minute().await;
    let all = json_of(ask(&system, Method::GET, "", FIREFOX)).await;
    assert_eq!(all["sites"].as_array().unwrap().len(), 20);
    let twenty: Vec<String> = (2..=21).map(site).collect();
    let query = format!("?site={}", twenty.join(","));
    let known = json_of(ask(&system, Method::GET, &query, FIREFOX)).await;
    assert_eq!(known["sites"].as_array().unwrap().len(), 19);
    let mut asked = 2;
    for method in [Method::GET, Method::DELETE] {
        let query = format!("{query},a.example");
        let answer = answer(ask(&system, method, &query, FIREFOX)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let told: Value = answer.json().await.unwrap();
        assert!(
            told["error"].as_str().unwrap().contains("at most 20"),
            "{told}"
        );
        asked += 1;
    }
    // Questions are counted with the events of their address.
    for _ in asked..299 {
        json_of(ask(&system, Method::GET, "?site=a.example", FIREFOX)).await;
    }
    system.view(FIREFOX, "/").await;
    for method in [Method::GET, Method::DELETE, Method::POST] {
        let answer = answer(ask(&system, method, "", FIREFOX)).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "60");
    }
    let late = system.post(view("/"), &[("user-agent", FIREFOX)]).await;
    assert_eq!(late.headers()["x-dayfly-dropped"], "throttled");

    // With one site more there are too many to ask all of them.
    system.dayfly(&["site", "add", &site(21)]);
    system.stop_edge("TERM");
    system.start_edge().await;
    let many = answer(ask(&system, Method::GET, "", FIREFOX)).await;
    assert_eq!(many.status(), StatusCode::BAD_REQUEST);
    json_of(ask(&system, Method::GET, "?site=s21.example", FIREFOX)).await;
}
