//! The table of sources turned into three sorted arrays, by the compiler: no start-up work, no
//! allocation, and the table itself stays grouped as people read it.
//!
//! Keys are ordered by length, then by their folded bytes, so that most steps of a search
//! compare two lengths. Folding makes case, and space, `_` and `-`, the same.
#![expect(
    clippy::indexing_slicing,
    reason = "only in const fn run by the compiler, where out of bounds does not compile"
)]

use std::cmp::Ordering;

use super::Known;
use super::table::KNOWN;

/// A key and the row it stands for.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) known: &'static Known,
    /// Without subdomains.
    exact: bool,
}

/// The row of a host; `whole` when `name` is no domain above the host but the host itself.
pub(super) fn host(name: &str, whole: bool) -> Option<&'static Known> {
    find(&HOSTS, name, whole)
}

/// The row of a host without its national ending.
pub(super) fn national(name: &str, whole: bool) -> Option<&'static Known> {
    find(&NATIONAL, name, whole)
}

/// The row of a value of `utm_source`.
pub(super) fn alias(name: &str) -> Option<&'static Known> {
    find(&ALIASES, name, true)
}

/// Whether two names are the same once folded.
pub(super) const fn same(a: &str, b: &str) -> bool {
    matches!(compare(a, b), Ordering::Equal)
}

fn find(index: &[Entry], name: &str, whole: bool) -> Option<&'static Known> {
    let at = index.binary_search_by(|entry| compare(entry.key, name));
    let entry = index.get(at.ok()?)?;
    (whole || !entry.exact).then_some(entry.known)
}

/// Which keys of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    /// Hosts without `.*`.
    Host,
    /// Hosts with `.*`, the ending taken off.
    National,
    /// The name and its aliases.
    Alias,
}

pub(super) static HOSTS: [Entry; count(Column::Host)] = sorted(Column::Host);
pub(super) static NATIONAL: [Entry; count(Column::National)] = sorted(Column::National);
pub(super) static ALIASES: [Entry; count(Column::Alias)] = sorted(Column::Alias);

const fn fold(byte: u8) -> u8 {
    match byte {
        b' ' | b'_' => b'-',
        byte => byte.to_ascii_lowercase(),
    }
}

const fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return if a.len() < b.len() {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b) {
        let (x, y) = (fold(*x), fold(*y));
        if x != y {
            return if x < y {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

/// Takes the first word off a list; both empty at its end.
const fn next_word(list: &'static str) -> (&'static str, &'static str) {
    let bytes = list.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b' ' {
        end += 1;
    }
    let (word, rest) = list.split_at(end);
    if rest.is_empty() {
        (word, rest)
    } else {
        (word, rest.split_at(1).1)
    }
}

/// A word of the table as a key of the column, if it belongs there.
const fn key_of(word: &'static str, known: &'static Known, column: Column) -> Option<Entry> {
    let bytes = word.as_bytes();
    let exact = bytes[0] == b'=';
    let bare = if exact { word.split_at(1).1 } else { word };
    let is_national = bytes[bytes.len() - 1] == b'*';
    let key = match column {
        Column::Alias => word,
        Column::Host if !is_national => bare,
        Column::National if is_national => bare.split_at(bare.len() - 2).0,
        _ => return None,
    };
    Some(Entry { key, known, exact })
}

const fn words(known: &'static Known, column: Column) -> &'static str {
    match column {
        Column::Alias => known.aliases,
        _ => known.hosts,
    }
}

const fn count(column: Column) -> usize {
    let mut count = 0;
    let mut row = 0;
    while row < KNOWN.len() {
        if matches!(column, Column::Alias) {
            count += 1;
        }
        let mut list = words(&KNOWN[row], column);
        while !list.is_empty() {
            let (word, rest) = next_word(list);
            if key_of(word, &KNOWN[row], column).is_some() {
                count += 1;
            }
            list = rest;
        }
        row += 1;
    }
    count
}

const fn sorted<const N: usize>(column: Column) -> [Entry; N] {
    let mut entries = [Entry {
        key: "",
        known: &KNOWN[0],
        exact: true,
    }; N];
    let mut len = 0;
    let mut row = 0;
    while row < KNOWN.len() {
        let known = &KNOWN[row];
        if matches!(column, Column::Alias) {
            entries[len] = Entry {
                key: known.name,
                known,
                exact: true,
            };
            len += 1;
        }
        let mut list = words(known, column);
        while !list.is_empty() {
            let (word, rest) = next_word(list);
            if let Some(entry) = key_of(word, known, column) {
                entries[len] = entry;
                len += 1;
            }
            list = rest;
        }
        row += 1;
    }
    sort(&mut entries);
    entries
}

/// Heap sort: the compiler counts its steps, and the standard sorts are not const.
const fn sort(heap: &mut [Entry]) {
    let mut root = heap.len() / 2;
    while root > 0 {
        root -= 1;
        sift_down(heap, root, heap.len());
    }
    let mut end = heap.len();
    while end > 1 {
        end -= 1;
        heap.swap(0, end);
        sift_down(heap, 0, end);
    }
}

const fn sift_down(heap: &mut [Entry], mut root: usize, end: usize) {
    loop {
        let mut child = 2 * root + 1;
        if child >= end {
            return;
        }
        if child + 1 < end && less(&heap[child], &heap[child + 1]) {
            child += 1;
        }
        if !less(&heap[root], &heap[child]) {
            return;
        }
        heap.swap(root, child);
        root = child;
    }
}

const fn less(a: &Entry, b: &Entry) -> bool {
    matches!(compare(a.key, b.key), Ordering::Less)
}
