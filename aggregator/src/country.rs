//! Country codes as a person reads them.

use isocountry::CountryCode;

/// Names as people say them, where the standard's are formal.
const SHORT: [(&str, &str); 20] = [
    ("BO", "Bolivia"),
    ("BQ", "Caribbean Netherlands"),
    ("CD", "Congo (Kinshasa)"),
    ("CG", "Congo (Brazzaville)"),
    ("FK", "Falkland Islands"),
    ("FM", "Micronesia"),
    ("GB", "United Kingdom"),
    ("IR", "Iran"),
    ("KP", "North Korea"),
    ("KR", "South Korea"),
    ("LA", "Laos"),
    ("MD", "Moldova"),
    ("PS", "Palestine"),
    ("RU", "Russia"),
    ("SY", "Syria"),
    ("TW", "Taiwan"),
    ("TZ", "Tanzania"),
    ("US", "United States"),
    ("VE", "Venezuela"),
    ("VN", "Vietnam"),
];

/// Kosovo has no code in the standard; by custom it has this one and this number, which the
/// standard leaves to its users.
const KOSOVO: (&str, u32) = ("XK", 983);

/// The number that ISO 3166 has for a code.
pub fn number(code: &str) -> Option<u32> {
    if code == KOSOVO.0 {
        return Some(KOSOVO.1);
    }
    let country = CountryCode::for_alpha2(code).ok()?;
    Some(country.numeric_id())
}

/// The name of an ISO 3166 code; the code itself where it is none, "Unknown" for `(none)`.
pub fn name(code: &str) -> String {
    if let Some((_, name)) = SHORT.iter().find(|(known, _)| *known == code) {
        return (*name).to_owned();
    }
    match CountryCode::for_alpha2(code) {
        Ok(country) => country.name().to_owned(),
        Err(_) if code == "(none)" => "Unknown".to_owned(),
        Err(_) if code == KOSOVO.0 => "Kosovo".to_owned(),
        Err(_) => code.to_owned(),
    }
}

/// Every ISO 3166 code with its name, by name.
pub fn all() -> Vec<(&'static str, String)> {
    let codes = CountryCode::iter().map(|country| country.alpha2());
    let mut all: Vec<(&str, String)> = codes.map(|code| (code, name(code))).collect();
    all.sort_by(|a, b| a.1.cmp(&b.1));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names() {
        assert_eq!(name("DE"), "Germany");
        assert_eq!(name("FR"), "France");
        assert_eq!(name("GB"), "United Kingdom");
        for (code, _) in SHORT {
            assert!(CountryCode::for_alpha2(code).is_ok(), "{code}");
        }
        let all = all();
        assert!(all.len() > 240 && all.contains(&("DE", "Germany".to_owned())));
        assert_eq!((name("XK"), number("XK")), ("Kosovo".to_owned(), Some(983)));
        assert_eq!((number("DE"), number("(none)")), (Some(276), None));
        assert_eq!(name("(none)"), "Unknown");
        assert_eq!(name("(other)"), "(other)");
    }
}
