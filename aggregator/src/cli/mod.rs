//! The commands of `dayfly`, one file for each. They work on the data folder, also while the
//! server runs: both are one database's writers in turn.

pub mod audit;
pub mod backup;
pub mod doctor;
pub mod export;
pub mod front;
pub mod funnel;
pub mod goal;
pub mod import;
pub mod key;
pub mod mail;
pub mod migrate;
pub mod query;
pub mod serve;
pub mod share;
pub mod shield;
pub mod site;
pub mod user;

use aggregator::clock::{SystemClock, date_in_utc};
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::site::{self as sites, Site};
use aggregator::store::Store;
use shared::clock::Clock;

/// Opens the store for one command and closes it after, whatever came of it.
async fn with_store<T>(data: &DataFolder, run: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    data.not_while_it_moves()?;
    let store = Store::open(data.database()).await?;
    let result = run(&store).await;
    store.close().await;
    result
}

/// Runs on a site that must be there. What is no domain is refused before a database is made.
async fn with_site<T>(
    data: &DataFolder,
    domain: &str,
    run: impl AsyncFnOnce(&Store, &Site) -> Result<T>,
) -> Result<T> {
    let domain = sites::domain(domain)?;
    with_store(data, async |store| {
        let found = store.site(&domain).await?;
        let site = found.ok_or_else(|| Error::Invalid(format!("there is no site {domain}")))?;
        run(store, &site).await
    })
    .await
}

fn today() -> jiff::civil::Date {
    date_in_utc(SystemClock.now_ms())
}
