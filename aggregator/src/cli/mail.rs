//! `dayfly mail`, and how the SMTP server is reached.

use std::path::PathBuf;

use aggregator::accounts::names;
use aggregator::clock::SystemClock;
use aggregator::error::{Error, Result};
use aggregator::mail::{self, Mail, PublicUrl, Smtp, SmtpSettings, Tls};
use clap::{Args, Subcommand};
use shared::clock::Clock;
use zeroize::Zeroizing;

use super::user::DashboardUrl;

/// See the module.
#[derive(Subcommand)]
pub enum MailCommand {
    /// Send one mail with the settings that `serve` takes, and say plainly what went wrong.
    Test {
        /// Whom to.
        address: String,
        #[command(flatten)]
        settings: Box<MailSettings>,
        #[command(flatten)]
        url: DashboardUrl,
    },
}

/// How the SMTP server is reached. Without `--smtp-host` no mail is sent.
#[derive(Args)]
pub struct MailSettings {
    /// The SMTP server that mail goes to: a name or an address. No mail is sent without.
    #[arg(long, env = "DAYFLY_SMTP_HOST", requires = "mail_from")]
    smtp_host: Option<String>,
    /// Its port; else 465, 587 or 25, by --smtp-tls.
    #[arg(long, env = "DAYFLY_SMTP_PORT", requires = "smtp_host",
          value_parser = clap::value_parser!(u16).range(1..))]
    smtp_port: Option<u16>,
    /// How the connection is kept from being read.
    #[arg(long, env = "DAYFLY_SMTP_TLS", value_enum, default_value_t = Tls::Tls)]
    smtp_tls: Tls,
    /// Who logs in there; nobody does without.
    #[arg(long, env = "DAYFLY_SMTP_USER", requires = "smtp_host")]
    smtp_user: Option<String>,
    /// With which password. The environment shows it to fewer than the command line does.
    #[arg(
        long,
        env = "DAYFLY_SMTP_PASSWORD",
        hide_env_values = true,
        requires = "smtp_user"
    )]
    smtp_password: Option<String>,
    /// A file of certificates (PEM) that are trusted beside those of the system, as for a mail server
    /// of your own.
    #[arg(long, env = "DAYFLY_SMTP_CA", requires = "smtp_host")]
    smtp_ca: Option<PathBuf>,
    /// Whom mails are from: stats@example.com, or "Stats <stats@example.com>".
    #[arg(long, env = "DAYFLY_MAIL_FROM", requires = "smtp_host")]
    mail_from: Option<String>,
}

impl MailSettings {
    /// The SMTP server; `None` when there is none.
    pub fn smtp(&self) -> Result<Option<Smtp>> {
        let (Some(host), Some(from)) = (&self.smtp_host, &self.mail_from) else {
            return Ok(None);
        };
        let password = self.smtp_password.as_ref();
        Smtp::new(&SmtpSettings {
            host: host.clone(),
            port: self.smtp_port,
            tls: self.smtp_tls,
            user: self.smtp_user.clone(),
            password: password.map(|password| Zeroizing::new(password.clone())),
            ca: self.smtp_ca.clone(),
            from: from.clone(),
        })
        .map(Some)
    }

    /// Mail as the server sends it; `None` when there is none.
    pub fn open(&self, url: &DashboardUrl) -> Result<Option<Mail>> {
        match self.smtp()? {
            Some(smtp) => Ok(Some(Mail::new(smtp, public(url)?))),
            None => Ok(None),
        }
    }
}

/// Links in mails must lead here from anywhere.
fn public(url: &DashboardUrl) -> Result<PublicUrl> {
    let given = url.given().ok_or_else(|| {
        Error::Invalid(
            "dashboard-url: mails link to the dashboard, so say where browsers find it (DAYFLY_DASHBOARD_URL)"
                .into(),
        )
    })?;
    PublicUrl::parse(given)
}

impl MailCommand {
    /// Sends the mail and waits for what the server says.
    pub async fn run(self) -> Result<()> {
        let Self::Test {
            address,
            settings,
            url,
        } = self;
        let to = names::mail(&address)?;
        let smtp = settings.smtp()?.ok_or_else(|| {
            Error::Invalid(
                "smtp-host: no SMTP server is named (DAYFLY_SMTP_HOST), so none is sent".into(),
            )
        })?;
        let link = public(&url)?.to("/");
        let letter = mail::account::test(&to, &link)?;
        let sent = async {
            let message = letter.message(smtp.from(), SystemClock.now_ms())?;
            smtp.send(message).await
        };
        sent.await
            .map_err(|unsent| Error::Refused(format!("not sent: {}", unsent.told)))?;
        println!("sent: {} took a mail to {to}", smtp.place());
        Ok(())
    }
}
