//! The form of what a day object stores: postcard behind a version byte. What another version
//! wrote is not read at all.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The bytes to store. Writing into memory does not fail; if it did, the bytes would be empty and
/// [`decode`] would refuse them.
pub(crate) fn encode<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![version]).unwrap_or_default()
}

/// Reads what [`encode`] wrote for the same version.
pub(crate) fn decode<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Option<T> {
    match bytes.split_first() {
        Some((first, rest)) if *first == version => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}
