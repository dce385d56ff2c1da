//! Filters of the first API: `visit:source==Google|Bing;event:page!=/blog/**`.
//!
//! `;` joins conditions that must all hold, `|` values of which any will do; `\|` and `\;` stand for
//! themselves. A value with a star is a pattern: `*` is anything but a slash, `**` anything. The
//! conditions are read as those of the second API, so both mean the same.

use serde_json::{Value, json};

use crate::query::{Filter, Goals, parse_filters};
use crate::store::SavedSegment;

/// Reads filters; a text without any is none.
///
/// # Errors
/// What is wrong, and with which condition.
pub fn parse(text: &str, goals: &Goals, segments: &[SavedSegment]) -> Result<Filter, String> {
    let conditions = conditions(text)?;
    parse_filters(Some(&json!(conditions)), goals, segments).map_err(|invalid| {
        // `filters/2/…` is the third condition.
        let at = invalid.place.split('/').nth(1);
        match at.and_then(|at| at.parse::<usize>().ok()) {
            Some(at) => format!("condition {}: {}", at + 1, invalid.problem),
            None => invalid.problem,
        }
    })
}

/// The conditions as the second API has them.
///
/// # Errors
/// One is none; the text says which, and why.
pub fn conditions(text: &str) -> Result<Vec<Value>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let all = split(text, ';').into_iter().enumerate();
    let all = all.map(|(at, one)| {
        condition(&one).map_err(|problem| format!("condition {}: {problem}", at + 1))
    });
    all.collect()
}

/// One condition.
fn condition(text: &str) -> Result<Value, String> {
    let places = ["==", "!="].map(|operator| text.find(operator));
    let [is, is_not] = places.map(|place| place.unwrap_or(usize::MAX));
    let at = is.min(is_not);
    if at == usize::MAX {
        let text: String = text.chars().take(80).collect();
        return Err(format!(
            "{text:?} has no == or !=; write it like visit:source==Google"
        ));
    }
    let negated = is_not < is;
    let (name, values) = (text[..at].trim(), &text[at + 2..]);
    let values = split(values, '|').into_iter();
    let values: Vec<String> = values
        .map(|value| unescaped(value.trim(), &['|', ';']))
        .collect();
    if values.iter().any(String::is_empty) {
        return Err("a value is empty; what is empty is called (none)".into());
    }
    let (patterns, plain): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|value| value.contains('*'));
    let not = if negated { "_not" } else { "" };
    let leaf = |op: &str, values: Vec<String>| json!([format!("{op}{not}"), name, values]);
    Ok(match (plain.is_empty(), patterns.is_empty()) {
        (_, true) => leaf("is", plain),
        (true, _) => leaf("matches_wildcard", patterns),
        _ => {
            let all = [leaf("is", plain), leaf("matches_wildcard", patterns)];
            json!([if negated { "and" } else { "or" }, all])
        }
    })
}

/// The parts between separators that no backslash stands before; backslashes stay.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// Without the backslashes before these; others stand for themselves.
fn unescaped(text: &str, escapable: &[char]) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && escapable.contains(next) => {}
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        let filter = parse(text, &Goals::default(), &[]).unwrap();
        filter.to_json()[1].clone()
    }

    #[test]
    fn conditions_are_those_of_the_second_api() {
        for (text, filters) in [
            ("", json!([])),
            ("  ", json!([])),
            (
                "visit:source==Google",
                json!([["is", "visit:source", ["Google"]]]),
            ),
            (
                "visit:country == de ; event:page != /a | /b",
                json!([
                    ["is", "visit:country", ["DE"]],
                    ["is_not", "event:page", ["/a", "/b"]]
                ]),
            ),
            (
                r"event:page==/a\|b|/c\;d",
                json!([["is", "event:page", ["/a|b", "/c;d"]]]),
            ),
            (
                r"event:page==C:\dir",
                json!([["is", "event:page", [r"C:\dir"]]]),
            ),
            (
                "event:page==/blog/**",
                json!([["matches_wildcard", "event:page", ["/blog/**"]]]),
            ),
            (
                "event:page==/|/blog/*",
                json!([[
                    "or",
                    [
                        ["is", "event:page", ["/"]],
                        ["matches_wildcard", "event:page", ["/blog/*"]]
                    ]
                ]]),
            ),
            (
                "event:page!=/|/blog/*",
                json!([[
                    "and",
                    [
                        ["is_not", "event:page", ["/"]],
                        ["matches_wildcard_not", "event:page", ["/blog/*"]]
                    ]
                ]]),
            ),
            (
                "event:props:a==b!=c==d",
                json!([["is", "event:props:a", ["b!=c==d"]]]),
            ),
        ] {
            assert_eq!(read(text), filters, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_condition() {
        let goals = Goals::default();
        let long = format!("event:page=={}", "x".repeat(2_001));
        let many = vec!["event:page==/"; 101].join(";");
        for (text, begins) in [
            ("x", "condition 1: \"x\" has no =="),
            ("event:page==/;", "condition 2: \"\" has no =="),
            ("event:page==", "condition 1: a value is empty"),
            ("event:page==/|", "condition 1: a value is empty"),
            ("page==/", "condition 1: unknown dimension \"page\""),
            ("event:page==/;visit:city==1", "condition 2: visit:city"),
            ("visit:country==Germany", "condition 1: \"Germany\" is no"),
            ("event:goal==Signup", "condition 1: there is no goal"),
            ("segment==7", "condition 1: the site has no segment 7"),
            ("time:day==2026-01-01", "condition 1: time is asked for by"),
            (long.as_str(), "condition 1: must be a text of at most"),
            (many.as_str(), "there are more than 100 conditions"),
        ] {
            let told = parse(text, &goals, &[]).unwrap_err();
            assert!(told.starts_with(begins), "{text}: {told}");
        }
    }
}
