//! What a view that anybody may open is told: nothing about fewer than `k` visitors.
//!
//! The atom is a local day that is over: visitors of several days are sums of daily visitors, so
//! whatever a range tells is a sum of what its days tell, and the difference of two ranges is the
//! sum of the days in which they differ. What a day tells ([`DayTotals::is_told`]): nothing at all
//! while fewer than `k` visitors came. Otherwise, for the cells of one list ([`shown`]):
//!
//! - A *small* cell, of fewer than `k` visitors, is folded into `(other)`.
//! - If what is folded by that could be fewer than `k` visitors, the smallest cell that is not small
//!   is folded with it, and all of the same size (complementary suppression): what is shown could
//!   otherwise be subtracted from the day's total.
//! - A cell that all visitors of the day but fewer than `k` are in is folded: those who are not in it
//!   would be told.
//!
//! One visitor may be in several cells of a list (pages, sources, hours), so how many are in the folded
//! ones together is not known. There are no fewer than in the largest, and no fewer than the day's
//! visitors without those of all cells that are not small; where nobody is in two cells that is how
//! many there are. How many visitors `(other)` has is told only where nobody is in two cells.
//!
//! Goals ([`told_goals`]) have no total to be subtracted from, but may lie in one another: all who
//! ordered have seen the cart. So a goal is told on a day when it has at least `k` visitors and differs
//! from the day's total, and from every other goal of at least `k`, by nothing or by at least `k`.
//!
//! What is folded under `k` is folded under a larger `k`, too: what two views tell whose `k` differ is
//! no more than what the smaller one allows (the tests below draw such views, and subtract).
//!
//! Lists that divide another list further (versions in browsers, entry pages in pages, referrers and
//! campaigns in sources, systems in kinds of devices) would tell by their difference what neither tells
//! by itself. They are not asked for under a threshold, nor are filters, funnels, and goals that are
//! pages. To let them in, cells would have to be folded along the whole tree of lists.

use jiff::civil::Date;
use rustc_hash::FxHashSet;
use shared::cube::Counter;
use shared::rollup::Dim;

use super::Query;
use super::dimension::Dimension;
use super::metric::Metric;
use super::plan::{How, Plan, Refused, Term};
use crate::segment::PartId;

/// The least and the largest `k`; 1 is no threshold.
pub const K_MIN: u32 = 1;
/// See [`K_MIN`].
pub const K_MAX: u32 = 1_000;
/// The `k` of a view for which no other was chosen.
pub const K_DEFAULT: u32 = 5;

/// What is told of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Nothing of fewer visitors than this.
    pub k: u32,
    /// The first day that is not over: it and those after it are not told. Two looks at a day that
    /// lasts would tell who came between them.
    pub today: Date,
}

/// How the cells of a list lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Each visitor is in one.
    Apart,
    /// A visitor may be in several; all are in some.
    Overlapping,
    /// The same of those who have seen pages.
    Pages,
    /// A visitor may be in none.
    Goals,
}

/// The lists that are told, each with the rollup that is asked.
pub fn list(dimension: &Dimension) -> Option<(List, Dim)> {
    Some(match dimension {
        Dimension::Country => (List::Apart, Dim::Country),
        Dimension::Device => (List::Apart, Dim::Device),
        Dimension::Browser => (List::Apart, Dim::Browser),
        Dimension::Source => (List::Overlapping, Dim::Source),
        Dimension::Page => (List::Pages, Dim::Page),
        Dimension::Goal => (List::Goals, Dim::Goal),
        _ => return None,
    })
}

/// What counts the visitors of a list's cells.
pub fn mark(dim: Dim) -> Counter {
    match dim {
        Dim::Source => Counter::DaySourceVisitors,
        Dim::Page => Counter::DayPageVisitors,
        Dim::Goal => Counter::DayGoalVisitors,
        // What is constant for a visitor needs no mark of its own.
        _ => Counter::DayVisitors,
    }
}

/// What a day's total is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayTotals {
    /// Visitors.
    pub visitors: u64,
    /// Of these, who have seen a page. Not known of days that were imported as counts: 0.
    pub viewers: u64,
    /// Page views, also those of nobody (Global Privacy Control).
    pub views: u64,
    /// Of these, in visits.
    pub ended_views: u64,
}

impl DayTotals {
    /// Whether anything of the day is told: enough visitors came, and page views, if there are any,
    /// are not of a few.
    pub fn is_told(&self, k: u64) -> bool {
        let of_many = self.viewers >= k;
        let of_none = self.viewers == 0 && (self.views == 0 || self.ended_views > 0);
        self.visitors >= k && (of_many || of_none)
    }

    /// Of how many visitors a list is, at least.
    pub fn base(&self, list: List) -> u64 {
        match list {
            List::Pages => self.viewers.min(self.visitors),
            _ => self.visitors,
        }
    }
}

/// A cell of a list of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListCell {
    /// What it is of.
    pub key: u32,
    /// How many.
    pub visitors: u64,
    /// It is what was folded before (at the edge): never shown by itself.
    pub is_rest: bool,
}

/// The keys of the cells that are shown; all others are folded. See the module. `all`: the day's
/// visitors, as told. `base`: those that are in any cell, or fewer.
///
/// Cells without visitors count as well (page views of nobody): what is in them is of few.
pub fn shown(cells: &[ListCell], all: u64, base: u64, k: u64) -> FxHashSet<u32> {
    let is_large = |cell: &&ListCell| cell.visitors >= k && !cell.is_rest;
    let large = || cells.iter().filter(is_large);
    let small = || cells.iter().filter(|cell| !is_large(cell));
    let mut with_it = None;
    if small().next().is_some() {
        let largest = small().map(|cell| cell.visitors).max().unwrap_or(0);
        let of_large = large().map(|cell| cell.visitors);
        let elsewhere = of_large.fold(base, |left, n| left.saturating_sub(n));
        if largest.max(elsewhere) < k {
            with_it = large().map(|cell| cell.visitors).min();
        }
    }
    large()
        .filter(|cell| Some(cell.visitors) != with_it)
        .filter(|cell| differ(all, cell.visitors, k))
        .map(|cell| cell.key)
        .collect()
}

/// The keys of the goals that are told. See the module.
pub fn told_goals(goals: &[ListCell], all: u64, k: u64) -> FxHashSet<u32> {
    let large: Vec<&ListCell> = goals.iter().filter(|goal| goal.visitors >= k).collect();
    let is_told = |goal: &&&ListCell| {
        let mut others = large.iter().map(|other| other.visitors);
        differ(all, goal.visitors, k) && others.all(|other| differ(other, goal.visitors, k))
    };
    large.iter().filter(is_told).map(|goal| goal.key).collect()
}

/// Whether two numbers differ by nothing, or by what may be told.
fn differ(one: u64, other: u64, k: u64) -> bool {
    let difference = one.abs_diff(other);
    difference == 0 || difference >= k
}

/// Whether a question can be answered under a threshold.
///
/// # Errors
/// It cannot; the text says why.
pub fn check(query: &Query, plan: &Plan) -> Result<(), Refused> {
    if !query.filter.leaves().is_empty() {
        return Err(
            "filters: this view tells nothing of few visitors, and filters could single them out; it takes none".into(),
        );
    }
    if query.range.is_partial() || query.dimensions.len() > 1 {
        return Err("this view tells whole days, by one dimension at a time".into());
    }
    let dimension = query.dimensions.first();
    let by = dimension.filter(|one| !one.is_time());
    let part = match by {
        None => Dim::Total,
        Some(one) => match list(one) {
            Some((_, dim)) => dim,
            None => {
                return Err(format!(
                    "{}: this view does not tell this list: by its difference from another one it could single few visitors out",
                    one.name()
                ));
            }
        },
    };
    // Whoever is there in an hour need not have begun a visit in it: its visits may be one.
    let is_of_hours = |metric: &Metric| matches!(metric, Metric::Visitors | Metric::Pageviews);
    if dimension == Some(&Dimension::Hour) && !query.metrics.iter().all(is_of_hours) {
        return Err("by the hour this view tells visitors and page views only".into());
    }
    let is_of_list =
        |term: &Term| matches!(term.how, How::Sum(_)) && term.located.part == PartId::Rollup(part);
    // A rate of a goal would be of fewer days than all.
    let is_of_goals = |metric: &Metric| matches!(metric, Metric::Visitors | Metric::Events);
    let is_told = plan.terms.iter().all(is_of_list)
        && (part != Dim::Goal || query.metrics.iter().all(is_of_goals));
    if !is_told {
        return Err(format!(
            "metrics: this view does not tell all of these by {}",
            by.map_or("day".into(), Dimension::name)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(numbers: &[u64]) -> Vec<ListCell> {
        let cell = |(key, visitors): (u32, &u64)| ListCell {
            key,
            visitors: *visitors,
            is_rest: false,
        };
        (0..).zip(numbers).map(cell).collect()
    }

    /// What is shown of a list in which nobody is in two cells.
    fn apart(numbers: &[u64], k: u64) -> Vec<u64> {
        let all: u64 = numbers.iter().sum();
        let shown = shown(&cells(numbers), all, all, k);
        let kept = (0..).zip(numbers).filter(|(key, _)| shown.contains(key));
        kept.map(|(_, n)| *n).collect()
    }

    #[test]
    fn few_are_folded_and_so_is_what_would_tell_of_them() {
        assert_eq!(apart(&[20, 10, 4, 3], 5), [20, 10]);
        // The rest would be 3.
        assert_eq!(apart(&[20, 10, 3], 5), [20]);
        assert_eq!(apart(&[20, 10, 10, 3], 5), [20]);
        // All but few are of one.
        assert_eq!(apart(&[20, 3, 1], 5), [0; 0]);
        assert_eq!(apart(&[20, 3, 2], 5), [20]);
        assert_eq!(apart(&[20], 5), [20]);
        assert_eq!(apart(&[4, 3], 5), [0; 0]);
        // Page views of nobody are of few.
        assert_eq!(apart(&[20, 10, 0], 5), [20]);
        assert_eq!(apart(&[20, 10, 3], 1), [20, 10, 3]);
        assert!(shown(&[], 9, 9, 5).is_empty());
    }

    #[test]
    fn a_visitor_may_be_in_several_cells() {
        let keys = |numbers: &[u64], all, base| {
            let mut keys: Vec<u32> = shown(&cells(numbers), all, base, 5).into_iter().collect();
            keys.sort_unstable();
            keys
        };
        // Those of the last may all be among those of the one before.
        assert_eq!(keys(&[10, 8, 4, 3], 20, 20), [0]);
        // Somebody is nowhere else.
        assert_eq!(keys(&[10, 8, 4, 3], 23, 23), [0, 1]);
        // Two did not see the first.
        assert_eq!(keys(&[10, 6], 12, 12), [1]);
        // What the edge folded is never shown.
        let mut rest = cells(&[20, 15]);
        rest[1].is_rest = true;
        assert_eq!(shown(&rest, 30, 30, 5), FxHashSet::from_iter([0]));
    }

    #[test]
    fn goals_tell_nothing_by_their_difference() {
        let told = |numbers: &[u64]| {
            let mut keys: Vec<u32> = told_goals(&cells(numbers), 50, 5).into_iter().collect();
            keys.sort_unstable();
            keys
        };
        assert_eq!(told(&[20, 12, 4, 0]), [0, 1]);
        assert_eq!(told(&[20, 18, 12]), [2]);
        assert_eq!(told(&[20, 20]), [0, 1]);
        assert_eq!(told(&[47, 50]), [0; 0]);
        assert_eq!(told(&[50, 9]), [0, 1]);
    }

    #[test]
    fn days_of_few_are_not_told() {
        let day = |visitors, viewers, views, ended_views| DayTotals {
            visitors,
            viewers,
            views,
            ended_views,
        };
        assert!(day(5, 5, 9, 9).is_told(5));
        assert!(!day(4, 4, 9, 9).is_told(5));
        // Events of many, page views of two.
        assert!(!day(9, 2, 3, 3).is_told(5));
        assert!(day(9, 0, 0, 0).is_told(5));
        // Page views of nobody alone.
        assert!(!day(9, 0, 1, 0).is_told(5));
        // Imported: who has seen pages is not known.
        assert!(day(9, 0, 20, 20).is_told(5));
    }

    /// Visitors of a day: of each, which of the cells it is in.
    fn visitors(cells: u32, alone: bool) -> impl Strategy<Value = Vec<Vec<u32>>> {
        let most = if alone { 1 } else { 4 };
        // Some cells have many.
        let one = (0..cells, 0..cells).prop_map(|(a, b)| a.min(b));
        let of_one = prop::collection::vec(one, 1..=most);
        prop::collection::vec(of_one, 0..60)
    }

    fn list_of(people: &[Vec<u32>], cells: u32) -> Vec<ListCell> {
        let count = |key: u32| people.iter().filter(|of| of.contains(&key)).count() as u64;
        let all = (0..cells).map(|key| ListCell {
            key,
            visitors: count(key),
            is_rest: false,
        });
        all.filter(|cell| cell.visitors > 0).collect()
    }

    /// How many visitors are in any of the cells.
    fn distinct(people: &[Vec<u32>], keys: &FxHashSet<u32>) -> u64 {
        let is_in = |of: &&Vec<u32>| of.iter().any(|key| keys.contains(key));
        people.iter().filter(is_in).count() as u64
    }

    fn is_fine(n: u64, k: u64) -> bool {
        n == 0 || n >= k
    }

    proptest! {
        /// Every cell that is told, what is folded, and who is not in a cell, are none or at least k.
        #[test]
        fn nothing_that_is_told_is_of_few(
            people in prop_oneof![visitors(12, false), visitors(12, true)],
            k in 2_u64..12,
        ) {
            let (list, all) = (list_of(&people, 12), people.len() as u64);
            prop_assume!(all >= k);
            let shown = shown(&list, all, all, k);
            for cell in list.iter().filter(|cell| shown.contains(&cell.key)) {
                prop_assert!(cell.visitors >= k);
                prop_assert!(is_fine(all - cell.visitors, k));
            }
            let folded = list.iter().map(|cell| cell.key).filter(|key| !shown.contains(key));
            let folded: FxHashSet<u32> = folded.collect();
            prop_assert!(is_fine(distinct(&people, &folded), k));
        }

        /// Cells in which nobody is twice: any sum of what is told, taken from any other.
        #[test]
        fn no_sums_of_a_list_differ_by_few(people in visitors(7, true), k in 2_u64..9) {
            let (list, all) = (list_of(&people, 7), people.len() as u64);
            prop_assume!(all >= k);
            let shown = shown(&list, all, all, k);
            let mut told: Vec<u64> = list.iter()
                .filter(|cell| shown.contains(&cell.key))
                .map(|cell| cell.visitors)
                .collect();
            told.push(all - told.iter().sum::<u64>());
            for some in 0..1_u32 << told.len() {
                let picked = (0..).zip(&told).filter(|(bit, _)| some >> bit & 1 == 1);
                let sum: u64 = picked.map(|(_, n)| n).sum();
                prop_assert!(is_fine(sum, k));
                prop_assert!(is_fine(all - sum, k));
            }
        }

        /// Ranges are sums of days: the difference of any two is made of days' cells.
        #[test]
        fn no_two_ranges_differ_by_few(
            days in prop::collection::vec(visitors(5, false), 1..6),
            k in 2_u64..9,
        ) {
            let told = |people: &Vec<Vec<u32>>| {
                let (list, all) = (list_of(people, 5), people.len() as u64);
                let shown = match all >= k {
                    true => shown(&list, all, all, k),
                    false => FxHashSet::default(),
                };
                let of = |key: u32| list.iter()
                    .find(|cell| cell.key == key && shown.contains(&key))
                    .map_or(0, |cell| cell.visitors);
                [of(0), of(1), of(2), of(3), of(4), if all >= k { all } else { 0 }]
            };
            let told: Vec<[u64; 6]> = days.iter().map(told).collect();
            let sum = |from: usize, to: usize, at: usize| {
                told.get(from..to).unwrap_or_default().iter().map(|day| day[at]).sum::<u64>()
            };
            for from in 0..days.len() {
                for to in from..=days.len() {
                    for (inner, end) in (from..to).flat_map(|a| (a..=to).map(move |b| (a, b))) {
                        for at in 0..6 {
                            let difference = sum(from, to, at) - sum(inner, end, at);
                            prop_assert!(is_fine(difference, k));
                        }
                    }
                }
            }
        }

        /// Two views with different k tell no more than the one with the smaller k allows.
        #[test]
        fn a_larger_k_shows_less(
            people in prop_oneof![visitors(9, false), visitors(9, true)],
            k in 2_u64..9,
            more in 1_u64..9,
        ) {
            let (list, all) = (list_of(&people, 9), people.len() as u64);
            let (few, many) = (shown(&list, all, all, k), shown(&list, all, all, k + more));
            prop_assert!(many.is_subset(&few));
            let (few, many) = (told_goals(&list, all, k), told_goals(&list, all, k + more));
            for goal in list.iter().filter(|cell| many.contains(&cell.key)) {
                for other in list.iter().filter(|cell| few.contains(&cell.key)) {
                    prop_assert!(differ(goal.visitors, other.visitors, k));
                }
            }
        }

        /// Goals that lie in one another: whoever is in one but not in the other.
        #[test]
        fn goals_within_goals_tell_of_no_few(
            reach in prop::collection::vec(0_u32..5, 0..60),
            k in 2_u64..9,
        ) {
            // Whoever comes to one has come to all before it.
            let people: Vec<Vec<u32>> = reach.iter().map(|last| (0..*last).collect()).collect();
            let (list, all) = (list_of(&people, 5), people.len() as u64);
            let told = told_goals(&list, all, k);
            let told: Vec<u64> = list.iter()
                .filter(|goal| told.contains(&goal.key))
                .map(|goal| goal.visitors)
                .collect();
            for one in &told {
                prop_assert!(is_fine(all - one, k));
                for other in &told {
                    prop_assert!(is_fine(one.abs_diff(*other), k));
                }
            }
        }
    }
}
