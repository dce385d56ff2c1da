//! The SMTP server: how it is reached, and what came of it.

use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as LettreTls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use zeroize::Zeroizing;

use crate::arrival::is_loopback;
use crate::error::{Error, Result};

/// How long one mail may take, from the name's look-up to the server's last word.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of a file of certificates.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// How a connection is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tls {
    /// From its first byte (port 465).
    Tls,
    /// It begins plain and goes on only when STARTTLS works (port 587).
    Starttls,
    /// Not at all (port 25): for a mail server on this machine or beside it.
    None,
}

impl Tls {
    const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::Starttls => 587,
            Self::None => 25,
        }
    }
}

/// How the SMTP server is reached.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Its name or address.
    pub host: String,
    /// Its port; that of `tls` unless given.
    pub port: Option<u16>,
    /// See [`Tls`].
    pub tls: Tls,
    /// Who logs in there, if anybody does.
    pub user: Option<String>,
    /// With what.
    pub password: Option<Zeroizing<String>>,
    /// Certificates, PEM, that are trusted beside those of the system.
    pub ca: Option<PathBuf>,
    /// Whom mails are from: an address, or `Name <address>`.
    pub from: String,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// For a log: no address, nothing that the server said.
    pub why: String,
    /// For whoever tries the settings: with what the server said.
    pub told: String,
    /// Trying the same again is no use.
    pub is_final: bool,
}

/// The SMTP server, ready to be sent to.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    place: String,
    from: Mailbox,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Smtp {
    /// Checks the settings; connects to nothing.
    ///
    /// # Errors
    /// Something is wrong with one of them; the text names it.
    pub fn new(settings: &SmtpSettings) -> Result<Self> {
        let from = sender(&settings.from)?;
        let host = host(&settings.host)?;
        let port = settings.port.unwrap_or(settings.tls.port());
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .timeout(Some(TIMEOUT))
            .hello_name(hello_name(&from));
        let parameters = || parameters(host, settings.ca.as_ref());
        builder = match settings.tls {
            Tls::Tls => builder.tls(LettreTls::Wrapper(parameters()?)),
            Tls::Starttls => builder.tls(LettreTls::Required(parameters()?)),
            Tls::None => {
                if settings.user.is_some() && !is_loopback(host) {
                    return Err(Error::Invalid(
                        "smtp-tls: with none the password would go over the network as it is; take tls or starttls"
                            .into(),
                    ));
                }
                builder.tls(LettreTls::None)
            }
        };
        builder = match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => {
                builder.credentials(Credentials::new(user.clone(), password.to_string()))
            }
            (None, None) => builder,
            (Some(_), None) => {
                return Err(Error::Invalid(
                    "smtp-password: it is lacking for smtp-user".into(),
                ));
            }
            (None, Some(_)) => {
                return Err(Error::Invalid(
                    "smtp-user: it is lacking for smtp-password".into(),
                ));
            }
        };
        Ok(Self {
            transport: builder.build(),
            place: format!("{host}:{port}"),
            from,
        })
    }

    /// Whom mails are from.
    pub fn from(&self) -> &Mailbox {
        &self.from
    }

    /// Host and port.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the server can be spoken with, and lets us in.
    ///
    /// # Errors
    /// It could not be reached, or does not let us in.
    pub async fn reach(&self) -> std::result::Result<(), Unsent> {
        match tokio::time::timeout(TIMEOUT, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(error)) => Err(unsent(&error, &self.place)),
            Ok(Ok(false)) | Err(_) => {
                let why = format!("{} does not answer as it should", self.place);
                Err(Unsent {
                    told: why.clone(),
                    why,
                    is_final: false,
                })
            }
        }
    }

    /// Sends a mail over a connection of its own.
    ///
    /// # Errors
    /// The server could not be reached, or did not take it.
    pub async fn send(&self, message: Message) -> std::result::Result<(), Unsent> {
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(unsent(&error, &self.place)),
            Err(_) => {
                let why = format!(
                    "{} did not take it within {} seconds",
                    self.place,
                    TIMEOUT.as_secs()
                );
                Err(Unsent {
                    told: why.clone(),
                    why,
                    is_final: false,
                })
            }
        }
    }
}

/// What went wrong, in words, with what to do about it.
fn unsent(error: &lettre::transport::smtp::Error, place: &str) -> Unsent {
    let (why, hint) = match error.status().map(u16::from) {
        Some(code @ (530 | 534 | 535 | 538)) => (
            format!("{place} refused user or password ({code})"),
            "look at smtp-user and smtp-password",
        ),
        Some(code @ 500..) => (
            format!("{place} refused the mail ({code})"),
            "it may not want mail from this sender (mail-from), or to this address",
        ),
        Some(code) => (
            format!("{place} takes no mail now ({code})"),
            "try again later",
        ),
        None if is_tls(error) => (
            format!("no TLS with {place}"),
            "its certificate must be for the name in smtp-host, by an authority that the system knows or smtp-ca names; and smtp-tls must suit the port: 465 is tls, 587 starttls",
        ),
        None if error.is_client() => (
            format!("{place} cannot be spoken with as the settings say"),
            "look at smtp-tls and smtp-user: it may offer no STARTTLS, or no log-in without it",
        ),
        None if error.is_response() => (
            format!("{place} does not speak SMTP as the settings say"),
            "look at smtp-port and smtp-tls: 465 is tls, 587 starttls",
        ),
        None => (
            format!("{place} cannot be reached"),
            "look at smtp-host, smtp-port and smtp-tls: 465 is tls, 587 starttls",
        ),
    };
    // The refusal of one mail; the log-in and what is around it may be mended meanwhile.
    let is_final = error.is_permanent() && !why.contains("password");
    Unsent {
        told: format!("{why}: {error}\n  {hint}"),
        why,
        is_final,
    }
}

/// Whether the connection was there and only TLS failed: that comes as data that cannot be read.
fn is_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut source = error.source();
    while let Some(problem) = source {
        let problem_of_io = problem.downcast_ref::<std::io::Error>();
        if problem_of_io.is_some_and(|problem| problem.kind() == ErrorKind::InvalidData) {
            return true;
        }
        source = problem.source();
    }
    error.is_tls()
}

fn sender(text: &str) -> Result<Mailbox> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(Error::Invalid("mail-from: a control character".into()));
    }
    text.parse().map_err(|_| {
        Error::Invalid(
            "mail-from: that is no address such as stats@example.com or Stats <stats@example.com>"
                .into(),
        )
    })
}

fn host(text: &str) -> Result<&str> {
    let text = text.trim();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    match !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed) {
        true => Ok(text),
        false => Err(Error::Invalid(
            "smtp-host: that is no name or address such as mail.example.com; the port is smtp-port"
                .into(),
        )),
    }
}

/// What we call ourselves: the sender's domain, and nothing of this machine.
fn hello_name(from: &Mailbox) -> ClientId {
    ClientId::Domain(from.email.domain().to_owned())
}

fn parameters(host: &str, ca: Option<&PathBuf>) -> Result<TlsParameters> {
    let wrong = |problem: String| Error::Invalid(format!("smtp-ca: {problem}"));
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = ca {
        let shown = file.display();
        let pem = std::fs::metadata(file).and_then(|about| match about.len() {
            0..=CA_BYTES_MAX => std::fs::read(file),
            _ => Err(std::io::Error::other("it is larger than 1 MiB")),
        });
        let pem = pem.map_err(|problem| wrong(format!("{shown}: {problem}")))?;
        if !pem.windows(11).any(|bytes| bytes == b"-----BEGIN ") {
            return Err(wrong(format!("{shown}: it holds no certificate (PEM)")));
        }
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| wrong(format!("{shown}: it holds no certificate (PEM)")))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|problem| Error::Invalid(format!("smtp-tls: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SmtpSettings {
        SmtpSettings {
            host: "mail.example".into(),
            port: None,
            tls: Tls::Tls,
            user: Some("robot".into()),
            password: Some(Zeroizing::new("hunter2-secret".into())),
            ca: None,
            from: "Stats <stats@example.com>".into(),
        }
    }

    #[test]
    fn settings_are_checked_and_show_no_secret() {
        let smtp = Smtp::new(&settings()).unwrap();
        assert_eq!(smtp.place(), "mail.example:465");
        let shown = format!("{:?} {smtp:?}", settings());
        assert!(
            !shown.contains("hunter2") && !shown.contains("robot"),
            "{shown}"
        );
        let of = |change: &dyn Fn(&mut SmtpSettings)| {
            let mut changed = settings();
            change(&mut changed);
            Smtp::new(&changed)
        };
        let ported = of(&|it| (it.tls, it.port) = (Tls::Starttls, Some(2525))).unwrap();
        assert_eq!(ported.place(), "mail.example:2525");
        assert!(of(&|it| (it.tls, it.host) = (Tls::None, "127.0.0.1".into())).is_ok());
        type Change<'a> = &'a dyn Fn(&mut SmtpSettings);
        let wrong: [(Change<'_>, &str); 9] = [
            (&|it| it.host.clear(), "smtp-host: "),
            (&|it| it.host = "mail.example/x".into(), "smtp-host: "),
            (&|it| it.host = "mail.example\r\nRSET".into(), "smtp-host: "),
            (&|it| it.tls = Tls::None, "smtp-tls: "),
            (&|it| it.user = None, "smtp-user: "),
            (&|it| it.password = None, "smtp-password: "),
            (&|it| it.from = "nobody".into(), "mail-from: "),
            (
                &|it| it.from = "a@b.example\r\nBcc: c@d.example".into(),
                "mail-from: ",
            ),
            (&|it| it.ca = Some("/nonexistent".into()), "smtp-ca: "),
        ];
        for (change, says) in wrong {
            let error = of(change).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
