//! Handing a secret to one receiver (I3): what the network and the platform keep of the message says
//! nothing once the receiver has forgotten the key that it drew for it.
//!
//! X25519 (RFC 7748) with a key pair drawn for the message on one side and for the receiver's life on
//! the other, HMAC-SHA256 over both public keys and the purpose as key derivation, XChaCha20-Poly1305
//! with a nonce of zeros, for no key is used twice. Whoever hands over must know otherwise whose public
//! key it is.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use curve25519_dalek::constants::X25519_BASEPOINT;
use curve25519_dalek::montgomery::MontgomeryPoint;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Length of a public key, bytes.
pub const PUBLIC_BYTES: usize = 32;
/// By how much a sealed secret is longer: the sender's public key, and the tag.
pub const OVERHEAD_BYTES: usize = PUBLIC_BYTES + 16;

/// What a secret is handed over for: one that was sealed for one purpose does not open for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The salts, from the aggregator to the roster object and from there to whoever asks.
    Salts,
    /// The day key, from a Worker to a day object.
    DayKey,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Purpose::Salts => b"dayfly handover of salts v1",
            Purpose::DayKey => b"dayfly handover of a day key v1",
        }
    }
}

/// A receiver's public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_BYTES]);

impl PublicKey {
    /// Of its bytes; every 32 bytes are one.
    pub fn from_bytes(bytes: [u8; PUBLIC_BYTES]) -> Self {
        Self(bytes)
    }

    /// Of a slice; `None` if it has another length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; PUBLIC_BYTES] {
        self.0
    }

    /// Reads the form of [`PublicKey::to_wire`].
    pub fn from_wire(text: &str) -> Option<Self> {
        let mut bytes = [0; PUBLIC_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// 64 hex digits.
    pub fn to_wire(self) -> String {
        hex::encode(self.0)
    }
}

/// Who a secret is handed to. The private key never leaves it, and is zeroized with it.
#[derive(ZeroizeOnDrop)]
pub struct Receiver {
    private: [u8; 32],
    #[zeroize(skip)]
    public: PublicKey,
}

impl Receiver {
    /// Takes 32 bytes of the platform's random source.
    pub fn from_random(mut random: [u8; 32]) -> Self {
        let public = PublicKey(X25519_BASEPOINT.mul_clamped(random).to_bytes());
        let receiver = Self {
            private: random,
            public,
        };
        random.zeroize();
        receiver
    }

    /// What a sender needs.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Opens what [`seal`] made for this receiver and purpose; `None` if it is anything else.
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (from, rest) = sealed.split_first_chunk::<PUBLIC_BYTES>()?;
        let cipher = cipher(&self.private, *from, purpose, self.public.0, *from)?;
        let plain = cipher.decrypt(&XNonce::default(), rest).ok()?;
        Some(Zeroizing::new(plain))
    }
}

/// Seals a secret for a receiver, with 32 bytes of the platform's random source that are used for
/// nothing else and that the caller overwrites. `None`: the receiver's key is not one that anybody has drawn.
pub fn seal(to: PublicKey, purpose: Purpose, random: &[u8; 32], secret: &[u8]) -> Option<Vec<u8>> {
    let sender = Receiver::from_random(*random);
    let from = sender.public.0;
    let cipher = cipher(&sender.private, to.0, purpose, to.0, from)?;
    let sealed = cipher.encrypt(&XNonce::default(), secret).ok()?;
    let mut out = Vec::with_capacity(PUBLIC_BYTES.saturating_add(sealed.len()));
    out.extend_from_slice(&from);
    out.extend_from_slice(&sealed);
    Some(out)
}

/// The cipher of one message; both sides come to the same.
fn cipher(
    private: &[u8; 32],
    other: [u8; PUBLIC_BYTES],
    purpose: Purpose,
    to: [u8; PUBLIC_BYTES],
    from: [u8; PUBLIC_BYTES],
) -> Option<XChaCha20Poly1305> {
    let mut common = MontgomeryPoint(other).mul_clamped(*private);
    // A point of small order: anybody would know it.
    let is_known = common.to_bytes() == [0; 32];
    let mac = Hmac::<Sha256>::new_from_slice(common.as_bytes());
    common.zeroize();
    let mut mac = mac.ok().filter(|_| !is_known)?;
    mac.update(purpose.label());
    mac.update(&to);
    mac.update(&from);
    let mut key = mac.finalize().into_bytes();
    let cipher = XChaCha20Poly1305::new(&key);
    key.zeroize();
    Some(cipher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i3_a_secret_opens_for_its_receiver_and_purpose_alone() {
        let receiver = Receiver::from_random([1; 32]);
        let secret = b"a salt";
        let sealed = seal(receiver.public(), Purpose::Salts, &[2; 32], secret).unwrap();
        assert_eq!(sealed.len(), secret.len() + OVERHEAD_BYTES);
        assert_eq!(**receiver.open(Purpose::Salts, &sealed).unwrap(), *secret);
        assert!(receiver.open(Purpose::DayKey, &sealed).is_none());
        let other = Receiver::from_random([3; 32]);
        assert!(other.open(Purpose::Salts, &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(receiver.open(Purpose::Salts, &changed).is_none(), "{at}");
            assert!(receiver.open(Purpose::Salts, &sealed[..at]).is_none());
        }
        assert!(!sealed.windows(secret.len()).any(|part| part == secret));
    }

    #[test]
    fn nothing_is_sealed_for_a_point_that_everybody_knows() {
        for bytes in [[0; 32], {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            let to = PublicKey::from_bytes(bytes);
            assert!(seal(to, Purpose::Salts, &[2; 32], b"x").is_none());
        }
    }

    /// Section 6.1 of RFC 7748.
    #[test]
    fn public_keys_are_those_of_the_rfc() {
        for (private, public) in [
            (
                "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
                "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
            ),
            (
                "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
            ),
        ] {
            let mut bytes = [0; 32];
            hex::decode_to_slice(private, &mut bytes).unwrap();
            let receiver = Receiver::from_random(bytes);
            assert_eq!(receiver.public().to_wire(), public);
            let read = PublicKey::from_wire(public);
            assert_eq!(read, Some(receiver.public()));
        }
        for wrong in ["", "8520", &"g".repeat(64), &"0".repeat(66)] {
            assert!(PublicKey::from_wire(wrong).is_none());
        }
    }
}
