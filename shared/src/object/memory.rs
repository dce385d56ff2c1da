//! Storage of a day object in memory: it survives the object, and fails when it is told to. For
//! simulations and tests; where storage would be misused it panics, which nothing that is deployed
//! may.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use super::store::{Buried, RowId, Store, VisitorRow, Write};

/// Most bytes of one value in a Durable Object's storage.
const VALUE_BYTES_MAX: usize = 2_000_000;

/// Storage failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// Counts not yet sealed, with the call they came with.
pub type StoredDelta = (Option<[u8; 16]>, Vec<u8>);

/// What is stored.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The row of meta.
    pub meta: Option<Vec<u8>>,
    /// The dictionary's rows.
    pub dicts: Vec<Vec<u8>>,
    /// Counts not yet sealed.
    pub deltas: Vec<StoredDelta>,
    /// What became of visitors since their rows were written.
    pub log: BTreeMap<u64, Vec<u8>>,
    /// Visitors' rows.
    pub visitors: BTreeMap<RowId, Vec<u8>>,
    /// By number: the batch, and whether it waits.
    pub outbox: BTreeMap<u64, (Vec<u8>, bool)>,
    /// By number: why a batch was refused, and the batch.
    pub dead: BTreeMap<u64, (String, Vec<u8>)>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    /// What is stored.
    pub kept: RefCell<Kept>,
    /// After so many writes one fails; `None` lets them all succeed.
    pub writes_until_broken: Cell<Option<u32>>,
}

impl Memory {
    /// Makes the next write fail, or none any more.
    pub fn fail(&self, next: bool) {
        self.writes_until_broken.set(next.then_some(0));
    }

    /// Whether nothing was ever stored.
    pub fn is_empty(&self) -> bool {
        self.kept.borrow().meta.is_none()
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

    fn deltas(&self) -> Result<Vec<StoredDelta>, Broken> {
        Ok(self.kept.borrow().deltas.clone())
    }

    fn log(&self) -> Result<Vec<(u64, Vec<u8>)>, Broken> {
        Ok(self.kept.borrow().log.clone().into_iter().collect())
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

    fn outbox_body(&self, seq: u64) -> Result<Option<Vec<u8>>, Broken> {
        let kept = self.kept.borrow();
        Ok(kept.outbox.get(&seq).map(|(body, _)| body.clone()))
    }

    fn dead(&self) -> Result<Vec<Buried>, Broken> {
        let kept = self.kept.borrow();
        let dead = kept.dead.iter();
        Ok(dead
            .map(|(seq, (reason, _))| (*seq, reason.clone()))
            .collect())
    }

    fn dead_body(&self, seq: u64) -> Result<Option<Vec<u8>>, Broken> {
        let kept = self.kept.borrow();
        Ok(kept.dead.get(&seq).map(|(_, body)| body.clone()))
    }

    fn write(&self, writes: &[Write]) -> Result<(), Broken> {
        match self.writes_until_broken.take() {
            None => {}
            Some(0) => return Err(Broken),
            Some(left) => self.writes_until_broken.set(Some(left.saturating_sub(1))),
        }
        let mut kept = self.kept.borrow_mut();
        for write in writes.iter().cloned() {
            kept.apply(write);
        }
        Ok(())
    }
}

impl Kept {
    fn apply(&mut self, write: Write) {
        match write {
            Write::Meta(bytes) => self.meta = Some(checked(bytes)),
            Write::Dict(bytes) => self.dicts.push(checked(bytes)),
            Write::Delta { gather, bytes } => self.deltas.push((gather, checked(bytes))),
            Write::ClearDeltas => self.deltas.clear(),
            Write::Log { id, bytes } => {
                let is_next = self.log.last_key_value().is_none_or(|(last, _)| *last < id);
                assert!(is_next, "entries of the log are numbered");
                self.log.insert(id, checked(bytes));
            }
            Write::ClearLog { id } => self.log.retain(|known, _| *known > id),
            Write::Visitors(rows) => self
                .visitors
                .extend(rows.into_iter().map(|(row, sealed)| (row, checked(sealed)))),
            Write::ForgetVisitors(rows) => {
                for row in rows {
                    self.visitors.remove(&row);
                }
            }
            Write::Outbox { seq, body } => {
                let before = self.outbox.insert(seq, (checked(body), true));
                assert!(before.is_none(), "a batch is sealed once");
            }
            Write::Acknowledged { seq } => {
                let acknowledged = self.outbox.range_mut(..=seq);
                acknowledged.for_each(|(_, (_, waits))| *waits = false);
            }
            Write::Resend { seq } => {
                let lacking = self.outbox.range_mut(seq..);
                lacking.for_each(|(_, (_, waits))| *waits = true);
            }
            Write::Bury { seq, reason, blank } => {
                let Some((body, _)) = self.outbox.get_mut(&seq) else {
                    return;
                };
                let body = std::mem::replace(body, checked(blank));
                let before = self.dead.insert(seq, (reason, body));
                assert!(before.is_none(), "a batch is buried once");
            }
            Write::PutBack { seq } => {
                let dead = self.dead.remove(&seq);
                if let (Some((_, body)), Some((blank, _))) = (dead, self.outbox.get_mut(&seq)) {
                    *blank = body;
                }
            }
            Write::ForgetDead { seq } => {
                self.dead.remove(&seq);
            }
        }
    }
}

fn checked(value: Vec<u8>) -> Vec<u8> {
    assert!(
        value.len() < VALUE_BYTES_MAX,
        "a stored value has at most 2 MB"
    );
    value
}
