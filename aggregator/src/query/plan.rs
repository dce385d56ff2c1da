//! A question to what has to be summed: which part of the store, which counters, by what.
//!
//! Counts are sums of plain counters. Visitors are the sum of a mark (`shared::marks`) where one
//! looks at just what the question fixes, so that each visitor counts once a day; elsewhere they
//! are estimated between bounds ([`super::distinct`]). A question that no single cube can answer
//! would need to know who did both, and is refused.

use shared::cube::{Counter, Cube};
use shared::marks::{Field, MARKS, Mark};
use shared::rollup::{DIMS, Dim, Place};
use shared::settings::GoalKind;

use super::dimension::Dimension;
use super::distinct::{Class, Distinct};
use super::filter::{Filter, Leaf, Op};
use super::metric::Metric;
use super::scan::{At, Cond, Located};
use super::{Goals, Query};
use crate::segment::PartId;

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

/// What a part of a question is about: dimensions with their slots, the span of time, filters.
#[derive(Debug, Clone)]
struct About {
    dims: Vec<(usize, Dimension)>,
    time: Option<usize>,
    filter: Filter,
}

impl About {
    fn events(&self) -> Vec<&Dimension> {
        let dims = self.dims.iter().map(|(_, dimension)| dimension);
        let leaves = self.filter.leaves().into_iter().map(|leaf| &leaf.dimension);
        let is_meant = |one: &&Dimension| one.is_of_events() || **one == D::ExitPage;
        let mut all: Vec<&Dimension> = dims.chain(leaves).filter(is_meant).collect();
        all.sort();
        all.dedup();
        all
    }

    fn has(&self, dimension: &Dimension) -> bool {
        self.events().contains(&dimension)
    }

    fn only(&self, allowed: &[Dimension]) -> bool {
        self.events().iter().all(|one| allowed.contains(one))
    }

    fn prop(&self) -> Option<&str> {
        self.events().into_iter().find_map(|one| match one {
            D::Prop(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// With every dimension as `to` says.
    fn map(&self, to: impl Fn(&Dimension) -> Dimension) -> Self {
        let dims = self.dims.iter();
        Self {
            dims: dims.map(|(slot, one)| (*slot, to(one))).collect(),
            time: self.time,
            filter: self.filter.map(&to),
        }
    }

    /// Without the goals it is about.
    fn without_goal(&self, dims: bool) -> Self {
        let kept = |(_, one): &&(usize, Dimension)| dims && *one != D::Goal;
        Self {
            dims: self.dims.iter().filter(kept).cloned().collect(),
            time: self.time,
            filter: self.filter.keep(|one| *one != D::Goal),
        }
    }

    /// Its dimensions and filters that are such.
    fn kept(&self, is_kept: impl Fn(&Dimension) -> bool) -> Self {
        let dims = self.dims.iter().filter(|(_, one)| is_kept(one));
        Self {
            dims: dims.cloned().collect(),
            time: self.time,
            filter: self.filter.keep(is_kept),
        }
    }
}

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

    /// Page views, and unless only those are meant, custom events.
    fn events(&mut self, about: &About, only_views: bool) -> Result<Sum, Refused> {
        if about.has(&D::ExitPage) {
            return Err("events are not counted by the page that the visit ended with".into());
        }
        if let Some(key) = about.prop() {
            if about.has(&D::Page) || about.has(&D::Hostname) {
                return Err(together(&format!("event:props:{key}"), "pages"));
            }
            let about = match only_views {
                true => About {
                    filter: about
                        .filter
                        .clone()
                        .and(Filter::is(D::EventName, "pageview")),
                    ..about.clone()
                },
                false => about.clone(),
            };
            return Ok(vec![self.sum(Cube::Props, Counter::PropEvents, &about)?]);
        }
        if about.has(&D::Goal) {
            if about.has(&D::Hostname) || about.has(&D::EventName) {
                return Err(together("event:goal", "hosts and event names"));
            }
            let about = match only_views {
                true => About {
                    filter: about.filter.clone().and(
                        self.goals
                            .filter(|kind| matches!(kind, GoalKind::Page { .. })),
                    ),
                    ..about.clone()
                },
                false => about.clone(),
            };
            return Ok(vec![self.sum(Cube::Goals, Counter::Completions, &about)?]);
        }
        let mut of = vec![self.sum(Cube::Pages, Counter::Views, about)?];
        if !only_views && accepts_custom(&about.filter) {
            if about.has(&D::Hostname) {
                return Err(together("event:hostname", "custom events"));
            }
            of.push(self.sum(Cube::Events, Counter::Events, about)?);
        }
        Ok(of)
    }

    fn visits(&mut self, about: &About) -> Result<(Sum, Option<Sum>), Refused> {
        if about.only(&[]) {
            return Ok((vec![self.sum(Cube::Visits, Counter::Visits, about)?], None));
        }
        if about.only(&[D::ExitPage]) {
            return Ok((vec![self.sum(Cube::Exits, Counter::Exits, about)?], None));
        }
        if !about.only(&[D::Page, D::Hostname]) {
            return Err("visits are told by pages, not by events, goals or properties".into());
        }
        // A visit is told once for each of its pages: at its first view, with that one's host.
        let has_page = |one: &Dimension| *one == D::Page;
        let one_page = about.dims.iter().any(|(_, one)| has_page(one))
            || self.single(about).iter().any(|one| has_page(one));
        let hours = self.hours(about);
        if one_page && !hours && !about.has(&D::Hostname) {
            return Ok((
                vec![self.sum(Cube::Pages, Counter::PageVisits, about)?],
                None,
            ));
        }
        let of_visit = |one: &Dimension| !one.is_of_events();
        let class = Class {
            counter: Counter::PageVisits,
            places: vec![Place::Text(0)],
            hour: false,
        };
        let of = self.distinct(Cube::Pages, about, vec![class], Counter::Views, of_visit)?;
        let all = about.kept(of_visit);
        // A visit may go on in hours it did not begin in; days that lie within a range that is
        // cut may have lost theirs.
        let counter = match (self.by_hour(about), self.is_partial) {
            (true, _) => Counter::ActiveVisits,
            (false, false) => Counter::Visits,
            (false, true) => return Ok((vec![of], None)),
        };
        let cap = self.sum(Cube::Visits, counter, &all)?;
        Ok((vec![of], Some(vec![cap])))
    }

    /// Visitors, and how many there are at most where that is told elsewhere.
    fn visitors(&mut self, about: &About) -> Result<(Sum, Option<Sum>), Refused> {
        let name = about.has(&D::EventName);
        let cubes: Vec<Cube> = if let Some(key) = about.prop() {
            if about.has(&D::Page) || about.has(&D::Hostname) || about.has(&D::ExitPage) {
                return Err(together(&format!("event:props:{key}"), "pages"));
            }
            vec![Cube::Props]
        } else if about.only(&[D::Goal, D::Page]) && about.has(&D::Goal) {
            vec![Cube::Goals]
        } else if about.has(&D::Goal) {
            return Err(together("event:goal", "hosts, exit pages and event names"));
        } else if about.only(&[]) {
            vec![Cube::Visits]
        } else if about.only(&[D::ExitPage]) {
            vec![Cube::Exits]
        } else if about.has(&D::ExitPage) {
            return Err(together("visit:exit_page", "pages and events"));
        } else if !name {
            vec![Cube::Pages]
        } else {
            let views = accepts_views(&about.filter);
            let custom = accepts_custom(&about.filter);
            if custom && about.has(&D::Hostname) {
                return Err(together("event:hostname", "custom events"));
            }
            let by_name = about.dims.iter().any(|(_, one)| *one == D::EventName);
            match (views, custom) {
                (true, true) if !by_name => {
                    return Err("page views and other events are counted apart; ask for one of them by a filter, or for each by the dimension event:name".into());
                }
                (true, true) => vec![Cube::Pages, Cube::Events],
                (true, false) => vec![Cube::Pages],
                _ => vec![Cube::Events],
            }
        };
        let mut of = Vec::new();
        let mut is_exact = true;
        for cube in cubes {
            let named = self.in_cube(cube, about)?;
            if let Some(counter) = self.exact_mark(cube, &named) {
                of.push(self.sum(cube, counter, about)?);
                continue;
            }
            is_exact = false;
            let classes = self.classes(cube, &named);
            let activity = match cube {
                Cube::Visits => Counter::Visits,
                Cube::Pages => Counter::Views,
                Cube::Exits => Counter::Exits,
                Cube::Events => Counter::Events,
                Cube::Props => Counter::PropEvents,
                Cube::Goals => Counter::Completions,
                Cube::Revenue => Counter::RevenueEvents,
                Cube::Funnels => Counter::FunnelVisitors,
            };
            of.push(self.distinct(cube, about, classes, activity, Dimension::is_free)?);
        }
        let all = about.kept(Dimension::is_free);
        let cap = match self.exact_mark(Cube::Visits, &all) {
            Some(counter) if !is_exact => Some(vec![self.sum(Cube::Visits, counter, &all)?]),
            _ => None,
        };
        Ok((of, cap))
    }

    /// The mark whose sum is the number of visitors, if there is one: it looks at just what the
    /// question fixes, and the question fixes each of it to one value.
    fn exact_mark(&self, cube: Cube, about: &About) -> Option<Counter> {
        if self.is_partial && !self.by_hour(about) {
            return None;
        }
        let bound = bound(cube, about);
        let fixed = self.fixed(cube, about);
        if !bound.iter().all(|place| fixed.contains(place)) {
            return None;
        }
        let fits = |mark: &&Mark| {
            let places = places(mark);
            mark.cube == cube
                && mark.fields.contains(&Field::Hour) == self.by_hour(about)
                && places.len() == bound.len()
                && places.iter().all(|place| bound.contains(place))
        };
        MARKS.iter().find(fits).map(|mark| mark.counter)
    }

    /// What a question fixes to one value in each group.
    fn fixed(&self, cube: Cube, about: &About) -> Vec<Place> {
        let mut fixed: Vec<Place> = Vec::new();
        let dims = about.dims.iter().map(|(_, one)| one);
        let single = self.single(about);
        for dimension in dims.chain(single) {
            if let Some(At::Place(place)) = at(PartId::Cube(cube), cube, dimension) {
                fixed.push(place);
            }
        }
        if cube == Cube::Props && about.prop().is_some() {
            fixed.push(Place::Text(1));
        }
        fixed
    }

    /// Leaves out marks that another tells more than: one that looks at all it looks at, where
    /// each of that is fixed. One that looks at nothing costs nothing, and stays.
    fn without_lesser(&self, cube: Cube, about: &About, classes: Vec<Class>) -> Vec<Class> {
        let fixed = self.fixed(cube, about);
        let by_hour = self.by_hour(about);
        let is_fixed = |class: &Class| {
            let all = class.places.iter().all(|place| fixed.contains(place));
            all && (by_hour || !class.hour)
        };
        let covers = |more: &Class, less: &Class| {
            let has = |place: &Place| match place {
                Place::Prefix(_) => {
                    more.places.contains(place) || more.places.contains(&Place::Text(0))
                }
                other => more.places.contains(other),
            };
            more != less && less.places.iter().all(has) && (more.hour || !less.hour)
        };
        let is_lesser = |less: &Class| {
            let mut others = classes.iter();
            !less.places.is_empty() && others.any(|more| is_fixed(more) && covers(more, less))
        };
        classes
            .iter()
            .filter(|class| !is_lesser(class))
            .cloned()
            .collect()
    }

    /// Marks that tell something of a question that none answers.
    fn classes(&self, cube: Cube, about: &About) -> Vec<Class> {
        let bound = bound(cube, about);
        let hours = self.hours(about);
        let is_part = |mark: &Mark| {
            let part = |place: &Place| match place {
                Place::Prefix(_) => bound.contains(&Place::Text(0)),
                other => bound.contains(other),
            };
            places(mark).iter().all(part)
        };
        let is_finer = |mark: &Mark| {
            let places = places(mark);
            let hour = mark.fields.contains(&Field::Hour);
            bound.iter().all(|place| places.contains(place)) && (hour || !bound.is_empty())
        };
        let is_there =
            |mark: &&Mark| mark.cube == cube && (hours || !mark.fields.contains(&Field::Hour));
        let class = |mark: &Mark| Class {
            counter: mark.counter,
            places: places(mark),
            hour: mark.fields.contains(&Field::Hour),
        };
        let there = || MARKS.iter().filter(is_there);
        let mut of_use: Vec<Class> = there().filter(|mark| is_part(mark)).map(class).collect();
        // Of those that tell more apart than is asked, the one that tells least more: of pages,
        // the host.
        let finer = there().filter(|mark| is_finer(mark) && !is_part(mark));
        let extra = |mark: &&Mark| {
            let extra = places(mark)
                .into_iter()
                .filter(|place| !bound.contains(place));
            extra
                .map(|place| if place == Place::Text(1) { 1 } else { 2 })
                .sum::<u32>()
        };
        of_use.extend(finer.min_by_key(extra).map(class));
        if !of_use.is_empty() {
            return self.without_lesser(cube, about, of_use);
        }
        // Any mark tells more than none.
        there().map(class).collect()
    }

    /// Dimensions that a filter fixes to one value.
    fn single<'f>(&self, about: &'f About) -> Vec<&'f Dimension> {
        let conjuncts = about.filter.conjuncts().into_iter();
        let single = conjuncts.filter_map(|one| match one {
            Filter::Leaf(leaf) if leaf.is_single() => Some(&leaf.dimension),
            _ => None,
        });
        single.collect()
    }

    /// Goals by the names of their events, in cubes that know no goals.
    fn in_cube(&self, cube: Cube, about: &About) -> Result<About, Refused> {
        if !matches!(cube, Cube::Props | Cube::Revenue) || !about.has(&D::Goal) {
            return Ok(about.clone());
        }
        let filter = self.goals.as_events(&about.filter)?;
        let dims = about.dims.iter().map(|(slot, one)| match one {
            D::Goal => (*slot, D::EventName),
            other => (*slot, other.clone()),
        });
        Ok(About {
            dims: dims.collect(),
            time: about.time,
            filter,
        })
    }

    fn sum(&mut self, cube: Cube, counter: Counter, about: &About) -> Result<usize, Refused> {
        let named = self.in_cube(cube, about)?;
        let mut parts: Vec<PartId> = DIMS
            .iter()
            .filter(|(dim, ..)| dim.holds(counter))
            .map(|(dim, ..)| PartId::Rollup(*dim))
            .collect();
        parts.push(PartId::Cube(cube));
        let hours = self.hours(about);
        for part in parts {
            if hours && matches!(part, PartId::Rollup(dim) if dim != Dim::Total) {
                continue;
            }
            if let Some(mut term) = self.term(part, cube, &named, How::Sum(counter)) {
                if cube == Cube::Revenue {
                    term.located.keys.push(At::Place(Place::Text(1)));
                    term.slots.push(CURRENCY_SLOT);
                }
                term.goals = goals_slot(cube, about);
                return Ok(self.push(term));
            }
        }
        Err(together(&names(about), "each other"))
    }

    fn distinct(
        &mut self,
        cube: Cube,
        about: &About,
        classes: Vec<Class>,
        activity: Counter,
        is_free: impl Fn(&Dimension) -> bool,
    ) -> Result<usize, Refused> {
        let part = PartId::Cube(cube);
        let named = self.in_cube(cube, about)?;
        let free = named.dims.iter().filter(|(_, one)| is_free(one));
        let free = free.map(|(slot, _)| *slot).collect();
        let base = named.filter.keep(&is_free);
        let base = locate(part, cube, &base);
        let how = How::Distinct(Distinct {
            classes,
            activity,
            // A visit begins in one hour and may go on in others.
            activity_of_hours: match activity {
                Counter::Visits => Counter::ActiveVisits,
                other => other,
            },
            free,
        });
        let term = self.term(part, cube, &named, how);
        let (Some(mut term), Some(base)) = (term, base) else {
            return Err(together(&names(about), "each other"));
        };
        term.located.base = Some(base);
        term.goals = goals_slot(cube, about);
        Ok(self.push(term))
    }

    /// The term in a part; `None` where the part does not have all that the question is about.
    fn term(&self, part: PartId, cube: Cube, about: &About, how: How) -> Option<Term> {
        let keys = about.dims.iter().map(|(_, one)| at(part, cube, one));
        let keys = keys.collect::<Option<Vec<At>>>()?;
        let filter = locate(part, cube, &about.filter)?;
        let fixed = match (part, about.prop()) {
            (PartId::Rollup(Dim::Prop) | PartId::Cube(Cube::Props), Some(key)) => {
                Some((1, key.to_owned()))
            }
            _ => None,
        };
        Some(Term {
            located: Located {
                part,
                fixed,
                keys,
                filter,
                base: None,
                hours: self.hours(about),
            },
            slots: about.dims.iter().map(|(slot, _)| *slot).collect(),
            time: about.time,
            goals: None,
            how,
        })
    }

    fn push(&mut self, term: Term) -> usize {
        if let Some(place) = self.terms.iter().position(|known| *known == term) {
            return place;
        }
        self.terms.push(term);
        self.terms.len() - 1
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

fn goals_slot(cube: Cube, about: &About) -> Option<(usize, Names)> {
    let goal = about.dims.iter().find(|(_, one)| *one == D::Goal);
    let names = match cube {
        Cube::Goals => Names::Goals,
        _ => Names::Events,
    };
    goal.map(|(slot, _)| (*slot, names))
}

/// Where a dimension stands in a part that holds counts of a cube.
fn at(part: PartId, cube: Cube, dimension: &Dimension) -> Option<At> {
    if cube == Cube::Pages && *dimension == D::EventName {
        return Some(At::Always("pageview"));
    }
    let place = match part {
        PartId::Rollup(dim) => dimension.text_of(dim).map(Place::Text),
        _ => dimension.place(cube),
    };
    place.map(At::Place)
}

fn locate(part: PartId, cube: Cube, filter: &Filter) -> Option<Cond> {
    Cond::locate(filter, &|leaf: &Leaf| at(part, cube, &leaf.dimension))
}

/// What a mark looks at beside the hour.
fn places(mark: &Mark) -> Vec<Place> {
    let place = |field: &Field| match field {
        Field::Hour => None,
        Field::Text(at) => Some(Place::Text(*at)),
        Field::Prefix(depth) => Some(Place::Prefix(*depth)),
        Field::Visit(at) => Some(Place::Visit(*at)),
    };
    mark.fields.iter().filter_map(place).collect()
}

/// What a question fixes of a row of a cube, but for what is constant for a visitor.
fn bound(cube: Cube, about: &About) -> Vec<Place> {
    let dims = about.dims.iter().map(|(_, one)| one);
    let leaves = about
        .filter
        .leaves()
        .into_iter()
        .map(|leaf| &leaf.dimension);
    let mut bound: Vec<Place> = Vec::new();
    for dimension in dims.chain(leaves) {
        match at(PartId::Cube(cube), cube, dimension) {
            Some(At::Place(Place::Client(_)) | At::Always(_)) | None => {}
            Some(At::Place(place)) if bound.contains(&place) => {}
            Some(At::Place(place)) => bound.push(place),
        }
    }
    if cube == Cube::Props && about.prop().is_some() {
        bound.push(Place::Text(1));
    }
    bound
}

/// Whether page views pass the conditions on the name of the event alone.
fn accepts_views(filter: &Filter) -> bool {
    of_names(filter).all(|one| holds(one, "pageview"))
}

/// Whether custom events may pass them.
fn accepts_custom(filter: &Filter) -> bool {
    of_names(filter).all(|one| match one {
        Filter::Leaf(leaf) => {
            let only_views = leaf.clauses.iter().all(|name| name == "pageview");
            !(leaf.op == Op::Is && !leaf.negated && only_views)
        }
        _ => true,
    })
}

fn of_names(filter: &Filter) -> impl Iterator<Item = &Filter> {
    let conjuncts = filter.conjuncts().into_iter();
    conjuncts.filter(|one| {
        let leaves = one.leaves();
        !leaves.is_empty() && leaves.iter().all(|leaf| leaf.dimension == D::EventName)
    })
}

fn holds(filter: &Filter, text: &str) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|one| holds(one, text)),
        Filter::Or(all) => all.iter().any(|one| holds(one, text)),
        Filter::Not(one) => !holds(one, text),
        Filter::Leaf(leaf) => leaf.holds(text),
    }
}

fn names(about: &About) -> String {
    let names: Vec<String> = about.events().iter().map(|one| one.name().into()).collect();
    names.join(" and ")
}

fn together(one: &str, others: &str) -> Refused {
    format!(
        "{one} and {others} are counted apart; both at once would need to know what each visitor did, which is not kept"
    )
}
