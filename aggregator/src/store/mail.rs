//! What people want to be told of a site by mail, and what was sent.
//!
//! A mail is *taken* before it is sent: one row for each account, site and kind, changed by one
//! statement, so that of several servers one has it. Whoever has taken a report sends it and says what
//! came of it. What was being sent when its server died is not sent again: twice is worse than never.

use std::collections::HashMap;

use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::Store;
use super::db::{Row, Tx, sql};
use super::sites;
use crate::accounts::token::PlainToken;
use crate::error::{Error, Result};
use crate::mail::Kind;
use crate::site::Site;

/// For how long a report is tried again.
const TRIED_MS: i64 = 24 * 3_600_000;
/// Whoever sends has said by then what came of it.
const SENDING_MS: i64 = 10 * 60_000;
/// At most one alert of a kind in so long.
pub const ALERT_EVERY_MS: i64 = 12 * 3_600_000;

/// What somebody wants to be told of a site. Of each kind: since when, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailWish {
    /// The weekly report.
    pub weekly_ms: Option<UnixMs>,
    /// The monthly report.
    pub monthly_ms: Option<UnixMs>,
    /// That there are many visitors at once.
    pub spike_ms: Option<UnixMs>,
    /// That there were few.
    pub drop_ms: Option<UnixMs>,
    /// From so many visitors at once.
    pub spike_visitors: u32,
    /// Fewer than so many visitors
    pub drop_visitors: u32,
    /// in so many hours.
    pub drop_hours: u32,
}

impl Default for MailWish {
    fn default() -> Self {
        Self {
            weekly_ms: None,
            monthly_ms: None,
            spike_ms: None,
            drop_ms: None,
            spike_visitors: 50,
            drop_visitors: 1,
            drop_hours: 12,
        }
    }
}

impl MailWish {
    /// Since when a kind is wanted, if it is.
    pub fn since_ms(&self, kind: Kind) -> Option<UnixMs> {
        match kind {
            Kind::Weekly => self.weekly_ms,
            Kind::Monthly => self.monthly_ms,
            Kind::Spike => self.spike_ms,
            Kind::Drop => self.drop_ms,
        }
    }
}

/// What somebody wants of a site, and where it goes. It has no `Debug`: the address is nobody else's.
#[derive(Clone)]
pub struct Recipient {
    /// The site.
    pub site: Site,
    /// The account.
    pub account: i64,
    /// Its address.
    pub mail: String,
    /// What it wants.
    pub wish: MailWish,
}

/// How it stands with the last mail of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastMail {
    /// A report: the first day it tells of ([`crate::clock::day_number`]); an alert: when it was, ms.
    pub period: i64,
    /// Before this nobody need try to take it; `None`: it is over.
    pub next_ms: Option<UnixMs>,
}

/// A mail that nobody tries to send any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Of which site.
    pub domain: String,
    /// What it was.
    pub kind: Kind,
    /// Its server died while it was being sent: it may have arrived.
    pub may_be_sent: bool,
}

/// Which mail: account, site and kind.
pub type MailOf = (SiteId, i64, Kind);

const WISH: &str = "weekly_ms, monthly_ms, spike_ms, drop_ms, spike_visitors, drop_visitors, \
     drop_hours";

fn read(row: &Row, at: usize) -> Result<MailWish> {
    Ok(MailWish {
        weekly_ms: row.int_or_null(at)?,
        monthly_ms: row.int_or_null(at + 1)?,
        spike_ms: row.int_or_null(at + 2)?,
        drop_ms: row.int_or_null(at + 3)?,
        spike_visitors: row.number(at + 4)?,
        drop_visitors: row.number(at + 5)?,
        drop_hours: row.number(at + 6)?,
    })
}

fn kind(name: &str) -> Result<Kind> {
    Kind::parse(name).ok_or_else(|| Error::Invalid("a stored mail cannot be read".into()))
}

/// Whoever has a role at a site no more wants no mail of it, but for admins, who see every site.
pub(super) async fn forget_wishes(tx: &mut Tx, site: SiteId, account: i64) -> Result<()> {
    let statement = sql(
        "DELETE FROM mail_wish WHERE site_id = $1 AND account_id = $2
             AND account_id NOT IN (SELECT id FROM account WHERE is_admin = 1)",
    );
    tx.execute(statement.bind(site).bind(account)).await?;
    Ok(())
}

impl Store {
    /// What an account wants to be told of a site; nothing, when it never said so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mail_wish(&self, site: SiteId, account: i64) -> Result<MailWish> {
        let text = format!("SELECT {WISH} FROM mail_wish WHERE site_id = $1 AND account_id = $2");
        let row = self.db.first(sql(text).bind(site).bind(account)).await?;
        row.map_or_else(|| Ok(MailWish::default()), |row| read(&row, 0))
    }

    /// Sets what an account wants to be told of a site. What was wanted before and still is keeps its
    /// beginning.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_mail_wish(&self, site: SiteId, account: i64, wish: &MailWish) -> Result<()> {
        let kept = |column| {
            format!(
                "{column} = CASE WHEN excluded.{column} IS NULL THEN NULL
                     ELSE coalesce(w.{column}, excluded.{column}) END"
            )
        };
        let kept = ["weekly_ms", "monthly_ms", "spike_ms", "drop_ms"].map(kept);
        let text = format!(
            "INSERT INTO mail_wish AS w (site_id, account_id, {WISH})
             VALUES ($1, $2, CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT),
                     CAST($6 AS BIGINT), $7, $8, $9)
             ON CONFLICT (site_id, account_id) DO UPDATE SET {},
                spike_visitors = excluded.spike_visitors,
                drop_visitors = excluded.drop_visitors, drop_hours = excluded.drop_hours",
            kept.join(", ")
        );
        let statement = sql(text)
            .bind(site)
            .bind(account)
            .bind(wish.weekly_ms)
            .bind(wish.monthly_ms)
            .bind(wish.spike_ms)
            .bind(wish.drop_ms)
            .bind(wish.spike_visitors)
            .bind(wish.drop_visitors)
            .bind(wish.drop_hours);
        self.db.execute(statement).await?;
        Ok(())
    }

    /// Switches a kind of mail off; whether it was on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stop_mail(&self, (site, account, kind): MailOf) -> Result<bool> {
        let column = format!("{}_ms", kind.as_str());
        let text = format!(
            "UPDATE mail_wish SET {column} = NULL
             WHERE site_id = $1 AND account_id = $2 AND {column} IS NOT NULL"
        );
        let statement = sql(text).bind(site).bind(account);
        Ok(self.db.execute(statement).await? == 1)
    }

    /// Everybody who wants a mail of a site and may see it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mail_recipients(&self) -> Result<Vec<Recipient>> {
        let text = format!(
            "SELECT s.id, s.domain, s.timezone, a.id, a.mail, {WISH}
             FROM mail_wish AS w JOIN site AS s ON s.id = w.site_id
             JOIN account AS a ON a.id = w.account_id
             WHERE coalesce(weekly_ms, monthly_ms, spike_ms, drop_ms) IS NOT NULL
                AND (a.is_admin = 1 OR EXISTS (SELECT 1 FROM role AS r
                     WHERE r.site_id = w.site_id AND r.account_id = w.account_id))
             ORDER BY s.id, a.id"
        );
        let rows = self.db.all(sql(text)).await?;
        let read = |row: &Row| {
            Ok(Recipient {
                site: sites::read(row)?,
                account: row.int(3)?,
                mail: row.text(4)?,
                wish: read(row, 5)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// How it stands with the last mails of each kind.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_mails(&self) -> Result<HashMap<MailOf, LastMail>> {
        let statement =
            sql("SELECT site_id, account_id, kind, period, state, next_ms FROM mail_sent");
        let rows = self.db.all(statement).await?;
        let read = |row: &Row| {
            let of = (row.number(0)?, row.int(1)?, kind(&row.text(2)?)?);
            let next_ms = match row.text(4)?.as_str() {
                "over" => None,
                _ => Some(row.int(5)?),
            };
            let period = row.int(3)?;
            Ok((of, LastMail { period, next_ms }))
        };
        rows.iter().map(read).collect()
    }

    /// Takes a report to be sent: for the first time, or because it could not be sent before and its
    /// time has come again. False when somebody else has it, or it is over.
    ///
    /// # Errors
    /// The database failed, or that account wants no mail of that site.
    pub async fn take_report(&self, of: MailOf, period: i64, now_ms: UnixMs) -> Result<bool> {
        let (site, account, kind) = of;
        let statement = sql(
            "INSERT INTO mail_sent AS m (site_id, account_id, kind, period, state, began_ms, next_ms)
             VALUES ($1, $2, $3, $4, 'sending', $5, $6)
             ON CONFLICT (site_id, account_id, kind) DO UPDATE SET period = excluded.period,
                state = 'sending', next_ms = excluded.next_ms,
                began_ms = CASE WHEN m.period = excluded.period THEN m.began_ms
                           ELSE excluded.began_ms END
             WHERE m.period < excluded.period
                OR (m.period = excluded.period AND m.state = 'waiting' AND m.next_ms <= $5)",
        );
        let statement = statement
            .bind(site)
            .bind(account)
            .bind(kind.as_str())
            .bind(period)
            .bind(now_ms)
            .bind(now_ms.saturating_add(SENDING_MS));
        Ok(self.db.execute(statement).await? == 1)
    }

    /// Says what came of a report that was taken: it is over, or to be tried again at `again_ms`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn report_is(
        &self,
        (site, account, kind): MailOf,
        period: i64,
        again_ms: Option<UnixMs>,
    ) -> Result<()> {
        let state = if again_ms.is_some() {
            "waiting"
        } else {
            "over"
        };
        let statement = sql(
            "UPDATE mail_sent SET state = $5, next_ms = $6 WHERE site_id = $1 AND account_id = $2
                AND kind = $3 AND period = $4 AND state = 'sending'",
        );
        let statement = statement
            .bind(site)
            .bind(account)
            .bind(kind.as_str())
            .bind(period)
            .bind(state)
            .bind(again_ms.unwrap_or(0));
        self.db.execute(statement).await?;
        Ok(())
    }

    /// Takes an alert to be sent; false when one of its kind was taken in the last
    /// [`ALERT_EVERY_MS`]. One from the future, as when a clock was put back, counts for nothing.
    ///
    /// # Errors
    /// The database failed, or that account wants no mail of that site.
    pub async fn take_alert(&self, (site, account, kind): MailOf, now_ms: UnixMs) -> Result<bool> {
        let statement = sql(
            "INSERT INTO mail_sent AS m (site_id, account_id, kind, period, state, began_ms, next_ms)
             VALUES ($1, $2, $3, $4, 'over', $4, 0)
             ON CONFLICT (site_id, account_id, kind) DO UPDATE SET
                period = excluded.period, began_ms = excluded.began_ms
             WHERE m.period <= $5 OR m.period > excluded.period",
        );
        let statement = statement
            .bind(site)
            .bind(account)
            .bind(kind.as_str())
            .bind(now_ms)
            .bind(now_ms.saturating_sub(ALERT_EVERY_MS));
        Ok(self.db.execute(statement).await? == 1)
    }

    /// Ends what was tried for a day, and what was being sent by a server that died. Each is told
    /// once, whichever server asks.
    ///
    /// # Errors
    /// The database failed.
    pub async fn give_up_mails(&self, now_ms: UnixMs) -> Result<Vec<GivenUp>> {
        let statement = sql(
            "SELECT m.site_id, m.account_id, m.kind, s.domain, m.state FROM mail_sent AS m
             JOIN site AS s ON s.id = m.site_id
             WHERE (m.state = 'sending' AND m.next_ms <= $1)
                OR (m.state = 'waiting' AND m.began_ms <= $2)",
        );
        let bound = |statement: super::db::Statement| {
            statement.bind(now_ms).bind(now_ms.saturating_sub(TRIED_MS))
        };
        let rows = self.db.all(bound(statement)).await?;
        let mut given_up = Vec::new();
        if rows.is_empty() {
            return Ok(given_up);
        }
        let mut tx = self.db.write().await?;
        for row in &rows {
            let statement = sql(
                "UPDATE mail_sent SET state = 'over' WHERE ((state = 'sending' AND next_ms <= $1)
                    OR (state = 'waiting' AND began_ms <= $2))
                    AND site_id = $3 AND account_id = $4 AND kind = $5",
            );
            let name = row.text(2)?;
            let statement = bound(statement)
                .bind(row.int(0)?)
                .bind(row.int(1)?)
                .bind(name.as_str());
            if tx.execute(statement).await? == 1 {
                given_up.push(GivenUp {
                    domain: row.text(3)?,
                    kind: kind(&name)?,
                    may_be_sent: row.text(4)? == "sending",
                });
            }
        }
        tx.commit().await?;
        Ok(given_up)
    }

    /// What links in mails are signed with; made when it is asked for first.
    ///
    /// # Errors
    /// The database failed, or the system has no random source.
    pub async fn mail_key(&self) -> Result<Vec<u8>> {
        let select = || sql("SELECT secret FROM mail_key");
        if let Some(row) = self.db.first(select()).await? {
            return Ok(row.bytes(0)?.to_vec());
        }
        let new = PlainToken::new()?;
        let mut tx = self.db.write().await?;
        let statement =
            sql("INSERT INTO mail_key (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING");
        tx.execute(statement.bind(new.as_str().as_bytes())).await?;
        tx.commit().await?;
        let row = self.db.first(select()).await?;
        let row = row.ok_or_else(|| Error::Invalid("the key of mails cannot be read".into()))?;
        Ok(row.bytes(0)?.to_vec())
    }
}
