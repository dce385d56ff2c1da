//! What a Worker tells a day object: what happened, gathered into one call. It lives in memory
//! only; the day object writes counts and sealed rows, never a [`Hit`].
//!
//! Form: a [`Header`] and then [`Entry`] after entry until the end, each postcard. Texts are
//! borrowed from the bytes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::attrs::{CLIENT_ATTRS_LEN, TRAFFIC_LEN};
use crate::clock::UnixMs;
use crate::drops::Drop;
use crate::handover::{OVERHEAD_BYTES, PUBLIC_BYTES, PublicKey, Purpose, Receiver, seal};
use crate::limits::{CALL_BYTES_MAX, GATHER_HITS_MAX};
use crate::settings::Detail;
use crate::visitor::{DayKey, VisitorHash};

/// Version of this format; a call of another version is refused and repeated after the upgrade.
pub const CALL_VERSION: u8 = 4;

/// What kind of event it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HitKind<'a> {
    /// A page was seen.
    PageView,
    /// The page was in use.
    Engagement {
        /// Deepest point reached, percent.
        scroll_percent: Option<u8>,
        /// Time visible and in use, milliseconds.
        engaged_ms: Option<u32>,
    },
    /// A named event.
    Custom {
        /// Its name.
        name: &'a str,
        /// Whether it shows that the visitor did something (ends a bounce).
        interactive: bool,
    },
}

/// What an event brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revenue<'a> {
    /// ISO 4217 code.
    pub currency: &'a str,
    /// Thousandths of its unit.
    pub milli: u64,
}

/// One event as the day object counts it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit<'a> {
    /// Who; `None` under a privacy signal: then a page view is counted, and nobody with it.
    pub visitor: Option<VisitorHash>,
    /// When, seconds since the start of the local day.
    pub at_s: u32,
    /// What.
    #[serde(borrow)]
    pub kind: HitKind<'a>,
    /// Where: the path.
    pub page: &'a str,
    /// Where: the host.
    pub host: &'a str,
    /// C, in the order of [`crate::attrs::CLIENT_ATTRS`].
    pub client: [&'a str; CLIENT_ATTRS_LEN],
    /// Where it came from, in the order of [`crate::attrs::Traffic`]; looked at when it begins a
    /// visit.
    pub traffic: [&'a str; TRAFFIC_LEN],
    /// Properties: name, value.
    pub props: Vec<(&'a str, &'a str)>,
    /// Revenue.
    pub revenue: Option<Revenue<'a>>,
    /// Numbers of the goals it completes.
    pub goals: Vec<u32>,
    /// Steps of funnels that it may be: number of the funnel, step from 1.
    pub steps: Vec<(u32, u8)>,
}

/// What a call is made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry<'a> {
    /// An event to count.
    #[serde(borrow)]
    Hit(Box<Hit<'a>>),
    /// An event that was dropped: only that is counted.
    Dropped(Drop),
}

/// The day key, sealed for one day object: all that goes through the platform (I3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// [`DayKey::check`] of it.
    pub check: [u8; 8],
    /// Of the sender; then the key and its tag: [`seal`]'s bytes in pieces that serde knows.
    from: [u8; PUBLIC_BYTES],
    key: [u8; 32],
    tag: [u8; OVERHEAD_BYTES - PUBLIC_BYTES],
}

impl SealedKey {
    /// For a day object that has not said yet whom to seal for: it answers with its public key, unless
    /// it has the key already.
    pub fn unknown(check: [u8; 8]) -> Self {
        Self {
            check,
            from: [0; PUBLIC_BYTES],
            key: [0; 32],
            tag: [0; OVERHEAD_BYTES - PUBLIC_BYTES],
        }
    }

    /// Seals a key, with random bytes as [`seal`] wants them.
    pub fn new(key: &DayKey, to: PublicKey, random: &[u8; 32]) -> Option<Self> {
        let sealed = seal(to, Purpose::DayKey, random, key.bytes())?;
        let (from, rest) = sealed.split_first_chunk()?;
        let (text, tag) = rest.split_first_chunk()?;
        Some(Self {
            check: key.check(),
            from: *from,
            key: *text,
            tag: tag.try_into().ok()?,
        })
    }

    /// The key, for whom it was sealed for.
    pub fn open(&self, receiver: &Receiver) -> Option<DayKey> {
        let sealed = [&self.from[..], &self.key, &self.tag].concat();
        let key = DayKey::from_slice(&receiver.open(Purpose::DayKey, &sealed)?)?;
        (key.check() == self.check).then_some(key)
    }
}

/// What the entries of a call have in common. On its way `K` is a [`SealedKey`].
#[derive(Clone, Serialize, Deserialize)]
pub struct Header<K = DayKey> {
    /// [`CALL_VERSION`].
    pub version: u8,
    /// Random; a repeated call is known by it.
    pub id: [u8; 16],
    /// Start of the local day.
    pub day_start_ms: UnixMs,
    /// End of the local day.
    pub day_end_ms: UnixMs,
    /// Seals what is written about visitors.
    pub key: K,
    /// The salt is an emergency one: visitors may be counted again.
    pub degraded: bool,
    /// How much of the counts leaves the edge.
    pub detail: Detail,
}

impl<K> Header<K> {
    /// The same with another key, or the same one in another form.
    pub fn with_key<L>(self, key: L) -> Header<L> {
        Header {
            version: self.version,
            id: self.id,
            day_start_ms: self.day_start_ms,
            day_end_ms: self.day_end_ms,
            key,
            degraded: self.degraded,
            detail: self.detail,
        }
    }
}

/// Puts the same key, sealed for somebody else, into an encoded call or question; `None` if it is
/// none, or has another key.
pub fn resealed(bytes: &[u8], key: SealedKey) -> Option<Vec<u8>> {
    if bytes.first() != Some(&CALL_VERSION) {
        return None;
    }
    let (header, rest) = postcard::take_from_bytes::<Header<SealedKey>>(bytes).ok()?;
    if header.key.check != key.check {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    out = postcard::to_extend(&header.with_key(key), out).ok()?;
    out.extend_from_slice(rest);
    Some(out)
}

/// A question of somebody about themselves, to the day object that would count them.
#[derive(Clone, Serialize, Deserialize)]
pub struct About<K = DayKey> {
    /// As of a call.
    pub header: Header<K>,
    /// Who.
    pub visitor: VisitorHash,
    /// Delete what is held, and do not count them for the rest of the day.
    pub forget: bool,
}

impl About<SealedKey> {
    /// The bytes to send.
    pub fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// Reads what [`About::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.first() {
            Some(&CALL_VERSION) => postcard::from_bytes(bytes).ok(),
            _ => None,
        }
    }
}

/// A call, read.
pub struct Call<'a, K = DayKey> {
    /// What its entries have in common.
    pub header: Header<K>,
    /// In order of arrival.
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Call<'a> {
    /// Reads what a [`CallBuilder`] wrote with the key itself: a call that goes nowhere, as in tests.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        Self::read(bytes)
    }
}

impl<'a> Call<'a, SealedKey> {
    /// Reads what a [`CallBuilder`] wrote to be sent.
    pub fn decode_sealed(bytes: &'a [u8]) -> Option<Self> {
        Self::read(bytes)
    }

    /// The same with its key.
    pub fn opened(self, key: DayKey) -> Call<'a> {
        Call {
            header: self.header.with_key(key),
            entries: self.entries,
        }
    }
}

impl<'a, K: DeserializeOwned> Call<'a, K> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > CALL_BYTES_MAX || bytes.first() != Some(&CALL_VERSION) {
            return None;
        }
        let (header, mut rest) = postcard::take_from_bytes(bytes).ok()?;
        let mut entries = Vec::new();
        while !rest.is_empty() {
            if entries.len() >= GATHER_HITS_MAX {
                return None;
            }
            let entry;
            (entry, rest) = postcard::take_from_bytes(rest).ok()?;
            entries.push(entry);
        }
        Some(Self { header, entries })
    }
}

/// A call that is being gathered.
pub struct CallBuilder {
    bytes: Vec<u8>,
    entries: usize,
}

impl CallBuilder {
    /// A call without entries.
    pub fn new<K: Serialize>(header: &Header<K>) -> Option<Self> {
        let bytes = postcard::to_allocvec(header).ok()?;
        Some(Self { bytes, entries: 0 })
    }

    /// Whether one more entry surely fits.
    pub fn has_room(&self) -> bool {
        // An entry is smaller than two bodies of a beacon, which is what its texts come from.
        let room = CALL_BYTES_MAX.saturating_sub(self.bytes.len());
        self.entries < GATHER_HITS_MAX && room > 2 * crate::limits::EVENT_BODY_BYTES_MAX
    }

    /// Adds an entry and gives its place; `None`, and nothing added, where it cannot be encoded.
    pub fn push(&mut self, entry: &Entry) -> Option<usize> {
        let before = self.bytes.len();
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(entry, bytes).ok()?;
        debug_assert!(self.bytes.len() > before);
        let place = self.entries;
        self.entries = self.entries.saturating_add(1);
        Some(place)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The bytes to send.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_another_version_or_cut_short_is_refused() {
        let salt = crate::visitor::Salt::from_random([1; 32]);
        let header = Header {
            version: CALL_VERSION,
            id: [7; 16],
            day_start_ms: 0,
            day_end_ms: 86_400_000,
            key: DayKey::new(&salt, 1, jiff::civil::date(2026, 1, 1)),
            degraded: false,
            detail: Detail::Cross,
        };
        let mut call = CallBuilder::new(&header).unwrap();
        assert!(call.is_empty());
        assert_eq!(call.push(&Entry::Dropped(Drop::Bot)), Some(0));
        assert_eq!(call.push(&Entry::Dropped(Drop::Gpc)), Some(1));
        assert_eq!(call.len(), 2);
        let mut bytes = call.into_bytes();
        let read = Call::decode(&bytes).unwrap();
        assert!(read.entries == [Entry::Dropped(Drop::Bot), Entry::Dropped(Drop::Gpc)]);
        assert!(Call::decode(&bytes[..bytes.len() - 1]).is_none());
        bytes[0] = 1;
        assert!(Call::decode(&bytes).is_none());
        assert!(Call::decode(&[]).is_none());
    }

    #[test]
    fn i3_a_call_on_its_way_has_its_key_sealed_for_one_day_object() {
        let salt = crate::visitor::Salt::from_random([1; 32]);
        let key = DayKey::new(&salt, 1, jiff::civil::date(2026, 1, 1));
        let other = DayKey::new(&salt, 2, jiff::civil::date(2026, 1, 1));
        let object = Receiver::from_random([2; 32]);
        let header = Header {
            version: CALL_VERSION,
            id: [7; 16],
            day_start_ms: 0,
            day_end_ms: 86_400_000,
            key: SealedKey::unknown(key.check()),
            degraded: false,
            detail: Detail::Cross,
        };
        let mut call = CallBuilder::new(&header).unwrap();
        call.push(&Entry::Dropped(Drop::Bot)).unwrap();
        let bytes = call.into_bytes();
        let asked = Call::decode_sealed(&bytes).unwrap();
        assert!(asked.header.key.open(&object).is_none());

        let sealed = SealedKey::new(&key, object.public(), &[3; 32]).unwrap();
        let told = resealed(&bytes, sealed).unwrap();
        assert_eq!(told.len(), bytes.len());
        assert!(!told.windows(32).any(|part| part == key.bytes()));
        let read = Call::decode_sealed(&told).unwrap();
        assert!(read.header.key.open(&object) == Some(key.clone()));
        let somebody = Receiver::from_random([4; 32]);
        assert!(read.header.key.open(&somebody).is_none());
        let read = read.opened(key);
        assert!(read.header.id == [7; 16] && read.entries == [Entry::Dropped(Drop::Bot)]);

        let of_other = SealedKey::new(&other, object.public(), &[3; 32]).unwrap();
        assert!(resealed(&bytes, of_other).is_none());
        assert!(resealed(&bytes[..40], sealed).is_none());
        assert!(resealed(&[], sealed).is_none());
    }
}
