//! Builder and lookup against a naive model, and tables that are not as they were written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

const DAY: Date = date(2026, 5, 6);
const COUNTRIES: [&str; 5] = ["DE", "FR", "NL", "US", "??"];
/// The model knows these many addresses, 256 to a unit.
const PLACES: u32 = 4096;

type Ranges = Vec<(u32, u32, usize)>;

/// Where a place of the model lies: a /32 of IPv4, a /56 of IPv6.
fn ends(first: u32, last: u32, v6: bool) -> (IpAddr, IpAddr) {
    if v6 {
        let base = 0x2001_0db8_fff8_u128 << 80;
        let at = |place: u32| base + (u128::from(place) << 72);
        let (first, last) = (at(first), at(last) + ((1 << 72) - 1));
        (Ipv6Addr::from(first).into(), Ipv6Addr::from(last).into())
    } else {
        let at = |place| IpAddr::V4(Ipv4Addr::from(0xC0FF_FC00_u32 + place));
        (at(first), at(last))
    }
}

fn build(ranges: &Ranges, v6: bool) -> Result<Vec<u8>, BuildError> {
    let mut builder = Builder::new();
    for (first, last, country) in ranges {
        let (first, last) = ends(*first, *last, v6);
        builder.add(first, last, COUNTRIES[*country]).unwrap();
    }
    builder.finish("Nobody, CC0", DAY)
}

/// Place by place: the smallest range, of equal ones the later; then of each unit the country with
/// the most places, of equal ones the first.
fn model(ranges: &Ranges, unit: u32) -> Option<&'static str> {
    let mut counts: Vec<(&str, u32)> = Vec::new();
    for place in unit * 256..(unit + 1) * 256 {
        let covering = ranges
            .iter()
            .enumerate()
            .filter(|(_, (first, last, _))| (*first..=*last).contains(&place));
        let holds = covering
            .min_by_key(|(order, (first, last, _))| (last - first, std::cmp::Reverse(*order)));
        let country = holds.map_or("??", |(_, (_, _, country))| COUNTRIES[*country]);
        match counts.iter_mut().find(|(code, _)| *code == country) {
            Some((_, count)) => *count += 1,
            None => counts.push((country, 1)),
        }
    }
    let mut best: Option<(&str, u32)> = None;
    for (code, count) in counts.into_iter().filter(|(code, _)| *code != "??") {
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((code, count));
        }
    }
    best.map(|(code, _)| code)
}

fn ranges() -> impl Strategy<Value = Ranges> {
    // Sizes of all orders, so that units are both shared and covered whole.
    let range = (0..PLACES, 0..12_u32, 0..PLACES, 0..COUNTRIES.len());
    let range = range.prop_map(|(first, order, size, country)| {
        let last = (first + (size & ((1 << order) - 1))).min(PLACES - 1);
        (first, last, country)
    });
    proptest::collection::vec(range, 0..60)
}

proptest! {
    #[test]
    fn a_table_says_what_the_naive_model_says(ranges in ranges(), v6: bool) {
        match build(&ranges, v6) {
            Ok(bytes) => {
                let table = Table::open(&bytes).unwrap();
                for unit in 0..PLACES / 256 {
                    for place in [unit * 256, unit * 256 + 255] {
                        let (first, last) = ends(place, place, v6);
                        prop_assert_eq!(table.lookup(first), model(&ranges, unit));
                        prop_assert_eq!(table.lookup(last), model(&ranges, unit));
                    }
                }
                let (first, last) = ends(0, PLACES - 1, v6);
                for outside in [before(first), behind(last)] {
                    prop_assert_eq!(table.lookup(outside), None);
                }
            }
            Err(error) => {
                prop_assert_eq!(error, BuildError::Empty);
                for unit in 0..PLACES / 256 {
                    prop_assert_eq!(model(&ranges, unit), None);
                }
            }
        }
    }

    /// The model above fills no second block; here are many.
    #[test]
    fn a_change_holds_until_the_next(
        steps in proptest::collection::vec((0..40_u32, 1..300_u64, 0..9_u8), 1..1_000),
        probes in proptest::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let mut changes = vec![(0, 0)];
        for (shift, step, country) in steps {
            let (key, last) = changes[changes.len() - 1];
            let next = ((key >> shift) + step) << shift;
            // Neighbours differ, as the builder has it.
            if next < 1 << 48 && country != last {
                changes.push((next, country));
            }
        }
        let (index, stream) = blocks::encode(&changes).unwrap();
        for probe in probes {
            let place = probe.index(changes.len());
            let (key, country) = changes[place];
            prop_assert_eq!(blocks::find(&index, &stream, key), Some(country));
            let until = changes.get(place + 1).map_or((1 << 48) - 1, |(next, _)| next - 1);
            prop_assert_eq!(blocks::find(&index, &stream, until), Some(country));
        }
    }

    #[test]
    fn a_damaged_table_is_refused(
        ranges in ranges(), v6: bool, place: prop::sample::Index, bit in 0..8_u8, keep: prop::sample::Index,
    ) {
        let Ok(bytes) = build(&ranges, v6) else { return Ok(()) };
        let mut damaged = bytes.clone();
        damaged[place.index(bytes.len())] ^= 1 << bit;
        prop_assert!(Table::open(&damaged).is_err());
        prop_assert!(Table::open(&bytes[..keep.index(bytes.len())]).is_err());
        let mut longer = bytes.clone();
        longer.push(0);
        prop_assert!(Table::open(&longer).is_err());
    }

    #[test]
    fn whatever_the_bytes_nothing_panics(
        ranges in ranges(), v6: bool, address: u128, random in proptest::collection::vec(any::<u8>(), 0..300),
        changed in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        replaced: bool,
    ) {
        // As somebody makes it who knows the checksum.
        let mut bytes = match build(&ranges, v6) {
            Ok(bytes) if !replaced => bytes,
            _ => random,
        };
        for (place, byte) in changed {
            if let Some(at) = bytes.len().checked_sub(1).map(|last| place.index(last + 1)) {
                bytes[at] = byte;
            }
        }
        seal(&mut bytes);
        if let Ok(table) = Table::open(&bytes) {
            let v4 = IpAddr::V4(Ipv4Addr::from(address as u32));
            let (inside, _) = ends(address as u32 % PLACES, PLACES, v6);
            for address in [v4, Ipv6Addr::from(address).into(), inside] {
                if let Some(code) = table.lookup(address) {
                    prop_assert!(code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()));
                }
            }
            let _ = (table.attribution(), table.built_on(), table.countries());
        }
    }
}

/// Makes magic, version, length and checksum right again.
fn seal(bytes: &mut [u8]) {
    let length = bytes.len() as u32;
    if let Some((head, body)) = bytes.split_at_mut_checked(UNCHECKED) {
        head[..7].copy_from_slice(MAGIC);
        head[7] = VERSION;
        head[8..12].copy_from_slice(&length.to_le_bytes());
        head[12..].copy_from_slice(&crc32(body).to_le_bytes());
    }
}

fn before(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from(v4.to_bits() - 1).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(v6.to_bits() - 1).into(),
    }
}

fn behind(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from(v4.to_bits() + 1).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(v6.to_bits() + 1).into(),
    }
}

fn table(ranges: &[(&str, &str, &str)]) -> Table<'static> {
    let mut builder = Builder::new();
    for (first, last, country) in ranges {
        let (first, last) = (first.parse().unwrap(), last.parse().unwrap());
        builder.add(first, last, country).unwrap();
    }
    Table::open(builder.finish("Nobody, CC0", DAY).unwrap()).unwrap()
}

fn of<'t>(table: &'t Table, address: &str) -> Option<&'t str> {
    table.lookup(address.parse().unwrap())
}

#[test]
fn the_first_and_the_last_address_have_countries() {
    let ends = table(&[
        ("0.0.0.0", "0.255.255.255", "AA"),
        ("255.255.255.0", "255.255.255.255", "BB"),
        ("::", "::ffff", "CC"),
        ("ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "DD"),
    ]);
    assert_eq!(of(&ends, "0.0.0.0"), Some("AA"));
    assert_eq!(of(&ends, "1.0.0.0"), None);
    assert_eq!(of(&ends, "255.255.255.255"), Some("BB"));
    assert_eq!(of(&ends, "255.255.254.255"), None);
    assert_eq!(of(&ends, "::"), Some("CC"));
    assert_eq!(of(&ends, "0:0:1::"), None);
    assert_eq!(of(&ends, "ffff::"), Some("DD"));
    assert_eq!(
        of(&ends, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Some("DD")
    );

    let all = table(&[
        ("0.0.0.0", "255.255.255.255", "AA"),
        ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "BB"),
    ]);
    for (address, country) in [("0.0.0.0", "AA"), ("255.255.255.255", "AA"), ("::", "BB")] {
        assert_eq!(of(&all, address), Some(country));
    }
    assert_eq!(
        of(&all, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Some("BB")
    );
}

#[test]
fn the_smaller_range_holds_in_whatever_order() {
    let [wide, narrow] = [
        ("198.51.0.0", "198.51.255.255", "DE"),
        ("198.51.100.0", "198.51.101.255", "FR"),
    ];
    let unknown = ("198.51.101.0", "198.51.101.255", "??");
    for ranges in [[wide, narrow, unknown], [unknown, narrow, wide]] {
        let table = table(&ranges);
        assert_eq!(of(&table, "198.51.99.0"), Some("DE"));
        assert_eq!(of(&table, "198.51.100.0"), Some("FR"));
        assert_eq!(of(&table, "198.51.101.0"), None);
        assert_eq!(of(&table, "198.51.102.0"), Some("DE"));
    }
    let table = table(&[wide, (wide.0, wide.1, "NL")]);
    assert_eq!(of(&table, "198.51.99.0"), Some("NL"));
}

#[test]
fn a_table_says_where_it_is_from() {
    let table = table(&[("192.0.2.0", "192.0.2.255", "de")]);
    assert_eq!(table.attribution(), "Nobody, CC0");
    assert_eq!(table.built_on(), DAY);
    assert_eq!(table.countries(), 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut builder = Builder::new();
    let [low, high, v6] = ["192.0.2.0", "192.0.2.9", "::1"].map(|text| text.parse().unwrap());
    assert_eq!(builder.add(low, v6, "DE"), Err(RangeError::Families));
    assert_eq!(builder.add(high, low, "DE"), Err(RangeError::Reversed));
    assert_eq!(Builder::new().finish("x", DAY), Err(BuildError::Empty));
    builder.add(low, high, "DE").unwrap();
    for attribution in ["", "two\nlines", &"x".repeat(1_001)] {
        let mut builder = Builder::new();
        builder.add(low, high, "DE").unwrap();
        assert_eq!(
            builder.finish(attribution, DAY),
            Err(BuildError::Attribution)
        );
    }
    let bytes = builder.finish("x", DAY).unwrap();
    let opened = |bytes: &[u8]| Table::open(bytes.to_vec()).err();
    assert_eq!(opened(b""), Some(TableError::NotATable));
    assert_eq!(
        opened(b"\xAB\xCD\xEFMaxMind.com"),
        Some(TableError::NotATable)
    );
    let mut newer = bytes.clone();
    newer[7] = 2;
    assert_eq!(opened(&newer), Some(TableError::Version(2)));
    let told = bytes.len() as u64;
    let found = told - 1;
    assert_eq!(
        opened(&bytes[..bytes.len() - 1]),
        Some(TableError::Length { told, found })
    );
    for (count, possible) in [(257, true), (258, false)] {
        let mut builder = Builder::new();
        for n in 0..count {
            let code = [n / 26, n % 26].map(|n| char::from(b'A' + n as u8));
            let first = Ipv4Addr::from(n << 8).into();
            builder.add(first, first, &String::from_iter(code)).unwrap();
        }
        // Two of them, AP and EU, are no countries.
        let result = builder.finish("x", DAY).err();
        assert_eq!(result, (!possible).then_some(BuildError::Countries));
    }
}

#[test]
fn the_same_ranges_give_the_same_bytes() {
    let ranges = vec![(0, 700, 0), (300, 400, 1), (900, 4000, 2)];
    assert_eq!(build(&ranges, true), build(&ranges, true));
}
