//! What is made of a day's salt, and where it is.

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use sha2::Sha256;
use sha2::block_api::compress256;
use shared::visitor::{DayKey, Salt, SiteId};

use crate::needles::encoded;

/// Names of needles.
pub const SALT: &str = "the salt";
const DAY_KEY: &str = "the day key";
const SUBKEY: &str = "a key under it";
const STATE: &str = "a hasher's state";

const IV: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The salt, every key that is derived from it, and what HMAC-SHA256 keeps of each: whoever has one
/// of them can test for addresses.
pub fn needles(salt: &Salt, site: SiteId, date: Date) -> Vec<(String, Vec<u8>)> {
    let salt_bytes: [u8; 32] = hex::decode(salt.to_wire()).unwrap().try_into().unwrap();
    let day_key = DayKey::new(salt, site, date);
    let day_key: [u8; 32] = serde_json::from_value(serde_json::to_value(day_key).unwrap()).unwrap();
    let seal = subkey(&day_key, b"dayfly seal v1");
    let row = subkey(&day_key, b"dayfly row v1");
    let mut all = Vec::new();
    for (name, key) in [
        (SALT, salt_bytes),
        (DAY_KEY, day_key),
        (SUBKEY, seal),
        (SUBKEY, row),
    ] {
        all.extend(
            encoded(&key)
                .into_iter()
                .map(|needle| (name.to_owned(), needle)),
        );
    }
    for key in [salt_bytes, day_key, row] {
        for pad in [0x36, 0x5c] {
            let mut block = [pad; 64];
            for (to, from) in block.iter_mut().zip(key) {
                *to ^= from;
            }
            let mut state = IV;
            compress256(&mut state, &[block]);
            let state: Vec<u8> = state.into_iter().flat_map(u32::to_le_bytes).collect();
            all.push((STATE.to_owned(), state));
        }
    }
    all
}

/// As `shared::visitor` derives keys.
fn subkey(key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in [purpose, b""] {
        mac.update(&(part.len() as u32).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
