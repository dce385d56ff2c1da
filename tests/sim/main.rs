//! The simulation of delivery (I6, I7, I8): the pure core of the edge, its outbox, and the real
//! routes and store of the aggregator over SQLite, in one process. Histories are drawn: page views,
//! time, calls and requests that are lost, doubled, late or answered by others, processes that die
//! at any call of their storage or in the midst of a request, restarts, backups put back, keys that
//! change, days that end, another number of day objects.
//!
//! Every page view has a page of its own, so a page is counted once or not at all; and once nothing
//! is wrong any more, once if it was ever committed.
//!
//! `DAYFLY_SIM_SEED=<n>` plays the same histories again, `DAYFLY_SIM_CASES=<n>` as many as one
//! likes. What fails is shrunk and printed with its seed.

mod disk;
mod edge;
mod heal;
mod history;
mod ledger;
mod network;
mod play;
mod server;
mod tally;
mod worker;

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::thread;

use jiff::civil::{Date, date};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use crate::server::Empty;
use crate::tally::Tally;

/// Histories that are played unless told otherwise.
const CASES: u64 = 2_000;
/// Threads that play; each has its own seed, so their number is the same everywhere.
const PLAYERS: u64 = 4;
/// The one site.
const SITE: SiteId = 1;
/// The days that are played.
const DAYS: [Date; 2] = [date(2026, 11, 23), date(2026, 11, 24)];
/// When the first begins.
const START_MS: UnixMs = 1_795_392_000_000;
const DAY_MS: i64 = 86_400_000;

/// The page of a page view.
fn page(number: usize) -> String {
    format!("/{number}")
}

/// The number of a [`page`].
fn page_number(page: &str) -> Option<usize> {
    page.strip_prefix('/')?.parse().ok()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
    )
}

/// Plays so many histories; gives what was met, or what does not hold.
fn play(seed: u64, player: u64, cases: u64) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let empty = runtime.block_on(Empty::new());
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&player.to_le_bytes());
    let config = Config {
        cases: cases as u32,
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let met = RefCell::new(Tally::default());
    let outcome = TestRunner::new_with_rng(config, rng).run(&history::histories(), |history| {
        let played = runtime.block_on(play::play(&empty, &history));
        let played = played.map_err(TestCaseError::fail)?;
        met.borrow_mut().join(&played);
        Ok(())
    });
    outcome.map_err(|error| error.to_string())?;
    Ok(met.into_inner())
}

#[test]
fn i6_i7_i8_whatever_happens_every_acknowledged_page_view_counts_once() {
    // Other histories every time.
    let seed = number("DAYFLY_SIM_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let cases = number("DAYFLY_SIM_CASES").unwrap_or(CASES);
    let mut met = Tally::default();
    thread::scope(|scope| {
        let each = cases.div_ceil(PLAYERS);
        let players: Vec<_> = (0..PLAYERS)
            .map(|player| scope.spawn(move || play(seed, player, each)))
            .collect();
        for player in players {
            match player.join().unwrap() {
                Ok(played) => met.join(&played),
                Err(problem) => panic!("DAYFLY_SIM_SEED={seed} {problem}"),
            }
        }
    });
    println!("{cases} histories of seed {seed}: {met}");
    if cases >= CASES {
        let never: [&str; 0] = [];
        assert_eq!(met.lacks(), never, "never met in {cases} histories");
    }
}
