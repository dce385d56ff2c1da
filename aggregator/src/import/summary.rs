//! What an import came to, in plain words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use shared::batch::Batch;

use super::read::{BAD_TOLD, Found};
use crate::store::Applied;

/// See the module.
#[derive(Debug, Default)]
pub struct Summary {
    /// What was read.
    found: Found,
    /// It was broken off before.
    resumed: bool,
    /// Hits of each day.
    days: BTreeMap<Date, u64>,
    /// Not counted, by reason.
    dropped: BTreeMap<&'static str, u64>,
    /// Batches that were in before.
    before: u64,
    /// What was left out, and why.
    notes: Vec<String>,
    /// Rows of daily counts were imported, no events.
    is_rows: bool,
}

impl Summary {
    /// After reading.
    pub fn new(found: Found, resumed: bool) -> Self {
        Self {
            found,
            resumed,
            ..Self::default()
        }
    }

    /// After reading rows of daily counts, with what was left out of them.
    pub fn of_rows(rows: u64, notes: Vec<String>, resumed: bool) -> Self {
        let found = Found {
            lines: rows,
            ..Found::default()
        };
        Self {
            notes,
            is_rows: true,
            ..Self::new(found, resumed)
        }
    }

    /// Events that are to be counted or dropped.
    pub fn events(&self) -> u64 {
        self.found.lines - self.found.bad - self.found.others
    }

    /// Takes a batch in.
    pub fn batch(&mut self, batch: &Batch, applied: Applied) {
        for (reason, n) in &batch.dropped {
            *self.dropped.entry(reason.as_str()).or_default() += n;
        }
        self.day(batch.source.date, batch.hits_total, applied);
    }

    /// Takes a day in.
    pub fn day(&mut self, date: Date, hits_total: u64, applied: Applied) {
        self.before += u64::from(applied == Applied::Before);
        self.days.insert(date, hits_total);
    }

    /// Events that were counted.
    pub fn counted(&self) -> u64 {
        self.days.values().sum()
    }

    /// Events that were dropped, by reason.
    pub const fn dropped(&self) -> &BTreeMap<&'static str, u64> {
        &self.dropped
    }

    /// Lines that could not be read.
    pub const fn bad(&self) -> u64 {
        self.found.bad
    }

    /// The first and the last day.
    pub fn range(&self) -> Option<(Date, Date)> {
        let first = self.days.first_key_value()?;
        let last = self.days.last_key_value()?;
        Some((*first.0, *last.0))
    }

    /// The bad lines, a line each, and how many more there are; for standard error.
    pub fn complaints(&self) -> String {
        let mut text = String::new();
        for (line, problem) in &self.found.first_bad {
            let _ = writeln!(text, "line {line}: {problem}");
        }
        if self.found.bad > BAD_TOLD as u64 {
            let more = self.found.bad - BAD_TOLD as u64;
            let _ = writeln!(text, "and {more} more lines that cannot be read");
        }
        text
    }

    /// All of it, for standard output.
    pub fn told(&self) -> String {
        let mut text = String::new();
        if self.resumed {
            let _ = writeln!(
                text,
                "went on with an import that was broken off; {} of its parts were in",
                self.before
            );
        }
        let unit = if self.is_rows { "rows" } else { "lines" };
        let _ = writeln!(text, "{} {unit} read", self.found.lines);
        if self.found.bad > 0 {
            let _ = writeln!(text, "{} skipped: they cannot be read", self.found.bad);
        }
        if self.found.others > 0 {
            let _ = writeln!(text, "{} of no page view", self.found.others);
        }
        for (reason, n) in &self.dropped {
            let _ = writeln!(text, "{n} not counted: {reason}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        let what = match self.is_rows {
            true => "page views",
            false => "events",
        };
        match self.range() {
            Some((first, last)) => {
                let days = self.days.len();
                let days = match days {
                    1 => "1 day".to_owned(),
                    _ => format!("{days} days"),
                };
                let n = self.counted();
                let _ = writeln!(text, "{n} {what} counted on {days}, {first} to {last}");
            }
            None => {
                let _ = writeln!(text, "nothing to count");
            }
        }
        text
    }
}
