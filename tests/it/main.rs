//! The whole system, as it runs: workerd with the built Worker, `dayfly serve`, SQLite on disk.
//!
//! Needs `scripts/setup test` and `DAYFLY_PROFILE=dev scripts/build`; scripts/test does both.

// A test waits for real processes, in real time.
#![allow(clippy::disallowed_methods)]

mod api;
mod beacon;
mod channel;
mod cli;
mod counting;
mod edge_settings;
mod events;
mod faults;
mod floods;
mod goals;
mod me;

mod privacy;
mod reviewed;
mod settings;
mod shields;
mod stored;
mod system;
mod wrangler;
