//! Numbers of sites that were removed (I12).
//!
//! An edge is told to drop what it holds of a site for one reason only: a row here. Where there is
//! none, the site's number is unknown for another reason, as on an empty database, and the edge keeps
//! what it has. A row is the number and the date of the removal; it stays for good, for nobody can
//! tell when the last edge has heard of it, and is in every backup.

use jiff::civil::Date;
use shared::visitor::SiteId;

use super::Store;
use super::db::{Tx, sql};
use super::dump::{last_number, set_last_number};
use crate::clock::{date_of, day_number};
use crate::error::Result;

/// Whether a site of this number was removed.
pub(super) async fn is_erased(tx: &mut Tx, id: SiteId) -> Result<bool> {
    let row = tx
        .first(sql("SELECT id FROM erased WHERE id = $1").bind(id))
        .await?;
    Ok(row.is_some())
}

/// Notes that the site of this number is removed.
pub(super) async fn note(tx: &mut Tx, id: i64, on: i64) -> Result<()> {
    tx.execute(
        sql("INSERT INTO erased (id, erased_on) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
            .bind(id)
            .bind(on),
    )
    .await?;
    Ok(())
}

/// Every number with its date, as days.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<(i64, i64)>> {
    let rows = tx
        .all(sql("SELECT id, erased_on FROM erased ORDER BY id"))
        .await?;
    rows.iter()
        .map(|row| Ok((row.int(0)?, row.int(1)?)))
        .collect()
}

/// A site that was removed here and came back with a backup of before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameBack {
    /// Its domain.
    pub domain: String,
    /// When it was removed.
    pub erased_on: Date,
}

/// After a restore: what was known here of removed sites stays known, but of those that the backup
/// brought back. Those are given.
pub(super) async fn keep(tx: &mut Tx, before: Vec<(i64, i64)>) -> Result<Vec<CameBack>> {
    let mut came_back = Vec::new();
    for (id, on) in before {
        let site = tx
            .first(sql("SELECT domain FROM site WHERE id = $1").bind(id))
            .await?;
        match site {
            Some(site) => came_back.push(CameBack {
                domain: site.text(0)?,
                erased_on: date_of(on).unwrap_or_default(),
            }),
            None => note(tx, id, on).await?,
        }
    }
    Ok(came_back)
}

impl Store {
    /// Lets edges drop what they hold of a number that this database does not know; false when it
    /// has a site of it. No site will get the number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_site(&self, id: SiteId, on: Date) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let known = tx
            .first(sql("SELECT id FROM site WHERE id = $1").bind(id))
            .await?;
        if known.is_some() {
            return Ok(false);
        }
        note(&mut tx, id.into(), day_number(on)).await?;
        if last_number(&mut tx).await? < id.into() {
            set_last_number(&mut tx, id.into()).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
