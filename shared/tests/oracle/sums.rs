//! The aggregator of the test: takes batches exactly once by number, and sums their rows by site
//! and date, cube, hour, texts, T and C. A restored backup takes the last batches back.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use shared::batch::{Batch, Source};
use shared::cube::{CUBES, Counter, Cube};
use shared::drops::Drop;
use shared::jiff::civil::Date;
use shared::object::Answer;

/// A string's number in [`Names`]; 0 is the empty one.
pub type Id = u32;

/// Numbers for strings, for the test's own keys.
pub struct Names {
    ids: FxHashMap<String, Id>,
    texts: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self {
            ids: FxHashMap::default(),
            texts: Vec::new(),
        };
        names.id("");
        names
    }
}

impl Names {
    pub fn id(&mut self, text: &str) -> Id {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.texts.len() as Id;
        self.ids.insert(text.to_owned(), id);
        self.texts.push(text.to_owned());
        id
    }

    pub fn ids<const N: usize>(&mut self, texts: [&str; N]) -> [Id; N] {
        texts.map(|text| self.id(text))
    }

    pub fn text(&self, id: Id) -> &str {
        &self.texts[id as usize]
    }
}

/// A local day of a site.
pub type SiteDay = (usize, Date);

/// What counts are keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    pub day: SiteDay,
    pub cube: Cube,
    pub hour: u8,
    /// As many as the cube names; 0 beyond.
    pub texts: [Id; 3],
    pub t: [Id; 10],
    pub c: [Id; 6],
}

impl Cell {
    /// For a person.
    pub fn shown(&self, names: &Names) -> String {
        let texts = |ids: &[Id]| -> Vec<String> {
            ids.iter().map(|id| names.text(*id).to_owned()).collect()
        };
        let (site, date) = self.day;
        format!(
            "site {site} {date} hour {} {} {:?} T {:?} C {:?}",
            self.hour,
            self.cube.name(),
            texts(&self.texts),
            texts(&self.t),
            texts(&self.c),
        )
    }
}

/// Everything that was counted.
#[derive(Default)]
pub struct Sums {
    pub cells: FxHashMap<(Counter, Cell), u64>,
    pub dropped: BTreeMap<(SiteDay, Drop), u64>,
    /// Page views, visitors.
    pub minutes: BTreeMap<(SiteDay, u16), (u64, u64)>,
    /// Of the last batches of all sources of the day.
    pub hits: BTreeMap<SiteDay, u64>,
}

/// The batches of one source, in order: bytes, and as they read.
type Taken = Vec<(Vec<u8>, Batch)>;

/// See the module.
#[derive(Default)]
pub struct Aggregator {
    sources: FxHashMap<Source, Taken>,
}

impl Aggregator {
    /// Takes a batch as it arrives.
    pub fn take(&mut self, source: &Source, seq: u64, body: &[u8]) -> Answer {
        let batch = Batch::decode(body).expect("what is sealed can be read");
        assert_eq!((&batch.source, batch.seq), (source, seq));
        assert!(!batch.degraded, "the salt was never lost");
        let taken = self.sources.entry(source.clone()).or_default();
        let last = taken.len() as u64;
        if seq > last + 1 {
            return Answer::Gap { last };
        }
        if seq <= last {
            let known = &taken[seq as usize - 1].0;
            assert!(known == body, "a sealed batch is never encoded again");
            return Answer::Taken;
        }
        let before = taken.last();
        assert!(
            before.is_none_or(|(_, before)| !before.closed),
            "none follows the last"
        );
        assert!(before.is_none_or(|(_, before)| before.hits_total <= batch.hits_total));
        taken.push((body.to_vec(), batch));
        Answer::Taken
    }

    /// Number of the last batch it has.
    pub fn last(&self, source: &Source) -> u64 {
        self.sources
            .get(source)
            .map_or(0, |taken| taken.len() as u64)
    }

    /// Loses the last batches.
    pub fn restore(&mut self, source: &Source, lacks: usize) {
        if let Some(taken) = self.sources.get_mut(source) {
            taken.truncate(taken.len().saturating_sub(lacks));
        }
    }

    /// Whether the source is closed.
    pub fn is_closed(&self, source: &Source) -> bool {
        let last = self.sources.get(source).and_then(|taken| taken.last());
        last.is_some_and(|(_, batch)| batch.closed)
    }

    /// Sums everything up.
    pub fn sums(&self, names: &mut Names) -> Sums {
        let mut sums = Sums::default();
        for (source, taken) in &self.sources {
            let day = (source.site as usize, source.date);
            for (_, batch) in taken {
                sums.add(day, batch, names);
            }
            if let Some((_, last)) = taken.last() {
                *sums.hits.entry(day).or_default() += last.hits_total;
            }
        }
        sums
    }
}

impl Sums {
    fn add(&mut self, day: SiteDay, batch: &Batch, names: &mut Names) {
        let strings = batch.strings.iter().map(|text| names.id(text));
        let strings: Vec<Id> = strings.collect();
        let id = |place: u32| strings[place as usize];
        for cube in CUBES {
            for row in batch.rows(cube).unwrap() {
                let mut texts = [0; 3];
                for (to, from) in texts.iter_mut().zip(&row.texts) {
                    *to = id(*from);
                }
                let cell = Cell {
                    day,
                    cube,
                    hour: row.hour,
                    texts,
                    t: batch.visit_attrs[row.visit_attrs as usize].map(id),
                    c: batch.client_attrs[row.client_attrs as usize].map(id),
                };
                for (counter, n) in row.counters {
                    *self.cells.entry((counter, cell)).or_default() += n;
                }
            }
        }
        for (reason, n) in &batch.dropped {
            *self.dropped.entry((day, *reason)).or_default() += n;
        }
        for [minute, views, visitors] in &batch.minutes {
            let minute = (day, *minute as u16);
            let counts = self.minutes.entry(minute).or_default();
            counts.0 += views;
            counts.1 += visitors;
        }
    }
}
