//! What the templates show: numbers, periods, panels.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::query::{Dimension, Row};

/// Most days a chart has.
pub const DAYS_MAX: usize = 4_000;

/// A number with a thin space between thousands.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number of things in words.
pub fn count(n: u64, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", number(n))
}

/// A value as it is shown: "Unknown" for one that is not known.
pub fn known(value: &str) -> String {
    match value {
        "(none)" => "Unknown".to_owned(),
        known => known.to_owned(),
    }
}

/// A period one can choose.
pub struct Period {
    /// Its value in the URL.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// It is the one shown.
    pub chosen: bool,
}

impl Period {
    /// The one shown when none is chosen.
    pub const DEFAULT: &'static str = "day";

    const ALL: [(&'static str, &'static str); 6] = [
        ("day", "Today"),
        ("yesterday", "Yesterday"),
        ("7d", "7 days"),
        ("30d", "30 days"),
        ("12mo", "12 months"),
        ("all", "All time"),
    ];

    /// All periods, one of them chosen.
    pub fn all(chosen: &str) -> Vec<Self> {
        let period = |(key, name)| Self {
            key,
            name,
            chosen: key == chosen,
        };
        Self::ALL.into_iter().map(period).collect()
    }

    /// The name of a period's key.
    pub fn name(key: &str) -> Option<&'static str> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == key);
        found.map(|(_, name)| name)
    }
}

/// First and last day of a period; on the dashboard they end today.
pub fn days(period: &str, today: Date, oldest: Option<Date>) -> (Date, Date) {
    let back = |span: jiff::Span| today.checked_sub(span).unwrap_or(today);
    let from = match period {
        "yesterday" => return (back(1.day()), back(1.day())),
        "7d" => back(6.days()),
        "30d" => back(29.days()),
        "12mo" => back(11.months()).first_of_month(),
        "all" => oldest.unwrap_or(today).min(today),
        _ => today,
    };
    (from, today)
}

/// What a panel lists.
pub struct PanelKind {
    /// Its heading.
    pub title: &'static str,
    /// The heading of the first column.
    pub column: &'static str,
    /// What is listed.
    pub dimension: Dimension,
    /// How a value is shown.
    pub label: fn(&str) -> String,
}

/// A list of values with their numbers.
pub struct Panel {
    /// Its heading.
    pub title: &'static str,
    /// The heading of the first column.
    pub column: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// There are more lines than are shown.
    pub more: bool,
}

/// A line of a panel.
pub struct Line {
    /// Page or country.
    pub label: String,
    /// Share of the longest line, 0 to 100.
    pub width: u64,
    /// Visitors.
    pub visitors: String,
    /// Page views.
    pub views: String,
}

impl Panel {
    /// A panel of rows that hold visitors, then page views.
    pub fn new(kind: &PanelKind, rows: &[Row], most: usize) -> Self {
        let value = |row: &Row, place: usize| row.whole(place);
        let longest = rows
            .iter()
            .map(|row| value(row, 0))
            .max()
            .unwrap_or(0)
            .max(1);
        let line = |row: &Row| Line {
            label: row
                .dimensions
                .first()
                .map(|text| (kind.label)(text))
                .unwrap_or_default(),
            width: value(row, 0) * 100 / longest,
            visitors: number(value(row, 0)),
            views: number(value(row, 1)),
        };
        Self {
            title: kind.title,
            column: kind.column,
            lines: rows.iter().take(most).map(line).collect(),
            more: rows.len() > most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_000), "1\u{202f}000");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(1, "visitor"), "1 visitor");
        assert_eq!(count(0, "visitor"), "0 visitors");
    }

    #[test]
    fn periods_end_today() {
        let today = date(2026, 3, 1);
        assert_eq!(days("day", today, None), (today, today));
        assert_eq!(days("yesterday", today, None).0, date(2026, 2, 28));
        assert_eq!(days("7d", today, None), (date(2026, 2, 23), today));
        assert_eq!(days("12mo", today, None), (date(2025, 4, 1), today));
        assert_eq!(
            days("all", today, Some(date(2025, 1, 2))).0,
            date(2025, 1, 2)
        );
        assert!(Period::name("nonsense").is_none());
    }
}
