//! The grid of questions: what was counted against what is true.
//!
//! - Every sum, cell by cell of (site, date, hour, texts, T, C): equal, so every filter on any of
//!   them is.
//! - Every mark set, by its value and unfiltered, by each client attribute, by all of them: equal.
//! - Drops, minutes, hits, answers: equal. The live gauge wherever the object has been up for
//!   five minutes.
//! - What no mark set answers: within its bounds (see [`crate::bounds`]).

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use shared::cube::{COUNTERS, Counter, Cube};
use shared::marks::MARKS;

use crate::bounds;
use crate::host::LiveSeen;
use crate::model::{self, Truth};
use crate::run::{Played, play};
use crate::sets::{Prefixes, SETS, value};
use crate::stream::Scenario;
use crate::sums::{Cell, Id, Names, SiteDay, Sums};

/// What is wrong, for a person.
pub type Wrong = String;

/// Plays a scenario and asks everything.
pub fn ask(scenario: &Scenario) -> Result<(), Wrong> {
    let played = play(scenario);
    let mut names = Names::default();
    let truth = model::truth(scenario, &played, &mut names);
    let sums = played.aggregator.sums(&mut names);
    answers(&played, &truth)?;
    counts(&sums, &truth, &names)?;
    plain(&sums, &truth)?;
    live(&played.live, &truth)?;
    let touched = truth.touches.iter().map(|(_, cell)| cell);
    let counted = sums.cells.keys().map(|(_, cell)| cell);
    let prefixes = Prefixes::of(touched.chain(counted), &mut names);
    marks(&sums, &truth, &names, &prefixes)?;
    bounds::check(&sums, &truth, &names, &prefixes)
}

/// Every event was answered what it ought to be.
fn answers(played: &Played, truth: &Truth) -> Result<(), Wrong> {
    for (act, verdict) in played.acts.iter().zip(&truth.verdicts) {
        if act.answer.is_some_and(|answer| answer != *verdict) {
            return Err(format!(
                "answered {:?}, not {verdict:?}: {act:?}",
                act.answer
            ));
        }
    }
    Ok(())
}

/// Every counter that is no mark, cell by cell.
fn counts(sums: &Sums, truth: &Truth, names: &Names) -> Result<(), Wrong> {
    let is_mark = |counter: Counter| MARKS.iter().any(|mark| mark.counter == counter);
    let counted = sums
        .cells
        .iter()
        .filter(|((counter, _), _)| !is_mark(*counter));
    let keys = counted.map(|(key, _)| key).chain(truth.sums.keys());
    for (counter, cell) in keys {
        let of = |sums: &FxHashMap<(Counter, Cell), u64>| {
            sums.get(&(*counter, *cell)).copied().unwrap_or(0)
        };
        let (counted, is) = (of(&sums.cells), of(&truth.sums));
        if counted != is {
            let cell = cell.shown(names);
            return Err(format!("{counter:?} counted {counted}, is {is}: {cell}"));
        }
    }
    Ok(())
}

/// Drops, hits and minutes.
fn plain(sums: &Sums, truth: &Truth) -> Result<(), Wrong> {
    if sums.dropped != truth.dropped {
        return Err(format!(
            "dropped {:?}, is {:?}",
            sums.dropped, truth.dropped
        ));
    }
    let some = |hits: &BTreeMap<SiteDay, u64>| -> BTreeMap<SiteDay, u64> {
        let some = hits.iter().filter(|(_, n)| **n > 0);
        some.map(|(day, n)| (*day, *n)).collect()
    };
    if some(&sums.hits) != some(&truth.hits) {
        return Err(format!("hits {:?}, is {:?}", sums.hits, truth.hits));
    }
    let minutes = sums.minutes.keys();
    let minutes = minutes.chain(truth.views_by_minute.keys());
    for minute in minutes.chain(truth.visitors_by_minute.keys()) {
        let counted = sums.minutes.get(minute).copied().unwrap_or_default();
        let views = truth.views_by_minute.get(minute).copied().unwrap_or(0);
        let visitors = truth.visitors_by_minute.get(minute);
        let is = (views, visitors.map_or(0, |visitors| visitors.len() as u64));
        if counted != is {
            return Err(format!("minute {minute:?} counted {counted:?}, is {is:?}"));
        }
    }
    Ok(())
}

/// Who was there just now: exact five minutes after the object was opened, never too many.
fn live(seen: &[LiveSeen], truth: &Truth) -> Result<(), Wrong> {
    for seen in seen {
        let day = ((seen.name.site as usize, seen.name.date), seen.name.shard);
        let events = truth.presence.get(&day).map_or(&[][..], Vec::as_slice);
        let until = |acts: usize| events.iter().filter(move |(act, _, _)| *act < acts);
        let latest = |acts| until(acts).map(|(_, minute, _)| *minute).max();
        let is = latest(seen.acts).map(|latest| {
            let now = until(seen.acts).filter(|(_, minute, _)| minute + 5 > latest);
            let visitors: FxHashSet<u32> = now.map(|(_, _, who)| *who).collect();
            (latest, visitors.len() as u64)
        });
        let before = latest(seen.opened_at);
        let is_exact = match (before, is) {
            (Some(before), Some((latest, _))) => latest >= before + 5,
            _ => true,
        };
        let counted = seen.live.map(|live| (live.minute, live.visitors));
        let too_many = counted.is_some_and(|(minute, visitors)| {
            is.is_none_or(|(latest, most)| minute == latest && visitors > most)
        });
        if too_many || (is_exact && counted != is) {
            return Err(format!("live {counted:?}, is {is:?}: {seen:?}"));
        }
    }
    Ok(())
}

/// Client attributes a mark set is filtered by: none, each, all.
const FILTERS: [&[usize]; 8] = [&[], &[0], &[1], &[2], &[3], &[4], &[5], &[0, 1, 2, 3, 4, 5]];

/// Day, values of the set, values of the filter.
type Asked = (SiteDay, [Id; 3], [Id; 6]);

/// Every mark set.
fn marks(sums: &Sums, truth: &Truth, names: &Names, prefixes: &Prefixes) -> Result<(), Wrong> {
    let mut counted: FxHashMap<Counter, Vec<(&Cell, u64)>> = FxHashMap::default();
    for ((counter, cell), n) in &sums.cells {
        counted.entry(*counter).or_default().push((cell, *n));
    }
    let mut touches: FxHashMap<Cube, Vec<(u32, &Cell)>> = FxHashMap::default();
    for (who, cell) in &truth.touches {
        touches.entry(cell.cube).or_default().push((*who, cell));
    }
    for (counter, cube, set) in SETS {
        let counted = counted.get(&counter).map_or(&[][..], Vec::as_slice);
        let touches = touches.get(&cube).map_or(&[][..], Vec::as_slice);
        for filter in FILTERS {
            let asked = |cell: &Cell| -> Asked {
                let (mut values, mut filtered) = ([0; 3], [0; 6]);
                for (to, by) in values.iter_mut().zip(set) {
                    *to = value(cell, *by, prefixes);
                }
                for (to, place) in filtered.iter_mut().zip(filter) {
                    *to = cell.c[*place];
                }
                (cell.day, values, filtered)
            };
            let mut said: FxHashMap<Asked, i64> = FxHashMap::default();
            for (cell, n) in counted {
                *said.entry(asked(cell)).or_default() += *n as i64;
            }
            let distinct = touches.iter().map(|(who, cell)| (*who, asked(cell)));
            let distinct: FxHashSet<(u32, Asked)> = distinct.collect();
            for (_, asked) in &distinct {
                *said.entry(*asked).or_default() -= 1;
            }
            if let Some((asked, more)) = said.iter().find(|(_, more)| **more != 0) {
                let (day, values, filtered) = asked;
                let hour = set.contains(&crate::sets::By::Hour);
                let text = |id: &Id| names.text(*id).to_owned();
                let values = (
                    values[0],
                    values.map(|id| if hour { id.to_string() } else { text(&id) }),
                );
                let filtered: Vec<String> = filtered.iter().map(text).collect();
                return Err(format!(
                    "{counter:?} counted {more} too many on {day:?} of {values:?}, filter {filtered:?}"
                ));
            }
        }
    }
    Ok(())
}

/// The design's mark sets are those of the counting core, and every counter is asked for.
#[test]
fn every_counter_is_asked_for() {
    assert_eq!(MARKS.len(), SETS.len());
    for (counter, cube, name) in COUNTERS {
        let set = SETS.iter().find(|(of, _, _)| *of == counter);
        let mark = MARKS.iter().find(|mark| mark.counter == counter);
        assert_eq!(set.is_some(), mark.is_some(), "{name}");
        assert!(set.is_none_or(|(_, of, _)| *of == cube), "{name}");
    }
}
