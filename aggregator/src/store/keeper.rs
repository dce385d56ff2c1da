//! Which server keeps the salts, where several use one Postgres: a row that its holder renews. A
//! SQLite file has one server, by the lock in its folder, and no such row.
//!
//! What always holds: whoever was told [`Keeping::Here`] is the only one for [`LEASE_S`] seconds. It
//! is the database's clock that tells.

use super::db::sql;
use super::{Engine, Store};
use crate::error::{Error, Result};

/// For how long a keeper that is not heard of stays the keeper, seconds.
pub const LEASE_S: i64 = 60;

/// Who keeps the salts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// Whoever asked.
    Here,
    /// Another server.
    There(Keeper),
}

/// The server that keeps the salts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// The name of its machine.
    pub name: String,
    /// When it was heard of last, by the database's clock, unix seconds.
    pub renewed_s: i64,
    /// How long ago that is, seconds.
    pub age_s: i64,
}

const NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)";

impl Store {
    /// Makes a server the keeper of the salts, or renews that it is; `instance` is what its salts are
    /// known by. It takes over only where no other was heard of for [`LEASE_S`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_salts(&self, instance: &str, name: &str) -> Result<Keeping> {
        if self.engine() == Engine::Sqlite {
            return Ok(Keeping::Here);
        }
        let text = format!(
            "INSERT INTO salt_keeper AS k (id, instance, name, epoch, renewed_s)
             VALUES (1, $1, $2, 1, {NOW})
             ON CONFLICT (id) DO UPDATE SET
                epoch = k.epoch + CASE WHEN k.instance = $1 THEN 0 ELSE 1 END,
                instance = $1, name = $2, renewed_s = {NOW}
             WHERE k.instance = $1 OR k.renewed_s < {NOW} - {LEASE_S}"
        );
        let taken = self.db.execute(sql(text).bind(instance).bind(name)).await?;
        match (taken, self.salt_keeper().await?) {
            (0, Some(keeper)) => Ok(Keeping::There(keeper)),
            (0, None) => Err(Error::Invalid("nobody keeps the salts".into())),
            _ => Ok(Keeping::Here),
        }
    }

    /// The keeper of the salts, also one that has not been heard of for long; `None` where there was
    /// never any, and on SQLite.
    ///
    /// # Errors
    /// The database failed.
    pub async fn salt_keeper(&self) -> Result<Option<Keeper>> {
        if self.engine() == Engine::Sqlite {
            return Ok(None);
        }
        let text = format!("SELECT name, renewed_s, {NOW} - renewed_s FROM salt_keeper");
        let row = self.db.first(sql(text)).await?;
        row.map(|row| {
            Ok(Keeper {
                name: row.text(0)?,
                renewed_s: row.int(1)?,
                age_s: row.int(2)?,
            })
        })
        .transpose()
    }

    /// Says that the keeper ends, so that the next need not wait.
    ///
    /// # Errors
    /// The database failed.
    pub async fn leave_salts(&self, instance: &str) -> Result<()> {
        if self.engine() == Engine::Postgres {
            let text = "UPDATE salt_keeper SET renewed_s = 0 WHERE instance = $1";
            self.db.execute(sql(text).bind(instance)).await?;
        }
        Ok(())
    }
}
