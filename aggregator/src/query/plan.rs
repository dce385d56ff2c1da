//! A question to what has to be summed: which part of the store, which counters, by what.
//!
//! Counts are sums of plain counters. Visitors are the sum of a mark (`shared::marks`) where one
//! looks at just what the question fixes, so that each visitor counts once a day; elsewhere they
//! are estimated between bounds ([`super::distinct`]). A question that no single cube can answer
//! would need to know who did both, and is refused.

mod about;
mod counts;
mod marks;
mod terms;

use shared::cube::{Counter, Cube};

use super::dimension::Dimension;
use super::distinct::Distinct;
use super::metric::Metric;
use super::scan::Located;
use super::{Goals, Query};
use about::About;

use Dimension as D;

/// How a term's number comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The sum of a counter.
    Sum(Counter),
    /// Distinct ones, between bounds.
    Distinct(Distinct),
}

/// What becomes of the texts of a goal's slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// They are goals' numbers.
    Goals,
    /// They are names of events that are goals.
    Events,
}

/// One thing to be summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Where, and by what.
    pub located: Located,
    /// For each key of it the place in the question's dimensions.
    pub slots: Vec<usize>,
    /// The place of the span of time, if it is by one.
    pub time: Option<usize>,
    /// The slot that holds goals, and how.
    pub goals: Option<(usize, Names)>,
    /// How.
    pub how: How,
}

/// Terms that are added up.
pub type Sum = Vec<usize>;

/// How a metric is made of terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// Their sum, at most that of the others.
    Count {
        /// What.
        of: Sum,
        /// No more than there are of these.
        cap: Option<Sum>,
    },
    /// One by the other.
    Ratio {
        /// Above.
        of: Sum,
        /// Below; it may be by fewer dimensions.
        per: Sum,
        /// No more than there are of these above.
        cap: Option<Sum>,
        /// Times this, over this.
        scale: (u32, u32),
        /// Decimals that are kept.
        decimals: u32,
        /// Nothing is told where these are 0.
        unless: Option<Sum>,
    },
    /// Revenue by currency.
    Money {
        /// Thousandths.
        milli: Sum,
        /// What it is divided by, for an average.
        per: Option<Sum>,
    },
}

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is summed, each once.
    pub terms: Vec<Term>,
    /// In the order of the metrics.
    pub formulas: Vec<Formula>,
}

/// The slot of the currency: no dimension has it.
pub const CURRENCY_SLOT: usize = 7;
/// Most dimensions of a question.
pub const DIMENSIONS_MAX: usize = 7;

/// Why a question is not answered.
pub type Refused = String;

/// Makes the plan of a question.
///
/// # Errors
/// It cannot be answered; the text says why.
pub fn plan(query: &Query, goals: &Goals) -> Result<Plan, Refused> {
    let dims = query.dimensions.iter().cloned().enumerate();
    let (time, dims): (Vec<_>, Vec<_>) = dims.partition(|(_, one)| one.is_time());
    let about = About {
        dims,
        time: time.first().map(|(slot, _)| *slot),
        filter: goals.resolve(&query.filter),
    };
    let mut planner = Planner {
        hourly: query.dimensions.contains(&D::Hour),
        is_partial: query.range.is_partial(),
        goals,
        terms: Vec::new(),
    };
    if planner.several_props(&about) {
        return Err(
            "properties: only one property can be asked for at once; two together would need to know which events carried both".into(),
        );
    }
    if about.filter.negates(&|one| *one == D::Goal) {
        return Err(
            "event:goal cannot be negated: who did not complete a goal is not known without identities".into(),
        );
    }
    let mut formulas = Vec::with_capacity(query.metrics.len());
    for metric in &query.metrics {
        let formula = planner.formula(*metric, &about);
        formulas.push(formula.map_err(|why| format!("{}: {why}", metric.name()))?);
    }
    Ok(Plan {
        terms: planner.terms,
        formulas,
    })
}

struct Planner<'a> {
    /// The span of time is the hour.
    hourly: bool,
    is_partial: bool,
    goals: &'a Goals,
    terms: Vec<Term>,
}

impl Planner<'_> {
    fn by_hour(&self, about: &About) -> bool {
        self.hourly && about.time.is_some()
    }

    /// Whether hours of the day matter.
    fn hours(&self, about: &About) -> bool {
        self.by_hour(about) || self.is_partial
    }

    fn several_props(&self, about: &About) -> bool {
        let props = about.events().into_iter();
        props.filter(|one| matches!(one, D::Prop(_))).count() > 1
    }

    fn formula(&mut self, metric: Metric, about: &About) -> Result<Formula, Refused> {
        let page = [D::Page, D::Hostname];
        match metric {
            Metric::Visitors => {
                let (of, cap) = self.visitors(about)?;
                Ok(Formula::Count { of, cap })
            }
            Metric::Visits => {
                let (of, cap) = self.visits(about)?;
                Ok(Formula::Count { of, cap })
            }
            Metric::Pageviews => {
                let of = self.events(about, true)?;
                Ok(Formula::Count { of, cap: None })
            }
            Metric::Events => {
                let of = self.events(about, false)?;
                Ok(Formula::Count { of, cap: None })
            }
            Metric::ViewsPerVisit => {
                if !about.only(&[]) {
                    return Err("a visit has several pages and events: it is not told by one of them, nor under a filter on them".into());
                }
                self.of_visits(about, Counter::EndedViews, (1, 1), 2)
            }
            Metric::BounceRate => self.of_visits(about, Counter::Bounces, (100, 1), 0),
            Metric::VisitDuration => self.of_visits(about, Counter::DurationS, (1, 1), 0),
            Metric::Percentage => {
                let all = About {
                    dims: Vec::new(),
                    time: None,
                    filter: about.filter.clone(),
                };
                let (of, cap) = self.visitors(about)?;
                let (per, _) = self.visitors(&all)?;
                Ok(percent(of, per, cap, 1))
            }
            Metric::ConversionRate | Metric::GroupConversionRate => {
                if !about.has(&D::Goal) {
                    return Err("needs a goal, as a filter or dimension event:goal".into());
                }
                let is_by_group = metric == Metric::GroupConversionRate;
                let (of, cap) = self.visitors(about)?;
                let (per, _) = self.visitors(&about.without_goal(is_by_group))?;
                Ok(percent(of, per, cap, 2))
            }
            Metric::TimeOnPage | Metric::ScrollDepth => {
                if !about.has(&D::Page) {
                    return Err("needs a page, as a filter or dimension event:page".into());
                }
                if !about.only(&page) {
                    return Err("is told by page and host, not by other events".into());
                }
                let (of, count, per, scale) = match metric {
                    Metric::TimeOnPage => (
                        Counter::EngagedMs,
                        Counter::EngagedCount,
                        Counter::PageVisits,
                        (1, 1_000),
                    ),
                    _ => (
                        Counter::ScrollSum,
                        Counter::ScrollCount,
                        Counter::ScrollCount,
                        (1, 1),
                    ),
                };
                let mut sum = |counter| self.sum(Cube::Pages, counter, about);
                Ok(Formula::Ratio {
                    of: vec![sum(of)?],
                    per: vec![sum(per)?],
                    cap: None,
                    scale,
                    decimals: 0,
                    unless: Some(vec![sum(count)?]),
                })
            }
            Metric::ExitRate => {
                if !about.has(&D::ExitPage) || !about.only(&[D::ExitPage]) {
                    return Err("needs the dimension or filter visit:exit_page, and no page or event beside it".into());
                }
                let viewed = about.map(|one| match one {
                    D::ExitPage => D::Page,
                    other => other.clone(),
                });
                let of = vec![self.sum(Cube::Exits, Counter::Exits, about)?];
                let per = vec![self.sum(Cube::Pages, Counter::Views, &viewed)?];
                Ok(percent(of, per, None, 1))
            }
            Metric::TotalRevenue | Metric::AverageRevenue => {
                if !about.has(&D::Goal) || !about.only(&[D::Goal, D::EventName]) {
                    return Err("needs a goal that is an event, as a filter or dimension event:goal, and no page or property beside it".into());
                }
                let mut sum = |counter| self.sum(Cube::Revenue, counter, about);
                let milli = vec![sum(Counter::RevenueMilli)?];
                let per = match metric {
                    Metric::AverageRevenue => Some(vec![sum(Counter::RevenueEvents)?]),
                    _ => None,
                };
                Ok(Formula::Money { milli, per })
            }
        }
    }

    /// What ended visits have, per ended visit. Pages are those that visits began with.
    fn of_visits(
        &mut self,
        about: &About,
        counter: Counter,
        scale: (u32, u32),
        decimals: u32,
    ) -> Result<Formula, Refused> {
        if !about.only(&[D::Page, D::Hostname]) {
            return Err("is of whole visits: it is told by how they began, not by events, goals, properties or exit pages".into());
        }
        let begun = about.map(|one| match one {
            D::Page => D::EntryPage,
            D::Hostname => D::EntryHost,
            other => other.clone(),
        });
        let of = vec![self.sum(Cube::Visits, counter, &begun)?];
        let per = vec![self.sum(Cube::Visits, Counter::EndedVisits, &begun)?];
        Ok(Formula::Ratio {
            of,
            unless: Some(per.clone()),
            per,
            cap: None,
            scale,
            decimals,
        })
    }
}

fn percent(of: Sum, per: Sum, cap: Option<Sum>, decimals: u32) -> Formula {
    Formula::Ratio {
        of,
        unless: Some(per.clone()),
        per,
        cap,
        scale: (100, 1),
        decimals,
    }
}
