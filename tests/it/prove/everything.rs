//! Everything that a running system keeps or says: files of every component, values of every
//! database (also those that lie across pages of a file), the wire, logs, health, exports, backups.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::scan::{Scanner, Seen};
use super::tap::Tap;
use crate::on_disk;
use crate::system::{SITE, System};

/// Looks at all of it while it runs.
pub async fn look(system: &System, tap: &Tap, scanner: &Scanner) -> Seen {
    let mut seen = look_at_files(system, scanner).await;
    scanner.folder(system.salts.path(), &mut seen);
    for (what, recordings) in [
        ("what the edge sent", tap.sent()),
        ("what the aggregator answered", tap.answered()),
    ] {
        for recorded in recordings {
            scanner.bytes(what, &recorded, &mut seen);
        }
    }
    for url in [system.edge_url("/health"), system.dashboard_url("/health")] {
        // One that is stopped says nothing.
        if let Ok(answer) = system.http.get(&url).send().await {
            scanner.bytes("a health answer", &answer.bytes().await.unwrap(), &mut seen);
        }
    }
    seen
}

/// Looks at whatever is on a disk.
pub async fn look_at_files(system: &System, scanner: &Scanner) -> Seen {
    let mut seen = look_at_stored(system, scanner).await;
    if let Some(url) = &system.database {
        let pool = PgPool::connect(url).await.unwrap();
        let log = postgres_folder(&pool).await.join("pg_wal");
        scanner.folder(&log, &mut seen);
        pool.close().await;
    }
    seen
}

/// The same without the write-ahead log of Postgres, which it recycles when it wants.
pub async fn look_at_stored(system: &System, scanner: &Scanner) -> Seen {
    let mut seen = Seen::default();
    // Logs, the aggregator's database, the edge's storage, keys, locks, core dumps if there were any.
    scanner.folder(system.data.path(), &mut seen);
    for (path, mut database) in sqlite_files(system.data.path()).await {
        for (column, value) in sqlite_values(&mut database).await {
            let place = path.file_name().unwrap().to_string_lossy();
            scanner.bytes(&format!("{place}: {column}"), &value, &mut seen);
        }
    }
    if let Some(url) = &system.database {
        let pool = PgPool::connect(url).await.unwrap();
        sqlx::raw_sql("CHECKPOINT").execute(&pool).await.unwrap();
        let folder = postgres_folder(&pool).await;
        for path in on_disk::files(&folder) {
            let place = path.strip_prefix(&folder).unwrap().to_owned();
            // What is deleted while this goes on is no file any more.
            if !place.starts_with("pg_wal")
                && let Ok(bytes) = std::fs::read(&path)
            {
                scanner.bytes(
                    &format!("Postgres's {}", place.display()),
                    &bytes,
                    &mut seen,
                );
            }
        }
        for (column, value) in postgres_values(&pool).await {
            scanner.bytes(&format!("Postgres: {column}"), &value, &mut seen);
        }
        pool.close().await;
    }
    seen
}

/// Looks at what is made of it for elsewhere: a backup, exports of each form, an audit.
pub fn look_at_copies(system: &System, scanner: &Scanner) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    system.dayfly(&["backup", &path("x.backup")]);
    for form in ["plausible-csv", "cubes"] {
        let to = path(&format!("{form}.zip"));
        system.dayfly(&["export", "--site", SITE, "--format", form, "-o", &to]);
    }
    std::fs::write(path("audit"), system.dayfly(&["audit", "--offline"])).unwrap();
    let mut seen = Seen::default();
    scanner.folder(folder.path(), &mut seen);
    seen
}

/// Has Postgres let go of what was deleted; SQLite has done so itself.
pub async fn vacuum(system: &System) {
    if system.database.is_some() {
        execute(system, "VACUUM FULL").await;
        execute(system, "CHECKPOINT").await;
    }
}

/// Runs a statement on the aggregator's database.
pub async fn execute(system: &System, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match &system.database {
        None => {
            let file = system.data.path().join("dayfly.sqlite");
            let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file));
            let pool = pool.await.unwrap();
            sqlx::raw_sql(sql).execute(&pool).await.unwrap();
            pool.close().await;
        }
        Some(url) => {
            let pool = PgPool::connect(url).await.unwrap();
            sqlx::raw_sql(sql).execute(&pool).await.unwrap();
            pool.close().await;
        }
    }
}

/// Copies of the SQLite files below a folder, opened.
async fn sqlite_files(folder: &Path) -> Vec<(PathBuf, SqliteConnection)> {
    let mut found = Vec::new();
    for path in on_disk::files(folder) {
        if path.extension().is_some_and(|name| name == "sqlite")
            && let Some((folder, database)) = on_disk::open(&path).await
        {
            // It is open: its name may go.
            drop(folder);
            found.push((path, database));
        }
    }
    found
}

/// Every value of a SQLite database, with the name of its column.
pub async fn sqlite_values(database: &mut SqliteConnection) -> Vec<(String, Vec<u8>)> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT s.name, c.name FROM sqlite_schema s JOIN pragma_table_xinfo(s.name) c \
         WHERE s.type = 'table' ORDER BY 1, 2",
    )
    .fetch_all(&mut *database)
    .await
    .unwrap_or_default();
    let mut values = Vec::new();
    for (table, column) in columns {
        let sql = format!(
            "SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut *database)
            .await;
        for row in rows.unwrap_or_default() {
            values.push((format!("{table}.{column}"), row.get::<Vec<u8>, _>(0)));
        }
    }
    values
}

async fn postgres_folder(pool: &PgPool) -> PathBuf {
    let folder: String = sqlx::query_scalar("SHOW data_directory")
        .fetch_one(pool)
        .await
        .unwrap();
    folder.into()
}

async fn postgres_values(pool: &PgPool) -> Vec<(String, Vec<u8>)> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text \
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut values = Vec::new();
    for (table, column, kind) in columns {
        let value = match kind.as_str() {
            "bytea" => format!("\"{column}\""),
            _ => format!("convert_to(\"{column}\"::text, 'UTF8')"),
        };
        let sql = format!("SELECT {value} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
        for row in sqlx::query(AssertSqlSafe(sql))
            .fetch_all(pool)
            .await
            .unwrap()
        {
            values.push((format!("{table}.{column}"), row.get::<Vec<u8>, _>(0)));
        }
    }
    values
}
