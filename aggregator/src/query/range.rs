//! `date_range` of the stats API (COMPAT.md, section 3): local days, and hours of the first and
//! the last of them.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::time::days_until;
use crate::clock::day_number;
use crate::site::Site;

/// From the first hour of the first day to the last hour of the last, all included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// First hour of the first day.
    pub first_hour: u32,
    /// Last hour of the last day; `None` for all of it.
    pub last_hour: Option<u32>,
    /// Fewer minutes were asked for than are counted: hours are the finest there is.
    pub is_rounded: bool,
}

/// Most days or months a range may name.
const MOST: i64 = 1_200;
/// Most days a range may span.
const DAYS_MAX: i64 = 36_600;
const HOUR_MS: i64 = 3_600_000;

impl Range {
    /// Whole days.
    pub const fn days(from: Date, to: Date) -> Self {
        Self {
            from,
            to,
            first_hour: 0,
            last_hour: None,
            is_rounded: false,
        }
    }

    /// Whether it begins or ends within a day.
    pub const fn is_partial(&self) -> bool {
        self.first_hour > 0 || self.last_hour.is_some()
    }

    /// Whether only some hours of a date ([`day_number`]) are in it.
    pub fn cuts(&self, date: i64) -> bool {
        let begins = self.first_hour > 0 && date == day_number(self.from);
        begins || (self.last_hour.is_some() && date == day_number(self.to))
    }

    /// Whether an hour of a date ([`day_number`]) is in it.
    pub fn contains(&self, date: i64, hour: u64) -> bool {
        let (from, to) = (day_number(self.from), day_number(self.to));
        let begins = date > from || (date == from && hour >= u64::from(self.first_hour));
        let last = self.last_hour.map_or(u64::MAX, u64::from);
        begins && (date < to || (date == to && hour <= last))
    }

    /// How many days it touches.
    pub fn day_count(&self) -> i64 {
        day_number(self.to) - day_number(self.from) + 1
    }

    /// As the API tells it, so that it can be asked for again.
    pub fn to_json(&self, site: &Site) -> Value {
        if !self.is_partial() {
            return json!([self.from, self.to]);
        }
        let moment = |ms: Option<i64>| {
            let moment = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            let local = moment.map(|moment| moment.to_zoned(site.timezone.clone()));
            local.map_or_else(String::new, |local| {
                local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
            })
        };
        let hour_ms = |date: Date, hour: u32| {
            let start_ms = site.day(date)?.start_ms;
            Some(start_ms + i64::from(hour) * HOUR_MS)
        };
        let end_ms = match self.last_hour {
            Some(hour) => hour_ms(self.to, hour + 1).map(|ms| ms - 1_000),
            None => site.day(self.to).map(|day| day.end_ms - 1_000),
        };
        json!([moment(hour_ms(self.from, self.first_hour)), moment(end_ms)])
    }

    /// The days just before it, as many.
    ///
    /// # Errors
    /// They are beyond the calendar.
    pub fn previous(&self) -> Result<Self, String> {
        self.moved(-self.day_count())
    }

    /// The same dates a year before.
    ///
    /// # Errors
    /// They are beyond the calendar.
    pub fn year_before(&self) -> Result<Self, String> {
        let back = |date: Date| date.checked_sub(1.year()).map_err(beyond);
        Ok(Self {
            from: back(self.from)?,
            to: back(self.to)?,
            ..*self
        })
    }

    /// Moved so that it begins on the same day of the week as `other`, as little as can be.
    ///
    /// # Errors
    /// It is beyond the calendar.
    pub fn on_weekday_of(&self, other: &Range) -> Result<Self, String> {
        let days = days_until(self.from.weekday(), other.from.weekday());
        self.moved(if days > 3 { days - 7 } else { days })
    }

    fn moved(&self, days: i64) -> Result<Self, String> {
        let move_by = |date: Date| date.checked_add(days.days()).map_err(beyond);
        Ok(Self {
            from: move_by(self.from)?,
            to: move_by(self.to)?,
            ..*self
        })
    }
}

fn beyond(_: jiff::Error) -> String {
    "the range reaches beyond the calendar".to_owned()
}

/// Reads a range. `oldest` is the first day with data, for `"all"`.
///
/// # Errors
/// What is wrong, for a person.
pub fn parse_range(
    value: &Value,
    site: &Site,
    now_ms: i64,
    oldest: Option<Date>,
) -> Result<Range, String> {
    let range = match value {
        Value::String(text) => named(text, site, now_ms, oldest),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(from), Value::String(to)] => pair_of(from, to, site),
            _ => Err("a list must hold two dates, or two moments".into()),
        },
        _ => Err("must be a text or a list of two dates".into()),
    }?;
    if range.day_count() > DAYS_MAX {
        return Err("the range is longer than 100 years".into());
    }
    Ok(range)
}

fn pair_of(from: &str, to: &str, site: &Site) -> Result<Range, String> {
    let range = if from.len() == 10 && to.len() == 10 {
        Range::days(date(from)?, date(to)?)
    } else {
        let (start, end) = (moment(from, site)?, moment(to, site)?);
        if start > end {
            return Err("the first moment is after the last".into());
        }
        let place = |ms: i64| {
            let date = site.today(ms);
            let day = site
                .day(date)
                .ok_or("the range reaches beyond the calendar")?;
            Ok::<_, String>((date, (ms - day.start_ms), day))
        };
        let (from, after_ms, _) = place(start)?;
        let (to, until_ms, last) = place(end)?;
        let first_hour = u32::try_from(after_ms / HOUR_MS).unwrap_or(0);
        let last_hour = u32::try_from(until_ms / HOUR_MS).unwrap_or(0);
        let is_whole = last.start_ms + (i64::from(last_hour) + 1) * HOUR_MS >= last.end_ms;
        // The last second of an hour stands for its end, as people write it.
        let ends = (until_ms + 1_000) % HOUR_MS <= 1_000 || last.end_ms - end <= 1_000;
        Range {
            from,
            to,
            first_hour,
            last_hour: Some(last_hour).filter(|_| !is_whole),
            is_rounded: after_ms % HOUR_MS != 0 || !ends,
        }
    };
    if range.from > range.to {
        return Err("the first day is after the last".into());
    }
    Ok(range)
}

fn date(text: &str) -> Result<Date, String> {
    // The parser takes more than a date; the format is the date alone.
    match text.parse::<Date>() {
        Ok(date) if text.len() == 10 => Ok(date),
        _ => Err(format!(
            "{:?} is not a date such as \"2026-11-23\"",
            short(text)
        )),
    }
}

/// A moment with its offset, or in the site's zone where it has none. The end of a range is given
/// as it is written: `…T23:59:59` includes that second.
fn moment(text: &str, site: &Site) -> Result<i64, String> {
    let wrong = || {
        format!(
            "{:?} is not a moment such as \"2026-11-23T12:00:00+01:00\"; both must be dates or both moments",
            short(text)
        )
    };
    if text.len() > 40 || !text.contains(['T', ' ', 't']) {
        return Err(wrong());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_millisecond());
    }
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    let zoned = local.to_zoned(site.timezone.clone()).map_err(|_| wrong())?;
    Ok(zoned.timestamp().as_millisecond())
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn named(text: &str, site: &Site, now_ms: i64, oldest: Option<Date>) -> Result<Range, String> {
    let today = site.today(now_ms);
    let unknown = || {
        format!(
            "unknown range {:?}; use \"day\", \"24h\", \"7d\", \"month\", \"6mo\", \"year\", \"all\", two dates or two moments",
            short(text)
        )
    };
    let to_today = |from| Range::days(from, today);
    let number = |digits: &str| {
        let number = digits.parse::<i64>().ok();
        let number = number.filter(|n| (1..=MOST).contains(n));
        number.ok_or_else(unknown)
    };
    Ok(match text {
        "day" => to_today(today),
        "24h" => {
            let start_ms = site.day(today).map_or(now_ms, |day| day.start_ms);
            let hour = (now_ms - start_ms) / HOUR_MS;
            // From the first moment of the hour that began 23 hours before this one.
            let first_ms = start_ms + (hour - 23) * HOUR_MS;
            let from = site.today(first_ms);
            let before_ms = site.day(from).map_or(first_ms, |day| day.start_ms);
            Range {
                from,
                to: today,
                first_hour: u32::try_from((first_ms - before_ms) / HOUR_MS).unwrap_or(0),
                last_hour: None,
                is_rounded: false,
            }
        }
        "month" => Range::days(today.first_of_month(), today.last_of_month()),
        "year" => Range::days(today.first_of_year(), today.last_of_year()),
        "all" => to_today(oldest.unwrap_or(today).min(today)),
        _ => {
            if let Some(months) = text.strip_suffix("mo") {
                let back = (number(months)? - 1).months();
                let from = today.first_of_month().checked_sub(back).map_err(beyond)?;
                Range::days(from, today.last_of_month())
            } else if let Some(days) = text.strip_suffix('d') {
                let days = number(days)?;
                let back = |n: i64| today.checked_sub(n.days()).map_err(beyond);
                Range::days(back(days)?, back(1)?)
            } else {
                return Err(unknown());
            }
        }
    })
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

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn ranges() {
        let now_ms = ms("2026-03-31T10:00:00Z");
        let days = [
            (json!("day"), date(2026, 3, 31), date(2026, 3, 31)),
            (json!("1d"), date(2026, 3, 30), date(2026, 3, 30)),
            (json!("30d"), date(2026, 3, 1), date(2026, 3, 30)),
            (json!("month"), date(2026, 3, 1), date(2026, 3, 31)),
            (json!("1mo"), date(2026, 3, 1), date(2026, 3, 31)),
            (json!("2mo"), date(2026, 2, 1), date(2026, 3, 31)),
            (json!("year"), date(2026, 1, 1), date(2026, 12, 31)),
            (json!("all"), date(2025, 5, 5), date(2026, 3, 31)),
            (
                json!(["2024-02-29", "2024-03-01"]),
                date(2024, 2, 29),
                date(2024, 3, 1),
            ),
            (
                json!(["2030-01-01", "2030-12-31"]),
                date(2030, 1, 1),
                date(2030, 12, 31),
            ),
        ];
        let oldest = Some(date(2025, 5, 5));
        for (value, from, to) in days {
            let range = parse_range(&value, &site("UTC"), now_ms, oldest);
            assert_eq!(range, Ok(Range::days(from, to)), "{value}");
        }
        let none = parse_range(&json!("all"), &site("UTC"), now_ms, None).unwrap();
        assert_eq!(none, Range::days(date(2026, 3, 31), date(2026, 3, 31)));
        for bad in [
            json!(null),
            json!(7),
            json!(""),
            json!("d"),
            json!("0d"),
            json!("-1d"),
            json!("9999d"),
            json!("7days"),
            json!("mo"),
            json!("ümo"),
            json!([]),
            json!(["2026-01-01"]),
            json!(["2026-02-30", "2026-03-01"]),
            json!(["2026-03-02", "2026-03-01"]),
            json!(["2026-03-01T00:00:00", "2026-03-02"]),
            json!(["2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"]),
            json!(["1026-03-02", "2026-03-01"]),
            json!(["x".repeat(100), "2026-03-01"]),
            json!([1, 2]),
        ] {
            let range = parse_range(&bad, &site("UTC"), now_ms, None);
            assert!(range.is_err(), "{bad}");
        }
    }

    #[test]
    fn moments_are_hours_of_the_sites_days() {
        let read = |zone, from: &str, to: &str| {
            parse_range(&json!([from, to]), &site(zone), 0, None).unwrap()
        };
        // +05:45: 00:15 UTC is 06:00 there.
        let range = read(
            "Asia/Kathmandu",
            "2026-11-23T00:15:00Z",
            "2026-11-23T02:14:59Z",
        );
        let day = date(2026, 11, 23);
        assert_eq!((range.from, range.to), (day, day));
        assert_eq!((range.first_hour, range.last_hour), (6, Some(7)));
        assert!(!range.is_rounded);
        assert!(range.contains(day_number(day), 7) && !range.contains(day_number(day), 8));
        assert_eq!(
            range.to_json(&site("Asia/Kathmandu")),
            json!(["2026-11-23T06:00:00+05:45", "2026-11-23T07:59:59+05:45"])
        );
        let whole = read(
            "Europe/Berlin",
            "2026-03-29T00:00:00",
            "2026-03-29T23:59:59",
        );
        assert_eq!(whole, Range::days(date(2026, 3, 29), date(2026, 3, 29)));
        assert!(read("UTC", "2026-03-29T00:10:00Z", "2026-03-29T23:59:59Z").is_rounded);
        assert!(read("UTC", "2026-03-29T00:00:00Z", "2026-03-29T23:30:00Z").is_rounded);
    }

    #[test]
    fn a_day_of_24_hours_ends_now() {
        let read = |zone, now| parse_range(&json!("24h"), &site(zone), ms(now), None).unwrap();
        let range = read("UTC", "2026-11-23T10:20:00Z");
        assert_eq!((range.from, range.first_hour), (date(2026, 11, 22), 11));
        // The day before had 25 hours.
        let range = read("Europe/Berlin", "2026-10-26T09:20:00Z");
        assert_eq!((range.from, range.first_hour), (date(2026, 10, 25), 12));
        let range = read("UTC", "2026-11-23T23:20:00Z");
        assert_eq!((range.from, range.first_hour), (date(2026, 11, 23), 0));
    }

    #[test]
    fn comparisons() {
        let month = Range::days(date(2026, 3, 1), date(2026, 3, 31));
        let before = month.previous().unwrap();
        assert_eq!(
            (before.from, before.to),
            (date(2026, 1, 29), date(2026, 2, 28))
        );
        let year = Range::days(date(2024, 2, 29), date(2024, 2, 29))
            .year_before()
            .unwrap();
        assert_eq!(year.from, date(2023, 2, 28));
        let same = before.on_weekday_of(&month).unwrap();
        assert_eq!(same.from.weekday(), month.from.weekday());
        assert_eq!(same.from, date(2026, 2, 1));
    }
}
