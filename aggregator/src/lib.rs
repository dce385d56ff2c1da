//! Dayfly's aggregator: stores the counts that the edge delivers, serves the stats API and the
//! dashboard. `main.rs` is its command line; everything else is here so that tests can run it.

pub mod accounts;
pub mod api;
pub mod arrival;
pub mod assets;
pub mod backup;
pub mod chores;
pub mod client;
pub mod clock;
pub mod connections;
pub mod country;
pub mod dashboard;
pub mod data;
pub mod edge;
pub mod error;
pub mod export;
pub mod front;
pub mod geo;
pub mod import;
pub mod keeping;
pub mod mail;
pub mod migrate;
pub mod moving;
pub mod observe;
pub mod query;
pub mod reports;
pub mod salts;
pub mod segment;
pub mod serve;
pub mod shards;
pub mod site;
pub mod store;
#[cfg(feature = "test-clock")]
pub mod test_version;
pub mod tls;
