//! Saved segments: named sets of filters of a site. One is somebody's own, or of the site, for all its
//! members. (`segments.rs` is something else: how counts are stored.)
//!
//! What is stored is `filters` of the stats API, as it was taken. It is read anew whenever it is used:
//! a goal that it names may be gone by then. A goal that gets another name gets it here, too.

use serde_json::Value;
use shared::visitor::SiteId;

use super::db::{Row, Tx, sql};
use super::{Store, goals, settings, sites};
use crate::accounts::token::random_id;
use crate::error::{Error, Result};

/// Segments of a site, and as many of each account at a site.
pub const SAVED_SEGMENTS_MAX: u64 = 100;
/// Longest name, characters.
pub const SEGMENT_NAME_CHARS_MAX: usize = 100;
/// Longest filters, bytes of JSON.
pub const SEGMENT_BYTES_MAX: usize = 8 * 1024;
/// Numbers are below 2^53, so that JSON of any program can hold them.
const ID_MASK: i64 = (1 << 53) - 1;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSegment {
    /// Its number, drawn at random.
    pub id: i64,
    /// The account whose own it is; `None` for one of the site.
    pub owner: Option<i64>,
    /// Unique among those of the site, or of the account there.
    pub name: String,
    /// A list of filters, as the stats API takes it.
    pub filters: Value,
}

const COLUMNS: &str = "id, account_id, name, filters";

fn read(row: &Row) -> Result<SavedSegment> {
    let filters = row.text(3)?;
    Ok(SavedSegment {
        id: row.int(0)?,
        owner: row.int_or_null(1)?,
        name: row.text(2)?,
        // What is no JSON is refused where it is used.
        filters: serde_json::from_str(&filters).unwrap_or(Value::Null),
    })
}

/// The filters as they are stored.
fn written(filters: &Value) -> Result<String> {
    let text = filters.to_string();
    match text.len() <= SEGMENT_BYTES_MAX {
        true => Ok(text),
        false => Err(Error::Invalid(format!(
            "filters: as text they have {} bytes; a segment holds {SEGMENT_BYTES_MAX}",
            text.len()
        ))),
    }
}

/// Refuses a name that another segment has of those that this one is among.
async fn check_free(
    tx: &mut Tx,
    site: SiteId,
    owner: Option<i64>,
    name: &str,
    id: i64,
) -> Result<()> {
    let statement = sql("SELECT id FROM saved_segment
         WHERE site_id = $1 AND coalesce(account_id, -1) = $2 AND name = $3 AND id <> $4");
    let statement = statement.bind(site).bind(owner.unwrap_or(-1));
    let taken = tx.first(statement.bind(name).bind(id)).await?;
    match taken {
        None => Ok(()),
        Some(_) => Err(Error::Invalid(format!(
            "name: there is a segment {name:?} already"
        ))),
    }
}

/// Whoever has a role at a site no more has no segments there, but for admins, who see every site.
pub(super) async fn forget_own(tx: &mut Tx, site: SiteId, account: i64) -> Result<()> {
    let statement = sql(
        "DELETE FROM saved_segment WHERE site_id = $1 AND account_id = $2
             AND account_id NOT IN (SELECT id FROM account WHERE is_admin = 1)",
    );
    tx.execute(statement.bind(site).bind(account)).await?;
    Ok(())
}

/// Segments that ask for a goal by name ask for it by its new one.
pub(super) async fn goal_renamed(tx: &mut Tx, site: SiteId, from: &str, to: &str) -> Result<()> {
    let text = format!("SELECT {COLUMNS} FROM saved_segment WHERE site_id = $1");
    let rows = tx.all(sql(text).bind(site)).await?;
    for row in &rows {
        let mut segment = read(row)?;
        if rename_goal(&mut segment.filters, from, to) {
            let statement = sql("UPDATE saved_segment SET filters = $2 WHERE id = $1");
            let statement = statement.bind(segment.id).bind(segment.filters.to_string());
            tx.execute(statement).await?;
        }
    }
    Ok(())
}

/// Whether a name was changed in a filter, or in what stands below it. Parts of names stay.
fn rename_goal(filter: &mut Value, from: &str, to: &str) -> bool {
    let Value::Array(items) = filter else {
        return false;
    };
    if let [
        Value::String(op),
        Value::String(name),
        Value::Array(values),
        ..,
    ] = items.as_mut_slice()
        && name == "event:goal"
        && (op == "is" || op == "is_not")
    {
        let mut is_changed = false;
        for value in values.iter_mut().filter(|value| **value == *from) {
            *value = Value::String(to.to_owned());
            is_changed = true;
        }
        return is_changed;
    }
    let below = items.iter_mut();
    below.fold(false, |is, item| rename_goal(item, from, to) | is)
}

impl Store {
    /// The segments of a site, and an account's own there, by name: what that account sees.
    ///
    /// # Errors
    /// The database failed.
    pub async fn saved_segments(
        &self,
        site: SiteId,
        account: Option<i64>,
    ) -> Result<Vec<SavedSegment>> {
        let text = format!(
            "SELECT {COLUMNS} FROM saved_segment WHERE site_id = $1
                 AND (account_id IS NULL OR account_id = CAST($2 AS BIGINT)) ORDER BY name, id"
        );
        let rows = self.db.all(sql(text).bind(site).bind(account)).await?;
        rows.iter().map(read).collect()
    }

    /// Saves filters under a name, of the site or of an account there; gives the segment's number.
    ///
    /// # Errors
    /// The name or the filters are not allowed, or there are too many ([`Error::Invalid`] begins with
    /// the field), the site or account does not exist, or the database failed.
    pub async fn add_saved_segment(
        &self,
        site: SiteId,
        owner: Option<i64>,
        name: &str,
        filters: &Value,
    ) -> Result<i64> {
        let name = goals::check_name_of(name, SEGMENT_NAME_CHARS_MAX)?;
        let filters = written(filters)?;
        let id = random_id()? & ID_MASK;
        let mut tx = self.db.write().await?;
        // Whoever saves at the same time waits.
        sites::hold(&mut tx, site)
            .await?
            .ok_or_else(settings::gone)?;
        let count = sql("SELECT count(*) FROM saved_segment
             WHERE site_id = $1 AND coalesce(account_id, -1) = $2");
        let count = count.bind(site).bind(owner.unwrap_or(-1));
        let count = tx.first(count).await?;
        if count.map_or(Ok(0), |row| row.count(0))? >= SAVED_SEGMENTS_MAX {
            return Err(Error::Invalid(format!(
                "name: there are {SAVED_SEGMENTS_MAX} segments already; delete some first"
            )));
        }
        check_free(&mut tx, site, owner, name, id).await?;
        tx.execute(
            sql(
                "INSERT INTO saved_segment (id, site_id, account_id, name, filters)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(site)
            .bind(owner)
            .bind(name)
            .bind(filters),
        )
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Gives a segment of a site another name; its number stays. False when it is not there.
    ///
    /// # Errors
    /// The name is not allowed or taken ([`Error::Invalid`] begins with the field), or the database
    /// failed.
    pub async fn rename_saved_segment(&self, site: SiteId, id: i64, name: &str) -> Result<bool> {
        let name = goals::check_name_of(name, SEGMENT_NAME_CHARS_MAX)?;
        let mut tx = self.db.write().await?;
        if sites::hold(&mut tx, site).await?.is_none() {
            return Ok(false);
        }
        let statement = sql("SELECT account_id FROM saved_segment WHERE site_id = $1 AND id = $2");
        let Some(row) = tx.first(statement.bind(site).bind(id)).await? else {
            return Ok(false);
        };
        check_free(&mut tx, site, row.int_or_null(0)?, name, id).await?;
        let statement = sql("UPDATE saved_segment SET name = $2 WHERE id = $1");
        tx.execute(statement.bind(id).bind(name)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Puts filters in the place of a segment's. False when it is not there.
    ///
    /// # Errors
    /// They are too long ([`Error::Invalid`] begins with `filters`), or the database failed.
    pub async fn replace_saved_segment(
        &self,
        site: SiteId,
        id: i64,
        filters: &Value,
    ) -> Result<bool> {
        let statement = sql("UPDATE saved_segment SET filters = $3 WHERE site_id = $1 AND id = $2");
        let statement = statement.bind(site).bind(id).bind(written(filters)?);
        Ok(self.db.execute(statement).await? == 1)
    }

    /// Deletes a segment of a site; false when it is not there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn remove_saved_segment(&self, site: SiteId, id: i64) -> Result<bool> {
        let statement = sql("DELETE FROM saved_segment WHERE site_id = $1 AND id = $2");
        Ok(self.db.execute(statement.bind(site).bind(id)).await? == 1)
    }
}
