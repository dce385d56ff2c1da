//! The time graph: a metric as bars by hour, day, week or month, with the period it is compared
//! with as a line; SVG that needs no script and no inline style. With scripts `web/graph.ts` draws the same from the
//! table below it.

use std::cmp::Ordering;

use super::super::view::number;
use super::asked::Asked;
use super::numbers;
use crate::error::{Error, Result};
use crate::query::{self, Cell, Dimension, Include, Metric, Query, Range, Value};
use crate::store::Snapshot;

/// Height of the drawing, in its own units.
const HEIGHT: f64 = 200.0;
/// Room of one bar.
const STEP: u64 = 10;
/// Longer ranges are drawn by week.
const BY_DAY_MAX: i64 = 92;
/// Longer ranges are drawn by month.
const BY_WEEK_MAX: i64 = 731;

/// The span of time that a range is drawn by, and what it is called.
pub fn unit(range: &Range) -> (Dimension, &'static str) {
    match range.day_count() {
        1 => (Dimension::Hour, "hour"),
        n if n <= BY_DAY_MAX => (Dimension::Day, "day"),
        n if n <= BY_WEEK_MAX => (Dimension::Week, "week"),
        _ => (Dimension::Month, "month"),
    }
}

/// The graph, or why there is none.
pub(super) async fn graph(
    asked: &Asked,
    snapshot: &mut Snapshot,
) -> Result<(Option<Graph>, Option<String>)> {
    let metric = asked.state.metric.unwrap_or(Metric::Visitors);
    let (dimension, unit) = unit(&asked.range);
    let by = (metric, dimension);
    let cells = match series(asked, snapshot, &by, asked.range).await {
        Ok(cells) => cells,
        Err(Error::Refused(why)) => return Ok((None, Some(why))),
        Err(other) => return Err(other),
    };
    // Asked for by itself: what was there before counts also where nothing is now.
    let befores = match asked.state.compared(&asked.range) {
        Some(range) => match series(asked, snapshot, &by, range).await {
            // It is told without, as where hours are not kept so long.
            Err(Error::Refused(_)) => None,
            cells => Some(cells?),
        },
        None => None,
    };
    let mut befores = befores.map(|cells| cells.into_iter().map(|(_, cell)| cell));
    let last = cells.len().saturating_sub(1);
    let points = cells.into_iter().enumerate().map(|(at, (label, cell))| {
        let before = befores.as_mut();
        let before = before.map(|cells| cells.next().unwrap_or_else(|| nothing(metric, asked)));
        let (age, label) = match unit {
            // The date is told above.
            "hour" => {
                let hour = |text: &str| text.get(..13).map(str::to_owned);
                let shown = label.get(11..16).map(str::to_owned);
                (hour(&label).cmp(&hour(&asked.now)), shown.unwrap_or(label))
            }
            _ if at == last && asked.range.to >= asked.today => (Ordering::Equal, label),
            _ => (Ordering::Less, label),
        };
        Point {
            cell: match age {
                // Nothing can be known yet.
                Ordering::Greater => Cell::exact(Value::None),
                _ => cell,
            },
            before,
            partial: age == Ordering::Equal,
            label,
        }
    });
    Ok((Graph::new(metric, unit, points.collect()), None))
}

/// Of a span without a row: none were there, but under a threshold, where what is not told is not
/// nothing; and a rate of none is no number.
fn nothing(metric: Metric, asked: &Asked) -> Cell {
    Cell::exact(match kind(metric) {
        "whole" if asked.viewer.threshold.is_none() => Value::Whole(0),
        _ => Value::None,
    })
}

/// Every span of a range with its number, also those without one.
async fn series(
    asked: &Asked,
    snapshot: &mut Snapshot,
    (metric, dimension): &(Metric, Dimension),
    range: Range,
) -> Result<Vec<(String, Cell)>> {
    let query = Query {
        range,
        include: Include {
            time_labels: true,
            ..Include::default()
        },
        ..asked
            .query(&[*metric])
            .by(dimension.clone(), query::LIMIT_MAX as usize)
    };
    let answer = asked.run(snapshot, &query).await?;
    // Empty spans have no row.
    let mut rows = answer.rows.into_iter().peekable();
    let spans = answer.time_labels.into_iter().map(|label| {
        let row = rows.next_if(|row| row.dimensions.first() == Some(&label));
        let cell = row.and_then(|row| row.metrics.into_iter().next());
        (label, cell.unwrap_or_else(|| nothing(*metric, asked)))
    });
    Ok(spans.collect())
}

/// See the module.
pub struct Graph {
    /// What is drawn.
    pub metric: &'static str,
    /// What its numbers are of: `whole`, `percent`, `seconds` or `number`.
    pub kind: &'static str,
    /// `hour`, `day`, `week` or `month`.
    pub unit: &'static str,
    /// Width of the drawing.
    pub width: u64,
    /// The value the full height stands for.
    pub top: String,
    /// Half of it.
    pub half: String,
    /// The bars, from the first to the last.
    pub bars: Vec<Bar>,
    /// The line of what it is compared with: points of a polyline.
    pub line: Option<String>,
    /// First span.
    pub from: String,
    /// Last span.
    pub to: String,
}

/// One span of time.
pub struct Bar {
    /// Left edge.
    pub x: u64,
    /// Upper edge.
    pub y: u64,
    /// Height.
    pub height: u64,
    /// What it is called.
    pub label: String,
    /// Its number.
    pub value: Number,
    /// The same of the period before.
    pub before: Option<Number>,
    /// It is not over yet.
    pub partial: bool,
}

impl Bar {
    /// Its number, and that of the period before.
    pub fn numbers(&self) -> impl Iterator<Item = &Number> {
        std::iter::once(&self.value).chain(&self.before)
    }
}

/// A number of the graph.
pub struct Number {
    /// In words.
    pub text: String,
    /// What the script draws; `None` where there is none.
    pub n: Option<f64>,
    /// Between what it lies, where it is estimated.
    pub bounds: Option<String>,
}

impl Number {
    fn of(metric: Metric, cell: &Cell) -> Self {
        Self {
            text: numbers::cell(metric, cell),
            n: (cell.value != Value::None).then(|| cell.value.number()),
            bounds: numbers::bounds(metric, cell),
        }
    }
}

/// A span of time with its number, and that of the period before.
pub struct Point {
    /// What it is called.
    pub label: String,
    /// How many.
    pub cell: Cell,
    /// How many before.
    pub before: Option<Cell>,
    /// It is not over yet.
    pub partial: bool,
}

impl Graph {
    /// A graph of points in the order of time; `None` when there is nothing to draw.
    pub fn new(metric: Metric, unit: &'static str, points: Vec<Point>) -> Option<Self> {
        let height = |cell: &Cell| cell.value.number().max(0.0);
        let befores = points.iter().filter_map(|point| point.before.as_ref());
        let all = points.iter().map(|point| &point.cell).chain(befores);
        let most = all.map(height).fold(0.0, f64::max);
        if most == 0.0 {
            return None;
        }
        let top = nice(most);
        let y = |cell: &Cell| HEIGHT - height(cell) / top * HEIGHT;
        let has_before = points.iter().any(|point| point.before.is_some());
        let line = has_before.then(|| {
            let at = |(place, point): (usize, &Point)| {
                let y = point.before.as_ref().map_or(HEIGHT, y);
                format!("{},{}", place as u64 * STEP + STEP / 2, y.round())
            };
            let points: Vec<String> = points.iter().enumerate().map(at).collect();
            points.join(" ")
        });
        let (from, to) = (points.first()?.label.clone(), points.last()?.label.clone());
        let bars = points.into_iter().zip(0..).map(|(point, place)| {
            // Little is more than nothing.
            let least = if height(&point.cell) > 0.0 { 2.0 } else { 0.0 };
            let tall = (HEIGHT - y(&point.cell)).max(least).round() as u64;
            Bar {
                x: place * STEP + 1,
                y: HEIGHT as u64 - tall,
                height: tall,
                value: Number::of(metric, &point.cell),
                before: point.before.map(|cell| Number::of(metric, &cell)),
                label: point.label,
                partial: point.partial,
            }
        });
        let bars: Vec<Bar> = bars.collect();
        Some(Self {
            metric: numbers::name(metric, false),
            kind: kind(metric),
            unit,
            width: bars.len() as u64 * STEP,
            top: mark(metric, top),
            half: mark(metric, top / 2.0),
            bars,
            line,
            from,
            to,
        })
    }
}

fn kind(metric: Metric) -> &'static str {
    match metric {
        Metric::Visitors | Metric::Visits | Metric::Pageviews | Metric::Events => "whole",
        Metric::VisitDuration | Metric::TimeOnPage => "seconds",
        one if one.is_rate() => "percent",
        _ => "number",
    }
}

fn mark(metric: Metric, n: f64) -> String {
    match (metric, n.fract() == 0.0) {
        (Metric::VisitDuration | Metric::TimeOnPage, _) => numbers::duration(n as u64),
        (one, true) if one.is_rate() => format!("{n}%"),
        (_, true) => number(n as u64),
        (one, false) => numbers::value(one, &Value::Decimal(n)),
    }
}

/// The next number above that reads well: 1, 2, 4, 5 or 8 times a power of ten.
fn nice(n: f64) -> f64 {
    let power = 10_f64.powf(n.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let found = steps.iter().find(|step| *step * power >= n);
    found.unwrap_or(&10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(label: &str, n: u64, before: Option<u64>) -> Point {
        Point {
            label: label.into(),
            cell: Cell::exact(Value::Whole(n)),
            before: before.map(|n| Cell::exact(Value::Whole(n))),
            partial: false,
        }
    }

    #[test]
    fn bars_are_as_tall_as_their_numbers() {
        let points = vec![
            point("2026-02-27", 0, Some(400)),
            point("2026-02-28", 1, Some(0)),
            point("2026-03-01", 700, None),
        ];
        let graph = Graph::new(Metric::Visitors, "day", points).unwrap();
        let heights: Vec<u64> = graph.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 2, 175]);
        assert_eq!(
            (graph.width, graph.top.as_str(), graph.half.as_str()),
            (30, "800", "400")
        );
        assert_eq!(graph.line.as_deref(), Some("5,100 15,200 25,200"));
        let told: Vec<&str> = graph.bars[0].numbers().map(|n| n.text.as_str()).collect();
        assert_eq!((told, graph.kind), (vec!["0", "400"], "whole"));
        assert!(Graph::new(Metric::Visitors, "day", vec![point("x", 0, None)]).is_none());
    }

    #[test]
    fn scales_read_well() {
        for (n, top) in [
            (1.0, 1.0),
            (3.0, 4.0),
            (41.0, 50.0),
            (0.3, 0.4),
            (99.0, 100.0),
            (101.0, 200.0),
        ] {
            assert!((nice(n) - top).abs() < 1e-9, "{n}");
        }
    }
}
