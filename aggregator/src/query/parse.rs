//! The JSON of a query to a [`Query`]; what is wrong is named by its place.

use serde_json::{Map, Value};

use super::{Dimension, Metric, OrderKey, Query, Range, plan};

/// Most rows an answer may have (COMPAT.md, section 3).
const LIMIT_MAX: u64 = 10_000;

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

/// Reads a query whose range is resolved already.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(body: &Map<String, Value>, range: Range) -> Result<Query, Invalid> {
    if let Some(key) = body.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(invalid(key.clone(), "unknown key"));
    }
    let metrics = names(body, "metrics", &Metric::ALL)?;
    if metrics.is_empty() {
        return Err(invalid("metrics", "name at least one"));
    }
    let dimensions = names(body, "dimensions", &Dimension::ALL)?;
    if let Some(metric) = metrics
        .iter()
        .find(|metric| plan::plan(**metric, &dimensions).is_none())
    {
        let problem = format!(
            "{} cannot be counted exactly by these together; ask for page with source or channel, or for one of them",
            metric.name()
        );
        return Err(invalid("dimensions", problem));
    }
    // Filters and includes come with the full query engine; until then they are refused, because
    // an answer that ignores them would be wrong.
    for (key, empty) in [("filters", "[]"), ("include", "{}")] {
        let value = body.get(key).map(Value::to_string);
        if value.is_some_and(|value| value != empty && value != "null") {
            return Err(invalid(key, "not answered by this version; leave it out"));
        }
    }
    let order = order(body, &metrics, &dimensions)?;
    let (limit, offset) = pagination(body)?;
    Ok(Query {
        metrics,
        from: range.from,
        to: range.to,
        dimensions,
        order,
        limit,
        offset,
    })
}

fn list<'a>(body: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], Invalid> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(invalid(key, "must be a list")),
    }
}

fn names<T: Copy + PartialEq>(
    body: &Map<String, Value>,
    key: &str,
    known: &[(&'static str, T)],
) -> Result<Vec<T>, Invalid> {
    let mut found: Vec<T> = Vec::new();
    for (place, value) in list(body, key)?.iter().enumerate() {
        let place = format!("{key}/{place}");
        let item = known.iter().find(|(name, _)| value.as_str() == Some(name));
        let Some((_, item)) = item else {
            let all: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let all = all.join(", ");
            return Err(invalid(place, format!("unknown: {value}; known are {all}")));
        };
        if found.contains(item) {
            return Err(invalid(place, "named twice"));
        }
        found.push(*item);
    }
    Ok(found)
}

fn order(
    body: &Map<String, Value>,
    metrics: &[Metric],
    dimensions: &[Dimension],
) -> Result<Vec<(OrderKey, bool)>, Invalid> {
    let mut order = Vec::new();
    for (place, value) in list(body, "order_by")?.iter().enumerate() {
        let place = format!("order_by/{place}");
        let pair = value.as_array().map(Vec::as_slice);
        let Some([Value::String(name), Value::String(direction)]) = pair else {
            return Err(invalid(
                place,
                "must be [metric or dimension, \"asc\" or \"desc\"]",
            ));
        };
        let metric = metrics.iter().position(|metric| metric.name() == name);
        let dimension = dimensions.iter().position(|d| d.name() == name);
        let key = match (metric, dimension) {
            (Some(place), _) => OrderKey::Metric(place),
            (_, Some(place)) => OrderKey::Dimension(place),
            _ => return Err(invalid(place, format!("{name:?} is not in this query"))),
        };
        let descending = match direction.as_str() {
            "asc" => false,
            "desc" => true,
            _ => return Err(invalid(place, "the direction must be \"asc\" or \"desc\"")),
        };
        order.push((key, descending));
    }
    if order.is_empty() {
        let day = dimensions.iter().position(|d| *d == Dimension::Day);
        order.extend(day.map(|place| (OrderKey::Dimension(place), false)));
        order.push((OrderKey::Metric(0), true));
    }
    Ok(order)
}

fn pagination(body: &Map<String, Value>) -> Result<(usize, usize), Invalid> {
    let pagination = match body.get("pagination") {
        None | Some(Value::Null) => return Ok((LIMIT_MAX as usize, 0)),
        Some(Value::Object(pagination)) => pagination,
        Some(_) => return Err(invalid("pagination", "must be an object")),
    };
    if let Some(key) = pagination
        .keys()
        .find(|key| *key != "limit" && *key != "offset")
    {
        return Err(invalid(format!("pagination/{key}"), "unknown key"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use serde_json::json;

    fn parse_json(value: Value) -> Result<Query, String> {
        let Value::Object(body) = value else {
            panic!("an object")
        };
        let day = date(2026, 11, 23);
        parse(&body, Range { from: day, to: day }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_full_query() {
        let query = parse_json(json!({
            "site_id": "a.example", "date_range": "day", "metrics": ["visitors", "pageviews"],
            "dimensions": ["event:page", "time:day"], "filters": [], "include": {},
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
    fn what_is_wrong_is_named_by_its_place() {
        let with = |key: &str, value: Value| {
            let mut body = json!({"metrics": ["visitors"]});
            body[key] = value;
            parse_json(body).unwrap_err()
        };
        assert_eq!(with("metrics", json!([])), "metrics: name at least one");
        assert_eq!(
            with("metrics", json!(["visitors", "visitors"])),
            "metrics/1: named twice"
        );
        assert!(
            with("metrics", json!(["visitors", "x"]))
                .starts_with("metrics/1: unknown: \"x\"; known are visitors")
        );
        assert_eq!(
            with("metrics", json!("visitors")),
            "metrics: must be a list"
        );
        assert!(with("dimensions", json!([7])).starts_with("dimensions/0: unknown: 7"));
        let both = json!(["visit:source", "visit:channel"]);
        assert!(with("dimensions", both).starts_with("dimensions: visitors cannot be counted"));
        assert_eq!(with("colour", json!(1)), "colour: unknown key");
        assert!(
            with("filters", json!([["is", "event:page", ["/"]]]))
                .starts_with("filters: not answered")
        );
        assert!(with("include", json!({"total_rows": true})).starts_with("include: not answered"));
        assert_eq!(
            with("order_by", json!([["pageviews", "asc"]])),
            "order_by/0: \"pageviews\" is not in this query"
        );
        assert!(
            with("order_by", json!([["visitors", "up"]])).starts_with("order_by/0: the direction")
        );
        assert!(with("order_by", json!(["visitors"])).starts_with("order_by/0: must be"));
        assert!(with("pagination", json!([])).starts_with("pagination: must be"));
        assert!(with("pagination", json!({"limit": 0})).starts_with("pagination/limit: must be"));
        assert!(
            with("pagination", json!({"limit": 10_001})).starts_with("pagination/limit: must be")
        );
        assert!(
            with("pagination", json!({"offset": -1})).starts_with("pagination/offset: must be")
        );
        assert!(with("pagination", json!({"page": 1})).starts_with("pagination/page: unknown"));
    }
}
