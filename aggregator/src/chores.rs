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

/// Runs until the task is aborted. What fails is logged and tried again when its turn comes.
pub async fn run(app: App) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        second.tick().await;
        let done = async {
            if tick.is_multiple_of(HOUR_S) {
                forget_minutes(&app).await?;
            }
            match tick.is_multiple_of(MINUTE_S) {
                true => forget_days(&app).await,
                false => forget_sites(&app).await,
            }
        };
        if let Err(error) = done.await {
            tracing::error!("chores: {error}");
        }
    }
}

async fn forget_sites(app: &App) -> Result<()> {
    app.salts.keep_sites(&app.store.site_ids().await?)
}

async fn forget_days(app: &App) -> Result<()> {
    let sites = app.store.sites().await?;
    app.salts.issue(&sites, app.clock.now_ms()).map(drop)
}

async fn forget_minutes(app: &App) -> Result<()> {
    let sites = app.store.sites().await?;
    app.store.forget_minutes(&sites, app.clock.now_ms()).await
}
