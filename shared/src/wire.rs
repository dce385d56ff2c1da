//! Versions of the wire format, so that edge and aggregator may be upgraded in either order.
//!
//! The aggregator says in the roster which versions it takes; an edge seals in the highest of those
//! that it writes. A batch that was sealed stays as it is: one of a version that is not taken waits
//! until the aggregator is upgraded, and is no dead letter. How a version is added is in
//! ARCHITECTURE.md, "Versions".

use serde::Deserialize;

use crate::batch::{Batch, BatchError, WIRE_VERSION};

/// Versions that batches are sealed in, the oldest first: the present one, and for as long as there
/// may be aggregators that do not take that, the one before.
pub const WRITTEN: [u8; 1] = [WIRE_VERSION];

/// Versions that batches are read in, the oldest first, each with what reads its JSON.
const READ: [(u8, Decode); 1] = [(1, v1)];

type Decode = fn(&[u8]) -> Result<Batch, BatchError>;

/// Versions that batches are read in, the oldest first.
pub fn taken() -> Vec<u8> {
    READ.iter().map(|(version, _)| *version).collect()
}

/// Which of the versions `written` an aggregator is spoken to that takes `taken`: the highest that
/// both know. Of an aggregator that has not said anything yet, or nothing that is known here, the
/// oldest is expected to be taken: an older one takes it, and one that is a release ahead does, too.
pub fn spoken(written: &[u8], taken: &[u8]) -> u8 {
    let both = written.iter().filter(|version| taken.contains(version));
    let oldest = written.iter().min();
    both.max().or(oldest).copied().unwrap_or(WIRE_VERSION)
}

/// Reads the JSON of a batch in the version it says it is of. What it says is not checked yet.
///
/// # Errors
/// It is of no version that is read here, or not what that version is.
pub(crate) fn read(json: &[u8]) -> Result<Batch, BatchError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    let Versioned { v } =
        crate::json::read(json).map_err(|error| BatchError::Json(error.to_string()))?;
    let known = READ.iter().find(|(version, _)| u64::from(*version) == v);
    match known {
        Some((_, decode)) => decode(json),
        None => Err(BatchError::Version { version: v }),
    }
}

/// The first version, and the present one: JSON of [`Batch`] as it is.
fn v1(json: &[u8]) -> Result<Batch, BatchError> {
    crate::json::read(json).map_err(|error| BatchError::Json(error.to_string()))
}

/// Versions in words: `1`, `1 and 2`.
pub(crate) fn in_words(versions: &[u8]) -> String {
    let words: Vec<String> = versions.iter().map(u8::to_string).collect();
    words.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_versions_are_in_order_and_what_is_written_is_read() {
        assert!(WRITTEN.is_sorted() && taken().is_sorted());
        assert!(WRITTEN.iter().all(|version| taken().contains(version)));
        assert_eq!(WRITTEN.last(), Some(&WIRE_VERSION));
    }

    #[test]
    fn the_highest_version_that_both_know_is_spoken() {
        for (written, taken, expected) in [
            (&[1][..], &[1][..], 1),
            (&[1, 2], &[1], 1),
            (&[1, 2], &[1, 2], 2),
            (&[1, 2], &[2, 3], 2),
            (&[1], &[1, 2], 1),
            // Nothing was said, or nothing that helps.
            (&[1, 2], &[], 1),
            (&[2, 3], &[1], 2),
        ] {
            assert_eq!(spoken(written, taken), expected, "{written:?} {taken:?}");
        }
    }

    #[test]
    fn another_version_is_told_from_what_cannot_be_read() {
        let error = |json: &str| read(json.as_bytes()).unwrap_err().to_string();
        let newer = error(r#"{"v":2,"something":{"else":[1]}}"#);
        assert_eq!(
            newer,
            "v: batches of version 1 are taken here, not of version 2"
        );
        assert!(error(r#"{"v":18446744073709551615}"#).starts_with("v: "));
        for json in [
            "{}",
            "[]",
            r#"{"v":1}"#,
            r#"{"v":"1"}"#,
            r#"{"v":-1}"#,
            r#"{"v":1,"v":2}"#,
            r#"{"v":2"#,
        ] {
            let error = error(json);
            assert!(error.starts_with("body: "), "{json}: {error}");
        }
    }
}
