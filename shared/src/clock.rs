//! Time as an argument. `SystemTime::now` and its kin are forbidden by clippy.toml; whoever needs
//! the time takes a [`Clock`].

use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = i64;

/// Where the time comes from.
pub trait Clock {
    /// The present moment.
    fn now_ms(&self) -> UnixMs;
}

/// A clock that stands until it is told otherwise; for tests and for imports of old data.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now_ms`.
    pub fn at(now_ms: UnixMs) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    /// Moves the clock forward.
    pub fn advance_ms(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> UnixMs {
        self.0.load(Ordering::Relaxed)
    }
}
