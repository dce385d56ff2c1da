//! Who may do what at a site.

use shared::visitor::SiteId;

use super::db::{Row, Tx, sql};
use super::{Store, mail, saved_segments, sites};
use crate::accounts::Role;
use crate::error::{Error, Result};
use crate::site::Site;

/// Somebody with a role at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The number of the account.
    pub account: i64,
    /// Its address.
    pub mail: String,
    /// Its name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

fn role(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| Error::Invalid("a stored role cannot be read".into()))
}

/// The role of an account at a site.
pub(super) async fn of(tx: &mut Tx, site: SiteId, account: i64) -> Result<Option<Role>> {
    let statement = sql("SELECT role FROM role WHERE site_id = $1 AND account_id = $2");
    let row = tx.first(statement.bind(site).bind(account)).await?;
    row.map(|row| role(&row.text(0)?)).transpose()
}

/// Gives an account a role at a site, in the place of the one it has.
pub(super) async fn put(tx: &mut Tx, site: SiteId, account: i64, role: Role) -> Result<()> {
    tx.execute(
        sql(
            "INSERT INTO role (site_id, account_id, role) VALUES ($1, $2, $3)
             ON CONFLICT (site_id, account_id) DO UPDATE SET role = excluded.role",
        )
        .bind(site)
        .bind(account)
        .bind(role.as_str()),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The role of an account at a site, if it has one there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn role(&self, site: SiteId, account: i64) -> Result<Option<Role>> {
        let statement = sql("SELECT role FROM role WHERE site_id = $1 AND account_id = $2");
        let row = self.db.first(statement.bind(site).bind(account)).await?;
        row.map(|row| role(&row.text(0)?)).transpose()
    }

    /// Gives an account a role at a site, or takes it; false when there is nothing to take.
    ///
    /// # Errors
    /// The database failed, or there is no such site or account.
    pub async fn set_role(&self, site: SiteId, account: i64, role: Option<Role>) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let changed = match role {
            Some(role) => {
                put(&mut tx, site, account, role).await?;
                true
            }
            None => {
                let statement = sql("DELETE FROM role WHERE site_id = $1 AND account_id = $2");
                let removed = tx.execute(statement.bind(site).bind(account)).await?;
                mail::forget_wishes(&mut tx, site, account).await?;
                saved_segments::forget_own(&mut tx, site, account).await?;
                removed == 1
            }
        };
        tx.commit().await?;
        Ok(changed)
    }

    /// Who has a role at a site, by address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn people(&self, site: SiteId) -> Result<Vec<Person>> {
        let statement = sql(
            "SELECT a.id, a.mail, a.name, r.role FROM role AS r JOIN account AS a
             ON a.id = r.account_id WHERE r.site_id = $1 ORDER BY a.mail",
        );
        let rows = self.db.all(statement.bind(site)).await?;
        let read = |row: &Row| {
            Ok(Person {
                account: row.int(0)?,
                mail: row.text(1)?,
                name: row.text(2)?,
                role: role(&row.text(3)?)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The sites where an account has a role, by domain.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sites_of(&self, account: i64) -> Result<Vec<(Site, Role)>> {
        let statement = sql(
            "SELECT s.id, s.domain, s.timezone, r.role FROM role AS r JOIN site AS s
             ON s.id = r.site_id WHERE r.account_id = $1 ORDER BY s.domain",
        );
        let rows = self.db.all(statement.bind(account)).await?;
        let read = |row: &Row| Ok((sites::read(row)?, role(&row.text(3)?)?));
        rows.iter().map(read).collect()
    }
}
