//! The mails that somebody can want of a site, and when a report is due.
//!
//! A report is due at [`HOUR`] in the site's zone: on Mondays of the week before, on the first of a
//! month of the month before. Only the last one is ever due, however long the server was down.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use shared::clock::UnixMs;

use crate::query::Range;
use crate::site::Site;

/// The hour at which reports are sent, in the site's zone: the day before is closed and delivered,
/// and people begin to work.
const HOUR: i8 = 8;

/// A kind of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A report of a week, Monday to Sunday.
    Weekly,
    /// A report of a month.
    Monthly,
    /// There are many visitors at once.
    Spike,
    /// There were few visitors for some hours.
    Drop,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Weekly, Self::Monthly, Self::Spike, Self::Drop];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Spike => "spike",
            Self::Drop => "drop",
        }
    }

    /// The kind of a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// In a sentence: “You get no more …”.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Weekly => "weekly reports",
            Self::Monthly => "monthly reports",
            Self::Spike => "mails about many visitors",
            Self::Drop => "mails about few visitors",
        }
    }
}

/// A report that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The days it tells of.
    pub range: Range,
    /// The same as long before: what it is compared with.
    pub before: Range,
    /// Since when it is due.
    pub since_ms: UnixMs,
}

/// The report of a kind that was due last at a site; none for alerts.
pub fn due(kind: Kind, site: &Site, now_ms: UnixMs) -> Option<Due> {
    let today = site.today(now_ms);
    let this = begins(kind, today)?;
    [Some(this), before(kind, this)]
        .into_iter()
        .flatten()
        .find_map(|on| {
            let since_ms = at_hour(site, on)?;
            let from = before(kind, on)?;
            let days = |from: Date, next: Date| Some(Range::days(from, next.yesterday().ok()?));
            (since_ms <= now_ms).then_some(Due {
                range: days(from, on)?,
                before: days(before(kind, from)?, from)?,
                since_ms,
            })
        })
}

/// The first day of the week or month that a date is in.
fn begins(kind: Kind, date: Date) -> Option<Date> {
    match kind {
        Kind::Weekly => {
            let days = date.weekday().since(Weekday::Monday);
            date.checked_sub(i64::from(days).days()).ok()
        }
        Kind::Monthly => Some(date.first_of_month()),
        Kind::Spike | Kind::Drop => None,
    }
}

/// The first day of the week or month before one that begins on this day.
fn before(kind: Kind, date: Date) -> Option<Date> {
    let span = match kind {
        Kind::Monthly => 1.month(),
        _ => 7.days(),
    };
    date.checked_sub(span).ok()
}

/// [`HOUR`] on a day. Where a zone has left it out, as much later.
fn at_hour(site: &Site, on: Date) -> Option<UnixMs> {
    let at = on.at(HOUR, 0, 0, 0).to_zoned(site.timezone.clone()).ok()?;
    Some(at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn site(zone: &str) -> Site {
        Site {
            id: 1,
            domain: "a.example".into(),
            timezone: crate::site::timezone(zone).unwrap(),
        }
    }

    fn ms(text: &str) -> UnixMs {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    fn told(kind: Kind, zone: &str, now: &str) -> (String, String, UnixMs) {
        let due = due(kind, &site(zone), ms(now)).unwrap();
        let text = |range: Range| format!("{} {}", range.from, range.to);
        (text(due.range), text(due.before), due.since_ms)
    }

    #[test]
    fn weeks_are_due_on_monday_at_eight_in_the_sites_zone() {
        let before = ("2026-11-09 2026-11-15", "2026-11-02 2026-11-08");
        let this = ("2026-11-16 2026-11-22", "2026-11-09 2026-11-15");
        // 2026-11-23 is a Monday.
        for (zone, now, expected, since) in [
            (
                "UTC",
                "2026-11-23T07:59:59Z",
                before,
                "2026-11-16T08:00:00Z",
            ),
            ("UTC", "2026-11-23T08:00:00Z", this, "2026-11-23T08:00:00Z"),
            ("UTC", "2026-11-29T23:59:59Z", this, "2026-11-23T08:00:00Z"),
            (
                "Europe/Berlin",
                "2026-11-23T06:59:59Z",
                before,
                "2026-11-16T07:00:00Z",
            ),
            (
                "Europe/Berlin",
                "2026-11-23T07:00:00Z",
                this,
                "2026-11-23T07:00:00Z",
            ),
            (
                "Asia/Kathmandu",
                "2026-11-23T02:15:00Z",
                this,
                "2026-11-23T02:15:00Z",
            ),
            (
                "Asia/Kathmandu",
                "2026-11-23T02:14:59Z",
                before,
                "2026-11-16T02:15:00Z",
            ),
            // There it is still Sunday.
            (
                "America/Los_Angeles",
                "2026-11-23T07:59:59Z",
                before,
                "2026-11-16T16:00:00Z",
            ),
            (
                "America/Los_Angeles",
                "2026-11-23T16:00:00Z",
                this,
                "2026-11-23T16:00:00Z",
            ),
        ] {
            let (range, compared, since_ms) = told(Kind::Weekly, zone, now);
            assert_eq!(
                (range.as_str(), compared.as_str()),
                expected,
                "{zone} {now}"
            );
            assert_eq!(since_ms, ms(since), "{zone} {now}");
        }
    }

    #[test]
    fn a_week_in_which_the_clock_is_put_is_due_at_eight_by_the_new_time() {
        for (now, since) in [
            // Berlin: summer time ends on Sunday 2026-10-25, and begins on Sunday 2026-03-29.
            ("2026-10-26T12:00:00Z", "2026-10-26T07:00:00Z"),
            ("2026-10-19T12:00:00Z", "2026-10-19T06:00:00Z"),
            ("2026-03-30T12:00:00Z", "2026-03-30T06:00:00Z"),
            ("2026-03-23T12:00:00Z", "2026-03-23T07:00:00Z"),
        ] {
            let (.., since_ms) = told(Kind::Weekly, "Europe/Berlin", now);
            assert_eq!(since_ms, ms(since), "{now}");
        }
    }

    #[test]
    fn months_are_due_on_the_first_and_have_their_own_lengths() {
        for (now, range, before) in [
            (
                "2026-03-01T08:00:00Z",
                "2026-02-01 2026-02-28",
                "2026-01-01 2026-01-31",
            ),
            (
                "2026-03-01T07:59:59Z",
                "2026-01-01 2026-01-31",
                "2025-12-01 2025-12-31",
            ),
            (
                "2028-03-31T00:00:00Z",
                "2028-02-01 2028-02-29",
                "2028-01-01 2028-01-31",
            ),
            (
                "2027-01-01T09:00:00Z",
                "2026-12-01 2026-12-31",
                "2026-11-01 2026-11-30",
            ),
        ] {
            let (told_range, compared, _) = told(Kind::Monthly, "UTC", now);
            assert_eq!(
                (told_range.as_str(), compared.as_str()),
                (range, before),
                "{now}"
            );
        }
        assert_eq!(
            due(Kind::Spike, &site("UTC"), ms("2026-03-01T08:00:00Z")),
            None
        );
    }

    #[test]
    fn kinds_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("daily"), None);
        assert_eq!(
            begins(Kind::Weekly, date(2026, 11, 29)),
            Some(date(2026, 11, 23))
        );
    }
}
