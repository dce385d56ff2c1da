//! Browsers that are logged in, or half-way: the password was right, the code is still to come.

use jiff::civil::Date;
use shared::clock::UnixMs;

use super::Store;
use super::accounts::{self, Account};
use super::db::{Row, Tx, sql};
use crate::accounts::token::{PlainToken, TokenHash, random_id};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};

/// Log-ins of one account; beyond it the one that ends first goes.
const LOGINS_MAX: i64 = 50;

/// A log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Its number, drawn at random: names it where its owner ends it.
    pub id: i64,
    /// The code is still to come: nothing is open yet.
    pub awaits_code: bool,
    /// When it began, in UTC.
    pub created_on: Date,
    /// The last day it was used, in UTC.
    pub last_used_on: Date,
    /// When it ends by itself.
    pub expires_ms: UnixMs,
}

const COLUMNS: &str = "l.id, l.awaits_code, l.created_on, l.last_used_on, l.expires_ms";

fn read(row: &Row, at: usize) -> Result<Login> {
    let date = |column| {
        date_of(row.int(column)?)
            .ok_or_else(|| Error::Invalid("a stored log-in cannot be read".into()))
    };
    Ok(Login {
        id: row.int(at)?,
        awaits_code: row.int(at + 1)? != 0,
        created_on: date(at + 2)?,
        last_used_on: date(at + 3)?,
        expires_ms: row.int(at + 4)?,
    })
}

/// Ends every log-in of an account but one.
pub(super) async fn end_all_but(tx: &mut Tx, account: i64, but: Option<i64>) -> Result<()> {
    let statement = sql("DELETE FROM login WHERE account_id = $1 AND id <> $2");
    // Numbers are not negative.
    tx.execute(statement.bind(account).bind(but.unwrap_or(-1)))
        .await?;
    Ok(())
}

impl Store {
    /// Begins a log-in with a token of its own, in the place of the one the browser came with: what
    /// somebody may have planted there opens nothing.
    ///
    /// # Errors
    /// The database failed, or the system has no random source.
    pub async fn begin_login(
        &self,
        account: i64,
        awaits_code: bool,
        on: Date,
        expires_ms: UnixMs,
        replaces: Option<TokenHash>,
    ) -> Result<PlainToken> {
        let (token, id) = (PlainToken::new()?, random_id()?);
        let mut tx = self.db.write().await?;
        if let Some(old) = replaces {
            tx.execute(sql("DELETE FROM login WHERE sha256 = $1").bind(old.as_bytes()))
                .await?;
        }
        tx.execute(
            sql("DELETE FROM login WHERE account_id = $1 AND id NOT IN
                     (SELECT id FROM login WHERE account_id = $1
                      ORDER BY expires_ms DESC, id LIMIT $2)")
            .bind(account)
            .bind(LOGINS_MAX - 1),
        )
        .await?;
        tx.execute(
            sql(
                "INSERT INTO login (id, sha256, account_id, awaits_code, created_on,
                     last_used_on, expires_ms) VALUES ($1, $2, $3, $4, $5, $5, $6)",
            )
            .bind(id)
            .bind(token.hash().as_bytes())
            .bind(account)
            .bind(awaits_code)
            .bind(day_number(on))
            .bind(expires_ms),
        )
        .await?;
        tx.commit().await?;
        Ok(token)
    }

    /// The log-in of a token with its account, unless it has ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn login(
        &self,
        token: TokenHash,
        now_ms: UnixMs,
    ) -> Result<Option<(Login, Account)>> {
        let text = format!(
            "SELECT {}, {COLUMNS} FROM login AS l JOIN account AS a ON a.id = l.account_id
             WHERE l.sha256 = $1 AND l.expires_ms > $2",
            accounts::COLUMNS
        );
        let statement = sql(text).bind(token.as_bytes()).bind(now_ms);
        let row = self.db.first(statement).await?;
        row.map(|row| Ok((read(&row, 8)?, accounts::read(&row)?)))
            .transpose()
    }

    /// The log-ins of an account that are whole and have not ended, latest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn logins(&self, account: i64, now_ms: UnixMs) -> Result<Vec<Login>> {
        let text = format!(
            "SELECT {COLUMNS} FROM login AS l
             WHERE l.account_id = $1 AND l.expires_ms > $2 AND l.awaits_code = 0
             ORDER BY l.last_used_on DESC, l.expires_ms DESC, l.id"
        );
        let rows = self.db.all(sql(text).bind(account).bind(now_ms)).await?;
        rows.iter().map(|row| read(row, 0)).collect()
    }

    /// Notes the day a log-in was used on; writes nothing when that is known.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_login_used(&self, id: i64, on: Date) -> Result<()> {
        let statement =
            sql("UPDATE login SET last_used_on = $2 WHERE id = $1 AND last_used_on < $2");
        self.db
            .execute(statement.bind(id).bind(day_number(on)))
            .await?;
        Ok(())
    }

    /// Ends a log-in of an account; false when the account has none of that number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_login(&self, account: i64, id: i64) -> Result<bool> {
        let statement = sql("DELETE FROM login WHERE account_id = $1 AND id = $2");
        Ok(self.db.execute(statement.bind(account).bind(id)).await? == 1)
    }

    /// Deletes log-ins and one-time links that have ended by themselves.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_ended_logins(&self, now_ms: UnixMs) -> Result<()> {
        let mut tx = self.db.write().await?;
        for table in ["login", "one_time_link"] {
            let text = format!("DELETE FROM {table} WHERE expires_ms <= $1");
            tx.execute(sql(text).bind(now_ms)).await?;
        }
        tx.commit().await
    }
}
