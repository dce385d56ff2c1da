//! The store's tests: batches with everything in them, merging, forgetting, erasure; each on both
//! engines. Settings and what is SQLite's own have files of their own.

mod backups;
pub(crate) mod engines;
mod imports;
mod mail;
mod moving;
mod saved_segments;
mod schema;
mod settings;
mod several;
mod shared_links;
mod size;
pub(crate) mod sqlite;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::json;
use shared::batch::Batch;
use shared::cube::{COUNTERS, CUBES, Counter, Cube};
use shared::rollup::{DIMS, Dim};
use shared::settings::GoalKind;

use super::*;
use crate::accounts::Role;
use crate::accounts::token::PlainToken;
use crate::clock::day_number;
use crate::mail::Kind;
use crate::segment::{Hours, PartId, Segment};
use crate::site::Site;
use engines::on_both_engines;

const HOUR_MS: i64 = 3_600_000;

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn today() -> Date {
    date(2026, 11, 23)
}

/// Noon of 2026-11-23 in Kathmandu (+05:45).
fn noon() -> i64 {
    ms("2026-11-23T06:15:00Z")
}

/// Opens a new store and adds two sites; gives the first.
async fn with_sites(place: &Place) -> (Store, Site) {
    let store = Store::open(place).await.unwrap();
    let day = date(2026, 11, 1);
    for domain in ["a.example", "b.example"] {
        assert!(store.add_site(domain, "Asia/Kathmandu", day).await.unwrap());
    }
    let site = store.site("a.example").await.unwrap().unwrap();
    (store, site)
}

/// A batch with a row in every cube, and every counter in it.
pub(crate) fn batch_on(site: u32, seq: u64, date: Date) -> Batch {
    let mut batch = json!({
        "v": 1,
        "source": {"site": site, "date": date, "shard": 0, "incarnation": "0".repeat(32)},
        "seq": seq, "closed": false, "degraded": false, "hits_total": 3,
        "strings": ["/", "a.example", "DE", "", "7"],
        "visit_attrs": [[0, 1, 3, 3, 3, 3, 3, 3, 3, 3]], "client_attrs": [[2, 3, 3, 3, 3, 3]],
        "dropped": {"bot": 2, "gpc": 1}, "live": {"visitors": 4 + seq, "minute": 719},
        "minutes": [[0, 1, 1], [719, 2, 1]],
    });
    for cube in CUBES {
        let mut row = vec![9];
        row.extend((0..cube.texts().len()).map(|place| place as u64));
        row.extend([0, 0]);
        for (counter, of, _) in COUNTERS {
            if of == cube {
                row.extend([
                    u64::from(u8::from(counter)),
                    1 + u64::from(u8::from(counter)),
                ]);
            }
        }
        batch[cube.name()] = json!([row]);
    }
    let batch: Batch = serde_json::from_value(batch).unwrap();
    Batch::decode(&batch.encode().unwrap()).unwrap()
}

pub(crate) fn batch(site: u32, seq: u64) -> Batch {
    batch_on(site, seq, today())
}

/// Adds somebody who has a role at a site, and somebody who is invited there.
async fn person(store: &Store, site: u32) {
    let new = NewAccount {
        mail: format!("{site}@example.com"),
        name: "Ada".to_owned(),
        is_admin: false,
        password: "!".to_owned(),
    };
    let account = store.add_account(&new, today()).await.unwrap().unwrap();
    let role = Some(Role::Editor);
    store.set_role(site, account, role).await.unwrap();
    let codes = [vec![1; 32], vec![2; 32]];
    store.set_recovery_codes(account, &codes).await.unwrap();
    let invitation = Link::Invitation {
        mail: format!("new-{site}@example.com"),
        is_admin: false,
        site: Some((site, Role::Viewer)),
    };
    store.add_link(&invitation, i64::MAX).await.unwrap();
    let begun = store.begin_login(account, false, today(), i64::MAX, None);
    begun.await.unwrap();
    let wish = MailWish {
        weekly_ms: Some(1),
        ..MailWish::default()
    };
    store.set_mail_wish(site, account, &wish).await.unwrap();
    let of = (site, account, Kind::Weekly);
    assert!(store.take_report(of, 1, noon()).await.unwrap());
}

/// Opens a site to everybody and by a link, whose password somebody has given; the link's token.
async fn opened(store: &Store, site: u32) -> PlainToken {
    store.set_public(site, Some(5)).await.unwrap();
    let new = NewSharedLink {
        name: "For Bob",
        password: Some("!"),
        k: 7,
        works_until: Some(date(2026, 12, 31)),
    };
    let token = store.add_shared_link(site, &new, today()).await.unwrap();
    let [link] = store.shared_links(site).await.unwrap().try_into().unwrap();
    let begun = store.begin_shared_login(link.id, noon(), i64::MAX);
    begun.await.unwrap();
    token
}

pub(crate) async fn number(store: &Store, text: &str) -> i64 {
    let row = store.db.first(sql(text)).await.unwrap().unwrap();
    row.int(0).unwrap()
}

/// All counts of a day.
async fn counted(store: &Store, site: u32, day: Date) -> Segment {
    let mut snapshot = store.snapshot(site).await.unwrap();
    snapshot.whole(day, day).await.unwrap()
}

async fn views(store: &Store, site: u32, day: Date) -> u64 {
    let counted = counted(store, site, day).await;
    let by_page = counted.sum(PartId::Rollup(Dim::Page), Counter::Views);
    assert_eq!(
        counted.sum(PartId::Cube(Cube::Pages), Counter::Views),
        by_page
    );
    by_page
}

/// Every table with a `site_id`.
pub(crate) async fn tables_of_sites(store: &Store) -> Vec<String> {
    let text = match store.engine() {
        Engine::Sqlite => {
            "SELECT m.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
             WHERE m.type = 'table' AND c.name = 'site_id' ORDER BY m.name"
        }
        Engine::Postgres => {
            "SELECT CAST(c.relname AS TEXT) FROM pg_class AS c
             JOIN pg_attribute AS a ON a.attrelid = c.oid
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'site_id'
             ORDER BY c.relname"
        }
    };
    let rows = store.db.all(sql(text)).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

on_both_engines!(
    i7_a_batch_with_everything_is_applied_once,
    i9_many_batches_are_merged_and_every_count_stays,
    i2_minutes_are_gone_after_a_day,
    i12_a_removed_site_leaves_no_row_in_any_table,
    i12_only_a_removed_site_is_gone_and_stays_so,
    hits_of_dead_letters_are_told_apart,
    days_are_merged_and_lose_their_hours,
    counts_are_kept_as_long_as_the_site_says,
    markers_go_and_a_late_duplicate_is_still_one,
    a_source_says_its_last_batch,
    batches_of_many_shards_come_at_once,
    totals_are_stored_by_one_dimension_each,
);

async fn i7_a_batch_with_everything_is_applied_once(place: Place) {
    let (store, site) = with_sites(&place).await;
    let apply = async |seq, sha| {
        let batch = batch(site.id, seq);
        store.apply_batch(&batch, [sha; 32], noon()).await.unwrap()
    };
    for times in 1..=2 {
        assert_eq!(apply(times + 1, 1).await, Applied::Gap { last: times - 1 });
        assert_eq!(apply(times, 1).await, Applied::Now);
        assert_eq!(apply(times, 1).await, Applied::Before);
        assert_eq!(apply(times, 2).await, Applied::Conflict);
        let counted = counted(&store, site.id, today()).await;
        for (counter, cube, name) in COUNTERS {
            let once = 1 + u64::from(u8::from(counter));
            assert_eq!(
                counted.sum(PartId::Cube(cube), counter),
                once * times,
                "{name}"
            );
            for (dim, ..) in DIMS {
                let expected = if dim.holds(counter) { once * times } else { 0 };
                let rollup = PartId::Rollup(dim);
                assert_eq!(counted.sum(rollup, counter), expected, "{name} by {dim:?}");
            }
        }
        for cube in CUBES {
            let rows: Vec<_> = counted.told(PartId::Cube(cube)).collect();
            let [row] = rows.as_slice() else {
                panic!("{rows:?}")
            };
            let texts = ["/", "a.example", "DE"];
            assert!(
                row.texts
                    .iter()
                    .map(|text| &**text)
                    .eq(texts[..cube.texts().len()].iter().copied())
            );
            assert_eq!(
                (row.hour, &*row.visit[1], &*row.client[0]),
                (9, "a.example", "DE")
            );
        }
        let times = i64::try_from(times).unwrap();
        let minutes = "SELECT views * 10 + visitors FROM minute WHERE minute = 719";
        assert_eq!(number(&store, minutes).await, 21 * times);
        assert_eq!(number(&store, "SELECT count(*) FROM minute").await, 2);
        // Who is there now is not a sum.
        assert_eq!(number(&store, "SELECT visitors FROM live").await, 4 + times);
    }
    let dropped = async |site, from, to| store.dropped(site, from, to).await.unwrap();
    let expected = [("bot".to_owned(), 4), ("gpc".to_owned(), 2)];
    assert_eq!(dropped(site.id, today(), today()).await, expected);
    assert!(
        dropped(site.id, date(2026, 11, 24), today())
            .await
            .is_empty()
    );
    assert!(dropped(site.id + 1, today(), today()).await.is_empty());
    let unknown = batch(99, 1);
    let refused = store.apply_batch(&unknown, [1; 32], noon()).await.unwrap();
    assert_eq!(refused, Applied::UnknownSite);
}

async fn i9_many_batches_are_merged_and_every_count_stays(place: Place) {
    let (store, site) = with_sites(&place).await;
    for seq in 1..=100 {
        let batch = batch(site.id, seq);
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    }
    assert_eq!(views(&store, site.id, today()).await, 700);
    // 100 = 1 × 64 + 4 × 8 + 4
    assert_eq!(number(&store, "SELECT count(*) FROM segment").await, 9);
    assert_eq!(number(&store, "SELECT count(*) FROM part").await, 9);
    assert!(
        store
            .merge_day(site.id, today(), Hours::Kept)
            .await
            .unwrap()
    );
    assert!(
        !store
            .merge_day(site.id, today(), Hours::Kept)
            .await
            .unwrap()
    );
    assert_eq!(number(&store, "SELECT count(*) FROM segment").await, 1);
    assert_eq!(views(&store, site.id, today()).await, 700);
}

async fn days_are_merged_and_lose_their_hours(place: Place) {
    let (store, site) = with_sites(&place).await;
    let (old, recent) = (date(2026, 9, 1), date(2026, 11, 20));
    for day in [old, recent, today()] {
        for seq in 1..=2 {
            let batch = batch_on(site.id, seq, day);
            store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
        }
    }
    let due = async || {
        let found = store
            .days_to_merge(site.id, today(), date(2026, 10, 1))
            .await;
        found.unwrap()
    };
    assert_eq!(due().await, [old, recent]);
    assert!(store.merge_day(site.id, old, Hours::Folded).await.unwrap());
    assert!(store.merge_day(site.id, recent, Hours::Kept).await.unwrap());
    assert!(due().await.is_empty());
    for (day, hour) in [(old, 0), (recent, 9)] {
        let counted = counted(&store, site.id, day).await;
        let hours = |id| counted.told(id).map(|row| row.hour).collect::<Vec<_>>();
        assert_eq!(hours(PartId::Cube(Cube::Pages)), [hour]);
        assert_eq!(hours(PartId::Rollup(Dim::Total)), [9]);
        assert_eq!(views(&store, site.id, day).await, 14);
    }
    // What comes late makes the day due again.
    let late = batch_on(site.id, 3, old);
    store.apply_batch(&late, [1; 32], noon()).await.unwrap();
    assert_eq!(due().await, [old]);
    assert!(store.merge_day(site.id, old, Hours::Folded).await.unwrap());
    assert_eq!(views(&store, site.id, old).await, 21);
    assert!(due().await.is_empty());
}

async fn counts_are_kept_as_long_as_the_site_says(place: Place) {
    let (store, site) = with_sites(&place).await;
    let days = [
        date(2024, 10, 22),
        date(2024, 10, 23),
        date(2026, 8, 22),
        today(),
    ];
    for day in days {
        let batch = batch_on(site.id, 1, day);
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    }
    let left = async || {
        let mut left = Vec::new();
        for day in days {
            left.push(views(&store, site.id, day).await > 0);
        }
        left
    };
    assert_eq!(store.kept_months(site.id).await.unwrap(), 25);
    assert!(store.forget_old_days(site.id, today()).await.unwrap());
    assert_eq!(left().await, [false, true, true, true]);
    assert!(!store.forget_old_days(site.id, today()).await.unwrap());
    store.keep_months(site.id, 3).await.unwrap();
    assert!(store.forget_old_days(site.id, today()).await.unwrap());
    store.give_back().await.unwrap();
    assert_eq!(left().await, [false, false, false, true]);
    for (table, rows) in [("segment", 1), ("source", 2), ("part", 1)] {
        let text = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&store, &text).await, rows, "{table}");
    }
    // An edge that asks after its time is not made to send all of it again.
    let source = batch_on(site.id, 1, days[2]).source;
    let last = store.last_of_source(&source).await.unwrap();
    assert_eq!(last, LastOf::Batch(1));
    let next_year = date(2027, 11, 26);
    assert!(store.forget_old_days(site.id, next_year).await.unwrap());
    assert_eq!(
        store.last_of_source(&source).await.unwrap(),
        LastOf::Batch(0)
    );
    assert!(store.keep_months(site.id, 0).await.is_err());
    assert!(store.keep_months(site.id, 1_201).await.is_err());
}

async fn markers_go_and_a_late_duplicate_is_still_one(place: Place) {
    let (store, site) = with_sites(&place).await;
    let all = batch(site.id, 1);
    store.apply_batch(&all, [1; 32], noon()).await.unwrap();
    let forget = async |day| store.forget_markers(site.id, day).await.unwrap();
    // Where it is tomorrow already none is gone that is still looked for.
    for utc in (1..=6).map(|day| date(2026, 12, day)) {
        assert!(markers_are_kept(today(), utc));
        forget(utc.tomorrow().unwrap()).await;
        assert_eq!(number(&store, "SELECT count(*) FROM batch").await, 1);
    }
    assert!(!markers_are_kept(today(), date(2026, 12, 7)));
    let again = async |sha| store.apply_batch(&all, [sha; 32], noon()).await.unwrap();
    assert_eq!(again(2).await, Applied::Conflict);
    forget(date(2026, 12, 8)).await;
    assert_eq!(number(&store, "SELECT count(*) FROM batch").await, 0);
    assert_eq!(again(1).await, Applied::Before);
    assert_eq!(views(&store, site.id, today()).await, 7);
}

async fn a_source_says_its_last_batch(place: Place) {
    let (store, site) = with_sites(&place).await;
    let mut source = batch(site.id, 1).source;
    let last = async |source: &shared::batch::Source| store.last_of_source(source).await.unwrap();
    assert_eq!(last(&source).await, LastOf::Batch(0));
    for seq in 1..=3 {
        let batch = batch(site.id, seq);
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    }
    assert_eq!(last(&source).await, LastOf::Batch(3));
    source.incarnation = "1".repeat(32);
    assert_eq!(last(&source).await, LastOf::Batch(0));
    source.site = 99;
    assert_eq!(last(&source).await, LastOf::UnknownSite);
}

async fn batches_of_many_shards_come_at_once(place: Place) {
    let (store, site) = with_sites(&place).await;
    let mut tasks = tokio::task::JoinSet::new();
    for shard in 0..6 {
        let (store, site) = (store.clone(), site.id);
        tasks.spawn(async move {
            for seq in 1..=6 {
                let mut batch = batch(site, seq);
                batch.source.shard = shard;
                let applied = store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
                assert_eq!(applied, Applied::Now);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(views(&store, site.id, today()).await, 36 * 7);
    assert_eq!(number(&store, "SELECT count(*) FROM source").await, 6);
}

async fn totals_are_stored_by_one_dimension_each(place: Place) {
    let (store, site) = with_sites(&place).await;
    let cross = batch(site.id, 1);
    let totals = cross.to_totals().unwrap();
    store.apply_batch(&totals, [1; 32], noon()).await.unwrap();
    let other = store.site("b.example").await.unwrap().unwrap();
    let cross = batch(other.id, 1);
    store.apply_batch(&cross, [1; 32], noon()).await.unwrap();
    let told = async |site| {
        let mut snapshot = store.snapshot(site).await.unwrap();
        snapshot.has_totals(today(), today()).await.unwrap()
    };
    assert!(told(site.id).await && !told(other.id).await);
    let totals = counted(&store, site.id, today()).await;
    let cross = counted(&store, other.id, today()).await;
    for part in PartId::all() {
        let rows = |of: &Segment| of.told(part).collect::<Vec<_>>();
        match part {
            PartId::Rollup(_) => assert_eq!(rows(&totals), rows(&cross), "{part:?}"),
            _ => assert!(rows(&totals).is_empty(), "{part:?}"),
        }
    }
}

async fn i2_minutes_are_gone_after_a_day(place: Place) {
    let (store, site) = with_sites(&place).await;
    let batch_1 = batch(site.id, 1);
    store.apply_batch(&batch_1, [1; 32], noon()).await.unwrap();
    let sites = store.sites().await.unwrap();
    // Minute 0 is twelve hours old, minute 719 one minute.
    let left = async |later_ms: i64| {
        store
            .forget_minutes(&sites, noon() + later_ms)
            .await
            .unwrap();
        let minutes = number(&store, "SELECT count(*) FROM minute").await;
        let live = number(&store, "SELECT count(*) FROM live").await;
        (minutes, live)
    };
    assert_eq!(left(11 * HOUR_MS).await, (2, 1));
    // In an hour, when it is looked at again, the first would be more than 24 hours old.
    assert_eq!(left(11 * HOUR_MS + 60_000).await, (1, 1));
    assert_eq!(left(22 * HOUR_MS).await, (1, 1));
    assert_eq!(left(23 * HOUR_MS).await, (0, 0));
    // What the edge kept through an outage brings no old minute in; its counts are all there.
    let late = noon() + 30 * HOUR_MS;
    let batch_2 = batch(site.id, 2);
    store.apply_batch(&batch_2, [1; 32], late).await.unwrap();
    assert_eq!(left(24 * HOUR_MS).await, (0, 0));
    assert_eq!(views(&store, site.id, today()).await, 14);
}

async fn i12_a_removed_site_leaves_no_row_in_any_table(place: Place) {
    let (store, site) = with_sites(&place).await;
    let other = store.site("b.example").await.unwrap().unwrap();
    for site in [&site, &other] {
        let all = batch(site.id, 1);
        store.apply_batch(&all, [1; 32], noon()).await.unwrap();
        let page = GoalKind::Page { path: "/x".into() };
        store.add_goal(site.id, page, None).await.unwrap();
        let event = GoalKind::Event { name: "E".into() };
        store.add_goal(site.id, event, None).await.unwrap();
        store.add_funnel(site.id, "F", vec![1, 2]).await.unwrap();
        store
            .create_key(&NewKey::of(Some(site.id), Scope::Stats), today())
            .await
            .unwrap();
        let import = format!(
            "INSERT INTO import (site_id, sha256, name, started_on, done, times, settings)
             SELECT {}, sha256, 'x', 1, 1, 0, '' FROM batch LIMIT 1",
            site.id
        );
        store.db.execute(sql(import)).await.unwrap();
        person(&store, site.id).await;
        opened(&store, site.id).await;
        let filters = json!([["is", "event:page", ["/x"]]]);
        let saved = store.add_saved_segment(site.id, None, "S", &filters);
        saved.await.unwrap();
    }
    let sites = store.sites().await.unwrap();
    store
        .shards(&sites, ms("2026-11-23T17:00:00Z"))
        .await
        .unwrap();
    let tables = tables_of_sites(&store).await;
    assert!(tables.len() >= 16, "{tables:?}");
    let rows = async |site: &Site| {
        let mut filled = Vec::new();
        for table in &tables {
            let sql = format!("SELECT count(*) FROM {table} WHERE site_id = {}", site.id);
            if number(&store, &sql).await > 0 {
                filled.push(table.clone());
            }
        }
        filled
    };
    assert_eq!(rows(&site).await, tables, "the test fills every table");
    assert!(store.remove_site("a.example", today()).await.unwrap());
    assert!(rows(&site).await.is_empty());
    let logins = number(&store, "SELECT count(*) FROM shared_login").await;
    assert_eq!(logins, 1, "the other site's");
    assert_eq!(rows(&other).await, tables);
    assert!(!store.remove_site("a.example", today()).await.unwrap());
    // But for the number and the date.
    let erased = store.db.all(sql("SELECT * FROM erased")).await.unwrap();
    let [erased] = erased.as_slice() else {
        panic!("{} rows", erased.len())
    };
    let noted = [0, 1].map(|column| erased.int(column).unwrap());
    assert_eq!(noted, [i64::from(site.id), day_number(today())]);
    assert!(erased.int(2).is_err(), "two columns");
}

async fn i12_only_a_removed_site_is_gone_and_stays_so(place: Place) {
    let (store, site) = with_sites(&place).await;
    let say = async |store: &Store, id| {
        let batch = batch(id, 1);
        let last = store.last_of_source(&batch.source).await.unwrap();
        let applied = store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
        (last, applied)
    };
    let gone = (LastOf::Gone, Applied::Gone);
    let unknown = (LastOf::UnknownSite, Applied::UnknownSite);
    assert!(store.remove_site("a.example", today()).await.unwrap());
    assert_eq!(say(&store, site.id).await, gone);
    assert_eq!(say(&store, 77).await, unknown);
    // One that this database does not know is dropped when somebody says so, and its number is
    // never given.
    assert!(store.forget_site(77, today()).await.unwrap());
    assert_eq!(say(&store, 77).await, gone);
    let other = store.site("b.example").await.unwrap().unwrap();
    assert!(!store.forget_site(other.id, today()).await.unwrap());
    assert_eq!(
        say(&store, other.id).await,
        (LastOf::Batch(0), Applied::Now)
    );
    store.add_site("c.example", "UTC", today()).await.unwrap();
    assert_eq!(store.site("c.example").await.unwrap().unwrap().id, 78);
}

async fn hits_of_dead_letters_are_told_apart(place: Place) {
    let (store, site) = with_sites(&place).await;
    // The second batch is the blank of a dead letter, the fourth is the letter.
    for (seq, hits_total, set_aside) in [(1, 3, 0), (2, 8, 5), (3, 9, 0), (4, 9, -5)] {
        let mut batch = batch(site.id, seq);
        (batch.hits_total, batch.set_aside) = (hits_total, set_aside);
        for _ in 0..2 {
            store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
        }
        let known = store.sources(site.id).await.unwrap();
        let expected = if (2..=3).contains(&seq) { 5 } else { 0 };
        assert_eq!(
            (known[0].hits_total, known[0].set_aside),
            (hits_total, expected)
        );
    }
}
