//! The operations of this folder, for routes and document.

use axum::routing::get;
use serde_json::{Value, json};

use super::{
    AGGREGATE, BREAKDOWN, FUNNEL, INTERVALS, LIMIT, LIMIT_MAX, PAGE_MAX, PERIOD, REALTIME,
    TIMESERIES, aggregate, breakdown, funnel, realtime, timeseries,
};
use crate::api::openapi::schemas::{named, period};
use crate::api::operation::{Answer, Group, Operation, Param};
use crate::query::Metric;
use crate::store::Scope;

/// A parameter of this folder's routes by its name.
fn param(name: &&'static str) -> Param {
    let text = json!({ "type": "string" });
    match *name {
        "site_id" => Param::of(name, "The site's domain.", text)
            .required()
            .example("example.com"),
        "period" => Param::of(
            name,
            format!("The days. `7d` and `30d` end the day before `date`; months are whole ones. Unless told otherwise `{PERIOD}`."),
            period(),
        )
        .example("day"),
        "date" => Param::of(
            name,
            "What takes the place of today, such as 2026-11-23; with `period=custom` the first and the last day, with a comma.",
            text,
        ),
        "metrics" => {
            let all: Vec<&str> = Metric::ALL.iter().map(|(name, _)| *name).collect();
            let all = all.join("|");
            let pattern = format!("^({all})(,({all}))*$");
            let schema = json!({ "type": "string", "pattern": pattern, "default": "visitors" });
            let about = format!("What is counted, with commas: {}.", all.replace('|', ", "));
            Param::of(name, about, schema).example("visitors,pageviews")
        }
        "filters" => Param::of(
            name,
            "Of what: `visit:source==Google|Bing;event:page!=/blog/**`. `;` is and, `|` is or, `\\|` and `\\;` stand for themselves, `*` is anything but a slash, `**` anything.",
            text,
        )
        .example("visit:country==DE|FR"),
        "with_imported" => Param::of(
            name,
            "Taken and without effect: imported counts are always in.",
            json!({ "type": "boolean" }),
        ),
        "compare" => Param::of(
            name,
            "Tells how each number changed from as many days before.",
            json!({ "type": "string", "enum": ["previous_period"] }),
        )
        .example("previous_period"),
        "interval" => {
            let names: Vec<&str> = INTERVALS.iter().map(|(name, _)| *name).collect();
            Param::of(
                name,
                "What a point is of; unless told otherwise `month` for `6mo`, `12mo` and `year`, `day` else. `date` is `day`.",
                json!({ "type": "string", "enum": names }),
            )
            .example("day")
        }
        "property" => Param::of(name, "By what.", named("Property"))
            .required()
            .example("visit:source"),
        "limit" => Param::of(
            name,
            "Rows of a page.",
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT }),
        )
        .example(10),
        "page" => Param::of(
            name,
            "Which page, from 1.",
            json!({ "type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": 1 }),
        ),
        "funnel" => Param::of(name, "Its name or its number.", text)
            .required()
            .example("Buy"),
        _ => Param::of(name, "", text),
    }
}

fn params(names: &[&'static str]) -> Vec<Param> {
    names.iter().map(param).collect()
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    let stats = |path, id, summary, about, names: &[&'static str], answer: Value| Operation {
        method: "get",
        path,
        id,
        group: Group::Stats,
        summary,
        about,
        scope: Scope::Stats,
        in_path: Vec::new(),
        in_query: params(names),
        body: None,
        answer: Answer::Json(answer),
        route: get(aggregate::answer),
    };
    vec![
        Operation {
            route: get(aggregate::answer),
            ..stats(
                "/api/v1/stats/aggregate",
                "aggregate",
                "The numbers of a period",
                "And, with compare, how each changed.",
                &AGGREGATE,
                named("AggregateAnswer"),
            )
        },
        Operation {
            route: get(timeseries::answer),
            ..stats(
                "/api/v1/stats/timeseries",
                "timeseries",
                "The numbers of each day or month",
                "Also of those without any: counts are 0 there, rates null.",
                &TIMESERIES,
                named("TimeseriesAnswer"),
            )
        },
        Operation {
            route: get(breakdown::answer),
            ..stats(
                "/api/v1/stats/breakdown",
                "breakdown",
                "The numbers by a property",
                "Ordered by the first metric. A row calls its value as the property without its prefix.",
                &BREAKDOWN,
                named("BreakdownAnswer"),
            )
        },
        Operation {
            route: get(realtime::visitors),
            ..stats(
                "/api/v1/stats/realtime/visitors",
                "realtimeVisitors",
                "Visitors of the last five minutes",
                "A bare number.",
                &REALTIME,
                json!({ "type": "integer", "minimum": 0 }),
            )
        },
        Operation {
            group: Group::Own,
            route: get(realtime::answer),
            ..stats(
                "/api/v1/stats/realtime",
                "realtime",
                "Who is there now, and the last half hour by the minute",
                "What is known of a minute comes with the next delivery from the edge, some seconds later.",
                &REALTIME,
                named("RealtimeAnswer"),
            )
        },
        Operation {
            group: Group::Own,
            route: get(funnel::answer),
            ..stats(
                "/api/v1/stats/funnel",
                "funnel",
                "How far visitors come in a funnel",
                "Exact. A filter may be on what visits came with and on browsers, systems, devices and countries; it is of the visit in which a step was reached, so that a later step can have more visitors than an earlier one that they came to in another visit.",
                &FUNNEL,
                named("FunnelAnswer"),
            )
        },
    ]
}
