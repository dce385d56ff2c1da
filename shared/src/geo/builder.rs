//! Ranges of addresses to a table.
//!
//! Rules, in this order:
//! - Where ranges overlap, the smaller one holds, and of two alike the later: a network inside
//!   another one is the more exact statement, in whatever order a file has them. A range of
//!   nobody knows which country is a statement as well.
//! - Of a /24 (IPv6: /48) that several countries share, the one with the most addresses wins, and
//!   of two alike the one that comes first. "Unknown" wins only where there is no country at all:
//!   a visitor comes from an address that is in use.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::IpAddr;

use jiff::civil::Date;

use super::{MAGIC, UNCHECKED, V4_CUT, V6_CUT, VERSION, blocks, crc32, days};
use crate::{country, limits};

/// Two letters; [`UNKNOWN`] for none.
type Code = [u8; 2];
const UNKNOWN: Code = [0, 0];

/// Why a range cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// One end is IPv4 and the other IPv6.
    #[error("one end is IPv4, the other IPv6")]
    Families,
    /// It ends before it begins.
    #[error("it ends before it begins")]
    Reversed,
}

/// Why no table can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// No range has a country.
    #[error("there is no range with a country in it")]
    Empty,
    /// More codes than a byte numbers.
    #[error("there are more than 255 countries")]
    Countries,
    /// Nothing is said of where the data is from.
    #[error(
        "the attribution must have 1 to {} bytes and no line breaks",
        limits::GEO_ATTRIBUTION_BYTES_MAX
    )]
    Attribution,
    /// See [`limits::GEO_TABLE_BYTES_MAX`].
    #[error("the table would have more than {} bytes", limits::GEO_TABLE_BYTES_MAX)]
    TooLarge,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    first: u128,
    last: u128,
    country: Code,
}

/// Gathers ranges in any order and writes a table of them. The same ranges in the same order give
/// the same bytes.
#[derive(Debug, Default)]
pub struct Builder {
    v4: Vec<Span>,
    v6: Vec<Span>,
}

impl Builder {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a range, both ends within it. `country` is two letters of either case; whatever
    /// stands for "unknown" (see [`country::of_platform`]) and whatever is no code is unknown.
    ///
    /// # Errors
    /// The ends do not fit each other.
    pub fn add(&mut self, first: IpAddr, last: IpAddr, country: &str) -> Result<(), RangeError> {
        let (to, first, last) = match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (&mut self.v4, a.to_bits().into(), b.to_bits().into())
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (&mut self.v6, a.to_bits(), b.to_bits()),
            _ => return Err(RangeError::Families),
        };
        if last < first {
            return Err(RangeError::Reversed);
        }
        let country = country::of_platform(country);
        let country = country.as_bytes().first_chunk::<2>();
        to.push(Span {
            first,
            last,
            country: country.copied().unwrap_or(UNKNOWN),
        });
        Ok(())
    }

    /// How many ranges were added.
    pub fn ranges(&self) -> usize {
        self.v4.len().saturating_add(self.v6.len())
    }

    /// Writes the table. `built_on` is the day the data is of.
    ///
    /// # Errors
    /// There is nothing in it, or too much, or no usable attribution.
    pub fn finish(self, attribution: &str, built_on: Date) -> Result<Vec<u8>, BuildError> {
        let attribution_bytes = u16::try_from(attribution.len())
            .ok()
            .filter(|bytes| (1..=limits::GEO_ATTRIBUTION_BYTES_MAX).contains(&usize::from(*bytes)))
            .filter(|_| !attribution.chars().any(char::is_control))
            .ok_or(BuildError::Attribution)?;
        let v4 = changes(flatten(self.v4), V4_CUT, u32::BITS);
        let v6 = changes(flatten(self.v6), V6_CUT, u128::BITS);

        let codes: BTreeSet<Code> = v4.iter().chain(&v6).map(|(_, code)| *code).collect();
        let codes: Vec<Code> = codes.into_iter().filter(|code| *code != UNKNOWN).collect();
        if codes.is_empty() {
            return Err(BuildError::Empty);
        }
        let count = u8::try_from(codes.len()).map_err(|_| BuildError::Countries)?;
        let numbered = |changes: Vec<(u64, Code)>| -> Vec<(u64, u8)> {
            let number = |code| match codes.binary_search(&code) {
                Ok(place) => u8::try_from(place).unwrap_or(0).saturating_add(1),
                Err(_) => 0,
            };
            let numbered = changes.into_iter().map(|(key, code)| (key, number(code)));
            numbered.collect()
        };
        let too_large = BuildError::TooLarge;
        let (v4_index, v4_stream) = blocks::encode(&numbered(v4)).ok_or(too_large)?;
        let (v6_index, v6_stream) = blocks::encode(&numbered(v6)).ok_or(too_large)?;

        let mut body = days(built_on).to_le_bytes().to_vec();
        for (index, stream) in [(&v4_index, &v4_stream), (&v6_index, &v6_stream)] {
            for n in [index.len() / blocks::ENTRY_BYTES, stream.len()] {
                body.extend(u32::try_from(n).map_err(|_| too_large)?.to_le_bytes());
            }
        }
        body.extend(attribution_bytes.to_le_bytes());
        body.push(count);
        body.extend(codes.iter().flatten());
        body.extend(attribution.as_bytes());
        for part in [v4_index, v4_stream, v6_index, v6_stream] {
            body.extend(part);
        }
        let length = UNCHECKED.saturating_add(body.len());
        if length > limits::GEO_TABLE_BYTES_MAX {
            return Err(BuildError::TooLarge);
        }
        let mut table = MAGIC.to_vec();
        table.push(VERSION);
        table.extend(u32::try_from(length).map_err(|_| too_large)?.to_le_bytes());
        table.extend(crc32(&body).to_le_bytes());
        table.extend(body);
        Ok(table)
    }
}

/// Ranges in any order, overlapping or not, to ascending ones that do not overlap.
fn flatten(ranges: Vec<Span>) -> Vec<Span> {
    let mut flat = Vec::with_capacity(ranges.len());
    let mut ranges: Vec<(usize, Span)> = ranges.into_iter().enumerate().collect();
    ranges.sort_unstable_by_key(|(order, range)| (range.first, *order));
    let mut waiting = ranges.into_iter().peekable();
    // Of those that are open at `at`, the one that holds is on top.
    let mut open = BinaryHeap::new();
    let mut at = 0;
    loop {
        if open.is_empty() {
            match waiting.peek() {
                Some((_, next)) => at = next.first,
                None => return flat,
            }
        }
        while let Some((order, range)) = waiting.next_if(|(_, range)| range.first <= at) {
            let size = range.last.saturating_sub(range.first);
            open.push((Reverse(size), order, range.last, range.country));
        }
        let Some(&(_, _, last, country)) = open.peek() else {
            continue;
        };
        if last < at {
            open.pop();
            continue;
        }
        let until = match waiting.peek() {
            Some((_, next)) => last.min(next.first.saturating_sub(1)),
            None => last,
        };
        flat.push(Span {
            first: at,
            last: until,
            country,
        });
        match until.checked_add(1) {
            Some(next) => at = next,
            None => return flat, // The very last address: nothing can follow.
        }
    }
}

/// Ascending ranges to changes by key (`bits` - `cut` bits), from key 0 on.
fn changes(ranges: Vec<Span>, cut: u32, bits: u32) -> Vec<(u64, Code)> {
    let size = 1u128 << cut;
    let mut units = Units {
        changes: vec![(0, UNKNOWN)],
        next: 0,
        shared: None,
    };
    for Span {
        mut first,
        last,
        country,
    } in ranges
    {
        while first <= last {
            let key = first >> cut;
            let unit_last = first | (size - 1);
            let whole = first & (size - 1) == 0;
            if whole && last >= unit_last {
                // As many whole units as there are.
                let behind = (last >> cut) + u128::from(last & (size - 1) == size - 1);
                units.whole(key as u64, behind as u64, country);
                first = behind << cut;
            } else {
                let part_last = last.min(unit_last);
                units.part(key as u64, country, part_last - first + 1);
                first = match part_last.checked_add(1) {
                    Some(next) => next,
                    None => break,
                };
            }
            if first == 0 {
                break; // Behind the very last address.
            }
        }
    }
    units.close();
    if units.next < 1u64 << (bits - cut) {
        units.change(units.next, UNKNOWN);
    }
    units.changes
}

/// The changes so far, and the unit that several ranges share.
struct Units {
    changes: Vec<(u64, Code)>,
    /// The first key nothing is known of yet.
    next: u64,
    shared: Option<(u64, Vec<(Code, u128)>)>,
}

impl Units {
    /// Keys from `key` up to and without `behind`.
    fn whole(&mut self, key: u64, behind: u64, country: Code) {
        self.close();
        self.put(key, behind, country);
    }

    fn part(&mut self, key: u64, country: Code, addresses: u128) {
        if self.shared.as_ref().is_some_and(|(open, _)| *open != key) {
            self.close();
        }
        let (_, counts) = self.shared.get_or_insert((key, Vec::new()));
        match counts.iter_mut().find(|(code, _)| *code == country) {
            Some((_, count)) => *count = count.saturating_add(addresses),
            None => counts.push((country, addresses)),
        }
    }

    /// Decides a shared unit.
    fn close(&mut self) {
        let Some((key, counts)) = self.shared.take() else {
            return;
        };
        let known = counts.into_iter().filter(|(code, _)| *code != UNKNOWN);
        // Of equal ones the first: `max_by_key` would take the last.
        let winner = known.rev().max_by_key(|(_, count)| *count);
        let country = winner.map_or(UNKNOWN, |(code, _)| code);
        self.put(key, key.saturating_add(1), country);
    }

    fn put(&mut self, key: u64, behind: u64, country: Code) {
        if key > self.next {
            self.change(self.next, UNKNOWN);
        }
        self.change(key, country);
        self.next = behind;
    }

    fn change(&mut self, key: u64, country: Code) {
        match self.changes.last_mut() {
            Some((_, last)) if *last == country => {}
            // Only at key 0: what holds there stands in for "unknown".
            Some((at, last)) if *at == key => *last = country,
            _ => self.changes.push((key, country)),
        }
    }
}
