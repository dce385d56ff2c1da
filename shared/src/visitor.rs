//! The salt that lives one day, and the visitor hash made with it (I3, I5).

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::address::ClientAddress;
use crate::limits::USER_AGENT_BYTES_MAX;

type HmacSha256 = Hmac<Sha256>;

/// A site's number; given by the aggregator, never reused.
pub type SiteId = u32;

/// 32 random bytes for one site and one local date. Never derived from anything, never written
/// to anything that outlives memory; zeroized when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Takes 32 bytes of the platform's random source.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the form of [`Salt::to_wire`].
    pub fn from_wire(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// 64 hex digits, for the signed channel between aggregator and edge only.
    pub fn to_wire(&self) -> String {
        hex::encode(self.0)
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(redacted)")
    }
}

/// Who somebody is, for one site and one day: 128 bits that cannot be recomputed without the salt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct VisitorHash([u8; 16]);

/// Makes the visitor hashes of one site and day: the salt, with what all of them have in common
/// already taken in. Zeroized when dropped, as the salt is (feature `zeroize` of `hmac`).
#[derive(Clone)]
pub struct VisitorHasher(Option<HmacSha256>);

impl VisitorHasher {
    /// The hasher of a site's day.
    pub fn new(salt: &Salt, site: SiteId, date: Date) -> Self {
        let mut mac = HmacSha256::new_from_slice(&salt.0).ok();
        for part in [
            b"dayfly visitor v1".as_slice(),
            &site.to_be_bytes(),
            &date_bytes(date),
        ] {
            update(&mut mac, part);
        }
        Self(mac)
    }

    /// HMAC-SHA256 under the salt over site, date, address and User-Agent, each with its length
    /// before it so that no two inputs are ever the same bytes.
    pub fn hash(&self, address: ClientAddress, user_agent: &str) -> VisitorHash {
        let agent = user_agent.as_bytes();
        let agent = agent.get(..USER_AGENT_BYTES_MAX).unwrap_or(agent);
        let mut mac = self.0.clone();
        update(&mut mac, &address.for_hash());
        update(&mut mac, agent);
        VisitorHash(cut(&finish(mac)))
    }

    /// The hash of a visitor whom an import names, in a domain of its own: the frame before the
    /// name is longer than an address, so no name is ever an address with a User-Agent.
    pub fn hash_name(&self, name: &str) -> VisitorHash {
        let mut mac = self.0.clone();
        update(&mut mac, b"dayfly imported visitor v1");
        update(&mut mac, name.as_bytes());
        VisitorHash(cut(&finish(mac)))
    }
}

impl VisitorHash {
    /// One hash; for many of a day keep the [`VisitorHasher`].
    pub fn new(
        salt: &Salt,
        site: SiteId,
        date: Date,
        address: ClientAddress,
        user_agent: &str,
    ) -> Self {
        VisitorHasher::new(salt, site, date).hash(address, user_agent)
    }

    /// The shard that counts this visitor.
    pub fn shard(&self, shards: u16) -> u16 {
        let number = u16::from_be_bytes([self.0[0], self.0[1]]);
        number.checked_rem(shards).unwrap_or(0)
    }

    pub(crate) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The key under which a day object seals what it writes about visitors (I4). Derived from the
/// salt, so it ends with it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, serde::Serialize, serde::Deserialize)]
pub struct DayKey([u8; 32]);

impl DayKey {
    /// The key of a site's day.
    pub fn new(salt: &Salt, site: SiteId, date: Date) -> Self {
        Self(derive(
            &salt.0,
            b"dayfly day key v1",
            &[&site.to_be_bytes(), &date_bytes(date)],
        ))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Tells one key from another; nothing of the key can be learned from it.
    pub fn check(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.subkey(b"dayfly key check v1", b"");
        [a, b, c, d, e, f, g, h]
    }

    /// A key for one purpose under this one.
    pub(crate) fn subkey(&self, purpose: &[u8], input: &[u8]) -> [u8; 32] {
        derive(&self.0, purpose, &[input])
    }
}

impl std::fmt::Debug for DayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DayKey(redacted)")
    }
}

fn derive(key: &[u8; 32], domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = HmacSha256::new_from_slice(key).ok();
    for part in std::iter::once(&domain).chain(parts) {
        update(&mut mac, part);
    }
    finish(mac)
}

/// Takes in one part with its length before it.
fn update(mac: &mut Option<HmacSha256>, part: &[u8]) {
    if let Some(mac) = mac {
        mac.update(&(part.len() as u32).to_be_bytes());
        mac.update(part);
    }
}

/// HMAC takes keys of any length: there always is one.
fn finish(mac: Option<HmacSha256>) -> [u8; 32] {
    mac.map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

fn date_bytes(date: Date) -> [u8; 4] {
    let [year_high, year_low] = date.year().to_be_bytes();
    [year_high, year_low, date.month() as u8, date.day() as u8]
}

fn cut(bytes: &[u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(bytes) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const DAY: Date = date(2026, 11, 23);

    fn salt(fill: u8) -> Salt {
        Salt::from_random([fill; 32])
    }

    fn hash(salt: &Salt, site: SiteId, day: Date, address: &str, agent: &str) -> VisitorHash {
        VisitorHash::new(
            salt,
            site,
            day,
            ClientAddress::parse(address).unwrap(),
            agent,
        )
    }

    #[test]
    fn i5_unlinkable_across_days_sites_and_salts() {
        let base = hash(&salt(1), 7, DAY, "203.0.113.9", "UA");
        assert!(base == hash(&salt(1), 7, DAY, "203.0.113.9", "UA"));
        for other in [
            hash(&salt(2), 7, DAY, "203.0.113.9", "UA"),
            hash(&salt(1), 8, DAY, "203.0.113.9", "UA"),
            hash(&salt(1), 7, date(2026, 11, 24), "203.0.113.9", "UA"),
            hash(&salt(1), 7, DAY, "203.0.113.8", "UA"),
            hash(&salt(1), 7, DAY, "203.0.113.9", "ua"),
        ] {
            assert!(base != other);
        }
    }

    #[test]
    fn i5_framing_keeps_address_and_agent_apart() {
        let a = hash(&salt(1), 7, DAY, "1.1.1.1", "1x");
        let b = hash(&salt(1), 7, DAY, "1.1.1.11", "x");
        assert!(a != b);
    }

    #[test]
    fn i5_ipv6_is_one_visitor_per_64() {
        let a = hash(&salt(1), 7, DAY, "2001:db8:1:2::1", "UA");
        assert!(a == hash(&salt(1), 7, DAY, "2001:db8:1:2:ffff::9", "UA"));
        assert!(a != hash(&salt(1), 7, DAY, "2001:db8:1:3::1", "UA"));
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let shown = format!("{:?} {:?}", salt(0xab), DayKey::new(&salt(0xab), 1, DAY));
        assert_eq!(shown, "Salt(redacted) DayKey(redacted)");
    }

    #[test]
    fn a_salt_survives_the_wire_and_nothing_else_is_one() {
        let there = salt(0x5a).to_wire();
        assert!(Salt::from_wire(&there) == Some(salt(0x5a)));
        for bad in ["", "00", &"z".repeat(64), &there[1..]] {
            assert!(Salt::from_wire(bad).is_none());
        }
    }

    #[test]
    fn shards_are_in_range_and_used() {
        let mut used = [0; 4];
        for n in 0..200u8 {
            let shard = hash(&salt(1), 7, DAY, "1.1.1.1", &n.to_string()).shard(4);
            used[shard as usize] += 1;
        }
        assert!(used.iter().all(|n| *n > 20), "{used:?}");
        assert_eq!(hash(&salt(1), 7, DAY, "1.1.1.1", "x").shard(0), 0);
    }
}
