//! What is counted, and what an answer is made of.

use serde_json::{Value as Json, json};

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Visitors of each day, summed over the days.
    Visitors,
    /// Visits that began; under a page or its host, visits that saw it.
    Visits,
    /// Page views.
    Pageviews,
    /// Page views of ended visits, per visit.
    ViewsPerVisit,
    /// Ended visits with one page view and no interactive event, percent.
    BounceRate,
    /// From first to last event of ended visits, seconds.
    VisitDuration,
    /// Page views and custom events.
    Events,
    /// Share of all visitors under the same filters, percent.
    Percentage,
    /// Visitors who completed the goal, of all under the other filters, percent.
    ConversionRate,
    /// The same within each group.
    GroupConversionRate,
    /// Time the page was in use, per visit that saw it, seconds.
    TimeOnPage,
    /// How far the page was scrolled, percent, on average over what browsers told.
    ScrollDepth,
    /// Exits from a page, of its page views, percent.
    ExitRate,
    /// Revenue.
    TotalRevenue,
    /// Revenue per event that brought any.
    AverageRevenue,
}

use Metric as M;

const NAMES: [(&str, Metric); 15] = [
    ("visitors", M::Visitors),
    ("visits", M::Visits),
    ("pageviews", M::Pageviews),
    ("views_per_visit", M::ViewsPerVisit),
    ("bounce_rate", M::BounceRate),
    ("visit_duration", M::VisitDuration),
    ("events", M::Events),
    ("percentage", M::Percentage),
    ("conversion_rate", M::ConversionRate),
    ("group_conversion_rate", M::GroupConversionRate),
    ("time_on_page", M::TimeOnPage),
    ("scroll_depth", M::ScrollDepth),
    ("exit_rate", M::ExitRate),
    ("total_revenue", M::TotalRevenue),
    ("average_revenue", M::AverageRevenue),
];

impl Metric {
    /// All, with their names in the API.
    pub const ALL: [(&str, Metric); 15] = NAMES;

    /// The name in the API.
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, metric)| *metric == self);
        found.map_or("", |(name, _)| name)
    }

    /// The metric of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, metric)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(*metric);
        }
        let all = NAMES.map(|(name, _)| name).join(", ");
        let shown: String = name.chars().take(80).collect();
        Err(format!("unknown metric {shown:?}; known are {all}"))
    }

    /// Whether it counts visitors, who are a day's.
    pub fn is_of_visitors(self) -> bool {
        matches!(
            self,
            M::Visitors | M::Percentage | M::ConversionRate | M::GroupConversionRate
        )
    }

    /// Whether it is a count, which is 0 where there is nothing.
    pub fn is_count(self) -> bool {
        matches!(self, M::Visitors | M::Visits | M::Pageviews | M::Events)
    }

    /// Whether its change is told in points and not in percent of what it was.
    pub fn is_rate(self) -> bool {
        matches!(
            self,
            M::BounceRate
                | M::Percentage
                | M::ConversionRate
                | M::GroupConversionRate
                | M::ScrollDepth
                | M::ExitRate
        )
    }
}

/// A number of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// There is none, as a rate of nothing.
    None,
    /// A whole number.
    Whole(u64),
    /// A rounded one.
    Decimal(f64),
    /// Thousandths of the currency's unit.
    Money {
        /// How many.
        milli: u64,
        /// ISO 4217 code.
        currency: String,
    },
}

impl Value {
    /// As a number, for ordering and comparing; nothing is less than 0.
    pub fn number(&self) -> f64 {
        match self {
            Value::None => -1.0,
            Value::Whole(n) => *n as f64,
            Value::Decimal(n) => *n,
            Value::Money { milli, .. } => *milli as f64 / 1_000.0,
        }
    }

    /// As the API tells it.
    pub fn to_json(&self) -> Json {
        match self {
            Value::None => Json::Null,
            Value::Whole(n) => json!(n),
            Value::Decimal(n) => json!(n),
            Value::Money { milli, currency } => json!({
                "value": *milli as f64 / 1_000.0,
                "currency": currency,
                "short": short_money(*milli, currency),
                "long": long_money(*milli, currency),
            }),
        }
    }

    /// As plain text, for CSV.
    pub fn to_text(&self) -> String {
        match self {
            Value::None => String::new(),
            Value::Whole(n) => n.to_string(),
            Value::Decimal(n) => n.to_string(),
            Value::Money { milli, .. } => (*milli as f64 / 1_000.0).to_string(),
        }
    }
}

fn sign(currency: &str) -> String {
    match currency {
        "EUR" => "€".into(),
        "USD" => "$".into(),
        "GBP" => "£".into(),
        "JPY" => "¥".into(),
        other => format!("{other} "),
    }
}

fn long_money(milli: u64, currency: &str) -> String {
    let cents = (u128::from(milli) + 5) / 10;
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}.{:02}", sign(currency), cents % 100)
}

fn short_money(milli: u64, currency: &str) -> String {
    let units = milli as f64 / 1_000.0;
    let (n, suffix) = match units {
        n if n >= 1e9 => (n / 1e9, "B"),
        n if n >= 1e6 => (n / 1e6, "M"),
        n if n >= 1e3 => (n / 1e3, "K"),
        n => (n, ""),
    };
    format!("{}{n:.1}{suffix}", sign(currency))
}

/// A number with the bounds between which the true one lies, where it is an estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The number.
    pub value: Value,
    /// Least and most, where it is an estimate.
    pub bounds: Option<[f64; 2]>,
}

impl Cell {
    /// An exact one.
    pub const fn exact(value: Value) -> Self {
        Self {
            value,
            bounds: None,
        }
    }
}

/// A count between bounds; exact where they meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// No fewer.
    pub lower: u64,
    /// As near as can be told.
    pub value: u64,
    /// No more.
    pub upper: u64,
}

impl Estimate {
    /// Exactly so many.
    pub const fn exact(n: u64) -> Self {
        Self {
            lower: n,
            value: n,
            upper: n,
        }
    }

    /// Whether it is no estimate.
    pub const fn is_exact(&self) -> bool {
        self.lower == self.upper
    }

    /// The sum of two.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            lower: self.lower.saturating_add(other.lower),
            value: self.value.saturating_add(other.value),
            upper: self.upper.saturating_add(other.upper),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_told() {
        for (name, metric) in Metric::ALL {
            assert_eq!(metric.name(), name);
            assert_eq!(Metric::parse(name), Ok(metric));
        }
        assert!(
            Metric::parse("visitor")
                .unwrap_err()
                .contains("known are visitors, visits")
        );
    }

    #[test]
    fn money() {
        let value = |milli| Value::Money {
            milli,
            currency: "EUR".into(),
        };
        assert_eq!(
            value(1_234_567_890).to_json(),
            json!({"value": 1_234_567.89, "currency": "EUR", "short": "€1.2M", "long": "€1,234,567.89"})
        );
        assert_eq!(value(999).to_json()["long"], "€1.00");
        assert_eq!(long_money(12_345, "CHF"), "CHF 12.35");
    }
}
