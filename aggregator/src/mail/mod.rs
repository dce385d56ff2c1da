//! Mail: optional, and off unless an SMTP server is named.
//!
//! | file | what |
//! |---|---|
//! | `smtp.rs` | the SMTP server: how it is reached, what it said |
//! | `letter.rs` | one mail, as it goes over the wire |
//! | `post.rs` | sending with tries again, in a bounded number of tasks |
//! | `kind.rs` | what somebody can want of a site; when a report is due |
//! | `report.rs`, `alert.rs` | what reports and alerts say |
//! | `account.rs` | what is sent to whoever is invited or has forgotten a password |
//! | `link.rs` | the signed links that switch a mail off |
//! | `schedule.rs` | what is sent by the clock |
//!
//! Rows are in `store/mail.rs`, pages in `dashboard/mail/` and `dashboard/account/forgot.rs`.
//!
//! **Architecture Invariant:** no log holds an address, a subject or a text of a mail, nor what the
//! mail server said of it, which may repeat the address.

pub mod account;
pub mod alert;
mod kind;
pub mod letter;
pub mod link;
mod post;
pub mod report;
pub mod schedule;
pub mod smtp;
#[cfg(test)]
pub(crate) mod tests;

pub use kind::{Due, Kind, due};
pub use letter::Letter;
pub use post::Mail;
pub use smtp::{Smtp, SmtpSettings, Tls, Unsent};

use crate::arrival::is_loopback;
use crate::error::{Error, Result};

/// Where browsers find the dashboard, as links in mails name it: never what a request says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads one: `https://stats.example`, or `http://` on loopback.
    ///
    /// # Errors
    /// It is none; the text begins with `dashboard-url`.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |why: &str| Err(Error::Invalid(format!("dashboard-url: {why}")));
        let text = text.trim().trim_end_matches('/');
        let Ok(uri) = text.parse::<axum::http::Uri>() else {
            return invalid("that is no URL such as https://stats.example");
        };
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.authority()) else {
            return invalid("that is no URL such as https://stats.example");
        };
        if uri.query().is_some() || host.as_str().contains('@') {
            return invalid("it names a scheme, a host and perhaps a port or path, nothing else");
        }
        match scheme {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_loopback(host.as_str()) => Ok(Self(text.to_owned())),
            _ => invalid("links in mails are for https:// only, but on loopback"),
        }
    }

    /// The URL of a path, which begins with a slash.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// A part of a mail as text.
fn rendered(template: &impl askama::Template) -> Result<String> {
    let text = template.render();
    text.map_err(|error| Error::Invalid(format!("a mail cannot be made: {error}")))
}

#[cfg(test)]
mod url_tests {
    use super::*;

    #[test]
    fn links_lead_to_https_or_loopback() {
        for (text, link) in [
            ("https://stats.example", "https://stats.example/x"),
            (
                " https://stats.example:8443/ ",
                "https://stats.example:8443/x",
            ),
            ("https://example.com/stats/", "https://example.com/stats/x"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/x"),
            ("http://localhost:8000", "http://localhost:8000/x"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().to("/x"), link);
        }
        for text in [
            "",
            "stats.example",
            "http://stats.example",
            "ftp://stats.example",
            "https://",
            "https://user:password@stats.example",
            "https://stats.example/?x",
            "javascript:alert(1)",
            "https://stats.example/a b",
        ] {
            let error = PublicUrl::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("dashboard-url: "), "{text}: {error}");
            assert!(!error.contains("password"), "{error}");
        }
    }
}
