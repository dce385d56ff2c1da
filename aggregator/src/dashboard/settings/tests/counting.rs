//! What is counted, and what is not: goals, funnels, properties, shields.

use serde_json::json;
use shared::settings::GoalKind;

use super::*;

on_both_engines!(
    goals_are_added_and_removed,
    a_goal_is_renamed_and_what_names_it_follows,
    funnels_are_made_of_goals,
    properties_are_named_to_be_shown,
    shields_are_added_and_removed,
    what_is_full_says_so,
);

async fn goals_are_added_and_removed(place: Place) {
    let web = owned(&place).await;
    web.role("ed@example.com", "a.example", Role::Editor).await;
    let browser = web.logged_in("ed@example.com").await;
    let path = format!("{A}/settings/goals");
    for (fields, name, what) in [
        (
            vec![("kind", "event"), ("event", " Signup ")],
            "Signup",
            "event Signup",
        ),
        (
            // What belongs to another kind is left out.
            vec![
                ("kind", "page"),
                ("page", "/blog/*"),
                ("event", "x"),
                ("percent", "y"),
            ],
            "Visit /blog/*",
            "view of /blog/*",
        ),
        (
            vec![
                ("kind", "scroll"),
                ("page", "/a"),
                ("percent", "75"),
                ("name", "Read"),
            ],
            "Read",
            "75 % of /a scrolled",
        ),
    ] {
        let shown = done(&browser, &path, &fields).await;
        let line = format!(r#"<b>{name}</b> <span class="hint">{what}</span>"#);
        assert!(shown.html.contains(&line), "{line}: {}", shown.html);
        assert!(shown.html.contains("The goal is added."));
    }
    let site = id(&web, "a.example").await;
    let goals = web.app.store.goals(site).await.unwrap();
    let scroll = GoalKind::Scroll {
        path: "/a".into(),
        percent: 75,
    };
    assert_eq!(goals[2].goal.kind, scroll);
    let long = "x".repeat(121);
    refuses(
        &browser,
        &path,
        &[
            (
                &[("kind", "event"), ("event", "")],
                "Event: an event&#39;s name has 1 to 120 characters.",
            ),
            (
                &[("kind", "event"), ("event", "Signup")],
                "Event: the same goal twice.",
            ),
            (
                &[("kind", "event"), ("event", "pageview")],
                "Event: for page views make a page goal.",
            ),
            (
                &[("kind", "page"), ("page", "blog")],
                "does not begin with a slash",
            ),
            (&[("kind", "page"), ("page", "")], "Page: "),
            (
                &[("kind", "scroll"), ("page", "/a"), ("percent", "0")],
                "How far: a whole number from 1 to 100.",
            ),
            (
                &[("kind", "scroll"), ("page", "/a"), ("percent", "")],
                "How far: a whole number from 1 to 100.",
            ),
            (
                &[("kind", "scroll"), ("page", "a"), ("percent", "9")],
                "Page: ",
            ),
            (
                &[("kind", "event"), ("event", "B"), ("name", "Read")],
                "Name: there is a goal",
            ),
            (
                &[("kind", "event"), ("event", "B"), ("name", &long)],
                "Name: a name has 1 to 120 characters.",
            ),
            (
                &[("kind", "x"), ("event", "B")],
                "kind: there are event, page and scroll",
            ),
        ],
    )
    .await;
    let remove = format!("{path}/remove");
    let shown = done(&browser, &remove, &[("id", "1")]).await;
    assert!(!shown.html.contains("<b>Signup</b>"));
    assert!(shown.html.contains("The goal is removed."));
    for id in ["1", "99", "-1"] {
        assert_eq!(browser.post(&remove, &[("id", id)]).await.status, 404);
    }
    // A step of a funnel stays.
    let funnel = web.app.store.add_funnel(site, "Reading", vec![2, 3]);
    funnel.await.unwrap();
    let page = browser.get(&path).await;
    assert!(page.html.contains("a step of Reading: remove that first"));
    let used = browser.post(&remove, &[("id", "2")]).await;
    assert_eq!(used.status, 400);
    assert!(used.problem().starts_with("Goal 2 is a step of funnel 1"));
}

async fn a_goal_is_renamed_and_what_names_it_follows(place: Place) {
    let web = owned(&place).await;
    web.role("ed@example.com", "a.example", Role::Editor).await;
    let browser = web.logged_in("ed@example.com").await;
    let (store, site) = (&web.app.store, id(&web, "a.example").await);
    for name in ["Signup", "Order"] {
        let kind = GoalKind::Event { name: name.into() };
        store.add_goal(site, kind, None).await.unwrap();
    }
    // What has a goal counted: of the number 1, which is Signup's.
    let mut batch = crate::store::tests::batch(site, 1);
    batch.strings.push("1".to_owned());
    let number = batch.strings.len() as u64 - 1;
    for row in &mut batch.goals {
        row[1] = number;
    }
    let applied = store.apply_batch(&batch, [1; 32], NOON_MS).await;
    applied.unwrap();
    let by_goal = async || browser.get(&format!("{A}/list/goal.csv")).await.html;
    let before = by_goal().await;
    assert!(before.contains("\nSignup,"), "{before}");
    let of = |name: &str| {
        json!([
            ["is", "event:goal", [name]],
            ["contains", "event:goal", ["Sign"], {"case_sensitive": false}],
            ["is", "event:page", ["Signup"]],
            ["not", ["is_not", "event:goal", [name, "Order"]]]
        ])
    };
    let filters = of("Signup");
    let saved = store.add_saved_segment(site, None, "Signed", &filters);
    saved.await.unwrap();
    let path = format!("{A}/settings/goals/rename");
    let long = "x".repeat(121);
    refuses(
        &browser,
        &path,
        &[
            (
                &[("id", "1"), ("new_name", "Order")],
                "Name: there is a goal &#34;Order&#34; already.",
            ),
            (
                &[("id", "1"), ("new_name", " ")],
                "Name: a name has 1 to 120 characters.",
            ),
            (
                &[("id", "1"), ("new_name", &long)],
                "Name: a name has 1 to 120 characters.",
            ),
            (
                &[("id", "1"), ("new_name", "a\u{7}")],
                "Name: a control character.",
            ),
            (&[("id", "x"), ("new_name", "A")], "id: that is no number"),
            (&[("id", "1"), ("name", "A")], "name: unknown field"),
        ],
    )
    .await;
    let none = [("id", "99"), ("new_name", "A")];
    assert_eq!(browser.post(&path, &none).await.status, 404);
    // To what it is called already, then to another.
    for name in ["Signup", "Signed up"] {
        let shown = done(&browser, &path, &[("id", "1"), ("new_name", name)]).await;
        let line = format!(r#"<b>{name}</b> <span class="hint">event Signup</span>"#);
        assert!(shown.html.contains(&line), "{}", shown.html);
        assert!(shown.html.contains("The goal has another name."));
    }
    let after = by_goal().await;
    assert_eq!(after, before.replace("\nSignup,", "\nSigned up,"));
    let [segment] = store
        .saved_segments(site, None)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(segment.filters, of("Signed up"));
    // What the edge counts by is what it was.
    let goals = store.goals(site).await.unwrap();
    let kind = GoalKind::Event {
        name: "Signup".into(),
    };
    assert_eq!((goals[0].goal.id, &goals[0].goal.kind), (1, &kind));
}

async fn funnels_are_made_of_goals(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/funnels");
    let none = browser.get(&path).await;
    assert!(none.html.contains("Add goals first"), "{}", none.html);
    let site = id(&web, "a.example").await;
    for name in ["See", "Buy"] {
        let kind = GoalKind::Event { name: name.into() };
        web.app.store.add_goal(site, kind, None).await.unwrap();
    }
    // A step that is left out is no step.
    let fields = [
        ("name", "Buying"),
        ("step1", "1"),
        ("step2", ""),
        ("step3", "2"),
    ];
    let shown = done(&browser, &path, &fields).await;
    assert!(
        shown.html.contains(
            r#"<b>Buying</b> <span class="hint steps"><span>See</span><span>Buy</span></span>"#
        ),
        "{}",
        shown.html
    );
    let eight = super::super::funnels::STEPS.map(|step| (step, "1"));
    let fields = [&[("name", "Long")][..], &eight].concat();
    done(&browser, &path, &fields).await;
    refuses(
        &browser,
        &path,
        &[
            (
                &[("name", ""), ("step1", "1"), ("step2", "2")],
                "Name: a name has 1 to 120 characters.",
            ),
            (
                &[("name", "Buying"), ("step1", "1"), ("step2", "2")],
                "Name: there is a funnel",
            ),
            (
                &[("name", "F"), ("step1", "1")],
                "Steps: a funnel has 2 to 8 steps.",
            ),
            (
                &[("name", "F"), ("step1", "x")],
                "step1: that is no number of a goal",
            ),
            (&[("name", "F"), ("step9", "1")], "step9: unknown field"),
        ],
    )
    .await;
    // No choice of ours.
    let fields = [("name", "F"), ("step1", "1"), ("step2", "9")];
    let unknown = browser.post(&path, &fields).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.problem()),
        (400, "Steps: a step is not a goal of the site.")
    );
    let remove = format!("{path}/remove");
    let shown = done(&browser, &remove, &[("id", "1")]).await;
    assert!(!shown.html.contains("<b>Buying</b>"));
    assert_eq!(browser.post(&remove, &[("id", "1")]).await.status, 404);
}

async fn properties_are_named_to_be_shown(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/properties");
    let none = browser.get(&path).await;
    assert!(none.html.contains("every property is shown"));
    let shown = done(&browser, &path, &[("property", " plan ")]).await;
    assert!(shown.html.contains("<b>plan</b>"), "{}", shown.html);
    let site = id(&web, "a.example").await;
    assert_eq!(web.app.store.props(site).await.unwrap(), ["plan"]);
    let long = "x".repeat(301);
    refuses(
        &browser,
        &path,
        &[
            (&[("property", " ")], "Property: a name has 1 to 300 bytes."),
            (
                &[("property", &long)],
                "Property: a name has 1 to 300 bytes.",
            ),
            (&[("property", "a\tb")], "Property: a control character."),
        ],
    )
    .await;
    let remove = format!("{path}/remove");
    let shown = done(&browser, &remove, &[("property", "plan")]).await;
    assert!(!shown.html.contains("<b>plan</b>"));
    let again = browser.post(&remove, &[("property", "plan")]).await;
    assert_eq!(again.status, 404);
}

async fn shields_are_added_and_removed(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/shields");
    for (kind, value, label) in [
        ("host", "WWW.a.example", "a.example"),
        ("page", "/admin/**", "/admin/**"),
        ("country", "de", "Germany"),
        ("network", "192.0.2.0/24", "192.0.2.0/24"),
    ] {
        let fields = [("kind", kind), ("value", value)];
        let shown = done(&browser, &path, &fields).await;
        assert!(shown.html.contains(&format!("<b>{label}</b>")), "{label}");
        refuses(&browser, &path, &[(&fields, "is shielded already.")]).await;
    }
    refuses(
        &browser,
        &path,
        &[
            (&[("kind", "host"), ("value", "")], "Host: "),
            (&[("kind", "page"), ("value", "admin")], "Page: "),
            (
                &[("kind", "network"), ("value", "192.0.2.0/33")],
                "Address or network: ",
            ),
            (
                &[("kind", "x"), ("value", "y")],
                "kind: there are host, page, country and network",
            ),
        ],
    )
    .await;
    let unknown = browser
        .post(&path, &[("kind", "country"), ("value", "Germany")])
        .await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.problem().starts_with("Country: "));
    let remove = format!("{path}/remove");
    let fields = [("kind", "country"), ("value", "DE")];
    let shown = done(&browser, &remove, &fields).await;
    assert!(!shown.html.contains("<b>Germany</b>"));
    assert_eq!(browser.post(&remove, &fields).await.status, 404);
    let site = id(&web, "a.example").await;
    let shields = web.app.store.settings_of(site).await.unwrap().shields;
    assert_eq!(shields.hosts, ["a.example"]);
    assert!(shields.countries.is_empty());
}

async fn what_is_full_says_so(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let site = id(&web, "a.example").await;
    let store = &web.app.store;
    for n in 0..100 {
        let name = format!("E{n}");
        store
            .add_goal(site, GoalKind::Event { name }, None)
            .await
            .unwrap();
    }
    for n in 0..20 {
        let name = format!("F{n}");
        store.add_funnel(site, &name, vec![1, 2]).await.unwrap();
    }
    for (path, says) in [
        (
            "goals",
            "There are 100 goals, which is as many as there can be.",
        ),
        (
            "funnels",
            "There are 20 funnels, which is as many as there can be.",
        ),
    ] {
        let page = browser.get(&format!("{A}/settings/{path}")).await;
        assert!(page.html.contains(says), "{path}");
    }
    // Whoever sends all the same.
    let fields = [("kind", "event"), ("event", "late")];
    let refused = browser.post(&format!("{A}/settings/goals"), &fields).await;
    assert_eq!(refused.status, 400);
    let fields = [("name", "late"), ("step1", "1"), ("step2", "2")];
    let refused = browser
        .post(&format!("{A}/settings/funnels"), &fields)
        .await;
    assert_eq!(refused.status, 400);
}
