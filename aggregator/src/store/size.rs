//! How large the database is, and whether it is whole.

use super::Store;
use super::db::{Engine, sql};
use crate::error::Result;

impl Store {
    /// Bytes of the database: of SQLite's file without its write-ahead log, of Postgres's with indices.
    ///
    /// # Errors
    /// The database failed.
    pub async fn size_bytes(&self) -> Result<u64> {
        let text = match self.engine() {
            Engine::Sqlite => {
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            }
            Engine::Postgres => "SELECT pg_database_size(current_database())",
        };
        let row = self.db.first(sql(text)).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    /// What is wrong with the database's file; empty when it is whole. Postgres is asked nothing: it
    /// checks what it reads by itself.
    ///
    /// # Errors
    /// The database failed.
    pub async fn integrity(&self) -> Result<Vec<String>> {
        if self.engine() == Engine::Postgres {
            return Ok(Vec::new());
        }
        let rows = self.db.all(sql("PRAGMA quick_check(5)")).await?;
        let mut found = Vec::new();
        for row in rows {
            let text = row.text(0)?;
            if text != "ok" {
                found.push(text);
            }
        }
        Ok(found)
    }
}
