//! The local days of a site, and who is who on them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, civil};
use shared::clock::UnixMs;
use shared::roster::Day;
use shared::visitor::{Salt, VisitorHasher};

use super::told::Bad;
use crate::site::Site;

/// Nothing on the web is older.
const OLDEST: Date = civil::date(1990, 1, 1);

/// A local day.
pub struct LocalDay {
    /// The day.
    pub day: Day,
    /// Tells its visitors apart.
    pub hasher: VisitorHasher,
}

/// See the module. The salt is the import's own: random, in this process alone, zeroized.
pub struct LocalDays {
    site: Site,
    salt: Salt,
    latest: Date,
    /// By the day's first moment.
    known: BTreeMap<UnixMs, LocalDay>,
}

impl LocalDays {
    /// Days of a site up to `latest`.
    pub fn new(site: &Site, salt: Salt, latest: Date) -> Self {
        Self {
            site: site.clone(),
            salt,
            latest,
            known: BTreeMap::new(),
        }
    }

    /// The day of a moment.
    ///
    /// # Errors
    /// It is before the web, or after the import.
    pub fn of(&mut self, at_ms: UnixMs) -> Result<&LocalDay, Bad> {
        let before = self.known.range(..=at_ms).next_back();
        let known = before.filter(|(_, local)| at_ms < local.day.end_ms);
        let start_ms = match known {
            Some((start_ms, _)) => *start_ms,
            None => self.learn(at_ms)?,
        };
        self.known
            .get(&start_ms)
            .ok_or(Bad::new("time", "has no local day"))
    }

    fn learn(&mut self, at_ms: UnixMs) -> Result<UnixMs, Bad> {
        let out_of_range = Bad::new("time", "is not between 1990 and now");
        let at = Timestamp::from_millisecond(at_ms).map_err(|_| out_of_range.clone())?;
        let mut date = at.to_zoned(self.site.timezone.clone()).date();
        // Where clocks are set back at midnight a moment may belong to the day beside its date.
        for _ in 0..3 {
            if !(OLDEST..=self.latest).contains(&date) {
                return Err(out_of_range);
            }
            let day = self.site.day(date).ok_or(out_of_range.clone())?;
            let beside = match (at_ms < day.start_ms, at_ms >= day.end_ms) {
                (true, _) => date.yesterday(),
                (_, true) => date.tomorrow(),
                _ => {
                    let start_ms = day.start_ms;
                    let hasher = VisitorHasher::new(&self.salt, self.site.id, date);
                    self.known.insert(start_ms, LocalDay { day, hasher });
                    return Ok(start_ms);
                }
            };
            date = beside.map_err(|_| out_of_range.clone())?;
        }
        Err(out_of_range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_belong_to_the_days_of_the_zone() {
        let site = Site {
            id: 1,
            domain: "a.example".into(),
            timezone: crate::site::timezone("Europe/Berlin").unwrap(),
        };
        let latest = civil::date(2026, 11, 24);
        let mut days = LocalDays::new(&site, Salt::from_random([1; 32]), latest);
        let mut of = |text: &str| {
            let at_ms = text.parse::<Timestamp>().unwrap().as_millisecond();
            let day = days.of(at_ms).map(|local| local.day);
            day.map(|day| (day.date.to_string(), (at_ms - day.start_ms) / 3_600_000))
        };
        for (at, date, hour) in [
            ("2026-03-28T22:59:59Z", "2026-03-28", 23),
            ("2026-03-28T23:00:00Z", "2026-03-29", 0),
            ("2026-03-29T21:59:59Z", "2026-03-29", 22),
            ("2026-03-29T22:00:00Z", "2026-03-30", 0),
            ("2026-10-25T22:59:59Z", "2026-10-25", 24),
            ("2026-11-24T22:59:59Z", "2026-11-24", 23),
        ] {
            assert_eq!(of(at), Ok((date.to_owned(), hour)), "{at}");
        }
        for at in [
            "2026-11-24T23:00:00Z",
            "1989-12-31T12:00:00Z",
            "9999-12-30T00:00:00Z",
        ] {
            assert!(of(at).is_err(), "{at}");
        }
    }
}
