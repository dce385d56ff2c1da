//! An answer of the second stats API as a table for a terminal.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

/// A text without what could move a terminal's cursor: visitors may write what they like into paths
/// and campaigns.
pub fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.map(|one| plain(one.as_str().unwrap_or_default()))
        .collect()
}

/// A number as it is shown.
fn number(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Object(money) => plain(money.get("long").and_then(Value::as_str).unwrap_or("–")),
        other => other.to_string(),
    }
}

/// A number; an estimate with its bounds.
fn cell(value: &Value, bounds: &Value) -> String {
    match bounds.as_array().map(Vec::as_slice) {
        Some([lower, upper]) => format!("≈ {} ({lower}–{upper})", number(value)),
        _ => number(value),
    }
}

fn change(value: &Value) -> String {
    match value.as_f64() {
        Some(n) if n > 0.0 => format!("+{n}"),
        Some(n) => n.to_string(),
        None => "–".to_owned(),
    }
}

/// The table, and below it what is to be known of it.
pub fn of(answer: &Value) -> String {
    let (query, meta) = (&answer["query"], &answer["meta"]);
    let (dimensions, metrics) = (texts(&query["dimensions"]), texts(&query["metrics"]));
    let rows = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
    let is_compared = rows.iter().any(|row| row["comparison"].is_object());
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = dimensions.clone();
    for metric in &metrics {
        header.push(metric.clone());
        if is_compared {
            header.push("before".to_owned());
            header.push("change".to_owned());
        }
    }
    table.set_header(&header);
    for row in rows {
        let mut cells = texts(&row["dimensions"]);
        for at in 0..metrics.len() {
            cells.push(cell(&row["metrics"][at], &row["bounds"][at]));
            if is_compared {
                let before = &row["comparison"];
                cells.push(cell(&before["metrics"][at], &before["bounds"][at]));
                cells.push(change(&before["change"][at]));
            }
        }
        table.add_row(cells);
    }
    for at in dimensions.len()..header.len() {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut told = table.trim_fmt();
    told.push('\n');
    for line in notes(query, meta, rows.len()) {
        told.push('\n');
        told.push_str(&line);
    }
    told
}

fn notes(query: &Value, meta: &Value, shown: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let range = texts(&query["date_range"]);
    let total = meta["total_rows"].as_u64().unwrap_or(0);
    notes.push(format!("{shown} of {total} rows, {}", range.join(" to ")));
    if let Some(told) = meta["visitors"].as_str() {
        notes.push(format!("visitors: {}", plain(told)));
    }
    for (metric, warning) in meta["metric_warnings"].as_object().into_iter().flatten() {
        let told = warning["warning"].as_str().unwrap_or_default();
        notes.push(format!("{}: {}", plain(metric), plain(told)));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_aligned_and_estimates_have_their_bounds() {
        let answer = json!({
            "results": [
                {"dimensions": ["/\u{1b}[2Ja"], "metrics": [1200, null], "bounds": [[1000, 1400], null],
                 "comparison": {"dimensions": ["/"], "metrics": [600, 3], "change": [100.0, null]}},
                {"dimensions": ["/b"], "metrics": [7, {"value": 1.5, "long": "€1.50"}],
                 "comparison": {"dimensions": ["/"], "metrics": [8, null], "change": [-13.0, null]}},
            ],
            "meta": {"total_rows": 9, "visitors": "sum of daily visitors",
                "metric_warnings": {"visitors": {"code": "estimated", "warning": "an estimate"}}},
            "query": {"dimensions": ["event:page"], "metrics": ["visitors", "total_revenue"],
                "date_range": ["2026-11-22", "2026-11-23"]},
        });
        let told = of(&answer);
        let lines: Vec<&str> = told.lines().collect();
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            squeezed(lines[0]),
            "event:page visitors before change total_revenue before change"
        );
        assert_eq!(
            squeezed(lines[1]),
            "/\u{fffd}[2Ja ≈ 1200 (1000–1400) 600 +100 – 3 –"
        );
        assert_eq!(squeezed(lines[2]), "/b 7 8 -13 €1.50 – –");
        let chars = |line: &str, part: &str| {
            let at = line.find(part).unwrap();
            line[..at].chars().count() + part.chars().count()
        };
        assert_eq!(chars(lines[1], "(1000–1400)"), chars(lines[2], " 7"));
        assert_eq!(
            lines[4..],
            [
                "2 of 9 rows, 2026-11-22 to 2026-11-23",
                "visitors: sum of daily visitors",
                "visitors: an estimate"
            ]
        );
    }
}
