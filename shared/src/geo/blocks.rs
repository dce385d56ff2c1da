//! How the countries of one family are written: blocks of changes, and the lookup in them.
//!
//! A family is a list of *changes* (key, country): from this key on (an address shifted right by
//! 8 or 80 bits) it is this country, until the next change. The first one is at key 0. Country 0
//! is "unknown", n is the n-th of the table's codes.
//!
//! Changes stand in blocks of [`BLOCK`]. The *index* has an entry per block: its first key (6
//! bytes) and where in the *stream* it begins (4 bytes). In the stream a block is the country of
//! its first key, then a token per further change; countries that tokens want written stand at
//! the block's end, the first one last, so that where the next token is does not hang on what the
//! last one was. A token:
//!
//! | bits | what |
//! |---|---|
//! | 0–4 | shift `s` |
//! | 5 | the step `m` follows as LEB128; else it is 1 |
//! | 6–7 | 0: the country is written at the end; 1, 2, 3: it is that one before the present of those last used |
//!
//! The change is at `((key >> s) + m) << s`: networks end where their size says, so nearly every
//! step is 1. The last four countries used are kept as in [`Recent`]. Half the changes are the
//! return to one of those, so that they take a single byte.

/// Changes of a block. More make the index smaller and the lookup longer.
pub(super) const BLOCK: usize = 96;
/// Bytes of an entry of the index.
pub(super) const ENTRY_BYTES: usize = 10;

const SHIFT_MAX: u32 = 31;
const SHIFT_MASK: u8 = 31;
const STEP_FOLLOWS: u8 = 32;

/// The country that holds at a key; `None` where the bytes make no sense.
pub(super) fn find(index: &[u8], stream: &[u8], key: u64) -> Option<u8> {
    let (entries, _) = index.as_chunks::<ENTRY_BYTES>();
    let behind = entries.partition_point(|entry| first_key(entry) <= key);
    let entry = entries.get(behind.checked_sub(1)?)?;
    let end = match entries.get(behind) {
        Some(next) => offset(next)?,
        None => stream.len(),
    };
    walk(stream.get(offset(entry)?..end)?, first_key(entry), key)
}

fn walk(block: &[u8], mut at: u64, key: u64) -> Option<u8> {
    let (first, mut rest) = block.split_first()?;
    let mut recent = Recent::new(*first);
    while let Some((token, behind)) = rest.split_first() {
        rest = behind;
        // Without branches: whether a country is written is as good as random, so a processor
        // would guess wrong at every other token.
        let place = token >> 6;
        let then = recent.with(place, rest.last().copied().unwrap_or(0));
        rest = rest.get(..rest.len().saturating_sub(usize::from(place == 0)))?;
        let step = match token & STEP_FOLLOWS {
            0 => 1,
            _ => leb128(&mut rest)?,
        };
        let shift = token & SHIFT_MASK;
        at = (at >> shift).wrapping_add(step) << shift;
        if at > key {
            break;
        }
        recent = then;
    }
    Some(recent.front())
}

/// Writes a family; `None` when it is too large for the format. Keys ascend strictly.
pub(super) fn encode(changes: &[(u64, u8)]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut index, mut stream) = (Vec::new(), Vec::new());
    for block in changes.chunks(BLOCK) {
        let Some(((first, country), rest)) = block.split_first() else {
            continue;
        };
        let [a, b, c, d, e, f, _, _] = first.to_le_bytes();
        index.extend([a, b, c, d, e, f]);
        index.extend(u32::try_from(stream.len()).ok()?.to_le_bytes());
        stream.push(*country);
        let mut recent = Recent::new(*country);
        let mut countries = Vec::new();
        let mut at = *first;
        for (key, country) in rest {
            let shift = key.trailing_zeros().min(SHIFT_MAX);
            let step = (key >> shift).wrapping_sub(at >> shift);
            let place = recent.place(*country);
            let more = if step == 1 { 0 } else { STEP_FOLLOWS };
            stream.push(place << 6 | more | shift as u8);
            if place == 0 {
                countries.push(*country);
            }
            recent = recent.with(place, *country);
            if step != 1 {
                push_leb128(&mut stream, step);
            }
            at = *key;
        }
        stream.extend(countries.iter().rev());
    }
    Some((index, stream))
}

fn first_key(entry: &[u8; ENTRY_BYTES]) -> u64 {
    let [a, b, c, d, e, f, ..] = *entry;
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
}

fn offset(entry: &[u8; ENTRY_BYTES]) -> Option<usize> {
    let [.., a, b, c, d] = *entry;
    usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()
}

/// The last four countries used, the present one in the lowest byte.
#[derive(Clone, Copy)]
struct Recent(u32);

impl Recent {
    fn new(country: u8) -> Self {
        Self(u32::from(country))
    }

    fn front(self) -> u8 {
        self.0 as u8
    }

    /// The place (1 to 3) of a country, 0 where it has none.
    fn place(self, country: u8) -> u8 {
        let [_, one, two, three] = self.0.to_le_bytes();
        match country {
            c if c == one => 1,
            c if c == two => 2,
            c if c == three => 3,
            _ => 0,
        }
    }

    /// The one at a place (1 to 3) comes to the front and those before it go back by one; place 0
    /// is a country from elsewhere, for which the last one is forgotten.
    fn with(self, place: u8, elsewhere: u8) -> Self {
        let lane = u32::from(place & 3) * 8;
        let front = (self.0 & !0xFF | u32::from(elsewhere)) >> lane & 0xFF;
        // Of the four bytes 2, 3 and 4 move for the places 1, 2 and 3, and all for place 0.
        let moved = u32::MAX >> (0x0008_1000_u32 >> lane & 31);
        Self(self.0 & !moved | self.0 << 8 & moved | front)
    }
}

fn leb128(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, behind) = bytes.split_first()?;
        *bytes = behind;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn push_leb128(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}
