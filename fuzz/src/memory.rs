//! A day object's storage in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use shared::object::{RowId, Store, VisitorRow, Write};

/// Counts not yet sealed, with the call they came with.
pub type StoredDelta = (Option<[u8; 16]>, Vec<u8>);

/// What is stored.
#[derive(Default)]
pub struct Kept {
    pub meta: Option<Vec<u8>>,
    pub dicts: Vec<Vec<u8>>,
    pub deltas: Vec<StoredDelta>,
    pub visitors: BTreeMap<RowId, Vec<u8>>,
    /// By number: the batch, and whether it waits.
    pub outbox: BTreeMap<u64, (Vec<u8>, bool)>,
}

/// See the module.
#[derive(Default)]
pub struct Memory(pub RefCell<Kept>);

impl Store for Memory {
    type Error = Infallible;

    fn meta(&self) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.borrow().meta.clone())
    }

    fn dicts(&self) -> Result<Vec<Vec<u8>>, Infallible> {
        Ok(self.0.borrow().dicts.clone())
    }

    fn deltas(&self) -> Result<Vec<StoredDelta>, Infallible> {
        Ok(self.0.borrow().deltas.clone())
    }

    fn visitors(&self, rows: &[RowId]) -> Result<Vec<VisitorRow>, Infallible> {
        let kept = self.0.borrow();
        let found = rows
            .iter()
            .filter_map(|row| Some((*row, kept.visitors.get(row)?.clone())));
        Ok(found.collect())
    }

    fn visitors_after(
        &self,
        after: Option<RowId>,
        most: usize,
    ) -> Result<Vec<VisitorRow>, Infallible> {
        use std::ops::Bound::{Excluded, Unbounded};
        let kept = self.0.borrow();
        let rows = kept
            .visitors
            .range((after.map_or(Unbounded, Excluded), Unbounded));
        let rows = rows.take(most).map(|(row, sealed)| (*row, sealed.clone()));
        Ok(rows.collect())
    }

    fn waiting(&self) -> Result<u64, Infallible> {
        let kept = self.0.borrow();
        Ok(kept.outbox.values().filter(|(_, waits)| *waits).count() as u64)
    }

    fn first_waiting(&self) -> Result<Option<(u64, Vec<u8>)>, Infallible> {
        let kept = self.0.borrow();
        let first = kept.outbox.iter().find(|(_, (_, waits))| *waits);
        Ok(first.map(|(seq, (body, _))| (*seq, body.clone())))
    }

    fn write(&self, writes: &[Write]) -> Result<(), Infallible> {
        let mut kept = self.0.borrow_mut();
        for write in writes.iter().cloned() {
            match write {
                Write::Meta(bytes) => kept.meta = Some(bytes),
                Write::Dict(bytes) => kept.dicts.push(bytes),
                Write::Delta { gather, bytes } => kept.deltas.push((gather, bytes)),
                Write::ClearDeltas => kept.deltas.clear(),
                Write::Visitors(rows) => kept.visitors.extend(rows),
                Write::ForgetVisitors(rows) => {
                    for row in rows {
                        kept.visitors.remove(&row);
                    }
                }
                Write::Outbox { seq, body } => {
                    let before = kept.outbox.insert(seq, (body, true));
                    assert!(before.is_none(), "sealed once");
                }
                Write::Acknowledged { seq: last } => {
                    for (_, (_, waits)) in kept.outbox.range_mut(..=last) {
                        *waits = false;
                    }
                }
                Write::Resend { seq: first } => {
                    for (_, (_, waits)) in kept.outbox.range_mut(first..) {
                        *waits = true;
                    }
                }
            }
        }
        Ok(())
    }
}
