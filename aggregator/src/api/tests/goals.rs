//! Goals, funnels and shown properties.

use super::*;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    goals_are_found_or_made_listed_and_removed,
    a_goal_gets_another_name_by_its_number,
    funnels_are_found_or_made_listed_and_removed,
    properties_are_named_listed_and_removed,
    what_is_wrong_with_a_goal_is_named_by_its_field,
    the_same_goal_asked_for_at_once_is_made_once,
);

const GOALS: &str = "/api/v1/sites/goals";
const FUNNELS: &str = "/api/v1/sites/funnels";
const PROPS: &str = "/api/v1/sites/custom-props";

fn of_site(body: Value) -> Value {
    let mut body = body;
    body["site_id"] = json!("a.example");
    body
}

fn event(name: &str) -> Value {
    of_site(json!({"goal_type": "event", "event_name": name}))
}

async fn a_goal_gets_another_name_by_its_number(place: Place) {
    let api = Api::start(&place).await;
    for name in ["Signup", "Order"] {
        api.done("PUT", GOALS, event(name)).await;
    }
    let named = |name: &str| of_site(json!({"display_name": name}));
    let one = format!("{GOALS}/1");
    let renamed = json!({
        "domain": "a.example", "id": "1", "display_name": "Signed up", "goal_type": "event",
        "event_name": "Signup", "page_path": null,
    });
    assert_eq!(api.done("PUT", &one, named(" Signed up ")).await, renamed);
    assert_eq!(api.done("PUT", GOALS, event("Signup")).await, renamed);
    let long = "x".repeat(121);
    for (path, body, status, says) in [
        (&one, named("Order"), 400, "display_name: there is a goal"),
        (&one, named(""), 400, "display_name: "),
        (&one, named(&long), 400, "display_name: a name has 1 to 120"),
        (&one, of_site(json!({})), 400, "display_name: "),
        (&one, json!({"display_name": "A"}), 400, "site_id: "),
        (
            &one,
            of_site(json!({"display_name": "A", "event_name": "B"})),
            400,
            "event_name: ",
        ),
        (
            &one,
            json!({"display_name": "A", "site_id": "b.example"}),
            404,
            "there is no such goal",
        ),
        (
            &format!("{GOALS}/9"),
            named("A"),
            404,
            "there is no such goal",
        ),
    ] {
        api.refused("PUT", path, body, status, says).await;
    }
}

async fn goals_are_found_or_made_listed_and_removed(place: Place) {
    let api = Api::start(&place).await;
    let signup = json!({
        "domain": "a.example", "id": "1", "display_name": "Signup", "goal_type": "event",
        "event_name": "Signup", "page_path": null,
    });
    for _ in 0..2 {
        assert_eq!(api.done("PUT", GOALS, event("Signup")).await, signup);
    }
    // Found as it is, whatever it is to be called now.
    let mut renamed = event(" Signup ");
    renamed["display_name"] = json!("Other");
    assert_eq!(api.done("PUT", GOALS, renamed).await, signup);
    let form = "site_id=a.example&goal_type=page&page_path=%2Fregister";
    let page = api.send(&api.key, "PUT", GOALS, form.into()).await.body;
    assert_eq!(
        (&page["id"], &page["display_name"]),
        (&json!("2"), &json!("Visit /register"))
    );
    let scroll = of_site(json!({
        "goal_type": "scroll", "page_path": "/blog/*", "scroll_threshold": 75,
        "display_name": "Read",
    }));
    let scroll = api.done("PUT", GOALS, scroll).await;
    assert_eq!(scroll["scroll_threshold"], 75);
    let list = async |query: &str| {
        let path = format!("{GOALS}?site_id=a.example{query}");
        api.done("GET", &path, Value::Null).await
    };
    let without_domain = |goal: &Value| {
        let mut goal = goal.clone();
        goal.as_object_mut().unwrap().remove("domain");
        goal
    };
    let all = json!({
        "goals": [without_domain(&signup), without_domain(&page), without_domain(&scroll)],
        "meta": {"after": null, "before": null, "limit": 100},
    });
    assert_eq!(list("").await, all);
    let middle = list("&limit=1&after=1").await;
    assert_eq!(middle["goals"], json!([without_domain(&page)]));
    assert_eq!(
        middle["meta"],
        json!({"after": "2", "before": "2", "limit": 1})
    );
    // Other sites have goals of their own.
    let other = api
        .done("GET", &format!("{GOALS}?site_id=b.example"), Value::Null)
        .await;
    assert_eq!(other["goals"], json!([]));
    let of_b = json!({"site_id": "b.example"});
    api.refused(
        "DELETE",
        &format!("{GOALS}/2"),
        of_b,
        404,
        "there is no such goal",
    )
    .await;

    let removed = api
        .done(
            "DELETE",
            &format!("{GOALS}/2?site_id=a.example"),
            Value::Null,
        )
        .await;
    assert_eq!(removed, json!({"deleted": "true"}));
    for id in ["2", "9", "x", "02"] {
        let path = format!("{GOALS}/{id}");
        api.refused(
            "DELETE",
            &path,
            of_site(json!({})),
            404,
            "there is no such goal",
        )
        .await;
    }
    let next = api.done("PUT", GOALS, event("Next")).await;
    assert_eq!(next["id"], "4", "a number is never given again");
}

async fn funnels_are_found_or_made_listed_and_removed(place: Place) {
    let api = Api::start(&place).await;
    for name in ["A", "B"] {
        api.done("PUT", GOALS, event(name)).await;
    }
    let buy = json!({"domain": "a.example", "id": "1", "name": "Buy", "steps": ["2", "1"]});
    for steps in [json!([2, 1]), json!(["2", "1"]), json!("2, 1")] {
        let body = of_site(json!({"name": "Buy", "steps": steps}));
        assert_eq!(api.done("PUT", FUNNELS, body).await, buy);
    }
    let path = format!("{FUNNELS}?site_id=a.example");
    let listed = api.done("GET", &path, Value::Null).await;
    assert_eq!(
        listed["funnels"],
        json!([{"id": "1", "name": "Buy", "steps": ["2", "1"]}])
    );
    for (body, begins) in [
        (json!({"steps": [1, 2]}), "name: is required"),
        (
            json!({"name": "Buy", "steps": [1, 2]}),
            "name: there is a funnel \"Buy\" already",
        ),
        (
            json!({"name": "a\tb", "steps": [1, 2]}),
            "name: a control character",
        ),
        (json!({"name": "F"}), "steps: is required"),
        (
            json!({"name": "F", "steps": [1]}),
            "steps: 2 to 8 numbers of goals",
        ),
        (json!({"name": "F", "steps": vec![1; 9]}), "steps: "),
        (json!({"name": "F", "steps": [1, "x"]}), "steps: "),
        (json!({"name": "F", "steps": "1;2"}), "steps: "),
        (json!({"name": "F", "steps": {}}), "steps: "),
        (
            json!({"name": "F", "steps": [1, 9]}),
            "steps: a step is not a goal of the site",
        ),
        (
            json!({"name": "F", "steps": [1, 2], "x": 1}),
            "x: unknown parameter",
        ),
    ] {
        api.refused("PUT", FUNNELS, of_site(body), 400, begins)
            .await;
    }
    let no_site = json!({"name": "F", "steps": [1, 2]});
    api.refused("PUT", FUNNELS, no_site, 400, "site_id: is required")
        .await;
    api.refused(
        "GET",
        &format!("{path}&after=x"),
        Value::Null,
        400,
        "after: is no cursor",
    )
    .await;
    let goal = format!("{GOALS}/2");
    api.refused(
        "DELETE",
        &goal,
        of_site(json!({})),
        400,
        "goal_id: goal 2 is a step of funnel 1",
    )
    .await;
    for id in ["2", "x"] {
        let path = format!("{FUNNELS}/{id}");
        api.refused(
            "DELETE",
            &path,
            of_site(json!({})),
            404,
            "there is no such funnel",
        )
        .await;
    }
    let one = format!("{FUNNELS}/1");
    assert_eq!(
        api.done("DELETE", &one, of_site(json!({}))).await,
        json!({"deleted": "true"})
    );
    api.done("DELETE", &goal, of_site(json!({}))).await;
}

async fn properties_are_named_listed_and_removed(place: Place) {
    let api = Api::start(&place).await;
    let name = async |property: &str| {
        let body = of_site(json!({"property": property}));
        let made = api.done("PUT", PROPS, body).await;
        assert_eq!(made, json!({"created": true}));
    };
    for property in ["title", "author", " title ", "a/b"] {
        name(property).await;
    }
    let path = format!("{PROPS}?site_id=a.example");
    let listed = api.done("GET", &path, Value::Null).await;
    let named = |name: &str| json!({"property": name});
    assert_eq!(
        listed,
        json!({"custom_properties": [named("a/b"), named("author"), named("title")]})
    );
    let site = api.app.store.site("a.example").await.unwrap().unwrap();
    assert_eq!(
        api.app.store.props(site.id).await.unwrap(),
        ["a/b", "author", "title"]
    );
    let shown = api
        .done("GET", "/api/v1/sites/a.example", Value::Null)
        .await;
    assert_eq!(
        shown["custom_properties"],
        json!(["a/b", "author", "title"])
    );
    let other = api
        .done("GET", &format!("{PROPS}?site_id=b.example"), Value::Null)
        .await;
    assert_eq!(other["custom_properties"], json!([]));

    let removed = api
        .done("DELETE", &format!("{PROPS}/a%2Fb"), of_site(json!({})))
        .await;
    assert_eq!(removed, json!({"deleted": true}));
    for property in ["a%2Fb", "Title", "no"] {
        let path = format!("{PROPS}/{property}");
        api.refused(
            "DELETE",
            &path,
            of_site(json!({})),
            404,
            "there is no such property",
        )
        .await;
    }
    let bad = format!("{PROPS}/%FF");
    api.refused(
        "DELETE",
        &bad,
        of_site(json!({})),
        400,
        "property: is not UTF-8",
    )
    .await;
    let long = "x".repeat(301);
    for (body, begins) in [
        (json!({}), "property: is required"),
        (json!({"property": " "}), "property: is required"),
        (
            json!({"property": long}),
            "property: a name has 1 to 300 bytes",
        ),
        (
            json!({"property": "a\u{7}b"}),
            "property: a control character",
        ),
        (json!({"property": ["a"]}), "property: must be a string"),
        (json!({"property": "a", "x": 1}), "x: unknown parameter"),
    ] {
        api.refused("PUT", PROPS, of_site(body), 400, begins).await;
    }
    for n in 2..300 {
        api.app
            .store
            .show_prop(site.id, &format!("p{n}"))
            .await
            .unwrap();
    }
    name("p2").await;
    let more = of_site(json!({"property": "more"}));
    api.refused("PUT", PROPS, more, 400, "property: more than 300")
        .await;
}

async fn what_is_wrong_with_a_goal_is_named_by_its_field(place: Place) {
    let api = Api::start(&place).await;
    api.done("PUT", GOALS, event("Taken")).await;
    let page = |path: &str| json!({"goal_type": "page", "page_path": path});
    let scroll = |percent: Value| json!({"goal_type": "scroll", "page_path": "/", "scroll_threshold": percent});
    for (body, begins) in [
        (json!({}), "goal_type: is required"),
        (
            json!({"goal_type": "revenue"}),
            "goal_type: must be one of event, page, scroll",
        ),
        (json!({"goal_type": "event"}), "event_name: is required"),
        (
            json!({"goal_type": "event", "event_name": "x".repeat(121)}),
            "event_name: ",
        ),
        (
            json!({"goal_type": "event", "event_name": "pageview"}),
            "event_name: ",
        ),
        (
            json!({"goal_type": "event", "event_name": "A", "page_path": "/"}),
            "page_path: is not of this goal_type",
        ),
        (json!({"goal_type": "page"}), "page_path: is required"),
        (page("thanks"), "page_path: "),
        (page(&format!("/{}", "x".repeat(200))), "page_path: "),
        (
            json!({"goal_type": "scroll", "page_path": "/"}),
            "scroll_threshold: is required",
        ),
        (
            scroll(json!(0)),
            "scroll_threshold: must be a whole number from 1 to 100",
        ),
        (scroll(json!(101)), "scroll_threshold: "),
        (scroll(json!(1.5)), "scroll_threshold: "),
        (
            json!({"goal_type": "event", "event_name": "A", "display_name": "Taken"}),
            "display_name: there is a goal",
        ),
        (
            json!({"goal_type": "event", "event_name": "A", "display_name": ""}),
            "display_name: a name has",
        ),
        (
            json!({"goal_type": "event", "event_name": "A", "currency": "EUR"}),
            "currency: unknown parameter",
        ),
    ] {
        api.refused("PUT", GOALS, of_site(body), 400, begins).await;
    }
    for (path, body, status, begins) in [
        (
            GOALS,
            json!({"goal_type": "event", "event_name": "A"}),
            400,
            "site_id: is required",
        ),
        (
            GOALS,
            json!({"goal_type": "event", "event_name": "A", "site_id": 7}),
            400,
            "site_id: must be a string",
        ),
        (
            GOALS,
            json!({"goal_type": "event", "event_name": "A", "site_id": "x y"}),
            400,
            "site_id: ",
        ),
        (
            GOALS,
            json!({"goal_type": "event", "event_name": "A", "site_id": "no.example"}),
            404,
            "there is no site no.example",
        ),
        (
            PROPS,
            json!({"property": "p", "site_id": "no.example"}),
            404,
            "there is no site no.example",
        ),
    ] {
        api.refused("PUT", path, body, status, begins).await;
    }
    for path in [GOALS, FUNNELS, PROPS] {
        api.refused("GET", path, Value::Null, 400, "site_id: is required")
            .await;
        api.refused(
            "GET",
            &format!("{path}?site_id=no.example"),
            Value::Null,
            404,
            "there is no site",
        )
        .await;
        api.refused(
            "DELETE",
            &format!("{path}/1"),
            Value::Null,
            400,
            "site_id: is required",
        )
        .await;
    }
    for n in 1..100 {
        api.done("PUT", GOALS, event(&format!("E{n}"))).await;
    }
    api.refused("PUT", GOALS, event("E100"), 400, "goals: more than 100")
        .await;
}

async fn the_same_goal_asked_for_at_once_is_made_once(place: Place) {
    let api = Api::start(&place).await;
    let asked = (0..8).map(|_| api.done("PUT", GOALS, event("Once")));
    let goals = futures_util::future::join_all(asked).await;
    assert!(goals.iter().all(|goal| goal["id"] == "1"), "{goals:?}");
}
