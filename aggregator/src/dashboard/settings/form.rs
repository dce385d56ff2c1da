//! What was typed into a form, and what is wrong with it: a page that refuses keeps the one and
//! says the other beside its field.

use super::super::Failure;
use super::super::account::fields::Fields;
use crate::error::Error;

/// What is wrong, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field; empty for the form as a whole.
    pub field: &'static str,
    /// A sentence that names it.
    pub says: String,
}

impl Wrong {
    /// Of a field.
    pub fn of(field: &'static str, says: impl Into<String>) -> Self {
        let says = says.into();
        Self { field, says }
    }
}

/// The store's word for something, the field it is typed into, and what the page calls that.
pub type Words<'a> = &'a [(&'a str, &'static str, &'a str)];

/// What the store refuses, as a person is told; everything else is our own failure.
///
/// # Errors
/// The database failed.
pub fn refused(error: Error, words: Words<'_>) -> Result<Wrong, Failure> {
    let (Error::Invalid(text) | Error::Refused(text)) = error else {
        return Err(error.into());
    };
    for (word, field, called) in words {
        let rest = text.strip_prefix(word);
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix(": ")) {
            return Ok(Wrong::of(field, format!("{called}: {rest}.")));
        }
    }
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase());
    let says = first.into_iter().flatten().chain(letters).chain(['.']);
    Ok(Wrong::of("", says.collect::<String>()))
}

/// See the module. Empty: nothing was typed, nothing is wrong.
#[derive(Debug, Clone, Default)]
pub struct Form {
    typed: Vec<(&'static str, String)>,
    wrong: Option<Wrong>,
}

impl Form {
    /// One that holds these values.
    pub fn of(typed: &[(&'static str, &str)]) -> Self {
        let typed = typed.iter();
        Self {
            typed: typed
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            wrong: None,
        }
    }

    /// What was sent, with what is wrong with it.
    pub fn again(sent: &Fields, names: &[&'static str], wrong: Wrong) -> Self {
        let typed = names.iter().map(|name| (*name, sent.text(name)));
        Self::of(&typed.collect::<Vec<_>>()).with_wrong(wrong)
    }

    /// The same, with what is wrong with it.
    #[must_use]
    pub fn with_wrong(mut self, wrong: Wrong) -> Self {
        self.wrong = Some(wrong);
        self
    }

    /// The same under another one of the same page: what that holds goes first.
    #[must_use]
    pub fn with(self, mut above: Form) -> Self {
        above.typed.extend(self.typed);
        above
    }

    /// What stands in a field.
    pub fn value(&self, field: &str) -> &str {
        let found = self.typed.iter().find(|(name, _)| *name == field);
        found.map_or("", |(_, value)| value)
    }

    /// Whether a field holds a value.
    pub fn is(&self, field: &str, value: &str) -> bool {
        self.value(field) == value
    }

    /// What is wrong with a field; with an empty name, with the form as a whole.
    pub fn problem(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.as_ref()?;
        (wrong.field == field).then_some(wrong.says.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_refuses_is_said_by_the_name_of_the_field() {
        let words: Words<'_> = &[("domain", "host", "Domain")];
        for (text, field, says) in [
            ("domain: x is taken", "host", "Domain: x is taken."),
            ("domains are few", "", "Domains are few."),
            ("é: is no field", "", "É: is no field."),
            ("", "", "."),
        ] {
            let wrong = refused(Error::Invalid(text.into()), words).unwrap();
            assert_eq!(wrong, Wrong::of(field, says));
        }
        assert!(refused(Error::Random, words).is_err());
        let form = Form::of(&[("host", "<b>")]);
        assert!(form.problem("host").is_none() && form.problem("").is_none());
        let form = Form::of(&[("host", "x"), ("y", "z")]).with(form);
        let form = form.with_wrong(Wrong::of("host", "No."));
        assert_eq!(form.value("y"), "z");
        assert_eq!((form.value("host"), form.value("x")), ("<b>", ""));
        assert_eq!(form.problem("host"), Some("No."));
        assert_eq!(form.problem(""), None);
    }
}
