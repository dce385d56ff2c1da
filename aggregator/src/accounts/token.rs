//! What a cookie or a link holds: 32 random bytes. Only their SHA-256 is stored: who reads the
//! database opens nothing with it. There is nothing to guess, so no slow hash is needed.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{Error, Result};

const TOKEN_BYTES: usize = 32;
const TOKEN_CHARS: usize = 43;

/// A token as its owner has it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PlainToken(String);

impl PlainToken {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random source.
    pub fn new() -> Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// As it goes into a cookie or a link.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(…)")
    }
}

/// What is stored of a token, and what it is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Of a token as somebody sent it; `None` for what cannot be one.
    pub fn of(text: &str) -> Option<Self> {
        let is_token = text.len() == TOKEN_CHARS
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        is_token.then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A number for a row, drawn at random: none is given twice, and none tells how many there are.
///
/// # Errors
/// The system has no random source.
pub fn random_id() -> Result<i64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(i64::from_le_bytes(bytes) & i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_shows_itself_to_no_log() {
        let token = PlainToken::new().unwrap();
        assert_eq!(TokenHash::of(token.as_str()), Some(token.hash()));
        assert_ne!(token.hash(), PlainToken::new().unwrap().hash());
        assert_eq!(format!("{token:?}"), "PlainToken(…)");
        for text in ["", "x", &"ä".repeat(22), &" ".repeat(43), &"a".repeat(44)] {
            assert_eq!(TokenHash::of(text), None);
        }
        assert!(random_id().unwrap() >= 0);
    }
}
