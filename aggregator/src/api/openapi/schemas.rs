//! What requests and answers look like, made of the tables that the engine itself reads.

use serde_json::{Map, Value, json};

use crate::api::v1;
use crate::query::filter::{CLAUSE_BYTES_MAX, CLAUSES_MAX};
use crate::query::{Dimension, LIMIT_MAX, Metric, Op};

/// A schema by its name, for use elsewhere.
pub fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A list of a schema.
pub fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// An object with just these, of which those without a question mark must be there.
pub fn object(properties: &[(&str, Value)]) -> Value {
    let (mut all, mut required) = (Map::new(), Vec::new());
    for (name, schema) in properties {
        let bare = name.trim_end_matches('?');
        if bare == *name {
            required.push(bare);
        }
        all.insert(bare.to_owned(), schema.clone());
    }
    json!({
        "type": "object",
        "properties": all,
        "required": required,
        "additionalProperties": false,
    })
}

/// A text that says what it is.
pub fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

/// A count.
pub fn count(about: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": about })
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// All schemas that have a name.
pub fn all() -> Value {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| {
        all.insert(name.to_owned(), schema);
    };
    let metrics: Vec<&str> = Metric::ALL.iter().map(|(name, _)| *name).collect();
    add("Metric", json!({ "type": "string", "enum": metrics }));
    let of_time = |is: bool| {
        let all = Dimension::all().filter(move |(_, dimension)| dimension.is_time() == is);
        all.map(|(name, _)| name).collect::<Vec<_>>()
    };
    let mut plain = of_time(false);
    plain.push("visit:screen");
    let property = json!({
        "type": "string", "pattern": "^event:props:.", "maxLength": 312,
        "description": "The values of one property.",
    });
    add(
        "Property",
        json!({ "anyOf": [{ "type": "string", "enum": plain }, property] }),
    );
    let mut times = of_time(true);
    times.push("time");
    add(
        "Dimension",
        json!({ "anyOf": [{ "type": "string", "enum": times }, named("Property")] }),
    );
    add("DateRange", date_range());
    add("Filter", filter());
    add("Comparison", comparison());
    add("Query", query());
    add("Money", money());
    add(
        "Value",
        json!({
            "description": "A number; `null` where there is none, as a rate of nothing; revenue with its currency.",
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "null" }, named("Money")],
        }),
    );
    add(
        "Bounds",
        json!({
            "type": "array", "items": { "type": "number", "minimum": 0 },
            "minItems": 2, "maxItems": 2,
            "description": "Of an estimate: the true number is no less than the first and no more than the second.",
        }),
    );
    add("Warning", warning());
    add("Meta", meta());
    add("QueryAnswer", query_answer());
    add("BoundsByMetric", by_metric(&named("Bounds")));
    add("AggregateAnswer", aggregate_answer());
    add("TimeseriesAnswer", timeseries_answer());
    add("BreakdownAnswer", breakdown_answer());
    add("RealtimeAnswer", realtime_answer());
    add("FunnelAnswer", funnel_answer());
    add(
        "Error",
        object(&[(
            "error",
            text("What is wrong. It begins with the field or parameter, where it is one."),
        )]),
    );
    Value::Object(all)
}

fn date_range() -> Value {
    let date = json!({ "type": "string", "format": "date" });
    let moment = text(
        "A moment with its offset, or in the site's zone without one. Hours are the finest there is.",
    );
    json!({
        "description": "`7d`: so many full days that end yesterday; `2mo`: so many months with this one, to its end.",
        "anyOf": [
            { "type": "string", "enum": ["day", "24h", "month", "year", "all"] },
            { "type": "string", "pattern": "^[1-9][0-9]{0,2}(d|mo)$" },
            { "type": "array", "items": date, "minItems": 2, "maxItems": 2 },
            { "type": "array", "items": moment, "minItems": 2, "maxItems": 2 },
        ],
    })
}

fn filter() -> Value {
    let ops: Vec<&str> = Op::names().collect();
    let fixed = |items: Vec<Value>| {
        json!({
            "type": "array", "prefixItems": items, "items": false, "minItems": items.len(),
        })
    };
    let values = json!({
        "type": "array", "minItems": 1, "maxItems": CLAUSES_MAX,
        "items": { "type": "string", "maxLength": CLAUSE_BYTES_MAX },
    });
    let mut leaf = fixed(vec![
        json!({ "type": "string", "enum": ops }),
        named("Property"),
        values,
        object(&[("case_sensitive?", json!({ "type": "boolean" }))]),
    ]);
    leaf["minItems"] = json!(3);
    let segments = fixed(vec![
        json!({ "type": "string", "const": "is" }),
        json!({ "type": "string", "const": "segment" }),
        json!({
            "type": "array", "minItems": 1, "maxItems": CLAUSES_MAX,
            "items": { "type": "integer", "minimum": 0 },
        }),
    ]);
    let several = json!({ "type": "array", "items": named("Filter"), "minItems": 1 });
    json!({
        "description": "`[operator, property, values]`: any of the values will do. `[\"and\", [filters]]`, `[\"or\", [filters]]`, `[\"not\", filter]`. Emptiness is called `(none)`. `[\"is\", \"segment\", [numbers]]`: what a saved segment of the site holds.",
        "anyOf": [
            leaf,
            segments,
            fixed(vec![json!({ "type": "string", "enum": ["and", "or"] }), several]),
            fixed(vec![json!({ "type": "string", "const": "not" }), named("Filter")]),
        ],
    })
}

fn comparison() -> Value {
    object(&[
        (
            "mode",
            json!({ "type": "string", "enum": ["previous_period", "year_over_year", "custom"] }),
        ),
        ("date_range?", named("DateRange")),
        ("match_day_of_week?", json!({ "type": "boolean" })),
    ])
}

fn query() -> Value {
    let flag = |about: &str| json!({ "type": "boolean", "description": about });
    let order = json!({
        "type": "array", "minItems": 2, "maxItems": 2,
        "prefixItems": [
            { "anyOf": [named("Metric"), named("Dimension")] },
            { "type": "string", "enum": ["asc", "desc"] },
        ],
        "items": false,
    });
    let mut metrics = list(named("Metric"));
    metrics["minItems"] = json!(1);
    metrics["uniqueItems"] = json!(true);
    metrics["description"] = json!("What is counted.");
    let mut dimensions = list(named("Dimension"));
    dimensions["uniqueItems"] = json!(true);
    dimensions["maxItems"] = json!(7);
    dimensions["description"] = json!("By what. One of them may be a span of time.");
    let mut filters = list(named("Filter"));
    filters["description"] = json!(format!(
        "Of what: all of them hold. Each is `[operator, property, [values]]`, of which any value will do, or `[\"and\", [filters]]`, `[\"or\", [filters]]`, `[\"not\", filter]`. Operators: {}. What is empty is called `(none)`.",
        Op::names()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    ));
    let mut order = list(order);
    order["description"] = json!(
        "`[metric or dimension, \"asc\" or \"desc\"]`; unless told otherwise by time, then by the first metric."
    );
    let include = object(&[
        (
            "imports?",
            flag("Taken and without effect: imported counts are always in."),
        ),
        (
            "time_labels?",
            flag("What each span of time is called, also of empty ones."),
        ),
        ("total_rows?", flag("How many rows there are on all pages.")),
        ("comparisons?", named("Comparison")),
        ("plan?", flag("How it was answered, for people.")),
    ]);
    let pagination = object(&[
        (
            "limit?",
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX }),
        ),
        (
            "offset?",
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        ),
    ]);
    object(&[
        ("site_id", text("The site's domain.")),
        ("metrics", metrics),
        ("date_range", named("DateRange")),
        ("dimensions?", dimensions),
        ("filters?", filters),
        ("order_by?", order),
        ("include?", include),
        ("pagination?", pagination),
    ])
}

fn money() -> Value {
    object(&[
        ("value", json!({ "type": "number", "minimum": 0 })),
        ("currency", text("ISO 4217 code.")),
        ("short", text("For people, such as €1.2K.")),
        ("long", text("For people, such as €1,234.50.")),
    ])
}

fn warning() -> Value {
    let number = json!({ "type": "number", "minimum": 0 });
    object(&[
        (
            "code",
            json!({
                "type": "string", "enum": ["estimated", "partial", "degraded"],
                "description": "`estimated`: between the bounds that are told. `partial`: some days have counts by one dimension each only, and are left out. `degraded`: a salt was lost, or two edges counted the day; visitors of that day may be there twice.",
            }),
        ),
        ("warning", text("The same in a sentence.")),
        ("lower?", number.clone()),
        ("upper?", number),
    ])
}

/// An object with a value for some metrics.
fn by_metric(of: &Value) -> Value {
    let properties: Map<String, Value> = Metric::ALL
        .iter()
        .map(|(name, _)| ((*name).to_owned(), of.clone()))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn meta_of(more: &[(&str, Value)]) -> Value {
    let mut all = vec![
        (
            "visitors?",
            text("What visitors of several days are: a sum of daily visitors."),
        ),
        ("metric_warnings?", by_metric(&named("Warning"))),
    ];
    all.extend(more.iter().cloned());
    object(&all)
}

fn meta() -> Value {
    meta_of(&[
        (
            "date_range_rounded_to?",
            text("Fewer minutes were asked for than are counted."),
        ),
        ("total_rows?", count("Rows on all pages.")),
        ("time_labels?", list(json!({ "type": "string" }))),
        ("plan?", list(json!({ "type": "string" }))),
    ])
}

fn query_answer() -> Value {
    let texts = list(json!({ "type": "string" }));
    let change = list(json!({ "type": ["number", "null"] }));
    let comparison = object(&[
        ("dimensions", texts.clone()),
        ("metrics", list(named("Value"))),
        ("bounds?", list(or_null(named("Bounds")))),
        ("change", change),
    ]);
    let row = object(&[
        ("dimensions", texts),
        ("metrics", list(named("Value"))),
        ("bounds?", list(or_null(named("Bounds")))),
        ("comparison?", comparison),
    ]);
    object(&[
        ("results", list(row)),
        ("meta", named("Meta")),
        ("query", named("Query")),
    ])
}

fn aggregate_answer() -> Value {
    let one = object(&[
        ("value", named("Value")),
        ("bounds?", named("Bounds")),
        (
            "change?",
            json!({
                "type": ["number", "null"],
                "description": "Percent, or points where the metric is a rate; `null` where there is nothing to compare.",
            }),
        ),
        (
            "before?",
            object(&[("value", named("Value")), ("bounds", named("Bounds"))]),
        ),
    ]);
    object(&[("results", by_metric(&one)), ("meta", named("Meta"))])
}

fn timeseries_answer() -> Value {
    let mut point = by_metric(&named("Value"));
    point["properties"]["date"] = json!({ "type": "string", "format": "date" });
    point["properties"]["bounds"] = named("BoundsByMetric");
    point["required"] = json!(["date"]);
    object(&[("results", list(point)), ("meta", named("Meta"))])
}

fn breakdown_answer() -> Value {
    let mut row = by_metric(&named("Value"));
    row["properties"]["bounds"] = named("BoundsByMetric");
    // The property's name.
    row["additionalProperties"] = json!({ "type": "string" });
    object(&[("results", list(row)), ("meta", named("Meta"))])
}

fn realtime_answer() -> Value {
    let minute = object(&[
        ("minute", text("When it began, in the site's zone.")),
        ("pageviews", count("Page views.")),
        ("visitors", count("Visitors.")),
    ]);
    let mut minutes = list(minute);
    minutes["minItems"] = json!(30);
    minutes["maxItems"] = json!(30);
    object(&[
        ("visitors", count("With an event in the last five minutes.")),
        ("minutes", minutes),
    ])
}

fn funnel_answer() -> Value {
    let share = |about: &str| json!({ "type": ["number", "null"], "description": about });
    let step = object(&[
        ("step", count("From 1.")),
        (
            "goal",
            json!({ "type": ["string", "null"], "description": "The goal's name; `null` when it is gone." }),
        ),
        ("visitors", count("Who came to it, after the steps before.")),
        ("from_first", share("Percent of those of the first step.")),
        (
            "from_previous",
            share("Percent of those of the step before."),
        ),
    ]);
    let funnel = object(&[("id", text("Its number.")), ("name", text("Its name."))]);
    let range = json!({
        "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2,
    });
    object(&[
        ("funnel", funnel),
        ("results", list(step)),
        ("meta", meta_of(&[("date_range", range)])),
    ])
}

/// The periods of the first API.
pub fn period() -> Value {
    json!({ "type": "string", "enum": v1::PERIODS, "default": v1::PERIOD })
}
