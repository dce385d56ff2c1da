//! Address to country.
//!
//! The table is that of the crate `iptocc`: the country an address is assigned to, from the five
//! regional registries' public statistics. The finest place there is in Dayfly is a country.

use crate::address::ClientAddress;

/// The country of an address, from its truncated form; empty when it is not known.
pub fn of_address(address: ClientAddress) -> &'static str {
    let code = match address.truncated() {
        std::net::IpAddr::V4(v4) => iptocc::country_code(v4),
        std::net::IpAddr::V6(v6) => iptocc::country_code(v6),
    };
    code.map_or("", known)
}

/// A country code as a platform gives it, upper case; empty for what stands for "unknown": `T1`
/// (Tor), `XX`, `ZZ`, and whatever is not two letters.
pub fn of_platform(code: &str) -> String {
    let code = code.to_ascii_uppercase();
    known(&code).to_owned()
}

fn known(code: &str) -> &str {
    let letters = code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    match code {
        "XX" | "ZZ" => "",
        _ if letters => code,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_country_they_are_assigned_to() {
        let country = |text| ClientAddress::parse(text).map(of_address);
        assert_eq!(country("217.0.0.1"), Some("DE"));
        assert_eq!(country("194.2.0.1"), Some("FR"));
        assert_eq!(country("127.0.0.1"), Some(""));
        assert_eq!(country("::1"), Some(""));
    }

    #[test]
    fn what_stands_for_unknown_is_unknown() {
        for code in ["T1", "XX", "zz", "", "DEU", "D", "ü"] {
            assert_eq!(of_platform(code), "", "{code}");
        }
        assert_eq!(of_platform("de"), "DE");
    }
}
