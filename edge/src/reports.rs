//! How delivery goes, gathered at the roster object: a Worker cannot list day objects, so they
//! tell. The aggregator is told on, a second after there is news and every minute while there is
//! anything to tell.
//!
//! What is stored: the reports of trouble, as JSON, so that a restart does not hide it. What only
//! waits is in memory.

use std::cell::{Cell, RefCell};

use shared::clock::UnixMs;
use shared::report::{Report, Reports, Sums, TELL_MS};
use worker::{Result, Storage};

use crate::settings::Settings;
use crate::{aggregator, platform};

/// What comes within this time after the first news is told with it, ms.
const GATHER_MS: i64 = 1_000;
const KEY: &str = "reports";

/// See the module.
#[derive(Default)]
pub struct Gathered {
    reports: RefCell<Reports>,
    is_read: Cell<bool>,
    /// When the aggregator is to be told; `None` while there is nothing to tell.
    tell_ms: Cell<Option<UnixMs>>,
}

impl Gathered {
    /// Takes a report.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn take(&self, storage: &Storage, report: Report, now_ms: UnixMs) -> Result<()> {
        let changed = {
            let mut reports = self.reports.borrow_mut();
            reports.forget_old(now_ms);
            reports.take(report, now_ms)
        };
        if !self.reports.borrow().is_empty() {
            let soon_ms = now_ms.saturating_add(GATHER_MS);
            let next_ms = self.tell_ms.get().unwrap_or(soon_ms);
            let next_ms = if changed {
                next_ms.min(soon_ms)
            } else {
                next_ms
            };
            self.tell_ms.set(Some(next_ms));
        }
        match changed {
            true => self.write(storage).await,
            false => Ok(()),
        }
    }

    /// What all of them say together.
    pub fn sums(&self, now_ms: UnixMs) -> Sums {
        let mut reports = self.reports.borrow_mut();
        reports.forget_old(now_ms);
        reports.sums()
    }

    /// When [`Gathered::tell`] is to be called next.
    pub fn tell_ms(&self) -> Option<UnixMs> {
        self.tell_ms.get()
    }

    /// Tells the aggregator if it is time to.
    ///
    /// # Errors
    /// Storage failed, or the aggregator does not take it: tried again in a minute.
    pub async fn tell(&self, settings: &Settings, storage: &Storage) -> Result<()> {
        let now_ms = platform::now_ms();
        self.read(storage, now_ms).await?;
        if self.tell_ms.get().is_none_or(|at_ms| at_ms > now_ms) {
            return Ok(());
        }
        let told = {
            let mut reports = self.reports.borrow_mut();
            reports.forget_old(now_ms);
            match reports.is_empty() {
                true => None,
                false => Some(reports.told()),
            }
        };
        let Some(told) = told else {
            self.tell_ms.set(None);
            return Ok(());
        };
        self.tell_ms.set(Some(now_ms.saturating_add(TELL_MS)));
        let body = serde_json::to_vec(&told)?;
        match aggregator::request(settings, "POST", "/edge/v1/report", Some(&body)).await? {
            (200, _) => Ok(()),
            (status, _) => Err(format!("the aggregator answered {status}").into()),
        }
    }

    /// Reads what an earlier life has stored; to be called first.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn read(&self, storage: &Storage, now_ms: UnixMs) -> Result<()> {
        if self.is_read.get() {
            return Ok(());
        }
        let stored: Option<String> = storage.get(KEY).await?;
        if self.is_read.replace(true) {
            return Ok(()); // Somebody else was quicker.
        }
        let stored = stored.and_then(|text| serde_json::from_str(&text).ok());
        let stored: Vec<Report> = stored.unwrap_or_default();
        if !stored.is_empty() {
            self.tell_ms.set(Some(now_ms));
        }
        let mut reports = self.reports.borrow_mut();
        for report in stored {
            reports.take(report, now_ms);
        }
        Ok(())
    }

    async fn write(&self, storage: &Storage) -> Result<()> {
        let text = {
            let reports = self.reports.borrow();
            let all = reports.all().map(|(report, _)| report);
            let trouble: Vec<&Report> = all.filter(|report| report.is_trouble()).collect();
            serde_json::to_string(&trouble)?
        };
        storage.put(KEY, text).await
    }
}
