//! Runs a test on each engine: SQLite in a folder of its own, and Postgres in a database of its own
//! on the server that `DAYFLY_TEST_POSTGRES` names (scripts/test starts one).

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::*;

/// Makes of `async fn name(place: Place)` a test for each engine.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let place = $crate::store::Place::File(folder.path().join("x.sqlite"));
                super::$name(place).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(place) = $crate::store::tests::engines::postgres().await {
                    super::$name(place).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both_engines;

/// A new database on the test server; `None` where there is no server.
pub(crate) async fn postgres() -> Option<Place> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("DAYFLY_TEST_POSTGRES").ok()?;
    let options: PgConnectOptions = url.parse().unwrap();
    let pool = PgPool::connect_with(options.clone()).await.unwrap();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("dayfly_{}_{next}", std::process::id());
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
    Some(Place::Url(
        options.database(&name).to_url_lossy().to_string(),
    ))
}
