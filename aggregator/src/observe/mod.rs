//! What whoever runs this server can see of it, and what everybody can.
//!
//! | file | what |
//! |---|---|
//! | `metrics.rs` | what is counted and measured while it runs, in memory; numbers only (I1) |
//! | `text.rs` | the text format of Prometheus |
//! | `scrape.rs` | `/metrics`: those, and what is read when it is asked for |
//! | `listener.rs` | the private listener that answers it |
//! | `status.rs` | whether all goes well, for everybody: the page and badge are `dashboard/status.rs` |

pub mod listener;
pub mod metrics;
pub mod scrape;
pub mod status;
mod text;

pub use metrics::Metrics;
