//! The first pass: lines are read, judged and sorted. One thread cuts the stream into blocks of
//! lines, the others read them, each with its own days.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use jiff::civil::Date;
use shared::rules::Rules;
use shared::visitor::Salt;

use super::chunks::{Chunk, Chunks, LINE_BYTES_MAX};
use super::days::LocalDays;
use super::format::Format;
use super::judge::Judge;
use super::sort::{Gathered, Runs};
use super::told::{Bad, Told};
use super::{access_log, jsonl};
use crate::site::Site;

/// Bad lines that are told one by one.
pub const BAD_TOLD: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Lines, empty ones left out.
    pub lines: u64,
    /// Lines of a log that are of no page view.
    pub others: u64,
    /// Lines that could not be read.
    pub bad: u64,
    /// The first of them, with what is wrong.
    pub first_bad: BTreeMap<u64, String>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.others += other.others;
        self.bad += other.bad;
        self.first_bad.extend(other.first_bad);
        self.trim();
    }

    fn bad(&mut self, line: u64, bad: &Bad) {
        self.bad += 1;
        if self
            .first_bad
            .last_key_value()
            .is_none_or(|(last, _)| line < *last)
            || self.first_bad.len() < BAD_TOLD
        {
            self.first_bad.insert(line, bad.to_string());
            self.trim();
        }
    }

    fn trim(&mut self) {
        while self.first_bad.len() > BAD_TOLD {
            self.first_bad.pop_last();
        }
    }
}

/// How lines are read.
pub struct Reading<'a> {
    /// How they are written.
    pub format: Format,
    /// Whose they are.
    pub site: &'a Site,
    /// The site's rules.
    pub rules: &'a Rules,
    /// Of this import alone.
    pub salt: Salt,
    /// The last local date that is believed.
    pub latest: Date,
    /// How many threads read.
    pub threads: usize,
}

impl Reading<'_> {
    /// Reads all lines into runs.
    ///
    /// # Errors
    /// The stream cannot be read, or the disk is full.
    pub fn read(&self, reader: impl Read, runs: &Runs) -> io::Result<Found> {
        let (send, receive) = sync_channel::<Chunk>(2 * self.threads);
        let receive = Mutex::new(Some(receive));
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads)
                .map(|_| {
                    scope.spawn(|| {
                        let found = self.work(&receive, runs);
                        if found.is_err() {
                            // Nobody receives any more: whoever sends ends, too.
                            lock(&receive).take();
                        }
                        found
                    })
                })
                .collect();
            let mut chunks = Chunks::new(reader);
            let mut sent = Ok(());
            loop {
                match chunks.next() {
                    Ok(Some(chunk)) => {
                        if send.send(chunk).is_err() {
                            break;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        sent = Err(error);
                        break;
                    }
                }
            }
            drop(send);
            let mut found = Found::default();
            for worker in workers {
                let of_worker = worker.join();
                found.add(of_worker.map_err(|_| io::Error::other("a thread ended"))??);
            }
            sent.map(|()| found)
        })
    }

    fn work(&self, chunks: &Mutex<Option<Receiver<Chunk>>>, runs: &Runs) -> io::Result<Found> {
        let days = LocalDays::new(self.site, self.salt.clone(), self.latest);
        let mut judge = Judge::new(self.rules, days);
        let mut gathered = Gathered::default();
        let mut found = Found::default();
        loop {
            let chunk = match &*lock(chunks) {
                Some(receive) => receive.recv().ok(),
                None => None,
            };
            let Some(chunk) = chunk else { break };
            for (no, line) in chunk.lines() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                found.lines += 1;
                let begin = gathered.len();
                let read = match self.line(line) {
                    Ok(Some(told)) => judge.judge(&told, no, gathered.bytes()).map(Some),
                    Ok(None) => Ok(None),
                    Err(bad) => Err(bad),
                };
                match read {
                    Ok(Some(key)) => gathered.push(key, begin),
                    Ok(None) => found.others += 1,
                    Err(bad) => {
                        gathered.forget(begin);
                        found.bad(no, &bad);
                    }
                }
            }
            runs.spill(&mut gathered)?;
        }
        runs.write(&mut gathered)?;
        Ok(found)
    }

    fn line(&self, line: &[u8]) -> Result<Option<Told>, Bad> {
        if line.len() > LINE_BYTES_MAX {
            return Err(Bad::new("", "is longer than 65,536 bytes"));
        }
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        match self.format {
            Format::AccessLog => access_log::read(line, &self.site.domain),
            Format::Jsonl | Format::PlausibleCsv => jsonl::read(line, &self.site.domain).map(Some),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
