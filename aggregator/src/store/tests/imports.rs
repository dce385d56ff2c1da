//! Imports in the store: which file is in, and rollups that come without cubes.

use shared::batch::Source;
use shared::settings::{Settings, Signal};

use super::*;
use crate::segment::RollupRow;

on_both_engines!(
    a_file_is_begun_gone_on_with_finished_and_begun_again,
    i7_rollups_are_applied_once,
);

async fn a_file_is_begun_gone_on_with_finished_and_begun_again(place: Place) {
    let (store, site) = with_sites(&place).await;
    let first = Settings {
        dnt: Signal::Drop,
        ..Settings::default()
    };
    let later = Settings::default();
    let sha256 = [7; 32];
    let begin = async |again: bool, settings: &Settings| {
        let day = today();
        let begun = store.begin_import(site.id, sha256, "x.jsonl", again, day, settings);
        begun.await.unwrap()
    };
    let row = |times, settings: &Settings, resumed| {
        Begun::Started(ImportRow {
            times,
            on: today(),
            settings: settings.clone(),
            resumed,
        })
    };
    assert_eq!(begin(false, &first).await, row(0, &first, false));
    // Broken off: as it was begun, whatever was decided since.
    assert_eq!(begin(true, &later).await, row(0, &first, true));
    store.finish_import(site.id, &sha256).await.unwrap();
    let refused = Begun::Refused {
        name: "x.jsonl".into(),
        started_on: today(),
    };
    assert_eq!(begin(false, &later).await, refused);
    assert_eq!(begin(true, &later).await, row(1, &later, false));
    assert_eq!(begin(false, &first).await, row(1, &later, true));
    store.finish_import(site.id, &sha256).await.unwrap();
    assert_eq!(begin(true, &first).await, row(2, &first, false));
    // Another site has not got it.
    let other = store.site("b.example").await.unwrap().unwrap();
    let begun = store.begin_import(other.id, sha256, "x", false, today(), &later);
    assert_eq!(begun.await.unwrap(), row(0, &later, false));
    let gone = store.begin_import(99, sha256, "x", false, today(), &later);
    assert!(gone.await.is_err());
    // What there was, the latest first.
    let next = today().tomorrow().unwrap();
    let begun = store.begin_import(other.id, [8; 32], "y", false, next, &later);
    begun.await.unwrap();
    store.finish_import(other.id, &[8; 32]).await.unwrap();
    let past = |name: &str, started_on, done, times| PastImport {
        name: name.into(),
        started_on,
        done,
        times,
    };
    let listed = async |site, most| store.imports(site, most).await.unwrap();
    let [x, y] = [past("x", today(), false, 0), past("y", next, true, 0)];
    assert_eq!(listed(other.id, 9).await, [y.clone(), x]);
    assert_eq!(listed(other.id, 1).await, [y]);
    let mine = past("x.jsonl", today(), false, 2);
    assert_eq!(listed(site.id, 9).await, [mine]);
}

async fn i7_rollups_are_applied_once(place: Place) {
    let (store, site) = with_sites(&place).await;
    let row = |text: &str, n| RollupRow {
        hour: 0,
        dim: Dim::Page,
        texts: vec![text.into()],
        counters: [(Counter::Views, n), (Counter::DayPageVisitors, 1)].into(),
    };
    let rows = [row("/b", 2), row("/a", 3), row("/b", 4)];
    let mut rollups = Rollups {
        source: Source {
            site: site.id,
            date: today(),
            shard: 0,
            incarnation: "1".repeat(32),
        },
        hits_total: 9,
        sha256: [1; 32],
        segment: Segment::of_rollups(rows).unwrap(),
    };
    for applied in [Applied::Now, Applied::Before, Applied::Before] {
        assert_eq!(store.apply_rollups(&rollups).await.unwrap(), applied);
    }
    store
        .apply_batch(&batch(site.id, 1), [2; 32], noon())
        .await
        .unwrap();
    let counted = counted(&store, site.id, today()).await;
    let told: Vec<_> = counted.told(PartId::Rollup(Dim::Page)).collect();
    let of_b = told
        .iter()
        .find(|row| row.texts[0].as_ref() == "/b")
        .unwrap();
    let wanted = [(Counter::Views, 6), (Counter::DayPageVisitors, 2)];
    assert!(
        wanted.iter().all(|count| of_b.counters.contains(count)),
        "{of_b:?}"
    );
    assert_eq!(
        store.open_sources(site.id, today()).await.unwrap(),
        1,
        "the batch's only"
    );

    rollups.sha256 = [3; 32];
    assert_eq!(
        store.apply_rollups(&rollups).await.unwrap(),
        Applied::Conflict
    );
    rollups.source.site = 99;
    assert_eq!(
        store.apply_rollups(&rollups).await.unwrap(),
        Applied::UnknownSite
    );
    // What a rollup cannot hold is refused.
    for (dim, texts, counter) in [
        (Dim::Page, 1, Counter::Exits),
        (Dim::Page, 2, Counter::Views),
        (Dim::Total, 1, Counter::Views),
    ] {
        let row = RollupRow {
            hour: 0,
            dim,
            texts: vec!["x".into(); texts],
            counters: [(counter, 1)].into(),
        };
        assert!(Segment::of_rollups([row]).is_err());
    }
}
