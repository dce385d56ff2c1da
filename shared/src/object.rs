//! A day object without its platform: what is written when, and when it must wake.
//!
//! The edge runs it over a Durable Object's storage, the simulation over memory, so that both run
//! the same steps. Every change of state is one [`Store::write`], which is atomic; when a write
//! fails the [`Object`] in memory is ahead of storage and must be dropped and opened again.
//!
//! What is stored:
//! - `meta`: one row: name, incarnation, phase, numbers;
//! - `dict`: the strings and combinations of the day, append-only;
//! - `delta`: counts not yet sealed, one row per commit, with the id of the gathered call;
//! - `visitor`: one sealed row per visitor (I4), deleted when the day is over;
//! - `outbox`: sealed batches, numbered, kept until acknowledged and
//!   [`limits::ACKED_KEPT_MS`] beyond (I7).
//!
//! When it dies: 48 h after its last batch was acknowledged, or at once when the aggregator says
//! that the site is gone (I12).

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use jiff::civil::Date;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::batch::Source;
use crate::call::Call;
use crate::clock::UnixMs;
use crate::day::{Day, Delta};
use crate::dict::DictDelta;
use crate::limits;
use crate::seal::{NONCE_BYTES, Sealer};
use crate::stored;
use crate::visit::Visitor;
use crate::visitor::{DayKey, SiteId};

/// Visitors of one generation of the cache: twice as many are in memory at most.
const GENERATION: usize = 20_000;
/// Visitors ended in one step of closing.
const CLOSE_STEP: usize = 500;
/// Version byte before the stored [`Meta`].
const META_VERSION: u8 = 1;

/// The key of a visitor's row.
pub type RowId = [u8; 16];

/// One change to what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Replaces the one row of meta.
    Meta(Vec<u8>),
    /// Appends to the dictionary.
    Dict(Vec<u8>),
    /// Appends counts.
    Delta {
        /// The call they came with.
        gather: Option<[u8; 16]>,
        /// [`Delta::encode`].
        bytes: Vec<u8>,
    },
    /// Deletes all counts not yet sealed.
    ClearDeltas,
    /// Writes a visitor's row.
    Visitor {
        /// Where.
        row: RowId,
        /// Sealed.
        sealed: Vec<u8>,
    },
    /// Deletes a visitor's row.
    ForgetVisitor(RowId),
    /// Puts a sealed batch into the outbox, waiting.
    Outbox {
        /// Its number.
        seq: u64,
        /// As it is sent.
        body: Vec<u8>,
    },
    /// Marks the batches up to `seq` acknowledged.
    Acknowledged {
        /// The last one.
        seq: u64,
    },
    /// Marks the batches from `seq` waiting again.
    Resend {
        /// The first one.
        seq: u64,
    },
}

/// Where a day object keeps its state.
pub trait Store {
    /// What can go wrong.
    type Error;

    /// The row of meta; `None` when nothing was ever stored.
    ///
    /// # Errors
    /// Storage failed; so for all that follow.
    fn meta(&self) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The dictionary's rows in the order they were appended.
    fn dicts(&self) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// The deltas in the order they were appended, each with its call.
    #[allow(clippy::type_complexity)]
    fn deltas(&self) -> Result<Vec<(Option<[u8; 16]>, Vec<u8>)>, Self::Error>;
    /// A visitor's row.
    fn visitor(&self, row: &RowId) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Any visitors' rows, at most so many.
    fn visitors(&self, most: usize) -> Result<Vec<(RowId, Vec<u8>)>, Self::Error>;
    /// How many batches wait.
    fn waiting(&self) -> Result<u64, Self::Error>;
    /// The waiting batch with the lowest number.
    fn first_waiting(&self) -> Result<Option<(u64, Vec<u8>)>, Self::Error>;
    /// Makes all the changes or none.
    fn write(&self, writes: &[Write]) -> Result<(), Self::Error>;
}

/// Which day object this is; its name is `site:date:shard` and holds no personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Name {
    /// The site.
    pub site: SiteId,
    /// The local date.
    pub date: Date,
    /// Which shard.
    pub shard: u16,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.site, self.date, self.shard)
    }
}

impl std::str::FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let (Some(site), Some(date), Some(shard), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("not site:date:shard");
        };
        Ok(Self {
            site: site.parse().map_err(|_| "no site number")?,
            date: date.parse().map_err(|_| "no date")?,
            shard: shard.parse().map_err(|_| "no shard number")?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Hits are counted.
    Open,
    /// The day is over; visitors are being ended.
    Closing,
    /// No visitor is left; counts may wait to be sealed.
    Drained,
    /// The last batch is sealed.
    Sealed,
}

/// The one row of meta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    /// Kept here because an alarm that wakes an object after a restart is not told its name.
    name: Name,
    incarnation: [u8; 16],
    day_end_ms: UnixMs,
    next_seq: u64,
    /// Accepted hits that are in no stored delta.
    sealed_hits: u64,
    degraded: bool,
    /// Tells whether a call brings the key of the calls before; says nothing without the salt.
    key_check: [u8; 8],
    phase: Phase,
    /// When the last acknowledgement came.
    acknowledged_ms: UnixMs,
    /// Calls whose deltas are sealed; the latest last.
    gathers: VecDeque<[u8; 16]>,
}

/// Why a day object cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError<E> {
    /// Storage failed.
    #[error("storage failed")]
    Store(E),
    /// What is stored is not of a version this build reads. Nothing is touched.
    #[error("the stored state is of another version")]
    Unreadable,
}

impl<E> From<E> for OpenError<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

/// How a gathered call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gathered {
    /// Committed. A byte per hit: 0 counted, else the number of a [`crate::call::Drop`].
    Committed(Vec<u8>),
    /// The day is over; nothing was counted.
    Closed,
}

/// What the aggregator said to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has the batch (now, or had it before).
    Taken,
    /// It lacks batches before this one; the last it has is given.
    Gap {
        /// Number of the last batch it has.
        last: u64,
    },
}

/// See the module.
pub struct Object {
    meta: Meta,
    day: Day,
    /// Learned since the last dictionary row; stored in the deltas.
    dict_unsaved: DictDelta,
    deltas: u64,
    waiting: u64,
    gathers: VecDeque<[u8; 16]>,
    sealer: Option<(DayKey, Sealer)>,
    visitors: Cache,
}

/// Visitors kept in memory beside storage. Whoever was not seen while a generation filled up is
/// forgotten with the one before, and read anew when they come back.
#[derive(Default)]
struct Cache {
    young: FxHashMap<RowId, Visitor>,
    old: FxHashMap<RowId, Visitor>,
}

impl Cache {
    fn grow_old(&mut self) {
        if self.young.len() > GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
    }

    fn remove(&mut self, row: &RowId) -> Option<Visitor> {
        self.young.remove(row).or_else(|| self.old.remove(row))
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Object {
    /// Reads what is stored; `None` when nothing is.
    ///
    /// # Errors
    /// Storage failed, or holds what this build cannot read.
    pub fn open<S: Store>(store: &S) -> Result<Option<Self>, OpenError<S::Error>> {
        let Some(meta) = store.meta()? else {
            return Ok(None);
        };
        let meta: Meta = stored::decode(META_VERSION, &meta).ok_or(OpenError::Unreadable)?;
        let mut day = Day::default();
        for bytes in store.dicts()? {
            day.replay(&Delta::decode(&bytes).ok_or(OpenError::Unreadable)?);
        }
        day.restore_hits(meta.sealed_hits);
        let mut dict_unsaved = DictDelta::default();
        let mut gathers = meta.gathers.clone();
        let mut deltas = 0;
        for (gather, bytes) in store.deltas()? {
            let delta = Delta::decode(&bytes).ok_or(OpenError::Unreadable)?;
            day.replay(&delta);
            dict_unsaved.append(delta.dict);
            gathers.extend(gather);
            deltas += 1;
        }
        Ok(Some(Self {
            day,
            dict_unsaved,
            deltas,
            waiting: store.waiting()?,
            gathers,
            sealer: None,
            visitors: Cache::default(),
            meta,
        }))
    }

    /// A new life: nothing is stored before its first commit.
    pub fn create(name: Name, day_end_ms: UnixMs, incarnation: [u8; 16]) -> Self {
        Self {
            meta: Meta {
                name,
                incarnation,
                day_end_ms,
                next_seq: 1,
                sealed_hits: 0,
                degraded: false,
                key_check: [0; 8],
                phase: Phase::Open,
                acknowledged_ms: 0,
                gathers: VecDeque::new(),
            },
            day: Day::default(),
            dict_unsaved: DictDelta::default(),
            deltas: 0,
            waiting: 0,
            gathers: VecDeque::new(),
            sealer: None,
            visitors: Cache::default(),
        }
    }

    /// Which object this is.
    pub fn name(&self) -> Name {
        self.meta.name
    }

    /// Counts a gathered call and commits it. A call that was committed before changes nothing.
    ///
    /// # Errors
    /// Storage failed; nothing is committed, and `self` must be dropped.
    pub fn gather<S: Store>(
        &mut self,
        store: &S,
        call: &Call,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Gathered, S::Error> {
        if self.gathers.contains(&call.id) {
            return Ok(Gathered::Committed(vec![0; call.hits.len()]));
        }
        if self.meta.phase != Phase::Open {
            return Ok(Gathered::Closed);
        }
        let first = self.deltas == 0 && self.meta.next_seq == 1;
        // Another key than before: the salt was lost, and visitors are counted again.
        let key_check = call.key.check();
        let another_key = !first && self.meta.key_check != key_check;
        let newly_degraded = (call.degraded || another_key) && !self.meta.degraded;
        self.meta.degraded |= newly_degraded;
        self.meta.key_check = key_check;
        self.use_key(&call.key);

        let mut answers = Vec::with_capacity(call.hits.len());
        let mut touched: FxHashSet<RowId> = FxHashSet::default();
        for hit in &call.hits {
            let Some((_, sealer)) = &self.sealer else {
                continue;
            };
            let row = sealer.row(&hit.visitor);
            let visitor = match self.visitors.young.entry(row) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let visitor = match self.visitors.old.remove(&row) {
                        Some(visitor) => Some(visitor),
                        None => store
                            .visitor(&row)?
                            .and_then(|sealed| sealer.open(&row, &sealed))
                            .and_then(|plain| Visitor::decode(&plain)),
                    };
                    entry.insert(visitor.unwrap_or_default())
                }
            };
            match self.day.apply(visitor, hit) {
                Ok(()) => {
                    answers.push(0);
                    touched.insert(row);
                }
                Err(reason) => answers.push(reason as u8),
            }
        }

        let delta = self.day.take_delta();
        if delta.is_empty() {
            return Ok(Gathered::Committed(answers));
        }
        let mut writes = Vec::with_capacity(touched.len().saturating_add(2));
        if first || newly_degraded || another_key {
            writes.push(Write::Meta(self.encode_meta()));
        }
        writes.push(Write::Delta {
            gather: Some(call.id),
            bytes: delta.encode(),
        });
        for row in touched {
            let mut nonce = [0; NONCE_BYTES];
            random(&mut nonce);
            let sealed = self.sealer.as_ref().and_then(|(_, sealer)| {
                let plain = self.visitors.young.get(&row)?.encode();
                sealer.seal(&row, nonce, &plain)
            });
            writes.extend(sealed.map(|sealed| Write::Visitor { row, sealed }));
        }
        store.write(&writes)?;
        self.dict_unsaved.append(delta.dict);
        self.deltas = self.deltas.saturating_add(1);
        self.remember(call.id);
        self.visitors.grow_old();
        Ok(Gathered::Committed(answers))
    }

    /// Seals what is open into batches while the outbox takes them; beyond that merges the
    /// stored deltas, so that what waits is bounded by cardinality and not by traffic (I8).
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn seal<S: Store>(&mut self, store: &S) -> Result<(), S::Error> {
        while self.waiting < limits::OUTBOX_WAITING_MAX
            && (self.day.has_open() || self.meta.phase == Phase::Drained)
        {
            let seq = self.meta.next_seq;
            let last = self.meta.phase == Phase::Drained;
            let source = self.source();
            let batch = self.day.seal(source, seq, self.meta.degraded, last);
            self.meta.next_seq = seq.saturating_add(1);
            if batch.closed {
                self.meta.phase = Phase::Sealed;
            }
            let body = batch.encode().unwrap_or_default();
            let writes = vec![Write::Outbox { seq, body }];
            self.compact(store, writes)?;
            self.waiting = self.waiting.saturating_add(1);
        }
        if self.deltas > limits::DELTAS_MAX {
            self.compact(store, Vec::new())?;
        }
        Ok(())
    }

    /// The batch to send next, if any waits.
    ///
    /// # Errors
    /// Storage failed.
    pub fn outgoing<S: Store>(&self, store: &S) -> Result<Option<(u64, Vec<u8>)>, S::Error> {
        if self.waiting == 0 {
            return Ok(None);
        }
        store.first_waiting()
    }

    /// Takes the aggregator's answer to the batch `seq`.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn answered<S: Store>(
        &mut self,
        store: &S,
        seq: u64,
        answer: Answer,
        now_ms: UnixMs,
    ) -> Result<(), S::Error> {
        let write = match answer {
            Answer::Taken => {
                self.meta.acknowledged_ms = now_ms;
                Write::Acknowledged { seq }
            }
            Answer::Gap { last } => Write::Resend {
                seq: last.saturating_add(1),
            },
        };
        store.write(&[write, Write::Meta(self.encode_meta())])?;
        self.waiting = store.waiting()?;
        Ok(())
    }

    /// Whether the day is over for good: end and grace have passed and it is not closed.
    pub fn is_due_to_close(&self, now_ms: UnixMs) -> bool {
        matches!(self.meta.phase, Phase::Open | Phase::Closing) && now_ms >= self.close_ms()
    }

    /// Ends the visits of the day and deletes what is stored about visitors, a step at a time;
    /// true when there is more to do. Without a key (the salt is gone) the rows are deleted as
    /// they are: their visits stay without an end.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn close_step<S: Store>(
        &mut self,
        store: &S,
        key: Option<&DayKey>,
    ) -> Result<bool, S::Error> {
        if let Some(key) = key {
            self.use_key(key);
        }
        self.meta.phase = Phase::Closing;
        let rows = store.visitors(CLOSE_STEP)?;
        let mut writes = Vec::with_capacity(rows.len().saturating_add(2));
        for (row, sealed) in &rows {
            let visitor = self.visitors.remove(row).or_else(|| {
                let plain = self.sealer.as_ref()?.1.open(row, sealed)?;
                Visitor::decode(&plain)
            });
            if let Some(mut visitor) = visitor {
                self.day.end_visit(&mut visitor);
            }
            writes.push(Write::ForgetVisitor(*row));
        }
        let more = !rows.is_empty();
        if !more {
            self.meta.phase = Phase::Drained;
            self.visitors.clear();
            self.sealer = None;
        }
        let delta = self.day.take_delta();
        if !delta.is_empty() {
            writes.push(Write::Delta {
                gather: None,
                bytes: delta.encode(),
            });
            self.deltas = self.deltas.saturating_add(1);
        }
        writes.push(Write::Meta(self.encode_meta()));
        store.write(&writes)?;
        self.dict_unsaved.append(delta.dict);
        Ok(more)
    }

    /// Whether a key is in memory that opens this day's rows.
    pub fn has_key(&self) -> bool {
        self.sealer.is_some()
    }

    /// Whether everything is sealed and acknowledged, and was so for 48 h: all storage can go.
    pub fn is_done(&self, now_ms: UnixMs) -> bool {
        self.meta.phase == Phase::Sealed && self.waiting == 0 && now_ms >= self.done_ms()
    }

    /// When the object must wake next, given how long open counts may wait and until when it must
    /// not send.
    pub fn wake_ms(&self, now_ms: UnixMs, flush_ms: i64, send_from_ms: UnixMs) -> UnixMs {
        let sealable = self.waiting < limits::OUTBOX_WAITING_MAX
            && (self.day.has_open() || self.meta.phase == Phase::Drained);
        let mut wake = match self.meta.phase {
            // Not before `send_from_ms`: closing may wait for a key that was asked for in vain.
            Phase::Open | Phase::Closing => self.close_ms().max(now_ms).max(send_from_ms),
            Phase::Drained => now_ms.saturating_add(60_000),
            Phase::Sealed => self.done_ms(),
        };
        if sealable {
            wake = wake.min(now_ms.saturating_add(flush_ms));
        }
        if self.waiting > 0 {
            wake = wake.min(send_from_ms.max(now_ms));
        }
        wake
    }

    /// When the day is over for good.
    pub fn close_ms(&self) -> UnixMs {
        self.meta.day_end_ms.saturating_add(limits::CLOSE_AFTER_MS)
    }

    fn done_ms(&self) -> UnixMs {
        self.meta
            .acknowledged_ms
            .saturating_add(limits::ACKED_KEPT_MS)
    }

    fn source(&self) -> Source {
        Source {
            site: self.meta.name.site,
            date: self.meta.name.date,
            shard: self.meta.name.shard,
            incarnation: hex::encode(self.meta.incarnation),
        }
    }

    fn use_key(&mut self, key: &DayKey) {
        if self.sealer.as_ref().is_none_or(|(known, _)| known != key) {
            self.sealer = Some((key.clone(), Sealer::new(key)));
            self.visitors.clear();
        }
    }

    fn remember(&mut self, gather: [u8; 16]) {
        self.gathers.push_back(gather);
        while self.gathers.len() > limits::GATHER_IDS_KEPT {
            self.gathers.pop_front();
        }
    }

    /// Replaces the stored deltas by what is open, together with `writes`.
    fn compact<S: Store>(&mut self, store: &S, mut writes: Vec<Write>) -> Result<(), S::Error> {
        let dict = Delta {
            dict: std::mem::take(&mut self.dict_unsaved),
            ..Delta::default()
        };
        if !dict.is_empty() {
            writes.push(Write::Dict(dict.encode()));
        }
        writes.push(Write::ClearDeltas);
        let open = self.day.open_deltas(limits::CHUNK_BYTES);
        for delta in &open {
            writes.push(Write::Delta {
                gather: None,
                bytes: delta.encode(),
            });
        }
        self.meta.sealed_hits = self.day.hits_total();
        self.meta.gathers = self.gathers.clone();
        writes.push(Write::Meta(self.encode_meta()));
        store.write(&writes)?;
        self.deltas = open.len() as u64;
        Ok(())
    }

    fn encode_meta(&self) -> Vec<u8> {
        stored::encode(META_VERSION, &self.meta)
    }
}

#[cfg(test)]
#[path = "object_tests.rs"]
mod tests;
