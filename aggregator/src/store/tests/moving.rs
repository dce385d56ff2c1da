//! Moving a database to another one, from each engine, broken off after each step.

use std::path::Path;

use super::backups::filled;
use super::engines::{on_both_engines, postgres};
use super::*;
use crate::error::Error;
use crate::migrate::{Begin, Migration, target};

on_both_engines!(
    i7_a_move_takes_everything_along_and_goes_on,
    a_move_that_breaks_off_is_run_again,
    i7_what_was_moved_is_written_to_by_nobody_until_it_is_taken_back,
    what_cannot_be_moved_is_refused_and_stays,
);

/// Another database: of Postgres where there is one, a file otherwise. `None` for a file to a file,
/// which no command does.
async fn other(from: &Place, folder: &Path) -> Vec<Place> {
    let mut others: Vec<Place> = postgres().await.into_iter().collect();
    if matches!(from, Place::Url(_)) {
        others.push(Place::File(folder.join("other.sqlite")));
    }
    others
}

async fn open(place: &Place) -> Store {
    Store::open_whatever_was_moved(place).await.unwrap()
}

/// Everything at once, as the command does it.
async fn move_all(from: (&Store, &Place), to: (&Store, &Place)) -> Begin {
    let mut migration = Migration::new(from, to).unwrap();
    let begin = migration.begin().await.unwrap();
    assert!(matches!(begin, Begin::Fresh | Begin::Again), "{begin:?}");
    let copied = migration.copy(noon()).await.unwrap();
    let same = migration.compare(&copied).await.unwrap();
    assert_eq!((same[0].domain.as_str(), same[0].views), ("a.example", 70));
    migration.let_go(copied, noon()).await.unwrap();
    migration.finish().await.unwrap();
    begin
}

async fn i7_a_move_takes_everything_along_and_goes_on(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    for to in other(&place, folder.path()).await {
        let (store, site) = match Store::open(&place).await {
            Ok(store) if store.is_used().await.unwrap() => {
                let site = store.site("a.example").await.unwrap().unwrap();
                (store, site)
            }
            _ => filled(&place).await,
        };
        let before = store.sums().await.unwrap();
        assert!(before["login"].rows > 0 && before["minute"].rows > 0);
        let target = open(&to).await;
        assert_eq!(
            move_all((&store, &place), (&target, &to)).await,
            Begin::Fresh
        );
        target.close().await;

        let moved = Store::open(&to).await.unwrap();
        assert_eq!(moved.sums().await.unwrap(), before);
        assert_eq!(moved.moved().await.unwrap(), None);
        // What was acknowledged before is known again, what follows is taken.
        let again = batch(site.id, 10);
        let applied = moved.apply_batch(&again, [1; 32], noon()).await.unwrap();
        assert_eq!(applied, Applied::Before);
        let next = batch(site.id, 11);
        let applied = moved.apply_batch(&next, [1; 32], noon()).await.unwrap();
        assert_eq!(applied, Applied::Now);
        assert_eq!(views(&moved, site.id, today()).await, 77);
        // Numbers go on where they were.
        let event = GoalKind::Event { name: "N".into() };
        let goal = moved.add_goal(site.id, event, None).await.unwrap();
        assert_eq!(goal.goal.id, 3);
        moved.add_site("c.example", "UTC", today()).await.unwrap();
        let added = moved.site("c.example").await.unwrap().unwrap();
        assert_eq!(added.id, site.id + 2);
        moved.close().await;
        assert!(store.take_move_back().await.unwrap());
        store.close().await;
    }
}

async fn a_move_that_breaks_off_is_run_again(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let Some(to) = other(&place, folder.path()).await.pop() else {
        return;
    };
    let (store, site) = filled(&place).await;
    let target = open(&to).await;
    let (from, into) = ((&store, &place), (&target, &to));

    // While it copies: nothing is anywhere, and the old one goes on.
    {
        let mut migration = Migration::new(from, into).unwrap();
        migration.begin().await.unwrap();
        let held = store.hold_all().await.unwrap();
        drop(held);
    }
    assert_eq!(target.moved().await.unwrap(), None);

    // After it has copied.
    let mut migration = Migration::new(from, into).unwrap();
    assert_eq!(migration.begin().await.unwrap(), Begin::Fresh);
    let copied = migration.copy(noon()).await.unwrap();
    drop(copied);
    let refused = Store::open(&to).await.unwrap_err().to_string();
    assert!(refused.contains("dayfly migrate"), "{refused}");
    let applied = store
        .apply_batch(&batch(site.id, 11), [1; 32], noon())
        .await;
    assert_eq!(
        applied.unwrap(),
        Applied::Now,
        "the old one takes what comes"
    );

    // After the old one was let go.
    let mut migration = Migration::new(from, into).unwrap();
    assert_eq!(migration.begin().await.unwrap(), Begin::Again);
    let copied = migration.copy(noon()).await.unwrap();
    assert_eq!(migration.compare(&copied).await.unwrap()[0].views, 77);
    migration.let_go(copied, noon()).await.unwrap();
    assert!(Store::open(&to).await.is_err() && Store::open(&place).await.is_err());

    let mut migration = Migration::new(from, into).unwrap();
    assert_eq!(migration.begin().await.unwrap(), Begin::Finish);
    migration.finish().await.unwrap();
    let moved = Store::open(&to).await.unwrap();
    assert_eq!(views(&moved, site.id, today()).await, 77);
    moved.close().await;
    let mut migration = Migration::new(from, into).unwrap();
    assert_eq!(migration.begin().await.unwrap(), Begin::Done);
    target.close().await;
    store.close().await;
}

async fn i7_what_was_moved_is_written_to_by_nobody_until_it_is_taken_back(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let Some(to) = other(&place, folder.path()).await.pop() else {
        return;
    };
    let (store, site) = filled(&place).await;
    // As a server that goes on running has it.
    let running = Store::open(&place).await.unwrap();
    let target = open(&to).await;
    move_all((&store, &place), (&target, &to)).await;
    target.close().await;

    let refused = Store::open(&place).await.unwrap_err().to_string();
    assert!(refused.contains(&to.shown()), "{refused}");
    assert!(refused.contains("--take-back"), "{refused}");
    for store in [&running, &store] {
        let next = batch(site.id, 11);
        let refused = store.apply_batch(&next, [1; 32], noon()).await;
        assert!(matches!(refused, Err(Error::Moved(_))), "{refused:?}");
        let added = store.add_site("c.example", "UTC", today()).await;
        assert!(matches!(added, Err(Error::Moved(_))), "{added:?}");
        let removed = store.erase_site(site.id, today()).await;
        assert!(removed.is_err(), "{removed:?}");
        // What it holds can still be looked at.
        assert_eq!(views(store, site.id, today()).await, 70);
    }
    assert!(store.take_move_back().await.unwrap());
    assert!(!store.take_move_back().await.unwrap());
    let store = Store::open(&place).await.unwrap();
    let next = batch(site.id, 11);
    let applied = store.apply_batch(&next, [1; 32], noon()).await.unwrap();
    assert_eq!(applied, Applied::Now);
    assert_eq!(views(&store, site.id, today()).await, 77);
}

async fn what_cannot_be_moved_is_refused_and_stays(place: Place) {
    let folder = tempfile::tempdir().unwrap();
    let Some(to) = other(&place, folder.path()).await.pop() else {
        return;
    };
    let why = async |from: (&Store, &Place), to: (&Store, &Place)| {
        let begun = Migration::new(from, to).unwrap().begin().await;
        begun.unwrap_err().to_string()
    };
    let (empty, target) = (open(&place).await, open(&to).await);
    let told = why((&empty, &place), (&target, &to)).await;
    assert!(told.contains("there is nothing to move"), "{told}");
    empty.close().await;
    let (store, site) = filled(&place).await;
    let from = (&store, &place);
    let told = why(from, from).await;
    assert!(
        told.contains("that is the database that is to be moved"),
        "{told}"
    );
    target.add_site("x.example", "UTC", today()).await.unwrap();
    let told = why(from, (&target, &to)).await;
    assert!(told.contains("it has sites or accounts already"), "{told}");
    target.erase_site(1, today()).await.unwrap();
    let told = why(from, (&target, &to)).await;
    assert!(told.contains("it has sites or accounts already"), "{told}");
    assert_eq!(views(&store, site.id, today()).await, 70);

    let file = folder.path().join("dayfly.sqlite");
    for (text, place) in [
        ("sqlite", Some(Place::File(file.clone()))),
        (
            "postgres://a@b/c",
            Some(Place::Url("postgres://a@b/c".into())),
        ),
        (
            "postgresql://a@b/c",
            Some(Place::Url("postgresql://a@b/c".into())),
        ),
        ("mysql://a:secret@b/c", None),
        ("", None),
        ("/some/file.sqlite", None),
    ] {
        let found = target_of(text, &file);
        assert_eq!(found.as_ref().ok(), place.as_ref(), "{text}");
        if let Err(told) = found {
            assert!(told.contains("--to") && !told.contains("secret"), "{told}");
        }
    }
    let shown = Place::Url("postgres://ada:secret@db.example/name?sslmode=require".into()).shown();
    assert_eq!(shown, "postgres://ada@db.example:5432/name");
}

fn target_of(text: &str, file: &Path) -> std::result::Result<Place, String> {
    target(text, file).map_err(|error| error.to_string())
}
