//! A day object's storage that dies with its process: at the n-th call from when it is told to.

use std::cell::Cell;

use shared::object::memory::Memory;
use shared::object::{Buried, RowId, Store, VisitorRow, Write};

/// The process is gone, and with it what was in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crashed;

/// When a process dies.
#[derive(Debug, Clone, Copy)]
struct Death {
    /// So many calls of storage come before it.
    calls: u8,
    /// Whether a write it dies in is on disk: a write is atomic, but nobody knows.
    written: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Disk {
    memory: Memory,
    death: Cell<Option<Death>>,
}

impl Disk {
    /// Dies at a call of storage, after so many that go well.
    pub fn crash_after(&self, calls: u8, written: bool) {
        self.death.set(Some(Death { calls, written }));
    }

    /// Does not die any more.
    pub fn heal(&self) {
        self.death.set(None);
    }

    /// Numbers of the batches that wait, and of the dead letters.
    pub fn undelivered(&self) -> Vec<u64> {
        let kept = self.memory.kept.borrow();
        let waiting = kept.outbox.iter().filter(|(_, (_, waits))| *waits);
        waiting
            .map(|(seq, _)| *seq)
            .chain(kept.dead.keys().copied())
            .collect()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// Whether anything about a visitor is stored.
    pub fn knows_visitors(&self) -> bool {
        let kept = self.memory.kept.borrow();
        !kept.visitors.is_empty() || !kept.log.is_empty()
    }

    /// One call; where the process dies in it, whether a write is on disk.
    fn call(&self) -> Result<(), bool> {
        match self.death.take() {
            None => Ok(()),
            Some(Death { calls: 0, written }) => Err(written),
            Some(Death { calls, written }) => {
                let calls = calls - 1;
                self.death.set(Some(Death { calls, written }));
                Ok(())
            }
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Memory) -> T) -> Result<T, Crashed> {
        self.call().map_err(|_| Crashed)?;
        Ok(read(&self.memory))
    }
}

/// Storage that does not break: it is only the process that dies.
fn whole<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("memory was not told to fail")
}

impl Store for Disk {
    type Error = Crashed;

    fn meta(&self) -> Result<Option<Vec<u8>>, Crashed> {
        self.read(|memory| whole(memory.meta()))
    }

    fn dicts(&self) -> Result<Vec<Vec<u8>>, Crashed> {
        self.read(|memory| whole(memory.dicts()))
    }

    fn deltas(&self) -> Result<Vec<(Option<[u8; 16]>, Vec<u8>)>, Crashed> {
        self.read(|memory| whole(memory.deltas()))
    }

    fn log(&self) -> Result<Vec<(u64, Vec<u8>)>, Crashed> {
        self.read(|memory| whole(memory.log()))
    }

    fn visitors(&self, rows: &[RowId]) -> Result<Vec<VisitorRow>, Crashed> {
        self.read(|memory| whole(memory.visitors(rows)))
    }

    fn visitors_after(
        &self,
        after: Option<RowId>,
        most: usize,
    ) -> Result<Vec<VisitorRow>, Crashed> {
        self.read(|memory| whole(memory.visitors_after(after, most)))
    }

    fn waiting(&self) -> Result<u64, Crashed> {
        self.read(|memory| whole(memory.waiting()))
    }

    fn first_waiting(&self) -> Result<Option<(u64, Vec<u8>)>, Crashed> {
        self.read(|memory| whole(memory.first_waiting()))
    }

    fn outbox_body(&self, seq: u64) -> Result<Option<Vec<u8>>, Crashed> {
        self.read(|memory| whole(memory.outbox_body(seq)))
    }

    fn dead(&self) -> Result<Vec<Buried>, Crashed> {
        self.read(|memory| whole(memory.dead()))
    }

    fn dead_body(&self, seq: u64) -> Result<Option<Vec<u8>>, Crashed> {
        self.read(|memory| whole(memory.dead_body(seq)))
    }

    fn write(&self, writes: &[Write]) -> Result<(), Crashed> {
        match self.call() {
            Ok(()) => {
                whole(self.memory.write(writes));
                Ok(())
            }
            Err(written) => {
                if written {
                    whole(self.memory.write(writes));
                }
                Err(Crashed)
            }
        }
    }
}
