//! How many requests a key has left in its hour. In memory: a server that starts anew begins to
//! count anew, and each of several servers counts what it answers.
//!
//! An hour begins with the first request after the one before has ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use shared::clock::UnixMs;

const HOUR_MS: i64 = 3_600_000;
/// Keys that are counted at once. Beyond it the one whose hour began first is forgotten: keys are
/// made by who runs the server, not by who asks it.
const KEYS_MAX: usize = 10_000;

/// What a key has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Requests an hour.
    pub limit: u32,
    /// Of those, the ones that are not used.
    pub remaining: u32,
    /// When the hour is over, s.
    pub reset_s: u32,
}

#[derive(Debug, Clone, Copy)]
struct Hour {
    began_ms: UnixMs,
    used: u32,
    /// The day, in UTC, for which the key was last said to be used.
    day: i64,
}

impl Hour {
    /// Whether it is running; not one that begins in the future, as when the clock was put back.
    fn runs(&self, now_ms: UnixMs) -> bool {
        (0..HOUR_MS).contains(&now_ms.saturating_sub(self.began_ms))
    }

    fn left(&self, limit: u32, now_ms: UnixMs) -> Left {
        let (used, began_ms) = match self.runs(now_ms) {
            true => (self.used, self.began_ms),
            false => (0, now_ms),
        };
        let reset_ms = began_ms.saturating_add(HOUR_MS).saturating_sub(now_ms);
        Left {
            limit,
            remaining: limit.saturating_sub(used),
            reset_s: u32::try_from(reset_ms.max(0).div_euclid(1_000) + 1).unwrap_or(u32::MAX),
        }
    }
}

/// What one more request finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether the limit allows it.
    pub allowed: bool,
    /// What is left after it.
    pub left: Left,
    /// The first one of this day, as far as is known here.
    pub first_of_day: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Limits(Mutex<HashMap<i64, Hour>>);

impl Limits {
    /// Counts a request of a key, which has so many an hour; `day` is that of `now_ms` in UTC.
    pub fn take(&self, key: i64, limit: u32, now_ms: UnixMs, day: i64) -> Taken {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hours.len() >= KEYS_MAX && !hours.contains_key(&key) {
            make_room(&mut hours, now_ms);
        }
        let hour = hours.entry(key).or_insert(Hour {
            began_ms: now_ms,
            used: 0,
            day: i64::MIN,
        });
        if !hour.runs(now_ms) {
            (hour.began_ms, hour.used) = (now_ms, 0);
        }
        let allowed = hour.used < limit;
        hour.used = hour.used.saturating_add(u32::from(allowed));
        Taken {
            allowed,
            left: hour.left(limit, now_ms),
            first_of_day: std::mem::replace(&mut hour.day, day) != day,
        }
    }

    /// What a key has left, without counting.
    pub fn left(&self, key: i64, limit: u32, now_ms: UnixMs) -> Left {
        let hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = Hour {
            began_ms: now_ms,
            used: 0,
            day: 0,
        };
        hours.get(&key).unwrap_or(&unused).left(limit, now_ms)
    }
}

fn make_room(hours: &mut HashMap<i64, Hour>, now_ms: UnixMs) {
    hours.retain(|_, hour| hour.runs(now_ms));
    if hours.len() >= KEYS_MAX
        && let Some((&oldest, _)) = hours.iter().min_by_key(|(_, hour)| hour.began_ms)
    {
        hours.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_requests_each_hour() {
        let limits = Limits::default();
        let start_ms = 1_000;
        let take = |now_ms| limits.take(7, 2, now_ms, 0);
        let first = take(start_ms);
        assert!(first.allowed && first.first_of_day);
        assert_eq!((first.left.remaining, first.left.reset_s), (1, 3_601));
        assert_eq!(take(start_ms + 1_000).left.remaining, 0);
        let over = take(start_ms + 2_500);
        assert!(!over.allowed && !over.first_of_day);
        // Whoever waits so long is not refused again.
        let wait_ms = i64::from(over.left.reset_s) * 1_000;
        assert_eq!(wait_ms, 3_598_000);
        assert!(!take(start_ms + HOUR_MS - 1).allowed);
        assert_eq!(
            limits.left(7, 2, start_ms + 2_500 + wait_ms).remaining,
            2,
            "asking counts nothing"
        );
        assert!(take(start_ms + 2_500 + wait_ms).allowed);
        // Another key has its own, and a clock that was put back locks nobody out.
        assert!(limits.take(8, 1, start_ms, 0).allowed);
        assert!(!limits.take(8, 1, start_ms, 1).allowed);
        assert!(limits.take(8, 1, 0, 1).allowed);
    }

    #[test]
    fn the_first_request_of_a_day_is_told_once() {
        let limits = Limits::default();
        let told: Vec<bool> = [20, 20, 21, 21, 20]
            .into_iter()
            .map(|day| limits.take(1, 9, 0, day).first_of_day)
            .collect();
        assert_eq!(told, [true, false, true, false, true]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let limits = Limits::default();
        for key in 0..20_000 {
            assert!(limits.take(key, 1, key, 0).allowed);
        }
        assert_eq!(limits.0.lock().unwrap().len(), KEYS_MAX);
        // The latest are still held to their limit.
        assert!(!limits.take(19_999, 1, 20_000, 0).allowed);
        assert!(!limits.take(10_001, 1, 20_000, 0).allowed);
    }
}
