//! What a site's owner decided: GPC, DNT, clean-up of paths and shields are one JSON text of the
//! site, goals and funnels have tables of their own.
//!
//! What always holds: what is stored has passed [`Settings::check`] as a whole. Every change reads
//! all of it, changes, checks and writes in one transaction.

use std::collections::HashMap;

use shared::settings::Settings;
use shared::visitor::SiteId;

use super::db::{Tx, sql};
use super::{Store, funnels, goals};
use crate::error::{Error, Result};

/// The settings of one site, or of all.
pub(super) async fn load(tx: &mut Tx, site: Option<SiteId>) -> Result<HashMap<SiteId, Settings>> {
    let rows = tx
        .all(
            sql("SELECT id, settings FROM site
                 WHERE CAST($1 AS BIGINT) IS NULL OR id = CAST($1 AS BIGINT)")
            .bind(site),
        )
        .await?;
    let mut all = HashMap::with_capacity(rows.len());
    for row in rows {
        let (id, text): (SiteId, String) = (row.number(0)?, row.text(1)?);
        let settings: Settings = serde_json::from_str(&text).map_err(|error| {
            Error::Invalid(format!("the stored settings of site {id}: {error}"))
        })?;
        all.insert(id, settings);
    }
    for (id, named) in goals::load(tx, site).await? {
        if let Some(settings) = all.get_mut(&id) {
            settings.goals.push(named.goal);
        }
    }
    for (id, named) in funnels::load(tx, site).await? {
        if let Some(settings) = all.get_mut(&id) {
            settings.funnels.push(named.funnel);
        }
    }
    Ok(all)
}

/// The settings of a site that must exist.
pub(super) async fn of(tx: &mut Tx, site: SiteId) -> Result<Settings> {
    load(tx, Some(site)).await?.remove(&site).ok_or_else(gone)
}

/// Checks settings before they are stored.
pub(super) fn check(settings: &Settings) -> Result<()> {
    settings
        .check()
        .map_err(|invalid| Error::Invalid(invalid.to_string()))
}

/// Checks and stores what is not goals and funnels, in the caller's transaction.
pub(super) async fn put(tx: &mut Tx, site: SiteId, settings: &Settings) -> Result<()> {
    check(settings)?;
    let stored = Settings {
        goals: Vec::new(),
        funnels: Vec::new(),
        ..settings.clone()
    };
    let text = serde_json::to_string(&stored)
        .map_err(|error| Error::Invalid(format!("settings: {error}")))?;
    tx.execute(
        sql("UPDATE site SET settings = $1 WHERE id = $2")
            .bind(text)
            .bind(site),
    )
    .await?;
    Ok(())
}

/// The site was removed meanwhile.
pub(super) fn gone() -> Error {
    Error::Invalid("the site does not exist any more".into())
}

impl Store {
    /// The settings of every site.
    ///
    /// # Errors
    /// The database failed.
    pub async fn settings(&self) -> Result<HashMap<SiteId, Settings>> {
        // One state of the database: a funnel never names a goal that is not there.
        let mut tx = self.db.read().await?;
        load(&mut tx, None).await
    }

    /// The settings of a site.
    ///
    /// # Errors
    /// The site does not exist, or the database failed.
    pub async fn settings_of(&self, site: SiteId) -> Result<Settings> {
        let mut tx = self.db.read().await?;
        of(&mut tx, site).await
    }

    /// Changes what is not goals and funnels, and gives what holds now.
    ///
    /// # Errors
    /// `change` refuses, the new settings are not allowed, the site does not exist, or the
    /// database failed; nothing is changed.
    pub async fn change_settings(
        &self,
        site: SiteId,
        change: impl FnOnce(&mut Settings) -> Result<()>,
    ) -> Result<Settings> {
        let mut tx = self.db.write().await?;
        let mut settings = of(&mut tx, site).await?;
        change(&mut settings)?;
        put(&mut tx, site, &settings).await?;
        tx.commit().await?;
        Ok(settings)
    }
}
