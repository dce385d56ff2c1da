//! What the running server does by the clock: forgetting and tidying.
//!
//! By the clock that days are told by, looked at every second: a machine that slept over midnight
//! forgets as it wakes, not a minute later.
//!
//! | every | what |
//! |---|---|
//! | second | the salts of sites that were removed, by whatever process; whether the database is being moved |
//! | 10 seconds | the claim to keep the salts, where several servers use the database |
//! | minute | the salts of days that are over, also while no edge asks for any; mails that are due (`mail/schedule.rs`) |
//! | as it is told | a backup |
//! | hour | log-ins and one-time links that have ended; the minutes of the live view that are over for a day; counts older than a site keeps them; days that are over are merged into one segment, old ones without their hours |

use std::time::Duration;

use jiff::ToSpan;
use shared::clock::UnixMs;
use tokio::time::{Instant, MissedTickBehavior};

use crate::backup;
use crate::error::Result;
use crate::mail;
use crate::segment::Hours;
use crate::serve::App;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
/// How often it is said that this server keeps the salts.
const CLAIM_EVERY: Duration = Duration::from_secs(10);

/// Runs until the task is aborted. What fails is logged and tried again, within a minute.
/// Forgetting goes on while a backup is written or days are merged, however long that takes (I3).
pub async fn run(app: App) {
    tokio::join!(forget(&app), tidy_up(&app), mail::schedule::run(&app));
}

async fn forget(app: &App) {
    let mut second = seconds();
    let mut minute = Due::default();
    let mut hour = Due::default();
    let mut claim = Instant::now();
    let mut minutes_are_due = false;
    loop {
        second.tick().await;
        let now_ms = app.clock.now_ms();
        // Where the database does not answer, what follows says so.
        let _ = app.look_whether_it_moves().await;
        // By no clock of days: the claim is by the database's.
        if claim <= Instant::now() {
            claim = Instant::now() + CLAIM_EVERY;
            is_done("the salts' keeper", app.look_after_salts().await);
        }
        if !minute.is(MINUTE_MS, now_ms) {
            is_done("salts of removed sites", app.forget_removed_sites().await);
            continue;
        }
        is_done("salts of past days", app.forget_old_salts().await);
        if app.moving.get().is_some() {
            continue; // Nothing is to be written; forgetting waits for the next hour, or the next server.
        }
        if hour.is(HOUR_MS, now_ms) {
            minutes_are_due = true;
            is_done("ended log-ins", app.store.forget_ended_logins(now_ms).await);
        }
        if minutes_are_due {
            minutes_are_due = !is_done("old minutes", forget_minutes(app).await);
        }
    }
}

async fn tidy_up(app: &App) {
    let mut second = seconds();
    let mut minute = Due::default();
    let mut hour = Due::default();
    let mut days_are_due = false;
    loop {
        second.tick().await;
        let now_ms = app.clock.now_ms();
        if !minute.is(MINUTE_MS, now_ms) || app.moving.get().is_some() {
            continue;
        }
        if let Some(backups) = &app.backups
            && backup::is_due(&backups.folder, backups.every_hours, now_ms)
        {
            let (folder, keep) = (&backups.folder, backups.keep as usize);
            match backup::make_scheduled(&app.store, folder, keep, now_ms).await {
                Ok((path, made)) => {
                    tracing::info!("backup: {}, {} bytes", path.display(), made.bytes);
                }
                Err(error) => tracing::error!("{error}"),
            }
        }
        days_are_due |= hour.is(HOUR_MS, now_ms);
        if days_are_due {
            days_are_due = !is_done("old days", tidy(app).await);
        }
    }
}

fn seconds() -> tokio::time::Interval {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    second
}

/// When something was due last.
#[derive(Default)]
struct Due(Option<UnixMs>);

impl Due {
    /// Whether it is due again: at first, `every_ms` after the last time, and when the clock was
    /// put back.
    fn is(&mut self, every_ms: i64, now_ms: UnixMs) -> bool {
        let is_due = self
            .0
            .is_none_or(|last_ms| !(0..every_ms).contains(&now_ms.saturating_sub(last_ms)));
        if is_due {
            self.0 = Some(now_ms);
        }
        is_due
    }
}

fn is_done(chore: &str, result: Result<()>) -> bool {
    if let Err(error) = &result {
        tracing::error!("{chore} could not be tidied away: {error}");
    }
    result.is_ok()
}

async fn forget_minutes(app: &App) -> Result<()> {
    let sites = app.store.sites().await?;
    app.store.forget_minutes(&sites, app.clock.now_ms()).await
}

/// Deletes what is older than its site keeps it, and merges days that are over.
async fn tidy(app: &App) -> Result<()> {
    let mut deleted = false;
    for site in app.store.sites().await? {
        let today = site.today(app.clock.now_ms());
        deleted |= app.store.forget_old_days(site.id, today).await?;
        app.store.forget_markers(site.id, today).await?;
        // Yesterday's day objects may still be closing.
        let until = today.yesterday().unwrap_or(today);
        let fold_until = today
            .checked_sub(i64::from(app.hours_kept_days).days())
            .unwrap_or(jiff::civil::Date::MIN);
        for day in app.store.days_to_merge(site.id, until, fold_until).await? {
            let hours = match day < fold_until {
                true => Hours::Folded,
                false => Hours::Kept,
            };
            app.store.merge_day(site.id, day, hours).await?;
        }
    }
    if deleted {
        app.store.give_back().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_by_the_clock_also_when_that_jumps() {
        let mut due = Due::default();
        for (now_ms, is_due) in [
            (1_000, true),
            (1_999, false),
            (2_000, true),
            (500_000, true),
            (500_001, false),
            (10, true),
            (11, false),
        ] {
            assert_eq!(due.is(1_000, now_ms), is_due, "{now_ms}");
        }
    }
}
