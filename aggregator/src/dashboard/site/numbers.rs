//! Numbers as people read them.

use super::super::view::number;
use crate::query::{Cell, Metric, Value};

/// What a metric is called; `several` days change what visitors are.
pub const fn name(metric: Metric, several: bool) -> &'static str {
    match metric {
        Metric::Visitors if several => "Daily visitors, summed",
        Metric::Visitors => "Visitors",
        Metric::Visits => "Visits",
        Metric::Pageviews => "Page views",
        Metric::ViewsPerVisit => "Views per visit",
        Metric::BounceRate => "Bounce rate",
        Metric::VisitDuration => "Visit duration",
        Metric::Events => "Events",
        Metric::Percentage => "Share",
        Metric::ConversionRate => "Conversion rate",
        Metric::GroupConversionRate => "Conversion rate",
        Metric::TimeOnPage => "Time on page",
        Metric::ScrollDepth => "Scroll depth",
        Metric::ExitRate => "Exit rate",
        Metric::TotalRevenue => "Revenue",
        Metric::AverageRevenue => "Average revenue",
    }
}

/// A value of a metric.
pub fn value(metric: Metric, value: &Value) -> String {
    let Some(shown) = plain(metric, value) else {
        return "–".to_owned();
    };
    shown
}

fn plain(metric: Metric, value: &Value) -> Option<String> {
    let unit = match metric {
        Metric::VisitDuration | Metric::TimeOnPage => {
            return match value {
                Value::None => None,
                other => Some(duration(other.number().max(0.0) as u64)),
            };
        }
        one if one.is_rate() => "%",
        _ => "",
    };
    match value {
        Value::None => None,
        Value::Whole(n) => Some(format!("{}{unit}", number(*n))),
        Value::Decimal(n) => Some(format!("{n}{unit}")),
        Value::Money { .. } => value.to_json()["long"].as_str().map(str::to_owned),
    }
}

/// Seconds as minutes and seconds.
pub fn duration(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s:02}s"),
        (h, m, _) => format!("{h}h {m:02}m"),
    }
}

/// A cell: an estimate is shown as one.
pub fn cell(metric: Metric, cell: &Cell) -> String {
    match cell.bounds {
        Some(_) if cell.value != Value::None => format!("≈\u{202f}{}", value(metric, &cell.value)),
        _ => value(metric, &cell.value),
    }
}

/// A cell in few letters, and what is to be said of it: all of an amount, or between what an
/// estimate lies.
pub fn short(metric: Metric, cell: &Cell) -> (String, Option<String>) {
    let told = self::cell(metric, cell);
    let short = match cell.value {
        Value::Money { .. } => cell.value.to_json()["short"].as_str().map(str::to_owned),
        _ => None,
    };
    match short {
        Some(short) => (short, Some(told)),
        None => (told, bounds(metric, cell)),
    }
}

/// Between what an estimate lies.
pub fn bounds(metric: Metric, cell: &Cell) -> Option<String> {
    let [lower, upper] = cell.bounds?;
    let told = |n: f64| match n.fract() == 0.0 {
        true => value(metric, &Value::Whole(n as u64)),
        false => value(metric, &Value::Decimal(n)),
    };
    Some(format!("between {} and {}", told(lower), told(upper)))
}

/// A change with its sign, and whether it is for the better.
pub fn change(metric: Metric, change: f64) -> (String, &'static str) {
    let unit = if metric.is_rate() { " points" } else { "%" };
    let sign = match change {
        n if n > 0.0 => "+",
        n if n < 0.0 => "−",
        _ => "±",
    };
    let good = match metric {
        Metric::BounceRate | Metric::ExitRate => change < 0.0,
        _ => change > 0.0,
    };
    let kind = match (change == 0.0, good) {
        (true, _) => "same",
        (_, true) => "better",
        _ => "worse",
    };
    let shown = match change.abs() {
        n if n.fract() == 0.0 => number(n as u64),
        n => format!("{n}"),
    };
    (format!("{sign}{shown}{unit}"), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let whole = Value::Whole;
        assert_eq!(value(Metric::Visitors, &whole(1_234)), "1\u{202f}234");
        assert_eq!(value(Metric::BounceRate, &whole(48)), "48%");
        assert_eq!(value(Metric::VisitDuration, &whole(75)), "1m 15s");
        assert_eq!(value(Metric::VisitDuration, &whole(3_725)), "1h 02m");
        assert_eq!(value(Metric::BounceRate, &Value::None), "–");
        let estimate = Cell {
            value: whole(12),
            bounds: Some([10.0, 15.0]),
        };
        assert_eq!(cell(Metric::Visitors, &estimate), "≈\u{202f}12");
        let told = bounds(Metric::Visitors, &estimate);
        assert_eq!(told.as_deref(), Some("between 10 and 15"));
    }

    #[test]
    fn changes_say_what_is_better() {
        assert_eq!(change(Metric::Visitors, 12.0), ("+12%".into(), "better"));
        assert_eq!(
            change(Metric::BounceRate, 1.5),
            ("+1.5 points".into(), "worse")
        );
        assert_eq!(
            change(Metric::BounceRate, -2.0),
            ("−2 points".into(), "better")
        );
        assert_eq!(change(Metric::Visits, 0.0), ("±0%".into(), "same"));
    }
}
