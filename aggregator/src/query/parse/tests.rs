use super::*;
use jiff::civil::date;
use serde_json::json;
use shared::settings::{Goal, GoalKind};

pub(super) fn parse_json(value: Value) -> Result<Query, String> {
    let Value::Object(mut body) = value else {
        panic!("an object")
    };
    let range = json!("day");
    body.entry("date_range").or_insert(range);
    let site = Site {
        id: 1,
        domain: "a.example".into(),
        timezone: crate::site::timezone("UTC").unwrap(),
    };
    let goal = crate::store::NamedGoal {
        goal: Goal {
            id: 1,
            kind: GoalKind::Event {
                name: "Signup".into(),
            },
        },
        name: "Signup".into(),
    };
    let goals = Goals::new(vec![goal]);
    let segment = |id: i64, filters: Value| SavedSegment {
        id,
        owner: None,
        name: format!("S{id}"),
        filters,
    };
    let segments = [
        segment(
            7,
            json!([["is", "visit:country", ["DE"]], ["is", "event:page", ["/"]]]),
        ),
        segment(8, json!([["is", "event:goal", ["Gone"]]])),
        segment(9, json!([["is", "segment", [7]]])),
        segment(10, json!([])),
        segment(11, json!(vec![json!(["is", "event:page", ["/"]]); 60])),
    ];
    let about = Parsed {
        site: &site,
        goals: &goals,
        segments: &segments,
        now_ms: 1_795_435_200_000,
        oldest: None,
    };
    let query = parse(&body, &about).map_err(|error| error.to_string())?;
    // What is told can be asked again.
    let Value::Object(echo) = query.to_json(&site) else {
        panic!("an object")
    };
    assert_eq!(parse(&echo, &about).as_ref(), Ok(&query), "{echo:?}");
    Ok(query)
}

#[test]
fn a_full_query() {
    let query = parse_json(json!({
        "site_id": "a.example", "date_range": "day", "metrics": ["visitors", "pageviews"],
        "dimensions": ["event:page", "time:day"],
        "filters": [
            ["is", "visit:country", ["de"]],
            ["or", [["contains", "event:page", ["x"], {"case_sensitive": false}],
                    ["not", ["is_not", "visit:source", ["Direct / None"]]]]],
            ["is", "event:goal", ["Signup"]],
        ],
        "include": {"time_labels": true, "total_rows": true, "imports": true, "plan": true,
            "comparisons": {"mode": "year_over_year", "match_day_of_week": true}},
        "order_by": [["pageviews", "asc"], ["event:page", "desc"]],
        "pagination": {"limit": 10, "offset": 20}
    }))
    .unwrap();
    assert_eq!(query.metrics, [Metric::Visitors, Metric::Pageviews]);
    assert_eq!(
        query.order,
        [(OrderKey::Metric(1), false), (OrderKey::Dimension(0), true)]
    );
    assert_eq!((query.limit, query.offset), (10, 20));
    assert_eq!(query.range.from, date(2026, 11, 23));
    let before = query.compare.unwrap();
    assert_eq!(before.from, date(2025, 11, 24), "a Monday, too");
    assert_eq!(query.filter.leaves()[0].clauses, ["DE"]);
}

#[test]
fn the_default_order_is_time_then_the_first_metric() {
    let query =
        parse_json(json!({"metrics": ["pageviews"], "dimensions": ["event:page", "time:day"]}));
    assert_eq!(
        query.unwrap().order,
        [(OrderKey::Dimension(1), false), (OrderKey::Metric(0), true)]
    );
}

#[test]
fn time_is_as_fine_as_the_range_is_short() {
    let unit = |range: Value| {
        let body = json!({"metrics": ["visits"], "dimensions": ["time"], "date_range": range});
        parse_json(body).unwrap().dimensions.remove(0)
    };
    assert_eq!(unit(json!("day")), Dimension::Hour);
    assert_eq!(unit(json!("24h")), Dimension::Hour);
    assert_eq!(unit(json!("30d")), Dimension::Day);
    assert_eq!(unit(json!("12mo")), Dimension::Month);
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let with = |key: &str, value: Value| {
        let mut body = json!({"metrics": ["visitors"]});
        body[key] = value;
        parse_json(body).unwrap_err()
    };
    let begins = |error: String, with: &str| assert!(error.starts_with(with), "{error}");
    assert_eq!(with("metrics", json!([])), "metrics: name at least one");
    assert_eq!(
        with("metrics", json!(["visitors", "visitors"])),
        "metrics/1: named twice"
    );
    begins(
        with("metrics", json!(["visitors", "x"])),
        "metrics/1: unknown metric \"x\"; known are visitors",
    );
    assert_eq!(
        with("metrics", json!("visitors")),
        "metrics: must be a list"
    );
    let dimension = |value: Value| with("dimensions", value);
    begins(dimension(json!([7])), "dimensions/0: must be a text");
    begins(
        dimension(json!(["x"])),
        "dimensions/0: unknown dimension \"x\"",
    );
    begins(
        dimension(json!(["visit:city"])),
        "dimensions/0: visit:city does not exist",
    );
    begins(
        dimension(json!(["time:day", "time:hour"])),
        "dimensions/1: there can be one span of time only",
    );
    begins(with("colour", json!(1)), "colour: unknown key");
    begins(with("date_range", json!("9x")), "date_range: unknown range");
    let filter = |value: Value| with("filters", json!([value]));
    begins(with("filters", json!({})), "filters: must be a list");
    begins(filter(json!("is")), "filters/0: must be a list");
    begins(
        filter(json!(["was", "event:page", ["/"]])),
        "filters/0/0: unknown operator",
    );
    begins(
        filter(json!(["is", "x", ["/"]])),
        "filters/0/1: unknown dimension \"x\"",
    );
    begins(
        filter(json!(["is", "time:day", ["/"]])),
        "filters/0/1: time is asked for",
    );
    begins(
        filter(json!(["is", "event:page", []])),
        "filters/0/2: there must be 1 to",
    );
    begins(
        filter(json!(["is", "event:page", [7]])),
        "filters/0/2/0: must be a text",
    );
    begins(
        filter(json!(["matches", "event:page", ["/", "a("]])),
        "filters/0/2/1: not a regular expression",
    );
    begins(
        filter(json!(["is", "event:page", ["/"], {"case": 1}])),
        "filters/0/3/case: unknown key",
    );
    begins(
        filter(json!(["and", [["is", "visit:country", ["Germany"]]]])),
        "filters/0/1/0/2/0: \"Germany\" is no two-letter",
    );
    begins(
        filter(json!(["is", "event:goal", ["Sign"]])),
        "filters/0/2/0: there is no goal \"Sign\"",
    );
    begins(
        filter(json!(["has_done", []])),
        "filters/0: has_done asks what the same",
    );
    begins(
        filter(json!(["and", []])),
        "filters/0: must be followed by a list",
    );
    let many = vec![json!(["is", "event:page", ["/"]]); 101];
    begins(
        with("filters", json!(many)),
        "filters: there are more than 100",
    );
    let mut deep = json!(["is", "event:page", ["/"]]);
    for _ in 0..20 {
        deep = json!(["not", deep]);
    }
    begins(
        with("filters", json!([deep])),
        "filters: filters are nested deeper",
    );
    let include = |value: Value| with("include", value);
    begins(include(json!(1)), "include: must be an object");
    begins(include(json!({"x": 1})), "include/x: unknown key");
    begins(
        include(json!({"total_rows": 1})),
        "include/total_rows: must be true or false",
    );
    begins(
        include(json!({"time_labels": true})),
        "include/time_labels: needs a time",
    );
    begins(
        include(json!({"comparisons": {"mode": "x"}})),
        "include/comparisons/mode: must be",
    );
    begins(
        include(json!({"comparisons": {"mode": "custom"}})),
        "include/comparisons/date_range: must be two dates",
    );
    begins(
        with("order_by", json!([["visits", "asc"]])),
        "order_by/0: \"visits\" is not",
    );
    begins(
        with("order_by", json!([["visitors", "up"]])),
        "order_by/0: the direction",
    );
    begins(
        with("pagination", json!({"limit": 0})),
        "pagination/limit: must be a number",
    );
    begins(
        with("pagination", json!({"limit": 10_001})),
        "pagination/limit",
    );
    begins(
        with("pagination", json!({"offset": -1})),
        "pagination/offset",
    );
    begins(
        with("pagination", json!({"page": 1})),
        "pagination/page: unknown key",
    );
}
