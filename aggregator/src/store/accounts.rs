//! Accounts in the store: who they are, and how they show it.
//!
//! What always holds: there is an admin as soon as there is an account, whatever is changed by
//! whomever at the same time.

use std::fmt;

use jiff::civil::Date;

use super::db::{Engine, Row, Tx, sql};
use super::{Store, logins};
use crate::accounts::token::random_id;
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};

/// Somebody who may log in.
#[derive(Clone)]
pub struct Account {
    /// Its number, drawn at random.
    pub id: i64,
    /// Lower case.
    pub mail: String,
    /// What the person calls themselves.
    pub name: String,
    /// Opens every site.
    pub is_admin: bool,
    /// bcrypt.
    pub password: String,
    /// Empty: no second step.
    pub totp_secret: Vec<u8>,
    /// A secret that was shown but not confirmed; or empty.
    pub totp_pending: Vec<u8>,
    /// When it was made.
    pub created_on: Date,
}

impl Account {
    /// Whether the log-in has a second step.
    pub fn has_totp(&self) -> bool {
        !self.totp_secret.is_empty()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// As [`crate::accounts::names::mail`] gives it.
    pub mail: String,
    /// As [`crate::accounts::names::name`] gives it.
    pub name: String,
    /// Opens every site.
    pub is_admin: bool,
    /// bcrypt.
    pub password: String,
}

/// What became of a change that the last admin must not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It was made.
    Done,
    /// There is no such account.
    Unknown,
    /// Nobody would be left who may do everything.
    LastAdmin,
}

pub(super) const COLUMNS: &str = "a.id, a.mail, a.name, a.is_admin, a.password, a.totp_secret, \
     a.totp_pending, a.created_on";

/// Reads [`COLUMNS`].
pub(super) fn read(row: &Row) -> Result<Account> {
    Ok(Account {
        id: row.int(0)?,
        mail: row.text(1)?,
        name: row.text(2)?,
        is_admin: row.int(3)? != 0,
        password: row.text(4)?,
        totp_secret: row.bytes(5)?.to_vec(),
        totp_pending: row.bytes(6)?.to_vec(),
        created_on: date_of(row.int(7)?)
            .ok_or_else(|| Error::Invalid("a stored account cannot be read".into()))?,
    })
}

/// Makes an account; `None` when the address is taken.
pub(super) async fn add(tx: &mut Tx, new: &NewAccount, on: Date) -> Result<Option<i64>> {
    let id = random_id()?;
    let added = tx
        .execute(
            sql(
                "INSERT INTO account (id, mail, name, is_admin, password, created_on)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (mail) DO NOTHING",
            )
            .bind(id)
            .bind(new.mail.as_str())
            .bind(new.name.as_str())
            .bind(new.is_admin)
            .bind(new.password.as_str())
            .bind(day_number(on)),
        )
        .await?;
    Ok((added == 1).then_some(id))
}

/// Sets a password; ends every log-in but one, and every link for a new password.
pub(super) async fn set_password(
    tx: &mut Tx,
    id: i64,
    hash: &str,
    but: Option<i64>,
) -> Result<bool> {
    let set = tx
        .execute(
            sql("UPDATE account SET password = $2 WHERE id = $1")
                .bind(id)
                .bind(hash),
        )
        .await?;
    logins::end_all_but(tx, id, but).await?;
    tx.execute(sql("DELETE FROM one_time_link WHERE account_id = $1").bind(id))
        .await?;
    Ok(set == 1)
}

/// The admins, held until the caller's transaction ends.
async fn hold_admins(tx: &mut Tx) -> Result<Vec<i64>> {
    let text = match tx.engine() {
        // The transaction holds the whole database.
        Engine::Sqlite => "SELECT id FROM account WHERE is_admin = 1 ORDER BY id",
        Engine::Postgres => "SELECT id FROM account WHERE is_admin = 1 ORDER BY id FOR UPDATE",
    };
    let rows = tx.all(sql(text)).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

impl Store {
    /// Whether there is any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_accounts(&self) -> Result<bool> {
        let row = self.db.first(sql("SELECT id FROM account LIMIT 1")).await?;
        Ok(row.is_some())
    }

    /// All accounts, by address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let text = format!("SELECT {COLUMNS} FROM account AS a ORDER BY a.mail");
        let rows = self.db.all(sql(text)).await?;
        rows.iter().map(read).collect()
    }

    /// The account of an address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account_of(&self, mail: &str) -> Result<Option<Account>> {
        let text = format!("SELECT {COLUMNS} FROM account AS a WHERE a.mail = $1");
        let row = self.db.first(sql(text).bind(mail)).await?;
        row.as_ref().map(read).transpose()
    }

    /// The account of a number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account(&self, id: i64) -> Result<Option<Account>> {
        let text = format!("SELECT {COLUMNS} FROM account AS a WHERE a.id = $1");
        let row = self.db.first(sql(text).bind(id)).await?;
        row.as_ref().map(read).transpose()
    }

    /// Makes an account; `None` when its address is taken. The first is an admin, whatever is said.
    ///
    /// # Errors
    /// The database failed, or the system has no random source.
    pub async fn add_account(&self, new: &NewAccount, on: Date) -> Result<Option<i64>> {
        let mut tx = self.db.write().await?;
        let is_first = hold_admins(&mut tx).await?.is_empty();
        let new = NewAccount {
            is_admin: new.is_admin || is_first,
            ..new.clone()
        };
        let id = add(&mut tx, &new, on).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Gives a person another name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn rename_account(&self, id: i64, name: &str) -> Result<()> {
        let statement = sql("UPDATE account SET name = $2 WHERE id = $1");
        self.db.execute(statement.bind(id).bind(name)).await?;
        Ok(())
    }

    /// Sets a password (bcrypt). Ends every log-in but that of the number given, and every link for
    /// a new password. False when there is no such account.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_password(&self, id: i64, hash: &str, but: Option<i64>) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let set = set_password(&mut tx, id, hash, but).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Keeps a TOTP secret until a code confirms it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offer_totp(&self, id: i64, secret: &[u8]) -> Result<()> {
        let statement = sql("UPDATE account SET totp_pending = $2 WHERE id = $1");
        self.db.execute(statement.bind(id).bind(secret)).await?;
        Ok(())
    }

    /// Makes the pending secret the account's, with the step of the code that confirmed it and new
    /// recovery codes (their hashes); ends every other log-in. False when that secret is pending no
    /// more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_totp(
        &self,
        id: i64,
        secret: &[u8],
        step: i64,
        recovery: &[Vec<u8>],
        but: i64,
    ) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let text = match tx.engine() {
            Engine::Sqlite => {
                "UPDATE account SET totp_secret = totp_pending, totp_pending = x'',
                     totp_last_step = $3 WHERE id = $1 AND totp_pending = $2"
            }
            Engine::Postgres => {
                "UPDATE account SET totp_secret = totp_pending, totp_pending = '',
                     totp_last_step = $3 WHERE id = $1 AND totp_pending = $2"
            }
        };
        let statement = sql(text).bind(id).bind(secret).bind(step);
        if tx.execute(statement).await? != 1 {
            return Ok(false);
        }
        put_recovery(&mut tx, id, recovery).await?;
        logins::end_all_but(&mut tx, id, Some(but)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the second step from an account, with its recovery codes.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_totp(&self, id: i64) -> Result<()> {
        let mut tx = self.db.write().await?;
        let statement = sql(
            "UPDATE account SET totp_secret = $2, totp_pending = $2, totp_last_step = 0 WHERE id = $1",
        );
        tx.execute(statement.bind(id).bind(Vec::new())).await?;
        put_recovery(&mut tx, id, &[]).await?;
        tx.commit().await
    }

    /// Uses up a step of an account's codes; false when it, or a later one, was used before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_step(&self, id: i64, step: i64) -> Result<bool> {
        let statement =
            sql("UPDATE account SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2");
        Ok(self.db.execute(statement.bind(id).bind(step)).await? == 1)
    }

    /// Uses up a recovery code; false when there is none of this hash.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_recovery_code(&self, id: i64, hash: Vec<u8>) -> Result<bool> {
        let statement = sql("DELETE FROM recovery_code WHERE account_id = $1 AND sha256 = $2");
        Ok(self.db.execute(statement.bind(id).bind(hash)).await? == 1)
    }

    /// Gives an account other recovery codes (their hashes).
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_recovery_codes(&self, id: i64, hashes: &[Vec<u8>]) -> Result<()> {
        let mut tx = self.db.write().await?;
        put_recovery(&mut tx, id, hashes).await?;
        tx.commit().await
    }

    /// How many recovery codes an account has left.
    ///
    /// # Errors
    /// The database failed.
    pub async fn recovery_codes_left(&self, id: i64) -> Result<u64> {
        let statement = sql("SELECT count(*) FROM recovery_code WHERE account_id = $1");
        let row = self.db.first(statement.bind(id)).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    /// Makes somebody an admin, or one no more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_admin(&self, id: i64, is_admin: bool) -> Result<Changed> {
        let mut tx = self.db.write().await?;
        if !is_admin && hold_admins(&mut tx).await? == [id] {
            return Ok(Changed::LastAdmin);
        }
        let statement = sql("UPDATE account SET is_admin = $2 WHERE id = $1");
        let set = tx.execute(statement.bind(id).bind(is_admin)).await?;
        tx.commit().await?;
        Ok(if set == 1 {
            Changed::Done
        } else {
            Changed::Unknown
        })
    }

    /// Removes an account with its log-ins, links, codes and roles. Deleted rows are overwritten, and
    /// the write-ahead log is emptied (I12). Sites stay.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove_account(&self, id: i64) -> Result<Changed> {
        let mut tx = self.db.write().await?;
        if hold_admins(&mut tx).await? == [id] {
            return Ok(Changed::LastAdmin);
        }
        let removed = tx
            .first(sql("DELETE FROM account WHERE id = $1 RETURNING mail").bind(id))
            .await?;
        let Some(removed) = removed else {
            return Ok(Changed::Unknown);
        };
        // Invitations name the address, too.
        tx.execute(sql("DELETE FROM one_time_link WHERE mail = $1").bind(removed.text(0)?))
            .await?;
        tx.commit().await?;
        self.shrink().await?;
        Ok(Changed::Done)
    }
}

async fn put_recovery(tx: &mut Tx, id: i64, hashes: &[Vec<u8>]) -> Result<()> {
    tx.execute(sql("DELETE FROM recovery_code WHERE account_id = $1").bind(id))
        .await?;
    for hash in hashes {
        let statement = sql("INSERT INTO recovery_code (account_id, sha256) VALUES ($1, $2)");
        tx.execute(statement.bind(id).bind(hash.as_slice())).await?;
    }
    Ok(())
}
