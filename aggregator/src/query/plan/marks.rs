//! Which marks (`shared::marks`) tell the visitors of a question: the one that is exact, or those
//! between which they are.

use shared::cube::{Counter, Cube};
use shared::marks::{Field, MARKS, Mark};
use shared::rollup::Place;

use super::super::dimension::Dimension;
use super::super::distinct::Class;
use super::super::filter::Filter;
use super::super::scan::At;
use super::Planner;
use super::about::About;
use super::terms::at;
use crate::segment::PartId;

impl Planner<'_> {
    /// The mark whose sum is the number of visitors, if there is one: it looks at just what the
    /// question fixes, and the question fixes each of it to one value.
    pub(super) fn exact_mark(&self, cube: Cube, about: &About) -> Option<Counter> {
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
    pub(super) fn fixed(&self, cube: Cube, about: &About) -> Vec<Place> {
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
    pub(super) fn classes(&self, cube: Cube, about: &About) -> Vec<Class> {
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
    pub(super) fn single<'f>(&self, about: &'f About) -> Vec<&'f Dimension> {
        let conjuncts = about.filter.conjuncts().into_iter();
        let single = conjuncts.filter_map(|one| match one {
            Filter::Leaf(leaf) if leaf.is_single() => Some(&leaf.dimension),
            _ => None,
        });
        single.collect()
    }
}

/// What a mark looks at beside the hour.
pub(super) fn places(mark: &Mark) -> Vec<Place> {
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
