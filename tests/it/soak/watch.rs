//! When which side is being restarted, and what went wrong outside of that.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A process of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Edge,
    Aggregator,
}

/// See the module.
pub struct Watch {
    pub began: Instant,
    /// How often each side began or ended a restart: odd while it is in one.
    changes: [AtomicU64; 2],
    problems: Mutex<BTreeMap<String, u64>>,
    in_restarts: AtomicU64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            changes: Default::default(),
            problems: Mutex::default(),
            in_restarts: AtomicU64::new(0),
        }
    }
}

/// A restart that goes on.
#[must_use]
pub struct Restart<'a>(&'a AtomicU64);

impl Restart<'_> {
    pub fn done(self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Watch {
    pub fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    pub fn restart(&self, side: Side) -> Restart<'_> {
        let changes = &self.changes[side as usize];
        changes.fetch_add(1, Ordering::SeqCst);
        Restart(changes)
    }

    /// To be asked before a request, for [`Watch::failed`] after it.
    pub fn state(&self, side: Side) -> u64 {
        self.changes[side as usize].load(Ordering::SeqCst)
    }

    /// A request failed that began in a state: only the restart of whom it went to excuses that.
    pub fn failed(&self, side: Side, began_in: u64, what: &str) {
        if self.state(side) != began_in || began_in % 2 == 1 {
            self.in_restarts.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let what = format!("{what}, at {} s or later", self.seconds() / 60 * 60);
        *self.problems.lock().unwrap().entry(what).or_default() += 1;
    }

    /// What a client saw and must not, with how often.
    pub fn problems(&self) -> Vec<String> {
        let problems = self.problems.lock().unwrap();
        problems
            .iter()
            .map(|(what, n)| format!("{n} times: {what}"))
            .collect()
    }

    pub fn failed_in_restarts(&self) -> u64 {
        self.in_restarts.load(Ordering::Relaxed)
    }
}
