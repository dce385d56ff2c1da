//! Address to country. The finest place there is in Dayfly is a country.
//!
//! Where the platform gives none, an operator's own table does ([`crate::geo`]), else that of the
//! crate `iptocc` (feature `iptocc`): the country an address is assigned to, from the five
//! regional registries' public statistics.

use std::net::IpAddr;

use crate::address::ClientAddress;
use crate::geo::Table;

/// Whom the default's data is from; shown wherever the numbers are.
pub const DEFAULT_ATTRIBUTION: &str = "Countries are those that addresses are assigned to, from \
    the public statistics of the regional internet registries (AFRINIC, APNIC, ARIN, LACNIC, \
    RIPE NCC)";

/// The country of an address, from its truncated form; empty when it is not known. A table that
/// is given is the only one asked.
pub fn of_address<'t>(address: ClientAddress, table: Option<&'t Table<'_>>) -> &'t str {
    let truncated = address.truncated();
    let code = match table {
        Some(table) => table.lookup(truncated),
        None => assigned(truncated),
    };
    code.map_or("", known)
}

#[cfg(feature = "iptocc")]
fn assigned(truncated: IpAddr) -> Option<&'static str> {
    match truncated {
        IpAddr::V4(v4) => iptocc::country_code(v4),
        IpAddr::V6(v6) => iptocc::country_code(v6),
    }
}

#[cfg(not(feature = "iptocc"))]
fn assigned(_truncated: IpAddr) -> Option<&'static str> {
    None
}

/// A country code as a platform or a file gives it, upper case; empty for what stands for
/// "unknown": `T1` (Tor), `XX`, `ZZ`, and whatever is not two letters; and for `AP` and `EU`,
/// which registries write where they know the continent only.
pub fn of_platform(code: &str) -> String {
    let code = code.to_ascii_uppercase();
    known(&code).to_owned()
}

fn known(code: &str) -> &str {
    let letters = code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    match code {
        "XX" | "ZZ" | "AP" | "EU" => "",
        _ if letters => code,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Builder;

    #[cfg(feature = "iptocc")]
    #[test]
    fn addresses_have_the_country_they_are_assigned_to() {
        let country = |text| ClientAddress::parse(text).map(|address| of_address(address, None));
        assert_eq!(country("217.0.0.1"), Some("DE"));
        assert_eq!(country("194.2.0.1"), Some("FR"));
        assert_eq!(country("127.0.0.1"), Some(""));
        assert_eq!(country("::1"), Some(""));
    }

    #[test]
    fn a_table_that_is_given_is_the_only_one_asked() {
        let mut builder = Builder::new();
        let ends = ["217.0.0.0", "217.0.0.255"].map(|end| end.parse().unwrap());
        builder.add(ends[0], ends[1], "nl").unwrap();
        let bytes = builder.finish("Test", jiff::civil::date(2026, 5, 6));
        let table = Table::open(bytes.unwrap()).unwrap();
        let country = |text| {
            let address = ClientAddress::parse(text).unwrap();
            of_address(address, Some(&table))
        };
        assert_eq!(country("217.0.0.1"), "NL");
        assert_eq!(country("217.0.1.1"), "");
        assert_eq!(country("194.2.0.1"), "");
    }

    #[test]
    fn what_stands_for_unknown_is_unknown() {
        for code in ["T1", "XX", "zz", "", "DEU", "D", "ü", "??", "eu", "AP"] {
            assert_eq!(of_platform(code), "", "{code}");
        }
        assert_eq!(of_platform("de"), "DE");
    }
}
