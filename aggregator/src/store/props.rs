//! The properties of a site's events that are shown. All are counted, whatever is named here.

use shared::limits::{PROP_KEY_BYTES_MAX, PROPS_SHOWN_MAX};
use shared::visitor::SiteId;

use super::db::{Tx, sql};
use super::{Store, settings, sites};
use crate::error::{Error, Result};

/// Checks a property's name in the form in which the edge counts it.
fn check(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.len() > PROP_KEY_BYTES_MAX {
        return Err(Error::Invalid(format!(
            "property: a name has 1 to {PROP_KEY_BYTES_MAX} bytes"
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::Invalid("property: a control character".into()));
    }
    Ok(name)
}

fn read(site: SiteId, text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text)
        .map_err(|_| Error::Invalid(format!("the stored properties of site {site}")))
}

/// The names of a site that is held until the caller's transaction ends.
async fn held(tx: &mut Tx, site: SiteId) -> Result<Vec<String>> {
    sites::hold(tx, site).await?.ok_or_else(settings::gone)?;
    let row = tx
        .first(sql("SELECT props FROM site WHERE id = $1").bind(site))
        .await?
        .ok_or_else(settings::gone)?;
    read(site, &row.text(0)?)
}

async fn put(tx: &mut Tx, site: SiteId, names: &[String]) -> Result<()> {
    let text = serde_json::json!(names).to_string();
    tx.execute(
        sql("UPDATE site SET props = $2 WHERE id = $1")
            .bind(site)
            .bind(text),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The properties that are shown, by name. None means that none was chosen: all are shown.
    ///
    /// # Errors
    /// The site does not exist, or the database failed.
    pub async fn props(&self, site: SiteId) -> Result<Vec<String>> {
        let row = self
            .db
            .first(sql("SELECT props FROM site WHERE id = $1").bind(site))
            .await?
            .ok_or_else(settings::gone)?;
        read(site, &row.text(0)?)
    }

    /// Names a property to be shown; it is no error when it is already.
    ///
    /// # Errors
    /// It is no name, there are too many, the site does not exist, or the database failed.
    pub async fn show_prop(&self, site: SiteId, name: &str) -> Result<()> {
        let name = check(name)?;
        let mut tx = self.db.write().await?;
        let mut names = held(&mut tx, site).await?;
        let Err(place) = names.binary_search_by(|known| known.as_str().cmp(name)) else {
            return Ok(());
        };
        if names.len() >= PROPS_SHOWN_MAX {
            return Err(Error::Invalid(format!(
                "property: more than {PROPS_SHOWN_MAX}"
            )));
        }
        names.insert(place, name.to_owned());
        put(&mut tx, site, &names).await?;
        tx.commit().await
    }

    /// Names a property no longer; false when it was not named.
    ///
    /// # Errors
    /// The site does not exist, or the database failed.
    pub async fn hide_prop(&self, site: SiteId, name: &str) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let mut names = held(&mut tx, site).await?;
        let Ok(place) = names.binary_search_by(|known| known.as_str().cmp(name.trim())) else {
            return Ok(false);
        };
        names.remove(place);
        put(&mut tx, site, &names).await?;
        tx.commit().await?;
        Ok(true)
    }
}
