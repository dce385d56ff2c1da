//! A database for a test on the server that `DAYFLY_TEST_POSTGRES` names (scripts/test starts one).

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions};

/// The URL of a new database.
pub async fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("DAYFLY_TEST_POSTGRES")
        .expect("this test needs a Postgres: run it with scripts/postgres cargo test …");
    let options: PgConnectOptions = url.parse().unwrap();
    let pool = PgPool::connect_with(options.clone()).await.unwrap();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("dayfly_it_{}_{next}", std::process::id());
    for sql in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    options.database(&name).to_url_lossy().to_string()
}
