//! The real data of Debian's tor-geoipdb, which `scripts/setup test` fetches where there is apt.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

/// In `DAYFLY_TOR_GEOIP`, where the package puts it, or where scripts/setup unpacks it.
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("DAYFLY_TOR_GEOIP").map(PathBuf::from);
    let tools = match std::env::var_os("DAYFLY_TOOLS") {
        Some(tools) => PathBuf::from(tools),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools"),
    };
    let known = ["/usr/share/tor".into(), tools.join("tor-geoipdb")];
    let mut places = given.into_iter().chain(known);
    places.find(|folder| folder.join("geoip").is_file() && folder.join("geoip6").is_file())
}

/// Every range that covers a whole /24 (or /48) is found at its first and its last one.
#[test]
fn the_real_data_of_tor_geoipdb() {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: tor-geoipdb is not here; scripts/setup test fetches it");
        return;
    };
    let files = [folder.join("geoip"), folder.join("geoip6")];
    let out = Folder::new();
    let told = build(&files, &out.table(), None, None).unwrap();
    println!("{told}");
    let bytes = fs::metadata(out.table()).unwrap().len();
    assert!(bytes < 1_000_000, "{bytes} bytes");

    let table = open(&out.table()).unwrap();
    let mut checked = 0_u32;
    for file in &files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let [first, last, code] = line.split(',').collect::<Vec<_>>()[..] else {
                continue;
            };
            let expected = match iso(code) {
                Ok(Code::Country(country)) => Some(country),
                _ => None,
            };
            if let Some((first, last)) = whole(first, last) {
                assert_eq!(table.lookup(first), expected, "{line}");
                assert_eq!(table.lookup(last), expected, "{line}");
                checked += 1;
            }
        }
    }
    assert!(checked > 400_000, "{checked} ranges checked");
}

/// The first and the last whole unit within a range.
fn whole(first: &str, last: &str) -> Option<(IpAddr, IpAddr)> {
    let units = |first: u128, behind: u128, unit: u128| {
        let (first, behind) = (first.div_ceil(unit), behind / unit);
        (first < behind).then(|| (first * unit, (behind - 1) * unit))
    };
    if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
        let (first, last) = units(first.into(), u128::from(last) + 1, 1 << 8)?;
        let address = |bits: u128| IpAddr::V4(Ipv4Addr::from(bits as u32));
        return Some((address(first), address(last)));
    }
    let bits = |text: &str| text.parse::<Ipv6Addr>().unwrap().to_bits();
    let (first, last) = units(bits(first), bits(last).saturating_add(1), 1 << 80)?;
    let address = |bits: u128| IpAddr::V6(Ipv6Addr::from(bits));
    Some((address(first), address(last)))
}
