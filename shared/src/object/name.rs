//! Names of day objects.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::visitor::SiteId;

/// Which day object this is; its name is `site:date:shard` and holds no personal data: platforms
/// log names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Name {
    /// The site.
    pub site: SiteId,
    /// The local date.
    #[serde(deserialize_with = "crate::date::read")]
    pub date: Date,
    /// Which shard.
    pub shard: u16,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.site, self.date, self.shard)
    }
}

impl std::str::FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let (Some(site), Some(date), Some(shard), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("not site:date:shard");
        };
        Ok(Self {
            site: site.parse().map_err(|_| "no site number")?,
            date: crate::date::parse(date).ok_or("no date")?,
            shard: shard.parse().map_err(|_| "no shard number")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_site_date_and_shard() {
        let name = Name {
            site: 1,
            date: jiff::civil::date(2026, 11, 23),
            shard: 0,
        };
        assert_eq!("1:2026-11-23:0".parse::<Name>().unwrap(), name);
        assert_eq!(name.to_string(), "1:2026-11-23:0");
        for bad in [
            "",
            "1:2026-11-23",
            "1:2026-13-01:0",
            "1:2026-11-23:0:9",
            "x:2026-11-23:0",
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
