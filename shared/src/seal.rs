//! Sealing what a day object writes about a visitor (I4).
//!
//! XChaCha20-Poly1305 under a key derived from the day key, a random 24-byte nonce before each
//! ciphertext, the row's key (zeros for an entry of the log) as associated data. Without the salt neither the rows nor their keys
//! say anything about an address or a User-Agent.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::visitor::{DayKey, VisitorHash};

/// Length of the nonce that [`Sealer::seal`] wants, bytes.
pub const NONCE_BYTES: usize = 24;

/// Seals and opens visitor rows of one day.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    /// Keyed once; each row starts from a copy.
    row_mac: Option<Hmac<Sha256>>,
}

impl Sealer {
    /// A sealer for the day of `key`.
    pub fn new(key: &DayKey) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&key.subkey(b"dayfly seal v1", b"").into()),
            // HMAC takes keys of any length: it is always there.
            row_mac: Hmac::new_from_slice(&key.subkey(b"dayfly row v1", b"")).ok(),
        }
    }

    /// Under which key a visitor's row is stored: not the visitor hash itself.
    pub fn row(&self, visitor: &VisitorHash) -> [u8; 16] {
        let mut row = [0; 16];
        if let Some(mut mac) = self.row_mac.clone() {
            mac.update(visitor.bytes());
            for (to, from) in row.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        row
    }

    /// Seals a row. `None` never happens for rows that fit into memory.
    pub fn seal(&self, row: &[u8; 16], nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload {
            msg: plain,
            aad: row,
        };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        let mut out = Vec::with_capacity(NONCE_BYTES.saturating_add(sealed.len()));
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Some(out)
    }

    /// Opens a row; `None` when it was sealed under another key or is not whole.
    pub fn open(&self, row: &[u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: rest,
            aad: row,
        };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ClientAddress;
    use crate::visitor::Salt;
    use jiff::civil::date;

    fn sealer(fill: u8) -> (Sealer, VisitorHash) {
        let salt = Salt::from_random([fill; 32]);
        let day = date(2026, 11, 23);
        let address = ClientAddress::parse("203.0.113.9").unwrap();
        (
            Sealer::new(&DayKey::new(&salt, 1, day)),
            VisitorHash::new(&salt, 1, day, address, "UA"),
        )
    }

    #[test]
    fn i4_a_row_opens_only_under_its_own_key_and_place() {
        let (sealer, visitor) = sealer(1);
        let row = sealer.row(&visitor);
        let sealed = sealer.seal(&row, [9; NONCE_BYTES], b"state").unwrap();
        assert_eq!(sealer.open(&row, &sealed).as_deref(), Some(&b"state"[..]));
        assert!(sealer.open(&[0; 16], &sealed).is_none());
        assert!(self::sealer(2).0.open(&row, &sealed).is_none());
        for cut in 0..sealed.len() {
            assert!(sealer.open(&row, &sealed[..cut]).is_none());
        }
        assert!(!sealed.windows(5).any(|window| window == b"state"));
    }

    #[test]
    fn i4_the_row_key_is_not_the_hash() {
        let (sealer, visitor) = sealer(1);
        assert_ne!(&sealer.row(&visitor), visitor.bytes());
    }
}
