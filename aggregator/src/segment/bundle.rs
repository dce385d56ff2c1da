//! The parts of a small segment as one value: for each its number, its length as four bytes,
//! little-endian, and its bytes; all of it as one zstd frame behind its length.

use super::part::{pack, unpack};
use super::{PartId, SegmentError};

/// Longest that is believed: many times what a small segment is.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Parts that are not packed themselves to one value.
///
/// # Errors
/// Memory is the only bound.
pub fn join(parts: &[(PartId, Vec<u8>)]) -> Result<Vec<u8>, SegmentError> {
    let mut plain = Vec::with_capacity(parts.iter().map(|(_, part)| part.len() + 5).sum());
    for (id, part) in parts {
        plain.push(id.number());
        plain.extend_from_slice(&(part.len() as u32).to_le_bytes());
        plain.extend_from_slice(part);
    }
    let mut bytes = (plain.len() as u32).to_le_bytes().to_vec();
    bytes.extend(pack(&plain)?);
    Ok(bytes)
}

/// A value as it was before it was packed, for [`split`].
///
/// # Errors
/// The bytes are not of a bundle.
pub fn open(bytes: &[u8]) -> Result<Vec<u8>, SegmentError> {
    let (length, frame) = bytes.split_first_chunk().ok_or(SegmentError("cut short"))?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > BYTES_MAX {
        return Err(SegmentError("a number is too large"));
    }
    let plain = unpack(frame, length)?;
    if plain.len() == length {
        Ok(plain)
    } else {
        Err(SegmentError("a bundle has another length"))
    }
}

/// The parts of a value that [`open`] has unpacked.
///
/// # Errors
/// The bytes are not of parts.
pub fn split(plain: &[u8]) -> Result<Vec<(PartId, &[u8])>, SegmentError> {
    let mut parts = Vec::new();
    let mut rest = plain;
    while let Some((number, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk().ok_or(SegmentError("cut short"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (part, after) = after
            .split_at_checked(length)
            .ok_or(SegmentError("cut short"))?;
        let id = PartId::of(*number).ok_or(SegmentError("an unknown part"))?;
        parts.push((id, part));
        rest = after;
    }
    Ok(parts)
}
