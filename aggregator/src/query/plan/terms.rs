//! The terms of a plan: each of the smallest part of the store that has all that is asked.

use shared::cube::{COUNTERS, Counter, Cube};
use shared::rollup::{DIMS, Dim, Place};

use super::super::dimension::Dimension;
use super::super::distinct::{Class, Distinct};
use super::super::filter::{Filter, Leaf};
use super::super::scan::{At, Cond, Located};
use super::about::{About, names, together};
use super::{CURRENCY_SLOT, How, Names, Planner, Refused, Term};
use crate::segment::PartId;

use Dimension as D;

impl Term {
    /// A term in words, for who wants to see how a question is answered.
    pub fn in_words(&self) -> String {
        let part = match self.located.part {
            PartId::Rollup(dim) => {
                let found = DIMS.iter().find(|(known, ..)| *known == dim);
                format!("rollup {}", found.map_or("", |(_, name, _)| name))
            }
            PartId::Cube(cube) => format!("cube {}", cube.name()),
            PartId::VisitAttrs | PartId::ClientAttrs => "attributes".to_owned(),
        };
        let name = |counter: Counter| {
            let found = COUNTERS.iter().find(|(known, ..)| *known == counter);
            found.map_or("", |(_, _, name)| name)
        };
        match &self.how {
            How::Sum(counter) => format!("{part}: sum of {}", name(*counter)),
            How::Distinct(what) => {
                let marks = what.classes.iter().map(|class| name(class.counter));
                let marks: Vec<&str> = marks.collect();
                format!(
                    "{part}: bounds by {} and {}",
                    marks.join(", "),
                    name(what.activity)
                )
            }
        }
    }
}

impl Planner<'_> {
    /// Goals by the names of their events, in cubes that know no goals.
    pub(super) fn in_cube(&self, cube: Cube, about: &About) -> Result<About, Refused> {
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

    pub(super) fn sum(
        &mut self,
        cube: Cube,
        counter: Counter,
        about: &About,
    ) -> Result<usize, Refused> {
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

    pub(super) fn distinct(
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
    pub(super) fn term(&self, part: PartId, cube: Cube, about: &About, how: How) -> Option<Term> {
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

    pub(super) fn push(&mut self, term: Term) -> usize {
        if let Some(place) = self.terms.iter().position(|known| *known == term) {
            return place;
        }
        self.terms.push(term);
        self.terms.len() - 1
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
pub(super) fn at(part: PartId, cube: Cube, dimension: &Dimension) -> Option<At> {
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
