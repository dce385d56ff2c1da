//! Backups, from each engine to each.

use super::engines::{on_both_engines, postgres};
use super::*;
use crate::backup;

on_both_engines!(
    a_backup_restores_every_row_on_either_engine,
    i12_what_is_known_of_removed_sites_outlives_a_restore,
    what_opens_accounts_is_in_no_backup,
    what_is_no_backup_changes_nothing,
    a_backup_of_an_earlier_schema_is_restored_and_one_of_a_later_is_not,
    every_table_is_in_a_backup_or_left_out_on_purpose,
);

/// A store with something in every table; its first site.
pub(super) async fn filled(place: &Place) -> (Store, Site) {
    let (store, site) = with_sites(place).await;
    for seq in 1..=10 {
        let all = batch(site.id, seq);
        store.apply_batch(&all, [1; 32], noon()).await.unwrap();
    }
    let page = GoalKind::Page { path: "/x".into() };
    store.add_goal(site.id, page, None).await.unwrap();
    let event = GoalKind::Event { name: "E".into() };
    store.add_goal(site.id, event, None).await.unwrap();
    store.add_funnel(site.id, "F", vec![1, 2]).await.unwrap();
    let filters = json!([["is", "event:page", ["/x"]]]);
    let saved = store.add_saved_segment(site.id, None, "S", &filters);
    saved.await.unwrap();
    store
        .create_key(&NewKey::of(Some(site.id), Scope::Stats), today())
        .await
        .unwrap();
    store
        .create_key(&NewKey::of(None, Scope::Sites), today())
        .await
        .unwrap();
    person(&store, site.id).await;
    opened(&store, site.id).await;
    store.mail_key().await.unwrap();
    store.keep_months(site.id, 7).await.unwrap();
    let sites = store.sites().await.unwrap();
    store
        .shards(&sites, ms("2026-11-23T17:00:00Z"))
        .await
        .unwrap();
    (store, site)
}

/// Every row that a backup holds.
async fn dumped(store: &Store) -> Vec<crate::backup::format::Frame> {
    let mut frames = Vec::new();
    let mut dump = store.dump().await.unwrap();
    dump.rows(|frame| {
        frames.push(frame);
        Ok(())
    })
    .await
    .unwrap();
    frames
}

async fn a_backup_restores_every_row_on_either_engine(place: Place) {
    let (store, site) = filled(&place).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.backup");
    let made = backup::make(&store, &file, noon()).await.unwrap();
    assert_eq!(backup::verify(&file).unwrap(), made.rows);
    let before = dumped(&store).await;

    let mut others = vec![Place::File(folder.path().join("other.sqlite"))];
    others.extend(postgres().await);
    for other in others {
        let other = Store::open(&other).await.unwrap();
        let taken = backup::restore(&other, &file, false).await.unwrap();
        assert_eq!((taken.made_ms, taken.restored.rows), (noon(), made.rows));
        assert_eq!(taken.restored.sites, 2);
        // The same but for the numbers that are skipped, which no two goals may share.
        let goal = other
            .add_goal(site.id, GoalKind::Event { name: "N".into() }, None)
            .await
            .unwrap();
        assert_eq!(goal.goal.id, 1_003);
        other.remove_goal(site.id, 1_003).await.unwrap();
        let back = format!(
            "UPDATE site SET last_goal = {}, last_funnel = {} WHERE id = {}",
            2, 1, site.id
        );
        other.db.execute(sql(back)).await.unwrap();
        other
            .db
            .execute(sql(
                "UPDATE site SET last_goal = 0, last_funnel = 0 WHERE domain = 'b.example'",
            ))
            .await
            .unwrap();
        let mut after = dumped(&other).await;
        let mut expected = before.clone();
        let order = |frames: &mut Vec<_>| frames.sort_by_key(|frame| format!("{frame:?}"));
        order(&mut after);
        order(&mut expected);
        assert_eq!(after, expected);
        assert_eq!(views(&other, site.id, today()).await, 70);
        // It goes on: the next batch of the source, a new site with a number nobody had.
        let next = batch(site.id, 11);
        let applied = other.apply_batch(&next, [1; 32], noon()).await.unwrap();
        assert_eq!(applied, Applied::Now);
        other.add_site("c.example", "UTC", today()).await.unwrap();
        assert!(other.site("c.example").await.unwrap().unwrap().id > 1_000);
        // Not over what is there, unless it is said.
        assert!(backup::restore(&other, &file, false).await.is_err());
        assert_eq!(views(&other, site.id, today()).await, 77);
        backup::restore(&other, &file, true).await.unwrap();
        assert_eq!(views(&other, site.id, today()).await, 70);
        assert!(other.site("c.example").await.unwrap().is_none());
        other.close().await;
    }
}

async fn i12_what_is_known_of_removed_sites_outlives_a_restore(place: Place) {
    let (store, site) = filled(&place).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    backup::make(&store, &file("before"), noon()).await.unwrap();
    store.forget_site(77, today()).await.unwrap();
    assert!(store.remove_site("a.example", today()).await.unwrap());
    backup::make(&store, &file("after"), noon()).await.unwrap();
    let say = async |store: &Store, id| {
        let batch = batch(id, 11);
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap()
    };

    // In the backup: also in a database that was empty.
    let mut others = vec![Place::File(file("other.sqlite"))];
    others.extend(postgres().await);
    for other in others {
        let other = Store::open(&other).await.unwrap();
        assert_eq!(say(&other, site.id).await, Applied::UnknownSite);
        let taken = backup::restore(&other, &file("after"), false).await;
        assert!(taken.unwrap().restored.came_back.is_empty());
        assert_eq!(say(&other, site.id).await, Applied::Gone);
        assert_eq!(say(&other, 77).await, Applied::Gone);
        other.close().await;
    }

    // Not in the backup: what is known here is kept. A site that comes back is told.
    let taken = backup::restore(&store, &file("before"), true).await;
    let came_back = taken.unwrap().restored.came_back;
    let told = [("a.example".to_owned(), today())];
    assert!(
        came_back
            .iter()
            .map(|site| (site.domain.clone(), site.erased_on))
            .eq(told)
    );
    assert_eq!(say(&store, 77).await, Applied::Gone);
    assert_eq!(say(&store, site.id).await, Applied::Now);
}

async fn what_opens_accounts_is_in_no_backup(place: Place) {
    let (store, site) = filled(&place).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.backup");
    backup::make(&store, &file, noon()).await.unwrap();
    let rows = async |table| number(&store, &format!("SELECT count(*) FROM {table}")).await;
    let first = store.add_link(&Link::First, i64::MAX).await.unwrap();
    assert_eq!((rows("login").await, rows("one_time_link").await), (1, 2));
    assert_eq!(rows("shared_login").await, 1);
    backup::restore(&store, &file, true).await.unwrap();
    assert_eq!((rows("login").await, rows("one_time_link").await), (0, 0));
    assert_eq!(rows("shared_login").await, 0);
    assert_eq!(rows("shared_link").await, 1);
    assert!(store.link(first.hash(), noon()).await.unwrap().is_none());
    let mail = format!("{}@example.com", site.id);
    let account = store.account_of(&mail).await.unwrap().unwrap();
    assert!(account.is_admin && account.password == "!");
    assert_eq!(store.recovery_codes_left(account.id).await.unwrap(), 2);
    assert_eq!(store.people(site.id).await.unwrap()[0].role, Role::Editor);
    // Accounts are not thrown away unasked, where there is no site yet.
    for domain in ["a.example", "b.example"] {
        store.remove_site(domain, today()).await.unwrap();
    }
    let refused = backup::restore(&store, &file, false).await.unwrap_err();
    assert!(
        refused.to_string().contains("accounts already"),
        "{refused}"
    );
}

async fn what_is_no_backup_changes_nothing(place: Place) {
    let (store, site) = filled(&place).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.backup");
    backup::make(&store, &file, noon()).await.unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    let middle = bytes.len() / 2;
    changed[middle] ^= 1;
    for bad in [
        &bytes[..bytes.len() - 1],
        &bytes[..middle],
        &changed,
        b"",
        b"x",
    ] {
        std::fs::write(&file, bad).unwrap();
        assert!(backup::restore(&store, &file, true).await.is_err());
        assert_eq!(views(&store, site.id, today()).await, 70);
    }
    let missing = folder.path().join("missing/x.backup");
    assert!(backup::make(&store, &missing, noon()).await.is_err());
    // By the clock: the oldest go.
    let kept = folder.path().join("kept");
    for hour in 0..5 {
        let now_ms = noon() + hour * HOUR_MS;
        assert!(backup::is_due(&kept, 1, now_ms));
        backup::make_scheduled(&store, &kept, 3, now_ms)
            .await
            .unwrap();
        assert!(!backup::is_due(&kept, 1, now_ms + HOUR_MS - 1_000));
    }
    let mut names: Vec<_> = std::fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected =
        ["081500", "091500", "101500"].map(|at| format!("dayfly-2026-11-23T{at}Z.backup"));
    assert_eq!(names, expected);
}

async fn a_backup_of_an_earlier_schema_is_restored_and_one_of_a_later_is_not(place: Place) {
    use crate::backup::format::{Cell, Frame};
    let (store, site) = filled(&place).await;
    let now = dumped(&store).await;
    // A column that came later has what it is made with, and a table that did is empty.
    let (mut frames, mut table, mut at) = (Vec::new(), String::new(), None);
    for frame in now.clone() {
        match frame {
            Frame::Table { name, mut columns } => {
                at = columns.iter().position(|column| column == "kept_months");
                at.map(|at| columns.remove(at));
                table.clone_from(&name);
                frames.push(Frame::Table { name, columns });
            }
            Frame::Row(mut cells) => {
                at.map(|at| cells.remove(at));
                frames.push(Frame::Row(cells));
            }
            other => frames.push(other),
        }
        if table == "saved_segment" {
            frames.pop();
        }
    }
    let mut earlier = frames.into_iter();
    let restored = store.load(|| Ok(earlier.next()), 2, true).await.unwrap();
    assert_eq!(restored.sites, 2);
    assert_eq!(views(&store, site.id, today()).await, 70);
    assert_eq!(store.kept_months(site.id).await.unwrap(), 25);
    assert_eq!(
        number(&store, "SELECT count(*) FROM saved_segment").await,
        0
    );

    let site_with = |column: &str| Frame::Table {
        name: "site".into(),
        columns: vec!["id".into(), column.into()],
    };
    for later in [
        vec![Frame::Table {
            name: "later".into(),
            columns: vec!["id".into()],
        }],
        vec![
            site_with("later"),
            Frame::Row(vec![Cell::Int(1), Cell::Int(1)]),
        ],
        vec![
            site_with("id"),
            Frame::Row(vec![Cell::Int(1), Cell::Int(1)]),
        ],
        vec![
            site_with("domain"),
            Frame::Row(vec![Cell::Int(1), Cell::Int(1)]),
        ],
    ] {
        let mut later = later.into_iter();
        let refused = store.load(|| Ok(later.next()), 2, true).await.unwrap_err();
        assert!(refused.to_string().contains("does not know"), "{refused}");
        assert_eq!(views(&store, site.id, today()).await, 70);
    }
}

async fn every_table_is_in_a_backup_or_left_out_on_purpose(place: Place) {
    let (store, _) = with_sites(&place).await;
    let mut known: Vec<String> = tables_of_sites(&store).await;
    let others = [
        "site",
        "erased",
        "account",
        "recovery_code",
        "login",
        "shared_login",
        "mail_key",
        "moved",
        "salt_keeper",
    ];
    known.extend(others.map(str::to_owned));
    let mut told: Vec<String> = Vec::new();
    for frame in dumped(&store).await {
        if let crate::backup::format::Frame::Table { name, columns } = frame {
            let text = match store.engine() {
                Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{name}')"),
                Engine::Postgres => format!(
                    "SELECT CAST(attname AS TEXT) FROM pg_attribute
                     WHERE attrelid = '{name}'::regclass AND attnum > 0"
                ),
            };
            let rows = store.db.all(sql(text)).await.unwrap();
            let mut all: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
            // A key's own number says nothing and is given anew.
            all.retain(|column| name != "api_key" || column != "id");
            assert_eq!(columns, all, "{name}");
            told.push(name);
        }
    }
    told.extend(tables::LEFT_OUT.map(|(name, _)| name.to_owned()));
    told.extend(tables::OF_ONE.map(|(name, _)| name.to_owned()));
    let (tables, columns, unknown) = store.schema().await.unwrap();
    assert_eq!(tables as usize, told.len() + 1, "and the migrations");
    assert!(columns > 60 && unknown.is_empty(), "{columns} {unknown:?}");
    told.sort();
    known.sort();
    assert_eq!(told, known);
}
