//! How many events one address sends in a minute, in memory only.
//!
//! What always holds: addresses are known by a keyed hash of them; everything is forgotten when
//! the minute is over; at most [`ADDRESSES_MAX`] are told apart, and beyond that nobody new is
//! limited.

use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHasher};

use crate::address::ClientAddress;
use crate::clock::UnixMs;
use crate::limits::{ADDRESS_HITS_MAX, ADDRESSES_MAX};

/// See the module.
#[derive(Debug, Default)]
pub struct Throttle {
    seed: u64,
    minute: i64,
    hits: FxHashMap<u64, u32>,
}

impl Throttle {
    /// Takes random bits, so that nobody can say which addresses share a count.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Counts an event; false when it is one too many.
    pub fn allows(&mut self, address: ClientAddress, now_ms: UnixMs) -> bool {
        let minute = now_ms.div_euclid(60_000);
        if minute != self.minute {
            self.minute = minute;
            self.hits.clear();
        }
        let mut hasher = FxHasher::default();
        hasher.write_u64(self.seed);
        hasher.write(&address.for_hash());
        let key = hasher.finish();
        if self.hits.len() >= ADDRESSES_MAX && !self.hits.contains_key(&key) {
            return true;
        }
        let hits = self.hits.entry(key).or_default();
        *hits = hits.saturating_add(1);
        *hits <= ADDRESS_HITS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hundred_a_minute_and_address() {
        let mut throttle = Throttle::new(7);
        let address = |text: &str| ClientAddress::parse(text).unwrap();
        let one = address("203.0.113.9");
        for _ in 0..ADDRESS_HITS_MAX {
            assert!(throttle.allows(one, 60_000));
        }
        assert!(!throttle.allows(one, 119_999));
        assert!(throttle.allows(address("203.0.113.8"), 119_999));
        assert!(throttle.allows(one, 120_000), "a new minute");
        let in_64 = |n: u32| address(&format!("2001:db8::{n:x}"));
        for n in 0..ADDRESS_HITS_MAX {
            assert!(throttle.allows(in_64(n), 120_000));
        }
        assert!(
            !throttle.allows(in_64(999), 120_000),
            "a /64 is one address"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::new(7);
        for n in 0..(ADDRESSES_MAX as u32 + 1_000) {
            let [_, b, c, d] = n.to_be_bytes();
            let address = ClientAddress::parse(&format!("10.{b}.{c}.{d}")).unwrap();
            assert!(throttle.allows(address, 0));
        }
        assert!(throttle.hits.len() <= ADDRESSES_MAX);
    }
}
