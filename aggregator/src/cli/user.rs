//! `dayfly user`: who may log in, and what they may see.

use std::io::Read;

use aggregator::accounts::password::{Password, Passwords};
use aggregator::accounts::token::PlainToken;
use aggregator::accounts::{FIRST_LINK_MS, INVITATION_MS, RESET_MS, Role, names};
use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::site::{self as sites, Site};
use aggregator::store::{Account, Changed, Link, NewAccount, Store};
use clap::{Args, Subcommand, ValueEnum};
use shared::clock::Clock;

use super::{today, with_store};

/// Most that is read of a password, bytes.
const STDIN_BYTES_MAX: u64 = 4_096;

/// See the module.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Print a link that makes the first account; nothing when there is one.
    First {
        #[command(flatten)]
        url: DashboardUrl,
    },
    /// Let somebody in: prints a link where they choose a name and a password.
    Add(Add),
    /// List the accounts: mail address, admin or not, second step or not, made on, sites with roles,
    /// name.
    List,
    /// Say what somebody may do at a site, or whether they are an admin.
    #[command(name = "role")]
    RoleOf(RoleOf),
    /// Print a link where somebody chooses a new password.
    Reset {
        /// Whose.
        mail: String,
        /// Also turn their second step off, as when the phone and the recovery codes are lost.
        #[arg(long)]
        totp_off: bool,
        #[command(flatten)]
        url: DashboardUrl,
    },
    /// Delete somebody's account, at once and for good.
    Remove {
        /// Whose.
        mail: String,
    },
}

/// `dayfly user add`.
#[derive(Args)]
pub struct Add {
    /// Their mail address: what they log in with.
    mail: String,
    /// A site they may look at.
    #[arg(long)]
    site: Option<String>,
    /// What they may do there.
    #[arg(long, value_enum, default_value = "viewer", requires = "site")]
    role: Role,
    /// Of the whole server: opens every site.
    #[arg(long, conflicts_with = "site")]
    admin: bool,
    /// Make the account now, with the password that standard input holds; prints no link.
    #[arg(long)]
    password_stdin: bool,
    /// Their name, with --password-stdin; else the part of the address before the @.
    #[arg(long, requires = "password_stdin")]
    name: Option<String>,
    #[command(flatten)]
    url: DashboardUrl,
}

/// `dayfly user role`.
#[derive(Args)]
pub struct RoleOf {
    /// Whose.
    mail: String,
    /// The site.
    #[arg(long, requires = "role", required_unless_present = "admin")]
    site: Option<String>,
    /// What they may do there.
    #[arg(long, value_enum, requires = "site")]
    role: Option<RoleOrNone>,
    /// Whether they are an admin of the whole server.
    #[arg(long, value_enum)]
    admin: Option<OnOff>,
}

/// A role, or that there is none.
#[derive(Clone, Copy, ValueEnum)]
pub enum RoleOrNone {
    /// See [`Role::Viewer`].
    Viewer,
    /// See [`Role::Editor`].
    Editor,
    /// See [`Role::Owner`].
    Owner,
    /// Nothing.
    None,
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Where people find the dashboard.
#[derive(Args)]
pub struct DashboardUrl {
    /// Where browsers find the dashboard, for the links that are printed; else this machine's
    /// loopback.
    #[arg(
        id = "dashboard_url",
        long = "dashboard-url",
        env = "DAYFLY_DASHBOARD_URL"
    )]
    url: Option<String>,
}

impl DashboardUrl {
    /// As it was given, if it was.
    pub fn given(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The address of what a token opens.
    pub fn link(&self, path: &str, token: &PlainToken, port: u16) -> String {
        let loopback = format!("http://127.0.0.1:{port}");
        let base = self.url.as_deref().unwrap_or(&loopback);
        format!("{}/{path}/{}", base.trim_end_matches('/'), token.as_str())
    }

    /// What is said while there is no account.
    pub fn first(&self, token: &PlainToken, port: u16) -> String {
        let link = self.link("welcome", token, port);
        format!("There is no account yet. Make the first one, within a day, at\n  {link}")
    }
}

/// The port of the dashboard where no URL is given.
pub fn port() -> u16 {
    let port = std::env::var("DASHBOARD_PORT").ok();
    port.and_then(|port| port.parse().ok()).unwrap_or(8000)
}

/// A link for the first account, while there is none.
pub async fn first_link(store: &Store) -> Result<Option<PlainToken>> {
    if store.has_accounts().await? {
        return Ok(None);
    }
    let expires_ms = SystemClock.now_ms().saturating_add(FIRST_LINK_MS);
    store.add_link(&Link::First, expires_ms).await.map(Some)
}

async fn account(store: &Store, mail: &str) -> Result<Account> {
    let mail = names::mail(mail)?;
    let found = store.account_of(&mail).await?;
    found.ok_or_else(|| Error::Invalid(format!("mail: nobody has an account with {mail}")))
}

async fn site(store: &Store, domain: &str) -> Result<Site> {
    let domain = sites::domain(domain)?;
    let found = store.site(&domain).await?;
    found.ok_or_else(|| Error::Invalid(format!("there is no site {domain}")))
}

fn said(changed: Changed) -> Result<()> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Unknown => Err(Error::Invalid("the account is gone already".into())),
        Changed::LastAdmin => Err(Error::Invalid(
            "that is the last admin; make another one first: dayfly user role <mail> --admin on"
                .into(),
        )),
    }
}

impl UserCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        with_store(data, async |store| match self {
            Self::First { url } => {
                if let Some(token) = first_link(store).await? {
                    println!("{}", url.link("welcome", &token, port()));
                }
                Ok(())
            }
            Self::Add(command) => command.run(store).await,
            Self::List => list(store).await,
            Self::RoleOf(command) => command.run(store).await,
            Self::Reset {
                mail,
                totp_off,
                url,
            } => {
                let account = account(store, &mail).await?;
                if totp_off {
                    store.end_totp(account.id).await?;
                }
                let expires_ms = SystemClock.now_ms().saturating_add(RESET_MS);
                let link = Link::Reset {
                    account: account.id,
                };
                let token = store.add_link(&link, expires_ms).await?;
                println!("{}", url.link("reset", &token, port()));
                Ok(())
            }
            Self::Remove { mail } => {
                let account = account(store, &mail).await?;
                said(store.remove_account(account.id).await?)?;
                println!("removed {}", account.mail);
                Ok(())
            }
        })
        .await
    }
}

impl Add {
    async fn run(self, store: &Store) -> Result<()> {
        let mail = names::mail(&self.mail)?;
        let site = match &self.site {
            Some(domain) => Some((site(store, domain).await?.id, self.role)),
            None => None,
        };
        let taken = || Error::Invalid(format!("mail: {mail} has an account already"));
        let known = store.account_of(&mail).await?;
        if known.is_some() && (self.password_stdin || (site.is_none() && !self.admin)) {
            return Err(taken());
        }
        if !self.password_stdin {
            let link = Link::Invitation {
                mail,
                // Somebody must be one.
                is_admin: self.admin || !store.has_accounts().await?,
                site,
            };
            let expires_ms = SystemClock.now_ms().saturating_add(INVITATION_MS);
            let token = store.add_link(&link, expires_ms).await?;
            println!("{}", self.url.link("welcome", &token, port()));
            return Ok(());
        }
        let name = match &self.name {
            Some(name) => names::name(name)?,
            None => names::name(mail.split('@').next().unwrap_or_default())?,
        };
        let password = Password::chosen(&typed_password()?, &mail)?;
        let new = NewAccount {
            name,
            is_admin: self.admin,
            password: Passwords::default().hash(password).await?,
            mail: mail.clone(),
        };
        let id = store.add_account(&new, today()).await?.ok_or_else(taken)?;
        if let Some((site, role)) = site {
            store.set_role(site, id, Some(role)).await?;
        }
        println!("added {mail}");
        Ok(())
    }
}

/// The first line of standard input.
pub fn typed_password() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(STDIN_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Error::Invalid(format!("password: standard input: {error}")))?;
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    Ok(line.to_owned())
}

impl RoleOf {
    async fn run(self, store: &Store) -> Result<()> {
        let account = account(store, &self.mail).await?;
        if let (Some(domain), Some(role)) = (&self.site, self.role) {
            let site = site(store, domain).await?;
            let role = match role {
                RoleOrNone::Viewer => Some(Role::Viewer),
                RoleOrNone::Editor => Some(Role::Editor),
                RoleOrNone::Owner => Some(Role::Owner),
                RoleOrNone::None => None,
            };
            store.set_role(site.id, account.id, role).await?;
            let role = role.map_or("nothing", Role::as_str);
            println!("{} is {role} at {}", account.mail, site.domain);
        }
        if let Some(admin) = self.admin {
            let is_admin = admin == OnOff::On;
            said(store.set_admin(account.id, is_admin).await?)?;
            let not = if is_admin { "" } else { "no " };
            println!("{} is {not}admin", account.mail);
        }
        Ok(())
    }
}

async fn list(store: &Store) -> Result<()> {
    for account in store.accounts().await? {
        let roles = store.sites_of(account.id).await?;
        let roles: Vec<String> = roles
            .iter()
            .map(|(site, role)| format!("{}={}", site.domain, role.as_str()))
            .collect();
        println!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            account.mail,
            if account.is_admin { "admin" } else { "-" },
            if account.has_totp() { "totp" } else { "-" },
            account.created_on,
            if roles.is_empty() {
                "-".to_owned()
            } else {
                roles.join(" ")
            },
            account.name
        );
    }
    Ok(())
}
