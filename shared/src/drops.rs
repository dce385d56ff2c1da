//! Why events are not counted. The number of drops is counted per reason and day, because people
//! ask what was filtered; nothing else of a dropped event is kept.

use serde::{Deserialize, Serialize};

/// The reason; its name is what `x-dayfly-dropped` says and what batches and the aggregator use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Drop {
    /// No such site; not counted either, for there is nobody to tell.
    UnknownSite = 1,
    /// Engagement of a visit that is over or never began.
    EngagementWithoutVisit = 2,
    /// Too many events of one visitor today, or of one address in this minute.
    Throttled = 3,
    /// A program.
    Bot = 4,
    /// A referrer known for spam.
    SpamReferrer = 5,
    /// A host that is not on the site's list.
    ShieldHost = 6,
    /// A path the site does not count.
    ShieldPage = 7,
    /// A country the site does not count.
    ShieldCountry = 8,
    /// An address the site does not count.
    ShieldNetwork = 9,
    /// Global Privacy Control.
    Gpc = 10,
    /// Do Not Track.
    Dnt = 11,
    /// The visitor asked not to be counted today (`DELETE /me`).
    OptedOut = 12,
}

impl Drop {
    /// All of them, with their names.
    pub const ALL: [(Drop, &str); 12] = [
        (Drop::UnknownSite, "unknown_site"),
        (Drop::EngagementWithoutVisit, "engagement_without_visit"),
        (Drop::Throttled, "throttled"),
        (Drop::Bot, "bot"),
        (Drop::SpamReferrer, "spam_referrer"),
        (Drop::ShieldHost, "shield_host"),
        (Drop::ShieldPage, "shield_page"),
        (Drop::ShieldCountry, "shield_country"),
        (Drop::ShieldNetwork, "shield_network"),
        (Drop::Gpc, "gpc"),
        (Drop::Dnt, "dnt"),
        (Drop::OptedOut, "opted_out"),
    ];

    /// The published name of the reason.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(reason, _)| *reason == self);
        found.map_or("", |(_, name)| name)
    }

    /// The reason of a number, as a day object answers it; 0 is "counted".
    pub fn from_number(number: u8) -> Option<Self> {
        let found = Self::ALL.iter().find(|(reason, _)| *reason as u8 == number);
        found.map(|(reason, _)| *reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_number_and_one_name() {
        for (reason, name) in Drop::ALL {
            assert_eq!(Drop::from_number(reason as u8), Some(reason));
            assert_eq!(reason.as_str(), name);
            assert_eq!(
                serde_json::to_string(&reason).unwrap(),
                format!("\"{name}\"")
            );
        }
        assert!(Drop::from_number(0).is_none());
        assert!(Drop::from_number(99).is_none());
    }
}
