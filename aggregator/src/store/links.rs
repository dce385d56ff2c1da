//! Links that work once: for the first account, for whoever is invited, for a new password.
//!
//! A link is used up in the transaction that does what it is for, so two who use it at once are one.

use jiff::civil::Date;
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::Store;
use super::accounts::{self, NewAccount};
use super::db::{Engine, Row, Tx, sql};
use super::roles;
use crate::accounts::Role;
use crate::accounts::token::{PlainToken, TokenHash, random_id};
use crate::error::{Error, Result};

/// Invitations to a site that are open at once.
pub const INVITATIONS_MAX: u64 = 100;
/// Links for the first account that are open at once; beyond it the oldest goes.
const FIRST_MAX: i64 = 20;

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first account, an admin; opens nothing once there is one.
    First,
    /// An account, or a role for one that is there.
    Invitation {
        /// For whom.
        mail: String,
        /// To the whole server.
        is_admin: bool,
        /// To a site.
        site: Option<(SiteId, Role)>,
    },
    /// A new password for an account.
    Reset {
        /// Whose.
        account: i64,
    },
}

impl Link {
    const fn kind(&self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Invitation { .. } => "invitation",
            Self::Reset { .. } => "reset",
        }
    }
}

/// An invitation that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its number, drawn at random.
    pub id: i64,
    /// For whom.
    pub mail: String,
    /// As what.
    pub role: Role,
    /// When it ends by itself.
    pub expires_ms: UnixMs,
}

/// What came of using a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// This is the account now.
    By(i64),
    /// It was used or has ended, or is not for this.
    Gone,
    /// Somebody has an account of this address.
    MailTaken,
}

fn unreadable() -> Error {
    Error::Invalid("a stored link cannot be read".into())
}

const COLUMNS: &str = "kind, mail, is_admin, site_id, role, account_id";

fn read(row: &Row) -> Result<Link> {
    Ok(match row.text(0)?.as_str() {
        "first" => Link::First,
        "reset" => Link::Reset {
            account: row.int_or_null(5)?.ok_or_else(unreadable)?,
        },
        _ => {
            let site = match row.int_or_null(3)? {
                Some(site) => Some((
                    SiteId::try_from(site).map_err(|_| unreadable())?,
                    Role::parse(&row.text(4)?).ok_or_else(unreadable)?,
                )),
                None => None,
            };
            Link::Invitation {
                mail: row.text(1)?,
                is_admin: row.int(2)? != 0,
                site,
            }
        }
    })
}

/// Uses a link up.
async fn take(tx: &mut Tx, token: TokenHash, now_ms: UnixMs) -> Result<Option<Link>> {
    let text = format!(
        "DELETE FROM one_time_link WHERE sha256 = $1 AND expires_ms > $2 RETURNING {COLUMNS}"
    );
    let row = tx
        .first(sql(text).bind(token.as_bytes()).bind(now_ms))
        .await?;
    row.as_ref().map(read).transpose()
}

/// Two who would be the first take turns.
async fn hold_accounts(tx: &mut Tx) -> Result<()> {
    if tx.engine() == Engine::Postgres {
        tx.execute(sql("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE"))
            .await?;
    }
    Ok(())
}

impl Store {
    /// Makes a link. One for a new password ends those before it, an invitation those of the same
    /// person to the same.
    ///
    /// # Errors
    /// There are too many invitations to the site, the database failed, or the system has no random
    /// source.
    pub async fn add_link(&self, link: &Link, expires_ms: UnixMs) -> Result<PlainToken> {
        let (token, id) = (PlainToken::new()?, random_id()?);
        let mut tx = self.db.write().await?;
        let (mail, is_admin, site, account) = match link {
            Link::First => ("", true, None, None),
            Link::Invitation {
                mail,
                is_admin,
                site,
            } => (mail.as_str(), *is_admin, *site, None),
            Link::Reset { account } => ("", false, None, Some(*account)),
        };
        match link {
            Link::First => {
                tx.execute(
                    sql(
                        "DELETE FROM one_time_link WHERE kind = 'first' AND id NOT IN
                             (SELECT id FROM one_time_link WHERE kind = 'first'
                              ORDER BY expires_ms DESC, id LIMIT $1)",
                    )
                    .bind(FIRST_MAX - 1),
                )
                .await?;
            }
            Link::Reset { account } => {
                let statement = sql("DELETE FROM one_time_link WHERE account_id = $1");
                tx.execute(statement.bind(*account)).await?;
            }
            Link::Invitation { .. } => {
                let site = i64::from(site.map_or(0, |(site, _)| site));
                let statement = sql(
                    "DELETE FROM one_time_link WHERE kind = 'invitation' AND mail = $1
                         AND coalesce(site_id, 0) = $2",
                );
                tx.execute(statement.bind(mail).bind(site)).await?;
                let statement = sql(
                    "SELECT count(*) FROM one_time_link WHERE kind = 'invitation'
                         AND coalesce(site_id, 0) = $1",
                );
                let open = tx.first(statement.bind(site)).await?;
                if open.map_or(Ok(0), |row| row.count(0))? >= INVITATIONS_MAX {
                    return Err(Error::Refused(format!(
                        "mail: {INVITATIONS_MAX} invitations are open already; withdraw some first"
                    )));
                }
            }
        }
        tx.execute(
            sql(
                "INSERT INTO one_time_link (id, sha256, kind, mail, is_admin, site_id, role,
                     account_id, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(id)
            .bind(token.hash().as_bytes())
            .bind(link.kind())
            .bind(mail)
            .bind(is_admin)
            .bind(site.map(|(site, _)| site))
            .bind(site.map_or("", |(_, role)| role.as_str()))
            .bind(account)
            .bind(expires_ms),
        )
        .await?;
        tx.commit().await?;
        Ok(token)
    }

    /// What a link is for, unless it was used or has ended. Looking uses nothing up.
    ///
    /// # Errors
    /// The database failed.
    pub async fn link(&self, token: TokenHash, now_ms: UnixMs) -> Result<Option<Link>> {
        let text =
            format!("SELECT {COLUMNS} FROM one_time_link WHERE sha256 = $1 AND expires_ms > $2");
        let statement = sql(text).bind(token.as_bytes()).bind(now_ms);
        let row = self.db.first(statement).await?;
        let link = row.as_ref().map(read).transpose()?;
        match link {
            Some(Link::First) if self.has_accounts().await? => Ok(None),
            link => Ok(link),
        }
    }

    /// Makes the account that a link is for. What may be decided by the link is: who is an admin, and
    /// whose address an invitation is for.
    ///
    /// # Errors
    /// The database failed, or the system has no random source.
    pub async fn join(
        &self,
        token: TokenHash,
        new: &NewAccount,
        now_ms: UnixMs,
        on: Date,
    ) -> Result<Used> {
        let mut tx = self.db.write().await?;
        hold_accounts(&mut tx).await?;
        let (new, site) = match take(&mut tx, token, now_ms).await? {
            Some(Link::First) => {
                let somebody = tx.first(sql("SELECT id FROM account LIMIT 1")).await?;
                if somebody.is_some() {
                    return Ok(Used::Gone);
                }
                let is_admin = true;
                (
                    NewAccount {
                        is_admin,
                        ..new.clone()
                    },
                    None,
                )
            }
            Some(Link::Invitation {
                mail,
                is_admin,
                site,
            }) => (
                NewAccount {
                    mail,
                    is_admin,
                    ..new.clone()
                },
                site,
            ),
            Some(Link::Reset { .. }) | None => return Ok(Used::Gone),
        };
        let Some(id) = accounts::add(&mut tx, &new, on).await? else {
            return Ok(Used::MailTaken);
        };
        if let Some((site, role)) = site {
            roles::put(&mut tx, site, id, role).await?;
        }
        // There is a first account now.
        tx.execute(sql("DELETE FROM one_time_link WHERE kind = 'first'"))
            .await?;
        tx.commit().await?;
        Ok(Used::By(id))
    }

    /// Gives an account what an invitation is for. A role that is more than that stays.
    ///
    /// # Errors
    /// The database failed.
    pub async fn accept(&self, token: TokenHash, account: i64, now_ms: UnixMs) -> Result<Used> {
        let mut tx = self.db.write().await?;
        let Some(Link::Invitation { is_admin, site, .. }) = take(&mut tx, token, now_ms).await?
        else {
            return Ok(Used::Gone);
        };
        if is_admin {
            let statement = sql("UPDATE account SET is_admin = 1 WHERE id = $1");
            tx.execute(statement.bind(account)).await?;
        }
        if let Some((site, role)) = site {
            let has = roles::of(&mut tx, site, account).await?;
            if has.is_none_or(|has| has < role) {
                roles::put(&mut tx, site, account, role).await?;
            }
        }
        tx.commit().await?;
        Ok(Used::By(account))
    }

    /// Sets the password (bcrypt) of the account that a link is for, and ends all its log-ins.
    ///
    /// # Errors
    /// The database failed.
    pub async fn reset(&self, token: TokenHash, hash: &str, now_ms: UnixMs) -> Result<Used> {
        let mut tx = self.db.write().await?;
        let Some(Link::Reset { account }) = take(&mut tx, token, now_ms).await? else {
            return Ok(Used::Gone);
        };
        accounts::set_password(&mut tx, account, hash, None).await?;
        tx.commit().await?;
        Ok(Used::By(account))
    }

    /// The open invitations to a site, by address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn invitations(&self, site: SiteId, now_ms: UnixMs) -> Result<Vec<Invitation>> {
        let statement = sql("SELECT id, mail, role, expires_ms FROM one_time_link
             WHERE kind = 'invitation' AND site_id = $1 AND expires_ms > $2 ORDER BY mail");
        let rows = self.db.all(statement.bind(site).bind(now_ms)).await?;
        let read = |row: &Row| {
            Ok(Invitation {
                id: row.int(0)?,
                mail: row.text(1)?,
                role: Role::parse(&row.text(2)?).ok_or_else(unreadable)?,
                expires_ms: row.int(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Withdraws an invitation to a site; false when there is none of that number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn withdraw(&self, site: SiteId, id: i64) -> Result<bool> {
        let statement = sql("DELETE FROM one_time_link WHERE site_id = $1 AND id = $2");
        Ok(self.db.execute(statement.bind(site).bind(id)).await? == 1)
    }
}
