//! Country codes as a person reads them.

use isocountry::CountryCode;

/// The name of an ISO 3166 code; the code itself where it is none, "Unknown" for `(none)`.
pub fn name(code: &str) -> String {
    match CountryCode::for_alpha2(code) {
        Ok(country) => country.name().to_owned(),
        Err(_) if code == "(none)" => "Unknown".to_owned(),
        Err(_) => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names() {
        assert_eq!(name("DE"), "Germany");
        assert_eq!(name("FR"), "France");
        assert_eq!(name("(none)"), "Unknown");
        assert_eq!(name("(other)"), "(other)");
    }
}
