//! Which of Cloudflare's locations are in the European Union, for `EU_ONLY = "strict"`.
//!
//! `request.cf.colo` names a location by the IATA code of an airport near it; which country that is
//! in, Cloudflare tells at <https://www.cloudflarestatus.com> and at
//! <https://speed.cloudflare.com/locations>.
//!
//! In are the member states, as with the Durable Objects' jurisdiction `eu`: not the rest of the
//! EEA (Oslo, Reykjavík), not Switzerland, not the United Kingdom, and none of the member states'
//! territories overseas (Réunion). Whatever is not in the table is outside: a location that
//! Cloudflare opens tomorrow passes requests on until it is added here, and loses nothing by it.

/// The locations that are known to be in the EU.
pub fn in_eu() -> impl Iterator<Item = &'static str> {
    EU.iter().flat_map(|(_, colos)| *colos).copied()
}

/// The locations of each member state that has any. Cities that Cloudflare has named by another
/// airport, or may, stand with all their airports.
static EU: &[(&str, &[&str])] = &[
    ("AT", &["VIE"]),
    ("BE", &["BRU"]),
    ("BG", &["SOF"]),
    ("CY", &["LCA"]),
    ("CZ", &["PRG"]),
    ("DE", &["BER", "DUS", "FRA", "HAM", "MUC", "STR", "TXL"]),
    ("DK", &["CPH"]),
    ("EE", &["TLL"]),
    ("ES", &["BCN", "MAD"]),
    ("FI", &["HEL"]),
    ("FR", &["BOD", "CDG", "LYS", "MRS", "ORY"]),
    ("GR", &["ATH", "SKG"]),
    ("HR", &["ZAG"]),
    ("HU", &["BUD"]),
    ("IE", &["DUB", "ORK"]),
    ("IT", &["FCO", "LIN", "MXP", "PMO"]),
    ("LT", &["VNO"]),
    ("LU", &["LUX"]),
    ("LV", &["RIX"]),
    ("MT", &["MLA"]),
    ("NL", &["AMS"]),
    ("PL", &["WAW", "WRO"]),
    ("PT", &["LIS"]),
    ("RO", &["OTP"]),
    ("SE", &["ARN", "GOT"]),
    ("SI", &["LJU"]),
    ("SK", &["BTS"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_all_member_states_and_codes_once() {
        let countries: Vec<&str> = EU.iter().map(|(country, _)| *country).collect();
        assert_eq!(countries.len(), 27);
        assert!(countries.is_sorted_by(|a, b| a < b));
        let colos: Vec<&str> = in_eu().collect();
        for (at, colo) in colos.iter().enumerate() {
            assert!(colo.len() == 3 && colo.bytes().all(|b| b.is_ascii_uppercase()));
            assert!(!colos[..at].contains(colo), "{colo} is there twice");
        }
    }

    #[test]
    fn what_is_not_known_to_be_in_the_eu_is_outside() {
        let is_in = |colo| in_eu().any(|known| known == colo);
        assert!(["AMS", "ATH", "BER", "CDG", "FRA", "LCA", "MLA", "TXL"].map(is_in) == [true; 8]);
        let near = [
            "LHR", "MAN", "ZRH", "GVA", "OSL", "KEF", "BEG", "KBP", "IST",
        ];
        assert!(near.map(is_in) == [false; 9]);
        let far = [
            "RUN", "NOU", "CUR", "IAD", "SJC", "NRT", "SYD", "GRU", "JNB",
        ];
        assert!(far.map(is_in) == [false; 9]);
        assert!(["", "fra", "FRA ", "FR", "XXX", "undefined"].map(is_in) == [false; 6]);
    }
}
