//! What an event may say (COMPAT.md, section 1), from the body of `POST /api/event` to the rows
//! in the aggregator's database: fields, properties, revenue, sites, engagement.

use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::stored::{stored, until_stored};
use crate::system::{SITE, System};

const HOME: &str = "https://a.example/";

/// Posts an event that must be taken; gives the answer.
async fn send(system: &System, user_agent: &str, event: Value) -> Response {
    let answer = system
        .post(event.to_string(), &[("user-agent", user_agent)])
        .await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{event}");
    answer
}

/// Posts an event that must be counted, without anything to tell of it.
pub async fn count(system: &System, user_agent: &str, event: Value) {
    let answer = send(system, user_agent, event.clone()).await;
    for header in [
        "x-dayfly-dropped",
        "x-plausible-dropped",
        "x-dayfly-warning",
    ] {
        assert_eq!(answer.headers().get(header), None, "{event}");
    }
}

#[tokio::test]
async fn long_and_short_keys_say_the_same() {
    let system = System::start().await;
    let long = json!({
        "name": "Signup", "url": "https://www.a.example/x?y=1#z", "domain": "www.A.example",
        "referrer": "https://www.google.com/", "props": {"plan": "pro"},
        "revenue": {"currency": "EUR", "amount": "12.345"}, "interactive": true, "hashMode": 0,
    });
    let short = json!({
        "n": "Signup", "u": "https://a.example/x", "d": SITE, "r": "https://www.google.com/",
        "p": {"plan": "pro"}, "$": {"currency": "EUR", "amount": 0.5}, "i": true, "h": 0, "v": 7,
    });
    count(&system, "long", long).await;
    count(&system, "short", short).await;
    // A name may be a number, and that of a missing page knows the page.
    count(
        &system,
        "long",
        json!({"n": 404, "u": "https://a.example/gone"}),
    )
    .await;
    let columns = ["name", "page", "source", "events", "day_event_visitors"];
    let rows = vec![
        json!(["404", "/gone", "Google", 1, 1]),
        json!(["Signup", "/x", "Google", 2, 2]),
    ];
    until_stored(&system, "events", &columns, rows).await;
    let columns = ["name", "key", "value", "prop_events", "day_prop_visitors"];
    let rows = vec![
        json!(["404", "path", "/gone", 1, 1]),
        json!(["Signup", "plan", "pro", 2, 2]),
    ];
    until_stored(&system, "props", &columns, rows).await;
    let columns = ["name", "currency", "revenue_milli", "revenue_events"];
    let rows = vec![json!(["Signup", "EUR", 12_845, 2])];
    until_stored(&system, "revenue", &columns, rows).await;
}

#[tokio::test]
async fn revenue_that_is_not_valid_leaves_the_event() {
    let system = System::start().await;
    let revenues = [
        json!({"currency": "USD", "amount": 3}),
        json!({"currency": "EURO", "amount": 3}),
        json!({"currency": "EUR", "amount": "three"}),
        json!({"currency": "EUR"}),
        json!({"amount": 3}),
        json!("EUR 3"),
        json!(null),
    ];
    let n = revenues.len();
    for revenue in revenues {
        count(
            &system,
            "one",
            json!({"n": "Buy", "u": HOME, "revenue": revenue}),
        )
        .await;
    }
    let rows = vec![json!(["Buy", n])];
    until_stored(&system, "events", &["name", "events"], rows).await;
    let columns = ["name", "currency", "revenue_milli", "revenue_events"];
    let rows = vec![json!(["Buy", "USD", 3_000, 1])];
    until_stored(&system, "revenue", &columns, rows).await;
}

#[tokio::test]
async fn properties_in_every_form_and_which_of_them_wins() {
    let system = System::start().await;
    let forms = [
        json!({"n": "object", "props": {"k": "v"}}),
        json!({"n": "text", "props": "{\"k\":\"v\"}"}),
        json!({"n": "m", "m": {"k": "m"}, "meta": {"k": "2"}, "p": {"k": "3"}, "props": {"k": "4"}}),
        json!({"n": "meta", "meta": {"k": "meta"}, "p": {"k": "3"}, "props": {"k": "4"}}),
        json!({"n": "p", "p": "{\"k\":\"p\"}", "props": {"k": "4"}}),
        json!({"n": "scalars", "p": {"a": 1.5, "b": true, "c": " x\n", "": "x"}}),
        json!({"n": "not scalars", "p": {"a": [1], "b": {"c": 1}, "c": null, "d": " ", "e": "e"}}),
        json!({"n": "malformed", "p": "{\"k\":"}),
        json!({"n": "no object", "p": [1, 2]}),
        json!({"n": "pageview", "p": {"author": "Ada"}}),
        json!({"n": "engagement", "e": 1_000, "p": {"author": "Ada"}}),
    ];
    for mut event in forms {
        event["u"] = HOME.into();
        count(&system, "one", event).await;
    }
    let rows = [
        ["object", "k", "v"],
        ["text", "k", "v"],
        ["m", "k", "m"],
        ["meta", "k", "meta"],
        ["p", "k", "p"],
        ["scalars", "a", "1.5"],
        ["scalars", "b", "true"],
        ["scalars", "c", "x"],
        ["not scalars", "e", "e"],
        ["pageview", "author", "Ada"],
    ];
    let rows = rows.map(|[name, key, value]| json!([name, key, value, 1]));
    let columns = ["name", "key", "value", "prop_events"];
    until_stored(&system, "props", &columns, rows.to_vec()).await;
}

#[tokio::test]
async fn too_many_properties_are_left_out_and_told_too_long_ones_are_refused() {
    let system = System::start().await;
    let many: Map<String, Value> = (10..43).map(|n| (format!("k{n}"), n.into())).collect();
    let answer = send(
        &system,
        "one",
        json!({"n": "Many", "u": HOME, "p": many.clone()}),
    )
    .await;
    let headers = answer.headers();
    assert_eq!(headers["x-dayfly-warning"], "3 properties left out");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("x-dayfly-warning"));
    assert_eq!(headers.get("x-dayfly-dropped"), None);
    // Who is told that one is not counted is told this too.
    let event = json!({"n": "Many", "u": HOME, "p": many});
    let answer = send(&system, "raw:curl/8.5.0", event).await;
    let headers = answer.headers();
    assert_eq!(headers["x-dayfly-warning"], "3 properties left out");
    assert_eq!(headers["x-dayfly-dropped"], "bot");

    let longest = json!({"k".repeat(300): "v", "k": "v".repeat(2_000)});
    count(
        &system,
        "one",
        json!({"n": "Long", "u": HOME, "p": longest}),
    )
    .await;
    for props in [
        json!({"k".repeat(301): "v"}),
        json!({"k": "v".repeat(2_001)}),
        json!({"k": "ä".repeat(1_001)}),
    ] {
        let body = json!({"n": "Longer", "u": HOME, "props": props});
        let answer = system.post(body.to_string(), &[]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["errors"]["props"][0].is_string(), "{answer}");
    }
    let rows = vec![json!(["Long", 1]), json!(["Many", 1])];
    until_stored(&system, "events", &["name", "events"], rows).await;
    let rows = vec![json!(["Long", 2, 2]), json!(["Many", 30, 30])];
    let columns = ["name", "prop_events", "day_prop_visitors"];
    until_stored(&system, "props", &columns, rows).await;
    // The first thirty of the body are those that stay.
    let keys = stored(&system, "props", &["name", "key"]).await;
    assert!(keys.contains(&json!(["Many", "k39"])) && !keys.contains(&json!(["Many", "k40"])));
}

#[tokio::test]
async fn a_hash_is_part_of_the_page_only_where_it_is_asked_for() {
    let system = System::start().await;
    for mode in [json!(1), json!(0), json!(null)] {
        let url = "https://a.example/app?q=1#/inbox";
        count(
            &system,
            "one",
            json!({"n": "pageview", "u": url, "h": mode}),
        )
        .await;
    }
    let mode = json!({"n": "pageview", "u": "https://a.example#/inbox", "hashMode": 1});
    count(&system, "one", mode).await;
    // An app has no host of its own that would be a site; it names the site.
    let app = json!({"n": "pageview", "u": "app:///x", "d": SITE});
    count(&system, "one", app).await;
    let rows = vec![
        json!(["/#/inbox", 1]),
        json!(["/app", 2]),
        json!(["/app#/inbox", 1]),
        json!(["/x", 1]),
    ];
    until_stored(&system, "pages", &["page", "views"], rows).await;
    let hosts = stored(&system, "pages", &["host", "views"]).await;
    assert_eq!(hosts, [json!(["(none)", 1]), json!(["a.example", 4])]);
}

#[tokio::test]
async fn an_event_without_interaction_does_not_end_a_bounce() {
    let system = System::start().await;
    for (visitor, event) in [
        ("nothing", None),
        ("auto", Some(json!({"n": "Auto", "u": HOME, "i": false}))),
        (
            "long",
            Some(json!({"n": "Auto", "u": HOME, "interactive": false})),
        ),
        ("click", Some(json!({"n": "Click", "u": HOME}))),
        (
            "engaged",
            Some(json!({"n": "engagement", "u": HOME, "e": 60_000})),
        ),
        (
            "second",
            Some(json!({"n": "pageview", "u": "https://a.example/2"})),
        ),
    ] {
        count(&system, visitor, json!({"n": "pageview", "u": HOME})).await;
        if let Some(event) = event {
            count(&system, visitor, event).await;
        }
        // Being forgotten ends the visit; else it would end in half an hour.
        let forget = system.http.delete(system.edge_url("/me"));
        let forget = forget.header("user-agent", crate::system::agent(visitor));
        assert_eq!(forget.send().await.unwrap().status(), StatusCode::OK);
    }
    let columns = ["visits", "ended_visits", "bounces", "ended_views"];
    until_stored(&system, "visits", &columns, vec![json!([6, 6, 4, 7])]).await;
    let rows = vec![json!(["/", 5, 5]), json!(["/2", 1, 1])];
    until_stored(
        &system,
        "exits",
        &["page", "exits", "day_exit_page_visitors"],
        rows,
    )
    .await;
}

#[tokio::test]
async fn an_event_goes_to_every_site_it_names() {
    let system = System::start().await;
    system.dayfly(&["site", "add", "b.example"]);
    // The edge asks for a site it does not know when its copy is two seconds old.
    let known = async || {
        let body = json!({"n": "Known", "u": "https://b.example/"});
        let answer = system.post(body.to_string(), &[]).await;
        answer.headers().get("x-dayfly-dropped").is_none()
    };
    system.until("the second site is known", known).await;
    let domains = "a.example, www.B.example ,,unknown.example,a.example,also.unknown.example";
    let event = json!({"n": "pageview", "u": "https://shop.example/cart", "d": domains});
    let answer = send(&system, "one", event).await;
    assert_eq!(answer.headers()["x-plausible-dropped"], "2");
    assert_eq!(answer.headers()["x-dayfly-dropped"], "unknown_site");
    assert_eq!(answer.text().await.unwrap(), "ok");
    let row = |site: &str| json!([site, "shop.example", "/cart", 1, 1]);
    let columns = ["domain", "host", "page", "views", "day_page_visitors"];
    let rows = vec![row("a.example"), row("b.example")];
    until_stored(&system, "pages", &columns, rows).await;
    assert_eq!(
        stored(&system, "dropped", &["reason", "n"]).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn engagement_is_of_a_visit() {
    let system = System::start().await;
    let engaged = |sd: Value, e: Value| json!({"n": "engagement", "u": HOME, "sd": sd, "e": e});
    for _ in 0..2 {
        let answer = send(&system, "one", engaged(json!(50), json!(5_000))).await;
        assert_eq!(answer.headers()["x-plausible-dropped"], "1");
        let dropped = &answer.headers()["x-dayfly-dropped"];
        assert_eq!(dropped, "engagement_without_visit");
    }
    count(&system, "one", json!({"n": "pageview", "u": HOME})).await;
    count(&system, "one", engaged(json!(40), json!(3_000))).await;
    count(&system, "one", engaged(json!(250), json!(null))).await;
    count(&system, "one", engaged(json!("deep"), json!(2_000))).await;
    // Whose visit it is matters, not that there is one.
    let answer = send(&system, "two", engaged(json!(1), json!(1))).await;
    let dropped = &answer.headers()["x-dayfly-dropped"];
    assert_eq!(dropped, "engagement_without_visit");
    let columns = [
        "page",
        "views",
        "engaged_ms",
        "engaged_count",
        "scroll_sum",
        "scroll_count",
    ];
    let rows = vec![json!(["/", 1, 5_000, 2, 140, 2])];
    until_stored(&system, "pages", &columns, rows).await;
    let rows = vec![json!(["a.example", "engagement_without_visit", 3])];
    until_stored(&system, "dropped", &["domain", "reason", "n"], rows).await;
    assert_eq!(
        stored(&system, "events", &["name"]).await,
        Vec::<Value>::new()
    );
}
