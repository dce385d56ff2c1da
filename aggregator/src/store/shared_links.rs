//! Views of a site that need no account: for everybody, and by a link with a token.
//!
//! Of a token, and of a password, only a hash is stored. A link that was revoked is gone, and so is
//! what its password has opened.

use jiff::civil::Date;
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::db::{Row, sql};
use super::{Store, goals, settings, sites};
use crate::accounts::token::{PlainToken, TokenHash, random_id};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};
use crate::query::threshold::{K_MAX, K_MIN};
use crate::site::Site;

/// Links of a site.
pub const SHARED_LINKS_MAX: u64 = 100;
/// Browsers for which one link's password is remembered; beyond it the one that ends first is
/// forgotten.
const LOGINS_MAX: i64 = 1_000;

/// A link to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSharedLink<'a> {
    /// What a person calls it, unique within the site.
    pub name: &'a str,
    /// bcrypt of the password, if one is asked for.
    pub password: Option<&'a str>,
    /// Nothing is told of fewer visitors than this.
    pub k: u32,
    /// The last day it works, in UTC; `None`: until it is revoked.
    pub works_until: Option<Date>,
}

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLink {
    /// Its number, drawn at random.
    pub id: i64,
    /// What a person calls it.
    pub name: String,
    /// bcrypt of the password; empty where none is asked for.
    pub password: String,
    /// Nothing is told of fewer visitors than this.
    pub k: u32,
    /// When it was made, in UTC.
    pub created_on: Date,
    /// The last day it works, in UTC.
    pub works_until: Option<Date>,
    /// The last day it was used, in UTC.
    pub last_used_on: Option<Date>,
}

impl SharedLink {
    /// Whether a password is asked for.
    pub fn has_password(&self) -> bool {
        !self.password.is_empty()
    }
}

const COLUMNS: &str = "l.id, l.name, l.password, l.k, l.created_on, l.works_until, l.last_used_on";

fn read(row: &Row, at: usize) -> Result<SharedLink> {
    let unreadable = || Error::Invalid("a stored link cannot be read".into());
    let date = |day: i64| date_of(day).ok_or_else(unreadable);
    let date_or_none = |column| row.int_or_null(column)?.map(date).transpose();
    Ok(SharedLink {
        id: row.int(at)?,
        name: row.text(at + 1)?,
        password: row.text(at + 2)?,
        k: row.number(at + 3)?,
        created_on: date(row.int(at + 4)?)?,
        works_until: date_or_none(at + 5)?,
        last_used_on: date_or_none(at + 6)?,
    })
}

fn check_k(k: u32) -> Result<()> {
    match (K_MIN..=K_MAX).contains(&k) {
        true => Ok(()),
        false => Err(Error::Invalid(format!("k: it is {K_MIN} to {K_MAX}"))),
    }
}

impl Store {
    /// Makes a link and gives its token, the only time it can be seen.
    ///
    /// # Errors
    /// Something about it is not allowed ([`Error::Invalid`] begins with the field), the site does
    /// not exist, the database failed, or the system has no random source.
    pub async fn add_shared_link(
        &self,
        site: SiteId,
        new: &NewSharedLink<'_>,
        on: Date,
    ) -> Result<PlainToken> {
        let name = goals::check_name(new.name)?;
        check_k(new.k)?;
        if new.works_until.is_some_and(|last| last < on) {
            return Err(Error::Invalid("until: the day is over already".into()));
        }
        let (token, id) = (PlainToken::new()?, random_id()?);
        let mut tx = self.db.write().await?;
        sites::hold(&mut tx, site)
            .await?
            .ok_or_else(settings::gone)?;
        let count = sql("SELECT count(*) FROM shared_link WHERE site_id = $1").bind(site);
        let count = tx.first(count).await?;
        if count.map_or(Ok(0), |row| row.count(0))? >= SHARED_LINKS_MAX {
            return Err(Error::Invalid(format!(
                "name: the site has {SHARED_LINKS_MAX} links already; revoke some first"
            )));
        }
        let added = tx
            .execute(
                sql(
                    "INSERT INTO shared_link (id, sha256, site_id, name, password, k, created_on,
                         works_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT (site_id, name) DO NOTHING",
                )
                .bind(id)
                .bind(token.hash().as_bytes())
                .bind(site)
                .bind(name)
                .bind(new.password.unwrap_or_default())
                .bind(new.k)
                .bind(day_number(on))
                .bind(new.works_until.map(day_number)),
            )
            .await?;
        if added == 0 {
            return Err(Error::Invalid(format!(
                "name: there is a link {name:?} already"
            )));
        }
        tx.commit().await?;
        Ok(token)
    }

    /// The links of a site, by name, also those that work no more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn shared_links(&self, site: SiteId) -> Result<Vec<SharedLink>> {
        let text =
            format!("SELECT {COLUMNS} FROM shared_link AS l WHERE site_id = $1 ORDER BY name");
        let rows = self.db.all(sql(text).bind(site)).await?;
        rows.iter().map(|row| read(row, 0)).collect()
    }

    /// The link of a token with its site, while it works.
    ///
    /// # Errors
    /// The database failed.
    pub async fn shared_link(
        &self,
        token: TokenHash,
        on: Date,
    ) -> Result<Option<(Site, SharedLink)>> {
        let text = format!(
            "SELECT s.id, s.domain, s.timezone, {COLUMNS} FROM shared_link AS l
             JOIN site AS s ON s.id = l.site_id
             WHERE l.sha256 = $1 AND (l.works_until IS NULL OR l.works_until >= $2)"
        );
        let statement = sql(text).bind(token.as_bytes()).bind(day_number(on));
        let row = self.db.first(statement).await?;
        row.map(|row| Ok((sites::read(&row)?, read(&row, 3)?)))
            .transpose()
    }

    /// Notes that a link was used on a day; writes nothing when that is known.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_shared_link_used(&self, id: i64, on: Date) -> Result<()> {
        let statement = sql("UPDATE shared_link SET last_used_on = $2
             WHERE id = $1 AND coalesce(last_used_on, $2 - 1) < $2");
        self.db
            .execute(statement.bind(id).bind(day_number(on)))
            .await?;
        Ok(())
    }

    /// Revokes a link of a site; false when it has none of that number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke_shared_link(&self, site: SiteId, id: i64) -> Result<bool> {
        let statement = sql("DELETE FROM shared_link WHERE site_id = $1 AND id = $2");
        Ok(self.db.execute(statement.bind(site).bind(id)).await? == 1)
    }

    /// Remembers that a browser has given a link's password. Forgets those that have ended.
    ///
    /// # Errors
    /// The link is gone, the database failed, or the system has no random source.
    pub async fn begin_shared_login(
        &self,
        link: i64,
        now_ms: UnixMs,
        expires_ms: UnixMs,
    ) -> Result<PlainToken> {
        let token = PlainToken::new()?;
        let mut tx = self.db.write().await?;
        tx.execute(sql("DELETE FROM shared_login WHERE expires_ms <= $1").bind(now_ms))
            .await?;
        tx.execute(
            sql(
                "DELETE FROM shared_login WHERE link_id = $1 AND sha256 NOT IN
                     (SELECT sha256 FROM shared_login WHERE link_id = $1
                      ORDER BY expires_ms DESC, sha256 LIMIT $2)",
            )
            .bind(link)
            .bind(LOGINS_MAX - 1),
        )
        .await?;
        let statement =
            sql("INSERT INTO shared_login (sha256, link_id, expires_ms) VALUES ($1, $2, $3)");
        tx.execute(
            statement
                .bind(token.hash().as_bytes())
                .bind(link)
                .bind(expires_ms),
        )
        .await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Whether a token shows that a browser has given this very link's password.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_shared_login(
        &self,
        link: i64,
        token: TokenHash,
        now_ms: UnixMs,
    ) -> Result<bool> {
        let statement = sql("SELECT link_id FROM shared_login
             WHERE link_id = $1 AND sha256 = $2 AND expires_ms > $3");
        let statement = statement.bind(link).bind(token.as_bytes()).bind(now_ms);
        Ok(self.db.first(statement).await?.is_some())
    }

    /// The `k` of the view that everybody may open; `None` where nobody may.
    ///
    /// # Errors
    /// The database failed.
    pub async fn public_k(&self, site: SiteId) -> Result<Option<u32>> {
        let statement = sql("SELECT k FROM public_view WHERE site_id = $1");
        let row = self.db.first(statement.bind(site)).await?;
        row.map(|row| row.number(0)).transpose()
    }

    /// Lets everybody see a site's numbers, or nobody.
    ///
    /// # Errors
    /// `k` is not allowed, the site does not exist, or the database failed.
    pub async fn set_public(&self, site: SiteId, k: Option<u32>) -> Result<()> {
        let mut tx = self.db.write().await?;
        sites::hold(&mut tx, site)
            .await?
            .ok_or_else(settings::gone)?;
        match k {
            Some(k) => {
                check_k(k)?;
                let statement = sql("INSERT INTO public_view (site_id, k) VALUES ($1, $2)
                     ON CONFLICT (site_id) DO UPDATE SET k = excluded.k");
                tx.execute(statement.bind(site).bind(k)).await?;
            }
            None => {
                let statement = sql("DELETE FROM public_view WHERE site_id = $1");
                tx.execute(statement.bind(site)).await?;
            }
        }
        tx.commit().await
    }
}
