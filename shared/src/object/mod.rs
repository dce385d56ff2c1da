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
//! - `visitor`: one sealed row per visitor (I4), and `log`: what became of them since, likewise; both
//!   deleted when the day is over (`visitors.rs`);
//! - `outbox`: sealed batches, numbered, kept until acknowledged and
//!   [`limits::ACKED_KEPT_MS`] beyond (I7);
//! - `dead`: batches that the aggregator cannot read, kept until it can (`delivery.rs`).
//!
//! When it dies: 48 h after its last batch was acknowledged, if there is no dead letter; or at once
//! when the aggregator says that the site is gone (I12).

mod answer;
mod delivery;
#[doc(hidden)]
pub mod memory;
mod name;
mod rights;
mod store;
mod visitors;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::batch::Source;
use crate::call::{Call, Entry, Header};
use crate::clock::UnixMs;
use crate::day::{Day, Delta};
use crate::dict::DictDelta;
use crate::limits;
use crate::settings::Detail;
use crate::stored;
use crate::visitor::DayKey;
use crate::wire;
pub use answer::{Answer, PAUSE_MS_MAX, Said, pause_ms};
pub use delivery::Next;
pub use name::Name;
pub use rights::Shown;
pub use store::{Buried, RowId, Store, VisitorRow, Write};
#[doc(hidden)]
pub use visitors::rows_in_log;
use visitors::{Touched, Visitors};

/// Visitors looked at in one step of closing or of ending visits.
const STEP: usize = 500;
/// A visit is ended so long after its time, for hits that are on their way, seconds.
const SWEEP_BEHIND_S: u32 = 5;
/// Least time between two looks for visits that have ended, ms.
const SWEEP_MS: i64 = 60_000;
/// No entry of the log has a greater number; JavaScript knows none exactly.
const MAX_ID: u64 = (1 << 53) - 1;
/// Version byte before the stored [`Meta`].
const META_VERSION: u8 = 3;

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
    day_start_ms: UnixMs,
    day_end_ms: UnixMs,
    next_seq: u64,
    /// Accepted hits that are in no stored delta.
    sealed_hits: u64,
    degraded: bool,
    /// As the last call said.
    detail: Detail,
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
    /// Committed. A byte per hit: 0 counted, else the number of a [`crate::drops::Drop`].
    Committed(Vec<u8>),
    /// The day is over; nothing was counted.
    Closed,
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
    /// Something was stored.
    is_stored: bool,
    visitors: Visitors,
    /// When visits that have ended were last looked for.
    swept_ms: UnixMs,
    /// The dead letters, each with why it was refused.
    dead: BTreeMap<u64, String>,
    /// Why the batch to be sent next is not taken.
    stuck: Option<delivery::Stuck>,
    /// When the aggregator last told what it has, in this life.
    checked_ms: UnixMs,
    /// When dead letters were last tried, in this life.
    tried_ms: UnixMs,
    /// The version that batches are sealed in ([`Object::speak`]).
    wire: u8,
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
            is_stored: true,
            visitors: Visitors::stored(),
            swept_ms: 0,
            dead: store.dead()?.into_iter().collect(),
            stuck: None,
            checked_ms: 0,
            tried_ms: 0,
            wire: wire::spoken(&wire::WRITTEN, &[]),
            meta,
        }))
    }

    /// A new life: nothing is stored before its first commit.
    pub fn create(name: Name, header: &Header, incarnation: [u8; 16]) -> Self {
        Self {
            meta: Meta {
                name,
                incarnation,
                day_start_ms: header.day_start_ms,
                day_end_ms: header.day_end_ms,
                next_seq: 1,
                sealed_hits: 0,
                degraded: false,
                detail: header.detail,
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
            is_stored: false,
            visitors: Visitors::default(),
            swept_ms: 0,
            dead: BTreeMap::new(),
            stuck: None,
            checked_ms: 0,
            tried_ms: 0,
            wire: wire::spoken(&wire::WRITTEN, &[]),
        }
    }

    /// Seals in this version from now on; of a new life nobody has said which the aggregator takes.
    pub fn speak(&mut self, version: u8) {
        self.wire = version;
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
        let header = &call.header;
        if self.gathers.contains(&header.id) {
            return Ok(Gathered::Committed(vec![0; call.entries.len()]));
        }
        if self.meta.phase != Phase::Open {
            return Ok(Gathered::Closed);
        }
        let meta_changed = self.take_header(header);
        let rows: Vec<Option<RowId>> = call.entries.iter().map(|entry| self.row(entry)).collect();
        self.visitors.fetch(store, rows.iter().copied().flatten())?;

        let mut answers = Vec::with_capacity(call.entries.len());
        let mut touched = Touched::default();
        for (entry, row) in call.entries.iter().zip(&rows) {
            let counted = match (entry, row) {
                (Entry::Hit(hit), Some(row)) => {
                    let visitor = self.visitors.get(*row);
                    let (before_s, touches) = (visitor.visit_start_s(), visitor.touches.len());
                    let counted = self.day.apply(visitor, hit);
                    if counted.is_ok() {
                        touched.entry(*row).or_insert(touches);
                    }
                    if visitor.visit_start_s() != before_s {
                        self.visitors.visit_began(*row);
                    }
                    counted
                }
                (Entry::Hit(hit), None) => self.day.apply_nobody(hit),
                // Its answer was given by who dropped it.
                (Entry::Dropped(reason), _) => {
                    self.day.drop(*reason);
                    Ok(())
                }
            };
            if let Err(reason) = counted {
                self.day.drop(reason);
            }
            answers.push(counted.err().map_or(0, |reason| reason as u8));
        }

        let delta = self.day.take_delta();
        if delta.is_empty() {
            return Ok(Gathered::Committed(answers));
        }
        self.commit(store, delta, Some(header.id), touched, meta_changed, random)?;
        self.remember(header.id);
        self.settle(store, random)?;
        Ok(Gathered::Committed(answers))
    }

    /// Ends the visits that nothing was heard of for half an hour, a step at a time; true when
    /// there is more to do now. Needs the key ([`Object::use_key`]) if there are visitors.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn sweep<S: Store>(
        &mut self,
        store: &S,
        now_ms: UnixMs,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<bool, S::Error> {
        if self.meta.phase != Phase::Open {
            return Ok(false);
        }
        if !self.visitors.has_key() {
            // Nobody has it, or not the right one: asked for again at the next look.
            self.swept_ms = now_ms;
            return Ok(false);
        }
        self.visitors.read_log(store)?;
        if self.visitors.read_ends(store, STEP)? {
            return Ok(true);
        }
        let now_s = self.second_of(now_ms).saturating_sub(SWEEP_BEHIND_S);
        let rows = self.visitors.take_ended(now_s, STEP);
        if rows.len() < STEP {
            // While there is more the next step is due now, however many steps an alarm takes.
            self.swept_ms = now_ms;
        }
        if rows.is_empty() {
            return Ok(false);
        }
        let more = rows.len() >= STEP;
        self.visitors.fetch(store, rows.iter().copied())?;
        let mut touched = Touched::default();
        for row in rows {
            match self.visitors.find(&row).and_then(|v| v.visit.as_ref()) {
                None => {}
                Some(visit) if visit.is_live(now_s) => self.visitors.visit_began(row),
                Some(_) => {
                    let visitor = self.visitors.get(row);
                    touched.insert(row, visitor.touches.len());
                    self.day.end_visit(visitor);
                }
            }
        }
        let delta = self.day.take_delta();
        if !delta.is_empty() {
            self.commit(store, delta, None, touched, false, random)?;
        }
        self.settle(store, random)?;
        Ok(more)
    }

    /// Whether it is time to look for visits that have ended.
    pub fn is_due_to_sweep(&self, now_ms: UnixMs) -> bool {
        self.meta.phase == Phase::Open && self.sweep_ms().is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// When to look for visits that have ended.
    fn sweep_ms(&self) -> Option<UnixMs> {
        let end_s = self.visitors.next_end_s()?;
        let end_s = end_s.saturating_add(1).saturating_add(SWEEP_BEHIND_S);
        let end_ms = i64::from(end_s).saturating_mul(1_000);
        let at_ms = self.meta.day_start_ms.saturating_add(end_ms);
        Some(at_ms.max(self.swept_ms.saturating_add(SWEEP_MS)))
    }

    /// Takes the key of the day, for who has no call that brings it. A key that is not the one of
    /// the last call is of no use and left alone.
    pub fn use_key(&mut self, key: &DayKey) {
        if self.meta.key_check == key.check() {
            self.visitors.use_key(key);
        }
    }

    fn second_of(&self, now_ms: UnixMs) -> u32 {
        let since_ms = now_ms.saturating_sub(self.meta.day_start_ms);
        u32::try_from(since_ms / 1_000).unwrap_or(0)
    }

    fn row(&self, entry: &Entry) -> Option<RowId> {
        match entry {
            Entry::Hit(hit) => self.visitors.row(hit.visitor.as_ref()?),
            Entry::Dropped(_) => None,
        }
    }

    /// Takes the key and what else a call brings; true when meta must be stored.
    fn take_header(&mut self, header: &Header) -> bool {
        // Another key than before: the salt was lost, and visitors are counted again.
        let key_check = header.key.check();
        let another_key = self.is_stored && self.meta.key_check != key_check;
        let newly_degraded = (header.degraded || another_key) && !self.meta.degraded;
        self.meta.degraded |= newly_degraded;
        self.meta.key_check = key_check;
        self.visitors.use_key(&header.key);
        let another_detail = self.meta.detail != header.detail;
        self.meta.detail = header.detail;
        !self.is_stored || newly_degraded || another_key || another_detail
    }

    /// One commit: counts, and the visitors that changed with them.
    fn commit<S: Store>(
        &mut self,
        store: &S,
        delta: Delta,
        gather: Option<[u8; 16]>,
        touched: Touched,
        meta_changed: bool,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), S::Error> {
        let mut writes = Vec::with_capacity(3);
        if meta_changed {
            writes.push(Write::Meta(self.encode_meta()));
        }
        if !delta.is_empty() {
            let bytes = delta.encode();
            writes.push(Write::Delta { gather, bytes });
            self.deltas = self.deltas.saturating_add(1);
        }
        if !touched.is_empty() {
            let mut seed = [0; 16];
            random(&mut seed);
            writes.extend(self.visitors.log(touched, seed));
        }
        store.write(&writes)?;
        self.is_stored = true;
        self.dict_unsaved.append(delta.dict);
        Ok(())
    }

    /// After a commit: writes rows if it is time, and forgets whoever was long not seen.
    fn settle<S: Store>(
        &mut self,
        store: &S,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), S::Error> {
        if self.visitors.has_rows_to_write() {
            self.write_rows(store, false, random)?;
        }
        self.visitors.grow_old();
        Ok(())
    }

    fn write_rows<S: Store>(
        &mut self,
        store: &S,
        all: bool,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), S::Error> {
        let mut seed = [0; 16];
        random(&mut seed);
        store.write(&self.visitors.rows(all, seed))
    }

    /// Writes visitors' rows after so many bytes of the log, for tests.
    #[doc(hidden)]
    pub fn set_log_bytes_max(&mut self, bytes: usize) {
        self.visitors.set_log_bytes_max(bytes);
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
            let mut batch = {
                let (degraded, detail) = (self.meta.degraded, self.meta.detail);
                self.day.seal_as(source, seq, degraded, last, detail)
            };
            batch.v = self.wire;
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
            self.visitors.use_key(key);
        }
        let mut writes = Vec::with_capacity(4);
        let more = match self.meta.phase {
            Phase::Open => {
                // Whoever is in the log is in memory, or cannot be read any more.
                self.visitors.read_log(store)?;
                let rows = self.visitors.take_logged();
                for row in &rows {
                    self.day.end_visit(self.visitors.get(*row));
                }
                writes.extend([Write::ForgetVisitors(rows), Write::ClearLog { id: MAX_ID }]);
                self.meta.phase = Phase::Closing;
                true
            }
            _ => {
                let rows = store.visitors_after(None, STEP)?;
                for (row, sealed) in &rows {
                    if let Some(mut visitor) = self.visitors.open(row, sealed) {
                        self.day.end_visit(&mut visitor);
                    }
                }
                let more = !rows.is_empty();
                if more {
                    let rows = rows.into_iter().map(|(row, _)| row);
                    writes.push(Write::ForgetVisitors(rows.collect()));
                } else {
                    self.meta.phase = Phase::Drained;
                    self.visitors.clear();
                }
                more
            }
        };
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
        self.visitors.has_key()
    }

    /// When the object must wake next, given how long open counts may wait and until when it must
    /// not send.
    pub fn wake_ms(&self, now_ms: UnixMs, flush_ms: i64, send_from_ms: UnixMs) -> UnixMs {
        let sealable = self.waiting < limits::OUTBOX_WAITING_MAX
            && (self.day.has_open() || self.meta.phase == Phase::Drained);
        let mut wake = match self.meta.phase {
            // Not before `send_from_ms`: closing may wait for a key that was asked for in vain.
            Phase::Open => {
                let sweep_ms = self.sweep_ms().unwrap_or(UnixMs::MAX).max(now_ms);
                let close_ms = self.close_ms().max(now_ms).max(send_from_ms);
                close_ms.min(sweep_ms.max(send_from_ms))
            }
            Phase::Closing => now_ms.max(send_from_ms),
            Phase::Drained => now_ms.saturating_add(60_000),
            Phase::Sealed => UnixMs::MAX,
        };
        if sealable {
            // While nothing waits, many rows are not kept waiting: sealing takes the object some
            // microseconds a row, in which no beacon is answered.
            let is_many = self.waiting == 0 && self.day.open_rows() >= limits::SEAL_ROWS;
            let pause_ms = if is_many { 0 } else { flush_ms };
            wake = wake.min(now_ms.saturating_add(pause_ms));
        }
        let delivery_ms = self.delivery_ms(now_ms, send_from_ms);
        wake.min(delivery_ms.unwrap_or(UnixMs::MAX))
    }

    /// When the day is over for good.
    pub fn close_ms(&self) -> UnixMs {
        self.meta.day_end_ms.saturating_add(limits::CLOSE_AFTER_MS)
    }

    fn source(&self) -> Source {
        Source {
            site: self.meta.name.site,
            date: self.meta.name.date,
            shard: self.meta.name.shard,
            incarnation: hex::encode(self.meta.incarnation),
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
        for dict in std::mem::take(&mut self.dict_unsaved).chunks(limits::CHUNK_BYTES) {
            let dict = Delta {
                dict,
                ..Delta::default()
            };
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
mod tests;
