//! A part of a segment: strings, and columns of numbers, encoded by themselves.
//!
//! Layout: version, then as LEB128 the number of rows, of strings and of columns; for the strings
//! and each column its number, its length plain and as stored; then the bytes. What is stored
//! shorter than it is plain is a zstd frame. Who needs one column skips the others.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::SegmentError;

/// Version byte before every part.
const VERSION: u8 = 1;
/// zstd's level: higher ones gain a few per cent and cost several times the time (measured on the
/// site-year of `scripts/bench store`).
const LEVEL: i32 = 3;
/// The number in the directory under which the strings stand.
const STRINGS: u8 = 255;
/// Most rows, strings and bytes of one stream that are believed: what is stored is ours, but a
/// broken disk must not make us ask for all memory.
const ROWS_MAX: u64 = 16 * 1024 * 1024;
const STREAM_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Number of a column.
pub type ColumnId = u8;

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Part {
    /// How many rows every column has.
    pub rows: usize,
    /// What columns of texts name by place.
    pub strings: Vec<Arc<str>>,
    /// Columns, each with a value for every row. A column of nothing but 0 is left out.
    pub columns: BTreeMap<ColumnId, Vec<u64>>,
}

impl Part {
    /// The part as bytes. `by_difference` says of a column that its values lie close to the ones
    /// before, and are stored as differences. With `packed` each stream is packed by itself;
    /// otherwise none is, for who packs the whole.
    pub fn encode(
        &self,
        by_difference: impl Fn(ColumnId) -> bool,
        packed: bool,
    ) -> Result<Vec<u8>, SegmentError> {
        let mut streams: Vec<(ColumnId, usize, Vec<u8>)> = Vec::new();
        if !self.strings.is_empty() {
            let mut plain = Vec::new();
            for text in &self.strings {
                put(&mut plain, text.len() as u64);
            }
            for text in &self.strings {
                plain.extend_from_slice(text.as_bytes());
            }
            streams.push(squeeze(STRINGS, plain, packed)?);
        }
        for (id, values) in &self.columns {
            if values.iter().all(|n| *n == 0) {
                continue;
            }
            let mut plain = Vec::with_capacity(values.len() + 16);
            let mut before = 0;
            for n in values {
                if by_difference(*id) {
                    put(&mut plain, zigzag(n.wrapping_sub(before).cast_signed()));
                    before = *n;
                } else {
                    put(&mut plain, *n);
                }
            }
            streams.push(squeeze(*id, plain, packed)?);
        }
        let mut bytes = vec![VERSION];
        put(&mut bytes, self.rows as u64);
        put(&mut bytes, self.strings.len() as u64);
        put(&mut bytes, streams.len() as u64);
        for (id, plain, stored) in &streams {
            bytes.push(*id);
            put(&mut bytes, *plain as u64);
            put(&mut bytes, stored.len() as u64);
        }
        for (.., stored) in &streams {
            bytes.extend_from_slice(stored);
        }
        Ok(bytes)
    }

    /// Reads the whole part.
    ///
    /// # Errors
    /// The bytes are not of a part.
    pub fn decode(
        bytes: &[u8],
        by_difference: impl Fn(ColumnId) -> bool,
    ) -> Result<Self, SegmentError> {
        let reader = PartReader::new(bytes)?;
        let mut columns = BTreeMap::new();
        for id in reader.columns() {
            columns.insert(id, reader.column(id, by_difference(id))?);
        }
        Ok(Self {
            rows: reader.rows(),
            strings: reader.strings()?.iter().map(Arc::from).collect(),
            columns,
        })
    }
}

/// The strings of a part, in one.
#[derive(Debug, Default)]
pub struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(&0).chain(&self.ends);
        let strings = begins.zip(&self.ends);
        strings.map(|(begin, end)| self.text.get(*begin..*end).unwrap_or_default())
    }
}

/// Reads single columns of a part.
pub struct PartReader<'a> {
    rows: usize,
    strings: usize,
    streams: Vec<(ColumnId, usize, &'a [u8])>,
}

impl<'a> PartReader<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// The bytes are not of a part.
    pub fn new(bytes: &'a [u8]) -> Result<Self, SegmentError> {
        let mut rest = bytes;
        if take(&mut rest, 1)? != [VERSION] {
            return Err(SegmentError("another version"));
        }
        let rows = bounded(&mut rest, ROWS_MAX)?;
        let strings = bounded(&mut rest, ROWS_MAX)?;
        let count = bounded(&mut rest, 256)?;
        let mut directory = Vec::with_capacity(count);
        for _ in 0..count {
            let [id] = take(&mut rest, 1)? else {
                return Err(SegmentError("cut short"));
            };
            let plain = bounded(&mut rest, STREAM_BYTES_MAX)?;
            let stored = bounded(&mut rest, STREAM_BYTES_MAX)?;
            directory.push((*id, plain, stored));
        }
        let mut streams = Vec::with_capacity(count);
        for (id, plain, stored) in directory {
            streams.push((id, plain, take(&mut rest, stored)?));
        }
        if !rest.is_empty() {
            return Err(SegmentError("bytes left over"));
        }
        Ok(Self {
            rows,
            strings,
            streams,
        })
    }

    /// How many rows every column has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns that are not all 0.
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.streams
            .iter()
            .map(|(id, ..)| *id)
            .filter(|id| *id != STRINGS)
    }

    /// The strings.
    ///
    /// # Errors
    /// The bytes are not of strings.
    pub fn strings(&self) -> Result<Strings, SegmentError> {
        let Some(plain) = self.plain(STRINGS)? else {
            return Ok(Strings::default());
        };
        let mut rest = plain.as_ref();
        let mut ends = Vec::with_capacity(self.strings);
        let mut end = 0_usize;
        for _ in 0..self.strings {
            end += bounded(&mut rest, STREAM_BYTES_MAX)?;
            ends.push(end);
        }
        let text = std::str::from_utf8(rest).map_err(|_| SegmentError("a text is not UTF-8"))?;
        if ends.iter().all(|end| text.is_char_boundary(*end)) {
            Ok(Strings {
                text: text.to_owned(),
                ends,
            })
        } else {
            Err(SegmentError("cut short"))
        }
    }

    /// The values of a column.
    ///
    /// # Errors
    /// The bytes are not of so many values.
    pub fn column(&self, id: ColumnId, by_difference: bool) -> Result<Vec<u64>, SegmentError> {
        self.values(id, by_difference, |n| n)
    }

    /// The values of a column of places or hours, in half the memory. What is too large to be one
    /// becomes the largest number there is, which is no place either.
    ///
    /// # Errors
    /// The bytes are not of so many values.
    pub fn places(&self, id: ColumnId, by_difference: bool) -> Result<Vec<u32>, SegmentError> {
        self.values(id, by_difference, |n| u32::try_from(n).unwrap_or(u32::MAX))
    }

    fn values<T: Copy + Default>(
        &self,
        id: ColumnId,
        by_difference: bool,
        of: impl Fn(u64) -> T,
    ) -> Result<Vec<T>, SegmentError> {
        let mut values = vec![T::default(); self.rows];
        let Some(plain) = self.plain(id)? else {
            return Ok(values);
        };
        if by_difference {
            let mut before = 0_u64;
            read(&plain, &mut values, |n| {
                before = before.wrapping_add(unzigzag(n).cast_unsigned());
                of(before)
            })?;
        } else {
            read(&plain, &mut values, of)?;
        }
        Ok(values)
    }

    fn plain(&self, id: ColumnId) -> Result<Option<Cow<'a, [u8]>>, SegmentError> {
        let Some((_, plain, stored)) = self.streams.iter().find(|(known, ..)| *known == id) else {
            return Ok(None);
        };
        if stored.len() == *plain {
            return Ok(Some(Cow::Borrowed(stored)));
        }
        let bytes = unpack(stored, *plain)?;
        if bytes.len() == *plain {
            Ok(Some(Cow::Owned(bytes)))
        } else {
            Err(SegmentError("a column has another length"))
        }
    }
}

fn squeeze(
    id: ColumnId,
    plain: Vec<u8>,
    packed: bool,
) -> Result<(ColumnId, usize, Vec<u8>), SegmentError> {
    let length = plain.len();
    // A frame has a head of about this size.
    if packed && length > 24 {
        let packed = pack(&plain)?;
        if packed.len() < length {
            return Ok((id, length, packed));
        }
    }
    Ok((id, length, plain))
}

thread_local! {
    /// Setting one up costs more than packing a small column.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        const { RefCell::new(None) };
}

/// A zstd frame.
pub(super) fn pack(plain: &[u8]) -> Result<Vec<u8>, SegmentError> {
    let failed = |_| SegmentError("bytes cannot be packed");
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = Some(zstd::bulk::Compressor::new(LEVEL).map_err(failed)?);
        }
        match packer {
            Some(packer) => packer.compress(plain).map_err(failed),
            None => Ok(plain.to_vec()),
        }
    })
}

/// What a frame holds, `length` bytes.
pub(super) fn unpack(frame: &[u8], length: usize) -> Result<Vec<u8>, SegmentError> {
    let failed = |_| SegmentError("bytes cannot be unpacked");
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Some(zstd::bulk::Decompressor::new().map_err(failed)?);
        }
        match unpacker {
            Some(unpacker) => unpacker.decompress(frame, length).map_err(failed),
            None => Err(SegmentError("bytes cannot be unpacked")),
        }
    })
}

fn put(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push((n & 0x7F) as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

/// The bit of each of eight bytes that says that its number goes on.
const GOES_ON: u64 = 0x8080_8080_8080_8080;

/// Reads so many numbers. Most take one byte: eight of them are read at a time; and numbers of up to
/// four bytes without a branch on their length, which nothing could foretell.
fn read<T>(
    plain: &[u8],
    values: &mut [T],
    mut of: impl FnMut(u64) -> T,
) -> Result<(), SegmentError> {
    let mut rest = plain;
    let mut at = 0;
    while at < values.len() {
        if let Some(bytes) = rest.first_chunk::<8>() {
            let word = u64::from_le_bytes(*bytes);
            let goes_on = word & GOES_ON;
            if let (0, Some(eight)) = (goes_on, values[at..].first_chunk_mut::<8>()) {
                for (value, byte) in eight.iter_mut().zip(bytes) {
                    *value = of(u64::from(*byte));
                }
                (rest, at) = (&rest[8..], at + 8);
                continue;
            }
            let bits = (goes_on ^ GOES_ON).trailing_zeros() + 1;
            if bits <= 32 {
                let word = word & (u64::MAX >> (64 - bits));
                let low = (word & 0x7F) | (word >> 1 & 0x3F80);
                values[at] = of(low | (word >> 2 & 0x1F_C000) | (word >> 3 & 0xFE0_0000));
                (rest, at) = (&rest[bits as usize / 8..], at + 1);
                continue;
            }
        }
        values[at] = of(number(&mut rest)?);
        at += 1;
    }
    Ok(())
}

fn number(rest: &mut &[u8]) -> Result<u64, SegmentError> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let [byte, after @ ..] = *rest else {
            return Err(SegmentError("cut short"));
        };
        *rest = after;
        n |= u64::from(byte & 0x7F) << shift;
        if *byte < 0x80 {
            return Ok(n);
        }
    }
    Err(SegmentError("a number is too long"))
}

fn bounded(rest: &mut &[u8], most: u64) -> Result<usize, SegmentError> {
    let n = number(rest)?;
    if n > most {
        return Err(SegmentError("a number is too large"));
    }
    usize::try_from(n).map_err(|_| SegmentError("a number is too large"))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], SegmentError> {
    let (taken, after) = rest
        .split_at_checked(length)
        .ok_or(SegmentError("cut short"))?;
    *rest = after;
    Ok(taken)
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_difference(id: ColumnId) -> bool {
        id % 2 == 1
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            strings in prop::collection::vec("\\PC{0,12}", 0..20),
            rows in prop::collection::vec(
                // Numbers of each length; few that take more than a byte.
                ((any::<u64>(), 0u32..64).prop_map(|(n, by)| n >> by), 0u64..132, Just(0u64), 0u64..2),
                0..200,
            ),
        ) {
            let mut columns: BTreeMap<ColumnId, Vec<u64>> = BTreeMap::new();
            for (a, b, c, d) in &rows {
                for (id, n) in [(1, *a), (2, *b), (3, *c), (4, *d), (5, *b)] {
                    columns.entry(id).or_default().push(n);
                }
            }
            let part = Part {
                rows: rows.len(),
                strings: strings.iter().map(|text| Arc::from(text.as_str())).collect(),
                columns: columns.clone(),
            };
            let bytes = part.encode(by_difference, true).unwrap();
            let read = PartReader::new(&bytes).unwrap();
            let texts = read.strings().unwrap();
            prop_assert!(texts.iter().eq(strings.iter().map(String::as_str)));
            for (id, values) in &columns {
                prop_assert_eq!(&read.column(*id, by_difference(*id)).unwrap(), values);
                let places = values.iter().map(|n| u32::try_from(*n).unwrap_or(u32::MAX));
                let places: Vec<u32> = places.collect();
                prop_assert_eq!(read.places(*id, by_difference(*id)).unwrap(), places);
            }
            prop_assert_eq!(Part::decode(&bytes, by_difference).unwrap().encode(by_difference, true).unwrap(), bytes);
        }

        #[test]
        fn broken_bytes_are_refused_and_nothing_else_happens(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let _ = Part::decode(&bytes, by_difference);
            let part = Part {
                rows: 100,
                strings: vec![Arc::from("/a"), Arc::from("/b")],
                columns: BTreeMap::from([(1, (0..100).collect()), (2, vec![7; 100])]),
            };
            let mut bytes = part.encode(by_difference, true).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let _ = Part::decode(&bytes, by_difference);
            bytes.truncate(at);
            prop_assert!(Part::decode(&bytes, by_difference).is_err());
        }
    }
}
