//! The time graph: visitors as bars by day, week or month, in SVG that needs no script and no
//! inline style.

use std::collections::HashMap;

use jiff::civil::{Date, Weekday};

use super::view::{count, number};
use crate::query::Row;

/// Height of the drawing, in its own units.
const HEIGHT: u64 = 200;
/// Room of one bar.
const STEP: u64 = 10;
/// Longer ranges are drawn by week.
const BY_DAY_MAX: i32 = 92;
/// Longer ranges are drawn by month.
const BY_WEEK_MAX: i32 = 731;

/// See the module.
pub struct Chart {
    /// `day`, `week` or `month`.
    pub unit: &'static str,
    /// Width of the drawing.
    pub width: u64,
    /// Height of the drawing.
    pub height: u64,
    /// The value the full height stands for.
    pub top: String,
    /// Half of it, where that is a whole number.
    pub half: Option<String>,
    /// The bars, from the first to the last.
    pub bars: Vec<Bar>,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
}

/// One day, week or month.
pub struct Bar {
    /// Left edge.
    pub x: u64,
    /// Upper edge.
    pub y: u64,
    /// Height.
    pub height: u64,
    /// Its first day within the range.
    pub start: String,
    /// Visitors and page views in words.
    pub text: String,
    /// Visitors.
    pub visitors: String,
    /// Page views.
    pub views: String,
    /// It is not over yet.
    pub partial: bool,
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Week,
    Month,
}

impl Unit {
    fn of(from: Date, to: Date) -> Self {
        match (to - from).get_days() + 1 {
            days if days <= BY_DAY_MAX => Self::Day,
            days if days <= BY_WEEK_MAX => Self::Week,
            _ => Self::Month,
        }
    }

    /// Whether a bar begins on this day.
    fn begins(self, day: Date) -> bool {
        match self {
            Self::Day => true,
            Self::Week => day.weekday() == Weekday::Monday,
            Self::Month => day.day() == 1,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl Chart {
    /// A chart of rows by day, each with visitors and page views; days without a row are empty.
    /// `None` when there is nothing to draw.
    pub fn new(rows: &[Row], from: Date, to: Date, today: Date) -> Option<Self> {
        let by_day: HashMap<&str, (u64, u64)> = rows
            .iter()
            .filter_map(|row| {
                Some((
                    row.dimensions.first()?.as_str(),
                    (row.whole(0), row.whole(1)),
                ))
            })
            .collect();
        let unit = Unit::of(from, to);
        let days = std::iter::successors(Some(from), |day| day.tomorrow().ok());
        let mut sums: Vec<(Date, u64, u64)> = Vec::new();
        for day in days
            .take_while(|day| *day <= to)
            .take(super::view::DAYS_MAX)
        {
            if unit.begins(day) || sums.is_empty() {
                sums.push((day, 0, 0));
            }
            let metrics = by_day.get(day.to_string().as_str());
            if let (Some(sum), Some((visitors, views))) = (sums.last_mut(), metrics) {
                sum.1 += visitors;
                sum.2 += views;
            }
        }
        let most = sums.iter().map(|(_, visitors, _)| *visitors).max()?;
        if most == 0 {
            return None;
        }
        let top = nice(most);
        let last = sums.len() - 1;
        let bars: Vec<Bar> = sums
            .into_iter()
            .enumerate()
            .map(|(place, (start, visitors, views))| {
                // A day with anybody in it can be seen.
                let height = (visitors * HEIGHT / top).max(u64::from(visitors > 0) * 2);
                let partial = place == last && to >= today;
                let so_far = if partial { " so far" } else { "" };
                Bar {
                    x: place as u64 * STEP + 1,
                    y: HEIGHT - height.min(HEIGHT),
                    height,
                    text: format!(
                        "{}, {}{so_far}",
                        count(visitors, "visitor"),
                        count(views, "page view")
                    ),
                    start: start.to_string(),
                    visitors: number(visitors),
                    views: number(views),
                    partial,
                }
            })
            .collect();
        Some(Self {
            unit: unit.name(),
            width: bars.len() as u64 * STEP,
            height: HEIGHT,
            top: number(top),
            half: top.is_multiple_of(2).then(|| number(top / 2)),
            bars,
            from: from.to_string(),
            to: to.to_string(),
        })
    }
}

/// The next round number: 1, 2, 3, 4, 5, 6, 8 times a power of ten.
fn nice(n: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 3, 4, 5, 6, 8] {
            let candidate = power.saturating_mul(factor);
            if candidate >= n {
                return candidate.max(1);
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn row(day: &str, visitors: u64) -> Row {
        Row {
            dimensions: vec![day.to_owned()],
            metrics: [visitors, visitors * 2]
                .map(|n| crate::query::Cell::exact(crate::query::Value::Whole(n)))
                .to_vec(),
            compared: None,
        }
    }

    #[test]
    fn every_day_has_a_bar() {
        let rows = [row("2026-02-28", 1), row("2026-03-02", 700)];
        let (from, to) = (date(2026, 2, 27), date(2026, 3, 2));
        let chart = Chart::new(&rows, from, to, to).unwrap();
        let heights: Vec<u64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 2, 0, 175]);
        assert_eq!((chart.width, chart.top.as_str()), (40, "800"));
        assert_eq!(chart.bars[1].text, "1 visitor, 2 page views");
        let partial: Vec<bool> = chart.bars.iter().map(|bar| bar.partial).collect();
        assert_eq!(partial, [false, false, false, true]);
        assert!(Chart::new(&[], from, to, to).is_none());
    }

    #[test]
    fn long_ranges_are_drawn_by_week_and_month() {
        let today = date(2026, 11, 23);
        let rows = [row("2026-11-22", 5), row("2026-11-23", 7)];
        let weeks = Chart::new(&rows, date(2026, 1, 1), today, today).unwrap();
        assert_eq!(weeks.unit, "week");
        let sums: Vec<&str> = weeks
            .bars
            .iter()
            .rev()
            .take(2)
            .map(|bar| bar.visitors.as_str())
            .collect();
        assert_eq!(sums, ["7", "5"], "a Sunday and a Monday are of two weeks");
        let months = Chart::new(&rows, date(2022, 1, 1), today, today).unwrap();
        assert_eq!((months.unit, months.bars.len()), ("month", 59));
        assert_eq!(months.bars[58].visitors, "12");
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let cases = [
            (0, 1),
            (1, 1),
            (3, 3),
            (11, 20),
            (23, 30),
            (99, 100),
            (701, 800),
        ];
        for (n, top) in cases {
            assert_eq!(nice(n), top);
        }
        nice(u64::MAX);
    }
}
