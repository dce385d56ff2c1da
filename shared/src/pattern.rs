//! Patterns of paths and host names: `*` stands for anything but a slash, `**` for anything.
//! No other character is special; case counts.

use crate::limits::PATTERN_BYTES_MAX;

/// A checked pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Byte(u8),
    /// `*`
    Star,
    /// `**`
    Stars,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("a pattern is empty");
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err("a pattern is longer than 200 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("a pattern has a control character");
        }
        let mut parts = Vec::with_capacity(text.len());
        for byte in text.bytes() {
            match (byte, parts.last()) {
                (b'*', Some(Part::Star)) => {
                    parts.pop();
                    parts.push(Part::Stars);
                }
                (b'*', Some(Part::Stars)) => {}
                (b'*', _) => parts.push(Part::Star),
                _ => parts.push(Part::Byte(byte)),
            }
        }
        Ok(Self(parts))
    }

    /// Whether all of `text` matches. Takes at most about `parts × length²` steps, for patterns
    /// that nobody writes.
    pub fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let (mut part, mut at) = (0usize, 0usize);
        // Where to go on when what follows the last star does not match: the part after it, and
        // the place up to which it reaches.
        let mut star: Option<(usize, usize)> = None;
        let mut stars: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(part), text.get(at)) {
                (None, None) => return true,
                (Some(Part::Star), _) => {
                    part = part.saturating_add(1);
                    star = Some((part, at));
                    continue;
                }
                (Some(Part::Stars), _) => {
                    part = part.saturating_add(1);
                    stars = Some((part, at));
                    star = None;
                    continue;
                }
                (Some(Part::Byte(wanted)), Some(byte)) if wanted == byte => {
                    part = part.saturating_add(1);
                    at = at.saturating_add(1);
                    continue;
                }
                _ => {}
            }
            // A star reaches one byte further, but not over a slash.
            if let Some((after, reached)) = star
                && text.get(reached).is_some_and(|byte| *byte != b'/')
            {
                (part, at) = (after, reached.saturating_add(1));
                star = Some((part, at));
                continue;
            }
            // Two stars reach one byte further over anything; the stars after begin anew.
            match stars {
                Some((after, reached)) if reached < text.len() => {
                    (part, at) = (after, reached.saturating_add(1));
                    stars = Some((part, at));
                    star = None;
                }
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars() {
        let cases = [
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/a", "/", false),
            ("/*", "/a", true),
            ("/*", "/", true),
            ("/*", "/a/b", false),
            ("/**", "/a/b", true),
            ("**", "", true),
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/b/b/c", false),
            ("/a/**/c", "/a/b/b/c", true),
            ("/**.pdf", "/x/y.pdf", true),
            ("/*.pdf", "/x/y.pdf", false),
            ("/blog/*", "/blog/x", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("/**/x*", "/a/x/xy", true),
            ("/A", "/a", false),
            ("/ü*", "/über", true),
        ];
        for (pattern, text, expected) in cases {
            let found = Pattern::parse(pattern).unwrap().matches(text);
            assert_eq!(found, expected, "{pattern} {text}");
        }
        for bad in ["", "a\nb", &"x".repeat(201)] {
            assert!(Pattern::parse(bad).is_err());
        }
    }

    /// By definition, and slow.
    fn naive(parts: &[Part], text: &[u8]) -> bool {
        match parts.split_first() {
            None => text.is_empty(),
            Some((Part::Byte(byte), rest)) => text.first() == Some(byte) && naive(rest, &text[1..]),
            Some((part, rest)) => {
                naive(rest, text)
                    || text.first().is_some_and(|byte| {
                        (*part == Part::Stars || *byte != b'/') && naive(parts, &text[1..])
                    })
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_the_definition(pattern in "[ab/*]{1,9}", text in "[ab/]{0,12}") {
            let pattern = Pattern::parse(&pattern).unwrap();
            prop_assert_eq!(pattern.matches(&text), naive(&pattern.0, text.as_bytes()));
        }
    }
}
