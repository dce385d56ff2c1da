//! An answer as JSON and as CSV.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::query::{Answer, Cell, Query};
use crate::site::Site;

/// What an answer is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// Comma-separated values, a row for each of the answer's, with a header.
    Csv,
}

impl Form {
    /// What is asked for: by name, else by the Accept header, else JSON.
    ///
    /// # Errors
    /// There is no such form.
    pub fn of(name: Option<&str>, headers: &HeaderMap) -> Result<Self, Refusal> {
        let accept = headers.get(header::ACCEPT);
        let accept = accept.and_then(|accept| accept.to_str().ok());
        match name {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(Refusal::Invalid(
                "format: must be \"json\" or \"csv\"".into(),
            )),
            None if accept.is_some_and(|accept| accept.trim().starts_with("text/csv")) => {
                Ok(Self::Csv)
            }
            None => Ok(Self::Json),
        }
    }
}

/// The answer as the second API tells it.
pub fn json(site: &Site, query: &Query, answer: &Answer) -> Value {
    let numbers =
        |cells: &[Cell]| -> Vec<Value> { cells.iter().map(|cell| cell.value.to_json()).collect() };
    let results = answer.rows.iter().map(|row| {
        let mut told = Map::new();
        told.insert("dimensions".into(), json!(row.dimensions));
        told.insert("metrics".into(), numbers(&row.metrics).into());
        let bounds = row.metrics.iter().map(|cell| cell.bounds);
        let bounds: Vec<Option<[f64; 2]>> = bounds.collect();
        if bounds.iter().any(Option::is_some) {
            told.insert("bounds".into(), bounds_json(&bounds));
        }
        if let Some(compared) = &row.compared {
            let mut comparison = json!({
                "dimensions": compared.dimensions,
                "metrics": numbers(&compared.metrics),
                "change": compared.change,
            });
            let bounds = compared.metrics.iter().map(|cell| cell.bounds);
            let bounds: Vec<Option<[f64; 2]>> = bounds.collect();
            if bounds.iter().any(Option::is_some) {
                comparison["bounds"] = bounds_json(&bounds);
            }
            told.insert("comparison".into(), comparison);
        }
        Value::Object(told)
    });
    let results: Vec<Value> = results.collect();
    let meta = meta(query, answer);
    let echo = query.to_json(site);
    json!({ "results": results, "meta": meta, "query": echo })
}

/// A whole number without a point.
pub fn number(n: f64) -> Value {
    match n.fract() == 0.0 {
        true => json!(n as u64),
        false => json!(n),
    }
}

fn bounds_json(bounds: &[Option<[f64; 2]>]) -> Value {
    let pair = |pair: &Option<[f64; 2]>| match pair {
        Some([lower, upper]) => json!([number(*lower), number(*upper)]),
        None => Value::Null,
    };
    bounds.iter().map(pair).collect()
}

/// What is to be known of an answer beside its numbers.
pub fn meta(query: &Query, answer: &Answer) -> Value {
    let mut meta = Map::new();
    let of_visitors = query.metrics.iter().any(|metric| metric.is_of_visitors());
    if of_visitors && query.range.from != query.range.to {
        meta.insert("visitors".into(), json!("sum of daily visitors"));
    }
    if query.range.is_rounded {
        meta.insert("date_range_rounded_to".into(), json!("hour"));
    }
    if query.include.total_rows {
        meta.insert("total_rows".into(), json!(answer.total_rows));
    }
    if query.include.time_labels {
        meta.insert("time_labels".into(), json!(answer.time_labels));
    }
    if query.include.plan {
        meta.insert("plan".into(), json!(answer.plan));
    }
    let warnings = warnings(query, answer);
    if !warnings.is_empty() {
        meta.insert("metric_warnings".into(), Value::Object(warnings));
    }
    Value::Object(meta)
}

/// Whether what a metric is compared with is an estimate in some row.
fn was_estimated(answer: &Answer, place: usize) -> bool {
    let compared = answer.rows.iter().filter_map(|row| row.compared.as_ref());
    let mut cells = compared.filter_map(|compared| compared.metrics.get(place));
    cells.any(|cell| cell.bounds.is_some())
}

/// By metric; of several the gravest: what is lacking, what is estimated, what may be there twice.
fn warnings(query: &Query, answer: &Answer) -> Map<String, Value> {
    let mut warnings = Map::new();
    for (place, metric) in query.metrics.iter().enumerate() {
        let warning = if answer.partial.contains(&place) {
            json!({
                "code": "partial",
                "warning": "some days of this range have counts by one dimension each only (detail totals, or imported); by several at once they are left out",
            })
        } else if answer.estimated.contains(&place) || was_estimated(answer, place) {
            let mut told = json!({
                "code": "estimated",
                "warning": "an estimate: the true number lies between the bounds; each result has them in its `bounds`, and what it is compared with in its own",
            });
            let cell = answer.rows.first().and_then(|row| row.metrics.get(place));
            let bounds = cell.and_then(|cell| cell.bounds);
            // Without dimensions there is one result; its bounds are those of the answer.
            if let (true, Some(bounds)) = (query.dimensions.is_empty(), bounds) {
                let pair = bounds_json(&[Some(bounds)]);
                told["lower"] = pair[0][0].clone();
                told["upper"] = pair[0][1].clone();
            }
            told
        } else if answer.degraded && metric.is_of_visitors() {
            json!({
                "code": "degraded",
                "warning": "a salt was lost on a day of this range, or two edges counted it; visitors of that day may be counted twice",
            })
        } else {
            continue;
        };
        warnings.insert(metric.name().to_owned(), warning);
    }
    warnings
}

/// The answer as comma-separated values: dimensions, metrics, and bounds of what is estimated.
pub fn csv_bytes(query: &Query, answer: &Answer) -> Vec<u8> {
    let mut text = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> = query
        .dimensions
        .iter()
        .map(|one| plain(&one.short_name()))
        .collect();
    let is_compared = query.compare.is_some();
    for (place, metric) in query.metrics.iter().enumerate() {
        let name = metric.name();
        header.push(name.to_owned());
        if answer.estimated.contains(&place) {
            header.extend([format!("{name}_lower"), format!("{name}_upper")]);
        }
        if is_compared {
            header.push(format!("{name}_before"));
            if was_estimated(answer, place) {
                let ends = ["lower", "upper"];
                header.extend(ends.map(|end| format!("{name}_before_{end}")));
            }
            header.push(format!("{name}_change"));
        }
    }
    let told = |fields: &mut Vec<String>, cell: Option<&Cell>, with_bounds: bool| {
        let text = cell.map_or_else(String::new, |cell| cell.value.to_text());
        let bounds = cell.and_then(|cell| cell.bounds);
        let bounds = bounds.map(|pair| pair.map(|n| n.to_string()));
        fields.push(text.clone());
        if with_bounds {
            fields.extend(bounds.unwrap_or([text.clone(), text]));
        }
    };
    let rows = answer.rows.iter().map(|row| {
        let mut fields: Vec<String> = row.dimensions.iter().map(|text| plain(text)).collect();
        for (place, cell) in row.metrics.iter().enumerate() {
            told(&mut fields, Some(cell), answer.estimated.contains(&place));
            if is_compared {
                let compared = row.compared.as_ref();
                let before = compared.and_then(|compared| compared.metrics.get(place));
                told(&mut fields, before, was_estimated(answer, place));
                let change = compared.and_then(|compared| *compared.change.get(place)?);
                fields.push(change.map_or_else(String::new, |n| n.to_string()));
            }
        }
        fields
    });
    for fields in std::iter::once(header).chain(rows) {
        // Writing to memory does not fail.
        let _ = text.write_record(&fields);
    }
    text.into_inner().unwrap_or_default()
}

/// The same, to be sent.
pub fn csv(query: &Query, answer: &Answer) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"dayfly.csv\"",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, csv_bytes(query, answer)).into_response()
}

/// A text that no spreadsheet takes for a formula: visitors may write what they like into paths
/// and campaigns.
fn plain(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        for bad in ["=1+1", "+1", "-1", "@x", "\t=1"] {
            assert_eq!(plain(bad), format!("'{bad}"));
        }
        assert_eq!(plain("/a=b"), "/a=b");
    }

    #[test]
    fn forms() {
        let headers = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            headers
        };
        let form = |name, accept| Form::of(name, &headers(accept)).ok();
        assert_eq!(form(None, "*/*"), Some(Form::Json));
        assert_eq!(form(None, "text/csv"), Some(Form::Csv));
        assert_eq!(form(Some("json"), "text/csv"), Some(Form::Json));
        assert_eq!(form(Some("csv"), "*/*"), Some(Form::Csv));
        assert_eq!(form(Some("xml"), "*/*"), None);
    }
}
