//! Reading JSON. `serde_json` makes one reader of a type for text and another for bytes; the edge, which
//! every isolate loads, reads text alone.

use serde::Deserialize;
use serde::de::Error as _;

/// What JSON says.
///
/// # Errors
/// It is not UTF-8, not JSON or not that.
pub fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    let text = str::from_utf8(json).map_err(serde_json::Error::custom)?;
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_text() {
        assert_eq!(read::<Vec<&str>>("[\"ä\"]".as_bytes()).unwrap(), ["ä"]);
        let told = |json| read::<String>(json).unwrap_err().to_string();
        assert!(told(b"\"\xff\"").contains("invalid utf-8"));
        assert!(told(b"\"").contains("line 1 column 1"));
    }
}
