//! What the aggregator tells the edge: the sites (not secret) and the salts (secret).

use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::clock::UnixMs;
use crate::handover::{PublicKey, Purpose, Receiver, seal};
use crate::settings::Settings;
use crate::visitor::{Salt, SiteId};

/// `GET /edge/v1/roster`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Every site.
    pub sites: Vec<Site>,
    /// Versions of batches that the aggregator takes ([`crate::wire`]); empty: it does not say.
    #[serde(default)]
    pub wire: Vec<u8>,
}

/// One site, as the edge needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its number.
    pub id: SiteId,
    /// Lower case, without `www.`.
    pub domain: String,
    /// The domain it had before, while events for that still count; never another site's domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<String>,
    /// Today and the days to come, in order; the edge holds no time-zone database.
    pub days: Vec<Day>,
    /// What its owner decided.
    #[serde(default)]
    pub settings: Settings,
}

/// A local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Its date in the site's zone.
    #[serde(deserialize_with = "crate::date::read")]
    pub date: Date,
    /// When it begins.
    pub start_ms: UnixMs,
    /// When the next one begins.
    pub end_ms: UnixMs,
    /// How many day objects count it; never changes once the day has begun.
    pub shards: u16,
}

impl Site {
    /// The local day of a moment.
    pub fn day_at(&self, now_ms: UnixMs) -> Option<&Day> {
        self.days
            .iter()
            .find(|day| (day.start_ms..day.end_ms).contains(&now_ms))
    }
}

/// The salts of every site's today and tomorrow, and for ten minutes yesterday's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Salts {
    /// In no order.
    pub salts: Vec<IssuedSalt>,
}

/// `GET /edge/v1/salts?to=<public key>`: [`Salts`] for who drew that key, and nobody else (I3).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedSalts {
    /// JSON of [`Salts`], sealed; hexadecimal.
    pub sealed: String,
}

impl SealedSalts {
    /// Seals salts, with random bytes as [`seal`] wants them.
    pub fn new(salts: &Salts, to: PublicKey, random: &[u8; 32]) -> Option<Self> {
        // Room for the longest entry, so that no half-written text is left behind by growing.
        const ENTRY_BYTES: usize = 192;
        let room = salts.salts.len().saturating_mul(ENTRY_BYTES);
        let mut text = Zeroizing::new(Vec::with_capacity(room.saturating_add(32)));
        let room = text.capacity();
        serde_json::to_writer(&mut *text, salts).ok()?;
        debug_assert!(text.capacity() == room, "the text has grown");
        let sealed = seal(to, Purpose::Salts, random, &text)?;
        Some(Self {
            sealed: hex::encode(sealed),
        })
    }

    /// The salts, for whom they were sealed for.
    pub fn open(&self, receiver: &Receiver) -> Option<Salts> {
        let sealed = hex::decode(&self.sealed).ok()?;
        let text = receiver.open(Purpose::Salts, &sealed)?;
        crate::json::read(&text).ok()
    }
}

/// One salt, on its way.
#[derive(Clone, Serialize, Deserialize)]
pub struct IssuedSalt {
    /// Whose.
    pub site: SiteId,
    /// For which local date.
    #[serde(deserialize_with = "crate::date::read")]
    pub date: Date,
    /// [`Salt::to_wire`].
    pub salt: String,
    /// Drawn by the edge itself because the aggregator could not be asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emergency: bool,
}

impl Drop for IssuedSalt {
    /// Nothing of a salt stays behind in memory (I3).
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

impl std::fmt::Debug for IssuedSalt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedSalt({} {} redacted)", self.site, self.date)
    }
}

/// The salts the edge holds, in memory only. The first salt of a day stays, so that an aggregator
/// that lost its own cannot split a day's visitors in two; but an emergency salt gives way to the
/// aggregator's, so that all isolates come to use the same.
#[derive(Debug, Default)]
pub struct SaltRing(FxHashMap<(SiteId, Date), (Salt, bool)>);

impl SaltRing {
    /// Takes a salt for a day that has none, or only an emergency one.
    pub fn insert(&mut self, issued: &IssuedSalt) {
        let day = (issued.site, issued.date);
        let stays = self
            .0
            .get(&day)
            .is_some_and(|(_, emergency)| issued.emergency || !emergency);
        if let (false, Some(salt)) = (stays, Salt::from_wire(&issued.salt)) {
            self.0.insert(day, (salt, issued.emergency));
        }
    }

    /// The salt of a day, and whether it is an emergency one.
    pub fn get(&self, site: SiteId, date: Date) -> Option<(&Salt, bool)> {
        self.0
            .get(&(site, date))
            .map(|(salt, emergency)| (salt, *emergency))
    }

    /// Destroys the salts that `keep` does not name (I3).
    pub fn retain(&mut self, keep: impl Fn(SiteId, Date) -> bool) {
        self.0.retain(|(site, date), _| keep(*site, *date));
    }

    /// All of them, for the signed channel.
    pub fn issued(&self) -> Vec<IssuedSalt> {
        self.0
            .iter()
            .map(|((site, date), (salt, emergency))| IssuedSalt {
                site: *site,
                date: *date,
                salt: salt.to_wire(),
                emergency: *emergency,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_days_first_salt_stays_and_goes_when_told() {
        let day = date(2026, 11, 23);
        let issued = |fill: &str| IssuedSalt {
            site: 1,
            date: day,
            salt: fill.repeat(32),
            emergency: fill.starts_with('e'),
        };
        let mut ring = SaltRing::default();
        for (fill, holds) in [
            ("e1", "e1"),
            ("e2", "e1"),
            ("aa", "aa"),
            ("bb", "aa"),
            ("e3", "aa"),
        ] {
            ring.insert(&issued(fill));
            let (salt, emergency) = ring.get(1, day).unwrap();
            assert_eq!(salt.to_wire(), holds.repeat(32));
            assert_eq!(emergency, holds.starts_with('e'));
        }
        assert_eq!(ring.get(1, day).unwrap().0.to_wire(), "aa".repeat(32));
        ring.retain(|_, date| date != day);
        assert!(ring.get(1, day).is_none());
        assert!(!format!("{:?}", issued("aa")).contains("aa"));
    }

    #[test]
    fn i3_salts_are_sealed_for_who_asks() {
        let longest = || IssuedSalt {
            site: u32::MAX,
            date: Date::MAX,
            salt: "0f".repeat(32),
            emergency: true,
        };
        for count in [0, 1, 1_000] {
            let salts = Salts {
                salts: (0..count).map(|_| longest()).collect(),
            };
            let receiver = Receiver::from_random([1; 32]);
            let sealed = SealedSalts::new(&salts, receiver.public(), &[2; 32]).unwrap();
            assert!(!sealed.sealed.contains(&"0f".repeat(32)));
            let opened = sealed.open(&receiver).unwrap();
            assert_eq!(opened.salts.len(), count);
            assert!(opened.salts.iter().all(|salt| salt.salt == longest().salt));
            assert!(sealed.open(&Receiver::from_random([3; 32])).is_none());
        }
    }
}
