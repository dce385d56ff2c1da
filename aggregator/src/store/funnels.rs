//! Funnels of sites. A funnel's number is given once within its site, like a goal's.

use shared::settings::Funnel;
use shared::visitor::SiteId;

use super::db::{Tx, sql};
use super::{Store, goals, settings, sites};
use crate::error::{Error, Result};

/// A funnel and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFunnel {
    /// The funnel.
    pub funnel: Funnel,
    /// Unique within the site.
    pub name: String,
}

/// The funnels of one site, or of all, by number.
pub(super) async fn load(tx: &mut Tx, site: Option<SiteId>) -> Result<Vec<(SiteId, NamedFunnel)>> {
    let rows = tx
        .all(
            sql("SELECT site_id, id, name, steps FROM funnel
                 WHERE CAST($1 AS BIGINT) IS NULL OR site_id = CAST($1 AS BIGINT)
                 ORDER BY site_id, id")
            .bind(site),
        )
        .await?;
    let read = |row: &super::db::Row| {
        let (site, id): (SiteId, u32) = (row.number(0)?, row.number(1)?);
        let (name, steps) = (row.text(2)?, row.text(3)?);
        let steps = serde_json::from_str(&steps)
            .map_err(|_| Error::Invalid(format!("the stored funnel {id} of site {site}")))?;
        let funnel = Funnel { id, steps };
        Ok((site, NamedFunnel { funnel, name }))
    };
    rows.iter().map(read).collect()
}

/// Adds a funnel, in the caller's transaction.
async fn add(tx: &mut Tx, site: SiteId, name: &str, steps: Vec<u32>) -> Result<NamedFunnel> {
    let name = goals::check_name(name)?.to_owned();
    let row = tx
        .first(
            sql("UPDATE site SET last_funnel = last_funnel + 1 WHERE id = $1
                 RETURNING last_funnel")
            .bind(site),
        )
        .await?
        .ok_or_else(settings::gone)?;
    let funnel = Funnel {
        id: row.number(0)?,
        steps,
    };
    let mut new = settings::of(tx, site).await?;
    new.funnels.push(funnel.clone());
    settings::check(&new)?;
    let added = tx
        .execute(
            sql("INSERT INTO funnel (site_id, id, name, steps)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (site_id, name) DO NOTHING")
            .bind(site)
            .bind(funnel.id)
            .bind(name.as_str())
            .bind(serde_json::json!(funnel.steps).to_string()),
        )
        .await?;
    if added == 0 {
        return Err(Error::Invalid(format!(
            "name: there is a funnel {name:?} already"
        )));
    }
    Ok(NamedFunnel { funnel, name })
}

impl Store {
    /// The funnels of a site, by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn funnels(&self, site: SiteId) -> Result<Vec<NamedFunnel>> {
        let mut tx = self.db.read().await?;
        let funnels = load(&mut tx, Some(site)).await?;
        Ok(funnels.into_iter().map(|(_, funnel)| funnel).collect())
    }

    /// Adds a funnel over goals of the site; it counts from now on.
    ///
    /// # Errors
    /// It is not allowed, its name is there already, the site does not exist, or the database
    /// failed.
    pub async fn add_funnel(
        &self,
        site: SiteId,
        name: &str,
        steps: Vec<u32>,
    ) -> Result<NamedFunnel> {
        let mut tx = self.db.write().await?;
        let added = add(&mut tx, site, name, steps).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// The funnel of this name and these steps as it is, or else adds it as [`Store::add_funnel`]
    /// does.
    ///
    /// # Errors
    /// As there.
    pub async fn find_or_add_funnel(
        &self,
        site: SiteId,
        name: &str,
        steps: Vec<u32>,
    ) -> Result<NamedFunnel> {
        let mut tx = self.db.write().await?;
        // Whoever asks for the same at the same time waits, and finds it.
        sites::hold(&mut tx, site)
            .await?
            .ok_or_else(settings::gone)?;
        let known = load(&mut tx, Some(site)).await?.into_iter();
        let mut known = known.map(|(_, named)| named);
        let is_it = |named: &NamedFunnel| named.name == name.trim() && named.funnel.steps == steps;
        if let Some(found) = known.find(is_it) {
            return Ok(found);
        }
        let added = add(&mut tx, site, name, steps).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Removes a funnel; what it has counted stays.
    ///
    /// # Errors
    /// There is no such funnel, or the database failed.
    pub async fn remove_funnel(&self, site: SiteId, id: u32) -> Result<()> {
        let removed = self
            .db
            .execute(
                sql("DELETE FROM funnel WHERE site_id = $1 AND id = $2")
                    .bind(site)
                    .bind(id),
            )
            .await?;
        if removed == 0 {
            return Err(Error::Invalid(format!("there is no funnel {id}")));
        }
        Ok(())
    }
}
