//! What was sent, what must have become of it, and whether it has.

use std::collections::{BTreeMap, BTreeSet};

use aggregator::segment::{PartId, Segment};
use aggregator::store::Store;
use jiff::civil::Date;
use shared::cube::{Counter, Cube};
use shared::object::Name;
use shared::rollup::Dim;

use crate::{DAYS, SITE, page, page_number};

/// Whether a call is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It never arrived, or was refused.
    No,
    /// The process died over it.
    Perhaps,
    /// It was committed.
    Yes,
}

/// A gathered call.
pub struct Sent {
    pub name: Name,
    pub bytes: Vec<u8>,
    /// Number of its first page; the others follow.
    pub first: usize,
    /// Who saw them; 0 is nobody.
    pub who: Vec<u8>,
    /// It tells of a dropped event, too.
    pub dropped: bool,
    pub counted: Counted,
}

/// All calls.
#[derive(Default)]
pub struct Ledger {
    pub calls: Vec<Sent>,
    pages: usize,
}

/// Fails the history with a reason.
macro_rules! must {
    ($holds:expr, $($reason:tt)+) => {
        if !$holds {
            return Err(format!($($reason)+));
        }
    };
}
pub(crate) use must;

impl Ledger {
    /// Numbers for so many pages; gives the first.
    pub fn pages(&mut self, count: usize) -> usize {
        let first = self.pages;
        self.pages += count;
        first
    }

    /// Compares all that is counted with all that was sent; `ended` are the days every visit of
    /// which must have its end.
    pub async fn check(&self, store: &Store, ended: [bool; 2]) -> Result<(), String> {
        let mut counted_in_all = BTreeMap::new();
        for (date, ended) in DAYS.into_iter().zip(ended) {
            let mut snapshot = store.snapshot(SITE).await.unwrap();
            let counted = snapshot.whole(date, date).await.unwrap();
            let is_degraded = snapshot.is_degraded(date, date).await.unwrap();
            must!(!is_degraded, "{date}: no salt was lost, and it is told");
            let views = views(&counted, PartId::Cube(Cube::Pages));
            self.check_day(date, &counted, &views)?;
            if ended {
                self.check_ends(date, &counted, &views)?;
            }
            self.check_dropped(store, date, &views).await?;
            counted_in_all.extend(views);
        }
        for (page, n) in &counted_in_all {
            let known = page_number(page).is_some_and(|number| number < self.pages);
            must!(known && *n == 1, "{page} was counted {n} times");
        }
        Ok(())
    }

    /// How many page views are counted.
    pub async fn counted(&self, store: &Store) -> u64 {
        let mut snapshot = store.snapshot(SITE).await.unwrap();
        let counted = snapshot.whole(DAYS[0], DAYS[1]).await.unwrap();
        counted.sum(PartId::Cube(Cube::Pages), Counter::Views)
    }

    fn of(&self, date: Date) -> impl Iterator<Item = &Sent> {
        self.calls.iter().filter(move |sent| sent.name.date == date)
    }

    fn check_day(
        &self,
        date: Date,
        counted: &Segment,
        views: &BTreeMap<String, u64>,
    ) -> Result<(), String> {
        let mut visitors: BTreeSet<u8> = BTreeSet::new();
        let mut seen = 0;
        for sent in self.of(date) {
            let pages = sent.first..sent.first + sent.who.len();
            let found: Vec<u64> = pages
                .map(|number| views.get(&page(number)).copied().unwrap_or(0))
                .collect();
            let (first, counted) = (sent.first, sent.counted);
            let ok = match counted {
                Counted::Yes => found.iter().all(|n| *n == 1),
                Counted::No => found.iter().all(|n| *n == 0),
                // All of it or nothing.
                Counted::Perhaps => found.iter().all(|n| *n == found[0] && *n <= 1),
            };
            must!(
                ok,
                "{date}: pages from {first} are counted {found:?}: {counted:?}"
            );
            if found[0] == 1 {
                seen += found.len() as u64;
                visitors.extend(sent.who.iter().copied().filter(|who| *who > 0));
            }
        }
        let visitors = visitors.len() as u64;
        let known: BTreeSet<&String> = views.keys().collect();
        must!(
            known.len() as u64 == seen,
            "{date}: {seen} pages were sent, {known:?} counted"
        );

        let by_page = self::views(counted, PartId::Rollup(Dim::Page));
        must!(
            by_page == *views,
            "{date}: the rollup of pages says {by_page:?}"
        );
        let sums = [
            (PartId::Cube(Cube::Pages), Counter::Views, seen),
            (PartId::Rollup(Dim::Total), Counter::Views, seen),
            (PartId::Rollup(Dim::Host), Counter::Views, seen),
            (PartId::Cube(Cube::Visits), Counter::DayVisitors, visitors),
            (PartId::Rollup(Dim::Total), Counter::DayVisitors, visitors),
            (PartId::Rollup(Dim::Country), Counter::DayVisitors, visitors),
        ];
        for (part, counter, expected) in sums {
            let n = counted.sum(part, counter);
            must!(
                n == expected,
                "{date}: {counter:?} of {part:?} is {n}, not {expected}"
            );
        }
        Ok(())
    }

    /// Every visit has ended once, with all its page views.
    fn check_ends(
        &self,
        date: Date,
        counted: &Segment,
        views: &BTreeMap<String, u64>,
    ) -> Result<(), String> {
        let is_counted = |sent: &&Sent| views.contains_key(&page(sent.first));
        let who = self.of(date).filter(is_counted).flat_map(|sent| &sent.who);
        let by_somebody = who.filter(|who| **who > 0).count() as u64;
        let of_visits = |counter| counted.sum(PartId::Cube(Cube::Visits), counter);
        let visits = of_visits(Counter::Visits);
        let ends = [
            (of_visits(Counter::EndedVisits), visits),
            (of_visits(Counter::EndedViews), by_somebody),
            (
                counted.sum(PartId::Cube(Cube::Exits), Counter::Exits),
                visits,
            ),
        ];
        must!(
            ends.iter().all(|(told, is)| told == is),
            "{date}: ended visits, their views, exits are {ends:?}"
        );
        Ok(())
    }

    async fn check_dropped(
        &self,
        store: &Store,
        date: Date,
        views: &BTreeMap<String, u64>,
    ) -> Result<(), String> {
        let told = store.dropped(SITE, date, date).await.unwrap();
        let told: u64 = told.iter().map(|(_, n)| n).sum();
        let is_counted = |sent: &&Sent| views.contains_key(&page(sent.first));
        let expected = self
            .of(date)
            .filter(is_counted)
            .filter(|sent| sent.dropped)
            .count();
        must!(
            told == expected as u64,
            "{date}: {told} are dropped, not {expected}"
        );
        Ok(())
    }
}

/// Page views by page.
fn views(counted: &Segment, part: PartId) -> BTreeMap<String, u64> {
    let mut views = BTreeMap::new();
    for row in counted.told(part) {
        let of_views = row
            .counters
            .iter()
            .filter(|(counter, _)| *counter == Counter::Views);
        let n: u64 = of_views.map(|(_, n)| n).sum();
        if n > 0 {
            *views.entry(row.texts[0].to_string()).or_default() += n;
        }
    }
    views
}
