//! Mail addresses and names as people write them.

use crate::error::{Error, Result};

/// Longest mail address, bytes (RFC 5321).
pub const MAIL_BYTES_MAX: usize = 254;
/// Longest name of a person, characters.
pub const NAME_CHARS_MAX: usize = 80;

/// A mail address in the form in which it is stored and looked up: lower case. What a server beyond
/// us accepts as an address is not ours to say, so little is refused.
///
/// # Errors
/// It is none; the text begins with `mail`.
pub fn mail(text: &str) -> Result<String> {
    let invalid = |why: &str| Err(Error::Invalid(format!("mail: {why}")));
    let mail = text.trim().to_lowercase();
    if mail.len() > MAIL_BYTES_MAX {
        return invalid("an address has at most 254 bytes");
    }
    let Some((person, host)) = mail.rsplit_once('@') else {
        return invalid("that is not an address such as ada@example.com");
    };
    // A colon would be read as a separator by authenticator apps.
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c);
    let is_one = !person.is_empty()
        && !person.contains('@')
        && !host.is_empty()
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..")
        && !mail.contains(forbidden);
    match is_one {
        true => Ok(mail),
        false => invalid("that is not an address such as ada@example.com"),
    }
}

/// A person's name.
///
/// # Errors
/// It is empty or too long; the text begins with `name`.
pub fn name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Error::Invalid(format!(
            "name: a name has 1 to {NAME_CHARS_MAX} characters"
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::Invalid("name: a control character".into()));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(mail(" Ada@Example.COM ").unwrap(), "ada@example.com");
        assert!(mail("ada+stats@localhost").is_ok());
        assert!(mail("jürgen@müller.example").is_ok());
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "ada",
            "@",
            "ada@",
            "@example.com",
            "a b@example.com",
            "a@b@example.com",
            "ada@example..com",
            "ada@.example",
            "ada@example.",
            "<ada@example.com>",
            "ada:x@example.com",
            "ada\n@example.com",
            "a,b@example.com",
            &long,
        ] {
            let error = mail(text).unwrap_err().to_string();
            assert!(error.starts_with("mail: "), "{text}: {error}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(name(" Ada Lovelace ").unwrap(), "Ada Lovelace");
        for text in ["", " ", "a\u{7}b", &"x".repeat(81)] {
            assert!(name(text).unwrap_err().to_string().starts_with("name: "));
        }
    }
}
