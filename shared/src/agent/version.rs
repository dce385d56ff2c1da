//! Version numbers inside a User-Agent.

/// A version's first number has at most so many digits; a longer one is a build number or made
/// up, and would make every visitor a row of its own.
const MAJOR_DIGITS_MAX: usize = 4;

/// The text after the first `token`.
pub fn after<'a>(text: &'a str, token: &str) -> Option<&'a str> {
    text.split_once(token).map(|(_, rest)| rest)
}

/// The number that `text` begins with, and what follows; none if there is none or it is too long.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(end)?;
    (1..=MAJOR_DIGITS_MAX)
        .contains(&end)
        .then_some((digits, rest))
}

/// The major version that `text` begins with, or that stands after one separator: `]/9.29` → `9`.
pub fn major(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([']', '/', ' ', '_']);
    number(text).map(|(digits, _)| digits)
}

/// Major and minor version: `18_7_2 like` → `("18", "7")`. The minor is empty if there is none.
pub fn major_minor(text: &str) -> Option<(&str, &str)> {
    let (major, rest) = number(text)?;
    let rest = rest.strip_prefix(['.', '_']);
    let minor = rest.and_then(number).map_or("", |(minor, _)| minor);
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        assert_eq!(major("153.0.0.0 Safari"), Some("153"));
        assert_eq!(major("]/9.29"), Some("9"));
        assert_eq!(major("_340103 JsSdk"), None);
        assert_eq!(major("iOS"), None);
        assert_eq!(major_minor("18_7_2 like"), Some(("18", "7")));
        assert_eq!(major_minor("10; K"), Some(("10", "")));
        assert_eq!(major_minor("10.é"), Some(("10", "")));
        assert_eq!(major_minor("é"), None);
    }
}
