//! Storage of a day object in memory: it survives the object, and fails when it is told to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use shared::object::{RowId, Store, VisitorRow, Write};

/// Storage failed.
#[derive(Debug)]
pub struct Broken;

type Gather = Option<[u8; 16]>;

#[derive(Default)]
struct Kept {
    meta: Option<Vec<u8>>,
    dicts: Vec<Vec<u8>>,
    deltas: Vec<(Gather, Vec<u8>)>,
    visitors: BTreeMap<RowId, Vec<u8>>,
    /// Body, and whether it waits.
    outbox: BTreeMap<u64, (Vec<u8>, bool)>,
}

/// See the module.
#[derive(Default)]
pub struct Memory {
    kept: RefCell<Kept>,
    fails: Cell<bool>,
}

impl Memory {
    /// Makes the next write fail, or none any more.
    pub fn fail(&self, next: bool) {
        self.fails.set(next);
    }

    /// Whether anything was ever stored.
    pub fn is_empty(&self) -> bool {
        self.kept.borrow().meta.is_none()
    }

    pub fn visitors_left(&self) -> usize {
        self.kept.borrow().visitors.len()
    }

    /// The batches after the first so many.
    pub fn bodies_after(&self, seq: u64) -> Vec<(u64, Vec<u8>)> {
        let kept = self.kept.borrow();
        let bodies = kept.outbox.range((Excluded(seq), Unbounded));
        bodies
            .map(|(seq, (body, _))| (*seq, body.clone()))
            .collect()
    }

    /// Number of the last batch.
    pub fn last_seq(&self) -> u64 {
        let kept = self.kept.borrow();
        kept.outbox.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}

impl Store for Memory {
    type Error = Broken;

    fn meta(&self) -> Result<Option<Vec<u8>>, Broken> {
        Ok(self.kept.borrow().meta.clone())
    }

    fn dicts(&self) -> Result<Vec<Vec<u8>>, Broken> {
        Ok(self.kept.borrow().dicts.clone())
    }

    fn deltas(&self) -> Result<Vec<(Gather, Vec<u8>)>, Broken> {
        Ok(self.kept.borrow().deltas.clone())
    }

    fn visitors(&self, rows: &[RowId]) -> Result<Vec<VisitorRow>, Broken> {
        let kept = self.kept.borrow();
        let found = rows
            .iter()
            .filter_map(|row| Some((*row, kept.visitors.get(row)?.clone())));
        Ok(found.collect())
    }

    fn visitors_after(&self, after: Option<RowId>, most: usize) -> Result<Vec<VisitorRow>, Broken> {
        let kept = self.kept.borrow();
        let from = after.map_or(Unbounded, Excluded);
        let rows = kept.visitors.range((from, Unbounded)).take(most);
        Ok(rows.map(|(row, sealed)| (*row, sealed.clone())).collect())
    }

    fn waiting(&self) -> Result<u64, Broken> {
        let kept = self.kept.borrow();
        Ok(kept.outbox.values().filter(|(_, waits)| *waits).count() as u64)
    }

    fn first_waiting(&self) -> Result<Option<(u64, Vec<u8>)>, Broken> {
        let kept = self.kept.borrow();
        let first = kept.outbox.iter().find(|(_, (_, waits))| *waits);
        Ok(first.map(|(seq, (body, _))| (*seq, body.clone())))
    }

    fn write(&self, writes: &[Write]) -> Result<(), Broken> {
        if self.fails.replace(false) {
            return Err(Broken);
        }
        let mut kept = self.kept.borrow_mut();
        for write in writes.iter().cloned() {
            match write {
                Write::Meta(bytes) => kept.meta = Some(bytes),
                Write::Dict(bytes) => kept.dicts.push(bytes),
                Write::Delta { gather, bytes } => kept.deltas.push((gather, bytes)),
                Write::ClearDeltas => kept.deltas.clear(),
                Write::Visitors(rows) => kept.visitors.extend(rows),
                Write::ForgetVisitors(rows) => {
                    rows.iter().for_each(|row| drop(kept.visitors.remove(row)));
                }
                Write::Outbox { seq, body } => {
                    let before = kept.outbox.insert(seq, (body, true));
                    assert!(before.is_none(), "a batch is sealed once");
                }
                Write::Acknowledged { seq } => {
                    let acknowledged = kept.outbox.range_mut(..=seq);
                    acknowledged.for_each(|(_, (_, waits))| *waits = false);
                }
                Write::Resend { seq } => {
                    let lacking = kept.outbox.range_mut(seq..);
                    lacking.for_each(|(_, (_, waits))| *waits = true);
                }
            }
        }
        Ok(())
    }
}
