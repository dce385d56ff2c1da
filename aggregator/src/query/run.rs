//! A [`Query`] to its answer.

mod cells;
mod compared;
mod told;

use std::cmp::Ordering;
use std::sync::{Arc, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use shared::cube::Counter;

use super::dimension::Dimension;
use super::distinct::{Distinct, Distincts};
use super::metric::{Cell, Estimate, Metric, Value};
use super::plan::{CURRENCY_SLOT, Formula, How, Names, Plan, Sum, Term, plan};
use super::range::Range;
use super::scan::{At, Located, scan};
use super::sums::{Group, Slots, SpanOf, Summed, Sums};
use super::texts::{SharedTexts, Texts};
use super::threshold;
use super::time::Spans;
use super::{Answer, Goals, OrderKey, Query, Row};
use crate::clock::day_number;
use crate::error::{Error, Result};
use crate::segment::PartId;
use crate::site::Site;
use crate::store::Snapshot;
use cells::{currencies, without_currency};
use compared::{Others, change};

/// Answers a query from one state of the store, so that all of one answer agrees.
///
/// # Errors
/// It cannot be answered ([`Error::Refused`] says why), or the database failed.
pub async fn run(
    snapshot: &mut Snapshot,
    site: &Site,
    goals: &Goals,
    query: &Query,
) -> Result<Answer> {
    let plan = plan(query, goals).map_err(Error::Refused)?;
    if query.threshold.is_some() {
        threshold::check(query, &plan).map_err(Error::Refused)?;
    }
    let texts: SharedTexts = Arc::default();
    let mut run = Run {
        snapshot,
        site,
        goals,
        query,
        plan: &plan,
        texts,
    };
    let mut found = run.groups(&query.range).await?;
    let total_rows = found.len();
    let by = |one: &Found, other: &Found| compare(one, other, &query.order);
    found.sort_unstable_by(by);
    let shown = found.into_iter().skip(query.offset).take(query.limit);
    let shown: Vec<Found> = shown.collect();
    let others = match &query.compare {
        Some(range) => {
            let found = run.groups(range).await?;
            Some(Others::new(&run, range, found))
        }
        None => None,
    };
    let is_estimated = |place: &usize| {
        let cells = shown.iter().filter_map(|row| row.metrics.get(*place));
        cells.into_iter().any(|cell| cell.bounds.is_some())
    };
    let estimated = (0..query.metrics.len()).filter(is_estimated).collect();
    let time_labels = run.time_labels();
    let mut lines = Vec::new();
    if query.include.plan {
        lines = plan.terms.iter().map(Term::in_words).collect();
    }
    let rows = shown.into_iter().map(|row| {
        let compared = others.as_ref();
        let compared = compared.map(|others| change(&query.metrics, &row, others.of(&row)));
        Row {
            dimensions: row.dimensions,
            metrics: row.metrics,
            compared,
        }
    });
    let rows = rows.collect();
    let (from, to) = (query.range.from, query.range.to);
    let mut partial: Vec<usize> = Vec::new();
    if run.snapshot.has_totals(from, to).await? {
        let formulas = plan.formulas.iter().enumerate();
        let partial_ones = formulas.filter(|(_, formula)| {
            terms_of(formula).any(|term| matches!(plan.terms[*term].located.part, PartId::Cube(_)))
        });
        partial = partial_ones.map(|(place, _)| place).collect();
    }
    Ok(Answer {
        rows,
        total_rows,
        degraded: run.snapshot.is_degraded(from, to).await?,
        partial,
        estimated,
        time_labels,
        plan: lines,
    })
}

/// A row, and what of it is a number.
struct Found {
    dimensions: Vec<String>,
    /// The span of time, by its number.
    span: u32,
    metrics: Vec<Cell>,
}

/// What one term came to, by group.
type Counted = FxHashMap<Group, Estimate>;

struct Run<'a> {
    snapshot: &'a mut Snapshot,
    site: &'a Site,
    goals: &'a Goals,
    query: &'a Query,
    plan: &'a Plan,
    texts: SharedTexts,
}

impl Run<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Texts> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unit(&self) -> Option<(usize, &Dimension)> {
        let dimensions = self.query.dimensions.iter().enumerate();
        dimensions.into_iter().find(|(_, one)| one.is_time())
    }

    fn time_labels(&self) -> Vec<String> {
        match self.unit() {
            Some((_, unit)) if self.query.include.time_labels => {
                let spans = Spans::new(unit, &self.query.range, self.site);
                spans.all().into_iter().map(|n| spans.label(n)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// All groups of a range, with their numbers.
    async fn groups(&mut self, range: &Range) -> Result<Vec<Found>> {
        self.has_hours(range).await?;
        let counted = self.count(range).await?;
        let mut groups: FxHashSet<Group> = FxHashSet::default();
        if self.query.dimensions.is_empty() {
            groups.insert(Group::default());
        }
        for formula in &self.plan.formulas {
            for term in above(formula) {
                let counts = counted[*term].iter().filter(|(_, n)| n.upper > 0);
                groups.extend(counts.map(|(group, _)| without_currency(group)));
            }
        }
        let by_currency = currencies(self.plan, &counted);
        let unit = self.unit();
        let spans = unit.map(|(_, unit)| Spans::new(unit, range, self.site));
        let texts = self.lock();
        let mut found = Vec::with_capacity(groups.len());
        for group in groups {
            let mut dimensions = Vec::with_capacity(self.query.dimensions.len());
            for (slot, dimension) in self.query.dimensions.iter().enumerate() {
                dimensions.push(match (&spans, dimension.is_time()) {
                    (Some(spans), true) => spans.label(group[slot]),
                    _ => dimension.shown(texts.text(group[slot])).into_owned(),
                });
            }
            let is_unknown = self.is_of_unknown_visitors(&dimensions);
            let cell = |(metric, formula): (&Metric, &Formula)| {
                // Somebody may be in several of what was folded.
                match is_unknown && *metric == Metric::Visitors {
                    true => Cell::exact(Value::None),
                    false => self.cell(formula, &group, &counted, &by_currency, &texts),
                }
            };
            let formulas = self.query.metrics.iter().zip(&self.plan.formulas);
            found.push(Found {
                metrics: formulas.map(cell).collect(),
                dimensions,
                span: unit.map_or(0, |(slot, _)| group[slot]),
            });
        }
        Ok(found)
    }

    /// Refuses what asks for hours that are not kept.
    async fn has_hours(&mut self, range: &Range) -> Result<()> {
        let mut terms = self.plan.terms.iter();
        let wants =
            terms.any(|term| term.located.hours && matches!(term.located.part, PartId::Cube(_)));
        if !wants {
            return Ok(());
        }
        let by_hour = self.query.dimensions.contains(&Dimension::Hour);
        let days = match by_hour {
            true => vec![(range.from, range.to)],
            false => {
                let edges = [range.from, range.to].into_iter();
                let cut = edges.filter(|date| range.cuts(day_number(*date)));
                cut.map(|date| (date, date)).collect()
            }
        };
        for (from, to) in days {
            if let Some(date) = self.snapshot.first_folded(from, to).await? {
                return Err(Error::Refused(format!(
                    "date_range: {date} is kept by the day and not by the hour (serve --hours-kept-days); ask for whole days, or for the site as a whole without filters and dimensions"
                )));
            }
        }
        Ok(())
    }

    /// Reads what the plan wants, each part of the store once for all counters of it.
    async fn count(&mut self, range: &Range) -> Result<Vec<Counted>> {
        let plan = self.plan;
        let told = self.told(range).await?;
        let mut counted: Vec<Counted> = vec![Counted::default(); plan.terms.len()];
        let unit = self.unit().map(|(_, unit)| unit.clone());
        let span = SpanOf::new(unit.as_ref(), range, self.site);
        let mut done: Vec<usize> = Vec::new();
        let is_sum = |place: &usize| matches!(plan.terms[*place].how, How::Sum(_));
        let (sums, distincts): (Vec<usize>, Vec<usize>) = (0..plan.terms.len()).partition(is_sum);
        // Sums of the same rows are read along with what is told apart.
        for place in distincts.into_iter().chain(sums) {
            if done.contains(&place) {
                continue;
            }
            let term = &plan.terms[place];
            let slots = Slots {
                keys: term.slots.clone(),
                time: term.time,
            };
            let alike: Vec<(usize, Counter)> = plan
                .terms
                .iter()
                .enumerate()
                .filter_map(|(other, one)| match one.how {
                    How::Sum(counter) if same_scan(one, term) => Some((other, counter)),
                    _ => None,
                })
                .collect();
            let counters: Vec<Counter> = alike.iter().map(|(_, counter)| *counter).collect();
            let all = match (&term.how, &told) {
                (How::Distinct(what), _) => {
                    let (found, sums) = self
                        .distinct(term, what, &counters, slots, &span, range)
                        .await?;
                    counted[place] = found;
                    sums
                }
                (_, Some(told)) => {
                    self.folded(told, term, counters, slots, &span, range)
                        .await?
                }
                _ => self.summed(term, &counters, slots, &span, range).await?,
            };
            for (at, (other, _)) in alike.iter().enumerate() {
                let groups = all.iter().filter(|(_, counts)| counts[at] > 0);
                let groups = groups.map(|(group, counts)| (*group, Estimate::exact(counts[at])));
                let named = self.named(&plan.terms[*other], groups);
                counted[*other] = named;
                done.push(*other);
            }
        }
        Ok(counted)
    }

    async fn summed(
        &mut self,
        term: &Term,
        counters: &[Counter],
        slots: Slots,
        span: &SpanOf,
        range: &Range,
    ) -> Result<Summed> {
        let sums = || Sums::new(slots.clone(), span.clone());
        let texts = self.texts.clone();
        let found = scan(self.snapshot, &term.located, counters, range, &texts, sums).await?;
        let mut all = sums();
        for one in found {
            all.merge(one);
        }
        Ok(all.groups)
    }

    /// How many distinct ones there are, and what else is wanted of the same rows.
    async fn distinct(
        &mut self,
        term: &Term,
        what: &Distinct,
        beside: &[Counter],
        slots: Slots,
        span: &SpanOf,
        range: &Range,
    ) -> Result<(Counted, Summed)> {
        // What marks look at is wanted beside what is grouped by.
        let mut located: Located = term.located.clone();
        let mut columns = Vec::with_capacity(what.classes.len());
        for class in &what.classes {
            let mut of_class = Vec::with_capacity(class.places.len());
            for place in &class.places {
                let at = At::Place(*place);
                let known = located.keys.iter().position(|key| *key == at);
                of_class.push(known.unwrap_or_else(|| {
                    located.keys.push(at);
                    located.keys.len() - 1
                }));
            }
            columns.push(of_class);
        }
        let mut counters: Vec<Counter> = what.classes.iter().map(|class| class.counter).collect();
        counters.extend([what.activity, what.activity_of_hours]);
        counters.extend(beside);
        let segments = self.snapshot.segments(range.from, range.to).await?;
        let segments = Arc::new(segments.into_iter().collect());
        let what = Arc::new(what.clone());
        let collector = || {
            Distincts::new(
                Arc::clone(&what),
                slots.clone(),
                columns.clone(),
                span.clone(),
                *range,
                Arc::clone(&segments),
            )
        };
        let texts = self.texts.clone();
        let found = scan(self.snapshot, &located, &counters, range, &texts, collector).await?;
        let mut all = collector();
        for one in found {
            all.merge(one);
        }
        all.end();
        let named = self.named(term, all.groups.into_iter());
        Ok((named, all.sums))
    }

    /// Groups of goals by the goals' names; what is no goal any more is left out.
    fn named(&self, term: &Term, groups: impl Iterator<Item = (Group, Estimate)>) -> Counted {
        let Some((slot, names)) = term.goals else {
            return groups.collect();
        };
        let mut texts = self.lock();
        let mut named = Counted::default();
        for (mut group, n) in groups {
            let text = texts.text(group[slot]);
            let name = match names {
                Names::Goals => self.goals.name(text),
                Names::Events => self.goals.of_event(text),
            };
            if let Some(name) = name {
                group[slot] = texts.number(name);
                let sum = named.entry(group).or_default();
                *sum = sum.plus(n);
            }
        }
        named
    }

    /// A group by what a term is by.
    fn projected(&self, group: &Group, term: &Term) -> Group {
        let mut projected = Group::default();
        for slot in term.slots.iter().filter(|slot| **slot != CURRENCY_SLOT) {
            projected[*slot] = group[*slot];
        }
        if let Some(time) = term.time {
            projected[time] = group[time];
        }
        projected
    }
}

/// Whether two terms are of the same rows in the same groups. What is looked at beside these rows
/// does not matter.
fn same_scan(one: &Term, other: &Term) -> bool {
    let rows = |term: &Term| Located {
        base: None,
        ..term.located.clone()
    };
    rows(one) == rows(other) && one.slots == other.slots && one.time == other.time
}

/// Terms whose groups make rows.
fn above(formula: &Formula) -> impl Iterator<Item = &usize> {
    let (first, second): (&Sum, Option<&Sum>) = match formula {
        Formula::Count { of, .. } => (of, None),
        Formula::Ratio { of, .. } => (of, None),
        Formula::Money { milli, per } => (milli, per.as_ref()),
    };
    first.iter().chain(second.into_iter().flatten())
}

fn terms_of(formula: &Formula) -> impl Iterator<Item = &usize> {
    let per = match formula {
        Formula::Ratio { per, .. } => Some(per),
        _ => None,
    };
    above(formula).chain(per.into_iter().flatten())
}

/// By the given order; ties by the dimensions, so that paging is stable.
fn compare(one: &Found, other: &Found, order: &[(OrderKey, bool)]) -> Ordering {
    for (key, descending) in order {
        let ordering = match key {
            OrderKey::Metric(place) => {
                let number = |row: &Found| {
                    let cell = row.metrics.get(*place);
                    cell.map_or(0.0, |cell| cell.value.number())
                };
                number(one).total_cmp(&number(other))
            }
            OrderKey::Dimension(place) => {
                // Spans of one name follow each other in time, too.
                let names = one
                    .dimensions
                    .get(*place)
                    .cmp(&other.dimensions.get(*place));
                names.then(one.span.cmp(&other.span))
            }
        };
        let ordering = if *descending {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    let names = one.dimensions.cmp(&other.dimensions);
    names.then(one.span.cmp(&other.span))
}
