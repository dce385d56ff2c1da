//! The schema: what an older version wrote, and a column for everything that is counted.

use shared::cube::{COUNTERS, CUBES};
use shared::settings::Settings;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::{batch, noon, number, store};
use crate::store::{Applied, Store, counts};

#[tokio::test]
async fn every_counter_and_text_has_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = store(folder.path()).await;
    for cube in CUBES {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(cube.name())
            .fetch_all(&store.readers)
            .await
            .unwrap();
        let texts = counts::text_columns(cube);
        assert_eq!(texts.len(), cube.texts().len());
        let counters = COUNTERS.into_iter().filter(|(_, of, _)| *of == cube);
        let wanted: Vec<&str> = texts
            .iter()
            .copied()
            .chain(counters.map(|(_, _, name)| name))
            .collect();
        for column in &wanted {
            assert!(columns.iter().any(|known| known == column), "{column}");
        }
        // Beside them: site, date, hour and the two attributes.
        assert_eq!(columns.len(), wanted.len() + 5, "{columns:?}");
    }
}

#[tokio::test]
async fn what_the_first_version_wrote_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    let first = include_str!("../../../migrations/sqlite/0001_start.sql");
    std::fs::write(migrations.join("0001_start.sql"), first).unwrap();
    let file = folder.path().join("x.sqlite");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .foreign_keys(true);
    let old = SqlitePool::connect_with(options).await.unwrap();
    let migrator = Migrator::new(migrations.as_path()).await.unwrap();
    migrator.run(&old).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO site VALUES (7, 'a.example', 'Europe/Berlin', 20000);
         INSERT INTO source VALUES (1, 7, 20780, 0, zeroblob(16), 1, 3, 0, 0);
         INSERT INTO batch VALUES (1, 1, zeroblob(32));
         INSERT INTO text VALUES (1, 7, '/'), (2, 7, '');
         INSERT INTO visit_attrs VALUES (1, 7, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2);
         INSERT INTO client_attrs VALUES (1, 7, 2, 2, 2, 2, 2, 2);
         INSERT INTO visits VALUES (7, 20780, 9, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
         INSERT INTO pages VALUES (7, 20780, 9, 1, 2, 1, 1, 5, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1);
         INSERT INTO exits VALUES (7, 20780, 9, 1, 1, 1, 1, 1);
         INSERT INTO events VALUES (7, 20780, 9, 2, 1, 1, 1, 1, 1, 1);",
    )
    .execute(&old)
    .await
    .unwrap();
    old.close().await;

    let store = Store::open(&file).await.unwrap();
    let site = store.site("a.example").await.unwrap().unwrap();
    assert_eq!(site.id, 7);
    assert_eq!(store.settings_of(7).await.unwrap(), Settings::default());
    for (sql, expected) in [
        ("SELECT views FROM pages", 5),
        (
            "SELECT day_prefix1_visitors + day_host_page_visitors FROM pages",
            0,
        ),
        ("SELECT hour_source_visitors FROM visits", 0),
        ("SELECT day_event_page_visitors + events FROM events", 1),
        ("SELECT exits FROM exits", 1),
        ("SELECT last_goal + last_funnel FROM site", 0),
    ] {
        assert_eq!(number(&store, sql).await, expected, "{sql}");
    }
    // The source goes on where it was, now with everything in its batches.
    let mut next = batch(7, 2);
    next.strings[1] = String::new(); // As the rows from before have it.
    next.strings[2] = "/two".into();
    assert_eq!(
        store.apply_batch(&next, [1; 32], noon()).await.unwrap(),
        Applied::Now
    );
    assert_eq!(number(&store, "SELECT count(*) FROM source").await, 1);
    assert_eq!(number(&store, "SELECT sum(views) FROM pages").await, 12);
    // Opened again there is nothing left to do.
    store.close().await;
    Store::open(&file).await.unwrap();
}
