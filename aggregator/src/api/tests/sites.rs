//! Sites: listed, made, changed, removed.

use super::*;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    sites_are_made_and_listed_by_pages,
    a_site_is_changed_and_keeps_its_number,
    a_former_domain_counts_for_three_days_and_is_nobody_elses,
    a_zone_can_be_changed_before_anything_is_counted,
    i12_a_site_removed_over_the_api_is_gone_with_its_keys,
    what_is_wrong_with_a_site_is_named_by_its_field,
);

const SITES: &str = "/api/v1/sites";

async fn sites_are_made_and_listed_by_pages(place: Place) {
    let api = Api::start(&place).await;
    let made = api
        .done("POST", SITES, json!({"domain": "www.C.example"}))
        .await;
    assert_eq!(
        made,
        json!({
            "domain": "c.example", "timezone": "Etc/UTC", "custom_properties": [],
            "gpc": "page-view", "dnt": "count", "clean_paths": true, "detail": "cross",
            "keep_months": 25,
            "shields": {"hosts": [], "pages": [], "countries": [], "networks": []},
        })
    );
    for (domain, timezone) in [("d.example", "asia/kathmandu"), ("e.example", "")] {
        let body = json!({"domain": domain, "timezone": timezone});
        api.done("POST", SITES, body).await;
    }
    assert_eq!(
        api.done("GET", &format!("{SITES}/www.c.example"), Value::Null)
            .await,
        made
    );
    let page = async |query: &str| {
        let body = api
            .done("GET", &format!("{SITES}{query}"), Value::Null)
            .await;
        let sites = body["sites"].as_array().unwrap().iter();
        let names: Vec<String> = sites
            .map(|site| site["domain"].as_str().unwrap()[..1].into())
            .collect();
        let meta = &body["meta"];
        (
            names.concat(),
            meta["before"].clone(),
            meta["after"].clone(),
            meta["limit"].clone(),
        )
    };
    let none = Value::Null;
    let of = |name: &str| json!(format!("{name}.example"));
    assert_eq!(
        page("").await,
        ("abcde".into(), none.clone(), none.clone(), json!(100))
    );
    assert_eq!(
        page("?limit=2").await,
        ("ab".into(), none.clone(), of("b"), json!(2))
    );
    assert_eq!(
        page("?limit=2&after=b.example").await,
        ("cd".into(), of("c"), of("d"), json!(2))
    );
    assert_eq!(
        page("?limit=2&after=d.example").await,
        ("e".into(), of("e"), none.clone(), json!(2))
    );
    assert_eq!(
        page("?limit=2&before=e.example").await,
        ("cd".into(), of("c"), of("d"), json!(2))
    );
    assert_eq!(
        page("?limit=2&before=c.example").await,
        ("ab".into(), none.clone(), of("b"), json!(2))
    );
    assert_eq!(
        page("?after=z.example").await,
        (String::new(), none.clone(), none, json!(100))
    );
    let body = api
        .done(
            "GET",
            &format!("{SITES}?limit=1&after=c.example"),
            Value::Null,
        )
        .await;
    assert_eq!(
        body["sites"],
        json!([{"domain": "d.example", "timezone": "Asia/Kathmandu"}])
    );
}

async fn a_site_is_changed_and_keeps_its_number(place: Place) {
    let api = Api::start(&place).await;
    let store = &api.app.store;
    let before = store.site("a.example").await.unwrap().unwrap();
    let of_site = api.key_of("a.example", Scope::Sites).await;
    let changes = json!({
        "domain": "new.example", "gpc": "drop", "dnt": "page-view", "clean_paths": false,
        "detail": "totals", "keep_months": 7,
        "shields": {"hosts": ["www.New.example"], "countries": ["de", "DE"]},
    });
    let changed = api
        .done("PUT", &format!("{SITES}/a.example"), changes.clone())
        .await;
    let mut expected = changes;
    expected["shields"] =
        json!({"hosts": ["new.example"], "pages": [], "countries": ["DE"], "networks": []});
    expected["timezone"] = json!("Europe/Berlin");
    expected["custom_properties"] = json!([]);
    assert_eq!(changed, expected);
    let after = store.site("new.example").await.unwrap().unwrap();
    assert_eq!(after.id, before.id);
    assert!(store.site("a.example").await.unwrap().is_none());
    // What is not named stays, also as a form; and the site's key opens it under its new name.
    let form = Body::from("keep_months=8&clean_paths=true");
    let path = format!("{SITES}/new.example");
    let answer = api.send(&of_site, "PUT", &path, form).await;
    expected["keep_months"] = json!(8);
    expected["clean_paths"] = json!(true);
    assert_eq!((answer.status.as_u16(), answer.body), (200, expected));
    // Of several changes of which one is refused none is made.
    let both = json!({"domain": "b.example", "gpc": "count"});
    api.refused("PUT", &path, both, 400, "domain: b.example is taken")
        .await;
    let both = json!({"domain": "c.example", "shields": {"pages": ["x"]}});
    api.refused("PUT", &path, both, 400, "shields.pages: ")
        .await;
    assert_eq!(api.done("GET", &path, Value::Null).await["gpc"], "drop");
}

async fn a_former_domain_counts_for_three_days_and_is_nobody_elses(place: Place) {
    let api = Api::start(&place).await;
    let store = &api.app.store;
    let id = store.site("a.example").await.unwrap().unwrap().id;
    let former = async |day: i8| {
        let all = store.former_domains(date(2026, 11, day)).await.unwrap();
        all.get(&id).cloned()
    };
    let rename = async |from: &str, to: &str| {
        let path = format!("{SITES}/{from}.example");
        let to = json!({"domain": format!("{to}.example")});
        api.done("PUT", &path, to).await;
    };
    rename("a", "c").await;
    for day in 23..=26 {
        assert_eq!(former(day).await.as_deref(), Some("a.example"));
    }
    assert_eq!(former(27).await, None);
    // There and back again.
    rename("c", "a").await;
    assert_eq!(former(23).await.as_deref(), Some("c.example"));
    rename("a", "c").await;
    // Whoever takes it has it alone: by making a site, or by changing to it.
    api.done("POST", SITES, json!({"domain": "a.example"}))
        .await;
    assert_eq!(former(23).await, None);
    rename("c", "d").await;
    rename("b", "c").await;
    assert_eq!(former(23).await, None);
    rename("d", "d").await;
    assert_eq!(former(23).await, None);
}

async fn a_zone_can_be_changed_before_anything_is_counted(place: Place) {
    let api = Api::start(&place).await;
    let path = format!("{SITES}/a.example");
    let zone = |name: &str| json!({"timezone": name});
    let changed = api.done("PUT", &path, zone("Asia/Tokyo")).await;
    assert_eq!(changed["timezone"], "Asia/Tokyo");
    let site = api.app.store.site("a.example").await.unwrap().unwrap();
    api.app
        .store
        .apply_batch(&crate::store::tests::batch(site.id, 1), [1; 32], NOON_MS)
        .await
        .unwrap();
    api.refused(
        "PUT",
        &path,
        zone("UTC"),
        400,
        "timezone: the site has counts by local days of Asia/Tokyo",
    )
    .await;
    // The one it has is no change.
    api.done("PUT", &path, zone("Asia/Tokyo")).await;
    api.done("PUT", &format!("{SITES}/b.example"), zone("UTC"))
        .await;
}

async fn i12_a_site_removed_over_the_api_is_gone_with_its_keys(place: Place) {
    let api = Api::start(&place).await;
    let path = format!("{SITES}/a.example");
    let key = api.key_of("a.example", Scope::Sites).await;
    let site = api.app.store.site("a.example").await.unwrap().unwrap();
    let batch = crate::store::tests::batch(site.id, 1);
    api.app
        .store
        .apply_batch(&batch, [1; 32], NOON_MS)
        .await
        .unwrap();
    let removed = api.send(&key, "DELETE", &path, Body::empty()).await;
    assert_eq!(
        (removed.status.as_u16(), removed.body),
        (200, json!({"deleted": "true"}))
    );
    assert_eq!(api.app.store.site_ids().await.unwrap().len(), 1);
    let late = api
        .app
        .store
        .apply_batch(&batch, [1; 32], NOON_MS)
        .await
        .unwrap();
    assert_eq!(late, crate::store::Applied::Gone);
    api.clock.advance_ms(1_001);
    assert_eq!(
        api.send(&key, "GET", SITES, Body::empty()).await.status,
        401
    );
    api.refused(
        "DELETE",
        &path,
        Value::Null,
        404,
        "there is no site a.example",
    )
    .await;
    let again = api
        .done("POST", SITES, json!({"domain": "a.example"}))
        .await;
    assert_eq!(again["domain"], "a.example");
    let new = api.app.store.site("a.example").await.unwrap().unwrap();
    assert!(new.id > site.id, "a number is never given again");
}

async fn what_is_wrong_with_a_site_is_named_by_its_field(place: Place) {
    let api = Api::start(&place).await;
    let a = format!("{SITES}/a.example");
    let long = format!("{}.example", "x".repeat(250));
    for (body, begins) in [
        (json!({}), "domain: is required"),
        (json!({"domain": ""}), "domain: is required"),
        (json!({"domain": 7}), "domain: must be a string"),
        (json!({"domain": "https://c.example"}), "domain: "),
        (json!({"domain": long}), "domain: "),
        (json!({"domain": "a.example"}), "domain: a.example is taken"),
        (
            json!({"domain": "c.example", "timezone": "Mars/Base"}),
            "timezone: ",
        ),
        (
            json!({"domain": "c.example", "timezone": []}),
            "timezone: must be a string",
        ),
        (
            json!({"domain": "c.example", "team_id": "x"}),
            "team_id: unknown parameter",
        ),
    ] {
        api.refused("POST", SITES, body, 400, begins).await;
    }
    for (body, begins) in [
        (json!({}), "domain: nothing is to be changed"),
        (json!({"domain": "x y"}), "domain: "),
        (json!({"timezone": "x"}), "timezone: "),
        (
            json!({"gpc": "maybe"}),
            "gpc: must be one of page-view, drop, count",
        ),
        (json!({"dnt": true}), "dnt: must be a string"),
        (json!({"clean_paths": "on"}), "clean_paths: "),
        (
            json!({"detail": "all"}),
            "detail: must be one of cross, totals",
        ),
        (
            json!({"keep_months": 0}),
            "keep_months: must be a whole number from 1 to 1200",
        ),
        (json!({"keep_months": "many"}), "keep_months: "),
        (
            json!({"shields": []}),
            "shields: must be an object of lists",
        ),
        (
            json!({"shields": {"ips": []}}),
            "shields.ips: unknown parameter",
        ),
        (
            json!({"shields": {"hosts": "x"}}),
            "shields.hosts: must be a list of strings",
        ),
        (
            json!({"shields": {"pages": [7]}}),
            "shields.pages: must be a list of strings",
        ),
        (
            json!({"shields": {"networks": ["x/8"]}}),
            "shields.networks: ",
        ),
        (
            json!({"tracker_script_configuration": {}}),
            "tracker_script_configuration: unknown",
        ),
    ] {
        api.refused("PUT", &a, body, 400, begins).await;
    }
    for (query, begins) in [
        ("limit=0", "limit: must be a whole number from 1 to 1000"),
        ("limit=1001", "limit: "),
        ("limit=x", "limit: "),
        ("after=a%20b", "after: is no cursor"),
        ("before=", "before: is no cursor"),
        (
            "before=a.example&after=a.example",
            "before: not together with after",
        ),
        ("page=2", "page: unknown parameter"),
    ] {
        api.refused("GET", &format!("{SITES}?{query}"), Value::Null, 400, begins)
            .await;
    }
    for method in ["GET", "PUT", "DELETE"] {
        let body = if method == "PUT" {
            json!({"gpc": "drop"})
        } else {
            Value::Null
        };
        let path = |name: &str| format!("{SITES}/{name}");
        api.refused(
            method,
            &path("no.example"),
            body.clone(),
            404,
            "there is no site no.example",
        )
        .await;
        api.refused(method, &path("a%20b"), body.clone(), 400, "domain: ")
            .await;
        api.refused(method, &path("%FF"), body, 400, "domain: is not UTF-8")
            .await;
    }
    let sites = api.done("GET", SITES, Value::Null).await;
    assert_eq!(
        sites["sites"].as_array().unwrap().len(),
        2,
        "nothing was made or removed"
    );
}
