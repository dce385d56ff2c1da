//! The JSON of a query to a [`Query`]; what is wrong is named by its place.

mod segment;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::dimension::Dimension;
use super::filter::{CLAUSE_BYTES_MAX, CLAUSES_MAX, DEPTH_MAX, Filter, LEAVES_MAX, Leaf, Op};
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

/// Reads `filters`; a saved segment that they name becomes what it holds.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse_filters(
    filters: Option<&Value>,
    goals: &Goals,
    segments: &[SavedSegment],
) -> Result<Filter, Invalid> {
    let list = match filters {
        None | Some(Value::Null) => return Ok(Filter::all()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(invalid("filters", "must be a list")),
    };
    let mut reader = Reader {
        goals,
        segments,
        leaves: 0,
    };
    let read = list.iter().enumerate();
    let read = read.map(|(at, value)| reader.read(value, format!("filters/{at}"), 1));
    Ok(Filter::And(read.collect::<Result<_, _>>()?))
}

struct Reader<'a> {
    goals: &'a Goals,
    segments: &'a [SavedSegment],
    leaves: usize,
}

impl Reader<'_> {
    fn read(&mut self, value: &Value, place: String, depth: usize) -> Result<Filter, Invalid> {
        if depth > DEPTH_MAX {
            let problem = format!("filters are nested deeper than {DEPTH_MAX}");
            return Err(invalid("filters", problem));
        }
        let Some([Value::String(op), rest @ ..]) = value.as_array().map(Vec::as_slice) else {
            return Err(invalid(
                place,
                "must be a list that begins with an operator",
            ));
        };
        let problem = match (op.as_str(), rest) {
            ("and" | "or", [Value::Array(all)]) if !all.is_empty() => {
                let read = all.iter().enumerate();
                let read =
                    read.map(|(at, value)| self.read(value, format!("{place}/1/{at}"), depth + 1));
                let all = read.collect::<Result<_, _>>()?;
                return Ok(if op == "and" {
                    Filter::And(all)
                } else {
                    Filter::Or(all)
                });
            }
            ("and" | "or", _) => "must be followed by a list of filters".to_owned(),
            ("not", [filter]) => {
                let filter = self.read(filter, format!("{place}/1"), depth + 1)?;
                return Ok(Filter::Not(Box::new(filter)));
            }
            ("not", _) => "must be followed by one filter".to_owned(),
            ("has_done" | "has_not_done", _) => format!(
                "{op} asks what the same visitor did elsewhere, which is not kept; define a goal or a funnel, which are counted as they happen"
            ),
            _ => {
                let Some(how) = Op::parse(op) else {
                    let op: String = op.chars().take(80).collect();
                    let known: Vec<&str> = Op::names().collect();
                    let problem = format!(
                        "unknown operator {op:?}; known are {}, and, or, not",
                        known.join(", ")
                    );
                    return Err(invalid(format!("{place}/0"), problem));
                };
                if rest.first().is_some_and(|name| *name == segment::NAME) {
                    return self.segments(how, rest, &place, depth);
                }
                return self.leaf(how, rest, &place).map(Filter::Leaf);
            }
        };
        Err(invalid(place, problem))
    }

    fn leaf(&mut self, how: (Op, bool), rest: &[Value], place: &str) -> Result<Leaf, Invalid> {
        self.leaves += 1;
        if self.leaves > LEAVES_MAX {
            let problem = format!("there are more than {LEAVES_MAX} conditions");
            return Err(invalid("filters", problem));
        }
        let (name, clauses, modifiers) = match rest {
            [Value::String(name), Value::Array(clauses)] => (name, clauses, None),
            [
                Value::String(name),
                Value::Array(clauses),
                Value::Object(modifiers),
            ] => (name, clauses, Some(modifiers)),
            _ => {
                return Err(invalid(
                    place,
                    "must be [operator, dimension, list of values]",
                ));
            }
        };
        let dimension =
            Dimension::parse(name).map_err(|problem| invalid(format!("{place}/1"), problem))?;
        if dimension.is_time() {
            let problem = "time is asked for by date_range";
            return Err(invalid(format!("{place}/1"), problem));
        }
        let mut case_sensitive = true;
        if let Some(modifiers) = modifiers {
            known(modifiers, &format!("{place}/3/"), &["case_sensitive"])?;
            match modifiers.get("case_sensitive") {
                None => {}
                Some(Value::Bool(is)) => case_sensitive = *is,
                Some(_) => {
                    let place = format!("{place}/3/case_sensitive");
                    return Err(invalid(place, "must be true or false"));
                }
            }
        }
        if clauses.is_empty() || clauses.len() > CLAUSES_MAX {
            let problem = format!("there must be 1 to {CLAUSES_MAX} values");
            return Err(invalid(format!("{place}/2"), problem));
        }
        let mut texts = Vec::with_capacity(clauses.len());
        for (at, clause) in clauses.iter().enumerate() {
            let place = format!("{place}/2/{at}");
            let Some(text) = clause
                .as_str()
                .filter(|text| text.len() <= CLAUSE_BYTES_MAX)
            else {
                let problem = format!("must be a text of at most {CLAUSE_BYTES_MAX} bytes");
                return Err(invalid(place, problem));
            };
            self.check(&dimension, how, text)
                .map_err(|problem| invalid(place, problem))?;
            texts.push(match (&dimension, how.0) {
                (Dimension::Country, Op::Is) if text.len() == 2 => text.to_ascii_uppercase(),
                _ => text.to_owned(),
            });
        }
        Leaf::new(dimension, how, texts, case_sensitive)
            .map_err(|(at, problem)| invalid(format!("{place}/2/{at}"), problem))
    }

    fn check(&self, dimension: &Dimension, (op, _): (Op, bool), text: &str) -> Result<(), String> {
        if op != Op::Is {
            return Ok(());
        }
        let shown: String = text.chars().take(80).collect();
        let is_code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
        match dimension {
            Dimension::Country if !is_code && !text.starts_with('(') => Err(format!(
                "{shown:?} is no two-letter country code such as \"DE\""
            )),
            Dimension::Goal if !self.goals.has(text) => Err(format!(
                "there is no goal {shown:?}; goals count from when they are added (dayfly goal add)"
            )),
            _ => Ok(()),
        }
    }
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

impl Filter {
    /// As the API reads it.
    pub fn to_json(&self) -> Value {
        let all = |all: &[Filter]| all.iter().map(Filter::to_json).collect::<Vec<_>>();
        match self {
            Filter::And(list) => json!(["and", all(list)]),
            Filter::Or(list) => json!(["or", all(list)]),
            Filter::Not(one) => json!(["not", one.to_json()]),
            Filter::Leaf(leaf) => {
                let mut filter = json!([
                    leaf.op.name(leaf.negated),
                    leaf.dimension.name(),
                    leaf.clauses
                ]);
                if let (false, Some(filter)) = (leaf.case_sensitive, filter.as_array_mut()) {
                    filter.push(json!({ "case_sensitive": false }));
                }
                filter
            }
        }
    }
}

impl Query {
    /// The query as it was understood; asked again it gives the same.
    pub fn to_json(&self, site: &Site) -> Value {
        let metrics: Vec<&str> = self.metrics.iter().map(|metric| metric.name()).collect();
        let dimensions: Vec<String> = self.dimensions.iter().map(|d| d.name().into()).collect();
        let order = self.order.iter().map(|(key, descending)| {
            let name = match key {
                OrderKey::Metric(place) => metrics[*place].to_owned(),
                OrderKey::Dimension(place) => dimensions[*place].clone(),
            };
            json!([name, if *descending { "desc" } else { "asc" }])
        });
        let order: Vec<Value> = order.collect();
        let filters = match &self.filter {
            Filter::And(all) => all.iter().map(Filter::to_json).collect(),
            other => vec![other.to_json()],
        };
        let mut include = Map::new();
        for (key, is) in [
            ("time_labels", self.include.time_labels),
            ("total_rows", self.include.total_rows),
            ("plan", self.include.plan),
        ] {
            if is {
                include.insert(key.to_owned(), json!(true));
            }
        }
        if let Some(range) = &self.compare {
            let comparison = json!({ "mode": "custom", "date_range": range.to_json(site) });
            include.insert("comparisons".to_owned(), comparison);
        }
        json!({
            "site_id": site.domain,
            "metrics": metrics,
            "date_range": self.range.to_json(site),
            "dimensions": dimensions,
            "filters": filters,
            "order_by": order,
            "include": include,
            "pagination": { "limit": self.limit, "offset": self.offset },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
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
}
