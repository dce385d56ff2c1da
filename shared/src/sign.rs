//! The signed channel between edge and aggregator.
//!
//! `x-dayfly-signature: v1 t=<unix seconds> m=<64 hex>`, where m is HMAC-SHA256 under the edge
//! key over version, method, path with query, t and the SHA-256 of the body as sent, each on a
//! line of its own. It is checked over the raw bytes, before anything of the body is parsed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::clock::UnixMs;
use crate::limits::{EDGE_KEYS_MAX, SIGNATURE_SKEW_S};

/// Name of the header.
pub const HEADER: &str = "x-dayfly-signature";

/// Fewest characters of an edge key.
const KEY_CHARS_MIN: usize = 32;

/// The secret edge and aggregator share.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EdgeKey(String);

impl std::fmt::Debug for EdgeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EdgeKey(redacted)")
    }
}

/// Why there is no usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty.
    #[error("the edge key is not set")]
    Unset,
    /// Too short to be a secret.
    #[error("an edge key has fewer than 32 characters")]
    Short,
    /// More than [`EDGE_KEYS_MAX`].
    #[error("more than 4 edge keys")]
    Many,
}

/// Reads a list of keys, separated by white space or commas; the first signs, all are accepted.
///
/// # Errors
/// No key, a short one, too many.
pub fn parse_keys(text: &str) -> Result<Vec<EdgeKey>, KeyError> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    let keys: Vec<EdgeKey> = words
        .filter(|word| !word.is_empty())
        .map(|word| EdgeKey(word.to_owned()))
        .collect();
    if keys.is_empty() {
        Err(KeyError::Unset)
    } else if keys.iter().any(|key| key.0.len() < KEY_CHARS_MIN) {
        Err(KeyError::Short)
    } else if keys.len() > EDGE_KEYS_MAX {
        Err(KeyError::Many)
    } else {
        Ok(keys)
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Path with query, as in the request line.
    pub path: &'a str,
    /// The body as sent.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The header's value.
    pub fn sign(&self, key: &EdgeKey, now_ms: UnixMs) -> String {
        let t = now_ms.div_euclid(1_000);
        format!("v1 t={t} m={}", hex::encode(self.mac(key, t)))
    }

    /// Whether the header was made by the holder of one of the keys, at most 300 s from now.
    /// Takes the same time whichever key it was.
    pub fn verify(&self, header: &str, keys: &[EdgeKey], now_ms: UnixMs) -> bool {
        let Some((t, given)) = parse(header) else {
            return false;
        };
        let known = keys.iter().fold(Choice::from(0), |known, key| {
            known | self.mac(key, t).ct_eq(&given)
        });
        bool::from(known) && is_of_now(t, now_ms)
    }

    /// Whether a header has the form of a signature of now: all that can be told before the body is
    /// there. Whoever is refused by it has sent no body for nothing.
    pub fn may_verify(header: &str, now_ms: UnixMs) -> bool {
        parse(header).is_some_and(|(t, _)| is_of_now(t, now_ms))
    }

    fn mac(&self, key: &EdgeKey, t: i64) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()) else {
            return [0; 32]; // HMAC takes keys of any length: this cannot be reached.
        };
        let body = hex::encode(Sha256::digest(self.body));
        let Self { method, path, .. } = self;
        mac.update(format!("v1\n{method}\n{path}\n{t}\n{body}").as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn is_of_now(t: i64, now_ms: UnixMs) -> bool {
    now_ms.div_euclid(1_000).abs_diff(t) <= SIGNATURE_SKEW_S.unsigned_abs()
}

fn parse(header: &str) -> Option<(i64, [u8; 32])> {
    let (t, m) = header.strip_prefix("v1 t=")?.split_once(" m=")?;
    let mut mac = [0; 32];
    hex::decode_to_slice(m, &mut mac).ok()?;
    Some((t.parse().ok()?, mac))
}

/// When a header says to be signed, unix seconds, whoever made it. To be told what is wrong with a
/// clock; nobody is let in by it.
pub fn time_of(header: &str) -> Option<i64> {
    parse(header).map(|(t, _)| t)
}

/// SHA-256 of a batch as sent.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_795_000_000_000;
    const REQUEST: Signed = Signed {
        method: "POST",
        path: "/edge/v1/batches",
        body: b"bytes",
    };

    fn keys(text: &str) -> Vec<EdgeKey> {
        parse_keys(text).unwrap()
    }

    #[test]
    fn any_of_the_keys_is_accepted_and_no_other() {
        let old = "o".repeat(32);
        let new = "n".repeat(32);
        let both = keys(&format!("{new}\n{old}"));
        for key in [&old, &new] {
            let header = REQUEST.sign(&keys(key)[0], NOW);
            assert!(REQUEST.verify(&header, &both, NOW));
        }
        let header = REQUEST.sign(&keys(&"x".repeat(32))[0], NOW);
        assert!(!REQUEST.verify(&header, &both, NOW));
    }

    #[test]
    fn whatever_is_changed_breaks_the_signature() {
        let keys = keys(&"k".repeat(32));
        let header = REQUEST.sign(&keys[0], NOW);
        let changed = [
            Signed {
                method: "GET",
                ..REQUEST
            },
            Signed {
                path: "/edge/v1/batches?x",
                ..REQUEST
            },
            Signed {
                body: b"byteS",
                ..REQUEST
            },
        ];
        for request in changed {
            assert!(!request.verify(&header, &keys, NOW));
        }
        for bad in [
            "",
            "v1",
            "v2 t=1 m=00",
            &header[..header.len() - 1],
            &header.replace("t=1", "t=2"),
        ] {
            assert!(!REQUEST.verify(bad, &keys, NOW), "{bad}");
        }
    }

    #[test]
    fn a_clock_may_be_300_s_off() {
        let keys = keys(&"k".repeat(32));
        let header = REQUEST.sign(&keys[0], NOW);
        for (off_ms, ok) in [
            (300_000, true),
            (-300_000, true),
            (301_000, false),
            (-301_000, false),
        ] {
            assert_eq!(REQUEST.verify(&header, &keys, NOW + off_ms), ok, "{off_ms}");
        }
    }

    #[test]
    fn i11_an_unset_or_short_key_is_refused() {
        assert_eq!(parse_keys(" \n").unwrap_err(), KeyError::Unset);
        assert_eq!(parse_keys("short").unwrap_err(), KeyError::Short);
        let many = format!("{} ", "k".repeat(32)).repeat(5);
        assert_eq!(parse_keys(&many).unwrap_err(), KeyError::Many);
        assert_eq!(
            format!("{:?}", keys(&"k".repeat(32))),
            "[EdgeKey(redacted)]"
        );
    }
}
