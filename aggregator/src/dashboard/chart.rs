//! The time graph: visitors by day as bars, in SVG that needs no script and no inline style.

use std::collections::HashMap;

use jiff::civil::Date;

use super::view::number;
use crate::query::Row;

/// Height of the drawing, in its own units.
const HEIGHT: u64 = 200;
/// Room of one bar.
const STEP: u64 = 10;

/// See the module.
pub struct Chart {
    /// Width of the drawing.
    pub width: u64,
    /// Height of the drawing.
    pub height: u64,
    /// The value the full height stands for.
    pub top: String,
    /// The bars, from the first day to the last.
    pub bars: Vec<Bar>,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
}

/// One day.
pub struct Bar {
    /// Left edge.
    pub x: u64,
    /// Upper edge.
    pub y: u64,
    /// Height.
    pub height: u64,
    /// The day.
    pub day: String,
    /// Visitors.
    pub visitors: String,
    /// Page views.
    pub views: String,
}

impl Chart {
    /// A chart of rows by day, each with visitors and page views; days without a row are empty.
    pub fn new(rows: &[Row], from: Date, to: Date) -> Option<Self> {
        let by_day: HashMap<&str, &[u64]> = rows
            .iter()
            .filter_map(|row| Some((row.dimensions.first()?.as_str(), row.metrics.as_slice())))
            .collect();
        let top = rows.iter().filter_map(|row| row.metrics.first()).max()?;
        let top = nice(*top);
        let days = std::iter::successors(Some(from), |day| day.tomorrow().ok());
        let bars: Vec<Bar> = days
            .take_while(|day| *day <= to)
            .take(super::view::DAYS_MAX)
            .zip(0..)
            .map(|(day, place)| {
                let day = day.to_string();
                let (visitors, views) = match by_day.get(day.as_str()) {
                    Some([visitors, views]) => (*visitors, *views),
                    _ => (0, 0),
                };
                // A day with anybody in it can be seen.
                let height = (visitors * HEIGHT / top).max(u64::from(visitors > 0) * 2);
                Bar {
                    x: place * STEP + 1,
                    y: HEIGHT - height.min(HEIGHT),
                    height,
                    visitors: number(visitors),
                    views: number(views),
                    day,
                }
            })
            .collect();
        Some(Self {
            width: bars.len() as u64 * STEP,
            height: HEIGHT,
            top: number(top),
            bars,
            from: from.to_string(),
            to: to.to_string(),
        })
    }
}

/// The next number of the form 1, 2 or 5 times a power of ten.
fn nice(n: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
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

    #[test]
    fn every_day_has_a_bar() {
        let row = |day: &str, visitors| Row {
            dimensions: vec![day.to_owned()],
            metrics: vec![visitors, visitors * 2],
        };
        let rows = [row("2026-02-28", 1), row("2026-03-02", 700)];
        let chart = Chart::new(&rows, date(2026, 2, 27), date(2026, 3, 2)).unwrap();
        let heights: Vec<u64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 2, 0, 140]);
        assert_eq!((chart.width, chart.top.as_str()), (40, "1\u{202f}000"));
        assert!(Chart::new(&[], date(2026, 1, 1), date(2026, 1, 2)).is_none());
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let cases = [(0, 1), (1, 1), (3, 5), (11, 20), (99, 100), (201, 500)];
        for (n, top) in cases {
            assert_eq!(nice(n), top);
        }
        nice(u64::MAX);
    }
}
