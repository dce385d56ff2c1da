//! Keys for programs: a prefix and 32 random characters, shown once, stored as SHA-256.

use sha2::{Digest, Sha256};
use shared::visitor::SiteId;

use super::Store;
use super::db::sql;
use crate::clock::day_number;
use crate::error::{Error, Result};
use crate::site::Site;

/// What every key begins with, so that people and secret scanners know it.
const PREFIX: &str = "dayfly_";
const RANDOM_CHARS: usize = 32;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Reading the stats API.
    Stats,
    /// Managing sites, and reading.
    Sites,
}

impl Scope {
    const fn as_str(self) -> &'static str {
        match self {
            Scope::Stats => "stats",
            Scope::Sites => "sites",
        }
    }
}

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAccess {
    /// One site, or all.
    pub site: Option<SiteId>,
    /// For what.
    pub scope: Scope,
}

impl KeyAccess {
    /// Whether it may read a site's stats.
    pub fn reads(&self, site: SiteId) -> bool {
        self.site.is_none_or(|only| only == site)
    }
}

impl Store {
    /// Makes a key and gives it, the only time it can be seen.
    ///
    /// # Errors
    /// The database failed, or the system has no random source.
    pub async fn create_key(
        &self,
        site: Option<&Site>,
        scope: Scope,
        on: jiff::civil::Date,
    ) -> Result<String> {
        let key = format!("{PREFIX}{}", random_chars()?);
        let shown: String = key.chars().take(PREFIX.len() + 4).collect();
        self.db
            .execute(
                sql(
                    "INSERT INTO api_key (sha256, prefix, site_id, scope, created_on)
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(hash(&key))
                .bind(shown)
                .bind(site.map(|site| site.id))
                .bind(scope.as_str())
                .bind(day_number(on)),
            )
            .await?;
        Ok(key)
    }

    /// What a key opens; `None` when there is no such key.
    ///
    /// # Errors
    /// The database failed.
    pub async fn key_access(&self, key: &str) -> Result<Option<KeyAccess>> {
        let row = self
            .db
            .first(sql("SELECT site_id, scope FROM api_key WHERE sha256 = $1").bind(hash(key)))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let site = row.int_or_null(0)?;
        Ok(Some(KeyAccess {
            site: site.and_then(|id| SiteId::try_from(id).ok()),
            scope: if row.text(1)? == Scope::Sites.as_str() {
                Scope::Sites
            } else {
                Scope::Stats
            },
        }))
    }
}

fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
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
