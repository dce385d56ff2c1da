//! What a Worker tells a day object: hits, gathered into one call. It lives in memory only; the
//! day object writes counts and sealed rows, never a [`Hit`].

use serde::{Deserialize, Serialize};

use crate::attrs::{Client, Traffic};
use crate::clock::UnixMs;
use crate::limits::CALL_BYTES_MAX;
use crate::visitor::{DayKey, VisitorHash};

/// Version of this format; a call of another version is refused and repeated after the upgrade.
pub const CALL_VERSION: u8 = 1;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HitKind {
    /// A page was seen.
    PageView,
    /// The page was in use.
    Engagement {
        /// Deepest point reached, percent.
        scroll_percent: Option<u8>,
        /// Time visible and in use, milliseconds.
        engaged_ms: Option<u32>,
    },
    /// A named event.
    Custom {
        /// Its name.
        name: String,
        /// Whether it shows that the visitor did something (ends a bounce).
        interactive: bool,
    },
}

/// One event as the day object counts it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Who.
    pub visitor: VisitorHash,
    /// When, seconds since the start of the local day.
    pub at_s: u32,
    /// What.
    pub kind: HitKind,
    /// Where: the path.
    pub page: String,
    /// Where: the host.
    pub host: String,
    /// C.
    pub client: Client,
    /// Where it came from; looked at when it begins a visit.
    pub traffic: Traffic,
}

/// Hits gathered into one commit.
#[derive(Serialize, Deserialize)]
pub struct Call {
    /// [`CALL_VERSION`].
    pub version: u8,
    /// Random; a repeated call is known by it.
    pub id: [u8; 16],
    /// Start of the local day.
    pub day_start_ms: UnixMs,
    /// End of the local day.
    pub day_end_ms: UnixMs,
    /// Seals what is written about visitors.
    pub key: DayKey,
    /// The salt is an emergency one: visitors may be counted again.
    pub degraded: bool,
    /// In order of arrival.
    pub hits: Vec<Hit>,
}

impl Call {
    /// The bytes to send.
    pub fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// Reads what [`Call::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > CALL_BYTES_MAX || bytes.first() != Some(&CALL_VERSION) {
            return None;
        }
        postcard::from_bytes(bytes).ok()
    }
}

/// Why an event was not counted; the text is the value of `x-dayfly-dropped`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Drop {
    /// No such site.
    UnknownSite = 1,
    /// Engagement of a visit that is over or never began.
    EngagementWithoutVisit = 2,
    /// Too many events of one visitor today.
    Throttled = 3,
}

impl Drop {
    /// The published name of the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Drop::UnknownSite => "unknown_site",
            Drop::EngagementWithoutVisit => "engagement_without_visit",
            Drop::Throttled => "throttled",
        }
    }

    /// The reason of a number, as a day object answers it; 0 is "counted".
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Drop::UnknownSite,
            Drop::EngagementWithoutVisit,
            Drop::Throttled,
        ]
        .into_iter()
        .find(|reason| *reason as u8 == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_another_version_or_cut_short_is_refused() {
        let call = Call {
            version: CALL_VERSION,
            id: [7; 16],
            day_start_ms: 0,
            day_end_ms: 86_400_000,
            key: DayKey::new(
                &crate::visitor::Salt::from_random([1; 32]),
                1,
                jiff::civil::date(2026, 1, 1),
            ),
            degraded: false,
            hits: Vec::new(),
        };
        let mut bytes = call.encode().unwrap();
        assert!(Call::decode(&bytes).is_some());
        assert!(Call::decode(&bytes[..bytes.len() - 1]).is_none());
        bytes[0] = 2;
        assert!(Call::decode(&bytes).is_none());
        assert!(Call::decode(&[]).is_none());
    }

    #[test]
    fn drop_reasons_have_a_number_each() {
        for number in 1..=3 {
            assert_eq!(Drop::from_number(number).unwrap() as u8, number);
        }
        assert!(Drop::from_number(0).is_none());
    }
}
