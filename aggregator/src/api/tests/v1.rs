//! The first stats API, and funnels, over counts that the counting core made.

use super::*;
use crate::segment::Hours;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    an_aggregate_tells_numbers_and_their_change,
    a_time_series_has_every_day_and_month,
    a_breakdown_is_ordered_and_paged,
    filters_of_the_first_api_pick_what_those_of_the_second_do,
    what_is_wrong_is_named_by_its_parameter,
    funnels_tell_their_steps_exactly_also_under_filters,
    i10_an_estimate_of_the_first_api_has_its_bounds,
);

async fn start(place: &Place) -> Api {
    let api = Api::start(place).await;
    fixture::fill(&api).await;
    api
}

impl Api {
    /// What a question of the first API is answered.
    async fn stats(&self, what: &str, query: &str) -> Value {
        let path = format!("/api/v1/stats/{what}?site_id=example.com{query}");
        self.done("GET", &path, Value::Null).await
    }
}

async fn an_aggregate_tells_numbers_and_their_change(place: Place) {
    let api = start(&place).await;
    let told = api.stats("aggregate", "&period=day").await;
    assert_eq!(
        told,
        json!({"results": {"visitors": {"value": 4}}, "meta": {}})
    );
    let told = api
        .stats(
            "aggregate",
            "&period=day&metrics=visitors,visits,pageviews,events,bounce_rate,views_per_visit\
             &compare=previous_period",
        )
        .await;
    // Two bounces of six visits: ben's second, and dora's first; hers with an event is none.
    let results = json!({
        "visitors": {"value": 4, "change": 300.0},
        "visits": {"value": 6, "change": 500.0},
        "pageviews": {"value": 8, "change": 300.0},
        "events": {"value": 10, "change": 400.0},
        "bounce_rate": {"value": 33, "change": 33.0},
        "views_per_visit": {"value": 1.33, "change": -34.0},
    });
    assert_eq!(told["results"], results);
    // 30 days that end yesterday, unless told otherwise.
    let told = api.stats("aggregate", "&metrics=visitors,pageviews").await;
    assert_eq!(
        told["results"],
        json!({"visitors": {"value": 1}, "pageviews": {"value": 2}})
    );
    assert_eq!(told["meta"]["visitors"], "sum of daily visitors");
    for (query, visitors) in [
        ("&period=day&date=2026-11-22", 1),
        ("&period=7d&date=2026-11-24", 5),
        ("&period=month", 5),
        ("&period=month&date=2026-10-31", 0),
        ("&period=6mo", 5),
        ("&period=custom&date=2026-11-22,2026-11-23", 5),
        ("&period=custom&date=2026-11-23,2026-11-23", 4),
    ] {
        let told = api.stats("aggregate", query).await;
        assert_eq!(told["results"]["visitors"]["value"], visitors, "{query}");
    }
    let revenue = api
        .stats(
            "aggregate",
            "&period=day&metrics=total_revenue,conversion_rate&filters=event:goal==Signup",
        )
        .await;
    assert_eq!(revenue["results"]["total_revenue"]["value"]["value"], 98.0);
    assert_eq!(revenue["results"]["conversion_rate"]["value"], 50.0);
}

async fn a_time_series_has_every_day_and_month(place: Place) {
    let api = start(&place).await;
    let told = api
        .stats("timeseries", "&period=7d&metrics=visitors,bounce_rate")
        .await;
    let results = told["results"].as_array().unwrap();
    assert_eq!(results.len(), 7);
    assert_eq!(
        results[0],
        json!({"date": "2026-11-16", "visitors": 0, "bounce_rate": null})
    );
    assert_eq!(
        results[6],
        json!({"date": "2026-11-22", "visitors": 1, "bounce_rate": 0})
    );
    assert_eq!(told["meta"], json!({"visitors": "sum of daily visitors"}));
    let dates = async |query: &str| {
        let told = api.stats("timeseries", query).await;
        let results = told["results"].as_array().unwrap().clone();
        let text = |key: &str, at: usize| results[at][key].to_string();
        (
            results.len(),
            text("date", 0),
            text("visitors", results.len() - 1),
        )
    };
    let quoted = |text: &str| format!("\"{text}\"");
    assert_eq!(
        dates("&period=6mo").await,
        (6, quoted("2026-06-01"), "5".into())
    );
    assert_eq!(
        dates("&period=month").await,
        (30, quoted("2026-11-01"), "0".into())
    );
    let november = "&period=custom&date=2026-10-30,2026-11-23";
    assert_eq!(
        dates(&format!("{november}&interval=month")).await,
        (2, quoted("2026-10-30"), "5".into())
    );
    assert_eq!(
        dates(&format!("{november}&interval=date")).await,
        (25, quoted("2026-10-30"), "4".into())
    );
    let long = "/api/v1/stats/timeseries?site_id=example.com&period=custom&date=1990-01-01,2026-11-23&interval=day";
    api.refused("GET", long, Value::Null, 400, "date: more than 10000 days")
        .await;
}

async fn a_breakdown_is_ordered_and_paged(place: Place) {
    let api = start(&place).await;
    let told = api
        .stats("breakdown", "&period=day&property=visit:source")
        .await;
    let row = |source: &str, n: u64| json!({"source": source, "visitors": n});
    let all = [
        row("Direct / None", 3),
        row("Google", 2),
        row("news.example", 1),
    ];
    assert_eq!(told["results"], json!(all));
    for (page, at) in [(1, 0..2), (2, 2..3), (3, 3..3)] {
        let query = format!("&period=day&property=visit:source&limit=2&page={page}");
        let told = api.stats("breakdown", &query).await;
        assert_eq!(told["results"], json!(all[at]), "{page}");
    }
    let told = api
        .stats(
            "breakdown",
            "&period=day&property=event:page&metrics=pageviews,visitors",
        )
        .await;
    assert_eq!(
        told["results"][0],
        json!({"page": "/pricing", "pageviews": 4, "visitors": 4})
    );
    let told = api
        .stats(
            "breakdown",
            "&period=day&property=event:props:plan&metrics=visitors,events",
        )
        .await;
    assert_eq!(
        told["results"],
        json!([{"plan": "large", "visitors": 2, "events": 2}])
    );
    let told = api
        .stats("breakdown", "&period=day&property=event:goal")
        .await;
    assert_eq!(told["results"][0]["goal"], "Visit /pricing");
}

async fn filters_of_the_first_api_pick_what_those_of_the_second_do(place: Place) {
    let api = start(&place).await;
    for (filters, visitors) in [
        ("visit:source==Google", 2),
        ("visit:source==Google|news.example;visit:country==FR", 2),
        ("visit:source!=Google", 3),
        ("visit:country==de", 2),
        ("event:page==/blog/*", 1),
        ("event:page==/blog/*;visit:country==DE", 0),
        ("visit:channel==Organic*", 2),
        ("event:goal==Signup", 2),
        ("event:props:plan==large", 2),
        ("visit:source==Direct / None", 3),
    ] {
        let query: String = form_urlencoded::byte_serialize(filters.as_bytes()).collect();
        let query = format!("&period=day&filters={query}");
        let told = api.stats("aggregate", &query).await;
        assert_eq!(
            told["results"]["visitors"]["value"], visitors,
            "{filters}: {told}"
        );
    }
}

async fn what_is_wrong_is_named_by_its_parameter(place: Place) {
    let api = start(&place).await;
    let stats = |what: &str, query: &str| format!("/api/v1/stats/{what}?{query}");
    let of = |what: &str, query: &str| stats(what, &format!("site_id=example.com&{query}"));
    for (path, begins) in [
        (stats("aggregate", ""), "site_id: is required"),
        (stats("aggregate", "site_id=a%20b"), "site_id: "),
        (of("aggregate", "period=1y"), "period: must be one of day"),
        (of("aggregate", "period=custom"), "date: period=custom"),
        (of("aggregate", "date=2026-02-30"), "date: "),
        (of("aggregate", "period=custom&date=2026-11-01"), "date: "),
        (
            of("aggregate", "period=custom&date=2026-11-02,2026-11-01"),
            "date: the first day",
        ),
        (
            of("aggregate", "period=custom&date=1026-11-02,2026-11-01"),
            "date: the range is longer",
        ),
        (of("aggregate", "metrics=x"), "metrics: unknown metric"),
        (
            of("aggregate", "metrics=visits,visits"),
            "metrics: visits twice",
        ),
        (
            of("aggregate", "metrics=conversion_rate"),
            "metrics: conversion_rate: needs a goal",
        ),
        (
            of("aggregate", "filters=event:page"),
            "filters: condition 1",
        ),
        (
            of("aggregate", "filters=event:props:a==1;event:props:b==1"),
            "filters: properties: only one",
        ),
        (of("aggregate", "compare=year"), "compare: "),
        (of("aggregate", "with_imported=x"), "with_imported: "),
        (of("aggregate", "limit=1"), "limit: unknown parameter"),
        (of("timeseries", "interval=hour"), "interval: "),
        (of("breakdown", ""), "property: is required"),
        (of("breakdown", "property=visit:city"), "property: "),
        (of("breakdown", "property=time:day"), "property: time"),
        (of("breakdown", "property=visit:os&limit=1001"), "limit: "),
        (of("breakdown", "property=visit:os&limit=0"), "limit: "),
        (of("breakdown", "property=visit:os&page=0"), "page: "),
        (
            of("breakdown", "property=visit:os&page=4294967296"),
            "page: ",
        ),
        (of("realtime", "period=day"), "period: unknown parameter"),
        (of("funnel", ""), "funnel: is required"),
        (
            of("funnel", "funnel=Buy&filters=event:page==/"),
            "filters: a funnel is filtered by",
        ),
        (
            of("funnel", "funnel=Buy&metrics=visitors"),
            "metrics: unknown",
        ),
    ] {
        api.refused("GET", &path, Value::Null, 400, begins).await;
    }
    for (path, begins) in [
        (
            stats("aggregate", "site_id=no.example"),
            "there is no site no.example",
        ),
        (of("funnel", "funnel=3"), "funnel: there is no funnel"),
    ] {
        api.refused("GET", &path, Value::Null, 404, begins).await;
    }
}

async fn funnels_tell_their_steps_exactly_also_under_filters(place: Place) {
    let api = start(&place).await;
    let step = |n: u64, goal: &str, visitors: u64, first: Option<f64>, before: Option<f64>| {
        json!({"step": n, "goal": goal, "visitors": visitors, "from_first": first,
            "from_previous": before})
    };
    let steps = |first: u64, second: u64| {
        let share = (first > 0).then(|| second as f64 * 100.0 / first as f64);
        json!([
            step(
                1,
                "Visit /pricing",
                first,
                (first > 0).then_some(100.0),
                None
            ),
            step(2, "Signup", second, share, share),
        ])
    };
    let told = api.stats("funnel", "&funnel=Buy&period=day").await;
    assert_eq!(
        told,
        json!({
            "funnel": {"id": "1", "name": "Buy"},
            "results": steps(4, 2),
            "meta": {"date_range": ["2026-11-23", "2026-11-23"]},
        })
    );
    for (query, first, second) in [
        ("&funnel=1&period=month", 5, 2),
        ("&funnel=2&period=day&date=2026-11-22", 0, 0),
        ("&funnel=Buy&period=day&filters=visit:country==DE", 2, 1),
        ("&funnel=Buy&period=day&filters=visit:device!=Desktop", 2, 1),
        // Dora came to the steps in two visits.
        ("&funnel=Buy&period=day&filters=visit:source==Google", 2, 1),
        (
            "&funnel=Buy&period=day&filters=visit:source==Direct%20/%20None",
            1,
            1,
        ),
        (
            "&funnel=Buy&period=day&filters=visit:entry_page==/blog/**",
            1,
            0,
        ),
    ] {
        let told = api.stats("funnel", query).await;
        let found = [&told["results"][0], &told["results"][1]];
        let found = found.map(|step| step["visitors"].as_u64().unwrap());
        assert_eq!(found, [first, second], "{query}");
    }
    // The same from folded days, and when the goal is gone from the list of names.
    let site = api.app.store.site("example.com").await.unwrap().unwrap();
    let day = date(2026, 11, 23);
    let merged = api.app.store.merge_day(site.id, day, Hours::Folded).await;
    assert!(merged.unwrap());
    let told = api
        .stats("funnel", "&funnel=Buy&period=day&filters=visit:country==DE")
        .await;
    assert_eq!(told["results"], steps(2, 1));
}

async fn i10_an_estimate_of_the_first_api_has_its_bounds(place: Place) {
    let api = start(&place).await;
    // No mark tells visitors by entry page and source together.
    let filters = "filters=visit:source!=Google;visit:entry_page==/blog/hello|/";
    let told = api
        .stats("aggregate", &format!("&period=day&{filters}"))
        .await;
    let visitors = &told["results"]["visitors"];
    let [lower, upper] = [0, 1].map(|at| visitors["bounds"][at].as_u64().unwrap());
    // Ben by both his visits, and cleo.
    assert!((lower..=upper).contains(&2), "{told}");
    assert_eq!(told["meta"]["metric_warnings"]["visitors"]["lower"], lower);
    // So has what a number is compared with, though it be exact itself.
    let told = api
        .stats(
            "aggregate",
            &format!("&period=day&date=2026-11-24&compare=previous_period&{filters}"),
        )
        .await;
    let visitors = &told["results"]["visitors"];
    assert_eq!(
        (&visitors["value"], &visitors["bounds"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        visitors["before"]["bounds"],
        json!([lower, upper]),
        "{told}"
    );
    assert_eq!(
        told["meta"]["metric_warnings"]["visitors"]["code"],
        "estimated"
    );
    let filters_v2 = json!([
        ["is_not", "visit:source", ["Google"]],
        ["is", "visit:entry_page", ["/blog/hello", "/"]],
    ]);
    let body = json!({
        "site_id": "example.com", "metrics": ["visitors"], "filters": filters_v2,
        "date_range": ["2026-11-24", "2026-11-24"],
        "include": {"comparisons": {"mode": "previous_period"}},
    });
    let told = api.done("POST", "/api/v2/query", body.clone()).await;
    let compared = &told["results"][0]["comparison"];
    assert_eq!(compared["bounds"], json!([[lower, upper]]));
    let sent = api.app.store.site("example.com").await.unwrap().unwrap();
    let now_ms = api.app.clock.now_ms();
    let found = crate::api::v2::find(&api.app.store, &sent, body.as_object().unwrap(), now_ms);
    let (query, answer) = found.await.unwrap();
    let csv = String::from_utf8(crate::api::render::csv_bytes(&query, &answer)).unwrap();
    let value = &compared["metrics"][0];
    assert_eq!(
        csv,
        format!(
            "visitors,visitors_before,visitors_before_lower,visitors_before_upper,visitors_change\n\
             0,{value},{lower},{upper},-100\n"
        )
    );
    for what in ["timeseries", "breakdown"] {
        let query = format!("&period=day&property=visit:channel&{filters}");
        let query = match what {
            "timeseries" => query.replace("&property=visit:channel", ""),
            _ => query,
        };
        let told = api.stats(what, &query).await;
        let rows = told["results"].as_array().unwrap();
        let estimates = rows.iter().filter(|row| row["bounds"].is_object());
        for row in estimates.clone() {
            let pair = &row["bounds"]["visitors"];
            let [lower, upper] = [0, 1].map(|at| pair[at].as_u64().unwrap());
            let n = row["visitors"].as_u64().unwrap();
            assert!(lower <= n && n <= upper && lower < upper, "{row}");
        }
        let warned = told["meta"]["metric_warnings"]["visitors"]["code"] == "estimated";
        assert_eq!(warned, estimates.count() > 0, "{told}");
    }
}
