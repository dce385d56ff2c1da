//! What the edge told last of how delivery goes: in memory, told again every minute while there is
//! anything to tell. Shown in `/health`; trouble is logged when it is new.

use std::sync::{Mutex, PoisonError};

use shared::clock::UnixMs;
use shared::report::{Report, Reports, Sums, Told};

/// See the module.
#[derive(Debug, Default)]
pub struct EdgeReports(Mutex<Reports>);

impl EdgeReports {
    /// Takes what an edge tells.
    pub fn take(&self, told: Told, now_ms: UnixMs) {
        let mut reports = self.lock(now_ms);
        if told.left_out > 0 {
            tracing::warn!(
                left_out = told.left_out,
                "the edge has more reports than it keeps"
            );
        }
        for report in told.sources {
            if reports.take(report.clone(), now_ms) {
                log(&report);
            }
        }
    }

    /// What all reports say together.
    pub fn sums(&self, now_ms: UnixMs) -> Sums {
        self.lock(now_ms).sums()
    }

    /// Every report that is not too old, with when it came: also of sources that had something to
    /// tell a moment ago and have nothing any more. A source without one has nothing waiting.
    pub fn all(&self, now_ms: UnixMs) -> Vec<(Report, UnixMs)> {
        let reports = self.lock(now_ms);
        let all = reports.all();
        all.map(|(report, heard_ms)| (report.clone(), heard_ms))
            .collect()
    }

    fn lock(&self, now_ms: UnixMs) -> std::sync::MutexGuard<'_, Reports> {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.forget_old(now_ms);
        reports
    }
}

fn log(report: &Report) {
    let source = &report.source;
    let (site, date, shard) = (source.site, source.date, source.shard);
    if report.is_trouble() {
        tracing::error!(
            site, %date, shard, waiting = report.waiting, dead = report.dead, stuck = report.stuck,
            reason = report.reason,
            "the edge keeps batches that this aggregator does not take"
        );
    } else {
        tracing::info!(site, %date, shard, "the edge's batches are taken again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::batch::Source;

    #[test]
    fn reports_are_kept_until_they_are_old() {
        let report = Report {
            source: Source {
                site: 1,
                date: jiff::civil::date(2026, 11, 23),
                shard: 0,
                incarnation: "0".repeat(32),
            },
            waiting: 3,
            dead: 0,
            stuck: true,
            unknown_site: false,
            other_version: false,
            reason: "why".into(),
            hits_total: 9,
            acknowledged: 1,
        };
        let reports = EdgeReports::default();
        let told = Told {
            sources: vec![report.clone()],
            left_out: 0,
        };
        reports.take(told, 1_000);
        assert_eq!(reports.all(1_000), [(report, 1_000)]);
        assert!(reports.sums(60_000).problem().is_some());
        assert_eq!(reports.sums(1_000_000), Sums::default());
        assert!(reports.all(1_000_000).is_empty());
    }
}
