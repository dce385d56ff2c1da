//! The visitors of a day object: sealed in storage, some of them in memory beside it.
//!
//! What always holds: what is in memory is what is in storage, or will be with the commit under
//! way; when that fails the object and this with it are dropped. Memory holds at most two
//! generations of [`GENERATION`] visitors, however many the day has.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::store::{RowId, Store, VisitorRow};
use crate::seal::{NONCE_BYTES, Sealer};
use crate::visit::Visitor;
use crate::visitor::{DayKey, VisitorHash};

/// Visitors of one generation: twice as many are in memory at most.
const GENERATION: usize = 20_000;

/// See the module.
#[derive(Default)]
pub(super) struct Visitors {
    sealer: Option<(DayKey, Sealer)>,
    young: FxHashMap<RowId, Visitor>,
    /// Whoever is not seen while `young` fills up is forgotten with the generation before, and
    /// read anew when they come back.
    old: FxHashMap<RowId, Visitor>,
    /// Storage has rows that are not in memory.
    more_stored: bool,
    /// When the open visits end, seconds of the local day; a visit that went on since is found
    /// there too early and put back.
    ends: BinaryHeap<Reverse<(u32, RowId)>>,
    /// Rows up to this one are in `ends`; `None` once all are.
    unread_after: Option<Option<RowId>>,
}

impl Visitors {
    /// Those of an object that was read from storage: nobody is in memory.
    pub fn stored() -> Self {
        Self {
            more_stored: true,
            unread_after: Some(None),
            ..Self::default()
        }
    }

    /// Takes the key that rows are sealed under.
    pub fn use_key(&mut self, key: &DayKey) {
        match &self.sealer {
            Some((known, _)) if known == key => {}
            Some(_) => {
                // Rows of another key cannot be read again; their visits end with the day.
                *self = Self::stored();
                self.unread_after = None;
                self.sealer = Some((key.clone(), Sealer::new(key)));
            }
            None => self.sealer = Some((key.clone(), Sealer::new(key))),
        }
    }

    pub fn has_key(&self) -> bool {
        self.sealer.is_some()
    }

    /// Under which key a visitor's row is stored; `None` without a key.
    pub fn row(&self, visitor: &VisitorHash) -> Option<RowId> {
        self.sealer.as_ref().map(|(_, sealer)| sealer.row(visitor))
    }

    /// Brings these visitors into memory, those of them that are stored.
    pub fn fetch<S: Store>(
        &mut self,
        store: &S,
        rows: impl Iterator<Item = RowId>,
    ) -> Result<(), S::Error> {
        let mut missing: FxHashSet<RowId> = FxHashSet::default();
        for row in rows {
            if self.young.contains_key(&row) {
                continue;
            }
            if let Some(visitor) = self.old.remove(&row) {
                self.young.insert(row, visitor);
            } else if self.more_stored {
                missing.insert(row);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<RowId> = missing.into_iter().collect();
        for (row, sealed) in store.visitors(&missing)? {
            if let Some(visitor) = self.open(&row, &sealed) {
                self.young.insert(row, visitor);
            }
        }
        Ok(())
    }

    /// A visitor that was fetched; a new one where there is none.
    pub fn get(&mut self, row: RowId) -> &mut Visitor {
        self.young.entry(row).or_default()
    }

    /// A visitor that was fetched, if there is one.
    pub fn find(&self, row: &RowId) -> Option<&Visitor> {
        self.young.get(row)
    }

    /// The rows to store, sealed as they are now; `random` is drawn anew for every commit.
    pub fn sealed(
        &self,
        rows: impl IntoIterator<Item = RowId>,
        random: [u8; 16],
    ) -> Vec<VisitorRow> {
        let Some((_, sealer)) = &self.sealer else {
            return Vec::new();
        };
        let seal = |(place, row): (u64, RowId)| {
            // 128 random bits of the commit, 64 bits of the place in it: never twice under a key.
            let mut nonce = [0; NONCE_BYTES];
            for (to, from) in nonce
                .iter_mut()
                .zip(random.iter().chain(&place.to_be_bytes()))
            {
                *to = *from;
            }
            let plain = self.young.get(&row)?.encode();
            Some((row, sealer.seal(&row, nonce, &plain)?))
        };
        (0..).zip(rows).filter_map(seal).collect()
    }

    /// Opens a stored row.
    pub fn open(&self, row: &RowId, sealed: &[u8]) -> Option<Visitor> {
        let (_, sealer) = self.sealer.as_ref()?;
        Visitor::decode(&sealer.open(row, sealed)?)
    }

    /// To be called after a commit.
    pub fn grow_old(&mut self) {
        if self.young.len() > GENERATION {
            self.more_stored |= !self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Forgets the key and whoever is in memory.
    pub fn clear(&mut self) {
        *self = Self::stored();
        self.unread_after = None;
    }

    /// Notes that a visit began.
    pub fn visit_began(&mut self, row: RowId) {
        if let Some(visit) = self.young.get(&row).and_then(|v| v.visit.as_ref()) {
            self.ends.push(Reverse((visit.expires_s(), row)));
        }
    }

    /// When the next visit may end, seconds of the local day; 0 while that is not known.
    pub fn next_end_s(&self) -> Option<u32> {
        if self.unread_after.is_some() {
            return Some(0);
        }
        self.ends.peek().map(|Reverse((end_s, _))| *end_s)
    }

    /// Reads on to know when visits end, after a life that is over; true when there is more.
    pub fn read_ends<S: Store>(&mut self, store: &S, most: usize) -> Result<bool, S::Error> {
        let Some(after) = self.unread_after else {
            return Ok(false);
        };
        let rows = store.visitors_after(after, most)?;
        for (row, sealed) in &rows {
            let visitor = self.open(row, sealed);
            if let Some(visit) = visitor.and_then(|visitor| visitor.visit) {
                self.ends.push(Reverse((visit.expires_s(), *row)));
            }
        }
        self.unread_after = rows.last().map(|(row, _)| Some(*row));
        Ok(self.unread_after.is_some())
    }

    /// Rows whose visit may have ended before `now_s`, at most so many; they are taken out.
    pub fn take_ended(&mut self, now_s: u32, most: usize) -> Vec<RowId> {
        let mut rows = Vec::new();
        while rows.len() < most
            && self
                .ends
                .peek()
                .is_some_and(|Reverse((end_s, _))| *end_s < now_s)
        {
            rows.extend(self.ends.pop().map(|Reverse((_, row))| row));
        }
        rows
    }
}
