//! What the edge and the aggregator must agree on, and nothing that touches the outside world.
//!
//! Architecture invariant: this crate knows no runtime, no storage, no network and no clock. It
//! compiles natively and to wasm32, so the code that counts at the edge is the code that the
//! tests and the importer run.
//!
//! Nothing here panics on any input: a panic in the edge's Wasm hangs a request.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod address;
pub mod agent;
pub mod attribution;
pub mod attrs;
pub mod batch;
pub mod beacon;
pub mod call;
pub mod channel;
pub mod clock;
pub mod country;
pub mod cube;
pub mod date;
pub mod day;
pub mod dict;
pub mod drops;
pub mod event;
pub mod geo;
pub mod handover;
pub mod json;
pub mod limits;
pub mod location;
pub mod marks;
pub mod object;
pub mod page_url;
pub mod path;
pub mod pattern;
mod plain_url;
pub mod referrer;
pub mod report;
pub mod rollup;
pub mod roster;
pub mod rules;
pub mod seal;
pub mod settings;
pub mod sign;
pub mod source;
pub mod spam;
mod stored;
pub mod throttle;
mod totals;
pub mod visit;
pub mod visitor;
pub mod wire;

pub use jiff;
