//! The tests' clock: a system whose two sides can be put forward, never back.
//!
//! The edge is told over HTTP (`edge/src/platform.rs`), the aggregator by a file
//! (`aggregator/src/clock.rs`); both are builds with the feature `test-clock`.

use std::path::PathBuf;
use std::time::Duration;

use aggregator::clock::SystemClock;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use reqwest::StatusCode;
use shared::clock::{Clock, UnixMs};

use crate::system::{Process, System};

/// Where [`crate::system::SITE`] is.
const TIMEZONE: &str = "Europe/Berlin";

/// How long a test may take that must begin and end on one day.
const TEST_MS: i64 = 60_000;

/// Waits for the day's end where it is so near that it would come in the middle of a test.
pub async fn away_from_midnight() {
    let now = Timestamp::now().in_tz(TIMEZONE).unwrap();
    let midnight = now.tomorrow().unwrap().start_of_day().unwrap();
    let left_ms = midnight.timestamp().as_millisecond() - now.timestamp().as_millisecond();
    if left_ms < TEST_MS {
        let left_ms = u64::try_from(left_ms).unwrap();
        tokio::time::sleep(Duration::from_millis(left_ms + 1)).await;
    }
}

impl System {
    /// The file that tells the aggregator.
    pub fn clock_file(&self) -> PathBuf {
        self.data.path().join("test-clock")
    }

    /// What the clocks of both sides say, ms.
    pub fn now_ms(&self) -> UnixMs {
        // This process is told no file: its own clock tells the real time.
        SystemClock.now_ms() + self.offset_ms
    }

    /// The site's local date.
    pub fn today(&self) -> Date {
        self.local().date()
    }

    /// The processes that run.
    pub fn process_ids(&self) -> Vec<u32> {
        let aggregator = self.aggregator.as_ref().map(Process::id);
        let edge = self.edge.as_ref().map(|edge| edge.started("workerd"));
        [aggregator, edge].into_iter().flatten().collect()
    }

    fn local(&self) -> jiff::Zoned {
        let now = Timestamp::from_millisecond(self.now_ms()).unwrap();
        now.in_tz(TIMEZONE).unwrap()
    }

    fn advance_aggregator(&mut self, ms: i64) {
        assert!(self.options.test_clock && ms >= 0);
        self.offset_ms += ms;
        // Whole or not at all: it may be read at any time.
        let new = self.clock_file().with_extension("new");
        std::fs::write(&new, self.offset_ms.to_string()).unwrap();
        std::fs::rename(&new, self.clock_file()).unwrap();
    }

    /// Puts the clocks of both sides forward.
    pub async fn advance(&mut self, ms: i64) {
        self.advance_aggregator(ms);
        let url = self.edge_url(&format!("/test-clock?offset_ms={}", self.offset_ms));
        let answer = self.http.post(url).send().await.unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::OK,
            "scripts/build edge-test-clock"
        );
    }

    /// Starts the edge with the clock that the one before had, whether it is well or not. It begins with
    /// the real time, and is told the other before anything is asked of it: an edge whose clock is hours
    /// off is not believed by its server, and draws a salt of its own.
    pub async fn start_edge_on_time(&mut self) {
        self.start_edge_without_waiting();
        let url = self.edge_url(&format!("/test-clock?offset_ms={}", self.offset_ms));
        self.until("the edge answers", async || {
            self.http.post(&url).send().await.is_ok()
        })
        .await;
    }

    /// Puts the clocks forward to when the site's clocks next show `time`.
    pub async fn advance_to(&mut self, time: Time) {
        self.advance(self.until_ms(time)).await;
    }

    fn until_ms(&self, time: Time) -> i64 {
        let now = self.local();
        let at = |date: Date| date.to_datetime(time).in_tz(TIMEZONE).unwrap();
        let next = Some(at(now.date())).filter(|next| *next > now);
        let next = next.unwrap_or_else(|| at(now.date().tomorrow().unwrap()));
        next.timestamp().as_millisecond() - self.now_ms()
    }
}
