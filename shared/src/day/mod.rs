//! The counting core: the counts of one day object. Pure; the edge gives it storage, the tests
//! and the importer run it as it is.
//!
//! How it is used: [`Day::apply`] each hit of a gathered call, then [`Day::take_delta`] and store
//! the delta with the visitors in one commit. [`Day::replay`] of the stored deltas in order gives
//! the same day again. [`Day::seal`] takes counts out into a batch.
//!
//! What always holds: an accepted hit is in exactly one delta; a delta is either in `open` or in
//! a sealed batch; counters only grow.

mod apply;
mod delta;
mod live;

use std::collections::BTreeMap;

use crate::attrs::{CLIENT_ATTRS, VISIT_ATTRS};
use crate::batch::{Batch, Source};
use crate::cube::{Counter, RowKey, Rows};
use crate::dict::Dict;
use crate::drops::Drop;
use crate::limits::{OPEN_ROWS_MAX, OTHER};
use crate::settings::Detail;
pub use delta::Delta;
use live::Presence;

/// Page views and visitors by minute of the local day.
type Minutes = BTreeMap<u16, (u64, u64)>;

/// Counts that are not keyed by attributes.
#[derive(Debug, Default, Clone)]
struct Plain {
    dropped: BTreeMap<Drop, u64>,
    minutes: Minutes,
}

impl Plain {
    fn is_empty(&self) -> bool {
        self.dropped.is_empty() && self.minutes.is_empty()
    }

    fn drop(&mut self, reason: Drop, n: u64) {
        let count = self.dropped.entry(reason).or_default();
        *count = count.saturating_add(n);
    }

    fn minute(&mut self, minute: u16, views: u64, visitors: u64) {
        let counts = self.minutes.entry(minute).or_default();
        counts.0 = counts.0.saturating_add(views);
        counts.1 = counts.1.saturating_add(visitors);
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Day {
    dict: Dict,
    /// Counted and not yet sealed.
    open: Rows,
    open_plain: Plain,
    /// Counted since the last [`Day::take_delta`].
    fresh: Rows,
    fresh_plain: Plain,
    fresh_hits: u64,
    /// Accepted hits of the object's whole life.
    hits_total: u64,
    /// Who is there now; in memory only.
    presence: Presence,
}

impl Day {
    /// Counts that an event was dropped.
    pub fn drop(&mut self, reason: Drop) {
        self.fresh_plain.drop(reason, 1);
    }

    /// What was counted since this was last asked; from now on part of what can be sealed.
    pub fn take_delta(&mut self) -> Delta {
        let rows = std::mem::take(&mut self.fresh).into_sorted();
        let plain = std::mem::take(&mut self.fresh_plain);
        let delta = Delta {
            dict: self.dict.take_learned(),
            hits: std::mem::take(&mut self.fresh_hits),
            rows,
            dropped: plain.dropped.into_iter().collect(),
            minutes: plain.minutes.into_iter().collect(),
        };
        self.absorb(&delta);
        delta
    }

    /// Counts again what an earlier life of the object stored.
    pub fn replay(&mut self, delta: &Delta) {
        self.dict.replay(&delta.dict);
        self.absorb(delta);
    }

    /// Whether anything waits to be sealed.
    pub fn has_open(&self) -> bool {
        !self.open.is_empty() || !self.open_plain.is_empty()
    }

    /// How many rows wait to be sealed.
    pub fn open_rows(&self) -> usize {
        self.open.len()
    }

    /// Accepted hits of the object's whole life.
    pub fn hits_total(&self) -> u64 {
        self.hits_total
    }

    /// The strings of the day.
    pub fn dict(&self) -> &Dict {
        &self.dict
    }

    /// Sets what [`Day::hits_total`] stood at when the batches sealed so far were sealed; to be
    /// called before the deltas are replayed.
    pub fn restore_hits(&mut self, sealed_hits: u64) {
        self.hits_total = sealed_hits;
    }

    /// Takes counts out into a batch: all of them, or as many rows as one batch holds; what does
    /// not fit stays open (ask [`Day::has_open`], store [`Day::open_deltas`]). `last` closes the
    /// source with the batch after which nothing is open.
    pub fn seal(&mut self, source: Source, seq: u64, degraded: bool, last: bool) -> Batch {
        self.seal_as(source, seq, degraded, last, Detail::Cross)
    }

    /// [`Day::seal`] with the detail that a site's owner has chosen.
    pub fn seal_as(
        &mut self,
        source: Source,
        seq: u64,
        degraded: bool,
        last: bool,
        detail: Detail,
    ) -> Batch {
        let plain = std::mem::take(&mut self.open_plain);
        let mut rows = std::mem::take(&mut self.open).into_sorted();
        let (mut batch, taken) =
            Batch::build(&self.dict, source, seq, &rows, plain.minutes.len(), detail);
        for (key, counters) in rows.split_off(taken.min(rows.len())) {
            self.open.add_row(key, &counters);
        }
        batch.closed = last && self.open.is_empty();
        batch.degraded = degraded;
        batch.hits_total = self.hits_total;
        batch.dropped = plain.dropped;
        batch.minutes = plain
            .minutes
            .into_iter()
            .map(|(minute, (views, visitors))| [u64::from(minute), views, visitors])
            .collect();
        batch.live = self.presence.live();
        match detail {
            Detail::Cross => batch,
            // Rows that were just sealed are within bounds.
            Detail::Totals => batch.to_totals().unwrap_or(batch),
        }
    }

    /// The open counts as deltas of at most about `bytes` each, to be stored in the place of the
    /// deltas they were counted by. They carry neither strings nor hits: those are stored apart.
    pub fn open_deltas(&self, bytes: usize) -> Vec<Delta> {
        // A row of the postcard format takes at most about 40 bytes of key and 11 per counter.
        let rows_each = (bytes / 160).max(1);
        let rows = self.open.clone().into_sorted();
        let mut deltas: Vec<Delta> = rows
            .chunks(rows_each)
            .map(|chunk| Delta {
                rows: chunk.to_vec(),
                ..Delta::default()
            })
            .collect();
        if !self.open_plain.is_empty() {
            let plain = self.open_plain.clone();
            deltas.push(Delta {
                dropped: plain.dropped.into_iter().collect(),
                minutes: plain.minutes.into_iter().collect(),
                ..Delta::default()
            });
        }
        deltas
    }

    fn absorb(&mut self, delta: &Delta) {
        for (key, counters) in &delta.rows {
            self.open.add_row(*key, counters);
        }
        for (reason, n) in &delta.dropped {
            self.open_plain.drop(*reason, *n);
        }
        for (minute, (views, visitors)) in &delta.minutes {
            self.open_plain.minute(*minute, *views, *visitors);
        }
        self.hits_total = self.hits_total.saturating_add(delta.hits);
    }

    /// The row to count in: the one of the key, or, when there are too many,
    /// [`Day::other`].
    fn within_bounds(&mut self, key: RowKey) -> RowKey {
        let rows = self.open.len().saturating_add(self.fresh.len());
        if rows < OPEN_ROWS_MAX || self.open.contains(&key) || self.fresh.contains(&key) {
            key
        } else {
            self.other(key)
        }
    }

    /// The row that stands in for too many: same cube and hour, all else "(other)".
    fn other(&mut self, key: RowKey) -> RowKey {
        let t = VISIT_ATTRS.map(|(_, kind)| self.dict.text(kind, OTHER));
        let c = CLIENT_ATTRS.map(|(_, kind)| self.dict.text(kind, OTHER));
        RowKey {
            c: self.dict.client_attrs(c),
            t: self.dict.visit_attrs(t),
            texts: self.other_texts(key),
            ..key
        }
    }

    fn other_texts(&mut self, key: RowKey) -> [u32; crate::cube::TEXTS_MAX] {
        let mut texts = key.texts;
        for (text, kind) in texts.iter_mut().zip(key.cube.texts()) {
            *text = self.dict.text(*kind, OTHER);
        }
        texts
    }

    fn count(&mut self, key: RowKey, counters: &[(Counter, u64)]) {
        let key = self.within_bounds(key);
        self.fresh.add_row(key, counters);
    }
}

/// Hour of the local day of a moment of it; a day has at most 25.
fn hour_of(at_s: u32) -> u8 {
    u8::try_from(at_s / 3_600).unwrap_or(24).min(24)
}

/// Minute of the local day of a moment of it.
fn minute_of(at_s: u32) -> u16 {
    const LAST: u16 = 25 * 60 - 1;
    u16::try_from(at_s / 60).unwrap_or(LAST).min(LAST)
}

#[cfg(test)]
mod findings;
#[cfg(test)]
mod tests;
