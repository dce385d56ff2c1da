//! Whether all goes well, for everybody: three sentences without a number. Found out at most every
//! fifteen seconds, however often it is asked for.

use std::sync::{Mutex, PoisonError};

use shared::clock::UnixMs;

use crate::serve::App;

/// For how long what was found is told, ms.
const TOLD_MS: i64 = 15_000;
/// The edge speaks every minute: for how long it may be silent, ms.
pub const SILENT_MS: i64 = 5 * 60_000;

/// How something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should.
    Working,
    /// Late, and nothing is lost.
    Delayed,
    /// Not at all.
    Down,
}

impl Level {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Delayed => "delayed",
            Self::Down => "down",
        }
    }
}

/// How one part goes, in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What it is called.
    pub name: &'static str,
    /// How it goes.
    pub level: Level,
    /// What that means to whoever reads it.
    pub text: &'static str,
}

/// All parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status(pub [Part; 3]);

impl Status {
    /// The worst of them.
    pub fn level(&self) -> Level {
        let levels = self.0.iter().map(|part| part.level);
        levels.max().unwrap_or(Level::Working)
    }
}

/// What was found last, and when.
#[derive(Debug, Default)]
pub struct Found(Mutex<Option<(UnixMs, Status)>>);

/// How it goes.
pub async fn status(app: &App) -> Status {
    let now_ms = app.clock.now_ms();
    let known = app
        .status
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some((at_ms, status)) = known
        && (0..TOLD_MS).contains(&now_ms.saturating_sub(at_ms))
    {
        return status;
    }
    let status = find(app, now_ms).await;
    let mut last = app.status.0.lock().unwrap_or_else(PoisonError::into_inner);
    *last = Some((now_ms, status.clone()));
    status
}

async fn find(app: &App, now_ms: UnixMs) -> Status {
    let silent_ms = match app.edge_heard_ms() {
        Some(heard_ms) => now_ms.saturating_sub(heard_ms),
        // A server that has just begun gives the edge time to speak.
        None => i64::try_from(app.metrics.started.elapsed().as_millis()).unwrap_or(i64::MAX),
    };
    let collecting = match (silent_ms < SILENT_MS, app.salts_trouble.text()) {
        (true, None) => (Level::Working, "Page views are counted."),
        (true, Some(_)) => (
            Level::Delayed,
            "Page views are counted. Should this last for days, visitors may be counted twice.",
        ),
        (false, _) => (
            Level::Delayed,
            "The collector has not been heard of for some minutes. It keeps what it counts, and delivers it when it can.",
        ),
    };
    let delivery = match app.reports.sums(now_ms).problem() {
        _ if app.moving.get().is_some() => (
            Level::Delayed,
            "The database is being moved. The collector keeps what it counts until that is done.",
        ),
        None => (Level::Working, "What was counted arrives."),
        Some(_) => (
            Level::Delayed,
            "Some counts are kept at the collector until somebody has looked into them. Nothing is lost.",
        ),
    };
    let numbers = match app.store.site_ids().await {
        Ok(_) => (Level::Working, "Dashboard and API answer."),
        Err(error) => {
            tracing::error!("status: {error}");
            (
                Level::Down,
                "Dashboard and API cannot read the counts at the moment.",
            )
        }
    };
    let part = |name, (level, text)| Part { name, level, text };
    Status([
        part("Counting", collecting),
        part("Delivery", delivery),
        part("Dashboard and API", numbers),
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::batch::Source;
    use shared::clock::{Clock, ManualClock};
    use shared::report::{Report, Told};

    use super::*;
    use crate::salts::SaltKeeper;
    use crate::store::{Place, Store};

    const NOW: UnixMs = 1_778_041_950_000;

    #[tokio::test]
    async fn it_tells_who_is_silent_what_is_kept_and_what_is_down() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Place::File(folder.path().join("db")))
            .await
            .unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let app = App::new(store, SaltKeeper::default(), Vec::new(), clock.clone(), "");
        let levels = async || status(&app).await.0.map(|part| part.level);
        let [working, delayed, down] = [Level::Working, Level::Delayed, Level::Down];
        assert_eq!(levels().await, [working; 3], "it has just begun");
        app.edge_was_heard();
        clock.advance_ms(SILENT_MS);
        assert_eq!(levels().await, [delayed, working, working]);
        app.edge_was_heard();
        assert_eq!(
            levels().await,
            [delayed, working, working],
            "what was found is told"
        );
        clock.advance_ms(TOLD_MS);
        assert_eq!(levels().await, [working; 3]);
        let report = Report {
            source: Source {
                site: 1,
                date: jiff::civil::date(2026, 5, 6),
                shard: 0,
                incarnation: "0".repeat(32),
            },
            waiting: 1,
            dead: 1,
            stuck: false,
            unknown_site: false,
            other_version: false,
            reason: "why".into(),
            hits_total: 9,
            acknowledged: 1,
        };
        let told = Told {
            sources: vec![report],
            left_out: 0,
        };
        clock.advance_ms(TOLD_MS);
        app.reports.take(told, clock.now_ms());
        assert_eq!(levels().await, [working, delayed, working]);
        app.store.close().await;
        clock.advance_ms(TOLD_MS);
        assert_eq!(levels().await, [working, delayed, down]);
        assert_eq!(status(&app).await.level(), down);
    }
}
