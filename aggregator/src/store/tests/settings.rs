//! What owners decide, and what is decided for them: shards.

use jiff::civil::date;
use shared::settings::{GoalKind, Signal};

use super::engines::on_both_engines;
use super::{HOUR_MS, batch, noon, number, with_sites};
use crate::clock::day_number;
use crate::store::{Place, Store};

on_both_engines!(
    settings_are_checked_whole_before_they_are_stored,
    shards_are_decided_once_and_survive_a_restart,
);

async fn settings_are_checked_whole_before_they_are_stored(place: Place) {
    let (store, site) = with_sites(&place).await;
    let changed = store
        .change_settings(site.id, |settings| {
            settings.gpc = Signal::Drop;
            settings.clean_paths = false;
            settings.shields.pages.push("/admin/**".into());
            Ok(())
        })
        .await
        .unwrap();
    let refused = store.change_settings(site.id, |settings| {
        settings.dnt = Signal::Drop;
        settings.shields.countries.push("de".into());
        Ok(())
    });
    let refused = refused.await.unwrap_err().to_string();
    assert!(refused.starts_with("shields.countries: "), "{refused}");
    assert_eq!(store.settings_of(site.id).await.unwrap(), changed);
    let gone = store.change_settings(99, |_| Ok(())).await.unwrap_err();
    assert_eq!(gone.to_string(), "the site does not exist any more");

    // Numbers of goals and funnels are never given twice, not even after a refusal.
    let event = |name: &str| GoalKind::Event { name: name.into() };
    let add = async |kind, name| store.add_goal(site.id, kind, name).await;
    assert_eq!(add(event("A"), None).await.unwrap().goal.id, 1);
    let scroll = GoalKind::Scroll {
        path: "/b".into(),
        percent: 75,
    };
    let scroll = add(scroll, None).await.unwrap();
    assert_eq!(
        (scroll.goal.id, scroll.name.as_str()),
        (2, "Scroll 75% on /b")
    );
    for (kind, name, error) in [
        (event("A"), None, "goals: the same goal twice"),
        (event("B"), Some("A"), "name: there is a goal \"A\" already"),
        (
            event("B"),
            Some(" "),
            "name: a name has 1 to 120 characters",
        ),
        (event("B"), Some("a\nb"), "name: a control character"),
        (
            event("pageview"),
            None,
            "goals: for page views make a page goal",
        ),
    ] {
        let refused = add(kind, name).await.unwrap_err().to_string();
        assert_eq!(refused, error);
    }
    assert_eq!(store.goals(site.id).await.unwrap()[1], scroll);
    store.remove_goal(site.id, 2).await.unwrap();
    assert_eq!(add(event("C"), Some("See")).await.unwrap().goal.id, 3);

    let refused = store.add_funnel(site.id, "F", vec![1, 2]).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "funnels: a step is not a goal of the site"
    );
    let funnel = store.add_funnel(site.id, "F", vec![1, 3]).await.unwrap();
    assert!(store.add_funnel(site.id, "F", vec![3, 1]).await.is_err());
    let used = store.remove_goal(site.id, 3).await.unwrap_err();
    assert_eq!(
        used.to_string(),
        format!(
            "goal 3 is a step of funnel {} \"F\": remove that first",
            funnel.funnel.id
        )
    );
    let all = store.settings().await.unwrap();
    let known = &all[&site.id];
    assert_eq!((known.gpc, known.goals.len()), (Signal::Drop, 2));
    assert_eq!(known.funnels, std::slice::from_ref(&funnel.funnel));
    assert_eq!(all.len(), 2);
    store
        .remove_funnel(site.id, funnel.funnel.id)
        .await
        .unwrap();
    store.remove_goal(site.id, 3).await.unwrap();
    assert!(store.remove_funnel(site.id, 1).await.is_err());
    assert!(store.remove_goal(site.id, 3).await.is_err());
}

async fn shards_are_decided_once_and_survive_a_restart(place: Place) {
    let (store, site) = with_sites(&place).await;
    let sites = store.sites().await.unwrap();
    let today = site.day(date(2026, 11, 23)).unwrap();
    let hits = async |store: &Store, shard: u16, total: u64| {
        let mut batch = batch(site.id, 1);
        batch.source.shard = shard;
        batch.hits_total = total;
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    };
    hits(&store, 0, 5_000_000).await;
    let told = async |store: &Store, now_ms: i64| {
        let shards = store.shards(&sites, now_ms).await.unwrap();
        let shards = shards.get(&site.id).cloned().unwrap_or_default();
        let dates = [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 30)];
        dates.map(|date| shards.on(date))
    };
    assert_eq!(told(&store, noon()).await, [1, 1, 1]);
    assert_eq!(told(&store, today.end_ms - 2 * HOUR_MS).await, [1, 3, 3]);
    // More comes in: what was decided stays, also when the aggregator starts anew.
    hits(&store, 1, 50_000_000).await;
    assert_eq!(told(&store, today.end_ms - HOUR_MS).await, [1, 3, 3]);
    store.close().await;
    let store = Store::open(&place).await.unwrap();
    assert_eq!(told(&store, today.end_ms - HOUR_MS).await, [1, 3, 3]);
    assert_eq!(told(&store, today.end_ms).await, [1, 3, 3]);
    // The next evening nobody has come: one again, from the day after.
    let evening = today.end_ms + 23 * HOUR_MS;
    assert_eq!(told(&store, evening).await[1..], [3, 1]);
    let of_site = format!("SELECT count(*) FROM shards WHERE site_id = {}", site.id);
    assert_eq!(number(&store, &of_site).await, 2);
    let begun = day_number(date(2026, 11, 24));
    let kept = format!(
        "SELECT shards FROM shards WHERE site_id = {} AND date = {begun}",
        site.id
    );
    assert_eq!(number(&store, &kept).await, 3);
}
