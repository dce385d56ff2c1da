//! The parts of a small segment as one value: for each its number, its length as four bytes,
//! little-endian, and its bytes.

use super::{PartId, SegmentError};

/// Parts to one value.
pub fn join(parts: &[(PartId, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|(_, part)| part.len() + 5).sum());
    for (id, part) in parts {
        bytes.push(id.number());
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The parts of such a value.
///
/// # Errors
/// The bytes are not of parts.
pub fn split(bytes: &[u8]) -> Result<Vec<(PartId, &[u8])>, SegmentError> {
    let mut parts = Vec::new();
    let mut rest = bytes;
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
