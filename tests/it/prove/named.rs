//! Promises that a test by itself shows: it is run, and its result told.

use std::process::{Command, Stdio};

use super::table::{Outcome, Promise, Table};
use crate::system::root;

/// See the name.
pub const THRESHOLD: Promise = Promise {
    name: "prove_nobody_is_singled_out_on_a_public_view",
    promise: "A view without an account tells nothing of fewer than k visitors, and no two of its \
              answers differ by fewer.",
    tried: "Every pair of ranges of a site of some days, each list, total and hour, through the pages \
            themselves (k = 5 and k = 3), against what happened; filters are refused.",
};

/// See the name.
pub const TRACKER: Promise = Promise {
    name: "prove_the_tracker_touches_nothing_of_the_browser",
    promise: "The tracker sets no cookie, writes no storage or cache and asks for nothing that tells \
              browsers apart.",
    tried: "In Chromium, with a trap on every such interface, through page views, clicks, events and \
            leaving; then cookies, storage, caches and workers of the browser are listed.",
};

/// The title of the test in Chromium.
pub const IN_CHROMIUM: &str =
    "no cookie, no storage, no cache and no fingerprinting interface is touched";

/// Runs them.
pub fn run(table: &mut Table) {
    table.add(&THRESHOLD, "SQLite and Postgres", threshold());
    table.add(&TRACKER, "Chromium", tracker());
}

fn threshold() -> Outcome {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    let tests = [
        "no_two_ranges_single_out",
        "filters_are_refused_under_a_threshold",
        "differ_by_few",
    ];
    command
        .args([
            "test",
            "--locked",
            "--quiet",
            "-p",
            "aggregator",
            "--lib",
            "--",
        ])
        .args(tests)
        .current_dir(root());
    let told = output(&mut command)?;
    let line = told
        .lines()
        .find(|line| line.starts_with("test result: ok."));
    let passed = line.and_then(|line| line.split_ascii_whitespace().nth(3)?.parse::<u32>().ok());
    match passed {
        Some(passed @ 6..) => Ok(format!("{passed} tests on both engines passed")),
        _ => Err(format!("not the tests that were expected: {told}")),
    }
}

fn tracker() -> Outcome {
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=tap"])
        .arg(format!("--test-name-pattern={IN_CHROMIUM}"))
        .arg("tests/browser/tracker.test.mjs")
        .current_dir(root());
    let told = output(&mut command)?;
    match told.contains("# pass 1\n") {
        true => Ok(format!("“{IN_CHROMIUM}” passed")),
        false => Err(format!("the test was not run: {told}")),
    }
}

/// What a program printed, if it ended well.
fn output(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(told),
        false => Err(format!(
            "{told}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
