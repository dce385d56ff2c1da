//! The second pass: sorted events, through the counting core, to batches. Days are independent of
//! each other, so several threads take one each.
//!
//! The same events always make the same batches: visitors are known by their hash but kept, and
//! their visits ended, in the order of their first event.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::civil::Date;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use shared::batch::Batch;
use shared::call::{Entry, Hit};
use shared::day::Day;
use shared::limits::BATCH_ROWS_MAX;
use shared::visit::Visitor;
use shared::visitor::VisitorHash;

use super::merge::Merge;
use super::{Progress, source};
use crate::clock::{date_of, day_number};
use crate::site::Site;

/// Events after which counts are taken together.
const DELTA_EVENTS: usize = 1_024;
/// Rows at which batches are sealed in mid-day: well below the bound at which rows fold into
/// `(other)`.
const SEAL_ROWS: usize = 2 * BATCH_ROWS_MAX;
/// Records handed to a thread at once, bytes.
const PORTION_BYTES: usize = 256 * 1024;
/// Portions that wait for a thread: some days of most sites.
const PORTIONS_WAITING: usize = 48;

/// A batch with the SHA-256 of its form.
pub struct Sealed {
    /// The batch.
    pub batch: Batch,
    /// Its marker.
    pub sha256: [u8; 32],
}

/// Some records of one day.
struct Portion {
    day: i64,
    /// Each with its length before it.
    records: Vec<u8>,
}

/// Counts all records and gives the batches to `take`, those of a day in their order; ends early
/// when it says so by `false`.
///
/// # Errors
/// The disk failed.
pub fn count(
    merge: Merge,
    site: &Site,
    incarnation: &str,
    threads: usize,
    progress: &Progress,
    take: impl Fn(Sealed) -> bool + Sync,
) -> io::Result<()> {
    thread::scope(|scope| {
        let mut senders: Vec<SyncSender<Portion>> = Vec::with_capacity(threads);
        let mut workers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (send, receive) = sync_channel(PORTIONS_WAITING);
            senders.push(send);
            let take = &take;
            workers.push(scope.spawn(move || work(&receive, site, incarnation, take)));
        }
        let handed = hand_out(merge, &senders, progress);
        drop(senders);
        for worker in workers {
            worker
                .join()
                .map_err(|_| io::Error::other("a thread ended"))??;
        }
        handed
    })
}

fn hand_out(
    mut merge: Merge,
    senders: &[SyncSender<Portion>],
    progress: &Progress,
) -> io::Result<()> {
    let mut days = 0;
    let mut open: Option<Portion> = None;
    let mut events = 0;
    loop {
        let key = merge.key();
        let is_full = open.as_ref().is_some_and(|portion| {
            key.is_none_or(|key| key.day != portion.day) || portion.records.len() >= PORTION_BYTES
        });
        if is_full && let Some(portion) = open.take() {
            let ends = key.is_none_or(|key| key.day != portion.day);
            progress.add(std::mem::take(&mut events));
            let sent = senders.get(days % senders.len()).map(|to| to.send(portion));
            if !matches!(sent, Some(Ok(()))) {
                return Ok(()); // The thread has ended and says itself why.
            }
            days += usize::from(ends);
        }
        let Some(key) = key else { return Ok(()) };
        let portion = open.get_or_insert_with(|| Portion {
            day: key.day,
            records: Vec::with_capacity(PORTION_BYTES + 4_096),
        });
        let record = merge.record();
        let length = record.len() as u32;
        portion.records.extend_from_slice(&length.to_le_bytes());
        portion.records.extend_from_slice(record);
        events += 1;
        merge.advance()?;
    }
}

fn work(
    portions: &Receiver<Portion>,
    site: &Site,
    incarnation: &str,
    take: &impl Fn(Sealed) -> bool,
) -> io::Result<()> {
    let unreadable = || io::Error::other("what was sorted cannot be read back");
    let mut open: Option<DayCount> = None;
    while let Ok(portion) = portions.recv() {
        if open
            .as_ref()
            .is_some_and(|day| day_number(day.date) != portion.day)
            && let Some(day) = open.take()
            && !day.finish(take)?
        {
            return Ok(());
        }
        let day = match &mut open {
            Some(day) => day,
            None => {
                let date = date_of(portion.day).ok_or_else(unreadable)?;
                open.insert(DayCount::new(site, date, incarnation))
            }
        };
        let mut rest = portion.records.as_slice();
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length) as usize;
            let record;
            (record, rest) = after.split_at_checked(length).ok_or_else(unreadable)?;
            let entry: Entry = postcard::from_bytes(record).map_err(|_| unreadable())?;
            if !day.count(&entry, take)? {
                return Ok(());
            }
        }
    }
    if let Some(day) = open {
        day.finish(take)?;
    }
    Ok(())
}

/// A day that is being counted.
struct DayCount<'a> {
    site: &'a Site,
    date: Date,
    incarnation: &'a str,
    seq: u64,
    day: Day,
    /// By their first event.
    visitors: Vec<Visitor>,
    places: FxHashMap<VisitorHash, u32>,
    uncounted: usize,
}

impl<'a> DayCount<'a> {
    fn new(site: &'a Site, date: Date, incarnation: &'a str) -> Self {
        Self {
            site,
            date,
            incarnation,
            seq: 0,
            day: Day::default(),
            visitors: Vec::new(),
            places: FxHashMap::default(),
            uncounted: 0,
        }
    }

    fn count(&mut self, entry: &Entry, take: &impl Fn(Sealed) -> bool) -> io::Result<bool> {
        match entry {
            Entry::Dropped(reason) => self.day.drop(*reason),
            Entry::Hit(hit) => {
                if let Err(reason) = self.apply(hit) {
                    self.day.drop(reason);
                }
            }
        }
        self.step(take)
    }

    fn apply(&mut self, hit: &Hit) -> Result<(), shared::drops::Drop> {
        let Some(hash) = hit.visitor else {
            return self.day.apply_nobody(hit);
        };
        let next = self.visitors.len();
        let place = *self.places.entry(hash).or_insert(next as u32) as usize;
        if place == next {
            self.visitors.push(Visitor::default());
        }
        match self.visitors.get_mut(place) {
            Some(visitor) => self.day.apply(visitor, hit),
            None => Ok(()),
        }
    }

    /// After an event or the end of a visit: seals what has become much.
    fn step(&mut self, take: &impl Fn(Sealed) -> bool) -> io::Result<bool> {
        self.uncounted += 1;
        if self.uncounted < DELTA_EVENTS {
            return Ok(true);
        }
        self.uncounted = 0;
        self.day.take_delta();
        if self.day.open_rows() >= SEAL_ROWS {
            while self.day.has_open() {
                if !self.seal(false, take)?.1 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn finish(mut self, take: &impl Fn(Sealed) -> bool) -> io::Result<bool> {
        for mut visitor in std::mem::take(&mut self.visitors) {
            self.day.end_visit(&mut visitor);
            if !self.step(take)? {
                return Ok(false);
            }
        }
        self.day.take_delta();
        loop {
            match self.seal(true, take)? {
                (_, false) => return Ok(false),
                (true, true) => return Ok(true),
                (false, true) => {}
            }
        }
    }

    /// Seals a batch; whether it is the last, and whether it was taken.
    fn seal(&mut self, last: bool, take: &impl Fn(Sealed) -> bool) -> io::Result<(bool, bool)> {
        self.seq += 1;
        let source = source(self.site, self.date, self.incarnation);
        let mut batch = self.day.seal(source, self.seq, false, last);
        // Nobody is there now.
        batch.live = None;
        batch.minutes.clear();
        batch.check().map_err(io::Error::other)?;
        let form = serde_json::to_vec(&batch).map_err(io::Error::other)?;
        let sha256 = Sha256::digest(form).into();
        let closed = batch.closed;
        Ok((closed, take(Sealed { batch, sha256 })))
    }
}
