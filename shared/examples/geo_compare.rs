//! Compares a table of `dayfly geo build` with the default (`iptocc`): time per lookup, and how
//! often they agree, over all of IPv4 by /24 and over IPv6 by /32.
//!
//!     cargo run --release -p shared --example geo_compare -- country.geo

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use shared::geo::Table;

/// Lookups of one round, and rounds: the best one counts, in which the machine did nothing else.
const LOOKUPS: usize = 10_000;
const ROUNDS: usize = 200;

type Lookup<'t> = dyn Fn(IpAddr) -> Option<&'t str> + 't;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: geo_compare <table>")?;
    let bytes = std::fs::read(path)?;
    println!("table: {} bytes, gzip {}", bytes.len(), gzip_bytes(&bytes)?);
    let opened = ns(|| _ = black_box(Table::open(&bytes)));
    let table = Table::open(&bytes)?;
    println!("open: {} µs; {}", opened / 1_000, table.attribution());

    let table_lookup = |address| table.lookup(address).filter(|code| is_country(code));
    let default_lookup =
        |address| iptocc::country_code::<IpAddr>(address).filter(|c| is_country(c));
    let lookups: [(&str, &Lookup); 2] = [("table", &table_lookup), ("iptocc", &default_lookup)];
    let v4 = |n: u64| IpAddr::V4(Ipv4Addr::from((n as u32) & !0xFF));
    // 2000::/3 by /32: where addresses are given out.
    let v6 = |n: u64| Ipv6Addr::from(u128::from((n as u32) >> 3 | 0x2000_0000) << 96).into();

    for (family, address) in [("IPv4", &v4 as &dyn Fn(u64) -> IpAddr), ("IPv6", &v6)] {
        // Random ones that have a country, as a visitor's does.
        let mut state = 1;
        let known = std::iter::repeat_with(|| address(random(&mut state)))
            .filter(|a| table.lookup(*a).is_some());
        let known: Vec<IpAddr> = known.take(LOOKUPS).collect();
        for (name, lookup) in lookups {
            let round = || {
                for address in &known {
                    black_box(lookup(*black_box(address)));
                }
            };
            let best = (0..ROUNDS).map(|_| ns(round)).min().unwrap_or_default();
            println!("{family}, {name}: {} ns a lookup", best / LOOKUPS as u128);
        }
    }
    agreement("IPv4 by /24", (0..1 << 24).map(|n| v4(n << 8)), lookups);
    agreement("IPv6 by /32", (0..1 << 29).map(|n| v6(n << 3)), lookups);
    Ok(())
}

fn agreement(what: &str, addresses: impl Iterator<Item = IpAddr>, lookups: [(&str, &Lookup); 2]) {
    let [mut same, mut differ, mut only_table, mut only_default] = [0_u64; 4];
    let mut pairs: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for address in addresses {
        match lookups.map(|(_, lookup)| lookup(address)) {
            [Some(a), Some(b)] if a == b => same += 1,
            [Some(a), Some(b)] => {
                differ += 1;
                *pairs.entry((a, b)).or_default() += 1;
            }
            [Some(_), None] => only_table += 1,
            [None, Some(_)] => only_default += 1,
            [None, None] => {}
        }
    }
    let both = same + differ;
    let share = same as f64 * 100.0 / both.max(1) as f64;
    println!(
        "{what}: both say a country {both}, the same {share:.2} %; only the table {only_table}, only iptocc {only_default}"
    );
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for ((a, b), count) in pairs.iter().take(12) {
        println!("    table {a}, iptocc {b}: {count}");
    }
}

fn is_country(code: &str) -> bool {
    !shared::country::of_platform(code).is_empty()
}

/// The splitmix64 generator: the same numbers in every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ n >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ n >> 31
}

fn gzip_bytes(bytes: &[u8]) -> std::io::Result<usize> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, bytes)?;
    Ok(gzip.finish()?.len())
}

#[allow(clippy::disallowed_methods)] // Nothing is counted here: it is a stopwatch.
fn ns(run: impl FnOnce()) -> u128 {
    let began = Instant::now();
    run();
    began.elapsed().as_nanos()
}
