//! Keys for programs: a prefix and 32 random characters, shown once, stored as SHA-256.
//!
//! What always holds: no two keys begin alike, so that a person can name one by its beginning.
//! A key that was revoked is gone.

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use shared::visitor::SiteId;

use super::db::{Row, sql};
use super::{Store, goals, settings, sites};
use crate::clock::{date_of, day_number};
use crate::error::{Error, Result};

/// What every key begins with, so that people and secret scanners know it.
const PREFIX: &str = "dayfly_";
const RANDOM_CHARS: usize = 32;
/// How much of a key is kept readable, characters.
const SHOWN_CHARS: usize = PREFIX.len() + 4;
/// How often a key is drawn whose beginning another has already.
const DRAWS: usize = 100;

/// Requests an hour of a key that was given no other limit.
pub const HOURLY_LIMIT: u32 = 600;
/// The largest limit a key may have, requests an hour.
pub const HOURLY_LIMIT_MAX: u32 = 1_000_000;

/// Most keys of one site, and most that open every site: all of them are kept in memory.
pub const KEYS_MAX: u64 = 100;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Reading the stats API.
    Stats,
    /// Managing sites, and reading.
    Sites,
}

impl Scope {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Stats => "stats",
            Scope::Sites => "sites",
        }
    }

    /// Whether a key of this scope may do what another one is for.
    pub const fn covers(self, wanted: Scope) -> bool {
        matches!((self, wanted), (Scope::Sites, _) | (_, Scope::Stats))
    }
}

/// The SHA-256 of a key: what is stored of it, and what it is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Of a key as somebody sent it; `None` for what cannot be one.
    pub fn of(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let is_key =
            random.len() == RANDOM_CHARS && random.bytes().all(|b| b.is_ascii_alphanumeric());
        is_key.then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }
}

/// A key to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// One site, or all.
    pub site: Option<SiteId>,
    /// What for.
    pub scope: Scope,
    /// What a person calls it; may be empty.
    pub name: &'a str,
    /// Requests.
    pub hourly_limit: u32,
    /// The last day it works, in UTC; `None`: until it is revoked.
    pub works_until: Option<Date>,
}

impl NewKey<'_> {
    /// A key without a name and an end, with the usual limit.
    pub const fn of(site: Option<SiteId>, scope: Scope) -> Self {
        Self {
            site,
            scope,
            name: "",
            hourly_limit: HOURLY_LIMIT,
            works_until: None,
        }
    }

    fn check(&self, today: Date) -> Result<()> {
        if !self.name.is_empty() {
            goals::check_name(self.name)?;
        }
        if !(1..=HOURLY_LIMIT_MAX).contains(&self.hourly_limit) {
            return Err(Error::Invalid(format!(
                "hourly limit: a key has 1 to {HOURLY_LIMIT_MAX} requests an hour"
            )));
        }
        if self.works_until.is_some_and(|last| last < today) {
            return Err(Error::Invalid("until: the day is over already".into()));
        }
        Ok(())
    }
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its number; another one after a restore.
    pub id: i64,
    /// What it is looked up by.
    pub hash: KeyHash,
    /// Its beginning.
    pub prefix: String,
    /// What a person calls it; may be empty.
    pub name: String,
    /// One site, or all.
    pub site: Option<SiteId>,
    /// What for.
    pub scope: Scope,
    /// Requests.
    pub hourly_limit: u32,
    /// When it was made.
    pub created_on: Date,
    /// The last day it works, in UTC.
    pub works_until: Option<Date>,
    /// The last day it was used, in UTC.
    pub last_used_on: Option<Date>,
}

const COLUMNS: &str = "id, sha256, prefix, name, site_id, scope, hourly_limit, created_on, \
     works_until, last_used_on";
/// Of the site `$1`, or of none.
const OF_SITE: &str = "coalesce(site_id, 0) = coalesce(CAST($1 AS BIGINT), 0)";

/// Reads [`COLUMNS`].
fn read(row: &Row) -> Result<Key> {
    let unreadable = || Error::Invalid("a stored key cannot be read".into());
    let date = |day: i64| date_of(day).ok_or_else(unreadable);
    let date_or_none = |column| row.int_or_null(column)?.map(date).transpose();
    let site = row.int_or_null(4)?.map(SiteId::try_from).transpose();
    Ok(Key {
        id: row.int(0)?,
        hash: KeyHash(row.bytes(1)?.try_into().map_err(|_| unreadable())?),
        prefix: row.text(2)?,
        name: row.text(3)?,
        site: site.map_err(|_| unreadable())?,
        scope: match row.text(5)?.as_str() {
            "stats" => Scope::Stats,
            "sites" => Scope::Sites,
            _ => return Err(unreadable()),
        },
        hourly_limit: row.number(6)?,
        created_on: date(row.int(7)?)?,
        works_until: date_or_none(8)?,
        last_used_on: date_or_none(9)?,
    })
}

impl Store {
    /// Makes a key and gives it, the only time it can be seen.
    ///
    /// # Errors
    /// Something about it is not allowed, there are too many of the site, it does not exist, the
    /// database failed, or the system has no random source.
    pub async fn create_key(&self, new: &NewKey<'_>, on: Date) -> Result<String> {
        new.check(on)?;
        let mut tx = self.db.write().await?;
        if let Some(site) = new.site {
            // Whoever makes one at the same time waits.
            sites::hold(&mut tx, site)
                .await?
                .ok_or_else(settings::gone)?;
        }
        let known = sql(format!("SELECT count(*) FROM api_key WHERE {OF_SITE}"));
        let known = tx.first(known.bind(new.site)).await?;
        if known.map_or(Ok(0), |row| row.count(0))? >= KEYS_MAX {
            return Err(Error::Invalid(format!(
                "there are {KEYS_MAX} keys already: revoke some first"
            )));
        }
        for _ in 0..DRAWS {
            let key = format!("{PREFIX}{}", random_chars()?);
            let shown: String = key.chars().take(SHOWN_CHARS).collect();
            let added = tx
                .execute(
                    sql(
                        "INSERT INTO api_key (sha256, prefix, name, site_id, scope, hourly_limit,
                             created_on, works_until)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (prefix) DO NOTHING",
                    )
                    .bind(Sha256::digest(key.as_bytes()).to_vec())
                    .bind(shown)
                    .bind(new.name.trim())
                    .bind(new.site)
                    .bind(new.scope.as_str())
                    .bind(new.hourly_limit)
                    .bind(day_number(on))
                    .bind(new.works_until.map(day_number)),
                )
                .await?;
            if added == 1 {
                tx.commit().await?;
                return Ok(key);
            }
        }
        Err(Error::Invalid("there are too many keys".into()))
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keys(&self) -> Result<Vec<Key>> {
        let text = format!("SELECT {COLUMNS} FROM api_key ORDER BY id");
        let rows = self.db.all(sql(text)).await?;
        rows.iter().map(read).collect()
    }

    /// The keys of a site alone, or those that open every site; oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keys_of(&self, site: Option<SiteId>) -> Result<Vec<Key>> {
        let text = format!("SELECT {COLUMNS} FROM api_key WHERE {OF_SITE} ORDER BY id");
        let rows = self.db.all(sql(text).bind(site)).await?;
        rows.iter().map(read).collect()
    }

    /// Deletes the key that begins so, if it is one of [`Store::keys_of`]; false when there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke_key_of(&self, site: Option<SiteId>, prefix: &str) -> Result<bool> {
        let text = format!("DELETE FROM api_key WHERE {OF_SITE} AND prefix = $2");
        let removed = self.db.execute(sql(text).bind(site).bind(prefix)).await?;
        Ok(removed == 1)
    }

    /// Deletes the key that begins so; false when there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke_key(&self, prefix: &str) -> Result<bool> {
        let removed = self
            .db
            .execute(sql("DELETE FROM api_key WHERE prefix = $1").bind(prefix))
            .await?;
        Ok(removed == 1)
    }

    /// Notes that a key was used on a day; writes nothing when that is known.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_key_used(&self, id: i64, on: Date) -> Result<()> {
        self.db
            .execute(
                sql("UPDATE api_key SET last_used_on = $2
                     WHERE id = $1 AND coalesce(last_used_on, $2 - 1) < $2")
                .bind(id)
                .bind(day_number(on)),
            )
            .await?;
        Ok(())
    }
}

/// 32 characters of an alphabet of 62, each equally likely.
fn random_chars() -> Result<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut chars = String::with_capacity(RANDOM_CHARS);
    while chars.len() < RANDOM_CHARS {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
        let fair = bytes.iter().filter(|byte| **byte < 248); // 248 is 4 × 62
        let picked = fair.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        chars.extend(picked.take(RANDOM_CHARS - chars.len()));
    }
    Ok(chars)
}
