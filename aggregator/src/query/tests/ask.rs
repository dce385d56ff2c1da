//! Random questions.

use jiff::Span;

use super::stream::{
    BROWSERS, CAMPAIGNS, CHANNELS, COUNTRIES, DEVICES, HOSTS, KEYS, NAMES, PAGES, SOURCES, VALUES,
};
use super::{Chance, DAYS, FROM};
use crate::query::{
    Dimension, Filter, Include, Leaf, Metric, Op, OrderKey, Query, Range, dimension::EMPTY,
};

use Dimension as D;

/// Draws questions: some of all kinds, and some that come near the last one.
#[derive(Default)]
pub struct Asker {
    last: Option<Query>,
}

fn a_dimension(chance: &mut Chance) -> Dimension {
    let all = [
        D::Page,
        D::Page,
        D::Hostname,
        D::EventName,
        D::Goal,
        D::Prop(KEYS[0].into()),
        D::EntryPage,
        D::EntryHost,
        D::ExitPage,
        D::Source,
        D::Source,
        D::Channel,
        D::UtmCampaign,
        D::Device,
        D::Browser,
        D::BrowserVersion,
        D::Country,
        D::CountryName,
    ];
    let one = all[chance.below(all.len())].clone();
    match one {
        D::Prop(_) if chance.once_in(3) => D::Prop(KEYS[1].into()),
        other => other,
    }
}

/// A value of a dimension, as it is shown, or one near it.
fn a_value(chance: &mut Chance, dimension: &Dimension) -> String {
    let goals = ["Signed up", "Visit /b", "Read", "Bought"];
    let names = ["pageview", NAMES[0], NAMES[1], NAMES[2]];
    let text = match dimension {
        D::Page | D::EntryPage | D::ExitPage => chance.of(&PAGES),
        D::Hostname | D::EntryHost => chance.of(&HOSTS),
        D::EventName => chance.of(&names),
        D::Goal => chance.of(&goals),
        D::Prop(_) => chance.of(&VALUES),
        D::Source => chance.of(&SOURCES),
        D::Channel => chance.of(&CHANNELS),
        D::UtmCampaign => chance.of(&CAMPAIGNS),
        D::Device => chance.of(&DEVICES),
        D::Browser => BROWSERS[chance.below(3)][0],
        D::BrowserVersion => BROWSERS[chance.below(3)][1],
        D::CountryName => chance.of(&["Germany", "France"]),
        _ => chance.of(&COUNTRIES),
    };
    match text {
        "" => chance.of(&EMPTY).to_owned(),
        text => text.to_owned(),
    }
}

fn a_leaf(chance: &mut Chance) -> Filter {
    let dimension = a_dimension(chance);
    let negated = chance.once_in(4) && dimension != D::Goal;
    let (op, clauses) = match chance.below(8) {
        0 => {
            let value = a_value(chance, &dimension);
            let part: String = value.chars().take(3).collect();
            (Op::Contains, vec![part])
        }
        1 => (Op::Wildcard, vec!["/blog/**".to_owned(), "S*".to_owned()]),
        2 => (Op::Matches, vec!["o|g$".to_owned()]),
        3 => {
            let values = [a_value(chance, &dimension), a_value(chance, &dimension)];
            (Op::Is, values.to_vec())
        }
        _ => (Op::Is, vec![a_value(chance, &dimension)]),
    };
    let case_sensitive = !chance.once_in(6);
    Filter::Leaf(Leaf::new(dimension, (op, negated), clauses, case_sensitive).unwrap())
}

fn a_filter(chance: &mut Chance) -> Filter {
    let count = [0, 0, 1, 1, 1, 2, 3][chance.below(7)];
    let all = (0..count).map(|_| match chance.below(8) {
        0 => Filter::Or(vec![a_leaf(chance), a_leaf(chance)]),
        1 => Filter::Not(Box::new(a_leaf(chance))),
        _ => a_leaf(chance),
    });
    Filter::And(all.collect())
}

fn a_range(chance: &mut Chance) -> Range {
    let day = |n: usize| FROM.checked_add(Span::new().days(n as i64)).unwrap();
    let first = chance.below(DAYS);
    let last = first + chance.below(DAYS - first);
    let range = Range::days(day(first), day(last));
    if !chance.once_in(6) {
        return range;
    }
    let (mut first_hour, last_hour) = (chance.below(24) as u32, chance.below(23) as u32);
    if first == last {
        first_hour = first_hour.min(last_hour);
    }
    Range {
        first_hour,
        last_hour: Some(last_hour),
        ..range
    }
}

impl Asker {
    pub fn draw(&mut self, chance: &mut Chance) -> Query {
        let mut query = match self.last.take().filter(|_| chance.once_in(2)) {
            // One more condition, another metric, or another range.
            Some(mut last) => {
                match chance.below(3) {
                    0 => last.filter = last.filter.and(a_leaf(chance)),
                    1 => last.filter = a_filter(chance),
                    _ => last.range = a_range(chance),
                }
                last
            }
            None => {
                let mut dimensions: Vec<Dimension> = Vec::new();
                for _ in 0..[0, 0, 1, 1, 1, 2, 3][chance.below(7)] {
                    let one = a_dimension(chance);
                    if !dimensions.contains(&one) {
                        dimensions.push(one);
                    }
                }
                if chance.once_in(3) {
                    let at = chance.below(dimensions.len() + 1);
                    let units = [D::Hour, D::Day, D::Week, D::Month];
                    dimensions.insert(at, units[chance.below(4)].clone());
                }
                Query {
                    metrics: Vec::new(),
                    range: a_range(chance),
                    dimensions,
                    filter: a_filter(chance),
                    order: Vec::new(),
                    limit: 10_000,
                    offset: 0,
                    compare: None,
                    include: Include::default(),
                    threshold: None,
                }
            }
        };
        let (_, metric) = Metric::ALL[chance.below(Metric::ALL.len())];
        query.metrics = match chance.below(3) {
            0 => vec![metric],
            1 => vec![Metric::Visitors],
            _ if metric == Metric::Visitors => vec![metric],
            _ => vec![Metric::Visitors, metric],
        };
        // The model tells hours of one name apart by their order.
        let hour = query.dimensions.iter().position(|one| *one == D::Hour);
        query.order = match hour {
            Some(place) => vec![(OrderKey::Dimension(place), false)],
            None => vec![(OrderKey::Metric(0), true)],
        };
        self.last = Some(query.clone());
        query
    }
}
