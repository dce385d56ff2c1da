//! `scripts/prove`: what is promised, tried on the whole system: a day of it, with everything that is
//! done to processes, and then a look at everything it has kept.
//!
//! PRIVACY.md and SECURITY.md name these promises. Not part of `cargo test`: it prints a table.

mod canary;
mod columns;
mod day;
mod everything;
mod midnight;
mod named;
mod salt;
mod scan;
mod table;
mod tap;
mod wire;

use table::{Promise, Table};

/// Every promise that is tried here, in the order of the table.
pub const PROMISES: [&Promise; 12] = [
    &day::CANARY,
    &day::COPIES,
    &midnight::SALT_ON_DISK,
    &midnight::SALT_IN_MEMORY,
    &midnight::UNLINKABLE,
    &day::SECRETS,
    &day::COUNTED,
    &wire::WIRE,
    &columns::COLUMNS,
    &day::ERASED,
    &named::THRESHOLD,
    &named::TRACKER,
];

/// `DAYFLY_PROVE_TABLE` names the file that the table is written to; with `DAYFLY_PROVE=short` what
/// scripts/test runs by itself is left out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints a table; scripts/prove"]
async fn prove() {
    let is_short = std::env::var("DAYFLY_PROVE").is_ok_and(|how| how == "short");
    let mut table = Table::default();
    for (on, postgres) in [("SQLite", false), ("Postgres", true)] {
        day::day(&mut table, on, postgres).await;
    }
    if !is_short {
        named::run(&mut table);
    }
    let told = table.names();
    for promise in PROMISES.iter().filter(|promise| {
        !is_short || ![named::THRESHOLD.name, named::TRACKER.name].contains(&promise.name)
    }) {
        assert!(
            told.contains(&promise.name),
            "{} was not tried",
            promise.name
        );
    }
    let text = table.text();
    match std::env::var_os("DAYFLY_PROVE_TABLE") {
        Some(file) => std::fs::write(file, text).unwrap(),
        None => println!("{text}"),
    }
    assert_eq!(table.failures(), 0, "a promise is broken");
}
