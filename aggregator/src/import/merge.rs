//! Runs read side by side: all records in their order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read};

use super::sort::{HEAD_BYTES, Key};

/// Longest record that is believed, bytes: twice what a line and its properties come to.
const RECORD_BYTES_MAX: usize = 4 * shared::limits::EVENT_BODY_BYTES_MAX;

/// A run, and the record it stands at.
pub struct Run {
    reader: BufReader<File>,
    record: Vec<u8>,
}

impl Run {
    /// A run of a file that stands at its beginning.
    pub fn new(file: File) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1024, file),
            record: Vec::new(),
        }
    }

    fn next(&mut self) -> io::Result<Option<Key>> {
        let mut head = [0; HEAD_BYTES];
        let (first, rest) = head.split_at_mut(1);
        if self.reader.read(first)? == 0 {
            return Ok(None);
        }
        self.reader.read_exact(rest)?;
        let mut fields = Fields(&head);
        let key = Key {
            day: i64::from_le_bytes(fields.take()),
            at_ms: u32::from_le_bytes(fields.take()),
            line: u64::from_le_bytes(fields.take()),
        };
        let length = u32::from_le_bytes(fields.take()) as usize;
        if length > RECORD_BYTES_MAX {
            return Err(io::Error::other("what was sorted cannot be read back"));
        }
        self.record.resize(length, 0);
        self.reader.read_exact(&mut self.record)?;
        Ok(Some(key))
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

/// See the module.
pub struct Merge {
    runs: Vec<Run>,
    /// What each run stands at; the first is the next one.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
}

impl Merge {
    /// Of these runs.
    ///
    /// # Errors
    /// The disk failed.
    pub fn new(mut runs: Vec<Run>) -> io::Result<Self> {
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (place, run) in runs.iter_mut().enumerate() {
            if let Some(key) = run.next()? {
                heads.push(Reverse((key, place)));
            }
        }
        Ok(Self { runs, heads })
    }

    /// Where the next record belongs; `None` after the last.
    pub fn key(&self) -> Option<Key> {
        self.heads.peek().map(|Reverse((key, _))| *key)
    }

    /// The next record.
    pub fn record(&self) -> &[u8] {
        let head = self.heads.peek();
        let run = head.and_then(|Reverse((_, place))| self.runs.get(*place));
        run.map_or(&[], |run| &run.record)
    }

    /// Goes on to the one after it.
    ///
    /// # Errors
    /// The disk failed.
    pub fn advance(&mut self) -> io::Result<()> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(());
        };
        let Reverse((_, place)) = *head;
        match self
            .runs
            .get_mut(place)
            .map(Run::next)
            .transpose()?
            .flatten()
        {
            Some(key) => *head = Reverse((key, place)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        Ok(())
    }
}
