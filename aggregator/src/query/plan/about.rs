//! What a part of a question is about.

use super::super::dimension::Dimension;
use super::super::filter::Filter;
use super::Refused;

use Dimension as D;

/// What a part of a question is about: dimensions with their slots, the span of time, filters.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) dims: Vec<(usize, Dimension)>,
    pub(super) time: Option<usize>,
    pub(super) filter: Filter,
}

impl About {
    pub(super) fn events(&self) -> Vec<&Dimension> {
        let dims = self.dims.iter().map(|(_, dimension)| dimension);
        let leaves = self.filter.leaves().into_iter().map(|leaf| &leaf.dimension);
        let is_meant = |one: &&Dimension| one.is_of_events() || **one == D::ExitPage;
        let mut all: Vec<&Dimension> = dims.chain(leaves).filter(is_meant).collect();
        all.sort();
        all.dedup();
        all
    }

    pub(super) fn has(&self, dimension: &Dimension) -> bool {
        self.events().contains(&dimension)
    }

    pub(super) fn only(&self, allowed: &[Dimension]) -> bool {
        self.events().iter().all(|one| allowed.contains(one))
    }

    pub(super) fn prop(&self) -> Option<&str> {
        self.events().into_iter().find_map(|one| match one {
            D::Prop(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// With every dimension as `to` says.
    pub(super) fn map(&self, to: impl Fn(&Dimension) -> Dimension) -> Self {
        let dims = self.dims.iter();
        Self {
            dims: dims.map(|(slot, one)| (*slot, to(one))).collect(),
            time: self.time,
            filter: self.filter.map(&to),
        }
    }

    /// Without the goals it is about.
    pub(super) fn without_goal(&self, dims: bool) -> Self {
        let kept = |(_, one): &&(usize, Dimension)| dims && *one != D::Goal;
        Self {
            dims: self.dims.iter().filter(kept).cloned().collect(),
            time: self.time,
            filter: self.filter.keep(|one| *one != D::Goal),
        }
    }

    /// Its dimensions and filters that are such.
    pub(super) fn kept(&self, is_kept: impl Fn(&Dimension) -> bool) -> Self {
        let dims = self.dims.iter().filter(|(_, one)| is_kept(one));
        Self {
            dims: dims.cloned().collect(),
            time: self.time,
            filter: self.filter.keep(is_kept),
        }
    }
}

pub(super) fn names(about: &About) -> String {
    let names: Vec<String> = about.events().iter().map(|one| one.name().into()).collect();
    names.join(" and ")
}

pub(super) fn together(one: &str, others: &str) -> Refused {
    format!(
        "{one} and {others} are counted apart; both at once would need to know what each visitor did, which is not kept"
    )
}
