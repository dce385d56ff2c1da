//! Events, visits and visitors: in which cubes they are counted.

use shared::cube::{Counter, Cube};
use shared::rollup::Place;
use shared::settings::GoalKind;

use super::super::dimension::Dimension;
use super::super::distinct::Class;
use super::super::filter::{Filter, Op};
use super::about::{About, together};
use super::{Planner, Refused, Sum};

use Dimension as D;

impl Planner<'_> {
    /// Page views, and unless only those are meant, custom events.
    pub(super) fn events(&mut self, about: &About, only_views: bool) -> Result<Sum, Refused> {
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

    pub(super) fn visits(&mut self, about: &About) -> Result<(Sum, Option<Sum>), Refused> {
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
    pub(super) fn visitors(&mut self, about: &About) -> Result<(Sum, Option<Sum>), Refused> {
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

pub(super) fn holds(filter: &Filter, text: &str) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|one| holds(one, text)),
        Filter::Or(all) => all.iter().any(|one| holds(one, text)),
        Filter::Not(one) => !holds(one, text),
        Filter::Leaf(leaf) => leaf.holds(text),
    }
}
