//! Sites: their names, their zones, their days.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use shared::clock::UnixMs;
use shared::limits::{DOMAIN_BYTES_MAX, ROSTER_DAYS, SALT_GRACE_MS};
use shared::roster::{self, Day};
use shared::settings::Settings;
use shared::visitor::SiteId;

use crate::error::{Error, Result};
use crate::shards::Shards;

const HOUR_MS: i64 = 3_600_000;

/// A site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its number; never reused.
    pub id: SiteId,
    /// Lower case, without `www.`.
    pub domain: String,
    /// Its zone.
    pub timezone: TimeZone,
}

impl Site {
    /// Its local date.
    pub fn today(&self, now_ms: UnixMs) -> Date {
        timestamp(now_ms).to_zoned(self.timezone.clone()).date()
    }

    /// Its zone's IANA name.
    pub fn timezone_name(&self) -> &str {
        self.timezone.iana_name().unwrap_or("UTC")
    }

    /// A local day, from its first moment to the next day's, with one shard.
    pub fn day(&self, date: Date) -> Option<Day> {
        Some(Day {
            date,
            start_ms: self.start_ms(date)?,
            end_ms: self.start_ms(date.tomorrow().ok()?)?,
            shards: 1,
        })
    }

    /// Today and the days to come, as the edge wants them.
    pub fn to_roster(&self, now_ms: UnixMs, settings: Settings, shards: &Shards) -> roster::Site {
        let today = self.today(now_ms);
        let dates = std::iter::successors(Some(today), |date| date.tomorrow().ok());
        roster::Site {
            id: self.id,
            domain: self.domain.clone(),
            former: None,
            days: dates
                .take(ROSTER_DAYS)
                .filter_map(|date| {
                    let shards = shards.on(date);
                    self.day(date).map(|day| Day { shards, ..day })
                })
                .collect(),
            settings,
        }
    }

    /// The dates that may have a salt now: yesterday while its grace lasts, today, tomorrow.
    pub fn salt_dates(&self, now_ms: UnixMs) -> Vec<Date> {
        let today = self.today(now_ms);
        let in_grace = self
            .start_ms(today)
            .is_some_and(|start_ms| now_ms < start_ms + SALT_GRACE_MS);
        let yesterday = today.yesterday().ok().filter(|_| in_grace);
        [yesterday, Some(today), today.tomorrow().ok()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// How many hours a local day has, the last of them cut short where a zone moves by half an
    /// hour; they count from its first moment.
    pub fn hours(&self, date: Date) -> u32 {
        let day = self.day(date);
        let hours = day.map_or(24, |day| {
            (day.end_ms - day.start_ms + HOUR_MS - 1) / HOUR_MS
        });
        u32::try_from(hours).unwrap_or(24)
    }

    /// When an hour of a local day begins, in the site's zone: `2026-11-23 14:00:00`.
    pub fn hour(&self, date: Date, hour: u32) -> Option<String> {
        let start = timestamp(self.start_ms(date)? + i64::from(hour) * HOUR_MS);
        let local = start.to_zoned(self.timezone.clone());
        Some(local.strftime("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// A moment in the site's zone, to the minute: `2026-11-23 14:05`.
    pub fn minute(&self, at_ms: UnixMs) -> String {
        let local = timestamp(at_ms).to_zoned(self.timezone.clone());
        local.strftime("%Y-%m-%d %H:%M").to_string()
    }

    fn start_ms(&self, date: Date) -> Option<UnixMs> {
        let start = date.to_zoned(self.timezone.clone()).ok()?;
        Some(start.timestamp().as_millisecond())
    }
}

/// Checks a domain as a person writes it.
///
/// # Errors
/// It is no domain.
pub fn domain(text: &str) -> Result<String> {
    let domain = shared::page_url::host_name(text);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    let ok = !domain.is_empty()
        && domain.len() <= DOMAIN_BYTES_MAX
        && domain.bytes().all(allowed)
        && !domain.starts_with('.')
        && !domain.contains("..");
    if ok {
        Ok(domain)
    } else {
        Err(Error::Invalid(format!(
            "domain: {text:?} is not a host name such as example.com (no scheme, no path; write international names in their xn-- form)"
        )))
    }
}

/// Checks an IANA zone name.
///
/// # Errors
/// There is no such zone.
pub fn timezone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        Error::Invalid(format!(
            "timezone: {name:?} is not an IANA name such as Europe/Berlin"
        ))
    })
}

/// The zones that a person chooses among, by name: those of places, and UTC. [`timezone`] takes
/// every other IANA name, too.
pub fn timezones() -> Vec<String> {
    let is_place = |name: &str| {
        const AREAS: [&str; 10] = [
            "Africa",
            "America",
            "Antarctica",
            "Arctic",
            "Asia",
            "Atlantic",
            "Australia",
            "Europe",
            "Indian",
            "Pacific",
        ];
        let area = name.split_once('/').map(|(area, _)| area);
        area.is_some_and(|area| AREAS.contains(&area))
    };
    let all = jiff::tz::db().available();
    let mut names: Vec<String> = all
        .map(|name| name.as_str().to_owned())
        .filter(|name| name == "UTC" || is_place(name))
        .collect();
    names.sort_unstable();
    names
}

fn timestamp(now_ms: UnixMs) -> Timestamp {
    Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn site(zone: &str) -> Site {
        Site {
            id: 1,
            domain: "a.example".into(),
            timezone: timezone(zone).unwrap(),
        }
    }

    fn ms(text: &str) -> UnixMs {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn local_days_follow_the_zone() {
        let hours = |zone, date| {
            let day = site(zone).day(date).unwrap();
            (day.end_ms - day.start_ms) as f64 / 3_600_000.0
        };
        assert_eq!(hours("Europe/Berlin", date(2026, 3, 29)), 23.0);
        assert_eq!(hours("Europe/Berlin", date(2026, 10, 25)), 25.0);
        assert_eq!(hours("Asia/Kolkata", date(2026, 10, 25)), 24.0);
        assert_eq!(hours("Australia/Lord_Howe", date(2026, 10, 4)), 23.5);
        let now = ms("2026-11-22T18:30:00Z");
        assert_eq!(site("Asia/Kolkata").today(now), date(2026, 11, 23));
        assert_eq!(site("Asia/Kolkata").today(now - 1), date(2026, 11, 22));
    }

    #[test]
    fn the_roster_tells_eight_days_without_gaps() {
        let mut shards = Shards::default();
        shards.insert(date(2026, 10, 23), 3);
        let now = ms("2026-10-22T12:00:00Z");
        let days = site("Europe/Berlin")
            .to_roster(now, Settings::default(), &shards)
            .days;
        assert_eq!(days[0].shards, 1);
        assert!(days[1..].iter().all(|day| day.shards == 3));
        assert_eq!(days.len(), ROSTER_DAYS);
        assert_eq!(days[0].date, date(2026, 10, 22));
        assert!(
            days.windows(2)
                .all(|pair| pair[0].end_ms == pair[1].start_ms)
        );
    }

    #[test]
    fn i3_salts_are_for_today_and_tomorrow_and_ten_minutes_of_yesterday() {
        let site = site("Europe/Berlin");
        let midnight = ms("2026-11-22T23:00:00Z");
        let today = date(2026, 11, 23);
        let tomorrow = date(2026, 11, 24);
        assert_eq!(
            site.salt_dates(midnight),
            [date(2026, 11, 22), today, tomorrow]
        );
        assert_eq!(site.salt_dates(midnight + SALT_GRACE_MS), [today, tomorrow]);
    }

    #[test]
    fn domains() {
        assert_eq!(domain("www.Example.COM").unwrap(), "example.com");
        assert_eq!(domain("localhost:3000").unwrap(), "localhost:3000");
        for bad in [
            "",
            "https://a.example",
            "a.example/x",
            "a b",
            "a..b",
            ".a",
            "münchen.example",
        ] {
            assert!(domain(bad).is_err(), "{bad}");
        }
        assert!(timezone("Mars/Base").is_err());
        let zones = timezones();
        assert!(zones.len() > 300, "{}", zones.len());
        assert!(zones.iter().all(|name| timezone(name).is_ok()));
        assert!(zones.is_sorted() && zones.contains(&"UTC".to_owned()));
    }
}
