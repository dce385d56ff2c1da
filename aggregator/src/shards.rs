//! How many day objects count a site's day: one per [`HITS_PER_SHARD`] hits of the day before.
//!
//! What always holds: the number of a day that has begun never changes, for a visitor belongs to
//! one shard all day. Decided is tomorrow's number only, once, and early enough that every edge
//! has heard of it before the day begins; it stays until another day's is decided.

use std::collections::BTreeMap;

use jiff::civil::Date;
use shared::clock::UnixMs;
use shared::limits::SHARDS_MAX;
use shared::roster::Day;

/// Hits of a day that one day object counts with ease: 23 a second on average, a few hundred in a
/// busy second.
pub const HITS_PER_SHARD: u64 = 2_000_000;
/// Tomorrow's number is decided in the last two hours of the day, when its volume is known,
const DECIDED_BEFORE_MS: i64 = 2 * 3_600_000;
/// but not in the last ten minutes: an edge may know a roster that is a minute old, and two
/// numbers at once would count a visitor twice.
const TOLD_BEFORE_MS: i64 = 10 * 60_000;

/// What was decided for one site: from each date on, so many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shards(BTreeMap<Date, u16>);

impl Shards {
    /// Takes a decision up.
    pub fn insert(&mut self, from: Date, shards: u16) {
        self.0.insert(from, shards);
    }

    /// The number of a date: the last that was decided for it or before it.
    pub fn on(&self, date: Date) -> u16 {
        let last = self.0.range(..=date).next_back();
        last.map_or(1, |(_, shards)| *shards)
    }

    /// Whether tomorrow's number is to be decided now; `today` is the day of `now_ms`.
    pub fn is_due(&self, today: &Day, now_ms: UnixMs) -> bool {
        let window = today.end_ms - DECIDED_BEFORE_MS..today.end_ms - TOLD_BEFORE_MS;
        let tomorrow = today.date.tomorrow().ok();
        window.contains(&now_ms) && tomorrow.is_some_and(|date| !self.0.contains_key(&date))
    }
}

/// The number for a volume such as today's, of which `hits` were counted until `now_ms`.
pub fn wanted(hits: u64, today: &Day, now_ms: UnixMs) -> u16 {
    let length = u128::try_from(today.end_ms - today.start_ms).unwrap_or(0);
    let elapsed = u128::try_from(now_ms - today.start_ms).unwrap_or(0);
    let whole_day = (u128::from(hits) * length).div_ceil(elapsed.max(1));
    let shards = whole_day.div_ceil(u128::from(HITS_PER_SHARD));
    u16::try_from(shards)
        .unwrap_or(u16::MAX)
        .clamp(1, SHARDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Site, timezone};
    use jiff::civil::date;

    const HOUR_MS: i64 = 3_600_000;
    const MINUTE_MS: i64 = 60_000;

    fn day(zone: &str, date: Date) -> Day {
        let site = Site {
            id: 1,
            domain: "a.example".into(),
            timezone: timezone(zone).unwrap(),
        };
        site.day(date).unwrap()
    }

    #[test]
    fn one_per_two_million_hits_of_a_whole_day() {
        let plain = day("UTC", date(2026, 11, 23));
        let short = day("Europe/Berlin", date(2026, 3, 29)); // 23 hours
        let long = day("Europe/Berlin", date(2026, 10, 25)); // 25 hours
        let half = day("Australia/Lord_Howe", date(2026, 10, 4)); // 23.5 hours
        let cases = [
            // Two hours before the end, so many hits: so many shards.
            (&plain, 2 * HOUR_MS, 0, 1),
            (&plain, 2 * HOUR_MS, 1_833_333, 1), // × 24/22 is just under two million
            (&plain, 2 * HOUR_MS, 1_833_334, 2),
            (&plain, 2 * HOUR_MS, 22_000_000, 12),
            (&plain, 2 * HOUR_MS, 22_000_001, 13),
            (&plain, HOUR_MS, 23_000_000, 12),
            (&plain, 10 * MINUTE_MS, 2_000_000, 2),
            (&short, 2 * HOUR_MS, 21_000_000, 12), // × 23/21
            (&short, 2 * HOUR_MS, 22_000_000, 13),
            (&long, 2 * HOUR_MS, 23_000_000, 13), // × 25/23
            (&long, 2 * HOUR_MS, 22_080_000, 12),
            (&half, 2 * HOUR_MS, 21_500_000, 12), // × 23.5/21.5
            (&plain, 2 * HOUR_MS, 10_000_000_000, SHARDS_MAX),
            (&plain, 2 * HOUR_MS, u64::MAX, SHARDS_MAX),
        ];
        for (day, before_ms, hits, expected) in cases {
            let found = wanted(hits, day, day.end_ms - before_ms);
            assert_eq!(found, expected, "{} {before_ms} {hits}", day.date);
        }
        // At the day's first moment, or before it, nothing is divided by zero.
        assert_eq!(wanted(0, &plain, plain.start_ms), 1);
        assert_eq!(wanted(u64::MAX, &plain, plain.start_ms - 1), SHARDS_MAX);
    }

    #[test]
    fn decided_once_late_in_the_day_and_told_before_it_ends() {
        for zone in [
            "UTC",
            "Asia/Kolkata",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "America/Los_Angeles",
        ] {
            for today in [
                date(2026, 11, 1),
                date(2026, 10, 3),
                date(2026, 10, 4),
                date(2026, 12, 31),
            ] {
                let today = day(zone, today);
                let mut shards = Shards::default();
                let due = |shards: &Shards, before_ms: i64| {
                    shards.is_due(&today, today.end_ms - before_ms)
                };
                assert!(!due(&shards, 2 * HOUR_MS + 1));
                assert!(due(&shards, 2 * HOUR_MS) && due(&shards, 10 * MINUTE_MS + 1));
                assert!(!due(&shards, 10 * MINUTE_MS) && !due(&shards, 1));
                shards.insert(today.date.tomorrow().unwrap(), 1);
                assert!(!due(&shards, 2 * HOUR_MS) && !due(&shards, 11 * MINUTE_MS));
            }
        }
    }

    /// Plays days: `asked` is when rosters are asked for, before the end of each day.
    fn play(volumes: &[(u64, &[i64])]) -> Vec<u16> {
        let mut shards = Shards::default();
        let mut told = Vec::new();
        let mut date = date(2026, 11, 20);
        for (hits, asked) in volumes {
            let today = day("Asia/Kolkata", date);
            told.push(shards.on(date));
            for before_ms in *asked {
                let now_ms = today.end_ms - before_ms;
                if shards.is_due(&today, now_ms) {
                    let tomorrow = date.tomorrow().unwrap();
                    shards.insert(tomorrow, wanted(*hits, &today, now_ms));
                }
                assert_eq!(
                    shards.on(date),
                    told[told.len() - 1],
                    "a begun day keeps its number"
                );
            }
            date = date.tomorrow().unwrap();
        }
        told.push(shards.on(date));
        told
    }

    #[test]
    fn numbers_follow_the_volume_of_the_day_before() {
        let usual: &[i64] = &[20 * HOUR_MS, 2 * HOUR_MS, HOUR_MS, MINUTE_MS];
        let away_over_midnight: &[i64] = &[20 * HOUR_MS, 3 * HOUR_MS];
        let back_too_late: &[i64] = &[20 * HOUR_MS, 5 * MINUTE_MS];
        let million = 1_000_000;
        // Growth, then shrinkage, never below one.
        let days = [
            (11 * million, usual),
            (110 * million, usual),
            (5 * million, usual),
            (0, usual),
        ];
        assert_eq!(play(&days), [1, 6, 60, 3, 1]);
        // Nobody asked when it was to be decided: the last number goes on.
        for absent in [away_over_midnight, back_too_late, &[]] {
            let days = [
                (11 * million, usual),
                (110 * million, absent),
                (110 * million, usual),
            ];
            assert_eq!(play(&days), [1, 6, 6, 60]);
        }
    }
}
