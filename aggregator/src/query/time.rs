//! Spans of time that counts are summed by, and what they are called.

use jiff::civil::{Date, Weekday};

use super::dimension::Dimension;
use super::range::Range;
use crate::clock::{date_of, day_number};
use crate::site::Site;

/// Most hours of a day.
const HOURS: u32 = 25;

/// The spans of a range.
#[derive(Debug, Clone, Copy)]
pub struct Spans<'a> {
    /// Hour, day, week or month.
    unit: &'a Dimension,
    range: &'a Range,
    site: &'a Site,
}

impl<'a> Spans<'a> {
    /// Those of a unit.
    pub const fn new(unit: &'a Dimension, range: &'a Range, site: &'a Site) -> Self {
        Self { unit, range, site }
    }

    /// The number of the span of a date ([`day_number`]) and an hour of it; they rise with time.
    pub fn number(&self, date: i64, hour: u64) -> u32 {
        let from = day_number(self.range.from);
        let day = u32::try_from(date - from).unwrap_or(0);
        match self.unit {
            Dimension::Hour => day * HOURS + hour as u32,
            Dimension::Week => {
                // Weeks begin on Monday; 1970-01-01 was a Thursday.
                ((date + 3).div_euclid(7) - (from + 3).div_euclid(7)) as u32
            }
            Dimension::Month => {
                let month = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
                let first = month(self.range.from);
                date_of(date).map_or(0, |date| (month(date) - first) as u32)
            }
            _ => day,
        }
    }

    /// What a span is called: its first day within the range, or its hour in the site's zone.
    pub fn label(&self, number: u32) -> String {
        let from = day_number(self.range.from);
        match self.unit {
            Dimension::Hour => {
                let date = date_of(from + i64::from(number / HOURS));
                let start = date.and_then(|date| self.site.hour(date, number % HOURS));
                start.unwrap_or_default()
            }
            _ => self.first_day(number).to_string(),
        }
    }

    fn first_day(&self, number: u32) -> Date {
        let range = self.range;
        let from = day_number(range.from);
        let first = match self.unit {
            Dimension::Week => {
                let monday = (from + 3).div_euclid(7) * 7 - 3;
                date_of(monday + 7 * i64::from(number))
            }
            Dimension::Month => {
                let months = i64::from(range.from.month()) - 1 + i64::from(number);
                let year = i64::from(range.from.year()) + months.div_euclid(12);
                let (year, month) = (i16::try_from(year), months.rem_euclid(12) as i8 + 1);
                year.ok().and_then(|year| Date::new(year, month, 1).ok())
            }
            _ => date_of(from + i64::from(number)),
        };
        first.unwrap_or(range.from).max(range.from)
    }

    /// The numbers of all spans, in order.
    pub fn all(&self) -> Vec<u32> {
        let (from, to) = (day_number(self.range.from), day_number(self.range.to));
        let mut numbers = Vec::new();
        for date in from..=to {
            let hours = match self.unit {
                Dimension::Hour => date_of(date).map_or(24, |date| self.site.hours(date)),
                _ => 1,
            };
            for hour in 0..hours {
                let is_in = self.unit != &Dimension::Hour || self.range.contains(date, hour.into());
                let number = self.number(date, hour.into());
                if is_in && numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
        numbers
    }
}

/// The day of the week a comparison is moved to.
pub const fn days_until(from: Weekday, to: Weekday) -> i64 {
    (to.to_monday_zero_offset() as i64 - from.to_monday_zero_offset() as i64).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn site(zone: &str) -> Site {
        Site {
            id: 1,
            domain: "a.example".into(),
            timezone: crate::site::timezone(zone).unwrap(),
        }
    }

    fn labels(zone: &str, unit: &Dimension, range: Range) -> Vec<String> {
        let site = site(zone);
        let spans = Spans::new(unit, &range, &site);
        spans.all().into_iter().map(|n| spans.label(n)).collect()
    }

    #[test]
    fn weeks_and_months_begin_with_the_range() {
        let range = Range::days(date(2026, 12, 30), date(2027, 2, 2));
        assert_eq!(
            labels("UTC", &Dimension::Month, range),
            ["2026-12-30", "2027-01-01", "2027-02-01"]
        );
        assert_eq!(
            labels("UTC", &Dimension::Week, range),
            [
                "2026-12-30",
                "2027-01-04",
                "2027-01-11",
                "2027-01-18",
                "2027-01-25",
                "2027-02-01"
            ]
        );
        let leap = Range::days(date(2024, 2, 28), date(2024, 3, 1));
        let days = labels("UTC", &Dimension::Day, leap);
        assert_eq!(days, ["2024-02-28", "2024-02-29", "2024-03-01"]);
    }

    #[test]
    fn hours_are_those_of_the_zone_also_when_clocks_change() {
        let day = |zone, on| labels(zone, &Dimension::Hour, Range::days(on, on));
        let spring = day("Europe/Berlin", date(2026, 3, 29));
        assert_eq!(spring.len(), 23);
        assert_eq!(spring[1..3], ["2026-03-29 01:00:00", "2026-03-29 03:00:00"]);
        let autumn = day("Europe/Berlin", date(2026, 10, 25));
        assert_eq!(autumn.len(), 25);
        assert_eq!(autumn[2..4], ["2026-10-25 02:00:00"; 2]);
        let half = day("Asia/Kathmandu", date(2026, 10, 25));
        assert_eq!((half.len(), half[5].as_str()), (24, "2026-10-25 05:00:00"));
        // Half an hour is skipped: the day has 23.5 hours, the last of them a half.
        assert_eq!(day("Australia/Lord_Howe", date(2026, 10, 4)).len(), 24);
    }
}
