//! The JSON of a query to a [`Query`]; what is wrong is named by its place.

mod echo;
mod filters;
#[cfg(test)]
mod tests;

pub use filters::parse_filters;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::dimension::Dimension;
use super::metric::Metric;
use super::plan::DIMENSIONS_MAX;
use super::{Goals, Include, OrderKey, Query, Range, parse_range};
use crate::site::Site;
use crate::store::SavedSegment;

/// Most rows an answer may have (COMPAT.md, section 3).
pub const LIMIT_MAX: u64 = 10_000;
/// `time` is by the hour up to so many days, and by the day up to so many; by the month beyond.
const TIME_BY_DAY_MAX: i64 = 92;

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Invalid {
    /// A path into the body, `metrics/0`.
    pub place: String,
    /// For a person.
    pub problem: String,
}

fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Invalid {
    Invalid {
        place: place.into(),
        problem: problem.into(),
    }
}

/// What a query is about, beside itself.
#[derive(Debug, Clone, Copy)]
pub struct Parsed<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its goals.
    pub goals: &'a Goals,
    /// Its saved segments.
    pub segments: &'a [SavedSegment],
    /// Now.
    pub now_ms: i64,
    /// Its first day with counts.
    pub oldest: Option<Date>,
}

const KEYS: [&str; 8] = [
    "site_id",
    "metrics",
    "date_range",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
];

/// Reads a query.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(body: &Map<String, Value>, about: &Parsed<'_>) -> Result<Query, Invalid> {
    known(body, "", &KEYS)?;
    let Some(range) = body.get("date_range") else {
        return Err(invalid("date_range", "is required"));
    };
    let range = parse_range(range, about.site, about.now_ms, about.oldest)
        .map_err(|problem| invalid("date_range", problem))?;
    let metrics = metrics(body)?;
    let dimensions = dimensions(body, &range)?;
    let filter = parse_filters(body.get("filters"), about.goals, about.segments)?;
    let order = order(body, &metrics, &dimensions)?;
    let (include, compare) = include(body, about, &range, &dimensions)?;
    let (limit, offset) = pagination(body)?;
    Ok(Query {
        metrics,
        range,
        dimensions,
        filter,
        order,
        limit,
        offset,
        compare,
        include,
        threshold: None,
    })
}

fn known(object: &Map<String, Value>, place: &str, keys: &[&str]) -> Result<(), Invalid> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let key: String = key.chars().take(80).collect();
            let problem = format!("unknown key; known are {}", keys.join(", "));
            Err(invalid(format!("{place}{key}"), problem))
        }
    }
}

fn list<'a>(body: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], Invalid> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(invalid(key, "must be a list")),
    }
}

fn metrics(body: &Map<String, Value>) -> Result<Vec<Metric>, Invalid> {
    let mut metrics = Vec::new();
    for (at, value) in list(body, "metrics")?.iter().enumerate() {
        let place = format!("metrics/{at}");
        let Some(name) = value.as_str() else {
            return Err(invalid(place, "must be a text"));
        };
        let metric = Metric::parse(name).map_err(|problem| invalid(place.clone(), problem))?;
        if metrics.contains(&metric) {
            return Err(invalid(place, "named twice"));
        }
        metrics.push(metric);
    }
    if metrics.is_empty() {
        return Err(invalid("metrics", "name at least one"));
    }
    Ok(metrics)
}

fn dimensions(body: &Map<String, Value>, range: &Range) -> Result<Vec<Dimension>, Invalid> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    for (at, value) in list(body, "dimensions")?.iter().enumerate() {
        let place = format!("dimensions/{at}");
        let Some(name) = value.as_str() else {
            return Err(invalid(place, "must be a text"));
        };
        let dimension = match (name, range.day_count()) {
            ("time", 1) => Dimension::Hour,
            ("time", 2) if range.is_partial() => Dimension::Hour,
            ("time", ..=TIME_BY_DAY_MAX) => Dimension::Day,
            ("time", _) => Dimension::Month,
            _ => Dimension::parse(name).map_err(|problem| invalid(place.clone(), problem))?,
        };
        if dimensions.contains(&dimension) {
            return Err(invalid(place, "named twice"));
        }
        if dimension.is_time() && dimensions.iter().any(Dimension::is_time) {
            return Err(invalid(place, "there can be one span of time only"));
        }
        if dimensions.len() == DIMENSIONS_MAX {
            let problem = format!("there can be {DIMENSIONS_MAX} dimensions only");
            return Err(invalid(place, problem));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn order(
    body: &Map<String, Value>,
    metrics: &[Metric],
    dimensions: &[Dimension],
) -> Result<Vec<(OrderKey, bool)>, Invalid> {
    let mut order = Vec::new();
    for (at, value) in list(body, "order_by")?.iter().enumerate() {
        let place = format!("order_by/{at}");
        let pair = value.as_array().map(Vec::as_slice);
        let Some([Value::String(name), Value::String(direction)]) = pair else {
            return Err(invalid(
                place,
                "must be [metric or dimension, \"asc\" or \"desc\"]",
            ));
        };
        let metric = metrics.iter().position(|metric| metric.name() == name);
        let dimension = dimensions
            .iter()
            .position(|one| one.name() == *name || (name == "time" && one.is_time()));
        let key = match (metric, dimension) {
            (Some(place), _) => OrderKey::Metric(place),
            (_, Some(place)) => OrderKey::Dimension(place),
            _ => {
                let name: String = name.chars().take(80).collect();
                return Err(invalid(place, format!("{name:?} is not in this query")));
            }
        };
        let descending = match direction.as_str() {
            "asc" => false,
            "desc" => true,
            _ => return Err(invalid(place, "the direction must be \"asc\" or \"desc\"")),
        };
        if order.iter().any(|(known, _)| *known == key) {
            return Err(invalid(place, "named twice"));
        }
        order.push((key, descending));
    }
    if order.is_empty() {
        let time = dimensions.iter().position(Dimension::is_time);
        order.extend(time.map(|place| (OrderKey::Dimension(place), false)));
        order.push((OrderKey::Metric(0), true));
    }
    Ok(order)
}

fn object<'a>(
    body: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, Invalid> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(invalid(key, "must be an object")),
    }
}

fn include(
    body: &Map<String, Value>,
    about: &Parsed<'_>,
    range: &Range,
    dimensions: &[Dimension],
) -> Result<(Include, Option<Range>), Invalid> {
    let Some(include) = object(body, "include")? else {
        return Ok((Include::default(), None));
    };
    let keys = [
        "imports",
        "time_labels",
        "total_rows",
        "comparisons",
        "plan",
    ];
    known(include, "include/", &keys)?;
    let flag = |key: &str| match include.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(is)) => Ok(*is),
        Some(_) => Err(invalid(format!("include/{key}"), "must be true or false")),
    };
    flag("imports")?;
    let time_labels = flag("time_labels")?;
    if time_labels && !dimensions.iter().any(Dimension::is_time) {
        let problem = "needs a time dimension";
        return Err(invalid("include/time_labels", problem));
    }
    let compare = match include.get("comparisons") {
        None | Some(Value::Null) => None,
        Some(Value::Object(comparisons)) => Some(comparison(comparisons, about, range)?),
        Some(_) => return Err(invalid("include/comparisons", "must be an object")),
    };
    let include = Include {
        time_labels,
        total_rows: flag("total_rows")?,
        plan: flag("plan")?,
    };
    Ok((include, compare))
}

fn comparison(
    comparison: &Map<String, Value>,
    about: &Parsed<'_>,
    range: &Range,
) -> Result<Range, Invalid> {
    let place = |key: &str| format!("include/comparisons/{key}");
    let keys = ["mode", "date_range", "match_day_of_week"];
    known(comparison, "include/comparisons/", &keys)?;
    let dates = comparison.get("date_range");
    let found = match (comparison.get("mode").and_then(Value::as_str), dates) {
        (Some("previous_period"), None) => range.previous(),
        (Some("year_over_year"), None) => range.year_before(),
        (Some("custom"), Some(dates @ Value::Array(_))) => {
            parse_range(dates, about.site, about.now_ms, about.oldest)
        }
        (Some("custom"), _) => Err("must be two dates or two moments".into()),
        (Some("previous_period" | "year_over_year"), Some(_)) => {
            Err("goes with the mode \"custom\" only".into())
        }
        _ => {
            let problem = "must be \"previous_period\", \"year_over_year\" or \"custom\"";
            return Err(invalid(place("mode"), problem));
        }
    };
    let found = found.map_err(|problem| invalid(place("date_range"), problem))?;
    match comparison.get("match_day_of_week") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(found),
        Some(Value::Bool(true)) => {
            let moved = found.on_weekday_of(range);
            moved.map_err(|problem| invalid(place("match_day_of_week"), problem))
        }
        Some(_) => Err(invalid(place("match_day_of_week"), "must be true or false")),
    }
}

fn pagination(body: &Map<String, Value>) -> Result<(usize, usize), Invalid> {
    let Some(pagination) = object(body, "pagination")? else {
        return Ok((LIMIT_MAX as usize, 0));
    };
    known(pagination, "pagination/", &["limit", "offset"])?;
    let number = |key: &str, default: u64, from: u64, to: u64| {
        let value = pagination.get(key).map_or(Some(default), Value::as_u64);
        let value = value
            .filter(|n| (from..=to).contains(n))
            .map(|n| n as usize);
        value.ok_or_else(|| {
            invalid(
                format!("pagination/{key}"),
                format!("must be a number from {from} to {to}"),
            )
        })
    };
    Ok((
        number("limit", LIMIT_MAX, 1, LIMIT_MAX)?,
        number("offset", 0, 0, u64::from(u32::MAX))?,
    ))
}
