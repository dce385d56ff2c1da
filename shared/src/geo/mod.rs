//! A table of countries that an operator builds (`dayfly geo build`) and replaces without
//! rebuilding anything: the binary format and the lookup. [`Builder`] writes it.
//!
//! What always holds: nothing is decoded when a table is opened, a lookup allocates nothing, and
//! no bytes whatever make either panic (test `whatever_the_bytes_nothing_panics`). A table knows
//! IPv4 by /24 and IPv6 by /48, so a lookup cannot see more than the truncated address.
//!
//! # Format, version 1
//!
//! Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 7 | `DAYFGEO` |
//! | 1 | version, 1 |
//! | 4 | length of the whole table |
//! | 4 | CRC-32 (ISO-HDLC, as in gzip) of everything behind this field |
//! | 4 | day the data is of, days since 1970-01-01 |
//! | 4 × 4 | blocks and stream bytes of IPv4, then of IPv6 |
//! | 2 | attribution bytes |
//! | 1 | countries, 0 to 255 |
//! | 2 × countries | their codes, two upper-case letters each, ascending |
//! | … | attribution, UTF-8 |
//! | … | IPv4 index, IPv4 stream, IPv6 index, IPv6 stream; see `blocks.rs` |

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

mod blocks;
mod builder;
#[cfg(test)]
mod tests;

pub use builder::{BuildError, Builder, RangeError};

const MAGIC: &[u8; 7] = b"DAYFGEO";
const VERSION: u8 = 1;
/// Magic, version, length: what the checksum does not cover is before this, and the checksum.
const UNCHECKED: usize = 16;
/// Bits of an address that are cut away: IPv4 is known by /24, IPv6 by /48.
const V4_CUT: u32 = 8;
const V6_CUT: u32 = 80;
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Why bytes are no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// They do not begin as one.
    #[error("this is no table of `dayfly geo build`")]
    NotATable,
    /// Another version of Dayfly wrote it.
    #[error(
        "the table has format {0}, this version of Dayfly reads {VERSION}; build it anew with `dayfly geo build`"
    )]
    Version(u8),
    /// Not all of it is there, or more than that.
    #[error("the table should have {told} bytes and has {found}; copy or build it anew")]
    Length {
        /// By its header.
        told: u64,
        /// Really.
        found: u64,
    },
    /// Its bytes are not those that were written.
    #[error("the table is damaged; copy or build it anew")]
    Damaged,
}

/// An opened table, over bytes that it owns (`Table<'static>`) or borrows.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    bytes: Cow<'a, [u8]>,
    built_on: Date,
    countries: Range<usize>,
    attribution: Range<usize>,
    v4: Part,
    v6: Part,
}

/// Where the data of one family lies.
#[derive(Debug, Clone)]
struct Part {
    index: Range<usize>,
    stream: Range<usize>,
}

impl<'a> Table<'a> {
    /// Opens a table: checks its header, its lengths and its checksum (well under a millisecond),
    /// and decodes nothing.
    ///
    /// # Errors
    /// The bytes are no table, of another version, or not as they were written.
    pub fn open(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, TableError> {
        let bytes = bytes.into();
        let found = bytes.len();
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(TableError::NotATable)?;
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return Err(TableError::Version(version));
        }
        let told = take_u32(&mut rest)?;
        if told != found {
            return Err(TableError::Length {
                told: told as u64,
                found: found as u64,
            });
        }
        let checksum = u32::from_le_bytes(take(&mut rest)?);
        if crc32(rest) != checksum {
            return Err(TableError::Damaged);
        }
        let built_on = date(u32::from_le_bytes(take(&mut rest)?))?;
        let v4 = (take_u32(&mut rest)?, take_u32(&mut rest)?);
        let v6 = (take_u32(&mut rest)?, take_u32(&mut rest)?);
        let attribution = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let [countries] = take(&mut rest)?;

        let mut at = found.saturating_sub(rest.len());
        let mut section = |length: usize| {
            let from = at;
            at = at.saturating_add(length);
            from..at
        };
        let countries = section(usize::from(countries) * 2);
        let attribution = section(attribution);
        let mut part = |(blocks, stream): (usize, usize)| Part {
            index: section(blocks.saturating_mul(blocks::ENTRY_BYTES)),
            stream: section(stream),
        };
        let (v4, v6) = (part(v4), part(v6));
        if v6.stream.end != found {
            return Err(TableError::Damaged);
        }
        let table = Self {
            bytes,
            built_on,
            countries,
            attribution,
            v4,
            v6,
        };
        let letters = table.part(&table.countries).ok_or(TableError::Damaged)?;
        let text = table.part(&table.attribution).ok_or(TableError::Damaged)?;
        if !letters.iter().all(u8::is_ascii_uppercase) || std::str::from_utf8(text).is_err() {
            return Err(TableError::Damaged);
        }
        Ok(table)
    }

    /// The country of an address: two upper-case letters, or `None` where the table has none.
    /// Callers pass [`crate::address::ClientAddress::truncated`]; what lies beyond /24 and /48
    /// would not be looked at.
    pub fn lookup(&self, truncated: IpAddr) -> Option<&str> {
        let (part, key) = match truncated {
            IpAddr::V4(v4) => (&self.v4, u64::from(v4.to_bits() >> V4_CUT)),
            IpAddr::V6(v6) => (&self.v6, (v6.to_bits() >> V6_CUT) as u64),
        };
        let country = blocks::find(self.part(&part.index)?, self.part(&part.stream)?, key)?;
        let at = usize::from(country.checked_sub(1)?) * 2;
        let letters = self.part(&self.countries)?.get(at..)?.first_chunk::<2>()?;
        std::str::from_utf8(letters).ok()
    }

    /// Whom the data is from and under which licence; shown wherever the numbers are.
    pub fn attribution(&self) -> &str {
        let bytes = self.part(&self.attribution).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The day the data is of.
    pub fn built_on(&self) -> Date {
        self.built_on
    }

    /// How many countries there are in it.
    pub fn countries(&self) -> usize {
        self.countries.len() / 2
    }

    fn part(&self, range: &Range<usize>) -> Option<&[u8]> {
        self.bytes.get(range.clone())
    }
}

/// Takes the next bytes of a header that may be too short.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], TableError> {
    let (taken, behind) = rest.split_first_chunk::<N>().ok_or(TableError::NotATable)?;
    *rest = behind;
    Ok(*taken)
}

fn take_u32(rest: &mut &[u8]) -> Result<usize, TableError> {
    usize::try_from(u32::from_le_bytes(take(rest)?)).map_err(|_| TableError::Damaged)
}

fn date(days: u32) -> Result<Date, TableError> {
    let span = Span::new().try_days(days);
    span.and_then(|span| EPOCH.checked_add(span))
        .map_err(|_| TableError::Damaged)
}

/// The inverse of [`date`]; what lies before 1970 becomes 1970.
fn days(date: Date) -> u32 {
    let span = EPOCH.until(date).unwrap_or(0.days());
    u32::try_from(span.get_days()).unwrap_or(0)
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
