//! The map of the world: countries shaded by their visitors, in SVG that needs no script and no
//! inline style. It is made of the rows of the list of countries, so it tells no more than that one.
//!
//! Outlines are Natural Earth's, made by `web/map.mjs`; what is too small for one is a dot.

use super::super::view::number;
use super::numbers;
use crate::country;
use crate::query::{Metric, Row, Value};

mod outlines {
    include!(concat!(env!("OUT_DIR"), "/assets/map.rs"));
}

/// Shades of countries with visitors.
const SHADES: usize = 6;
/// Radius of a dot, in the drawing's units.
const DOT: u32 = 5;
/// Most countries that are named below the map because it does not have them.
const NAMED_MAX: usize = 5;

/// See the module.
pub struct WorldMap {
    /// Width of the drawing.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Radius of a dot.
    pub dot: u32,
    /// Outlines of the countries without visitors, in one path.
    pub land: String,
    /// Those with visitors, most visitors first, but dots behind outlines: they are drawn above.
    pub countries: Vec<Country>,
    /// What the shades mean, from the lightest to the darkest.
    pub legend: Vec<Shade>,
    /// Rows that are not on the map, in words; empty when there are none.
    pub elsewhere: String,
}

/// A country with visitors.
pub struct Country {
    /// What it looks like.
    pub shape: Shape,
    /// From 1, the lightest, to [`SHADES`].
    pub shade: usize,
    /// Its name and visitors.
    pub told: String,
    /// Where it is filtered by, if it can be.
    pub link: Option<String>,
}

/// What a country looks like.
pub enum Shape {
    /// Path data.
    Outline(&'static str),
    /// The middle of a dot.
    Dot(u32, u32),
}

/// One shade.
pub struct Shade {
    /// From 1 to [`SHADES`].
    pub shade: usize,
    /// `20–59`.
    pub told: String,
}

impl Shape {
    fn of(code: &str) -> Option<Self> {
        let wanted = country::number(code)?;
        let outline = outlines::SHAPES.binary_search_by_key(&wanted, |(number, _)| *number);
        if let Ok((_, path)) = outline.map(|at| outlines::SHAPES[at]) {
            return Some(Self::Outline(path));
        }
        let dot = outlines::POINTS.binary_search_by_key(&wanted, |(number, ..)| *number);
        let (_, x, y) = outlines::POINTS[dot.ok()?];
        Some(Self::Dot(x, y))
    }
}

/// The map of all rows of a list of countries, which begin with the code and with visitors. `link`
/// says where a country is filtered by.
pub fn world(rows: &[Row], link: impl Fn(&str) -> Option<String>) -> WorldMap {
    let rows = rows.iter().filter_map(|row| {
        let cell = row.metrics.first()?;
        Some((row.dimensions.first()?.as_str(), cell))
    });
    let rows = rows.map(|(code, cell)| {
        let is_known = cell.value != Value::None;
        (code, cell, Shape::of(code).filter(|_| is_known))
    });
    let rows: Vec<_> = rows.collect();
    let count = |value: &Value| value.number().max(0.0) as u64;
    let drawn = rows.iter().filter(|(.., shape)| shape.is_some());
    let drawn = drawn.map(|(_, cell, _)| count(&cell.value));
    let (most, steps) = (drawn.clone().max(), steps(drawn));
    let lightest = SHADES - steps.len();
    let (mut countries, mut dots, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
    for (code, cell, shape) in rows {
        let (name, visitors) = (country::name(code), numbers::cell(Metric::Visitors, cell));
        let Some(shape) = shape else {
            elsewhere.push(match cell.value {
                Value::None => name,
                _ => format!("{name} {visitors}"),
            });
            continue;
        };
        let bounds = numbers::bounds(Metric::Visitors, cell);
        let bounds = bounds.map(|told| format!(" ({told})")).unwrap_or_default();
        let noun = if count(&cell.value) == 1 {
            "visitor"
        } else {
            "visitors"
        };
        let of = match shape {
            Shape::Outline(_) => &mut countries,
            Shape::Dot(..) => &mut dots,
        };
        of.push(Country {
            shade: lightest
                + steps
                    .iter()
                    .filter(|from| **from <= count(&cell.value))
                    .count(),
            told: format!("{name}: {visitors} {noun}{bounds}"),
            link: link(code),
            shape,
        });
    }
    let shown = |path: &str| {
        let mut drawn = countries.iter();
        drawn.any(|one| matches!(one.shape, Shape::Outline(known) if known == path))
    };
    let land = outlines::SHAPES.iter().map(|(_, path)| *path);
    let land = land.filter(|path| !shown(path)).collect();
    countries.extend(dots);
    WorldMap {
        width: outlines::WIDTH,
        height: outlines::HEIGHT,
        dot: DOT,
        land,
        countries,
        legend: legend(&steps, most.unwrap_or(0)),
        elsewhere: in_words(elsewhere),
    }
}

/// Numbers at which the shades begin: the least, then each about as many times the one before, in
/// one digit.
fn steps(counts: impl Iterator<Item = u64> + Clone) -> Vec<u64> {
    let (Some(least), Some(most)) = (counts.clone().min(), counts.max()) else {
        return Vec::new();
    };
    if most - least < SHADES as u64 {
        return (least..=most).collect();
    }
    let step = |at: usize| {
        let times = most as f64 / least as f64;
        let exact = least as f64 * times.powf(at as f64 / SHADES as f64);
        let power = 10_f64.powf(exact.log10().floor());
        ((exact / power).round() * power) as u64
    };
    let between = (1..SHADES)
        .map(step)
        .filter(|n| (least + 1..=most).contains(n));
    let mut steps: Vec<u64> = std::iter::once(least).chain(between).collect();
    steps.dedup();
    steps
}

fn legend(steps: &[u64], most: u64) -> Vec<Shade> {
    let shades = steps.iter().enumerate().map(|(at, from)| Shade {
        shade: SHADES - steps.len() + at + 1,
        told: match steps.get(at + 1).map_or(most, |next| next - 1) {
            last if last == *from => number(last),
            last => format!("{}–{}", number(*from), number(last)),
        },
    });
    shades.collect()
}

fn in_words(names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let mut text = names[..names.len() - more].join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Cell;

    fn rows(all: &[(&str, Option<u64>)]) -> Vec<Row> {
        let row = |(code, n): &(&str, Option<u64>)| Row {
            dimensions: vec![(*code).to_owned()],
            metrics: vec![Cell::exact(n.map_or(Value::None, Value::Whole))],
            compared: None,
        };
        all.iter().map(row).collect()
    }

    #[test]
    fn every_country_of_the_standard_has_its_place_once() {
        let mut seen = Vec::new();
        for (code, name) in country::all() {
            // The Antarctic is cut off.
            assert_eq!(Shape::of(code).is_some(), code != "AQ", "{code} {name}");
            seen.extend(country::number(code));
        }
        assert!(matches!(Shape::of("XK"), Some(Shape::Outline(_))));
        seen.extend(country::number("XK"));
        let all = outlines::SHAPES.iter().map(|(number, _)| *number);
        let all: Vec<u32> = all
            .chain(outlines::POINTS.iter().map(|point| point.0))
            .collect();
        assert!(all.iter().all(|number| seen.contains(number)));
        assert_eq!(all.len(), country::all().len());
        for (_, x, y) in outlines::POINTS {
            assert!(x <= outlines::WIDTH && y <= outlines::HEIGHT);
        }
    }

    #[test]
    fn a_country_is_darker_the_more_come_from_there() {
        let told = rows(&[
            ("DE", Some(4_000)),
            ("MT", Some(20)),
            ("FR", Some(3)),
            ("TW", Some(1)),
        ]);
        let map = world(&told, |code| Some(format!("?{code}")));
        let seen: Vec<_> = map
            .countries
            .iter()
            .map(|one| (one.told.as_str(), one.shade))
            .collect();
        assert_eq!(
            seen,
            [
                ("Germany: 4\u{202f}000 visitors", 6),
                ("France: 3 visitors", 1),
                ("Taiwan: 1 visitor", 1),
                ("Malta: 20 visitors", 3),
            ]
        );
        assert!(matches!(map.countries[3].shape, Shape::Dot(..)));
        assert_eq!(map.countries[0].link.as_deref(), Some("?DE"));
        let legend: Vec<_> = map.legend.iter().map(|one| one.told.as_str()).collect();
        let wanted = [
            "1–3",
            "4–19",
            "20–59",
            "60–299",
            "300–999",
            "1\u{202f}000–4\u{202f}000",
        ];
        assert_eq!(legend, wanted);
        assert!(map.elsewhere.is_empty());
        let Shape::Outline(germany) = map.countries[0].shape else {
            panic!("Germany is no dot");
        };
        assert!(!map.land.contains(germany) && map.land.len() > 20_000);
    }

    /// What is folded under a threshold is in no country, and nowhere on the map.
    #[test]
    fn what_has_no_place_is_named() {
        let told = rows(&[
            ("DE", Some(2)),
            ("(none)", Some(900)),
            ("AQ", Some(1)),
            ("(other)", None),
        ]);
        let map = world(&told, |_| None);
        assert_eq!(map.elsewhere, "Unknown 900, Antarctica 1, (other)");
        let shades: Vec<_> = map
            .legend
            .iter()
            .map(|one| (one.shade, one.told.as_str()))
            .collect();
        assert_eq!(shades, [(6, "2")]);
        assert_eq!(map.countries[0].shade, 6);
        let many: Vec<String> = ["X1", "X2", "X3", "X4", "X5", "X6", "X7"]
            .map(str::to_owned)
            .into();
        let many: Vec<_> = many.iter().map(|code| (code.as_str(), Some(1))).collect();
        assert_eq!(
            world(&rows(&many), |_| None).elsewhere,
            "X1 1, X2 1, X3 1, X4 1, X5 1 and 2 more"
        );
    }

    #[test]
    fn shades_begin_at_numbers_that_read_well() {
        let of = |counts: &[u64]| steps(counts.iter().copied());
        assert_eq!(of(&[]), [0_u64; 0]);
        assert_eq!(of(&[1]), [1]);
        assert_eq!(of(&[1, 3]), [1, 2, 3]);
        assert_eq!(of(&[36, 1]), [1, 2, 3, 6, 10, 20]);
        assert_eq!(of(&[17, 1_200]), [17, 30, 70, 100, 300, 600]);
        assert_eq!(of(&[1, 1_000_000]), [1, 10, 100, 1_000, 10_000, 100_000]);
        for (least, most) in (1..200).flat_map(|least| [(least, 2_000), (least, least + 7)]) {
            let steps = of(&[most, least]);
            assert!(
                steps.is_sorted_by(|a, b| a < b) && steps.len() <= SHADES,
                "{least} {most}"
            );
            assert!(steps[0] == least && steps.iter().all(|n| *n <= most));
        }
    }
}
