//! What the running server does by the clock: forgetting.
//!
//! | every | what |
//! |---|---|
//! | second | the salts of sites that were removed, by whatever process |
//! | minute | the salts of days that are over, also while no edge asks for any |
//! | hour | the minutes of the live view that are over for a day |

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::error::Result;
use crate::serve::App;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;

/// Runs until the task is aborted. What fails is logged and tried again, within a minute.
pub async fn run(app: App) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut minutes_are_due = true;
    for tick in 0_u64.. {
        second.tick().await;
        if !tick.is_multiple_of(MINUTE_S) {
            is_done("salts of removed sites", app.forget_removed_sites().await);
            continue;
        }
        is_done("salts of past days", app.issue_salts().await.map(drop));
        minutes_are_due |= tick.is_multiple_of(HOUR_S);
        if minutes_are_due {
            minutes_are_due = !is_done("old minutes", forget_minutes(&app).await);
        }
    }
}

fn is_done(chore: &str, result: Result<()>) -> bool {
    if let Err(error) = &result {
        tracing::error!("{chore} could not be forgotten: {error}");
    }
    result.is_ok()
}

async fn forget_minutes(app: &App) -> Result<()> {
    let sites = app.store.sites().await?;
    app.store.forget_minutes(&sites, app.clock.now_ms()).await
}
