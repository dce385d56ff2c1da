//! The naive model: it keeps every event with its visitor, and answers with sums and sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::cube::{Counter, Cube};

use super::stream::{Event, Stream, What, goals};
use super::{DAYS, FROM};
use crate::clock::day_number;
use crate::query::time::Spans;
use crate::query::{Answer, Dimension, Filter, Metric, Query, Value};
use crate::site::Site;

use Dimension as D;

/// What somebody did, in the words of one cube.
#[derive(Debug, Clone)]
struct Record {
    cube: Cube,
    day: usize,
    hour: u64,
    who: Option<usize>,
    visit: usize,
    /// It shows that they were there; else only its counts matter.
    touch: bool,
    page: &'static str,
    host: &'static str,
    name: &'static str,
    goal: Option<String>,
    prop: (&'static str, &'static str),
    currency: &'static str,
    /// Entry page, entry host, source, channel, campaign.
    came: [&'static str; 5],
    client: [&'static str; 4],
    counts: Vec<(Counter, u64)>,
}

impl Record {
    /// A value as it is stored.
    fn get(&self, dimension: &Dimension) -> Option<String> {
        let some = |text: &str| Some(text.to_owned());
        let [entry_page, entry_host, source, channel, campaign] = self.came;
        let [country, device, browser, version] = self.client;
        match (dimension, self.cube) {
            (D::Page, Cube::Pages | Cube::Events | Cube::Goals) => some(self.page),
            (D::Hostname, Cube::Pages) => some(self.host),
            (D::ExitPage, Cube::Exits) => some(self.page),
            (D::EventName, Cube::Pages) => some("pageview"),
            (D::EventName, Cube::Events | Cube::Props | Cube::Revenue) => some(self.name),
            (D::Goal, Cube::Goals | Cube::Props | Cube::Revenue) => self.goal.clone(),
            (D::Prop(key), Cube::Props) if key == self.prop.0 => some(self.prop.1),
            (D::EntryPage, _) => some(entry_page),
            (D::EntryHost, _) => some(entry_host),
            (D::Source, _) => some(source),
            (D::Channel, _) => some(channel),
            (D::UtmCampaign, _) => some(campaign),
            (D::Country | D::CountryName, _) => some(country),
            (D::Device, _) => some(device),
            (D::Browser, _) => some(browser),
            (D::BrowserVersion, _) => some(version),
            _ => None,
        }
    }

    /// Whether it is of what a filter is about, and as it asks.
    fn matches(&self, filter: &Filter) -> bool {
        // An event may be no goal; but what carries another property is not asked for at all.
        let is_of = |dimension: &Dimension| *dimension == D::Goal || self.get(dimension).is_some();
        let mut leaves = filter.leaves().into_iter();
        leaves.all(|leaf| is_of(&leaf.dimension)) && self.is_as(filter)
    }

    fn is_as(&self, filter: &Filter) -> bool {
        match filter {
            Filter::And(all) => all.iter().all(|one| self.is_as(one)),
            Filter::Or(all) => all.iter().any(|one| self.is_as(one)),
            Filter::Not(one) => !self.is_as(one),
            Filter::Leaf(leaf) => self
                .get(&leaf.dimension)
                .is_some_and(|value| leaf.holds(&value)),
        }
    }
}

/// A visit that is being put together.
struct Visit {
    id: usize,
    came: [&'static str; 5],
    start_s: u32,
    last_s: u32,
    views: u64,
    interactive: bool,
    pages: BTreeSet<&'static str>,
    exit: Option<&'static str>,
}

/// See the module.
pub struct Model {
    records: Vec<Record>,
}

/// What a row is about: its dimensions, and the number of its span of time.
type Key = (Vec<String>, u32);

impl Model {
    pub fn of(stream: &Stream) -> Self {
        let mut model = Self {
            records: Vec::new(),
        };
        let mut visits = 0;
        for day in 0..DAYS {
            let mut open: HashMap<usize, (Visit, [&'static str; 4])> = HashMap::new();
            for event in stream.0.iter().filter(|event| event.day == day) {
                let Some(who) = event.who else {
                    let [country, device, ..] = event.client;
                    let mut record = record(event, Cube::Pages, usize::MAX, [""; 5]);
                    record.client = [country, device, "", ""];
                    record.counts = vec![(Counter::Views, 1)];
                    record.touch = false;
                    model.records.push(record);
                    continue;
                };
                if open
                    .get(&who)
                    .is_some_and(|(visit, _)| event.at_s > visit.last_s + 1_800)
                    && let Some((visit, client)) = open.remove(&who)
                {
                    model.end(day, who, client, &visit);
                }
                let is_new = !open.contains_key(&who);
                if is_new {
                    if matches!(event.what, What::Engaged { .. }) {
                        continue;
                    }
                    visits += 1;
                    let entry = match event.what {
                        What::View => [event.page, event.host],
                        _ => ["", ""],
                    };
                    let [source, channel, campaign] = event.traffic;
                    let visit = Visit {
                        id: visits,
                        came: [entry[0], entry[1], source, channel, campaign],
                        start_s: event.at_s,
                        last_s: event.at_s,
                        views: 0,
                        interactive: false,
                        pages: BTreeSet::new(),
                        exit: None,
                    };
                    let mut begun = record(event, Cube::Visits, visits, visit.came);
                    begun.counts = vec![(Counter::Visits, 1)];
                    begun.touch = false;
                    model.records.push(begun);
                    open.insert(who, (visit, event.client));
                }
                if let Some((visit, _)) = open.get_mut(&who) {
                    model.count(event, visit);
                }
            }
            for (who, (visit, client)) in open {
                model.end(day, who, client, &visit);
            }
        }
        model
    }

    fn count(&mut self, event: &Event, visit: &mut Visit) {
        visit.last_s = event.at_s;
        let of = |cube| record(event, cube, visit.id, visit.came);
        self.records.push(of(Cube::Visits));
        match &event.what {
            What::View => {
                let mut seen = of(Cube::Pages);
                seen.counts = vec![(Counter::Views, 1)];
                if visit.pages.insert(event.page) {
                    seen.counts.push((Counter::PageVisits, 1));
                }
                visit.views += 1;
                visit.exit = Some(event.page);
                self.records.push(seen);
            }
            What::Custom { interactive, .. } => {
                visit.interactive |= interactive;
                let mut done = of(Cube::Events);
                done.counts = vec![(Counter::Events, 1)];
                self.records.push(done);
            }
            What::Engaged { percent, ms } => {
                let mut used = of(Cube::Pages);
                used.touch = false;
                used.counts = vec![
                    (Counter::EngagedMs, u64::from(*ms)),
                    (Counter::EngagedCount, 1),
                    (Counter::ScrollSum, u64::from(*percent)),
                    (Counter::ScrollCount, 1),
                ];
                self.records.push(used);
            }
        }
        let named = |id: u32| {
            goals()
                .into_iter()
                .find(|goal| goal.goal.id == id)
                .unwrap()
                .name
        };
        let by_name = match event.what {
            What::Custom { name: "Signup", .. } => Some(named(1)),
            What::Custom { name: "Buy", .. } => Some(named(4)),
            _ => None,
        };
        for prop in &event.props {
            let mut carried = of(Cube::Props);
            carried.prop = *prop;
            carried.goal = by_name.clone();
            carried.counts = vec![(Counter::PropEvents, 1)];
            self.records.push(carried);
        }
        if let Some((currency, milli)) = event.revenue {
            let mut brought = of(Cube::Revenue);
            brought.currency = currency;
            brought.goal = by_name;
            brought.counts = vec![(Counter::RevenueMilli, milli), (Counter::RevenueEvents, 1)];
            self.records.push(brought);
        }
        for goal in event.goals() {
            let mut completed = of(Cube::Goals);
            completed.goal = Some(named(goal));
            completed.counts = vec![(Counter::Completions, 1)];
            self.records.push(completed);
        }
    }

    fn end(&mut self, day: usize, who: usize, client: [&'static str; 4], visit: &Visit) {
        let bare = |cube, at_s: u32| Record {
            cube,
            day,
            hour: u64::from(at_s / 3_600),
            who: Some(who),
            visit: visit.id,
            touch: false,
            page: "",
            host: "",
            name: "",
            goal: None,
            prop: ("", ""),
            currency: "",
            came: visit.came,
            client,
            counts: Vec::new(),
        };
        let bounces = u64::from(visit.views == 1 && !visit.interactive);
        let mut ended = bare(Cube::Visits, visit.start_s);
        ended.counts = vec![
            (Counter::EndedVisits, 1),
            (Counter::Bounces, bounces),
            (Counter::DurationS, u64::from(visit.last_s - visit.start_s)),
            (Counter::EndedViews, visit.views),
        ];
        self.records.push(ended);
        if let Some(page) = visit.exit {
            let mut exit = bare(Cube::Exits, visit.last_s);
            exit.page = page;
            exit.touch = true;
            exit.counts = vec![(Counter::Exits, 1)];
            self.records.push(exit);
        }
    }

    /// Compares an answer, row by row and metric by metric.
    pub fn check(&self, site: &Site, query: &Query, answer: &Answer) -> Result<(), String> {
        let truths: Vec<BTreeMap<Key, Truth>> = query
            .metrics
            .iter()
            .map(|metric| self.truth(site, query, *metric))
            .collect();
        let mut keys: BTreeSet<Key> = truths.iter().flat_map(BTreeMap::keys).cloned().collect();
        if query.dimensions.is_empty() {
            keys.insert((Vec::new(), 0));
        }
        // Rows of one name (the hour that is there twice) come in the order of time.
        let mut rows: BTreeMap<&[String], Vec<&crate::query::Row>> = BTreeMap::new();
        for row in &answer.rows {
            rows.entry(&row.dimensions).or_default().push(row);
        }
        let mut extra = answer.rows.len();
        let mut names: BTreeMap<&[String], Vec<&Key>> = BTreeMap::new();
        for key in &keys {
            names.entry(&key.0).or_default().push(key);
        }
        for (name, keys) in names {
            let rows = rows.remove(name).unwrap_or_default();
            if rows.len() != keys.len() && !(keys.len() == 1 && rows.is_empty()) {
                return Err(format!(
                    "{name:?}: {} rows, ought {}",
                    rows.len(),
                    keys.len()
                ));
            }
            for (at, key) in keys.into_iter().enumerate() {
                let Some(row) = rows.get(at) else {
                    // Only what is nothing may be left out.
                    let is_nothing = |truths: &BTreeMap<Key, Truth>| {
                        truths.get(key).is_none_or(Truth::is_nothing)
                    };
                    if !truths.iter().all(is_nothing) {
                        return Err(format!("{name:?} is missing"));
                    }
                    continue;
                };
                extra -= 1;
                for (place, metric) in query.metrics.iter().enumerate() {
                    let truth = truths[place].get(key).cloned().unwrap_or_default();
                    let cell = &row.metrics[place];
                    if !truth.fits(*metric, cell) {
                        return Err(format!("{name:?} {}: {cell:?} is {truth:?}", metric.name()));
                    }
                }
            }
        }
        // An estimate may see somebody where nobody is.
        let nobody = rows.values().flatten();
        let made_up = nobody.filter(|row| {
            let is_exact = |cell: &crate::query::Cell| {
                cell.bounds.is_none_or(|[lower, _]| lower > 0.0) && cell.value.number() > 0.0
            };
            row.metrics.iter().any(is_exact)
        });
        match made_up.count() {
            0 => Ok(()),
            n => Err(format!("{n} rows of nothing, {extra} too many")),
        }
    }

    /// What a metric is, row by row.
    fn truth(&self, site: &Site, query: &Query, metric: Metric) -> BTreeMap<Key, Truth> {
        let of = Of {
            model: self,
            site,
            query,
        };
        let needs = of.needs();
        let has = |dimension: &Dimension| needs.contains(dimension);
        let prop = needs.iter().any(|one| matches!(one, D::Prop(_)));
        let dims = query.dimensions.as_slice();
        let time: Vec<Dimension> = dims.iter().filter(|one| one.is_time()).cloned().collect();
        let filter = &query.filter;
        let plain = filter.keep(|one| *one != D::Goal);
        let page_to_entry = |one: &Dimension| match one {
            D::Page => D::EntryPage,
            D::Hostname => D::EntryHost,
            other => other.clone(),
        };
        let sums = |counter: Counter| of.sum(&[counter], dims, filter);
        match metric {
            Metric::Visitors => whole(of.visitors(dims, filter)),
            Metric::Visits if needs.is_empty() => whole(sums(Counter::Visits)),
            Metric::Visits if has(&D::ExitPage) => whole(sums(Counter::Exits)),
            Metric::Visits => whole(of.distinct(&[Cube::Pages], dims, filter, true)),
            Metric::Pageviews | Metric::Events => {
                let counters: &[Counter] = match (prop, has(&D::Goal)) {
                    (true, _) => &[Counter::PropEvents],
                    (_, true) => &[Counter::Completions],
                    _ if metric == Metric::Pageviews => &[Counter::Views],
                    _ => &[Counter::Views, Counter::Events],
                };
                let mut filter = filter.clone();
                if metric == Metric::Pageviews && prop {
                    filter = filter.and(Filter::is(D::EventName, "pageview"));
                } else if metric == Metric::Pageviews && has(&D::Goal) {
                    let page = ["Visit /b", "Read"].map(|name| Filter::is(D::Goal, name));
                    filter = filter.and(Filter::Or(page.to_vec()));
                }
                whole(of.sum(counters, dims, &filter))
            }
            Metric::ViewsPerVisit => {
                let per = sums(Counter::EndedVisits);
                ratio(sums(Counter::EndedViews), &per, &per, 1.0, 2)
            }
            Metric::BounceRate | Metric::VisitDuration => {
                let dims: Vec<Dimension> = dims.iter().map(page_to_entry).collect();
                let filter = filter.map(&page_to_entry);
                let sum = |counter| of.sum(&[counter], &dims, &filter);
                let per = sum(Counter::EndedVisits);
                match metric {
                    Metric::BounceRate => ratio(sum(Counter::Bounces), &per, &per, 100.0, 0),
                    _ => ratio(sum(Counter::DurationS), &per, &per, 1.0, 0),
                }
            }
            Metric::Percentage => {
                let all = of.visitors(&[], filter);
                let all = all.values().sum::<u64>();
                share(of.visitors(dims, filter), |_| all, 1)
            }
            Metric::ConversionRate => {
                let all = of.visitors(&time, &plain);
                let at = dims.iter().position(Dimension::is_time);
                let of_time = |key: &Key| {
                    let name = at.map(|at| key.0[at].clone());
                    let key = (name.into_iter().collect(), key.1);
                    all.get(&key).copied().unwrap_or(0)
                };
                share(of.visitors(dims, filter), of_time, 2)
            }
            Metric::GroupConversionRate => {
                let at = dims.iter().position(|one| *one == D::Goal);
                let mut others = dims.to_vec();
                others.retain(|one| *one != D::Goal);
                let all = of.visitors(&others, &plain);
                let of_group = |key: &Key| {
                    let mut key = key.clone();
                    if let Some(at) = at {
                        key.0.remove(at);
                    }
                    all.get(&key).copied().unwrap_or(0)
                };
                share(of.visitors(dims, filter), of_group, 2)
            }
            Metric::TimeOnPage => {
                let unless = sums(Counter::EngagedCount);
                ratio(
                    sums(Counter::EngagedMs),
                    &sums(Counter::PageVisits),
                    &unless,
                    0.001,
                    0,
                )
            }
            Metric::ScrollDepth => {
                let per = sums(Counter::ScrollCount);
                ratio(sums(Counter::ScrollSum), &per, &per, 1.0, 0)
            }
            Metric::ExitRate => {
                let to_page = |one: &Dimension| match one {
                    D::ExitPage => D::Page,
                    other => other.clone(),
                };
                let page: Vec<Dimension> = dims.iter().map(to_page).collect();
                let per = of.sum(&[Counter::Views], &page, &filter.map(&to_page));
                ratio(sums(Counter::Exits), &per, &per, 100.0, 1)
            }
            Metric::TotalRevenue | Metric::AverageRevenue => {
                let mut money: BTreeMap<Key, Truth> = BTreeMap::new();
                for currency in ["EUR", "USD"] {
                    let records = self.records.iter().filter(|one| one.currency == currency);
                    let records: Vec<Record> = records.cloned().collect();
                    let model = Model { records };
                    let of = Of {
                        model: &model,
                        site,
                        query,
                    };
                    let events = of.sum(&[Counter::RevenueEvents], dims, filter);
                    let milli = of.sum(&[Counter::RevenueMilli], dims, filter);
                    for (key, events) in events {
                        let total = milli.get(&key).copied().unwrap_or(0);
                        let amount = match metric {
                            Metric::TotalRevenue => total,
                            _ => total / events,
                        };
                        let truth = match money.contains_key(&key) {
                            false => Truth::Money(amount, currency),
                            true => Truth::Nothing,
                        };
                        money.insert(key, truth);
                    }
                }
                money
            }
        }
    }
}

fn record(event: &Event, cube: Cube, visit: usize, came: [&'static str; 5]) -> Record {
    Record {
        cube,
        day: event.day,
        hour: u64::from(event.at_s / 3_600),
        who: event.who,
        visit,
        touch: true,
        page: event.page,
        host: event.host,
        name: match &event.what {
            What::View => "pageview",
            What::Custom { name, .. } => name,
            What::Engaged { .. } => "engagement",
        },
        goal: None,
        prop: ("", ""),
        currency: "",
        came,
        client: event.client,
        counts: Vec::new(),
    }
}

/// The true value.
#[derive(Debug, Clone, Default, PartialEq)]
enum Truth {
    #[default]
    Nothing,
    Whole(u64),
    /// With its decimals.
    Rate(f64, i32),
    Money(u64, &'static str),
}

impl Truth {
    fn is_nothing(&self) -> bool {
        matches!(self, Truth::Nothing | Truth::Whole(0))
            || matches!(self, Truth::Rate(rate, _) if *rate == 0.0)
    }

    fn fits(&self, metric: Metric, cell: &crate::query::Cell) -> bool {
        let rounded = |rate: f64, decimals: i32| {
            let places = 10_f64.powi(decimals);
            (rate * places).round() / places
        };
        let is = match self {
            Truth::Nothing => {
                // A rate of nobody is 0 where there is somebody it could be of.
                return match &cell.value {
                    Value::None => true,
                    other => other.number() == 0.0 || cell.bounds.is_some_and(|[l, _]| l <= 0.0),
                };
            }
            Truth::Money(milli, currency) => {
                let milli = *milli;
                let currency = (*currency).to_owned();
                return cell.value == Value::Money { milli, currency };
            }
            Truth::Whole(n) => *n as f64,
            Truth::Rate(rate, decimals) => rounded(*rate, *decimals),
        };
        let value = cell.value.number();
        match cell.bounds {
            None => value == is,
            Some([lower, upper]) => {
                let fits = lower <= is && is <= upper && lower <= value && value <= upper;
                fits && metric != Metric::Pageviews
            }
        }
    }
}

fn whole(counts: BTreeMap<Key, u64>) -> BTreeMap<Key, Truth> {
    let counts = counts.into_iter();
    counts.map(|(key, n)| (key, Truth::Whole(n))).collect()
}

fn share(of: BTreeMap<Key, u64>, per: impl Fn(&Key) -> u64, decimals: i32) -> BTreeMap<Key, Truth> {
    let rate = |(key, n): (Key, u64)| {
        let all = per(&key);
        let truth = match all {
            0 => Truth::Nothing,
            all => Truth::Rate(n as f64 * 100.0 / all as f64, decimals),
        };
        (key, truth)
    };
    of.into_iter().map(rate).collect()
}

fn ratio(
    of: BTreeMap<Key, u64>,
    per: &BTreeMap<Key, u64>,
    unless: &BTreeMap<Key, u64>,
    scale: f64,
    decimals: i32,
) -> BTreeMap<Key, Truth> {
    let mut keys: BTreeSet<Key> = of.keys().cloned().collect();
    keys.retain(|key| unless.get(key).is_some_and(|n| *n > 0));
    let rate = |key: Key| {
        let n = of.get(&key).copied().unwrap_or(0) as f64;
        // What nothing stands below is taken by one, as the engine does.
        let per = per.get(&key).copied().unwrap_or(0).max(1) as f64;
        (key, Truth::Rate(n * scale / per, decimals))
    };
    keys.into_iter().map(rate).collect()
}

/// A question to the model.
struct Of<'a> {
    model: &'a Model,
    site: &'a Site,
    query: &'a Query,
}

impl Of<'_> {
    fn needs(&self) -> BTreeSet<Dimension> {
        let leaves = self.query.filter.leaves();
        let leaves = leaves.iter().map(|leaf| &leaf.dimension);
        let all = self.query.dimensions.iter().chain(leaves);
        let is_meant = |one: &&Dimension| one.is_of_events() || **one == D::ExitPage;
        all.filter(is_meant).cloned().collect()
    }

    fn key(&self, record: &Record, dims: &[Dimension]) -> Option<Key> {
        let mut names = Vec::with_capacity(dims.len());
        let mut number = 0;
        for dimension in dims {
            if dimension.is_time() {
                let spans = Spans::new(dimension, &self.query.range, self.site);
                number = spans.number(day_number(FROM) + record.day as i64, record.hour);
                names.push(spans.label(number));
            } else {
                names.push(dimension.shown(&record.get(dimension)?).into_owned());
            }
        }
        Some((names, number))
    }

    fn is_in(&self, record: &Record) -> bool {
        let date = day_number(FROM) + record.day as i64;
        let range = &self.query.range;
        // Whole days have all their hours; a partial one those that are asked for.
        let days = day_number(range.from)..=day_number(range.to);
        days.contains(&date) && (!range.is_partial() || range.contains(date, record.hour))
    }

    fn sum(&self, counters: &[Counter], dims: &[Dimension], filter: &Filter) -> BTreeMap<Key, u64> {
        let mut sums = BTreeMap::new();
        for record in self.model.records.iter().filter(|one| self.is_in(one)) {
            let counts = record.counts.iter();
            let n: u64 = counts
                .filter(|(counter, _)| counters.contains(counter))
                .map(|(_, n)| n)
                .sum();
            if n == 0 || !record.matches(filter) {
                continue;
            }
            if let Some(key) = self.key(record, dims) {
                *sums.entry(key).or_default() += n;
            }
        }
        sums
    }

    fn visitors(&self, dims: &[Dimension], filter: &Filter) -> BTreeMap<Key, u64> {
        let leaves = filter.leaves();
        let leaves = leaves.iter().map(|leaf| &leaf.dimension);
        let all: Vec<&Dimension> = dims.iter().chain(leaves).collect();
        let has = |dimension: &Dimension| all.contains(&dimension);
        let cubes: &[Cube] = if all.iter().any(|one| matches!(one, D::Prop(_))) {
            &[Cube::Props]
        } else if has(&D::Goal) {
            &[Cube::Goals]
        } else if has(&D::ExitPage) {
            &[Cube::Exits]
        } else if has(&D::EventName) {
            &[Cube::Pages, Cube::Events]
        } else if has(&D::Page) || has(&D::Hostname) {
            &[Cube::Pages]
        } else {
            &[Cube::Visits]
        };
        self.distinct(cubes, dims, filter, false)
    }

    /// Visitors of each day, or visits.
    fn distinct(
        &self,
        cubes: &[Cube],
        dims: &[Dimension],
        filter: &Filter,
        visits: bool,
    ) -> BTreeMap<Key, u64> {
        let mut seen: BTreeMap<Key, BTreeSet<(usize, usize)>> = BTreeMap::new();
        let records = self.model.records.iter();
        let records = records.filter(|one| one.touch && cubes.contains(&one.cube));
        for record in records.filter(|one| self.is_in(one) && one.matches(filter)) {
            let (Some(who), Some(key)) = (record.who, self.key(record, dims)) else {
                continue;
            };
            let one = if visits { record.visit } else { who };
            seen.entry(key).or_default().insert((record.day, one));
        }
        let counted = seen.into_iter();
        counted
            .map(|(key, seen)| (key, seen.len() as u64))
            .collect()
    }
}
