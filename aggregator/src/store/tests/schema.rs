//! Bringing a database up to date: all of it or nothing, and never one that is newer. Databases of
//! earlier releases are in tests/it/pinned.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::engines::on_both_engines;
use super::*;

on_both_engines!(
    a_database_of_a_newer_version_is_refused_and_not_changed,
    a_step_that_fails_leaves_the_database_as_it_was,
    steps_that_are_due_are_done_once_whoever_is_first,
    a_changed_step_is_refused,
);

fn known(engine: Engine) -> &'static Migrator {
    match engine {
        Engine::Sqlite => &migrate::SQLITE,
        Engine::Postgres => &migrate::POSTGRES,
    }
}

/// This program's steps and some of the future, from number 9001.
fn with_more(engine: Engine, more: &[&str]) -> Migrator {
    let mut steps: Vec<Migration> = known(engine).iter().cloned().collect();
    steps.extend(more.iter().zip(9001..).map(|(text, version)| {
        let text = AssertSqlSafe((*text).to_owned()).into_sql_str();
        Migration::new(version, "later".into(), MigrationType::Simple, text, false)
    }));
    Migrator::with_migrations(steps)
}

/// As a program with these steps does it.
async fn bring(place: &Place, steps: &Migrator) -> Result<()> {
    match place {
        Place::File(file) => {
            let options = SqliteConnectOptions::new().filename(file);
            migrate::sqlite(&options.foreign_keys(true), steps).await
        }
        Place::Url(url) => {
            let options: PgConnectOptions = url.parse().unwrap();
            migrate::postgres(&options, steps).await
        }
    }
}

/// Every column there is, and every step that was made.
async fn schema(store: &Store) -> (u64, u64, Vec<String>, Vec<i64>) {
    let (tables, columns, unknown) = store.schema().await.unwrap();
    let steps = "SELECT CAST(version AS BIGINT) FROM _sqlx_migrations ORDER BY version";
    let steps = store.db.all(sql(steps)).await.unwrap();
    let steps = steps.iter().map(|row| row.int(0).unwrap()).collect();
    (tables, columns, unknown, steps)
}

async fn a_database_of_a_newer_version_is_refused_and_not_changed(place: Place) {
    let (store, _) = with_sites(&place).await;
    let more = ["CREATE TABLE later (id INTEGER PRIMARY KEY)"];
    bring(&place, &with_more(store.engine(), &more))
        .await
        .unwrap();
    let after = schema(&store).await;
    for opened in [Store::open(&place).await, Store::look(&place).await] {
        let error = opened.unwrap_err().to_string();
        assert!(!error.contains('\n'), "one line: {error}");
        for wanted in [
            "a newer Dayfly has written it",
            "its schema is 9001",
            "restore a backup",
        ] {
            assert!(error.contains(wanted), "{wanted} in {error}");
        }
    }
    assert_eq!(schema(&store).await, after);
}

async fn a_step_that_fails_leaves_the_database_as_it_was(place: Place) {
    let (store, site) = with_sites(&place).await;
    person(&store, site.id).await;
    let before = schema(&store).await;
    let good = "CREATE TABLE later (id INTEGER PRIMARY KEY); DELETE FROM role;";
    for bad in [
        "CREATE TABLE more (id INTEGER PRIMARY KEY); INSERT INTO nowhere VALUES (1);",
        "CREATE TABLE later (id INTEGER PRIMARY KEY)",
        "no SQL",
    ] {
        let steps = with_more(store.engine(), &[good, bad]);
        let error = bring(&place, &steps).await.unwrap_err().to_string();
        assert!(
            error.contains("9002") && error.contains("it is as it was"),
            "{error}"
        );
        assert_eq!(schema(&store).await, before);
        assert_eq!(store.people(site.id).await.unwrap().len(), 1);
    }
    // This version still opens it; a release whose steps work brings it up to date.
    Store::open(&place).await.unwrap().close().await;
    bring(&place, &with_more(store.engine(), &[good]))
        .await
        .unwrap();
    assert!(store.people(site.id).await.unwrap().is_empty());
}

async fn steps_that_are_due_are_done_once_whoever_is_first(place: Place) {
    let (store, _) = with_sites(&place).await;
    let more = ["CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO later VALUES (1)"];
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (place, steps) = (place.clone(), with_more(store.engine(), &more));
        tasks.spawn(async move { bring(&place, &steps).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(number(&store, "SELECT count(*) FROM later").await, 1);
}

async fn a_changed_step_is_refused(place: Place) {
    let (store, _) = with_sites(&place).await;
    let there = with_more(
        store.engine(),
        &["CREATE TABLE later (id INTEGER PRIMARY KEY)"],
    );
    bring(&place, &there).await.unwrap();
    let changed = with_more(
        store.engine(),
        &["CREATE TABLE later (id BIGINT PRIMARY KEY)"],
    );
    let error = bring(&place, &changed).await.unwrap_err().to_string();
    assert!(
        error.contains("9001") && error.contains("modified"),
        "{error}"
    );
}

/// SQLite can change a table only by putting another in its place; what refers to it must stay.
#[tokio::test]
async fn a_table_that_is_put_in_anothers_place_keeps_what_refers_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("x.sqlite"));
    let (store, site) = with_sites(&place).await;
    person(&store, site.id).await;
    let people = store.people(site.id).await.unwrap();
    let replace = "CREATE TABLE new (id INTEGER PRIMARY KEY AUTOINCREMENT, domain TEXT NOT NULL UNIQUE,
            timezone TEXT NOT NULL, created_on INTEGER NOT NULL, settings TEXT NOT NULL DEFAULT '{}',
            last_goal INTEGER NOT NULL DEFAULT 0, last_funnel INTEGER NOT NULL DEFAULT 0,
            kept_months INTEGER NOT NULL DEFAULT 25, former_domain TEXT NOT NULL DEFAULT '',
            former_until INTEGER NOT NULL DEFAULT 0, props TEXT NOT NULL DEFAULT '[]') STRICT;
        INSERT INTO new SELECT * FROM site;
        DROP TABLE site;
        ALTER TABLE new RENAME TO site;";
    bring(&place, &with_more(Engine::Sqlite, &[replace]))
        .await
        .unwrap();
    assert_eq!(store.people(site.id).await.unwrap(), people);
    assert_eq!(store.site("a.example").await.unwrap().unwrap().id, site.id);
    // One that loses what is referred to does not get through.
    let before = schema(&store).await;
    let steps = with_more(Engine::Sqlite, &[replace, "DELETE FROM site"]);
    let error = bring(&place, &steps).await.unwrap_err().to_string();
    assert!(error.contains("it is as it was"), "{error}");
    assert_eq!(schema(&store).await, before);
}
