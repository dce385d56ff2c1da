//! The visitors of a day object: sealed in storage, some of them in memory beside it.
//!
//! In storage a visitor is a row and what the log adds to it. A commit appends what became of its
//! visitors to the log, in one sealed piece: a row is hundreds of bytes anywhere in a large table, what
//! one event adds to it some dozens. Once the log is long, a round begins: with each commit some rows
//! of whoever is in it are written, and when all are, it is deleted up to where it was. So changes may
//! be made twice: a row can be younger than the log, never older.
//!
//! What always holds: what is in memory is what is in storage, or will be with the commit under
//! way; when that fails the object and this with it are dropped. Memory holds at most two
//! generations of [`GENERATION`] visitors, however many the day has, and whoever is in the log.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::store::{RowId, Store, Write};
use crate::limits::{CHUNK_BYTES, LOG_BYTES_MAX};
use crate::seal::{NONCE_BYTES, Sealer};
use crate::visit::{Change, Visitor, decode_changes, encode_changes};
use crate::visitor::{DayKey, VisitorHash};

/// Rows of a round that are written at once: with all at once the longest wait of a beacon was 148 ms.
const ROWS_AT_ONCE: usize = 500;

/// What an entry of the log is sealed with, in the place of a row's key.
const LOG: RowId = [0; 16];

/// Whom a commit changes: the keys of their rows, and how many touches each had before.
pub(super) type Touched = FxHashMap<RowId, usize>;

/// Visitors of one generation: twice as many are in memory at most.
const GENERATION: usize = 20_000;

/// See the module.
pub(super) struct Visitors {
    sealer: Option<(DayKey, Sealer)>,
    young: FxHashMap<RowId, Visitor>,
    /// Whoever is not seen while `young` fills up is forgotten with the generation before, and
    /// read anew when they come back.
    old: FxHashMap<RowId, Visitor>,
    /// Storage has rows that are not in memory.
    more_stored: bool,
    /// Whoever is in the log since the last round began; all of them are in `young`.
    logged: FxHashSet<RowId>,
    /// Whose rows the round has still to write; likewise.
    to_write: Vec<RowId>,
    /// The last entry of the log when the round began.
    round_id: u64,
    /// The last entry of the log.
    last_id: u64,
    /// Bytes of the log since the last round began.
    log_bytes: usize,
    /// Above this many of them the rows are written.
    log_bytes_max: usize,
    /// The log was not read with this key yet.
    log_unread: bool,
    /// When the open visits end, seconds of the local day; a visit that went on since is found
    /// there too early and put back.
    ends: BinaryHeap<Reverse<(u32, RowId)>>,
    /// Rows up to this one are in `ends`; `None` once all are.
    unread_after: Option<Option<RowId>>,
}

impl Default for Visitors {
    /// Nobody is stored.
    fn default() -> Self {
        Self {
            sealer: None,
            young: FxHashMap::default(),
            old: FxHashMap::default(),
            more_stored: false,
            logged: FxHashSet::default(),
            to_write: Vec::new(),
            round_id: 0,
            last_id: 0,
            log_bytes: 0,
            log_bytes_max: LOG_BYTES_MAX,
            log_unread: false,
            ends: BinaryHeap::new(),
            unread_after: None,
        }
    }
}

impl Visitors {
    /// Those of an object that was read from storage: nobody is in memory.
    pub fn stored() -> Self {
        Self {
            more_stored: true,
            log_unread: true,
            unread_after: Some(None),
            ..Self::default()
        }
    }

    /// Forgets the key and whoever is in memory.
    pub fn clear(&mut self) {
        let log_bytes_max = self.log_bytes_max;
        *self = Self {
            log_bytes_max,
            unread_after: None,
            ..Self::stored()
        };
    }

    /// Writes rows after so many bytes of the log, for tests.
    pub fn set_log_bytes_max(&mut self, bytes: usize) {
        self.log_bytes_max = bytes;
    }

    /// Takes the key that rows are sealed under.
    pub fn use_key(&mut self, key: &DayKey) {
        match &self.sealer {
            Some((known, _)) if known == key => {}
            Some(_) => {
                // Rows of another key cannot be read again; their visits end with the day.
                self.clear();
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
        self.read_log(store)?;
        self.fetch_rows(store, rows)
    }

    /// Brings whoever is in the log into memory, once there is a key.
    pub fn read_log<S: Store>(&mut self, store: &S) -> Result<(), S::Error> {
        let Some((_, sealer)) = self.sealer.as_ref().filter(|_| self.log_unread) else {
            return Ok(());
        };
        let mut changes: Vec<(RowId, Change)> = Vec::new();
        for (id, sealed) in store.log()? {
            self.last_id = id;
            self.log_bytes = self.log_bytes.saturating_add(sealed.len());
            // What another key sealed is lost, as its rows are.
            let plain = sealer.open(&LOG, &sealed);
            changes.extend(
                plain
                    .and_then(|plain| decode_changes(&plain))
                    .into_iter()
                    .flatten(),
            );
        }
        self.log_unread = false;
        self.logged = changes.iter().map(|(row, _)| *row).collect();
        let rows: Vec<RowId> = self.logged.iter().copied().collect();
        self.fetch_rows(store, rows.iter().copied())?;
        for (row, change) in changes {
            self.get(row).change(change);
        }
        for row in rows {
            self.visit_began(row);
        }
        Ok(())
    }

    fn fetch_rows<S: Store>(
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

    /// Appends to the log what became of these visitors; `random` is drawn anew for every commit.
    pub fn log(&mut self, touched: Touched, random: [u8; 16]) -> Vec<Write> {
        let Some((_, sealer)) = &self.sealer else {
            return Vec::new();
        };
        let changes = touched.into_iter().filter_map(|(row, touches)| {
            let visitor = self.young.get(&row)?;
            Some((row, visitor.change_since(touches)))
        });
        let changes: Vec<(RowId, Change)> = changes.collect();
        self.logged.extend(changes.iter().map(|(row, _)| *row));
        let pieces = (0..).zip(pieces(&changes));
        let sealed =
            pieces.filter_map(|(place, plain)| sealer.seal(&LOG, nonce(&random, place), &plain));
        let sealed: Vec<Vec<u8>> = sealed.collect();
        let writes = sealed.into_iter().map(|bytes| {
            self.log_bytes = self.log_bytes.saturating_add(bytes.len());
            self.last_id = self.last_id.saturating_add(1);
            Write::Log {
                id: self.last_id,
                bytes,
            }
        });
        writes.collect()
    }

    fn is_crowded(&self) -> bool {
        self.young.len() > GENERATION
    }

    /// Whether rows are to be written after this commit; begins a round if the log is full.
    pub fn has_rows_to_write(&mut self) -> bool {
        let is_full = self.log_bytes > self.log_bytes_max;
        if self.to_write.is_empty() && (is_full || self.is_crowded()) {
            self.begin_round();
        }
        !self.to_write.is_empty()
    }

    fn begin_round(&mut self) {
        self.to_write.extend(self.logged.drain());
        self.round_id = self.last_id;
        self.log_bytes = 0;
    }

    /// Writes rows of the round; all there are, of whoever is in the log, if `all` or if there are
    /// too many in memory.
    pub fn rows(&mut self, all: bool, random: [u8; 16]) -> Vec<Write> {
        let all = all || self.is_crowded();
        if all {
            self.begin_round();
        }
        let Some((_, sealer)) = &self.sealer else {
            return Vec::new();
        };
        let most = if all {
            self.to_write.len()
        } else {
            ROWS_AT_ONCE
        };
        let left = self.to_write.len().saturating_sub(most);
        let rows = (0..).zip(self.to_write.drain(left..));
        let sealed = rows.filter_map(|(place, row)| {
            let plain = self.young.get(&row)?.encode();
            Some((row, sealer.seal(&row, nonce(&random, place), &plain)?))
        });
        let mut writes = vec![Write::Visitors(sealed.collect())];
        if self.to_write.is_empty() {
            writes.push(Write::ClearLog { id: self.round_id });
        }
        writes
    }

    /// Whoever is in the log, which is to be deleted.
    pub fn take_logged(&mut self) -> Vec<RowId> {
        self.begin_round();
        std::mem::take(&mut self.to_write)
    }

    /// Opens a stored row.
    pub fn open(&self, row: &RowId, sealed: &[u8]) -> Option<Visitor> {
        let (_, sealer) = self.sealer.as_ref()?;
        Visitor::decode(&sealer.open(row, sealed)?)
    }

    /// To be called after a commit and [`Visitors::rows`].
    pub fn grow_old(&mut self) {
        if self.is_crowded() {
            self.more_stored |= !self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
        }
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

/// Whose changes an entry of the log tells; `None` under another key. For tests.
pub fn rows_in_log(sealer: &Sealer, sealed: &[u8]) -> Option<Vec<RowId>> {
    let changes: Vec<(RowId, Change)> = decode_changes(&sealer.open(&LOG, sealed)?)?;
    Some(changes.into_iter().map(|(row, _)| row).collect())
}

/// Changes as they are sealed, in pieces that fit into a stored value.
fn pieces(changes: &[(RowId, Change)]) -> Vec<Vec<u8>> {
    let whole = encode_changes(changes);
    if whole.len() <= CHUNK_BYTES || changes.len() < 2 {
        return vec![whole];
    }
    let (one, other) = changes
        .split_at_checked(changes.len() / 2)
        .unwrap_or_default();
    let mut all = pieces(one);
    all.extend(pieces(other));
    all
}

/// 128 random bits of the commit, 64 bits of the place in it: never twice under a key.
fn nonce(random: &[u8; 16], place: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    let place = place.to_be_bytes();
    for (to, from) in nonce.iter_mut().zip(random.iter().chain(&place)) {
        *to = *from;
    }
    nonce
}
