//! The one real clock of the aggregator, how long something took, and days as numbers.

use std::time::{Duration, Instant};

use jiff::civil::Date;
use shared::clock::{Clock, UnixMs};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // This is the one real clock of the aggregator.
    fn now_ms(&self) -> UnixMs {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        #[cfg(feature = "test-clock")]
        let now_ms = now_ms.saturating_add(test_offset_ms());
        now_ms
    }
}

/// How long something takes, whatever becomes of the clock meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins now.
    #[allow(clippy::disallowed_methods)] // What is measured is told as metrics; nothing is counted by it.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since it was started.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How far tests have put the clock forward: the number in the file `DAYFLY_TEST_CLOCK_FILE`, read
/// anew each time.
#[cfg(feature = "test-clock")]
fn test_offset_ms() -> i64 {
    std::env::var_os("DAYFLY_TEST_CLOCK_FILE")
        .and_then(|file| std::fs::read_to_string(file).ok())
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// The date of a moment in UTC; dates that belong to no site are told by it.
pub fn date_in_utc(now_ms: UnixMs) -> Date {
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Days since 1970-01-01, as dates are stored.
pub fn day_number(date: Date) -> i64 {
    i64::from((date - EPOCH).get_days())
}

/// The date of a [`day_number`].
pub fn date_of(day: i64) -> Option<Date> {
    let days = jiff::Span::new().try_days(day).ok()?;
    EPOCH.checked_add(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_numbers_and_back() {
        for (date, number) in [
            (jiff::civil::date(1970, 1, 1), 0),
            (jiff::civil::date(2026, 11, 23), 20_780),
            (jiff::civil::date(1969, 12, 31), -1),
        ] {
            assert_eq!(day_number(date), number);
            assert_eq!(date_of(number), Some(date));
        }
        assert_eq!(date_of(i64::MAX), None);
    }
}
