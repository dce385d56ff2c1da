//! Each kind of file to a table, what is refused, and the real data where it is at hand.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::cli::{build, lookup};
use super::*;

mod mmdb_file;
mod real;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn table(&self) -> PathBuf {
        self.0.path().join("country.geo")
    }

    /// What each of the addresses gets.
    fn countries(&self, addresses: &[&str]) -> Vec<String> {
        let look = |address: &&str| lookup(Some(&self.table()), address).unwrap();
        addresses.iter().map(look).collect()
    }
}

fn data(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data");
    tests.join(name)
}

fn ipfire_files() -> Vec<PathBuf> {
    vec![data("ipfire-geoip.txt"), data("ipfire-geoip6.txt")]
}

#[test]
fn the_text_of_ipfire() {
    let folder = Folder::new();
    let told = build(&ipfire_files(), &folder.table(), None, None).unwrap();
    assert!(
        told.ends_with(
            "data of 2026-05-06 by IPFire Location database, CC BY-SA 4.0 \
            (https://location.ipfire.org/)\n\
            no countries, taken as unknown: EU (1), T1 (1)"
        ),
        "{told}"
    );
    assert!(told.contains("14 countries, from 26 ranges"), "{told}");
    let addresses = [
        "192.0.2.255",
        "192.0.3.0",
        "198.18.1.1", // Half of it is FR, half NL: the first.
        "198.18.2.1", // The larger part of this one is unknown.
        "198.18.8.7",
        "198.18.64.1",
        "198.18.128.1",
        "198.19.0.1",
        "198.19.1.1",
        "::ffff:203.0.113.9",
        "2001:db8::1",
        "2001:db8:1::1", // The larger part is IT.
        "2001:db8:7fff:1::",
        "2001:db9::",
    ];
    let expected = [
        "AU", "unknown", "FR", "SE", "CA", "unknown", "XK", "unknown", "GB", "AT", "DE", "IT",
        "BR", "unknown",
    ];
    assert_eq!(folder.countries(&addresses), expected);
}

#[test]
fn a_csv_of_ranges_or_networks_with_or_without_a_header() {
    let ranges = "192.0.2.0,192.0.2.255,DE\n2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,FR\n\
        203.0.113.0,203.0.113.255,\n";
    let networks =
        "\u{feff}# made up\r\n192.0.2.0/24;de\r\n\r\n2001:db8::/48;FR\r\n203.0.113.0/24;-\r\n";
    let headed = "start_ip,end_ip,country,country_code\n\
        \"192.0.2.0\",\"192.0.2.255\",\"Germany, or so\",\"DE\"\n\
        \"2001:db8::\",\"2001:db8::\",\"France\",\"FR\"\n";
    let one = "network,country,continent\n192.0.2.7,DE,EU\n2001:db8::/128,FR,EU\n";
    let mapped = "::ffff:192.0.2.0/120,DE\n2001:db8::1,FR\n";
    for text in [ranges, networks, headed, one, mapped] {
        let folder = Folder::new();
        let file = folder.write("countries.csv", text);
        let told = build(&[file], &folder.table(), None, Some("Nobody, CC0")).unwrap();
        assert!(
            told.contains("2 countries") && told.ends_with("by Nobody, CC0"),
            "{told}"
        );
        assert_eq!(
            folder.countries(&["192.0.2.1", "2001:db8::1", "203.0.113.1"]),
            ["DE", "FR", "unknown"],
            "{text}"
        );
    }
}

#[test]
fn an_mmdb_of_several_makers() {
    let folder = Folder::new();
    let file = folder.write("countries.mmdb", mmdb_file::example());
    let told = build(&[file], &folder.table(), None, None).unwrap();
    assert!(
        told.ends_with("data of 2026-05-06 by Test-Country (Made up for tests)"),
        "{told}"
    );
    let addresses = [
        "192.0.2.1",
        "198.51.100.1", // Registered only.
        "203.0.113.1",  // A flat country_code beside a name.
        "2001:db8:1::1",
        "2001:db8:2::1", // A flat country.
        "192.0.3.1",
    ];
    assert_eq!(
        folder.countries(&addresses),
        ["DE", "FR", "NL", "JP", "CH", "unknown"]
    );
    let torn = folder.write("torn.mmdb", &mmdb_file::example()[40..]);
    assert!(build(&[torn], &folder.table(), Some(Format::Mmdb), None).is_err());
    assert_eq!(
        folder.countries(&["192.0.2.1"]),
        ["DE"],
        "the old one stays"
    );
}

#[test]
fn bad_lines_are_refused_by_file_and_number() {
    let folder = Folder::new();
    let ipfire = "# IPFire\n3221225984,3221226239,DE\n";
    for (name, text, problem) in [
        (
            "a",
            "192.0.2.0,192.0.2.255,DEU\n",
            "a: line 1: \"DEU\" is no two-letter country code",
        ),
        (
            "b",
            "network,cc\n# x\n192.0.2.0/33,DE\n",
            "b: line 3: \"192.0.2.0/33\" is neither an address nor a network",
        ),
        (
            "c",
            "192.0.2.0/24,DE\n192.0.3.0/24\n",
            "c: line 2: there is no country",
        ),
        (
            "d",
            "192.0.2.9,192.0.2.1,DE\n",
            "d: line 1: it ends before it begins",
        ),
        (
            "e",
            "192.0.2.9,::1,DE\n",
            "e: line 1: one end is IPv4, the other IPv6",
        ),
        (
            "f",
            "16777216,16777471,AU\n",
            "f: line 1: \"16777216\" is neither an address nor a network",
        ),
        (
            "g",
            &format!("{ipfire}1,2\n"),
            "g: line 3: \"1,2\" is not first,last,country",
        ),
        (
            "h",
            &format!("{ipfire}1.0.0.0,1.0.0.255,AU\n"),
            "h: line 3: \"1.0.0.0\" is neither an IPv4 address as a number nor an IPv6 address",
        ),
        (
            "i",
            "\n\n192.0.2.0/24,??\n",
            "i: there is no range with a country in it",
        ),
        ("j", "", "j: there is no range with a country in it"),
    ] {
        let file = folder.write(name, text);
        let error = build(&[file], &folder.table(), None, Some("x"))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with(&format!("/{problem}")), "{error}");
    }
    let file = folder.write("k", "192.0.2.0/24,DE\n");
    let error = build(&[file], &folder.table(), None, None)
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("say it with --attribution"), "{error}");
    let gone = folder.0.path().join("gone");
    let error = build(&[gone], &folder.table(), None, None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("gone: No such file"), "{error}");
    let left: Vec<_> = fs::read_dir(folder.0.path()).unwrap().collect();
    assert_eq!(left.len(), 11, "neither a table nor a piece of one");
}

#[test]
fn the_dashboard_credits_whoever_made_the_countries() {
    let folder = Folder::new();
    build(&ipfire_files(), &folder.table(), None, None).unwrap();
    assert_eq!(
        country_attribution(Some(&folder.table())).unwrap(),
        "Countries by IPFire Location database, CC BY-SA 4.0 (https://location.ipfire.org/), \
            as of 2026-05-06, rounded to networks of /24 (IPv6: /48)."
    );
    assert!(country_attribution(None).unwrap().contains("RIPE NCC"));
    let other = folder.write("other", "192.0.2.0/24,DE");
    let error = country_attribution(Some(&other)).unwrap_err().to_string();
    assert!(
        error.ends_with("other: this is no table of `dayfly geo build`"),
        "{error}"
    );
    assert!(lookup(None, "203.0.113.0.1").is_err());
    assert_eq!(lookup(None, "217.0.0.1").unwrap(), "DE");
}
