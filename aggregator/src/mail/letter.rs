//! One mail: to whom, what it says, and as it goes over the wire.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use shared::clock::UnixMs;

use super::smtp::Unsent;
use crate::accounts::token::PlainToken;

/// Longest subject, characters.
const SUBJECT_CHARS_MAX: usize = 150;

/// A mail. It has no `Debug`: none of it is for a log.
#[derive(Clone)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// For whoever reads plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Where a mail program switches this kind of mail off by one POST (RFC 8058).
    pub off: Option<String>,
    /// What tells it from every other mail; drawn at random unless given.
    pub id: Option<String>,
}

impl Letter {
    /// As it goes over the wire. Whatever the subject holds stays in its own line.
    ///
    /// # Errors
    /// It cannot be sent to that address.
    pub fn message(&self, from: &Mailbox, now_ms: UnixMs) -> Result<Message, Unsent> {
        let to: Address = self.to.parse().map_err(|_| unsendable("its address"))?;
        let since_epoch = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        let id = match &self.id {
            Some(id) => id.clone(),
            None => PlainToken::new()
                .map(|token| token.as_str().to_owned())
                .map_err(|_| unsendable("a number for it"))?,
        };
        let mut builder = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .date(SystemTime::UNIX_EPOCH + since_epoch)
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .subject(one_line(&self.subject))
            // Nobody's out-of-office answers it (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(off) = &self.off {
            builder = builder
                .raw_header(header("List-Unsubscribe", &format!("<{off}>")))
                .raw_header(header(
                    "List-Unsubscribe-Post",
                    "List-Unsubscribe=One-Click",
                ));
        }
        let body = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        builder
            .multipart(body)
            .map_err(|_| unsendable("its headers"))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn unsendable(what: &str) -> Unsent {
    let why = format!("{what} is none that mail can be sent with");
    Unsent {
        told: why.clone(),
        why,
        is_final: true,
    }
}

fn one_line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(SUBJECT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            to: "ada@example.com".into(),
            subject: "Hello".into(),
            text: "text ≈ 3\n".into(),
            html: "<p>html</p>".into(),
            off: Some(format!(
                "https://stats.example/unsubscribe/{}",
                "x".repeat(39)
            )),
            id: None,
        }
    }

    fn wire(letter: &Letter) -> String {
        let from: Mailbox = "Stats <stats@example.com>".parse().unwrap();
        let message = letter.message(&from, 1_795_000_000_000).unwrap();
        let envelope = message.envelope();
        assert_eq!(envelope.to().len(), 1, "one recipient, whatever it holds");
        String::from_utf8(message.formatted()).unwrap()
    }

    fn headers(wire: &str) -> Vec<&str> {
        let (head, _) = wire.split_once("\r\n\r\n").unwrap();
        head.split("\r\n").collect()
    }

    #[test]
    fn a_mail_has_the_headers_it_should() {
        let wire = wire(&letter());
        let headers = headers(&wire);
        let off = format!(
            "List-Unsubscribe: <https://stats.example/unsubscribe/{}>",
            "x".repeat(39)
        );
        for line in [
            "From: Stats <stats@example.com>",
            "To: ada@example.com",
            "Subject: Hello",
            "Auto-Submitted: auto-generated",
            off.as_str(),
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Date: Wed, 18 Nov 2026 11:06:40 +0000",
        ] {
            assert!(headers.contains(&line), "{line}\n{wire}");
        }
        let id = headers
            .iter()
            .find(|line| line.starts_with("Message-ID: <"));
        assert!(id.unwrap().ends_with("@example.com>"));
        assert!(wire.contains("multipart/alternative") && wire.contains("text/html"));
        assert!(wire.is_ascii(), "any server takes it");
        let once = Letter {
            id: Some("of-week-7".into()),
            off: None,
            ..letter()
        };
        let wire = self::wire(&once);
        assert!(wire.contains("Message-ID: <of-week-7@example.com>\r\n"));
        assert!(!wire.contains("List-Unsubscribe"));
    }

    #[test]
    fn no_header_can_be_slipped_in() {
        let bad = "x\r\nBcc: eve@evil.example\r\n\r\n<script>\u{0}é\u{2028}";
        let subject = Letter {
            subject: bad.into(),
            ..letter()
        };
        let wire = wire(&subject);
        assert!(
            !headers(&wire).iter().any(|line| line.starts_with("Bcc")),
            "{wire}"
        );
        assert!(!wire.contains("\r\nBcc"), "{wire}");
        let long = Letter {
            subject: "ä".repeat(5_000),
            ..letter()
        };
        assert!(self::wire(&long).lines().all(|line| line.len() < 200));
        let from: Mailbox = "stats@example.com".parse().unwrap();
        for to in [
            "",
            "ada",
            "ada@example.com\r\nRCPT TO:<eve@evil.example>",
            "ada@example.com\n",
            "ada@example.com, eve@evil.example",
            "<ada@example.com>",
            "ada@example.com\0",
        ] {
            let letter = Letter {
                to: to.into(),
                ..letter()
            };
            let refused = letter.message(&from, 0).err();
            let refused = refused.unwrap_or_else(|| panic!("{to:?}"));
            assert!(
                refused.is_final && !refused.why.contains("ada"),
                "{refused:?}"
            );
        }
    }
}
