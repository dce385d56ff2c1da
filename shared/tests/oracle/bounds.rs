//! What no mark set answers, as DESIGN.md, section 4, says: an estimate, its lower bound the
//! largest exact subset, its upper bound the smaller of the sum and the exact superset.
//!
//! In the terms of rows: let a question fix some parts of the key, each to one or several values.
//! - A mark set of some of these parts, summed over the rows that match the whole question and
//!   one value of each of its own parts, counts a visitor at most once, and only visitors who
//!   are asked for: a lower bound.
//! - The same set summed over the rows that match only its own parts counts all who are asked
//!   for, and others: an upper bound, exact for one value of each, else a sum.
//! - A set that tells more apart than the question does, summed over the rows that match, counts
//!   everybody who is asked for, some more than once: an upper bound, too.
//!
//! Where a set has just these parts the first two meet: that is what "exact" means.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use shared::cube::{Counter, Cube};

use crate::model::Truth;
use crate::questions::Wrong;
use crate::sets::{
    By, CAMPAIGN, CHANNEL, ENTRY_HOST, ENTRY_PAGE, GOAL, HOST, KEY, NAME, ON_PAGE, PAGE, Prefixes,
    REFERRER, SETS, SOURCE, UTM_MEDIUM, UTM_SOURCE, UTM_TERM, value,
};
use crate::sums::{Cell, Id, Names, Sums};

/// What is asked, cube by cube. Some have a mark set; most have none.
const ASKED: [(Cube, &[By]); 24] = [
    (Cube::Visits, &[ENTRY_HOST]),
    (Cube::Visits, &[SOURCE]),
    (Cube::Visits, &[SOURCE, ENTRY_PAGE]),
    (Cube::Visits, &[CHANNEL, CAMPAIGN]),
    (Cube::Visits, &[By::Hour, ENTRY_PAGE]),
    (Cube::Visits, &[By::Hour, SOURCE, CHANNEL]),
    (Cube::Visits, &[REFERRER, UTM_TERM, ENTRY_HOST]),
    (Cube::Pages, &[PAGE]),
    (Cube::Pages, &[PAGE, UTM_SOURCE]),
    (Cube::Pages, &[By::Hour, PAGE, SOURCE]),
    (Cube::Pages, &[HOST, CHANNEL]),
    (Cube::Pages, &[HOST, PAGE, SOURCE]),
    (Cube::Pages, &[By::Prefix(1), SOURCE]),
    (Cube::Pages, &[By::Hour]),
    (Cube::Exits, &[PAGE, SOURCE]),
    (Cube::Exits, &[By::Hour, PAGE]),
    (Cube::Events, &[NAME, ENTRY_PAGE]),
    (Cube::Events, &[NAME, ON_PAGE, SOURCE]),
    (Cube::Events, &[By::Hour, NAME, CHANNEL]),
    (Cube::Events, &[ON_PAGE]),
    (Cube::Props, &[NAME, KEY]),
    (Cube::Props, &[KEY]),
    (Cube::Goals, &[GOAL, UTM_MEDIUM]),
    (Cube::Goals, &[GOAL, ON_PAGE, CAMPAIGN]),
];

/// At most so many values of each are asked for.
const VALUES_MAX: usize = 3;

/// One question: a day, a country or any, and for each part its values.
struct Question<'a> {
    day: crate::sums::SiteDay,
    country: Option<Id>,
    parts: &'a [By],
    /// For each part.
    values: Vec<Vec<Id>>,
    prefixes: &'a Prefixes,
}

impl Question<'_> {
    fn matches(&self, cell: &Cell, only: impl Fn(By) -> bool) -> bool {
        let here = cell.day == self.day && self.country.is_none_or(|c| cell.c[0] == c);
        let mut parts = self.parts.iter().zip(&self.values);
        here && parts.all(|(by, of)| !only(*by) || of.contains(&value(cell, *by, self.prefixes)))
    }

    /// Lower and upper bound by the rows of a cube.
    fn bounds(&self, cube: Cube, rows: &Rows) -> (u64, u64) {
        let mut lower = 0;
        // Whoever is asked for was there.
        let mut upper: u64 = {
            let all = rows.of(Counter::DayVisitors);
            let all = all.filter(|(cell, _)| self.matches(cell, |_| false));
            all.map(|(_, n)| n).sum()
        };
        for (counter, _, set) in SETS.iter().filter(|(_, of, _)| *of == cube) {
            let is_part = set.iter().all(|by| self.parts.contains(by));
            let is_finer = self.parts.iter().all(|by| set.contains(by));
            if is_part {
                let mut subsets: BTreeMap<Vec<Id>, u64> = BTreeMap::new();
                let matching = rows
                    .of(*counter)
                    .filter(|(cell, _)| self.matches(cell, |_| true));
                for (cell, n) in matching {
                    let of = set.iter().map(|by| value(cell, *by, self.prefixes));
                    *subsets.entry(of.collect()).or_default() += n;
                }
                lower = lower.max(subsets.into_values().max().unwrap_or(0));
                let superset = rows.of(*counter);
                let superset =
                    superset.filter(|(cell, _)| self.matches(cell, |by| set.contains(&by)));
                upper = upper.min(superset.map(|(_, n)| n).sum());
            }
            if is_finer {
                let matching = rows
                    .of(*counter)
                    .filter(|(cell, _)| self.matches(cell, |_| true));
                upper = upper.min(matching.map(|(_, n)| n).sum());
            }
        }
        (lower, upper)
    }
}

/// Rows by counter.
struct Rows<'a>(FxHashMap<Counter, Vec<(&'a Cell, u64)>>);

impl<'a> Rows<'a> {
    fn of(&self, counter: Counter) -> impl Iterator<Item = (&'a Cell, u64)> {
        self.0.get(&counter).into_iter().flatten().copied()
    }
}

/// Every question whose answer is an estimate holds the truth between its bounds.
pub fn check(sums: &Sums, truth: &Truth, names: &Names, prefixes: &Prefixes) -> Result<(), Wrong> {
    let mut rows = Rows(FxHashMap::default());
    for ((counter, cell), n) in &sums.cells {
        rows.0.entry(*counter).or_default().push((cell, *n));
    }
    for (cube, parts) in ASKED {
        let touches: Vec<(u32, &Cell)> = {
            let touches = truth.touches.iter().filter(|(_, cell)| cell.cube == cube);
            touches.map(|(who, cell)| (*who, cell)).collect()
        };
        for question in questions(&touches, parts, prefixes) {
            let asked = touches
                .iter()
                .filter(|(_, cell)| question.matches(cell, |_| true));
            let is = asked.map(|(who, _)| who).collect::<BTreeSet<_>>().len() as u64;
            let (lower, upper) = question.bounds(cube, &rows);
            let exact = SETS
                .iter()
                .any(|(_, of, set)| *of == cube && set.len() == parts.len() && same(set, parts));
            let single = question.values.iter().all(|values| values.len() == 1);
            let meets = !(exact && single) || lower == upper;
            if lower > is || is > upper || !meets {
                let values: Vec<Vec<&str>> = question
                    .parts
                    .iter()
                    .zip(&question.values)
                    .filter(|(by, _)| **by != By::Hour)
                    .map(|(_, ids)| ids.iter().map(|id| names.text(*id)).collect())
                    .collect();
                let country = question.country.map(|c| names.text(c));
                return Err(format!(
                    "{is} is not within {lower}..={upper}, or that not exact: {:?} {cube:?} {parts:?} {values:?} {country:?}",
                    question.day
                ));
            }
        }
    }
    Ok(())
}

fn same(one: &[By], two: &[By]) -> bool {
    one.iter().all(|by| two.contains(by))
}

/// Some questions about what was touched: one value of each part; two of the first; each for
/// everybody and for a country.
fn questions<'a>(
    touches: &[(u32, &Cell)],
    parts: &'static [By],
    prefixes: &'a Prefixes,
) -> Vec<Question<'a>> {
    let mut asked: BTreeSet<(crate::sums::SiteDay, Vec<Id>, Id)> = BTreeSet::new();
    for (_, cell) in touches {
        let values = parts.iter().map(|by| value(cell, *by, prefixes));
        asked.insert((cell.day, values.collect(), cell.c[0]));
    }
    // Not always the same ones: the numbers of names come in the order of the stream.
    let some: Vec<_> = asked.into_iter().take(VALUES_MAX).collect();
    let mut questions = Vec::new();
    for (place, (day, values, country)) in some.iter().enumerate() {
        let one: Vec<Vec<Id>> = values.iter().map(|id| vec![*id]).collect();
        let mut two = one.clone();
        if let Some((_, other, _)) = some.get(place + 1).filter(|(of, _, _)| of == day) {
            for (mine, id) in two.iter_mut().zip(other) {
                if !mine.contains(id) {
                    mine.push(*id);
                }
            }
        }
        for values in [one, two] {
            for country in [None, Some(*country)] {
                questions.push(Question {
                    day: *day,
                    country,
                    parts,
                    values: values.clone(),
                    prefixes,
                });
            }
        }
    }
    questions
}
