//! The whole system, as it runs: workerd with the built Worker, `dayfly serve`, SQLite on disk.
//!
//! Needs `scripts/setup test` and what scripts/test builds after it.

// A test waits for real processes, in real time.
#![allow(clippy::disallowed_methods)]

mod accounts;
mod api;
mod beacon;
mod channel;
mod cli;
mod clock;
mod counting;
mod delivery;
mod docs;
mod edge_settings;
mod eu_only;
mod events;
mod faults;
mod floods;
mod goals;
mod growing;
mod hardening;
mod import;
mod load;
mod me;
mod memory;
mod midnight;
mod migrate;
mod needles;
mod observing;
mod on_disk;
mod outage;
mod pinned;
mod postgres;
mod privacy;
mod process;
mod promises;
mod prove;
mod proxies;
mod query;
mod replicas;
mod reviewed;
mod safety;
mod second;
mod settings;
mod shields;
mod sites;
mod soak;
mod stored;
mod story;
mod system;
mod upgrade;
mod wrangler;
