//! Funnels of sites. A funnel's number is given once within its site, like a goal's.

use shared::settings::Funnel;
use shared::visitor::SiteId;
use sqlx::SqliteConnection;

use super::{Store, goals, settings};
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
pub(super) async fn load(
    connection: &mut SqliteConnection,
    site: Option<SiteId>,
) -> Result<Vec<(SiteId, NamedFunnel)>> {
    let rows: Vec<(SiteId, u32, String, String)> = sqlx::query_as(
        "SELECT site_id, id, name, steps FROM funnel
         WHERE ?1 IS NULL OR site_id = ?1 ORDER BY site_id, id",
    )
    .bind(site)
    .fetch_all(connection)
    .await?;
    let read = |(site, id, name, steps): (SiteId, u32, String, String)| {
        let steps = serde_json::from_str(&steps)
            .map_err(|_| Error::Invalid(format!("the stored funnel {id} of site {site}")))?;
        let funnel = Funnel { id, steps };
        Ok((site, NamedFunnel { funnel, name }))
    };
    rows.into_iter().map(read).collect()
}

impl Store {
    /// The funnels of a site, by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn funnels(&self, site: SiteId) -> Result<Vec<NamedFunnel>> {
        let mut tx = self.readers.begin().await?;
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
        let name = goals::check_name(name)?.to_owned();
        let mut tx = self.write().await?;
        let id: Option<u32> = sqlx::query_scalar(
            "UPDATE site SET last_funnel = last_funnel + 1 WHERE id = ? RETURNING last_funnel",
        )
        .bind(site)
        .fetch_optional(&mut *tx)
        .await?;
        let funnel = Funnel {
            id: id.ok_or_else(settings::gone)?,
            steps,
        };
        let mut new = settings::of(&mut tx, site).await?;
        new.funnels.push(funnel.clone());
        settings::check(&new)?;
        let added = sqlx::query(
            "INSERT INTO funnel (site_id, id, name, steps)
             VALUES (?, ?, ?, ?) ON CONFLICT (site_id, name) DO NOTHING",
        )
        .bind(site)
        .bind(funnel.id)
        .bind(&name)
        .bind(serde_json::json!(funnel.steps).to_string())
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(Error::Invalid(format!(
                "name: there is a funnel {name:?} already"
            )));
        }
        tx.commit().await?;
        Ok(NamedFunnel { funnel, name })
    }

    /// Removes a funnel; what it has counted stays.
    ///
    /// # Errors
    /// There is no such funnel, or the database failed.
    pub async fn remove_funnel(&self, site: SiteId, id: u32) -> Result<()> {
        let removed = sqlx::query("DELETE FROM funnel WHERE site_id = ? AND id = ?")
            .bind(site)
            .bind(id)
            .execute(&self.writer)
            .await?;
        if removed.rows_affected() == 0 {
            return Err(Error::Invalid(format!("there is no funnel {id}")));
        }
        Ok(())
    }
}
