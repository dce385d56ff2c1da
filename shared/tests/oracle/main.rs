//! The oracle: random streams of events through the real counting core, from the bytes of a
//! request to the rows of batches, against a naive model that keeps every event and answers with
//! sets. Every number the design calls exact is equal, every estimate lies within its bounds.
//!
//! `DAYFLY_ORACLE_SEED=<n>` plays one seed again, `DAYFLY_ORACLE_CASES=<n>` as many cases as one
//! likes. What fails is shrunk and printed with its seed; it is then kept in `failures.rs`.

mod bounds;
mod failures;
mod host;
mod kept;
mod model;
mod overflow;
mod questions;
mod reach;
mod run;
mod sets;
mod stream;
mod sums;
mod tables;

use std::hash::{BuildHasher, RandomState};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Cases of one of the two runs; they run side by side.
const CASES: u32 = 1_500;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
    )
}

fn cases() {
    // Another seed every time; the case is printed if it fails.
    let seed = number("DAYFLY_ORACLE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let cases = number("DAYFLY_ORACLE_CASES").map_or(CASES, |cases| cases as u32);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, rng).run(&stream::scenario(), |scenario| {
        questions::ask(&scenario).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("DAYFLY_ORACLE_SEED={seed} {error}");
    }
}

#[test]
fn i10_what_is_counted_is_what_happened() {
    cases();
}

#[test]
fn i10_what_is_counted_is_what_happened_in_as_many_other_cases() {
    cases();
}
