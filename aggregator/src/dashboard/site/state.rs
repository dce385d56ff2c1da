//! What a site's page shows, as its URL says it. Every state is a URL, and every link of a page is
//! one of these.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::query::{Dimension, Filter, Leaf, Metric, Op, Range};

/// Most filters of a page.
pub const FILTERS_MAX: usize = 20;
/// Longest value of a filter, bytes.
const VALUE_BYTES_MAX: usize = 2_000;

/// The period shown when none is chosen.
pub const DEFAULT_PERIOD: &str = "day";
/// The same for a guest who is told days that are over.
pub const GUESTS_PERIOD: &str = "30d";

/// What a page that is part of another one may look like, whatever the browser prefers.
const THEMES: [&str; 2] = ["light", "dark"];

/// Periods with their names, and the keys that choose them.
pub const PERIODS: [(&str, &str, &str); 9] = [
    ("day", "Today", "D"),
    ("yesterday", "Yesterday", "E"),
    ("7d", "7 days", "W"),
    ("30d", "30 days", "T"),
    ("month", "This month", "M"),
    ("lastmonth", "Last month", "P"),
    ("year", "This year", "Y"),
    ("12mo", "12 months", "L"),
    ("all", "All time", "A"),
];

/// What is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    Off,
    /// As many days before.
    Previous,
    /// The same dates a year before.
    Year,
}

/// All, with their names.
pub const COMPARE: [(&str, &str, Compare); 3] = [
    ("off", "No comparison", Compare::Off),
    ("previous", "Previous period", Compare::Previous),
    ("year", "Year before", Compare::Year),
];

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// `is`, `is_not` or `contains`.
    pub op: &'static str,
    /// Of what.
    pub dimension: Dimension,
    /// What.
    pub value: String,
}

/// Operators of the page, as people read them.
pub const OPS: [(&str, &str); 3] = [("is", "is"), ("is_not", "is not"), ("contains", "contains")];

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ',');
        let (op, name, value) = (parts.next()?, parts.next()?, parts.next()?);
        let (op, _) = OPS.iter().find(|(known, _)| *known == op)?;
        let dimension = Dimension::parse(name).ok().filter(|one| !one.is_time())?;
        (value.len() <= VALUE_BYTES_MAX).then(|| Self {
            op,
            dimension,
            value: value.to_owned(),
        })
    }

    /// As the engine asks it.
    pub fn to_filter(&self) -> Filter {
        let op = Op::parse(self.op).unwrap_or((Op::Is, false));
        // Case does not count where people type a part of something.
        let case_sensitive = self.op != "contains";
        let clauses = vec![self.value.clone()];
        match Leaf::new(self.dimension.clone(), op, clauses, case_sensitive) {
            Ok(leaf) => Filter::Leaf(leaf),
            // Only patterns fail.
            Err(_) => Filter::all(),
        }
    }
}

/// A saved segment that is applied. Its URL holds the number only, so that what it holds can be
/// changed later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its number.
    pub id: i64,
    /// What it holds; `Asked::read` puts it in.
    pub filter: Filter,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// One of [`PERIODS`], or `custom`.
    pub period: String,
    /// Of a custom period.
    pub dates: Option<(Date, Date)>,
    /// What is compared with; `None` leaves it to the period.
    pub compare: Option<Compare>,
    /// Whose filters hold beside these.
    pub segment: Option<Chosen>,
    /// All of them.
    pub filters: Vec<Term>,
    /// What the graph shows.
    pub metric: Option<Metric>,
    /// Which tab of each panel.
    pub tabs: BTreeMap<String, String>,
    /// Of the list: what is searched for.
    pub search: String,
    /// Of the list: which page, from 1.
    pub page: usize,
    /// The page is part of another one.
    pub embed: bool,
    /// One of [`THEMES`].
    pub theme: Option<&'static str>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            period: DEFAULT_PERIOD.to_owned(),
            dates: None,
            compare: None,
            segment: None,
            filters: Vec::new(),
            metric: None,
            tabs: BTreeMap::new(),
            search: String::new(),
            page: 1,
            embed: false,
            theme: None,
        }
    }
}

impl State {
    /// Reads a query string. `panels` are the names of panels.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(query: &str, panels: &[&str]) -> Result<Self, &'static str> {
        let mut state = Self::default();
        let (mut from, mut to) = (None, None);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "period" => state.period = value.into_owned(),
                "from" => from = Some(value.into_owned()),
                "to" => to = Some(value.into_owned()),
                "compare" => {
                    let found = COMPARE.iter().find(|(known, ..)| *known == value);
                    let (.., compare) = found.ok_or("There is no such comparison.")?;
                    state.compare = Some(*compare);
                }
                "segment" => {
                    let id = value.parse().ok().filter(|id| *id >= 0);
                    state.segment = Some(Chosen {
                        id: id.ok_or("There is no such segment.")?,
                        filter: Filter::all(),
                    });
                }
                "filter" => {
                    let term = Term::parse(&value).ok_or("There is no such filter.")?;
                    if state.filters.len() == FILTERS_MAX {
                        return Err("There are too many filters.");
                    }
                    if !state.filters.contains(&term) {
                        state.filters.push(term);
                    }
                }
                // The form's three fields, for who has no script.
                "op" | "dimension" | "value" => {}
                "metric" => {
                    let metric = Metric::parse(&value).map_err(|_| "There is no such metric.")?;
                    state.metric = Some(metric);
                }
                "search" => state.search = value.chars().take(200).collect(),
                "page" => {
                    let page = value
                        .parse()
                        .ok()
                        .filter(|page| (1..=100_000).contains(page));
                    state.page = page.ok_or("There is no such page of the list.")?;
                }
                "embed" => state.embed = value == "true",
                "theme" => state.theme = THEMES.into_iter().find(|theme| *theme == value),
                panel if panels.contains(&panel) => {
                    state.tabs.insert(panel.to_owned(), value.into_owned());
                }
                _ => {}
            }
        }
        state.read_form(query)?;
        if let (Some(from), Some(to)) = (from, to) {
            let date = |text: &str| text.parse::<Date>().ok().filter(|_| text.len() == 10);
            let dates = date(&from).zip(date(&to)).filter(|(from, to)| from <= to);
            state.dates = Some(dates.ok_or("The dates are no range: from, then to.")?);
            state.period = "custom".to_owned();
        }
        let is_known = PERIODS.iter().any(|(known, ..)| *known == state.period);
        let is_custom = state.period == "custom" && state.dates.is_some();
        if !is_known && !is_custom {
            return Err("There is no such period. Choose one on the site's page.");
        }
        Ok(state)
    }

    /// The filter that a form adds.
    fn read_form(&mut self, query: &str) -> Result<(), &'static str> {
        let field = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == wanted).map(|(_, value)| value)
        };
        let (Some(op), Some(dimension), Some(value)) =
            (field("op"), field("dimension"), field("value"))
        else {
            return Ok(());
        };
        if value.trim().is_empty() {
            return Ok(());
        }
        let text = format!("{op},{dimension},{}", value.trim());
        let term = Term::parse(&text).ok_or("There is no such filter.")?;
        if !self.filters.contains(&term) && self.filters.len() < FILTERS_MAX {
            self.filters.push(term);
        }
        Ok(())
    }

    /// First and last day; on the dashboard periods end today, or with the `last` day that is told.
    pub fn days(&self, today: Date, last: Date, oldest: Option<Date>) -> (Date, Date) {
        let before = |date: Date, span: jiff::Span| date.checked_sub(span).unwrap_or(date);
        let back = |span: jiff::Span| before(today, span);
        let from = match self.period.as_str() {
            "custom" => return self.dates.unwrap_or((last, last)),
            "yesterday" => return (back(1.day()), back(1.day())),
            "7d" => before(last, 6.days()),
            "30d" => before(last, 29.days()),
            "month" => today.first_of_month(),
            "lastmonth" => {
                let last = back(1.month());
                return (last.first_of_month(), last.last_of_month());
            }
            "year" => today.first_of_year(),
            "12mo" => back(11.months()).first_of_month(),
            "all" => oldest.unwrap_or(last).min(last),
            _ => last,
        };
        // On the first day of a month none of it is over.
        (from, last.max(from))
    }

    /// What is compared with: nothing while a day lasts or where there is nothing before, else the
    /// days before, unless it was chosen.
    pub fn compare(&self) -> Compare {
        match (self.compare, self.period.as_str()) {
            (Some(chosen), _) => chosen,
            (None, "day" | "all") => Compare::Off,
            (None, _) => Compare::Previous,
        }
    }

    /// The range that a range is compared with.
    pub fn compared(&self, range: &Range) -> Option<Range> {
        match self.compare() {
            Compare::Off => None,
            Compare::Previous => range.previous().ok(),
            Compare::Year => range.year_before().ok(),
        }
    }

    /// All conditions: the segment's, and those beside it.
    pub fn filter(&self) -> Filter {
        let held = self.segment.iter().map(|chosen| chosen.filter.clone());
        let beside = self.filters.iter().map(Term::to_filter);
        Filter::And(held.chain(beside).collect())
    }

    /// Whether there is any.
    pub fn is_filtered(&self) -> bool {
        self.segment.is_some() || !self.filters.is_empty()
    }

    /// Whether there is one of a dimension.
    pub fn is_filtered_by(&self, dimension: &Dimension) -> bool {
        let filter = self.filter();
        let mut leaves = filter.leaves().into_iter();
        leaves.any(|leaf| leaf.dimension == *dimension)
    }

    /// The same without any.
    #[must_use]
    pub fn unfiltered(&self) -> Self {
        self.with(|state| {
            state.segment = None;
            state.filters.clear();
        })
    }

    /// As pairs of a query string; what is as it is by itself is left out.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut put = |key: &str, value: &str| pairs.push((key.to_owned(), value.to_owned()));
        match self.dates.filter(|_| self.period == "custom") {
            Some((from, to)) => {
                put("from", &from.to_string());
                put("to", &to.to_string());
            }
            None if self.period != DEFAULT_PERIOD => put("period", &self.period),
            None => {}
        }
        if let Some(compare) = self.compare {
            let found = COMPARE.iter().find(|(.., one)| *one == compare);
            put("compare", found.map_or("", |(name, ..)| name));
        }
        if let Some(chosen) = &self.segment {
            put("segment", &chosen.id.to_string());
        }
        for term in &self.filters {
            put(
                "filter",
                &format!("{},{},{}", term.op, term.dimension.name(), term.value),
            );
        }
        if let Some(metric) = self.metric {
            put("metric", metric.name());
        }
        for (panel, tab) in &self.tabs {
            put(panel, tab);
        }
        if !self.search.is_empty() {
            put("search", &self.search);
        }
        if self.page > 1 {
            put("page", &self.page.to_string());
        }
        if self.embed {
            put("embed", "true");
        }
        if let Some(theme) = self.theme {
            put("theme", theme);
        }
        pairs
    }

    /// As a query string, with its question mark.
    pub fn url(&self) -> String {
        let pairs = self.pairs();
        let text = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        format!("?{text}")
    }

    /// The same with a change.
    pub fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut state = self.clone();
        state.page = 1;
        change(&mut state);
        state
    }

    /// The same with one more filter.
    pub fn and(&self, op: &'static str, dimension: &Dimension, value: &str) -> Self {
        self.with(|state| {
            let term = Term {
                op,
                dimension: dimension.clone(),
                value: value.to_owned(),
            };
            // Another value takes the place of the one before.
            let same =
                |known: &Term| known.op == "is" && op == "is" && known.dimension == *dimension;
            state.filters.retain(|known| !same(known));
            state.filters.push(term);
            state.search.clear();
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn parse(query: &str) -> Result<State, &'static str> {
        State::parse(query, &["sources", "pages"])
    }

    #[test]
    fn every_state_is_a_url() {
        for query in [
            "",
            "period=30d",
            "from=2026-01-01&to=2026-02-01",
            "period=7d&compare=year&filter=is%2Cevent%3Apage%2C%2Fa%2Cb&filter=is_not%2Cvisit%3Asource%2CGoogle&metric=visits&sources=channels&search=x&page=2",
            "filter=is%2Cevent%3Aprops%3Aplan%2C%C3%BC",
            "period=7d&embed=true&theme=dark",
            "period=7d&segment=9007199254740991&filter=is%2Cevent%3Apage%2C%2Fa",
        ] {
            let state = parse(query).unwrap();
            assert_eq!(state.url(), format!("?{query}"));
            assert_eq!(parse(&state.url()[1..]), Ok(state));
        }
        let form = parse("op=is&dimension=event:page&value=+/a+&period=7d").unwrap();
        assert_eq!(form.url(), "?period=7d&filter=is%2Cevent%3Apage%2C%2Fa");
    }

    #[test]
    fn what_is_nothing_is_refused() {
        for query in [
            "period=fortnight",
            "period=custom",
            "from=2026-02-01&to=2026-01-01",
            "from=x&to=2026-01-01",
            "compare=x",
            "filter=is,event:page",
            "filter=was,event:page,x",
            "filter=is,time:day,x",
            "metric=x",
            "segment=x",
            "segment=-1",
            "page=0",
            "page=x",
        ] {
            assert!(parse(query).is_err(), "{query}");
        }
        let many: Vec<String> = (0..21)
            .map(|n| format!("filter=is,event:page,{n}"))
            .collect();
        assert!(parse(&many.join("&")).is_err());
    }

    #[test]
    fn periods_end_today() {
        let today = date(2026, 3, 31);
        let oldest = Some(date(2025, 1, 2));
        let days = |query: &str| parse(query).unwrap().days(today, today, oldest);
        assert_eq!(days(""), (today, today));
        assert_eq!(days("period=yesterday").0, date(2026, 3, 30));
        assert_eq!(days("period=7d"), (date(2026, 3, 25), today));
        assert_eq!(
            days("period=lastmonth"),
            (date(2026, 2, 1), date(2026, 2, 28))
        );
        assert_eq!(days("period=12mo"), (date(2025, 4, 1), today));
        assert_eq!(days("period=all").0, date(2025, 1, 2));
        // Or with the last day that is over.
        let (last, first) = (date(2026, 3, 30), date(2026, 4, 1));
        let over = |query: &str, today, last| parse(query).unwrap().days(today, last, oldest);
        assert_eq!(over("period=7d", today, last), (date(2026, 3, 24), last));
        assert_eq!(over("period=yesterday", today, last), (last, last));
        assert_eq!(over("period=month", today, last), (date(2026, 3, 1), last));
        assert_eq!(over("period=month", first, today), (first, first));
    }

    #[test]
    fn a_value_takes_the_place_of_another() {
        let state = parse("filter=is,visit:source,Google").unwrap();
        let state = state.and("is", &Dimension::Source, "Bing");
        assert_eq!(state.filters.len(), 1);
        let state = state.and("is_not", &Dimension::Source, "Google");
        assert_eq!(state.filters.len(), 2);
    }
}
