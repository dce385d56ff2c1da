//! What the fuzz targets do with their input, one file for each target.
//!
//! What always holds: a target takes any bytes, reads no clock, no file and no random source, and
//! keeps nothing from one input to the next, so that an input that fails once fails always. A
//! target fails by panicking; that no input panics is part of what it says of the code.
//!
//! `shared/tests/fuzz.rs` includes this file to run the same targets as a test.

pub mod agent;
pub mod batch;
pub mod call;
mod check;
pub mod event;
pub mod path;
pub mod referrer;
pub mod signature;
