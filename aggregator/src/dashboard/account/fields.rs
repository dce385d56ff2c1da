//! What a form sends.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;

use super::super::{Failure, message};
use crate::api::{self, Refusal};

/// Most fields of a form.
const FIELDS_MAX: usize = 20;

/// The fields of a form, each at most once. A body has at most 64 KiB and comes within 10 seconds.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The same, when there are no other fields than these.
    ///
    /// # Errors
    /// 400 with the field's name.
    pub fn only(self, names: &[&str]) -> Result<Self, Failure> {
        let unknown = self
            .0
            .iter()
            .find(|(name, _)| !names.contains(&name.as_str()));
        match unknown {
            Some((name, _)) => Err(wrong(&format!("{}: unknown field", short(name)))),
            None => Ok(self),
        }
    }

    /// A field's text; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }

    /// A field that holds the number of a row.
    ///
    /// # Errors
    /// 400 with the field's name.
    pub fn number(&self, name: &str) -> Result<i64, Failure> {
        let number = self.text(name).parse();
        number.map_err(|_| wrong(&format!("{name}: that is no number")))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let body = match api::read_body(request.into_body()).await {
            Ok(body) => body,
            Err(Refusal::TooLarge) => {
                let text = "The form is larger than 64 KiB.";
                return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, text));
            }
            Err(Refusal::TooSlow) => {
                let text = "The form did not come within 10 seconds.";
                return Err(refused(StatusCode::REQUEST_TIMEOUT, text));
            }
            Err(_) => return Err(wrong("The form broke off.")),
        };
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(&body) {
            if fields.len() >= FIELDS_MAX {
                return Err(wrong("There are too many fields."));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(wrong(&format!("{}: it is there twice", short(&name))));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }
}

fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

/// A page that says what is wrong with a form that no page of ours sends.
pub fn wrong(text: &str) -> Failure {
    refused(StatusCode::BAD_REQUEST, text)
}

fn refused(status: StatusCode, text: &str) -> Failure {
    match message(status, "That cannot be taken", text.to_owned()) {
        Ok(page) => Failure::Answer(Box::new(page)),
        Err(failure) => failure,
    }
}
